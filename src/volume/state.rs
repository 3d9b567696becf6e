//! What all handles of one backing file share: its IV, and who may read or write it now.

use super::attr::FileId;
use super::core::Core;
use super::dir::Dir;
use super::error::{Error, Fault};
use super::path::PlainPath;
use super::spot::{Spot, os_str};
use crate::content::{FileIv, HEADER_LEN};
use crate::names::EntryName;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// One per backing file, however many handles and names it has.
#[derive(Debug)]
pub(super) struct FileState {
    pub(super) id: FileId,
    /// Where it hangs; with external IVs its header depends on it.
    place: Mutex<(Dir, EntryName)>,
    contents: RwLock<Contents>,
}

/// Held for reading while blocks are read, for writing while any are changed.
#[derive(Debug)]
pub(super) struct Contents {
    /// Once known; an empty file may have none yet, it comes with the first data. Where files have headers, the
    /// header that it was read from stands beside it: another program may have given the file another one.
    pub(super) file_iv: Option<(FileIv, Option<[u8; HEADER_LEN]>)>,
}

impl FileState {
    /// A file found at a spot.
    pub(super) fn new(core: &Core, id: FileId, spot: &Spot<'_>) -> FileState {
        let has_header = core.content.layout().header_len() > 0;
        FileState {
            id,
            place: Mutex::new((spot.dir.clone(), spot.name.clone())),
            contents: RwLock::new(Contents { file_iv: (!has_header).then_some((FileIv::NONE, None)) }),
        }
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, Contents> {
        self.contents.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Contents> {
        self.contents.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that the file hangs here now.
    pub(super) fn moved_to(&self, spot: &Spot<'_>) {
        *lock(&self.place) = (spot.dir.clone(), spot.name.clone());
    }

    /// Where it hangs, and its name there as it is shown.
    pub(super) fn place(&self) -> (Dir, OsString) {
        let (dir, name) = lock(&self.place).clone();
        (dir, os_str(name.shown()).to_owned())
    }

    /// The plaintext path as far as it is known.
    pub(super) fn plain_path(&self) -> PlainPath {
        let (dir, name) = lock(&self.place).clone();
        let mut names = vec![name.shown().to_vec()];
        let mut place = dir.place_in_parent();
        while let Some((parent, name)) = place {
            names.push(name);
            place = parent.place_in_parent();
        }
        names.iter().rev().fold(PlainPath::default(), |path, name| path.join(os_str(name)))
    }

    /// The external IV that goes with the file's path; 0 in volumes without. Chains are held meanwhile.
    pub(super) fn external_iv(&self, core: &Core) -> Result<u64, Error> {
        if !core.external_ivs() {
            return Ok(0);
        }
        let (dir, name) = lock(&self.place).clone();
        let encoded = core.names.encode_entry(&name, dir.chain(core)?);
        let (_, chain) = encoded.map_err(|error| dir.error("opening", None, error))?;
        Ok(chain.path_iv())
    }

    /// The path on disk, relative to the root, as it would be spelled.
    pub(super) fn cipher_path(&self, core: &Core) -> PathBuf {
        let (dir, name) = lock(&self.place).clone();
        let name = dir.chain(core).ok().and_then(|chain| core.names.encode_entry(&name, chain).ok());
        let mut path = dir.cipher_path();
        path.extend(name.as_ref().map(|(name, _)| os_str(name)));
        path
    }

    /// For messages.
    pub(super) fn error(&self, core: &Core, verb: &'static str, fault: impl Into<Fault>) -> Error {
        Error { verb, path: self.cipher_path(core), fault: fault.into() }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
