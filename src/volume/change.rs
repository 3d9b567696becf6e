//! What other programs do to the ciphertext folder, in words that every room above understands.

use super::Volume;
use super::attr::{FileId, Stat};
use super::dir::Dir;
use super::error::Error;
use super::sys;
use crate::config::is_reserved_name;
use rustix::fd::{BorrowedFd, OwnedFd};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::sync::Arc;

/// Something that may have changed. Own changes are told of, too: whoever hears of one looks at the disk.
#[derive(Debug, Clone)]
pub enum Change {
    /// An entry of a directory, by its name on disk: made, removed, replaced or changed.
    Entry(Dir, OsString),
    /// The attributes of a directory itself.
    Attributes(Dir),
    /// Everything: changes were lost.
    Unknown,
}

/// Who tells of changes in the directories that somebody asked about.
pub trait Watch: std::fmt::Debug + Send + Sync {
    /// Tells of changes in `dir`, whose descriptor is `handle`, from when this returns. Doing so twice is doing so
    /// once. Fails where there is no watching, or no more of it.
    fn watch(&self, dir: &Dir, handle: BorrowedFd<'_>) -> io::Result<()>;

    /// Tells no more of a directory.
    fn unwatch(&self, id: FileId);

    /// Waits for changes; `None` once closed.
    fn next(&self) -> Option<Vec<Change>>;

    /// Ends the waiting.
    fn close(&self);
}

impl Volume {
    /// A descriptor of a directory, good for no more than naming it to the system.
    pub fn handle(&self, dir: &Dir) -> Result<Arc<OwnedFd>, Error> {
        dir.handle(&self.core, "watching")
    }

    /// The plaintext name of an entry as it is shown; `None` if it does not decode, or is the volume's own.
    pub fn plain_name(&self, dir: &Dir, cipher_name: &OsStr) -> Option<OsString> {
        let _chains = self.core.hold_chains();
        if dir.is_root() && is_reserved_name(cipher_name.as_bytes()) {
            return None;
        }
        let chain = dir.chain(&self.core).ok()?;
        let (name, _) = self.core.names.decode_entry(cipher_name.as_bytes(), chain).ok()?;
        Some(OsString::from_vec(name.shown().to_vec()))
    }

    /// The state of an entry by its name on disk. A link's size is that on disk.
    pub fn stat_cipher_name(&self, dir: &Dir, cipher_name: &OsStr) -> Result<Stat, Error> {
        const VERB: &str = "looking at";
        let handle = dir.handle(&self.core, VERB)?;
        let raw = sys::stat_at(&handle, cipher_name.as_bytes());
        let raw = raw.map_err(|errno| dir.error(VERB, Some(cipher_name.as_bytes()), errno))?;
        Ok(self.core.stat_from(raw, 0))
    }
}
