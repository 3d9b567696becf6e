//! Directories as handles: a descriptor and a place in the IV chain.
//!
//! A directory stays what it is however it is renamed. The number of open descriptors is bounded: one that was
//! not used for a while is closed (`pool.rs`), and opened again through its parent when needed.

use super::Volume;
use super::attr::{FileId, Stat};
use super::core::Core;
use super::error::{Error, Fault};
use super::spot::{Spot, os_str};
use super::sys;
use crate::names::{EntryName, IvChain};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

/// A directory of a volume. Clones are the same directory.
#[derive(Debug, Clone)]
pub struct Dir(Arc<DirState>);

#[derive(Debug)]
pub(super) struct DirState {
    id: FileId,
    place: Mutex<Place>,
    /// The chain below this directory, and the epoch it was computed in.
    chain: Mutex<(u64, IvChain)>,
    handle: Mutex<Option<Arc<OwnedFd>>>,
    recently_used: AtomicBool,
}

/// Where a directory hangs in the tree.
#[derive(Debug, Clone)]
enum Place {
    Root,
    In(Entry),
    /// Another program moved it, and nobody has seen where to.
    Lost,
}

#[derive(Debug, Clone)]
struct Entry {
    parent: Dir,
    name: EntryName,
    /// As it stands on disk, which need not be how we would spell it.
    cipher_name: Vec<u8>,
}

impl Entry {
    fn at(spot: &Spot<'_>) -> Entry {
        Entry { parent: spot.dir.clone(), name: spot.name.clone(), cipher_name: spot.cipher_name.clone() }
    }
}

impl Volume {
    /// Opens an entry that is a directory. The same directory gives the same shared state each time.
    pub fn open_dir(&self, dir: &Dir, name: &OsStr) -> Result<Dir, Error> {
        let _chains = self.core.hold_chains();
        let spot = self.spot("opening", dir, name)?;
        let handle = spot.check(sys::open_dir_handle(&spot.handle, &spot.cipher_name))?;
        let entry = Entry::at(&spot);
        spot.check(Dir::found(&self.core, entry, spot.chain, handle))
    }

    /// The directory at a spot where one was found just now, and its state: that of another directory, should one
    /// have taken the name in between.
    pub(super) fn open_spot(&self, spot: &Spot<'_>, stat: Stat) -> Result<(Dir, Stat), Error> {
        let entry = Entry::at(spot);
        if let Some(state) = self.core.dirs.get(stat.id) {
            let dir = Dir(state);
            dir.hang(&self.core, entry);
            return Ok((dir, stat));
        }
        let handle = spot.check(sys::open_dir_handle(&spot.handle, &spot.cipher_name))?;
        let raw = spot.check(sys::stat_fd(&handle))?;
        let dir = spot.check(Dir::found(&self.core, entry, spot.chain, handle))?;
        Ok((dir, self.core.stat_from(raw, 0)))
    }

    /// Makes the entries of a directory durable.
    pub fn sync_dir(&self, dir: &Dir) -> Result<(), Error> {
        let handle = dir.handle(&self.core, "syncing")?;
        let synced = sys::reopen_dir(&handle).and_then(sys::sync);
        synced.map_err(|errno| dir.error("syncing", None, errno))
    }
}

impl Dir {
    pub(super) fn root(id: FileId, handle: OwnedFd, chain: IvChain) -> Dir {
        Dir(Arc::new(DirState::new(id, Place::Root, (0, chain), handle)))
    }

    /// The directory behind `handle`: the state that others hold of it, or a new one.
    fn found(core: &Core, entry: Entry, chain: IvChain, handle: OwnedFd) -> rustix::io::Result<Dir> {
        let id = sys::stat_fd(&handle)?.id;
        if id == core.root.id() {
            return Err(Errno::LOOP); // the volume mounted into itself
        }
        let epoch = core.epoch();
        let (state, known) = core
            .dirs
            .get_or_insert(id, || DirState::new(id, Place::In(entry.clone()), (epoch, chain), handle));
        let dir = Dir(state);
        if known {
            dir.hang(core, entry);
        } else {
            core.pool.opened(&dir.0);
        }
        Ok(dir)
    }

    /// The identity of the backing directory.
    pub fn id(&self) -> FileId {
        self.0.id
    }

    /// The directory it was reached through; `None` for the root.
    pub fn parent(&self) -> Option<Dir> {
        self.entry().map(|entry| entry.parent)
    }

    /// The directory it hangs in, and its name there as it is shown; `None` for the root.
    pub(super) fn place_in_parent(&self) -> Option<(Dir, Vec<u8>)> {
        self.entry().map(|entry| (entry.parent, entry.name.shown().to_vec()))
    }

    /// The ciphertext path, relative to the root.
    pub fn cipher_path(&self) -> PathBuf {
        let mut names = Vec::new();
        let mut entry = self.entry();
        while let Some(Entry { parent, cipher_name, .. }) = entry {
            names.push(cipher_name);
            entry = parent.entry();
        }
        names.iter().rev().map(|name| os_str(name)).collect()
    }

    /// Whether this is the root of the volume.
    pub fn is_root(&self) -> bool {
        matches!(*lock(&self.0.place), Place::Root)
    }

    /// The chain with which names in this directory are encoded. Computed from the nearest directory above that
    /// knows its own; the way up is a loop, for trees can be deeper than a stack.
    pub(super) fn chain(&self, core: &Core) -> Result<IvChain, Error> {
        if !core.chained() {
            return Ok(core.names.root_chain());
        }
        let epoch = core.epoch();
        let mut below: Vec<(Dir, EntryName)> = Vec::new();
        let mut dir = self.clone();
        let mut chain = loop {
            let (known_in, chain) = *lock(&dir.0.chain);
            let place = dir.place();
            match place {
                Place::Root => break chain,
                _ if known_in == epoch => break chain,
                Place::In(entry) => {
                    let lower = std::mem::replace(&mut dir, entry.parent);
                    below.push((lower, entry.name));
                }
                Place::Lost => return Err(self.error("looking into", None, Fault::Stale)),
            }
        };
        for (dir, name) in below.into_iter().rev() {
            let encoded = core.names.encode_entry(&name, chain);
            (_, chain) = encoded.map_err(|error| dir.error("looking into", None, error))?;
            *lock(&dir.0.chain) = (epoch, chain);
        }
        Ok(chain)
    }

    /// A descriptor for the `*at` calls.
    pub(super) fn handle(&self, core: &Core, verb: &'static str) -> Result<Arc<OwnedFd>, Error> {
        match self.open_handle() {
            Some(handle) => Ok(handle),
            None => self.reopen(core).map_err(|fault| self.error(verb, None, fault)),
        }
    }

    /// Opens this directory and those above it that are closed, from the nearest open one down.
    fn reopen(&self, core: &Core) -> Result<Arc<OwnedFd>, Fault> {
        let _places = core.hold_places();
        let mut closed = Vec::new();
        let mut dir = self.clone();
        let mut handle = loop {
            if let Some(handle) = dir.open_handle() {
                break handle;
            }
            match dir.place() {
                Place::In(entry) => {
                    let lower = std::mem::replace(&mut dir, entry.parent);
                    closed.push((lower, entry.cipher_name));
                }
                Place::Root | Place::Lost => return Err(Fault::Stale),
            }
        };
        for (dir, cipher_name) in closed.into_iter().rev() {
            let opened = sys::open_dir_handle(&handle, &cipher_name).map_err(|errno| match errno {
                Errno::NOENT | Errno::NOTDIR | Errno::LOOP => Fault::Stale,
                errno => Fault::Sys(errno),
            })?;
            if sys::stat_fd(&opened)?.id != dir.0.id {
                return Err(Fault::Stale);
            }
            handle = Arc::clone(lock(&dir.0.handle).get_or_insert_with(|| Arc::new(opened)));
            core.pool.opened(&dir.0);
        }
        Ok(handle)
    }

    fn open_handle(&self) -> Option<Arc<OwnedFd>> {
        self.0.recently_used.store(true, Ordering::Relaxed);
        lock(&self.0.handle).clone()
    }

    /// Records that the directory hangs here now.
    pub(super) fn moved_to(&self, core: &Core, spot: &Spot<'_>) {
        self.hang(core, Entry::at(spot));
    }

    fn hang(&self, core: &Core, entry: Entry) {
        let same = match &*lock(&self.0.place) {
            Place::Root => return,
            Place::In(old) => {
                old.name == entry.name
                    && old.cipher_name == entry.cipher_name
                    && Arc::ptr_eq(&old.parent.0, &entry.parent.0)
            }
            Place::Lost => false,
        };
        if same || Arc::ptr_eq(&entry.parent.0, &self.0) {
            return;
        }
        let _hanging = lock(&core.hanging);
        // on disk there are no rings: whatever above says that it hangs below this one is out of date
        let mut above = entry.parent.clone();
        while let Some(higher) = above.parent() {
            if Arc::ptr_eq(&higher.0, &self.0) {
                *lock(&above.0.place) = Place::Lost;
                break;
            }
            above = higher;
        }
        *lock(&self.0.place) = Place::In(entry);
        core.next_epoch();
    }

    /// Records how the directory is spelled on disk after a tree was renamed.
    pub(super) fn respelled(&self, cipher_name: &[u8]) {
        if let Place::In(entry) = &mut *lock(&self.0.place) {
            entry.cipher_name = cipher_name.to_vec();
        }
    }

    /// An error on this directory, or on an entry in it.
    pub(super) fn error(&self, verb: &'static str, name: Option<&[u8]>, fault: impl Into<Fault>) -> Error {
        let mut path = self.cipher_path();
        path.extend(name.map(os_str));
        if path.as_os_str().is_empty() {
            path.push(".");
        }
        Error { verb, path, fault: fault.into() }
    }

    fn place(&self) -> Place {
        lock(&self.0.place).clone()
    }

    fn entry(&self) -> Option<Entry> {
        match self.place() {
            Place::In(entry) => Some(entry),
            Place::Root | Place::Lost => None,
        }
    }
}

impl DirState {
    fn new(id: FileId, place: Place, chain: (u64, IvChain), handle: OwnedFd) -> DirState {
        DirState {
            id,
            place: Mutex::new(place),
            chain: Mutex::new(chain),
            handle: Mutex::new(Some(Arc::new(handle))),
            recently_used: AtomicBool::new(true),
        }
    }

    /// Closes the descriptor unless it was used since this was last asked; says whether it is closed. Whoever
    /// holds the lock is using it.
    pub(super) fn close_if_idle(&self) -> bool {
        if self.recently_used.swap(false, Ordering::Relaxed) {
            return false;
        }
        match self.handle.try_lock() {
            Ok(mut handle) => *handle = None,
            Err(TryLockError::Poisoned(handle)) => *handle.into_inner() = None,
            Err(TryLockError::WouldBlock) => return false,
        }
        true
    }
}

impl From<Arc<DirState>> for Dir {
    fn from(state: Arc<DirState>) -> Dir {
        Dir(state)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
