//! What is in a directory: the names that decode, and the ones that do not.

use super::Volume;
use super::attr::Kind;
use super::copies::copies;
use super::dir::Dir;
use super::error::Error;
use super::spot::os_str;
use super::sys;
use crate::config::is_reserved_name;
use crate::names::IvChain;
use rustix::fd::OwnedFd;
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::vec;

const VERB: &str = "listing";

/// An entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirEntry {
    /// The plaintext name, of a conflicted copy as it is shown.
    pub name: OsString,
    /// The name of the entry that this is a conflicted copy of, if it is one.
    pub copy_of: Option<OsString>,
    /// The name on disk.
    pub cipher_name: OsString,
    /// The backing inode.
    pub ino: u64,
    /// What it is.
    pub kind: Kind,
}

/// The entries of a directory, one by one; see [`Volume::entries`]. It ends with the first error.
#[derive(Debug)]
pub struct Entries {
    volume: Volume,
    dir: Dir,
    /// What is still to be listed.
    source: Option<(Arc<OwnedFd>, rustix::fs::Dir)>,
    /// There are conflicted copies, which are named by what else there is.
    copies: bool,
    last: vec::IntoIter<DirEntry>,
}

enum Found {
    Entry(DirEntry),
    Cruft,
    Nothing,
}

impl Iterator for Entries {
    type Item = Result<DirEntry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let Entries { volume, dir, source, copies, last } = self;
        while let Some((handle, entries)) = source {
            let Some(entry) = entries.next() else {
                *source = None;
                break;
            };
            let _chains = volume.core.hold_chains();
            let entry = entry.map_err(|errno| dir.error(VERB, None, errno));
            let found = entry.and_then(|entry| volume.found(dir, handle, dir.chain(&volume.core)?, &entry));
            match found {
                Ok(Found::Entry(entry)) if entry.copy_of.is_some() => *copies = true,
                Ok(Found::Entry(entry)) => return Some(Ok(entry)),
                Ok(Found::Cruft | Found::Nothing) => {}
                Err(error) => {
                    (*source, *copies) = (None, false);
                    return Some(Err(error));
                }
            }
        }
        if std::mem::take(copies) {
            match volume.list(dir) {
                Ok(mut all) => {
                    all.retain(|entry| entry.copy_of.is_some());
                    *last = all.into_iter();
                }
                Err(error) => return Some(Err(error)),
            }
        }
        last.next().map(Ok)
    }
}

impl Volume {
    /// Every entry whose name decodes, in no order; neither `.` and `..` nor config files.
    pub fn list(&self, dir: &Dir) -> Result<Vec<DirEntry>, Error> {
        Ok(self.list_all(dir)?.0)
    }

    /// The names on disk that do not belong to the volume, config files left out.
    pub fn list_undecodable(&self, dir: &Dir) -> Result<Vec<OsString>, Error> {
        Ok(self.list_all(dir)?.1)
    }

    /// The entries of [`Volume::list`] one by one, as the system has them, for directories too large to be held. What
    /// needs a look at all the others comes last.
    pub fn entries(&self, dir: &Dir) -> Result<Entries, Error> {
        let volume = Volume { core: Arc::clone(&self.core) };
        if self.core.names.ignores_case() {
            let all = self.list(dir)?.into_iter();
            return Ok(Entries { volume, dir: dir.clone(), source: None, copies: false, last: all });
        }
        let handle = dir.handle(&self.core, VERB)?;
        let source = sys::read_dir(&handle).map_err(|errno| dir.error(VERB, None, errno))?;
        let last = Vec::new().into_iter();
        Ok(Entries { volume, dir: dir.clone(), source: Some((handle, source)), copies: false, last })
    }

    /// The entries, and the names that do not decode.
    pub(super) fn list_all(&self, dir: &Dir) -> Result<(Vec<DirEntry>, Vec<OsString>), Error> {
        let _chains = self.core.hold_chains();
        let chain = dir.chain(&self.core)?;
        let handle = dir.handle(&self.core, VERB)?;
        let fail = |errno| dir.error(VERB, None, errno);
        let (mut entries, mut cruft) = (Vec::new(), Vec::new());
        for entry in sys::read_dir(&handle).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            match self.found(dir, &handle, chain, &entry)? {
                Found::Entry(entry) => entries.push(entry),
                Found::Cruft => cruft.push(os_str(entry.file_name().to_bytes()).to_owned()),
                Found::Nothing => {}
            }
        }
        if entries.iter().any(|entry| entry.copy_of.is_some()) {
            self.set_copies_apart(chain, &mut entries);
        }
        if self.core.names.ignores_case() {
            self.set_twins_apart(chain, &mut entries, &mut cruft);
        }
        Ok((entries, cruft))
    }

    /// What the system lists, in terms of the volume.
    fn found(
        &self,
        dir: &Dir,
        handle: &OwnedFd,
        chain: IvChain,
        entry: &rustix::fs::DirEntry,
    ) -> Result<Found, Error> {
        let cipher_name = entry.file_name().to_bytes();
        if matches!(cipher_name, b"." | b"..") || (dir.is_root() && is_reserved_name(cipher_name)) {
            return Ok(Found::Nothing);
        }
        let Ok((name, _)) = self.core.names.decode_entry(cipher_name, chain) else { return Ok(Found::Cruft) };
        let kind = match sys::kind_of(entry.file_type()) {
            Some(kind) => kind,
            None => match sys::stat_at(handle, cipher_name) {
                Ok(stat) => stat.kind,
                Err(rustix::io::Errno::NOENT) => return Ok(Found::Nothing), // gone since it was listed
                Err(errno) => return Err(dir.error(VERB, Some(cipher_name), errno)),
            },
        };
        Ok(Found::Entry(DirEntry {
            copy_of: name.copy_of().map(|name| os_str(name).to_owned()),
            name: os_str(name.shown()).to_owned(),
            cipher_name: os_str(cipher_name).to_owned(),
            ino: entry.ino(),
            kind,
        }))
    }

    /// Gives every conflicted copy the name that a lookup finds it by.
    fn set_copies_apart(&self, chain: IvChain, entries: &mut [DirEntry]) {
        let names = entries.iter().map(|entry| entry.cipher_name.as_bytes().to_vec()).collect();
        let copies = copies(&self.core, chain, names).into_iter();
        let shown: HashMap<_, _> = copies.map(|copy| (copy.cipher_name, copy.name)).collect();
        for entry in entries {
            if let Some(name) = shown.get(entry.cipher_name.as_bytes()) {
                entry.name = os_str(name.shown()).to_owned();
            }
        }
    }

    /// Where case does not count, two names on disk can stand for one: the one that a lookup finds stays.
    fn set_twins_apart(&self, chain: IvChain, entries: &mut Vec<DirEntry>, cruft: &mut Vec<OsString>) {
        let canonical = |entry: &DirEntry| {
            let decoded = self.core.names.decode_entry(entry.cipher_name.as_bytes(), chain);
            let encoded = decoded.and_then(|(name, _)| self.core.names.encode_entry(&name, chain));
            encoded.is_ok_and(|(name, _)| name == entry.cipher_name.as_bytes())
        };
        entries.sort_by_cached_key(|entry| !canonical(entry));
        let mut seen = HashSet::new();
        entries.retain(|entry| {
            let first = seen.insert(entry.name.clone());
            if !first {
                cruft.push(entry.cipher_name.clone());
            }
            first
        });
    }
}
