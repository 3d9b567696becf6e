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

#[cfg(test)]
mod tests {
    use super::super::{FoundConfig, OpenFile, OpenOptions, create, fill_random, find_config};
    use super::*;
    use crate::config::{Config, Profile};
    use crate::crypto::Password;
    use std::ffi::OsStr;
    use std::path::Path;

    fn password() -> Password {
        Password::new(b"secret".to_vec()).expect("not empty")
    }

    /// With chained names, so that a directory has something to remember.
    fn make(root: &Path) -> FoundConfig {
        let parameters = Profile::Standard.parameters();
        let config = Config::create(&parameters, &password(), 1000, fill_random).expect("a profile is legal");
        create(root, &config, false).expect("an empty folder");
        find_config(root).expect("just made")
    }

    fn open(root: &Path, found: &FoundConfig) -> Volume {
        Volume::open(root, found, &password(), OpenOptions::default()).expect("the right password")
    }

    #[test]
    fn a_directory_is_one_of_both() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let found = make(folder.path());
        let volume = open(folder.path(), &found);
        let (name, how) = (OsStr::new("f"), OpenFile { write: true, ..OpenFile::default() });
        volume.mkdir(&volume.root(), OsStr::new("d"), 0o700, None).expect("a fresh name");
        let dir = volume.open_dir(&volume.root(), OsStr::new("d")).expect("just made");
        drop(volume.create_file(&dir, name, 0o600, true, how, None).expect("a fresh name"));
        let outline = volume.outline();
        drop(volume);
        let volume = open(folder.path(), &found).resume(&outline).expect("the same volume");
        assert!(volume.stat((&dir, name)).is_ok());
        // renamed now, the directory of before knows it
        volume
            .rename(
                &volume.root(),
                OsStr::new("d"),
                &volume.root(),
                OsStr::new("e"),
                super::super::RenameMode::Replace,
            )
            .expect("both in the root");
        assert!(volume.stat((&dir, name)).is_ok());
    }

    #[test]
    fn another_volume_is_refused() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        let (config, other) = (make(&one), make(&two));
        let outline = open(&one, &config).outline();
        assert_eq!(open(&two, &other).resume(&outline).err(), Some(OutlineError::Root));
        assert_eq!(open(&one, &other).resume(&outline).err(), Some(OutlineError::Key));
        assert!(open(&one, &config).resume(&outline).is_ok());
    }
}
