//! What can go wrong with an index.

use crate::volume;
use crate::volume::PlainPath;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tantivy::TantivyError;
use tantivy::directory::error::{LockError, OpenReadError, OpenWriteError};

/// Why an index cannot be used, or one entry cannot be read.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the fields say where, or what the system said
pub enum Error {
    /// An entry of the volume.
    #[error("{}: {} (ciphertext: {})", path.display(), source.fault, source.path.display())]
    Entry { path: PlainPath, source: volume::Error },
    /// There is no index yet, or none that can be used.
    #[error("this volume has no index yet")]
    Missing,
    /// A file of the index is not as it was written, or was sealed under another key.
    #[error("the index is damaged")]
    Damaged,
    /// Somebody else writes to it.
    #[error("another encbox is at work on this index")]
    Busy,
    /// A file or folder of the index.
    #[error("{}: {source}", path.display())]
    Folder { path: PathBuf, source: io::Error },
    /// The files of the index.
    #[error("the index: {0}")]
    Io(Arc<io::Error>),
    /// The folder for indexes lies in the volume, and would be synced.
    #[error("{}: lies in the volume itself", path.display())]
    InsideVolume { path: PathBuf },
    /// The search engine, in its own words.
    #[error("the index: {0}")]
    Engine(String),
    /// Whoever asked wants to stop.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// Wraps an error of the volume with the path of the entry.
    pub(super) fn entry(path: &PlainPath) -> impl FnOnce(volume::Error) -> Error + '_ {
        move |source| Error::Entry { path: path.clone(), source }
    }

    fn io(error: &Arc<io::Error>) -> Error {
        use io::ErrorKind as K;
        match error.kind() {
            K::InvalidData | K::UnexpectedEof | K::IsADirectory | K::NotADirectory => Error::Damaged,
            _ => Error::Io(Arc::clone(error)),
        }
    }
}

impl From<TantivyError> for Error {
    fn from(error: TantivyError) -> Error {
        use TantivyError as T;
        match &error {
            T::LockFailure(LockError::LockBusy, _) => Error::Busy,
            T::IoError(io_error) | T::LockFailure(LockError::IoError(io_error), _) => Error::io(io_error),
            T::OpenReadError(OpenReadError::IoError { io_error, .. }) => Error::io(io_error),
            T::OpenWriteError(OpenWriteError::IoError { io_error, .. }) => Error::io(io_error),
            // of another version, or with a file gone
            T::OpenReadError(_)
            | T::OpenWriteError(OpenWriteError::FileAlreadyExists(_))
            | T::DataCorruption(_)
            | T::SchemaError(_)
            | T::IncompatibleIndex(_)
            | T::FieldNotFound(_)
            | T::DeserializeError(_) => Error::Damaged,
            _ => Error::Engine(error.to_string()),
        }
    }
}

impl From<OpenReadError> for Error {
    fn from(error: OpenReadError) -> Error {
        TantivyError::from(error).into()
    }
}
