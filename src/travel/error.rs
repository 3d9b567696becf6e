//! What can go wrong with an index that travels.

use crate::index;
use std::io;
use std::path::{Path, PathBuf};

/// Why an index cannot be published or read.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the fields say where, and what the system said
pub enum Error {
    /// The local index, whose contents are published.
    #[error(transparent)]
    Index(#[from] index::Error),
    /// Another process publishes for this device.
    #[error("another encbox is publishing this index")]
    Busy,
    /// A file or folder below `.encbox`, or of this machine.
    #[error("{}: {source}", path.display())]
    Folder { path: PathBuf, source: io::Error },
}

impl Error {
    /// Wraps what the system said about a path.
    pub(super) fn at(path: &Path) -> impl Fn(io::Error) -> Error + use<> {
        let path = path.to_owned();
        move |source| Error::Folder { path: path.clone(), source }
    }
}
