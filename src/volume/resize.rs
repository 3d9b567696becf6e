//! Changing the size of an open file.
//!
//! The last block changes its coding with its length, so it is decoded with the length it has *before* the
//! file gets another one. EncFS 1.9.5 lengthens first, and destroys data in volumes without header and MAC.

use super::error::{Error, Fault};
use super::file::File;
use super::state::Contents;
use super::sys;
use crate::content::FileIv;
use rustix::io::Errno;

const VERB: &str = "resizing";

/// Encrypted zeros that are written in one go where holes are not allowed.
const ZERO_RUN_LEN: usize = 1 << 18;

impl File {
    /// Sets the plaintext size; the contents are held.
    pub(super) fn resize_held(&self, contents: &mut Contents, new_size: u64) -> Result<(), Error> {
        if new_size == 0 {
            return self.cut(contents);
        }
        let (size, cipher_len) = self.size(VERB)?;
        match new_size.cmp(&size) {
            std::cmp::Ordering::Greater => self.grow_held(contents, new_size),
            std::cmp::Ordering::Less => self.shrink(contents, size, new_size),
            // no change but to the times
            std::cmp::Ordering::Equal => self.set_cipher_len(cipher_len),
        }
    }

    /// Cuts the file to nothing. The next data brings a fresh header, so that no IV is used twice.
    pub(super) fn cut(&self, contents: &mut Contents) -> Result<(), Error> {
        self.set_cipher_len(0)?;
        if self.core.content.layout().header_len() > 0 {
            contents.file_iv = None;
        }
        Ok(())
    }

    fn shrink(&self, contents: &mut Contents, size: u64, new_size: u64) -> Result<(), Error> {
        let layout = *self.core.content.layout();
        let (last, kept) = layout.locate(new_size);
        let Some(cipher_len) = layout.cipher_len(new_size) else {
            return Err(self.error(VERB, Fault::TooLarge));
        };
        if kept > 0 {
            let Some(file_iv) = self.load_iv(contents)? else { return Err(self.error(VERB, Fault::Stale)) };
            let mut block = vec![0; layout.block_len()];
            self.take_block(file_iv, last, size, &mut block, None)
                .map_err(|fault| self.error(VERB, fault))?;
            block.truncate(layout.block_header_len() + kept);
            self.put_block(file_iv, last, &mut block).map_err(|errno| self.error(VERB, errno))?;
        }
        self.set_cipher_len(cipher_len)
    }

    /// Grows the file by zeros. If that fails, for want of space say, the file is what it was.
    pub(super) fn grow_held(&self, contents: &mut Contents, new_size: u64) -> Result<(), Error> {
        let layout = *self.core.content.layout();
        let Some(new_cipher_len) = layout.cipher_len(new_size) else {
            return Err(self.error(VERB, Fault::TooLarge));
        };
        let (size, cipher_len) = self.size(VERB)?;
        if !self.core.content.allows_holes() {
            self.check_space(new_cipher_len - cipher_len)?;
        }
        // all that can fail without a change comes first
        let (last, last_len) = layout.locate(size);
        let loaded = self.load_iv(contents)?;
        let old_block = match loaded {
            Some(file_iv) if last_len > 0 => {
                let (mut cipher, mut plain) = (Vec::new(), vec![0; layout.block_len()]);
                let taken = self.take_block(file_iv, last, size, &mut plain, Some(&mut cipher));
                taken.map_err(|fault| self.error(VERB, fault))?;
                plain.truncate(layout.block_header_len() + last_len);
                Some((cipher, plain))
            }
            _ => None,
        };
        let (file_iv, header) = match loaded {
            Some(file_iv) => (file_iv, None),
            None => self.new_header().map(|(file_iv, header)| (file_iv, Some(header)))?,
        };

        let grow = || {
            if let Some(header) = header {
                sys::pwrite_full(self.fd(), &header, 0).map_err(|(_, errno)| errno)?;
            }
            let Some((_, plain)) = &old_block else {
                // a tail too short for any data would be taken for the start of the next block
                rustix::fs::ftruncate(self.fd(), layout.cipher_offset(last))?;
                return self.append_zeros(file_iv, last, new_size, new_cipher_len);
            };
            let grown = (new_size - layout.plain_offset(last)).min(layout.payload_len() as u64) as usize;
            let mut block = plain.clone();
            block.resize(layout.block_header_len() + grown, 0);
            self.put_block(file_iv, last, &mut block)?;
            self.append_zeros(file_iv, last + 1, new_size, new_cipher_len)
        };
        grow().map_err(|errno| {
            let restored = match &old_block {
                Some((cipher, _)) => sys::pwrite_full(self.fd(), cipher, layout.cipher_offset(last)),
                None => Ok(()),
            };
            let restored = restored.map_err(|(_, errno)| errno);
            if let Err(errno) = restored.and_then(|()| rustix::fs::ftruncate(self.fd(), cipher_len)) {
                tracing::error!(error = %self.error("restoring", errno), "a file could not be made what it was");
            }
            self.error(VERB, errno)
        })?;
        if header.is_some() {
            contents.file_iv = Some((file_iv, header));
        }
        Ok(())
    }

    /// Where zeros have to be written out, a size beyond the disk is refused before the disk is filled.
    fn check_space(&self, needed: u64) -> Result<(), Error> {
        let stat = rustix::fs::fstatvfs(self.fd()).map_err(|errno| self.error(VERB, errno))?;
        if needed > stat.f_bavail.saturating_mul(stat.f_frsize) {
            return Err(self.error(VERB, Errno::NOSPC));
        }
        Ok(())
    }

    /// Zeros from the start of block `next` up to `new_size`: sparse where holes are allowed.
    fn append_zeros(
        &self,
        file_iv: FileIv,
        mut next: u64,
        new_size: u64,
        new_cipher_len: u64,
    ) -> Result<(), Errno> {
        let layout = *self.core.content.layout();
        let (end, rest) = layout.locate(new_size);
        if self.core.content.allows_holes() {
            rustix::fs::ftruncate(self.fd(), new_cipher_len)?;
            next = next.max(end);
        }
        let run_blocks = (ZERO_RUN_LEN / layout.block_len()).max(1) as u64;
        while next < end {
            let count = run_blocks.min(end - next);
            let mut run = vec![0; count as usize * layout.block_len()];
            self.core.content.encrypt_run(file_iv, next, &mut run);
            sys::pwrite_full(self.fd(), &run, layout.cipher_offset(next)).map_err(|(_, errno)| errno)?;
            next += count;
        }
        if rest > 0 && next == end {
            let mut block = vec![0; layout.block_header_len() + rest];
            self.core.content.encrypt_run(file_iv, end, &mut block);
            sys::pwrite_full(self.fd(), &block, layout.cipher_offset(end)).map_err(|(_, errno)| errno)?;
        }
        Ok(())
    }

    /// Encrypts one block and writes it to its place.
    fn put_block(&self, file_iv: FileIv, block_no: u64, block: &mut [u8]) -> Result<(), Errno> {
        self.core.content.encrypt_run(file_iv, block_no, block);
        let offset = self.core.content.layout().cipher_offset(block_no);
        sys::pwrite_full(self.fd(), block, offset).map_err(|(_, errno)| errno)
    }

    fn set_cipher_len(&self, len: u64) -> Result<(), Error> {
        rustix::fs::ftruncate(self.fd(), len).map_err(|errno| self.error(VERB, errno))
    }
}
