//! Everything that can stop a command.

#[cfg(feature = "mount")]
use super::exit::Code;
use super::{keyring, password, text, words};
use crate::config;
use crate::transfer;
use crate::volume;
use crate::volume::{OpenError, PlainPath};
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

/// Why a command ends early; [`super::exit`] gives each its number and its hint.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The folder did not open as a volume.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The parameters of a new volume do not go together.
    #[error("a volume like this is impossible: {0}")]
    Parameters(config::Error),
    /// Something on an open volume, at a path that the user typed or asked to see.
    #[error("{}: {} (ciphertext: {})", path.display(), source.fault, source.path.display())]
    At { path: PlainPath, source: volume::Error },
    /// Something on an open volume, with no path but the encrypted one.
    #[error(transparent)]
    Volume(volume::Error),
    /// A path that leads out of the volume by its very text.
    #[error("{}: leads outside the volume", .0.to_string_lossy())]
    Outside(OsString),
    /// `mkdir`, `mv` or `encode` met something that is there already.
    #[error("{}: exists already in the volume", .0.display())]
    Exists(PlainPath),
    /// `rm` was given a directory, and no `-r`.
    #[error("{}: is a directory", .0.display())]
    Directory(PlainPath),
    /// `rm -r` removed all that belongs to the volume, and the directory is not empty.
    #[error("{}: holds files with names that do not decode, which encbox does not remove", .0.display())]
    Foreign(PlainPath),
    /// `rm`, `mv` or `cat` was given the whole volume.
    #[error("/: this is the whole volume")]
    WholeVolume,
    /// Export or import.
    #[error(transparent)]
    Transfer(#[from] transfer::Error),
    /// An export or import that goes on with the command `again`.
    #[error("{source}")]
    Stopped { source: transfer::Error, again: String },
    /// The index.
    #[cfg(feature = "index")]
    #[error(transparent)]
    Index(#[from] crate::index::Error),
    /// A question to the index that makes no sense.
    #[cfg(feature = "index")]
    #[error(transparent)]
    Query(#[from] crate::index::QueryError),
    /// The index that travels.
    #[cfg(feature = "index")]
    #[error(transparent)]
    Travel(#[from] crate::travel::Error),
    /// No password could be had.
    #[error(transparent)]
    Password(#[from] password::Error),
    /// The keyring cannot be used.
    #[error(transparent)]
    Keyring(#[from] keyring::Error),
    /// Standard output is gone.
    #[error("standard output: {0}")]
    Output(io::Error),
    /// A file or program of this machine, outside any volume.
    #[error("{}: cannot {verb}: {source}", path.display())]
    Local { verb: &'static str, path: PathBuf, source: io::Error },
    /// Options that do not go together, where clap cannot see it.
    #[error("{0}")]
    Usage(String),
    /// Some items failed, and each was reported.
    #[error("{0} of the items failed; the others are done")]
    Incomplete(u64),
    /// Some blocks of files could not be read, and each was reported.
    #[error("{0} bad blocks; all else is done")]
    Lost(u64),
    /// `conflicts --keep` was given a path that does not name one copy.
    #[error("{}: {}", path.display(), match count { 0 => "no conflicted copy".to_owned(), count => format!("{count} conflicted copies") })]
    Ambiguous { path: PlainPath, count: usize },
    /// `conflicts --keep mine` met several copies that would all have the name.
    #[error("{}: one of several copies of one file; name the one to keep", .0.display())]
    SeveralCopies(PlainPath),
    /// There is no config to restore.
    #[error("{}: encbox keeps no config of a volume in this folder", .0.display())]
    NothingKept(PathBuf),
    /// A check that could not be done.
    #[error(transparent)]
    Check(#[from] crate::check::Error),
    /// A check was interrupted, and can go on.
    #[error("interrupted")]
    CheckInterrupted,
    /// A repair that could not be done, or taken back.
    #[error(transparent)]
    Repair(#[from] crate::check::RepairError),
    /// The words of a key are none.
    #[error("the words of the key: {0}")]
    Words(words::Error),
    /// A volume without a config does not open.
    #[error(transparent)]
    Recover(#[from] crate::check::RecoverError),
    /// A plan says what could be mended.
    #[error("{} to mend", text::count(*count, "thing"))]
    ToMend {
        /// All of them.
        count: u64,
        /// Those that are damage.
        damage: u64,
    },
    /// A check found damage, and each was reported.
    #[error("{} of damage", text::count(*.0, "finding"))]
    Damaged(u64),
    /// A check found something, but no damage, and each was reported.
    #[error("{}; nothing is known to be damaged", text::count(*.0, "finding"))]
    Findings(u64),
    /// Mounting, unmounting, serving a mount.
    #[cfg(feature = "mount")]
    #[error(transparent)]
    Mount(#[from] crate::mount::Error),
    /// The background process failed, and has said why.
    #[cfg(feature = "mount")]
    #[error("the background process ended with status {0}")]
    Background(u8),
    /// A service that somebody else wrote, or that is for another mount point.
    #[cfg(feature = "mount")]
    #[error("{}: not written by encbox for this mount point", .0.display())]
    ForeignService(PathBuf),
    /// A step of the demonstration failed.
    #[error("the step above ended with status {0}")]
    Step(u8),
}

impl Error {
    /// Wraps an error of the volume with the path that the user gave.
    pub(super) fn at(path: &PlainPath) -> impl FnOnce(volume::Error) -> Error + '_ {
        move |source| Error::At { path: path.clone(), source }
    }

    /// Whether another password may do better.
    pub(super) fn is_wrong_password(&self) -> bool {
        match self {
            Error::Open(OpenError::Password | OpenError::OtherPassword { .. }) => true,
            #[cfg(feature = "mount")]
            Error::Background(status) => *status == Code::WrongPassword as u8,
            _ => false,
        }
    }

    /// Wraps what the system said about a file of this machine.
    pub(super) fn local(verb: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        move |source| Error::Local { verb, path, source }
    }
}
