//! Files without a name, where the system can make them: what is not finished cannot be seen, and nothing of it stays
//! whatever happens.

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Mode};
use rustix::io::{Errno, Result};
use std::ffi::OsStr;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether such files work on a file system; believed until one does not.
#[derive(Debug)]
pub struct Nameless {
    works: AtomicBool,
    /// Whether a descriptor alone is enough to name a file by. It is for root, and for everybody since Linux 6.10.
    by_descriptor: AtomicBool,
}

impl Default for Nameless {
    fn default() -> Nameless {
        // where a descriptor is not enough, it takes /proc
        let works = cfg!(target_os = "linux") && Path::new("/proc/self/fd").is_dir();
        Nameless { works: AtomicBool::new(works), by_descriptor: AtomicBool::new(true) }
    }
}

impl Nameless {
    /// Makes one in a directory, open for writing; none where that does not work.
    #[cfg(target_os = "linux")]
    pub fn file(&self, dir: impl AsFd, mode: Mode) -> Option<Result<OwnedFd>> {
        use rustix::fs::OFlags;
        if !self.works.load(Ordering::Relaxed) {
            return None;
        }
        let how = OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC;
        match rustix::fs::openat(dir, ".", how, mode) {
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOENT | Errno::NOSYS) => {
                self.works.store(false, Ordering::Relaxed);
                None
            }
            opened => Some(opened),
        }
    }

    /// There are none.
    #[cfg(not(target_os = "linux"))]
    pub fn file(&self, _dir: impl AsFd, _mode: Mode) -> Option<Result<OwnedFd>> {
        self.works.load(Ordering::Relaxed).then_some(Err(Errno::NOSYS))
    }

    /// Gives one a name that must be free.
    pub fn name(&self, file: impl AsFd, dir: impl AsFd, name: &OsStr) -> Result<()> {
        if self.by_descriptor.load(Ordering::Relaxed) {
            #[cfg(target_os = "linux")]
            match rustix::fs::linkat(&file, "", &dir, name, AtFlags::EMPTY_PATH) {
                Err(Errno::NOENT | Errno::PERM | Errno::INVAL) => {}
                named => return named,
            }
        }
        let path = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
        rustix::fs::linkat(CWD, path, dir, name, AtFlags::SYMLINK_FOLLOW)?;
        self.by_descriptor.store(false, Ordering::Relaxed);
        Ok(())
    }
}
