//! A file outside the volume that is read piece by piece into its draft, by one worker or several.

use super::Error;
use super::crew::Crew;
use super::local::{self, failed, failed_io};
use crate::content::Layout;
use crate::volume::{Draft, PlainPath};
use rustix::fs::{FileType, Mode, OFlags, SeekFrom};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::ops::Range;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

/// An open file outside the volume.
pub(super) struct Source {
    file: File,
    path: PathBuf,
    /// What it was when it was opened; that much of it is read.
    pub(super) stat: rustix::fs::Stat,
    pub(super) size: u64,
}

impl Source {
    pub(super) fn open(from: impl AsFd, path: PathBuf, name: &OsStr) -> Result<Source, Error> {
        // A pipe that took the file's place must not keep us waiting.
        let how = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(from, name, how, Mode::empty()).map_err(failed("open", &path))?;
        let stat = rustix::fs::fstat(&fd).map_err(failed("look at", &path))?;
        if !FileType::from_raw_mode(stat.st_mode).is_file() {
            return Err(Error::LocalSpecial { path });
        }
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        Ok(Source { file: File::from(fd), path, stat, size })
    }

    pub(super) fn is_sparse(&self) -> bool {
        u64::try_from(self.stat.st_blocks).unwrap_or(0).saturating_mul(512) < self.size
    }

    /// Reads until `wanted` bytes are there, or the end is; may read one more if `buffer` has room for it.
    fn read(&self, buffer: &mut [u8], wanted: usize, at: u64) -> Result<usize, Error> {
        let mut len = 0;
        while len < wanted {
            match self.file.read_at(&mut buffer[len..], at + len as u64) {
                Ok(0) => break,
                Ok(read) => len += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed_io("read", &self.path)(error)),
            }
        }
        Ok(len)
    }

    /// Fails if the file was not left alone while it was read.
    pub(super) fn end(&self) -> Result<(), Error> {
        let now = rustix::fs::fstat(&self.file).map_err(failed("look at", &self.path))?;
        if now.st_size == self.stat.st_size && local::times(&now).1 == local::times(&self.stat).1 {
            Ok(())
        } else {
            Err(self.changed())
        }
    }

    fn changed(&self) -> Error {
        Error::LocalChanged { path: self.path.clone() }
    }

    /// The next run of data at or after `at`; none if the rest is a hole.
    fn next_data(&self, at: u64) -> Option<Range<u64>> {
        match rustix::fs::seek(&self.file, SeekFrom::Data(at)) {
            Ok(start) => Some(start..rustix::fs::seek(&self.file, SeekFrom::Hole(start)).unwrap_or(u64::MAX)),
            Err(Errno::NXIO) => None,
            // A file system without the notion of holes: everything is data.
            Err(_) => Some(at..u64::MAX),
        }
    }
}

/// A file on its way from outside to its draft, piece by piece.
pub(super) struct Pieces {
    pub(super) source: Source,
    pub(super) draft: Arc<Draft>,
    pub(super) layout: Layout,
    /// Holes stay holes.
    pub(super) holes: bool,
    pub(super) to: PlainPath,
}

impl Pieces {
    /// A file that is one piece.
    pub(super) fn only(&self, crew: &Crew<'_>, buffer: &mut Vec<u8>) -> Result<(), Error> {
        let size = self.source.size as usize;
        // One more shows that it has grown.
        let len = self.source.read(room(buffer, size + 1), size, 0)?;
        if len != size {
            return Err(self.source.changed());
        }
        if size > 0 {
            self.draft.write(0, &buffer[..size]).map_err(Error::volume(&self.to))?;
        }
        crew.bytes(size as u64);
        Ok(())
    }

    /// A piece, of whole blocks unless it is the last.
    pub(super) fn piece(
        &self,
        crew: &Crew<'_>,
        piece: Range<u64>,
        buffer: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let mut at = piece.start;
        while at < piece.end {
            let run = if self.holes { self.next_run(at..piece.end) } else { piece.clone() };
            let wanted = (run.end - run.start) as usize;
            if self.source.read(room(buffer, wanted), wanted, run.start)? < wanted {
                return Err(self.source.changed());
            }
            if wanted > 0 {
                let block = self.layout.locate(run.start).0;
                self.draft.write(block, &buffer[..wanted]).map_err(Error::volume(&self.to))?;
            }
            at = run.end;
        }
        crew.bytes(piece.end - piece.start);
        Ok(())
    }

    /// The first blocks in a range that are not all hole; nothing, at its end, if there are none. A short last block is
    /// data whatever is in it: only full ones can be holes of the volume.
    fn next_run(&self, range: Range<u64>) -> Range<u64> {
        let payload_len = self.layout.payload_len() as u64;
        let data = self.source.next_data(range.start).filter(|data| data.start < range.end);
        let short = match range.end % payload_len {
            0 => range.end,
            rest => range.end - rest,
        };
        match data {
            Some(data) => {
                let start = data.start - data.start % payload_len;
                let end = data.end.min(range.end).next_multiple_of(payload_len).min(range.end);
                start.max(range.start)..end
            }
            None => short.max(range.start)..range.end,
        }
    }
}

/// The start of a buffer, made long enough.
fn room(buffer: &mut Vec<u8>, len: usize) -> &mut [u8] {
    if buffer.len() < len {
        buffer.resize(len, 0);
    }
    &mut buffer[..len]
}
