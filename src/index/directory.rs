//! The folder that the search engine keeps its files in, each of them sealed.
//!
//! The engine writes a file once and reads it often; only the list of files is replaced, by a rename. Locks are the
//! system's, so that none stays when a program dies.

use super::seal::{SealedReader, SealedWriter, damaged};
use crate::crypto::DerivedKey;
use crate::volume::fill_random;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use tantivy::HasLen;
use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{
    AntiCallToken, Directory, DirectoryLock, FileHandle, Lock, OwnedBytes, TerminatingWrite, WatchCallback,
    WatchHandle, WritePtr,
};

/// What stands behind the name of a file that is not in its place yet.
const UNFINISHED: &str = ".new";

/// A folder of sealed files.
#[derive(Clone)]
pub(super) struct SealedDirectory {
    folder: PathBuf,
    key: Arc<DerivedKey>,
    /// Why something could not be written, which the engine does not always pass on.
    failure: Arc<OnceLock<Arc<io::Error>>>,
}

impl SealedDirectory {
    pub(super) fn new(folder: PathBuf, key: DerivedKey) -> SealedDirectory {
        SealedDirectory { folder, key: Arc::new(key), failure: Arc::default() }
    }

    /// The first failure to write something.
    pub(super) fn failure(&self) -> Option<Arc<io::Error>> {
        self.failure.get().map(Arc::clone)
    }

    fn open(&self, name: &Path) -> io::Result<SealedReader> {
        let opened = File::open(self.folder.join(name))
            .and_then(|file| SealedReader::new(file, &self.key, name.as_os_str().as_bytes()));
        opened.map_err(lost)
    }

    /// A new file, which goes by `name` when it is read.
    fn create(&self, path: &Path, name: &Path) -> io::Result<SealedWriter> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let begun = file
            .and_then(|file| SealedWriter::new(file, &self.key, name.as_os_str().as_bytes(), fill_random));
        begun.map_err(|error| noted(&self.failure, error))
    }
}

impl Directory for SealedDirectory {
    fn get_file_handle(&self, name: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        let reader = self.open(name).map_err(read_error(name))?;
        Ok(Arc::new(Handle(reader)))
    }

    fn delete(&self, name: &Path) -> Result<(), DeleteError> {
        fs::remove_file(self.folder.join(name)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => DeleteError::FileDoesNotExist(name.to_owned()),
            _ => DeleteError::IoError { io_error: Arc::new(error), filepath: name.to_owned() },
        })
    }

    fn exists(&self, name: &Path) -> Result<bool, OpenReadError> {
        self.folder.join(name).try_exists().map_err(read_error(name))
    }

    fn open_write(&self, name: &Path) -> Result<WritePtr, OpenWriteError> {
        let writer = self.create(&self.folder.join(name), name).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => OpenWriteError::FileAlreadyExists(name.to_owned()),
            _ => OpenWriteError::wrap_io_error(error, name.to_owned()),
        })?;
        Ok(BufWriter::new(Box::new(Ending { writer, failure: Arc::clone(&self.failure) })))
    }

    fn atomic_read(&self, name: &Path) -> Result<Vec<u8>, OpenReadError> {
        let read = self.open(name).and_then(|reader| reader.read(0..reader.len()).map_err(lost));
        read.map_err(read_error(name))
    }

    fn atomic_write(&self, name: &Path, data: &[u8]) -> io::Result<()> {
        let path = self.folder.join(name);
        let mut beside = path.clone().into_os_string();
        beside.push(UNFINISHED);
        // left by a program that died; two do not write here at once
        let _ = fs::remove_file(&beside);
        let mut writer = self.create(Path::new(&beside), name)?;
        let written = writer.write_all(data).and_then(|()| writer.finish());
        written.and_then(|()| fs::rename(&beside, &path)).map_err(|error| noted(&self.failure, error))
    }

    fn sync_directory(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        let path = self.folder.join(&lock.filepath);
        let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
        let file = opened.map_err(LockError::wrap_io_error)?;
        let how = match lock.is_blocking {
            true => FlockOperation::LockExclusive,
            false => FlockOperation::NonBlockingLockExclusive,
        };
        match flock(&file, how) {
            Ok(()) => Ok(Box::new(file).into()),
            Err(Errno::WOULDBLOCK) => Err(LockError::LockBusy),
            Err(errno) => Err(LockError::wrap_io_error(errno.into())),
        }
    }

    fn watch(&self, _callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        // whoever searches asks for what is new
        Ok(WatchHandle::empty())
    }
}

/// Remembers why something could not be written.
fn noted(failure: &OnceLock<Arc<io::Error>>, error: io::Error) -> io::Error {
    let same = match error.raw_os_error() {
        Some(errno) => io::Error::from_raw_os_error(errno),
        None => io::Error::new(error.kind(), error.to_string()),
    };
    let _ = failure.set(Arc::new(same)); // the first counts
    error
}

/// What the disk cannot read any more is damage: it can be made anew elsewhere on the disk. What it cannot write is not.
fn lost(error: io::Error) -> io::Error {
    if Errno::from_io_error(&error) == Some(Errno::IO) { damaged() } else { error }
}

fn read_error(name: &Path) -> impl FnOnce(io::Error) -> OpenReadError + '_ {
    |error| match error.kind() {
        io::ErrorKind::NotFound => OpenReadError::FileDoesNotExist(name.to_owned()),
        _ => OpenReadError::wrap_io_error(error, name.to_owned()),
    }
}

impl fmt::Debug for SealedDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedDirectory({})", self.folder.display())
    }
}

/// A file in the making, for the engine.
struct Ending {
    writer: SealedWriter,
    failure: Arc<OnceLock<Arc<io::Error>>>,
}

impl Write for Ending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes).map_err(|error| noted(&self.failure, error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl TerminatingWrite for Ending {
    fn terminate_ref(&mut self, _: AntiCallToken) -> io::Result<()> {
        self.writer.finish().map_err(|error| noted(&self.failure, error))
    }
}

/// A whole file, for the engine.
struct Handle(SealedReader);

impl FileHandle for Handle {
    fn read_bytes(&self, range: Range<usize>) -> io::Result<OwnedBytes> {
        self.0.read(range).map(OwnedBytes::new).map_err(lost)
    }
}

impl HasLen for Handle {
    fn len(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Error;
    use super::*;
    use tantivy::TantivyError;

    #[test]
    fn what_the_disk_has_lost_is_damage_and_a_disk_that_is_full_or_takes_nothing_is_not() {
        let read = |errno: Errno| Error::from(TantivyError::from(lost(errno.into())));
        assert!(matches!(read(Errno::IO), Error::Damaged));
        assert!(matches!(read(Errno::ACCESS), Error::Io(_)));
        for errno in [Errno::IO, Errno::NOSPC, Errno::ROFS] {
            let written = OpenWriteError::wrap_io_error(errno.into(), "name".into());
            let error = Error::from(TantivyError::from(written));
            let Error::Io(source) = &error else { panic!("{error}") };
            assert_eq!(source.raw_os_error(), Some(errno.raw_os_error()), "it decides the exit code");
        }
    }
}
