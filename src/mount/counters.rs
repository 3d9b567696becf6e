//! What a mount has done: requests by kind, bytes, refusals by errno.
//!
//! A request costs one or two relaxed additions and no look at a clock. Whether a mount is idle is seen by somebody who
//! compares [`Counters::activity`] with what it was.

use fuser::Errno;
use std::cell::Cell;
use std::fmt::Write;
use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Defines [`Kind`] with the names that people see.
macro_rules! kinds {
    ($($kind:ident $name:literal,)*) => {
        /// The kinds of requests.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Kind { $(#[doc = $name] $kind,)* }

        const KINDS: &[(Kind, &str)] = &[$((Kind::$kind, $name),)*];
    };
}

kinds! {
    Lookup "lookup",
    Forget "forget",
    Getattr "getattr",
    Setattr "setattr",
    Readlink "readlink",
    Mknod "mknod",
    Mkdir "mkdir",
    Unlink "unlink",
    Rmdir "rmdir",
    Symlink "symlink",
    Rename "rename",
    Link "link",
    Open "open",
    Read "read",
    Write "write",
    Flush "flush",
    Release "release",
    Fsync "fsync",
    Opendir "opendir",
    Readdir "readdir",
    Readdirplus "readdirplus",
    Releasedir "releasedir",
    Fsyncdir "fsyncdir",
    Setxattr "setxattr",
    Getxattr "getxattr",
    Listxattr "listxattr",
    Removexattr "removexattr",
    Create "create",
    Fallocate "fallocate",
    Seek "lseek",
    Copy "copy_file_range",
    Other "other",
    Peek "peek at the mount point",
    Announce "announcement to watchers",
}

/// One more than the largest errno that is told apart.
const ERRNO_COUNT: usize = 256;

/// Counts since the mount began.
#[derive(Debug)]
pub(super) struct Counters {
    requests: [AtomicU64; KINDS.len()],
    refusals: [AtomicU64; ERRNO_COUNT],
    read_len: AtomicU64,
    written_len: AtomicU64,
}

/// What became of the request that a thread works on.
#[derive(Debug, Clone, Copy, Default)]
struct Outcome {
    refused: Option<i32>,
    /// Bytes read or written.
    len: usize,
}

thread_local! {
    /// Filled in by whoever replies, which happens on the thread of the request.
    static OUTCOME: Cell<Outcome> = const { Cell::new(Outcome { refused: None, len: 0 }) };
}

/// The request at hand was answered with an error.
pub(super) fn refused(errno: Errno) {
    OUTCOME.set(Outcome { refused: Some(errno.code()), len: 0 });
}

/// The request at hand has read or written so many bytes.
pub(super) fn moved(len: usize) {
    OUTCOME.set(Outcome { refused: None, len });
}

impl Counters {
    pub(super) fn new() -> Counters {
        Counters {
            requests: [const { AtomicU64::new(0) }; KINDS.len()],
            refusals: [const { AtomicU64::new(0) }; ERRNO_COUNT],
            read_len: AtomicU64::new(0),
            written_len: AtomicU64::new(0),
        }
    }

    /// Counts a request and what becomes of it.
    pub(super) fn count(&self, kind: Kind, request: impl FnOnce()) {
        self.requests[kind as usize].fetch_add(1, Relaxed);
        request();
        let Outcome { refused, len } = OUTCOME.take();
        if let Some(slot) = refused.and_then(|errno| self.refusals.get(usize::try_from(errno).ok()?)) {
            slot.fetch_add(1, Relaxed);
        }
        match kind {
            Kind::Read => drop(self.read_len.fetch_add(len as u64, Relaxed)),
            Kind::Write => drop(self.written_len.fetch_add(len as u64, Relaxed)),
            _ => {}
        }
    }

    /// All requests.
    pub(super) fn requests(&self) -> u64 {
        self.requests.iter().map(|count| count.load(Relaxed)).sum()
    }

    /// Changes whenever somebody uses the mount. Looking at the mount point from outside is no use of it, and
    /// neither is the kernel's forgetting, nor what we ask ourselves.
    pub(super) fn activity(&self) -> u64 {
        let passive = [Kind::Peek, Kind::Forget, Kind::Announce];
        let active = KINDS.iter().filter(|(kind, _)| !passive.contains(kind));
        active.map(|(kind, _)| self.requests[*kind as usize].load(Relaxed)).sum()
    }

    pub(super) fn read_len(&self) -> u64 {
        self.read_len.load(Relaxed)
    }

    pub(super) fn written_len(&self) -> u64 {
        self.written_len.load(Relaxed)
    }

    /// Requests by kind, those that came: `lookup 12, open 3`.
    pub(super) fn requests_by_kind(&self) -> String {
        list(KINDS.iter().map(|(kind, name)| (name.to_string(), self.requests[*kind as usize].load(Relaxed))))
    }

    /// Refusals by errno, in the words of the system.
    pub(super) fn refusals_by_errno(&self) -> String {
        let name = |errno: usize| io::Error::from_raw_os_error(errno as i32).to_string();
        let counts = self.refusals.iter().map(|count| count.load(Relaxed)).enumerate();
        list(counts.filter(|(_, count)| *count > 0).map(|(errno, count)| (name(errno), count)))
    }
}

fn list(counts: impl Iterator<Item = (String, u64)>) -> String {
    let mut text = String::new();
    for (name, count) in counts.filter(|(_, count)| *count > 0) {
        let comma = if text.is_empty() { "" } else { ", " };
        write!(text, "{comma}{name} {count}").expect("a string takes what is written");
    }
    if text.is_empty() { "none".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_belong_to_their_request() {
        let counters = Counters::new();
        counters.count(Kind::Read, || moved(100));
        counters.count(Kind::Read, || refused(Errno::EIO));
        counters.count(Kind::Read, || {});
        counters.count(Kind::Write, || moved(7));
        assert_eq!((counters.read_len(), counters.written_len()), (100, 7));
        assert_eq!(counters.requests_by_kind(), "read 3, write 1");
        assert!(counters.refusals_by_errno().ends_with("(os error 5) 1"), "{}", counters.refusals_by_errno());
    }

    #[test]
    fn looking_from_outside_is_no_activity() {
        let counters = Counters::new();
        counters.count(Kind::Peek, || {});
        counters.count(Kind::Forget, || {});
        counters.count(Kind::Announce, || {});
        assert_eq!((counters.activity(), counters.requests()), (0, 3));
        counters.count(Kind::Lookup, || {});
        assert_eq!((counters.activity(), counters.requests()), (1, 4));
    }
}
