//! What a check finds: one finding is one line, or one JSON object.

use crate::volume;
use std::ffi::OsString;
use std::path::PathBuf;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Legal, and most likely meant; worth knowing for who looks for something.
    Note,
    /// Something is odd: hidden, ambiguous, or damaged by a guess. No byte is known to be lost.
    Warning,
    /// Bytes are lost, or cannot be read as things are.
    Damage,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A file of another program or of the system, such as `desktop.ini`.
    Foreign,
    /// A name that does not decode.
    Undecodable,
    /// A second spelling of a name, which no program writes.
    Alias,
    /// A name that decodes to what no entry can be called.
    EvilName,
    /// Names that other systems take for one.
    Collision,
    /// A second version that a sync service set beside the first.
    ConflictedCopy,
    /// A file that looks like another version of the config.
    ConfigCopy,
    /// A directory in which no name decodes.
    BrokenChain,
    /// A link whose target does not decode.
    LinkTarget,
    /// A file that holds the target of a link, and was one.
    LinkFile,
    /// Something that the system does not let us read.
    Unreadable,
    /// An empty file, which may be a placeholder.
    Empty,
    /// A file cut within its header, or so that its last block holds nothing.
    Truncated,
    /// A file header that cannot be right, or that no block fits.
    Header,
    /// The same, where the header depends on the path.
    Moved,
    /// Blocks whose MAC does not match.
    Mac,
    /// Zeros on disk where the format has none.
    Zeroed,
    /// Zeros on disk where a hole may be.
    ZeroBlocks,
    /// Contents that are not what the extension says. A guess.
    ContentType,
    /// Something that should be in the volume, and is not.
    Missing,
    /// Something that should not be in the volume.
    Extra,
    /// Something that is other than it should be.
    Differs,
}

impl Kind {
    /// The word for it, which never changes.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Foreign => "foreign",
            Kind::Undecodable => "undecodable",
            Kind::Alias => "alias",
            Kind::EvilName => "evil-name",
            Kind::Collision => "collision",
            Kind::ConflictedCopy => "conflicted-copy",
            Kind::ConfigCopy => "config-copy",
            Kind::BrokenChain => "broken-chain",
            Kind::LinkTarget => "link-target",
            Kind::LinkFile => "link-file",
            Kind::Unreadable => "unreadable",
            Kind::Empty => "empty",
            Kind::Truncated => "truncated",
            Kind::Header => "header",
            Kind::Moved => "moved",
            Kind::Mac => "mac",
            Kind::Zeroed => "zeroed",
            Kind::ZeroBlocks => "zero-blocks",
            Kind::ContentType => "content-type",
            Kind::Missing => "missing",
            Kind::Extra => "extra",
            Kind::Differs => "differs",
        }
    }

    /// What can be done about it.
    pub fn advice(self) -> &'static str {
        match self {
            Kind::Foreign => "nothing; it is no part of the volume",
            Kind::Undecodable => {
                "`encbox repair` looks for what it was; it may as well be a file of another program"
            }
            Kind::Alias => "`encbox repair` gives it the right spelling, or sets it aside if that is taken",
            Kind::EvilName => "somebody with the key made it by hand; remove the encrypted file",
            Kind::Collision => "rename one of them before the volume goes to another system",
            Kind::ConflictedCopy => "compare the two versions, keep one",
            Kind::ConfigCopy => "`encbox info --config FILE` shows it; keep one config, under its right name",
            Kind::BrokenChain => {
                "it was renamed or moved without encbox: `encbox repair` looks for its old name"
            }
            Kind::LinkTarget => "make the link anew",
            Kind::LinkFile => "`encbox repair` makes a link of it again",
            Kind::Unreadable => "look after the permissions, or the disk",
            Kind::Empty => "nothing, if it is meant to be empty; otherwise let the sync client finish",
            Kind::Truncated => {
                "restore it from the sync service's history; `encbox repair` cuts off an end that holds no data"
            }
            Kind::Header => {
                "restore it from the sync service's history; `encbox repair` tries what can be tried"
            }
            Kind::Moved => "`encbox repair` looks for the path that it was written under",
            Kind::Mac => {
                "restore it from the sync service's history; `encbox export --keep-going` saves the rest of it"
            }
            Kind::Zeroed => "restore it from the sync service's history",
            Kind::ZeroBlocks => "nothing, if the file has holes; the format cannot tell",
            Kind::Missing | Kind::Extra | Kind::Differs => "find out which of the two is right",
            Kind::ContentType => "open it; if it is garbage, restore it from the sync service's history",
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What it is.
    pub kind: Kind,
    /// The ciphertext path, relative to the root.
    pub path: PathBuf,
    /// The path in the volume, if it has one.
    pub plain: Option<OsString>,
    /// What was seen, in words.
    pub what: String,
    /// Whether this is a guess, from the look of plaintext.
    pub guess: bool,
    /// The blocks that are bad, as ranges; empty where it is not about blocks.
    pub blocks: Vec<std::ops::Range<u64>>,
}

impl Finding {
    pub(super) fn new(severity: Severity, kind: Kind, path: PathBuf, plain: Option<OsString>) -> Finding {
        Finding { severity, kind, path, plain, what: String::new(), guess: false, blocks: Vec::new() }
    }
}

/// What was looked at, and what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Regular files.
    pub files: u64,
    /// Directories, the root aside.
    pub folders: u64,
    /// Symbolic links.
    pub links: u64,
    /// Bytes of regular files on disk.
    pub bytes: u64,
    /// Of the files, those that were found sound before and not read again.
    pub passed_before: u64,
    /// Findings of no consequence.
    pub notes: u64,
    /// Findings that are odd.
    pub warnings: u64,
    /// Findings that are damage.
    pub damage: u64,
}

impl Summary {
    pub(super) fn count(&mut self, severity: Severity) {
        match severity {
            Severity::Note => self.notes += 1,
            Severity::Warning => self.warnings += 1,
            Severity::Damage => self.damage += 1,
        }
    }
}

/// Hears how a check goes on, by one thread at a time. Every method does nothing unless it is written.
pub trait Progress: Send {
    /// That many more bytes on disk were checked.
    fn bytes(&mut self, _count: u64) {}
    /// One more entry is done.
    fn item(&mut self) {}
    /// Something was found.
    fn found(&mut self, _finding: &Finding) {}
    /// Asked often: should the check stop?
    fn stopped(&self) -> bool {
        false
    }
}

/// Why a check ends early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Whoever started it wants it to stop.
    #[error("interrupted")]
    Interrupted,
    /// The root itself cannot be read.
    #[error(transparent)]
    Volume(#[from] volume::Error),
}
