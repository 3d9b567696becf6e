//! Folders outside the volume: a path of open directories, walked down and up without following any link.

use super::Error;
use crate::volume::{FileId, seconds_and_nanoseconds};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat, Timespec, Timestamps};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Descriptors kept open on the way down; above them a folder is opened again, through `..`, when it is left to.
const OPEN_MAX: usize = 64;

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// The folder where a transfer is at, with those above it up to the one that was named.
pub(super) struct Folders {
    base: PathBuf,
    stack: Vec<Frame>,
}

struct Frame {
    name: OsString,
    id: FileId,
    fd: Option<Arc<OwnedFd>>,
}

impl Folders {
    /// Begins in the folder at `path`, which a person named: links in it are followed.
    pub(super) fn open(path: &Path) -> Result<Folders, Error> {
        let fd = rustix::fs::openat(CWD, path, DIRECTORY, Mode::empty()).map_err(failed("open", path))?;
        let id = id(&rustix::fs::fstat(&fd).map_err(failed("open", path))?);
        let frame = Frame { name: OsString::new(), id, fd: Some(Arc::new(fd)) };
        Ok(Folders { base: path.to_path_buf(), stack: vec![frame] })
    }

    /// The folder where the transfer is at.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.top().fd.as_ref().expect("the innermost folder is open").as_fd()
    }

    /// The same, for somebody who keeps it.
    pub(super) fn descriptor(&self) -> Arc<OwnedFd> {
        Arc::clone(self.top().fd.as_ref().expect("the innermost folder is open"))
    }

    /// Its identity.
    pub(super) fn id(&self) -> FileId {
        self.top().id
    }

    /// The path of a name in it, for messages.
    pub(super) fn path(&self, name: &OsStr) -> PathBuf {
        let mut path = self.base.clone();
        path.extend(self.stack.iter().skip(1).map(|frame| &frame.name));
        path.push(name);
        path
    }

    /// What a name in it is, if anything; links are not followed.
    pub(super) fn stat(&self, name: &OsStr) -> Result<Option<Stat>, Error> {
        match rustix::fs::statat(self.fd(), name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(failed("look at", &self.path(name))(errno)),
        }
    }

    /// Goes down into a folder.
    pub(super) fn enter(&mut self, name: &OsStr) -> Result<(), Error> {
        let path = self.path(name);
        let fd = rustix::fs::openat(self.fd(), name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())
            .map_err(failed("open", &path))?;
        let id = id(&rustix::fs::fstat(&fd).map_err(failed("open", &path))?);
        self.stack.push(Frame { name: name.to_os_string(), id, fd: Some(Arc::new(fd)) });
        // The outermost stays open: it was named by a path that may mean something else by now.
        if let Some(far) = self.stack.len().checked_sub(OPEN_MAX).filter(|far| *far > 0) {
            self.stack[far].fd = None;
        }
        Ok(())
    }

    /// Goes up again; returns the folder that was left.
    pub(super) fn leave(&mut self) -> Result<Arc<OwnedFd>, Error> {
        let left = self.stack.pop().and_then(|frame| frame.fd).expect("only an entered folder is left");
        if self.top().fd.is_none() {
            let lost = || Error::Lost { path: self.path(OsStr::new("")) };
            let above = rustix::fs::openat(&left, "..", DIRECTORY, Mode::empty()).map_err(|_| lost())?;
            if id(&rustix::fs::fstat(&above).map_err(|_| lost())?) != self.top().id {
                return Err(lost());
            }
            self.top_mut().fd = Some(Arc::new(above));
        }
        Ok(left)
    }

    /// Is the current folder `id`, or below it?
    pub(super) fn is_within(&self, id: FileId) -> Result<bool, Error> {
        let path = self.path(OsStr::new(""));
        let mut here = self.id();
        let mut fd =
            rustix::fs::openat(self.fd(), ".", DIRECTORY, Mode::empty()).map_err(failed("open", &path))?;
        loop {
            if here == id {
                return Ok(true);
            }
            fd = match rustix::fs::openat(&fd, "..", DIRECTORY, Mode::empty()) {
                Ok(above) => above,
                // What lies above a folder that we may not look through cannot be told.
                Err(Errno::ACCESS) => return Ok(false),
                Err(errno) => return Err(failed("open the folders above", &path)(errno)),
            };
            let above = self::id(&rustix::fs::fstat(&fd).map_err(failed("open the folders above", &path))?);
            if above == here {
                return Ok(false);
            }
            here = above;
        }
    }

    fn top(&self) -> &Frame {
        self.stack.last().expect("the outermost folder is never left")
    }

    fn top_mut(&mut self) -> &mut Frame {
        self.stack.last_mut().expect("the outermost folder is never left")
    }
}

/// Makes an error out of what the system said.
pub(super) fn failed(verb: &'static str, path: &Path) -> impl FnOnce(Errno) -> Error {
    let path = path.to_path_buf();
    move |errno| Error::Local { verb, path, source: errno.into() }
}

/// Like [`failed`], for calls of the standard library.
pub(super) fn failed_io(verb: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::Local { verb, path, source }
}

/// The identity of what a `stat` describes.
#[allow(clippy::unnecessary_cast, reason = "the types differ between systems")]
pub(super) fn id(stat: &Stat) -> FileId {
    FileId { dev: stat.st_dev as u64, ino: stat.st_ino as u64 }
}

/// The times of last access and last modification.
#[allow(clippy::unnecessary_cast, reason = "the types differ between systems")]
pub(super) fn times(stat: &Stat) -> (SystemTime, SystemTime) {
    (
        system_time(stat.st_atime as i64, stat.st_atime_nsec as u32),
        system_time(stat.st_mtime as i64, stat.st_mtime_nsec as u32),
    )
}

/// The same in the words of `utimensat`.
#[allow(clippy::cast_lossless, reason = "the types differ between systems")]
pub(super) fn timestamps(accessed: SystemTime, modified: SystemTime) -> Timestamps {
    let timespec = |time| {
        let (tv_sec, nanos) = seconds_and_nanoseconds(time);
        Timespec { tv_sec, tv_nsec: nanos as _ }
    };
    Timestamps { last_access: timespec(accessed), last_modification: timespec(modified) }
}

/// The time that is that many seconds after 1970, and nanoseconds on top; 1970 for what no clock shows.
pub(super) fn system_time(seconds: i64, nanos: u32) -> SystemTime {
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let base = if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(whole)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(whole)
    };
    base.unwrap_or(SystemTime::UNIX_EPOCH) + Duration::from_nanos(nanos.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_keep_their_nanoseconds() {
        for (seconds, nanos) in [(0, 0), (1, 5), (-1, 0), (-1, 999_999_999), (-1000, 1)] {
            assert_eq!(seconds_and_nanoseconds(system_time(seconds, nanos)), (seconds, nanos));
        }
    }

    #[test]
    fn a_deep_path_is_walked_with_few_descriptors_and_found_back() {
        let scratch = tempfile::tempdir().unwrap();
        let mut folders = Folders::open(scratch.path()).unwrap();
        let mut ids = vec![folders.id()];
        for _ in 0..3 * OPEN_MAX {
            rustix::fs::mkdirat(folders.fd(), "d", Mode::RWXU).unwrap();
            folders.enter(OsStr::new("d")).unwrap();
            ids.push(folders.id());
        }
        assert!(folders.stack.iter().filter(|frame| frame.fd.is_some()).count() <= OPEN_MAX);
        assert!(folders.is_within(ids[0]).unwrap() && folders.is_within(ids[7]).unwrap());
        while ids.len() > 1 {
            assert_eq!(folders.id(), ids.pop().unwrap());
            folders.leave().unwrap();
        }
        assert_eq!(folders.id(), ids[0]);
    }

    #[test]
    fn links_are_not_entered() {
        let scratch = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/", scratch.path().join("link")).unwrap();
        assert!(Folders::open(scratch.path()).unwrap().enter(OsStr::new("link")).is_err());
    }
}
