//! Open directories.

use super::attr::bare;
use super::attr::file_attr;
use super::errno::is_gone;
use super::handle::Item;
use super::handle::OpenDir;
use super::handle::Snapshot;
use super::tree::Entry;
use super::tree::Life;
use super::tree::Tree;
use crate::volume::Error;
use crate::volume::FileId;
use crate::volume::Kind;
use fuser::Errno;
use fuser::Generation;
use std::ffi::OsString;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

/// An entry of a directory together with its node.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) entry: Entry,
    /// Whether the kernel was thereby told of the node, and has to forget it.
    pub(super) told: bool,
}

impl Tree {
    pub(super) fn open_dir(&self, ino: u64) -> Result<u64, Errno> {
        let open = OpenDir { place: self.place(ino)?, snapshot: Mutex::default() };
        Ok(self.dirs.insert(Arc::new(open)))
    }

    pub(super) fn open_directory(&self, handle: u64) -> Result<Arc<OpenDir>, Errno> {
        self.dirs.get(handle).ok_or(Errno::EBADF)
    }

    pub(super) fn close_dir(&self, handle: u64) {
        drop(self.dirs.remove(handle));
    }

    pub(super) fn sync_dir(&self, handle: u64) -> Result<(), Errno> {
        Ok(self.volume.sync_dir(&self.open_directory(handle)?.place.dir)?)
    }

    /// The entries to walk through from position `from`. Position 0 is a new beginning.
    pub(super) fn snapshot(&self, open: &OpenDir, from: u64) -> Result<Snapshot, Errno> {
        let lock = || open.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(snapshot) = lock().as_ref().filter(|_| from > 0) {
            return Ok(Arc::clone(snapshot));
        }
        let snapshot = self.entries(open)?;
        *lock() = Some(Arc::clone(&snapshot));
        Ok(snapshot)
    }

    fn entries(&self, open: &OpenDir) -> Result<Snapshot, Error> {
        let own = open.place.dir.id().ino;
        let parent = open.place.dir.parent().map_or(own, |parent| parent.id().ino);
        let dots = [(".", own), ("..", parent)];
        let dots = dots.map(|(name, ino)| Item { name: OsString::from(name), ino, kind: Kind::Dir });
        let entries = self.volume.list(&open.place.dir)?.into_iter();
        let entries = entries.map(|entry| Item { name: entry.name, ino: entry.ino, kind: entry.kind });
        Ok(dots.into_iter().chain(entries).collect())
    }

    /// The node of an entry; `None` if the entry has vanished since the snapshot.
    pub(super) fn listed(&self, open: &OpenDir, item: &Item) -> Result<Option<Listed>, Errno> {
        if item.name == "." || item.name == ".." {
            // the kernel looks at nothing but number and kind of these
            let attr =
                file_attr(item.ino, &bare(FileId { dev: open.place.dir.id().dev, ino: item.ino }, item.kind));
            let life = Life { name: Duration::ZERO, attr: Duration::ZERO };
            return Ok(Some(Listed { entry: Entry { attr, generation: Generation(0), life }, told: false }));
        }
        match self.tell(&open.place, &item.name) {
            Ok(entry) => Ok(Some(Listed { entry, told: true })),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
