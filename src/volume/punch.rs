//! Making a range of an open file read as zeros.

use super::error::Error;
use super::file::File;
use super::state::Contents;
use super::sys;

/// Zeros that are written in one go.
static ZEROS: [u8; 1 << 16] = [0; 1 << 16];

impl File {
    /// Makes `len` bytes at `offset` read as zeros; the size stays. Where the volume allows holes, whole blocks
    /// give their space back; otherwise zeros are written, encrypted like any data.
    pub fn punch_hole(&self, offset: u64, len: u64) -> Result<(), Error> {
        self.check_open_for_writing()?;
        let _chains = self.hold_chains_for_header();
        let mut contents = self.state.write();
        let (size, _) = self.size("zeroing")?;
        let end = offset.saturating_add(len).min(size);

        let layout = *self.core.content.layout();
        let first = offset.div_ceil(layout.payload_len() as u64);
        let (past_last, _) = layout.locate(end);
        if !self.core.content.allows_holes() || first >= past_last {
            return self.write_zeros(&mut contents, offset, end);
        }
        self.write_zeros(&mut contents, offset, layout.plain_offset(first))?;
        let from = layout.cipher_offset(first);
        let punched = sys::punch_hole(self.fd(), from, layout.cipher_offset(past_last) - from);
        punched.map_err(|errno| self.error("zeroing", errno))?;
        self.write_zeros(&mut contents, layout.plain_offset(past_last), end)
    }

    /// Writes zeros over the bytes from `offset` to `end`, all of them within the file.
    fn write_zeros(&self, contents: &mut Contents, mut offset: u64, end: u64) -> Result<(), Error> {
        while offset < end {
            let len = (end - offset).min(ZEROS.len() as u64);
            self.write_held(contents, &ZEROS[..len as usize], offset)?;
            offset += len;
        }
        Ok(())
    }
}
