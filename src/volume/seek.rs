//! Where the data and the holes of an open file are.
//!
//! A block is a hole where the disk has one and zeros on disk stand for zeros: in a volume that allows holes, and
//! only if the block is full. All else is data.

use super::error::Error;
use super::file::File;
use super::sys;

const VERB: &str = "seeking in";

impl File {
    /// The first offset from `offset` on that is not in a hole; `None` if only a hole follows, or the end.
    pub fn seek_data(&self, offset: u64) -> Result<Option<u64>, Error> {
        let _contents = self.state.read();
        let (size, cipher_len) = self.size(VERB)?;
        if offset >= size {
            return Ok(None);
        }
        if !self.core.content.allows_holes() {
            return Ok(Some(offset));
        }
        let layout = *self.core.content.layout();
        let from = layout.cipher_offset(layout.locate(offset).0);
        let found = sys::seek_data(self.fd(), from).map_err(|errno| self.error(VERB, errno))?;
        // a short last block is data, hole or not
        let short_last = layout.cipher_offset(layout.locate(size).0);
        let found = found.unwrap_or(cipher_len).min(short_last).max(from);
        let block = (found - layout.header_len() as u64) / layout.block_len() as u64;
        Ok(Some(layout.plain_offset(block).max(offset)).filter(|&data| data < size))
    }

    /// The first offset from `offset` on that is in a hole, or the end; `None` from the end on.
    pub fn seek_hole(&self, offset: u64) -> Result<Option<u64>, Error> {
        let _contents = self.state.read();
        let (size, cipher_len) = self.size(VERB)?;
        if offset >= size {
            return Ok(None);
        }
        if !self.core.content.allows_holes() {
            return Ok(Some(size));
        }
        let layout = *self.core.content.layout();
        let (header_len, block_len) = (layout.header_len() as u64, layout.block_len() as u64);
        let mut from = layout.cipher_offset(layout.locate(offset).0);
        let fail = |errno| self.error(VERB, errno);
        while from < cipher_len {
            let hole = sys::seek_hole(self.fd(), from).map_err(fail)?.unwrap_or(cipher_len);
            let hole_end = sys::seek_data(self.fd(), hole).map_err(fail)?.unwrap_or(cipher_len);
            let block = hole.saturating_sub(header_len).div_ceil(block_len);
            if layout.cipher_offset(block + 1) <= hole_end.min(cipher_len) {
                return Ok(Some(layout.plain_offset(block).max(offset)));
            }
            // another program may be changing the file: never look at the same place twice
            from = hole_end.max(from + 1);
        }
        Ok(Some(size))
    }
}
