//! The content of one file of the volume, in pieces of whole blocks that do not depend on each other.

use super::crew::{self, Crew, Order};
use super::{BadBlocks, Error, Item, Loss, Progress, Summary};
use crate::content::Layout;
use crate::volume::{Fault, File, PlainPath, Stat, Volume};
use std::io::Write;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// Bytes read in one go: enough that calls cost nothing, little enough to stay in the cache of a core.
pub const BUFFER_LEN: usize = 256 * 1024;

/// Bytes of a piece: as many whole blocks as fit a buffer.
pub(super) fn piece_len(layout: &Layout) -> u64 {
    ((BUFFER_LEN / layout.payload_len()).max(1) * layout.payload_len()) as u64
}

/// An open file of the volume on its way out.
pub(super) struct Source {
    file: File,
    pub(super) path: PlainPath,
    /// What it was when it was opened; that much of it is read.
    pub(super) stat: Stat,
    layout: Layout,
    bad: BadBlocks,
    /// If all of it was read when it was opened, that many bytes: they stood at the start of the buffer.
    pub(super) whole: Option<usize>,
}

impl Source {
    /// Opens a file, and reads it if it is small; a damaged header shows here.
    pub(super) fn open(
        volume: &Volume,
        item: &Item,
        bad: BadBlocks,
        buffer: &mut Vec<u8>,
    ) -> Result<Source, Error> {
        let opened = volume.open_and_read(&item.parent, &item.name, buffer);
        let (file, stat, whole) = opened.map_err(Error::volume(&item.path))?;
        Ok(Source { file, path: item.path.clone(), stat, layout: *volume.layout(), bad, whole })
    }

    /// How many pieces it has; one, for nothing, if it is empty.
    pub(super) fn piece_count(&self) -> u64 {
        self.stat.size.div_ceil(self.piece_len()).max(1)
    }

    /// The bytes of a piece.
    pub(super) fn piece(&self, number: u64) -> Range<u64> {
        let start = number.saturating_mul(self.piece_len());
        start.min(self.stat.size)..start.saturating_add(self.piece_len()).min(self.stat.size)
    }

    /// Whether it may turn out to be shorter than it is.
    pub(super) fn skips(&self) -> bool {
        self.bad == BadBlocks::Skip
    }

    fn piece_len(&self) -> u64 {
        piece_len(&self.layout)
    }

    /// Reads `range`, all of which was there when the file was opened, to the start of `buffer`. Gives the bytes that
    /// stand there now, and whether they are all: before damage that is not passed over they are good.
    pub(super) fn read(
        &self,
        crew: &Crew<'_>,
        range: Range<u64>,
        buffer: &mut Vec<u8>,
    ) -> (usize, Result<(), Error>) {
        let wanted = (range.end - range.start) as usize;
        if buffer.len() < wanted {
            buffer.resize(wanted, 0);
        }
        let (mut at, mut len) = (range.start, 0);
        while at < range.end {
            let room = &mut buffer[len..][..(range.end - at) as usize];
            match self.file.read_at(room, at) {
                Ok(0) => return (len, Err(Error::Changed { path: self.path.clone() })),
                Ok(read) => {
                    at += read as u64;
                    len += read;
                }
                Err(error) => match (&error.fault, self.bad) {
                    (Fault::Content(damage), BadBlocks::Zero | BadBlocks::Skip)
                        if damage.block().is_some() =>
                    {
                        let lost = self.bad_blocks(crew, at..range.end, damage.to_string());
                        let count = (lost.end - lost.start) as usize;
                        if self.bad == BadBlocks::Zero {
                            buffer[len..][..count].fill(0);
                            len += count;
                        }
                        at = lost.end;
                    }
                    _ => return (len, Err(Error::volume(&self.path)(error))),
                },
            }
        }
        (len, Ok(()))
    }

    /// Reports the bad block at the start of `range` with those that follow it; gives their bytes.
    fn bad_blocks(&self, crew: &Crew<'_>, range: Range<u64>, reason: String) -> Range<u64> {
        let first = self.layout.locate(range.start).0;
        let mut next = first + 1;
        let mut probe = [0; 1];
        let is_bad =
            |block: u64, probe: &mut [u8]| match self.file.read_at(probe, self.layout.plain_offset(block)) {
                Err(error) => matches!(error.fault, Fault::Content(damage) if damage.block().is_some()),
                Ok(_) => false,
            };
        while self.layout.plain_offset(next) < range.end && is_bad(next, &mut probe) {
            next += 1;
        }
        let bytes = range.start..self.layout.plain_offset(next).min(range.end);
        crew.lost(&Loss { path: self.path.clone(), blocks: first..next, bytes: bytes.clone(), reason });
        bytes
    }

    /// Looks at what follows the last byte, which is damage if it is anything; and whether the file was left alone
    /// while it was read.
    pub(super) fn end(&self, crew: &Crew<'_>) -> Result<(), Error> {
        let Stat { size, cipher_size, .. } = self.stat;
        if self.layout.cipher_len(size) != Some(cipher_size) {
            match self.file.read_at(&mut [0; 1], size) {
                Ok(_) => {}
                Err(error) => match (&error.fault, self.bad) {
                    (Fault::Content(damage), BadBlocks::Zero | BadBlocks::Skip) => {
                        let block = damage.block().unwrap_or(0);
                        let (blocks, bytes) = (block..block + 1, size..size);
                        let reason = damage.to_string();
                        crew.lost(&Loss { path: self.path.clone(), blocks, bytes, reason });
                    }
                    _ => return Err(Error::volume(&self.path)(error)),
                },
            }
        }
        let now = self.file.stat().map_err(Error::volume(&self.path))?;
        if (now.cipher_size, now.mtime) == (cipher_size, self.stat.mtime) {
            Ok(())
        } else {
            Err(Error::Changed { path: self.path.clone() })
        }
    }

    /// Reads everything for nothing but the errors that it may give.
    pub(super) fn check<'env>(
        self: &Arc<Source>,
        crew: &Crew<'env>,
        buffer: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let source = Arc::clone(self);
        crew.share(self.piece_count(), buffer, move |crew, number, buffer| {
            crew.check()?;
            source.read(crew, source.piece(number), buffer).1
        })?;
        self.end(crew)
    }

    /// Writes a range of the file to `out`, in order: what precedes the first damage, nothing after it. Gives the
    /// number of bytes.
    pub(super) fn stream<'env>(
        self: &Arc<Source>,
        crew: &Crew<'env>,
        range: Range<u64>,
        out: &Arc<Out<'env>>,
        buffer: &mut Vec<u8>,
    ) -> Result<u64, Error> {
        let range = range.start.min(self.stat.size)..range.end.min(self.stat.size);
        if range.is_empty() {
            return Ok(0);
        }
        let first = range.start / self.piece_len();
        let count = range.end.div_ceil(self.piece_len()) - first;
        let (source, sink) = (Arc::clone(self), Arc::clone(out));
        let (order, written) = (Order::new(), Arc::new(Mutex::new(0)));
        let total = Arc::clone(&written);
        crew.share(count, buffer, move |crew, number, buffer| {
            let piece = source.piece(first + number);
            let piece = piece.start.max(range.start)..piece.end.min(range.end);
            let (len, read) = match crew.check() {
                Ok(()) => source.read(crew, piece, buffer),
                Err(error) => (0, Err(error)),
            };
            order.turn(number, || {
                sink.write(&buffer[..len])?;
                crew.bytes(len as u64);
                *crew::lock(&total) += len as u64;
                read
            })
        })?;
        let written = *crew::lock(&written);
        Ok(written)
    }
}

impl Source {
    /// Streams a range; beyond the end of the file there is nothing but what damage may hide.
    fn copy<'env>(
        self: &Arc<Source>,
        crew: &Crew<'env>,
        range: Range<u64>,
        out: &Arc<Out<'env>>,
        buffer: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let to_end = range.end >= self.stat.size;
        let bytes = self.stream(crew, range, out, buffer)?;
        match self.end(crew) {
            // Who prints a log takes no offence at its growing.
            Ok(()) | Err(Error::Changed { .. }) => {}
            Err(error) if to_end => return Err(error),
            Err(_) => {}
        }
        out.flush()?;
        crew.done(|summary| {
            summary.files += 1;
            summary.bytes += bytes;
        });
        Ok(())
    }
}

/// A stream that several threads write to, one after the other.
pub(super) struct Out<'env>(Mutex<&'env mut (dyn Write + Send)>);

impl<'env> Out<'env> {
    pub(super) fn new(out: &'env mut (dyn Write + Send)) -> Arc<Out<'env>> {
        Arc::new(Out(Mutex::new(out)))
    }

    pub(super) fn write(&self, bytes: &[u8]) -> Result<(), Error> {
        crew::lock(&self.0).write_all(bytes).map_err(Error::Stream)
    }

    pub(super) fn flush(&self) -> Result<(), Error> {
        crew::lock(&self.0).flush().map_err(Error::Stream)
    }
}

/// What is copied of a file, and how.
#[derive(Debug, Clone)]
pub struct CopyOptions {
    /// The bytes that are wanted, or as many of them as there are.
    pub range: Range<u64>,
    /// What becomes of damage in them.
    pub bad_blocks: BadBlocks,
    /// Threads; as many as the machine runs at once if nobody says.
    pub jobs: Option<NonZeroUsize>,
}

impl Default for CopyOptions {
    /// Everything up to the first damage.
    fn default() -> CopyOptions {
        CopyOptions { range: 0..u64::MAX, bad_blocks: BadBlocks::Fail, jobs: None }
    }
}

/// Copies a range of a file to a stream. What precedes the first damage is written, nothing after it, unless damage is
/// passed over and reported.
pub fn copy(
    volume: &Volume,
    file: File,
    path: &PlainPath,
    out: &mut (dyn Write + Send),
    options: &CopyOptions,
    progress: &mut dyn Progress,
) -> Result<Summary, Error> {
    let stat = file.stat().map_err(Error::volume(path))?;
    let (layout, bad) = (*volume.layout(), options.bad_blocks);
    let source = Source { file, path: path.clone(), stat, layout, bad, whole: None };
    let (source, out) = (Arc::new(source), Out::new(out));
    let range = options.range.clone();
    crew::run(options.jobs, true, progress, |crew| {
        crew.submit(Box::new(move |crew, buffer| {
            let copied = source.copy(crew, range, &out, buffer);
            crew.attempt(copied);
        }))
    })
}
