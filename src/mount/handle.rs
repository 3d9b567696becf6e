//! Tables of what is open: files and directories under the numbers that the kernel was given for them.

use super::caching::Seen;
use super::tree::Place;
use crate::volume;
use crate::volume::File;
use crate::volume::Kind;
use std::collections::HashMap;
use std::ffi::OsString;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// What is open, by number. A number is never given twice.
#[derive(Debug)]
pub(super) struct Handles<T> {
    next: AtomicU64,
    open: RwLock<HashMap<u64, Arc<T>>>,
}

impl<T> Handles<T> {
    pub(super) fn new() -> Handles<T> {
        Handles { next: AtomicU64::new(1), open: RwLock::default() }
    }

    pub(super) fn insert(&self, handle: Arc<T>) -> u64 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.open.write().unwrap_or_else(PoisonError::into_inner).insert(number, handle);
        number
    }

    pub(super) fn get(&self, number: u64) -> Option<Arc<T>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).get(&number).cloned()
    }

    /// Whether nothing is open.
    pub(super) fn is_empty(&self) -> bool {
        self.open.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Everything that is open.
    pub(super) fn all(&self) -> Vec<Arc<T>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Takes the handle out; it closes when the last request that works with it is done.
    pub(super) fn remove(&self, number: u64) -> Option<Arc<T>> {
        self.open.write().unwrap_or_else(PoisonError::into_inner).remove(&number)
    }
}

/// An open file and what it was opened for.
#[derive(Debug)]
pub(super) struct OpenFile {
    pub(super) ino: u64,
    /// What all handles of the file know of its contents.
    pub(super) seen: Arc<Seen>,
    pub(super) read: bool,
    pub(super) write: bool,
    /// The file that was opened, and the one that took its place if it was lost (see [`super::rescue`]). The first
    /// stays open: the disk would give its number to another file otherwise.
    opened: Arc<File>,
    rescued: OnceLock<Arc<File>>,
    pub(super) standing: Standing,
}

/// How it stands with the edits made through a handle.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// There are any.
    pub(super) edited: AtomicBool,
    /// Nobody wants them any more: a program removed or replaced the file through the mount.
    pub(super) given_up: AtomicBool,
}

impl OpenFile {
    pub(super) fn new(ino: u64, file: File, seen: Arc<Seen>, how: volume::OpenFile) -> OpenFile {
        OpenFile {
            ino,
            seen,
            read: how.read,
            write: how.write,
            opened: Arc::new(file),
            rescued: OnceLock::new(),
            standing: Standing::default(),
        }
    }

    /// The file to work with.
    pub(super) fn file(&self) -> &File {
        self.rescued.get().unwrap_or(&self.opened)
    }

    pub(super) fn is_rescued(&self) -> bool {
        self.rescued.get().is_some()
    }

    /// From now on another file takes what is written. That happens once.
    pub(super) fn go_on_with(&self, rescue: &Arc<File>) {
        self.rescued.get_or_init(|| Arc::clone(rescue));
    }
}

/// An open directory.
#[derive(Debug)]
pub(super) struct OpenDir {
    pub(super) place: Place,
    /// What the reader is walking through: names as they were when it began, so that positions stay what they
    /// are while entries come and go.
    pub(super) snapshot: Mutex<Option<Snapshot>>,
}

/// The entries of a directory at one moment, `.` and `..` first; a position is an index.
pub(super) type Snapshot = Arc<[Item]>;

/// One entry of a directory as its parent knows it.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) name: OsString,
    pub(super) ino: u64,
    pub(super) kind: Kind,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_not_given_again() {
        let handles = Handles::new();
        let first = handles.insert(Arc::new('a'));
        assert_eq!(handles.remove(first).as_deref(), Some(&'a'));
        assert_eq!(handles.get(first), None);
        assert_ne!(handles.insert(Arc::new('b')), first);
    }

    #[test]
    fn a_request_under_way_keeps_its_handle() {
        let handles = Handles::new();
        let number = handles.insert(Arc::new('a'));
        let working = handles.get(number);
        drop(handles.remove(number));
        assert_eq!(working.as_deref(), Some(&'a'));
    }
}
