//! A failed operation: what was done, to which ciphertext path, and what went wrong.

use rustix::io::Errno;
use std::path::PathBuf;

/// A failed operation on an open volume. Speaks of ciphertext names only.
#[derive(Debug, thiserror::Error)]
#[error("{verb} {}: {fault}", path.display())]
pub struct Error {
    /// What was tried: "reading", "renaming".
    pub verb: &'static str,
    /// The ciphertext path, relative to the root of the volume.
    pub path: PathBuf,
    /// What went wrong.
    pub fault: Fault,
}

/// What can go wrong on an open volume.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The operating system refused.
    #[error("{0}")]
    Sys(Errno),
    /// A name cannot be encoded, or a name or link target does not decode.
    #[error(transparent)]
    Name(#[from] crate::names::Error),
    /// Content is damaged.
    #[error(transparent)]
    Content(#[from] crate::content::Error),
    /// A directory where something else is expected.
    #[error("is a directory")]
    IsADirectory,
    /// Something else where a directory is expected.
    #[error("not a directory")]
    NotADirectory,
    /// A link, a socket or the like where a regular file is expected.
    #[error("not a regular file")]
    NotAFile,
    /// Hard links cannot be: a file's header depends on its one path.
    #[error("hard links are not possible in a volume with external IV chaining")]
    HardLink,
    /// A path or a link leads out of the volume.
    #[error("leads outside the volume")]
    Outside,
    /// Too many symbolic links on the way.
    #[error("too many levels of symbolic links")]
    LinkLoop,
    /// The volume was opened read-only.
    #[error("the volume is open read-only")]
    ReadOnly,
    /// The name is one of the volume's own files.
    #[error("the name belongs to the volume itself")]
    Reserved,
    /// The file was not opened for this.
    #[error("the file is not open for this")]
    Access,
    /// The file would be larger than the format or the system can hold.
    #[error("the file would be too large")]
    TooLarge,
    /// A directory is not where it was: another program moved or removed it.
    #[error("moved or removed by another program")]
    Stale,
}

impl From<Errno> for Fault {
    fn from(errno: Errno) -> Fault {
        Fault::Sys(errno)
    }
}
