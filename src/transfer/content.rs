//! The content of one file of the volume, in large pieces, up to the first damage and no further.

use super::{Error, Progress};
use crate::volume::{File, PlainPath};
use std::io::Write;
use std::ops::Range;

/// Bytes read in one go: enough that calls cost nothing, little enough to stay in the cache.
pub const BUFFER_LEN: usize = 512 * 1024;

/// An open file of the volume on its way out, and all that reading it needs.
pub(super) struct Content<'a> {
    pub(super) file: &'a File,
    pub(super) path: &'a PlainPath,
    pub(super) buffer: &'a mut [u8],
    pub(super) progress: &'a mut dyn Progress,
}

impl Content<'_> {
    /// Hands the bytes of `range`, or as many as there are, to `sink` with their offsets; returns their number.
    pub(super) fn read(
        &mut self,
        range: Range<u64>,
        mut sink: impl FnMut(&[u8], u64) -> Result<(), Error>,
    ) -> Result<u64, Error> {
        let mut at = range.start;
        while at < range.end {
            if self.progress.stopped() {
                return Err(Error::Interrupted);
            }
            let wanted = self.buffer.len().min(usize::try_from(range.end - at).unwrap_or(usize::MAX));
            let len = self.file.read_at(&mut self.buffer[..wanted], at).map_err(Error::volume(self.path))?;
            if len == 0 {
                break;
            }
            sink(&self.buffer[..len], at)?;
            at += len as u64;
            self.progress.bytes(len as u64);
        }
        Ok(at - range.start)
    }

    /// Reads everything for nothing but the errors that it may give.
    pub(super) fn check(&mut self) -> Result<(), Error> {
        let Content { file, path, buffer, progress: _ } = self;
        let mut quiet = Content { file, path, buffer, progress: &mut super::Silent };
        quiet.read(0..u64::MAX, |_, _| Ok(())).map(drop)
    }
}

/// Copies a range of a file to a stream. What precedes the first damage is written, nothing after it.
pub fn copy(
    file: &File,
    path: &PlainPath,
    range: Range<u64>,
    out: &mut dyn Write,
    progress: &mut dyn Progress,
) -> Result<u64, Error> {
    let mut content = Content { file, path, buffer: &mut vec![0; BUFFER_LEN], progress };
    content.read(range, |bytes, _| out.write_all(bytes).map_err(Error::Stream))
}
