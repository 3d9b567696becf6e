//! What a repair does, before it is done: a plan of small steps, each of which can be undone.

use super::report::{Finding, Kind, Severity};
use crate::content::HEADER_LEN;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::SystemTime;

/// A step. Paths are ciphertext paths relative to the root, as they are when the step's turn comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// An entry gets another name, perhaps in another directory.
    Rename {
        /// The directory it is in.
        dir: PathBuf,
        /// Its name there.
        from: Vec<u8>,
        /// The directory it comes to.
        to_dir: PathBuf,
        /// Its name there.
        to: Vec<u8>,
    },
    /// A file gets another header.
    Header {
        /// The file.
        path: PathBuf,
        /// The header that it has.
        before: [u8; HEADER_LEN],
        /// The header that it gets.
        after: [u8; HEADER_LEN],
    },
    /// What a file holds from some byte on is replaced.
    Tail {
        /// The file.
        path: PathBuf,
        /// Byte on disk.
        offset: u64,
        /// What is there, to the end of the file.
        before: Vec<u8>,
        /// What comes there; the file ends behind it.
        after: Vec<u8>,
    },
    /// A symbolic link is made.
    Link {
        /// Where.
        path: PathBuf,
        /// Where it leads, as it is on disk.
        target: Vec<u8>,
    },
    /// A file is moved into quarantine.
    SetAside {
        /// The file.
        path: PathBuf,
        /// Its bytes on disk.
        len: u64,
        /// When its contents last changed.
        mtime: SystemTime,
    },
}

/// Something that can be mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub kind: Kind,
    /// The ciphertext path of what is mended, as it is.
    pub path: PathBuf,
    /// The path in the volume that it will have.
    pub plain: Option<OsString>,
    /// What was found out, and what is to be done.
    pub what: String,
    /// Whether there is proof; otherwise it is the best guess.
    pub sure: bool,
    /// The steps, in order.
    pub actions: Vec<Action>,
}

/// What can be mended, and what cannot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// What can.
    pub repairs: Vec<Repair>,
    /// What cannot, with the reason in the words of the finding.
    pub hopeless: Vec<Finding>,
}
