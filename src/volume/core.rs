//! What all handles of an open volume share.

use super::dir::Dir;
use super::journal::Journal;
use super::nameless::Nameless;
use super::open::OpenOptions;
use super::pool::DirPool;
use super::state::FileState;
use super::table::WeakTable;
use crate::config::{Config, FileIvMode};
use crate::content::ContentCodec;
use crate::crypto::{Cipher, VolumeKey};
use crate::names::NameCodec;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

#[derive(Debug)]
pub(super) struct Core {
    pub(super) root_path: PathBuf,
    pub(super) root: Dir,
    pub(super) config: Config,
    pub(super) names: NameCodec,
    pub(super) content: ContentCodec,
    /// For what encbox itself seals.
    pub(super) key: VolumeKey,
    /// For file headers.
    pub(super) cipher: Arc<dyn Cipher>,
    pub(super) read_only: bool,
    pub(super) dirs: Arc<WeakTable<super::dir::DirState>>,
    pub(super) files: WeakTable<FileState>,
    pub(super) pool: Arc<DirPool>,
    pub(super) journal: Journal,
    /// A file of which not everything has arrived ends there.
    pub(super) read_partial: bool,
    /// Nothing is looked for in another form of Unicode.
    pub(super) exact_names: bool,
    /// Whether new files may go without a name until they are whole.
    pub(super) nameless: Nameless,
    /// A rename was interrupted, and is half done; only a volume that is open read-only knows of such.
    pub(super) half_done: bool,
    /// Held for writing while names of a whole tree change, for reading by whatever depends on the IV chain.
    tree: RwLock<()>,
    /// Held for writing while an entry is moved and its state is told, for reading by whoever opens a directory
    /// through its place in the tree.
    moving: RwLock<()>,
    /// Held while a directory gets another place, so that no two of them are hung below each other.
    pub(super) hanging: Mutex<()>,
    /// Counts changes of chains: a directory that remembers an older count computes its chain anew.
    pub(super) epoch: Arc<AtomicU64>,
}

impl Core {
    #[allow(clippy::too_many_arguments)] // each is a part that `open.rs` made; there is one caller
    pub(super) fn new(
        root_path: PathBuf,
        root: Dir,
        config: Config,
        names: NameCodec,
        content: ContentCodec,
        key: VolumeKey,
        cipher: Arc<dyn Cipher>,
        options: &OpenOptions,
        journal: Journal,
    ) -> Core {
        Core {
            root_path,
            root,
            config,
            names,
            content,
            key,
            cipher,
            read_only: options.read_only,
            dirs: Arc::default(),
            files: WeakTable::default(),
            pool: Arc::default(),
            journal,
            read_partial: options.read_partial,
            exact_names: options.exact_names,
            nameless: Nameless::default(),
            half_done: false,
            tree: RwLock::new(()),
            moving: RwLock::new(()),
            hanging: Mutex::new(()),
            epoch: Arc::default(),
        }
    }

    /// Whether file headers are encrypted depending on the path.
    pub(super) fn external_ivs(&self) -> bool {
        self.config.parameters().file_iv == FileIvMode::External
    }

    /// Whether names depend on where they are.
    pub(super) fn chained(&self) -> bool {
        self.config.parameters().chained_names
    }

    /// Keeps chains as they are while the guard lives. Free where there are no chains.
    pub(super) fn hold_chains(&self) -> Option<RwLockReadGuard<'_, ()>> {
        self.chained().then(|| self.tree.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps everybody else out while chains change.
    pub(super) fn change_chains(&self) -> RwLockWriteGuard<'_, ()> {
        self.tree.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps entries where they are while the guard lives.
    pub(super) fn hold_places(&self) -> RwLockReadGuard<'_, ()> {
        self.moving.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps everybody from opening directories through places that are about to change.
    pub(super) fn change_places(&self) -> RwLockWriteGuard<'_, ()> {
        self.moving.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Makes every directory compute its chain anew.
    pub(super) fn next_epoch(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }
}
