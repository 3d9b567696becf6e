//! Who makes the requests that announce something (see [`super::announce`]). Only a thread that serves no requests may.

use super::announce::Announcements;
use super::announce::Expected;
use super::announce::News;
use super::announce::WINGS;
use crate::volume::Kind;
use crate::volume::fill_random;
use crate::volume::seconds_and_nanoseconds;
use rustix::fd::AsFd;
use rustix::fd::OwnedFd;
use rustix::fs::AtFlags;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::ResolveFlags;
use rustix::fs::Timespec;
use rustix::fs::Timestamps;
use rustix::io::Errno;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::time::SystemTime;

/// `UTIME_OMIT` of linux/stat.h: this time stays.
const OMIT: Timespec = Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT };

const LOOK: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Who announces. It belongs to the thread that made it.
#[derive(Debug)]
pub(super) struct Announcer<'a> {
    announcements: &'a Announcements,
    mountpoint: &'a Path,
    /// The file system that is mounted there; another one may take its place.
    device: u64,
}

impl<'a> Announcer<'a> {
    /// For a mount that is served by other threads. Fails where our own requests do not show as ours.
    pub(super) fn new(announcements: &'a Announcements, mountpoint: &'a Path) -> io::Result<Announcer<'a>> {
        let root = rustix::fs::open(mountpoint, LOOK, Mode::empty())?;
        let device = rustix::fs::fstat(&root)?.st_dev;
        let announcer = Announcer { announcements, mountpoint, device };
        let thread = rustix::thread::gettid().as_raw_nonzero().get();
        announcements.announcer.store(thread.unsigned_abs(), Relaxed);
        let greeted = announcer
            .expecting(None, |wings| rustix::fs::statat(&root, wings, AtFlags::SYMLINK_NOFOLLOW).map(drop));
        match greeted {
            true => Ok(announcer),
            false => Err(io::Error::other("requests of our own are not known as such")),
        }
    }

    /// Makes the kernel tell whoever watches; whether it was possible.
    pub(super) fn announce(&self, news: &News) -> bool {
        self.expecting(Some(news.clone()), |wings| match news {
            News::Arrived { to, .. } => {
                let folder = self.folder(&to.folder)?;
                rustix::fs::renameat(&folder, wings, &folder, &to.name)
            }
            News::Moved { from, to, .. } => {
                let (before, now) = (self.folder(&from.folder)?, self.folder(&to.folder)?);
                rustix::fs::renameat(&before, &from.name, &now, &to.name)
            }
            News::Departed(at, kind) => {
                let how = if *kind == Kind::Dir { AtFlags::REMOVEDIR } else { AtFlags::empty() };
                rustix::fs::unlinkat(self.folder(&at.folder)?, &at.name, how)
            }
            News::Changed(at, time) => {
                let times = Timestamps { last_access: OMIT, last_modification: timespec(*time) };
                let folder = self.folder(&at.folder)?;
                rustix::fs::utimensat(&folder, &at.name, &times, AtFlags::SYMLINK_NOFOLLOW)
            }
        })
    }

    /// Makes requests of which those that serve know; whether one of them was heard.
    fn expecting(&self, news: Option<News>, ask: impl FnOnce(&OsString) -> rustix::io::Result<()>) -> bool {
        let mut token = [0; 16];
        fill_random(&mut token);
        let wings = OsString::from(format!("{WINGS}{:032x}", u128::from_le_bytes(token)));
        *self.announcements.expected() = Some(Expected { wings: wings.clone(), news, heard: false });
        let asked = ask(&wings);
        let Some(expected) = self.announcements.expected().take() else { return false };
        match asked {
            // the greeting names nothing that is there
            Err(errno) if expected.news.is_some() => {
                tracing::debug!(%errno, "nobody who watches was told of a change");
                false
            }
            Ok(()) | Err(_) => expected.heard,
        }
    }

    /// A folder of the mount. Held for a moment only: as long as it is, nobody can unmount.
    fn folder(&self, path: &Path) -> rustix::io::Result<OwnedFd> {
        let root = rustix::fs::open(self.mountpoint, LOOK, Mode::empty())?;
        if rustix::fs::fstat(root.as_fd())?.st_dev != self.device {
            return Err(Errno::XDEV);
        }
        if path.as_os_str().is_empty() {
            return Ok(root);
        }
        let within = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
        rustix::fs::openat2(&root, path, LOOK, Mode::empty(), within)
    }
}

impl Drop for Announcer<'_> {
    fn drop(&mut self) {
        self.announcements.announcer.store(0, Relaxed);
    }
}

fn timespec(time: SystemTime) -> Timespec {
    let (tv_sec, nanoseconds) = seconds_and_nanoseconds(time);
    Timespec { tv_sec, tv_nsec: nanoseconds.into() }
}
