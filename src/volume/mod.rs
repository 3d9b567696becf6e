//! An open volume: the only room that opens ciphertext files.
//!
//! [`Volume`] offers what a file system offers, on plaintext names, offsets and sizes. Directories are handles
//! ([`Dir`]), so every verb is: encode one name, one system call relative to the directory. Files with the
//! same backing file share one state, however many handles they have ([`File`]).
//!
//! Where things live: `open.rs` finding and making volumes; `unlock.rs`, `kept.rs`, `restore.rs` whether the config is
//! still the one that it was; `path.rs` walking, `spelling.rs` by
//! names as they are typed; `dir.rs` handles; `spot.rs` a
//! name in a directory; `outline.rs` without keys; `attr.rs`, `xattr.rs`, `list.rs` looking; `change.rs` hearing of
//! changes; `raw.rs` by ciphertext names; `entry.rs` making and removing; `rename.rs`, and what it lists, moving;
//! `file.rs`, `blocks.rs`, `resize.rs`, `punch.rs`, `seek.rs`, `whole.rs`, `state.rs` contents; `draft.rs`,
//! `nameless.rs` files that are not finished; `sys.rs` the system.

#[cfg(test)]
mod arrivals;
mod attr;
mod blocks;
mod change;
mod copies;
mod core;
#[cfg(test)]
mod crashes;
mod dir;
mod draft;
mod entry;
mod error;
mod fate;
mod file;
mod handles;
mod header;
mod journal;
mod kept;
mod list;
mod mend;
mod nameless;
mod open;
mod outline;
mod partial;
mod path;
mod plan;
mod pool;
mod punch;
mod random;
mod raw;
mod rename;
mod resize;
mod restore;
mod seek;
mod spelling;
mod spot;
mod state;
mod steps;
mod stragglers;
mod survey;
mod sys;
mod table;
mod unlock;
mod whole;
mod xattr;

pub use attr::{FileId, Kind, Owner, SetAttr, SetTime, Stat, StatFs, Target};
pub use change::{Change, Watch};
pub use dir::Dir;
pub use draft::Draft;
pub use error::{Error, Fault};
pub use file::{File, OpenFile};
pub use kept::{ConfigKeeper, KeptConfig};
pub use list::{DirEntry, Entries};
pub use nameless::Nameless;
pub use open::{FoundConfig, OpenError, OpenOptions, create, find_config, read_config, replace_config};
pub use outline::{Outline, OutlineError};
pub use partial::{PARTIAL_PREFIX, partial_name};
pub use path::{Follow, Place, PlainPath};
pub use random::fill_random;
pub use raw::{RawDir, RawEntry, RawFile};
pub use rename::RenameMode;
pub use restore::{Candidate, candidates, restore_config};
pub use sys::seconds_and_nanoseconds;
pub use unlock::{Unlocked, unlock};
pub use whole::WHOLE_LEN;
pub use xattr::XattrMode;

use self::core::Core;
use crate::config::Config;
use crate::content::Layout;
use crate::crypto::DerivedKey;
use std::path::Path;
use std::sync::Arc;

/// An open volume; every method may be called from any number of threads.
#[derive(Debug)]
pub struct Volume {
    core: Arc<Core>,
}

impl Volume {
    /// What the volume says about itself.
    pub fn config(&self) -> &Config {
        &self.core.config
    }

    /// Whether every change is refused.
    pub fn read_only(&self) -> bool {
        self.core.read_only
    }

    /// Whether a rename was interrupted that opening for writing would finish or take back. Seen where the volume is
    /// open read-only.
    pub fn has_interrupted_rename(&self) -> bool {
        self.core.half_done
    }

    /// The ciphertext folder, as it was given when the volume was opened.
    pub fn root_path(&self) -> &Path {
        &self.core.root_path
    }

    /// The root directory.
    pub fn root(&self) -> Dir {
        self.core.root.clone()
    }

    /// The shape of the files: which bytes make a block.
    pub fn layout(&self) -> &Layout {
        self.core.content.layout()
    }

    /// Whether names that differ in case only may be one name.
    pub fn ignores_case(&self) -> bool {
        self.core.names.ignores_case()
    }

    /// Whether what a name looks like on disk depends on where it is.
    pub fn chains_names(&self) -> bool {
        self.core.chained()
    }

    /// A key for something that is kept of this volume and must be as secret as it: see
    /// [`VolumeKey::derive`](crate::crypto::VolumeKey::derive).
    pub fn derive_key(&self, salt: &[u8], label: &str) -> DerivedKey {
        self.core.key.derive(salt, label)
    }

    /// The longest plaintext name in bytes.
    pub fn max_name_len(&self) -> usize {
        self.core.names.max_plain_len()
    }
}
