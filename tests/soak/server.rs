//! What all machines agree on: versions by path. The clients know each other by way of this alone.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::SystemTime;

/// What is at a path, in one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Contents {
    Dir,
    File { bytes: Arc<Vec<u8>>, modified: SystemTime },
}

impl Contents {
    /// Times apart.
    fn is_same(&self, other: &Contents) -> bool {
        match (self, other) {
            (Contents::Dir, Contents::Dir) => true,
            (Contents::File { bytes, .. }, Contents::File { bytes: others, .. }) => bytes == others,
            (Contents::Dir, Contents::File { .. }) | (Contents::File { .. }, Contents::Dir) => false,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) number: u64,
    pub(crate) contents: Contents,
}

/// What all machines agree on.
#[derive(Debug, Default)]
pub(crate) struct Server {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    versions: BTreeMap<PathBuf, Version>,
    last: u64,
}

impl Server {
    pub(crate) fn all(&self) -> BTreeMap<PathBuf, Version> {
        self.state.lock().unwrap().versions.clone()
    }

    /// Takes a version that was made from version `base`; gives its number, or what is there instead.
    pub(crate) fn put(&self, path: &Path, base: Option<u64>, contents: &Contents) -> Result<u64, Version> {
        let mut state = self.state.lock().unwrap();
        match state.versions.get(path) {
            Some(there) if there.contents.is_same(contents) => return Ok(there.number),
            Some(there) if Some(there.number) != base => return Err(there.clone()),
            _ => {}
        }
        state.last += 1;
        let version = Version { number: state.last, contents: contents.clone() };
        state.versions.insert(path.to_owned(), version);
        Ok(state.last)
    }

    /// Removes version `base`, and a directory only if nothing is in it.
    pub(crate) fn remove(&self, path: &Path, base: u64) -> bool {
        let mut state = self.state.lock().unwrap();
        let is_parent = |other: &PathBuf| other != path && other.starts_with(path);
        let goes = state.versions.get(path).is_some_and(|there| there.number == base)
            && !state.versions.keys().any(is_parent);
        if goes {
            state.versions.remove(path);
        }
        goes
    }
}
