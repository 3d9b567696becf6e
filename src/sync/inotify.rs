//! Watching by inotify: one watch per directory that somebody is interested in, on the directory itself.
//!
//! Not by way of the `notify` crate: that goes by paths, which change, and takes each new watch by way of a thread
//! of its own; a directory at hand is watched by one system call, before the first look into it.

use crate::volume::Change;
use crate::volume::Dir;
use crate::volume::FileId;
use crate::volume::Watch;
use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::fd::AsRawFd;
use rustix::fd::BorrowedFd;
use rustix::fd::OwnedFd;
use rustix::fs::inotify;
use rustix::fs::inotify::CreateFlags;
use rustix::fs::inotify::ReadFlags;
use rustix::fs::inotify::WatchFlags;
use rustix::io::Errno;
use std::collections::HashMap;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

/// Whatever changes what a name leads to, or what is there.
const EVENTS: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::MODIFY)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::ONLYDIR);

/// Bytes of events that are read at once; one takes 16 and its name.
const BUFFER_LEN: usize = 64 << 10;

/// The system's notice of changes.
#[derive(Debug)]
pub(super) struct Watcher {
    inotify: OwnedFd,
    /// Readable once closed.
    closed: OwnedFd,
    close: OwnedFd,
    watched: Mutex<Watched>,
}

#[derive(Debug, Default)]
struct Watched {
    dirs: HashMap<i32, Dir>,
    watches: HashMap<FileId, i32>,
}

impl Watcher {
    pub(super) fn new() -> io::Result<Watcher> {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let (closed, close) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        Ok(Watcher { inotify, closed, close, watched: Mutex::default() })
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The events that are there.
    fn read(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut told = HashSet::new();
        let mut buffer = vec![MaybeUninit::uninit(); BUFFER_LEN];
        let mut events = inotify::Reader::new(&self.inotify, &mut buffer);
        let mut watched = self.watched();
        loop {
            let event = match events.next() {
                Ok(event) => event,
                Err(Errno::INTR) => continue,
                Err(_) => return changes,
            };
            if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                changes.push(Change::Unknown);
                continue;
            }
            if event.events().contains(ReadFlags::IGNORED) {
                if let Some(dir) = watched.dirs.remove(&event.wd()) {
                    watched.watches.remove(&dir.id());
                }
                continue;
            }
            let Some(dir) = watched.dirs.get(&event.wd()) else { continue };
            let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()).to_owned());
            // a file that is being written brings an event for every write
            if told.insert((event.wd(), name.clone())) {
                changes.push(match name {
                    Some(name) => Change::Entry(dir.clone(), name),
                    None => Change::Attributes(dir.clone()),
                });
            }
        }
    }
}

impl Watch for Watcher {
    fn watch(&self, dir: &Dir, handle: BorrowedFd<'_>) -> io::Result<()> {
        // held over the call, lest an event comes before its directory is known
        let mut watched = self.watched();
        // the descriptor is the directory; its path may be another one's by now
        let path = format!("/proc/self/fd/{}", handle.as_raw_fd());
        let watch = inotify::add_watch(&self.inotify, path, EVENTS)?;
        watched.dirs.insert(watch, dir.clone());
        watched.watches.insert(dir.id(), watch);
        Ok(())
    }

    fn unwatch(&self, id: FileId) {
        let mut watched = self.watched();
        if let Some(watch) = watched.watches.remove(&id) {
            watched.dirs.remove(&watch);
            // one that went with its directory is gone already
            let _ = inotify::remove_watch(&self.inotify, watch);
        }
    }

    fn next(&self) -> Option<Vec<Change>> {
        loop {
            let mut polled =
                [PollFd::new(&self.inotify, PollFlags::IN), PollFd::new(&self.closed, PollFlags::IN)];
            match rustix::event::poll(&mut polled, None) {
                Ok(_) if !polled[1].revents().is_empty() => return None,
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(_) => return None,
            }
            let changes = self.read();
            if !changes.is_empty() {
                return Some(changes);
            }
        }
    }

    fn close(&self) {
        // a full pipe is readable as well
        let _ = rustix::io::write(&self.close, b".");
    }
}
