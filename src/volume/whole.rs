//! Reading a small file with one call.

use super::Volume;
use super::attr::Stat;
use super::blocks::{copy_out, with_scratch};
use super::dir::Dir;
use super::error::Error;
use super::file::{File, OpenFile};
use super::sys;
use crate::content::HEADER_LEN;
use std::ffi::OsStr;

/// Bytes on disk up to which a file is read at once.
pub const WHOLE_LEN: usize = 1 << 18;

impl Volume {
    /// Opens a regular file for reading, with its state. If it is small and sound, all of it is at the start of `buffer`
    /// already, that many bytes; otherwise it is to be read as ever, which tells what is wrong.
    pub fn open_and_read(
        &self,
        dir: &Dir,
        name: &OsStr,
        buffer: &mut Vec<u8>,
    ) -> Result<(File, Stat, Option<usize>), Error> {
        let (file, stat) = self.open_unread(dir, name, OpenFile { read: true, ..OpenFile::default() })?;
        let whole = file.read_whole(stat.cipher_size, buffer)?;
        if whole.is_none() {
            file.check_header()?;
        }
        Ok((file, stat, whole))
    }
}

impl File {
    /// Reads a file of `cipher_len` bytes on disk; gives the number of plaintext bytes, if that was everything.
    fn read_whole(&self, cipher_len: u64, buffer: &mut Vec<u8>) -> Result<Option<usize>, Error> {
        let layout = *self.core.content.layout();
        let header_len = layout.header_len();
        let len = usize::try_from(cipher_len).ok().filter(|len| *len > header_len && *len <= WHOLE_LEN);
        let Some(len) = len else { return Ok(None) };
        let _chains = self.hold_chains_for_header();
        let mut contents = self.state.write();
        with_scratch(len, header_len, |scratch| {
            if sys::pread_full(self.fd(), scratch, 0).map_err(|errno| self.error("reading", errno))? < len {
                return Ok(None);
            }
            let (header, run) = scratch.split_at_mut(header_len);
            let file_iv = match <[u8; HEADER_LEN]>::try_from(&*header) {
                Ok(header) => self.take_header(&mut contents, header)?,
                Err(_) => crate::content::FileIv::NONE,
            };
            if self.core.content.decrypt_run(file_iv, 0, run).is_err() {
                return Ok(None);
            }
            if buffer.len() < run.len() {
                buffer.resize(run.len(), 0);
            }
            let payloads = run.chunks(layout.block_len()).map(|block| &block[layout.block_header_len()..]);
            Ok(Some(copy_out(payloads, 0, buffer)))
        })
    }
}
