//! A volume without its keys: what a mount keeps of one that it locks, so that it can go on where it was.
//!
//! Kept are the directories that somebody holds (descriptors, plain and encrypted names, the values of the IV
//! chain), so that one directory stays one state across the lock. Keys, ciphers and whatever was decoded of files
//! go with the [`Volume`].

use super::Volume;
use super::core::Core;
use super::dir::{Dir, DirState};
use super::pool::DirPool;
use super::table::WeakTable;
use crate::content::{FileIv, HEADER_LEN, encode_header};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// What is left of a volume when its keys are gone.
#[derive(Debug, Clone)]
pub struct Outline {
    root: Dir,
    dirs: Arc<WeakTable<DirState>>,
    pool: Arc<DirPool>,
    epoch: Arc<AtomicU64>,
    /// Eight zero bytes encrypted: tells one key from another, and nothing about either.
    seal: [u8; HEADER_LEN],
}

/// Why a volume cannot go on where another was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OutlineError {
    /// The folder is another one.
    #[error("another folder is in the place of the volume")]
    Root,
    /// The config holds another volume key.
    #[error("the volume has another key than before")]
    Key,
}

impl Volume {
    /// What to keep when the volume is dropped, for [`Volume::resume`].
    pub fn outline(&self) -> Outline {
        let core = &self.core;
        Outline {
            root: core.root.clone(),
            dirs: Arc::clone(&core.dirs),
            pool: Arc::clone(&core.pool),
            epoch: Arc::clone(&core.epoch),
            seal: seal(core),
        }
    }

    /// Goes on where a volume was that is closed: every [`Dir`] of that one is one of this one. The volume that
    /// the outline is of must be gone, with all its files.
    pub fn resume(self, outline: &Outline) -> Result<Volume, OutlineError> {
        let mut core = Arc::into_inner(self.core).expect("no file of a volume just opened is open");
        if core.root.id() != outline.root.id() {
            return Err(OutlineError::Root);
        }
        if seal(&core) != outline.seal {
            return Err(OutlineError::Key);
        }
        Outline { root: core.root, dirs: core.dirs, pool: core.pool, epoch: core.epoch, .. } =
            outline.clone();
        Ok(Volume { core: Arc::new(core) })
    }
}

fn seal(core: &Core) -> [u8; HEADER_LEN] {
    encode_header(&*core.cipher, FileIv::NONE, 0)
}
