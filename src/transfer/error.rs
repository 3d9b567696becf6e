//! Why a transfer failed, as a whole or for one item.

use crate::volume;
use crate::volume::PlainPath;
use std::io;
use std::path::{Path, PathBuf};

/// What stands in the way. Paths inside the volume are those that the caller named or asked to see.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The volume could not give or take the item.
    #[error("{}: {} (ciphertext: {})", path.display(), source.fault, source.path.display())]
    Volume {
        /// The item.
        path: PlainPath,
        /// The verb, the ciphertext path, the fault.
        source: volume::Error,
    },
    /// The file system outside the volume refused.
    #[error("{}: cannot {verb}: {source}", path.display())]
    Local {
        /// What was tried.
        verb: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The stream that is written to or read from broke.
    #[error("{0}")]
    Stream(io::Error),
    /// The content failed when part of it was in the stream already, so that nothing can follow.
    #[error("{0}; the stream ends here, incomplete")]
    StreamCut(Box<Error>),
    /// A file is in the way, and replacing was not asked for.
    #[error("{}: exists already", path.display())]
    LocalExists {
        /// Outside the volume.
        path: PathBuf,
    },
    /// A file of the volume is in the way, and replacing was not asked for.
    #[error("{}: exists already in the volume", path.display())]
    Exists {
        /// Inside the volume.
        path: PlainPath,
    },
    /// Two items want one name: given twice, or told apart by the volume but not by the folder.
    #[error("{}: another exported item has this name in the destination", path.display())]
    Clash {
        /// The second of them, outside the volume.
        path: PathBuf,
    },
    /// Two sources have one name.
    #[error("{}: another imported item has this name in the volume", path.display())]
    ClashInside {
        /// The second of them, outside the volume.
        path: PathBuf,
    },
    /// The clear text would land among the ciphertext, or the ciphertext be imported into itself.
    #[error("{}: lies inside the volume", path.display())]
    InsideVolume {
        /// Outside path that leads into the ciphertext.
        path: PathBuf,
    },
    /// A name in the volume that no folder can hold as one name (`..`, or with a `/` in it).
    #[error("{}: the name would leave the destination", path.display())]
    UnsafeName {
        /// The item.
        path: PlainPath,
    },
    /// A socket, pipe or device in the volume.
    #[error("{}: neither file, folder nor link", path.display())]
    Special {
        /// The item.
        path: PlainPath,
    },
    /// A socket, pipe or device outside the volume.
    #[error("{}: neither file, folder nor link", path.display())]
    LocalSpecial {
        /// The item.
        path: PathBuf,
    },
    /// A file of the volume became another one while it was read.
    #[error("{}: changed while it was read", path.display())]
    Changed {
        /// The item.
        path: PlainPath,
    },
    /// A file outside became another one while it was read.
    #[error("{}: changed while it was read", path.display())]
    LocalChanged {
        /// The item.
        path: PathBuf,
    },
    /// A member of a tar stream that would reach beyond the folder that it is unpacked to, or that has no name.
    #[error("{}: refused: {reason}", path.display())]
    HostileMember {
        /// As the stream calls it.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A member of a tar stream in a form that is not read.
    #[error("{}: {reason}", path.display())]
    UnknownMember {
        /// As the stream calls it.
        path: PathBuf,
        /// Why not.
        reason: &'static str,
    },
    /// A tar stream that ends early.
    #[error("the tar stream ends before its end{}", within(path.as_deref()))]
    TarCut {
        /// The member that it ends in.
        path: Option<PathBuf>,
    },
    /// What should be a tar stream is none, or is damaged.
    #[error("byte {at} of the stream: {reason}")]
    NoTar {
        /// Where the header begins that is none.
        at: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A source without a last name, such as `..`, gives an import nothing to be called.
    #[error("{}: has no name to import it under", path.display())]
    Nameless {
        /// Outside path.
        path: PathBuf,
    },
    /// Another program moved a folder of the destination or source while the transfer was in it.
    #[error("{}: moved away by another program during the transfer", path.display())]
    Lost {
        /// Where the folder was.
        path: PathBuf,
    },
    /// The caller asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// Wraps an error of the volume with the path that it is about.
    pub(super) fn volume(path: &PlainPath) -> impl FnOnce(volume::Error) -> Error + '_ {
        move |source| Error::Volume { path: path.clone(), source }
    }

    /// Whether the destination has no room, or takes no changes.
    pub fn is_full(&self) -> bool {
        match self {
            Error::Local { source, .. } => is_full(source.raw_os_error()),
            Error::Volume { source, .. } => match source.fault {
                volume::Fault::Sys(errno) => is_full(Some(errno.raw_os_error())),
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether going on with other items makes no sense.
    pub(super) fn is_fatal(&self) -> bool {
        match self {
            Error::Stream(_)
            | Error::StreamCut(_)
            | Error::TarCut { .. }
            | Error::NoTar { .. }
            | Error::Lost { .. }
            | Error::Interrupted => true,
            _ => self.is_full(),
        }
    }
}

/// Where a stream ends, if that is in something.
fn within(path: Option<&Path>) -> String {
    path.map_or_else(String::new, |path| format!(", within {}", path.display()))
}

/// No space, no quota, or a file system that takes no changes: the next item would fare no better.
fn is_full(errno: Option<i32>) -> bool {
    use rustix::io::Errno;
    [Errno::NOSPC, Errno::DQUOT, Errno::ROFS].iter().any(|full| Some(full.raw_os_error()) == errno)
}
