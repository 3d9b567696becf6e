//! Reading and writing plaintext ranges of an open file: whole blocks from and to the disk.

use super::error::{Error, Fault};
use super::file::File;
use super::state::Contents;
use super::sys;
use crate::content;
use crate::content::{FileIv, HEADER_LEN};
use rustix::io::Errno;
use std::cell::RefCell;

/// Bytes on disk that are read or written in one go.
pub(super) const RUN_LEN: usize = 1 << 20;

thread_local! {
    /// One buffer a thread for ciphertext in the making; kept, so that nothing is allocated per request.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Lends this thread's buffer, `len` bytes of whatever was left in it. The run of blocks that is to begin at `run_at`
/// lies on a border between cache lines: every second access to it would touch two of them otherwise.
pub(super) fn with_scratch<T>(len: usize, run_at: usize, work: impl FnOnce(&mut [u8]) -> T) -> T {
    const LINE_LEN: usize = 64;
    SCRATCH.with_borrow_mut(|scratch| {
        if scratch.len() < len + LINE_LEN {
            scratch.resize(len + LINE_LEN, 0);
        }
        let start = scratch[run_at..].as_ptr().align_offset(LINE_LEN).min(LINE_LEN);
        work(&mut scratch[start..start + len])
    })
}

/// What must be put back if a write fails half-way.
struct Undo {
    /// Size on disk before the write.
    cipher_len: u64,
    /// A short last block that the write makes longer, as it was on disk: its number and bytes.
    last_block: Option<(u64, Vec<u8>)>,
}

impl File {
    /// Reads as `read_at` does; the contents are held.
    pub(super) fn read_blocks(&self, file_iv: FileIv, buf: &mut [u8], offset: u64) -> Result<usize, Error> {
        let layout = *self.core.content.layout();
        let (block_len, payload_len) = (layout.block_len(), layout.payload_len());
        let run_blocks = (RUN_LEN / block_len).max(1);
        let mut done = 0;
        while done < buf.len() {
            let (first, skip) = layout.locate(offset.saturating_add(done as u64));
            let cipher_offset = layout.cipher_offset(first);
            let wanted = &mut buf[done..];
            let block_count = (skip + wanted.len()).div_ceil(payload_len).min(run_blocks);
            if cipher_offset.saturating_add((block_count * block_len) as u64) > i64::MAX as u64 {
                break; // no file reaches this far
            }
            let whole = (wanted.len() / block_len).min(block_count) * block_len;
            if payload_len == block_len && skip == 0 && whole > 0 {
                // blocks that are all payload are decrypted where they are wanted
                let (copied, more) = self.read_run(file_iv, first, &mut wanted[..whole], done)?;
                done += copied;
                if more {
                    continue;
                }
                break;
            }
            let (copied, more) = with_scratch(block_count * block_len, 0, |run| {
                let len = sys::pread_full(self.fd(), run, cipher_offset).map_err(Fault::Sys)?;
                let verdict = self.core.content.decrypt_run(file_iv, first, &mut run[..len]);
                let good_len = match verdict.as_ref().map_err(|error| error.block()) {
                    Err(Some(block)) => (block - first) as usize * block_len,
                    _ => len,
                };
                let payloads =
                    run[..good_len].chunks(block_len).map(|block| &block[layout.block_header_len()..]);
                let copied = copy_out(payloads, skip, wanted);
                match verdict {
                    Ok(()) => Ok((copied, len == run.len())),
                    // behind the data of a damaged last block there is nothing to be damaged
                    Err(content::Error::Mac { block })
                        if block == first && layout.block_header_len() + skip >= len =>
                    {
                        Ok((0, false))
                    }
                    Err(error) => match self.pass(error, done + copied > 0) {
                        Ok(()) => Ok((copied, false)),
                        Err(error) => Err(Fault::Content(error)),
                    },
                }
            })
            .map_err(|fault: Fault| self.error("reading", fault))?;
            done += copied;
            if !more {
                break;
            }
        }
        Ok(done)
    }

    /// Reads and decrypts a run of blocks without headers; gives the bytes that are good, and whether there may be
    /// more. Fails when there are none, nor `before`.
    fn read_run(
        &self,
        file_iv: FileIv,
        first: u64,
        run: &mut [u8],
        before: usize,
    ) -> Result<(usize, bool), Error> {
        let layout = self.core.content.layout();
        let len = sys::pread_full(self.fd(), run, layout.cipher_offset(first));
        let len = len.map_err(|errno| self.error("reading", errno))?;
        match self.core.content.decrypt_run(file_iv, first, &mut run[..len]) {
            Ok(()) => Ok((len, len == run.len())),
            Err(error) => {
                let good = error.block().map_or(0, |block| (block - first) as usize * layout.block_len());
                let passed = self.pass(error, before + good > 0);
                passed.map(|()| (good, false)).map_err(|error| self.error("reading", error))
            }
        }
    }

    /// Ends a read before a damaged block, if `some` bytes before it were read: the next one fails. What has not arrived
    /// may be the end.
    fn pass(&self, error: content::Error, some: bool) -> Result<(), content::Error> {
        if some || self.core.read_partial && error.is_unfinished() { Ok(()) } else { Err(error) }
    }

    /// Writes as `write_at` does; the contents are held.
    pub(super) fn write_held(&self, contents: &mut Contents, data: &[u8], offset: u64) -> Result<(), Error> {
        if data.is_empty() {
            return Ok(());
        }
        let layout = self.core.content.layout();
        let end = offset.checked_add(data.len() as u64);
        if end.and_then(|end| layout.cipher_len(end)).is_none() {
            return Err(self.error("writing", Fault::TooLarge));
        }
        let (mut size, _) = self.size("writing")?;
        if offset > size {
            self.grow_held(contents, offset)?;
            size = offset;
        }
        let run_payload = (RUN_LEN / layout.block_len()).max(1) * layout.payload_len();
        let (mut data, mut offset) = (data, offset);
        while !data.is_empty() {
            // up to a border between runs, so that only the first and the last block need their old contents
            let len = (run_payload - (offset % run_payload as u64) as usize).min(data.len());
            let (head, tail) = data.split_at(len);
            self.write_run(contents, head, offset, size)?;
            (data, offset) = (tail, offset + len as u64);
            size = size.max(offset);
        }
        Ok(())
    }

    /// Writes `data`, at most a run, at an `offset` within or right behind the `size` bytes of the file.
    fn write_run(&self, contents: &mut Contents, data: &[u8], offset: u64, size: u64) -> Result<(), Error> {
        let layout = *self.core.content.layout();
        let (block_len, payload_len) = (layout.block_len(), layout.payload_len());
        let (first, skip) = layout.locate(offset);
        let end = offset + data.len() as u64;
        let last = layout.locate(end - 1).0;
        let new_size = size.max(end);
        let last_index = (last - first) as usize;
        let last_len = (new_size - layout.plain_offset(last)).min(payload_len as u64) as usize;

        let (file_iv, header) = match self.load_iv(contents)? {
            Some(file_iv) => (file_iv, None),
            None => self.new_header().map(|(file_iv, header)| (file_iv, Some(header)))?,
        };
        let written = with_scratch(HEADER_LEN + (last_index + 1) * block_len, HEADER_LEN, |scratch| {
            let (header_room, run) = scratch.split_at_mut(HEADER_LEN);
            let mut undo = Undo {
                cipher_len: match (size, header) {
                    (0, Some(_)) => 0,
                    (0, None) => layout.header_len() as u64,
                    _ => layout.cipher_len(size).unwrap_or(0),
                },
                last_block: None,
            };

            let (tail, tail_len) = layout.locate(size);
            let longer_tail = tail_len > 0 && end > size && (first..=last).contains(&tail);
            let mut old_tail = Vec::new();

            // old contents of blocks that are written in part
            let block_end = layout.plain_offset(first).saturating_add(payload_len as u64);
            if skip > 0 || (last_index == 0 && end < size.min(block_end)) {
                let keep = (longer_tail && tail == first).then_some(&mut old_tail);
                self.take_block(file_iv, first, size, &mut run[..block_len], keep)?;
            }
            let in_last = (end - layout.plain_offset(last)) as usize;
            if last_index > 0 && in_last < last_len {
                self.take_block(file_iv, last, size, &mut run[last_index * block_len..], None)?;
            }
            if longer_tail {
                if old_tail.is_empty() {
                    old_tail.resize(block_len, 0);
                    let len = sys::pread_full(self.fd(), &mut old_tail, layout.cipher_offset(tail))?;
                    old_tail.truncate(len);
                }
                undo.last_block = Some((tail, old_tail));
            }

            copy_in(data, skip, run, block_len, layout.block_header_len());
            let run_len = last_index * block_len + layout.block_header_len() + last_len;
            self.core.content.encrypt_run(file_iv, first, &mut run[..run_len]);

            let result = match header {
                Some(header) => {
                    header_room.copy_from_slice(&header);
                    sys::pwrite_full(self.fd(), &scratch[..HEADER_LEN + run_len], 0)
                }
                None => sys::pwrite_full(self.fd(), &run[..run_len], layout.cipher_offset(first)),
            };
            result.map_err(|(len, errno)| {
                self.undo(&undo, first, if header.is_some() { 0 } else { len });
                Fault::Sys(errno)
            })
        });
        written.map_err(|fault| self.error("writing", fault))?;
        if header.is_some() {
            contents.file_iv = Some((file_iv, header));
        }
        Ok(())
    }

    /// Reads and decrypts an old block of a file of `size` bytes into `slot`, a full block long; keeps it as it is
    /// on disk, if somebody wants it.
    pub(super) fn take_block(
        &self,
        file_iv: FileIv,
        block: u64,
        size: u64,
        slot: &mut [u8],
        keep: Option<&mut Vec<u8>>,
    ) -> Result<(), Fault> {
        let layout = self.core.content.layout();
        let len = sys::pread_full(self.fd(), slot, layout.cipher_offset(block))?;
        let expected = (size - layout.plain_offset(block)).min(layout.payload_len() as u64) as usize;
        if len < layout.block_header_len() + expected {
            return Err(Fault::Stale); // cut by another program since its size was taken
        }
        if let Some(keep) = keep {
            keep.extend_from_slice(&slot[..len]);
        }
        Ok(self.core.content.decrypt_run(file_iv, block, &mut slot[..len])?)
    }

    /// After a write of a run failed: keeps the whole blocks that were written, and otherwise makes the file
    /// what it was. A file that did not grow keeps its length.
    fn undo(&self, undo: &Undo, first: u64, written: usize) {
        let layout = self.core.content.layout();
        let whole = written - written % layout.block_len();
        let end = layout.cipher_offset(first) + whole as u64;
        let restored = match &undo.last_block {
            Some((block, bytes)) if end <= layout.cipher_offset(*block) => {
                let restored = sys::pwrite_full(self.fd(), bytes, layout.cipher_offset(*block));
                restored.map_err(|(_, errno)| errno)
            }
            _ => self.restore_hole(end, written - whole, undo.cipher_len),
        };
        let kept = if whole > 0 { end } else { 0 };
        let restored = restored.and_then(|()| rustix::fs::ftruncate(self.fd(), undo.cipher_len.max(kept)));
        if let Err(errno) = restored {
            tracing::error!(error = %self.error("restoring", errno), "a failed write could not be undone");
        }
    }

    /// Puts zeros over the `written` bytes at `offset` where a write stopped short in the middle of a hole. That
    /// it was one shows by the zeros in the rest of the block.
    fn restore_hole(&self, offset: u64, written: usize, cipher_len: u64) -> Result<(), Errno> {
        if written == 0 || offset >= cipher_len || !self.core.content.allows_holes() {
            return Ok(());
        }
        let mut block = vec![0; self.core.content.layout().block_len()];
        let len = sys::pread_full(self.fd(), &mut block, offset)?;
        if block[written.min(len)..].iter().any(|&byte| byte != 0) {
            return Ok(());
        }
        sys::pwrite_full(self.fd(), &vec![0; written], offset).map_err(|(_, errno)| errno)
    }
}

/// Copies payloads from the `skip`-th byte on, as far as `out` takes them; gives the number of bytes.
pub(super) fn copy_out<'a>(
    payloads: impl Iterator<Item = &'a [u8]>,
    mut skip: usize,
    out: &mut [u8],
) -> usize {
    let mut copied = 0;
    for payload in payloads {
        let payload = payload.get(skip..).unwrap_or(&[]);
        let len = payload.len().min(out.len() - copied);
        out[copied..copied + len].copy_from_slice(&payload[..len]);
        copied += len;
        skip = 0;
    }
    copied
}

/// Copies `data` into the payloads of a run, from the `skip`-th byte of the first on.
pub(super) fn copy_in(data: &[u8], skip: usize, run: &mut [u8], block_len: usize, block_header_len: usize) {
    let (mut data, mut skip) = (data, skip);
    for block in run.chunks_mut(block_len) {
        let payload = &mut block[block_header_len + skip..];
        let len = payload.len().min(data.len());
        payload[..len].copy_from_slice(&data[..len]);
        (data, skip) = (&data[len..], 0);
    }
}
