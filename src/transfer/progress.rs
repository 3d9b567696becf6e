//! What a transfer tells while it runs, and what it has to show at the end.

use super::{Error, Loss};

/// Hears how a transfer goes on, by one thread at a time. Every method does nothing unless it is written.
pub trait Progress: Send {
    /// That many more bytes of plaintext were read or written.
    fn bytes(&mut self, _count: u64) {}
    /// One more file, link or folder is complete.
    fn item(&mut self) {}
    /// That many bytes of plaintext need not be transferred: they are there already.
    fn skipped(&mut self, _bytes: u64) {}
    /// An item was left out, and the transfer goes on with the next one.
    fn failed(&mut self, _error: &Error) {}
    /// Part of a file could not be read; the rest of it is transferred.
    fn lost(&mut self, _loss: &Loss) {}
    /// Asked at least once per buffer: should the transfer stop and clean up?
    fn stopped(&self) -> bool {
        false
    }
}

/// Progress that nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {}

/// What was transferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Regular files.
    pub files: u64,
    /// Folders that were made.
    pub folders: u64,
    /// Symbolic links.
    pub links: u64,
    /// Plaintext bytes.
    pub bytes: u64,
    /// Hard links that became files of their own, counted among the files: the volume can have no hard links.
    pub copies: u64,
    /// Files and links that were whole in their place already.
    pub skipped: u64,
    /// Items left out, each of which was reported.
    pub failed: u64,
    /// Bad blocks of files that were transferred all the same, each of which was reported.
    pub lost: u64,
}

/// What a transfer has before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Survey {
    /// Files, links and folders.
    pub items: u64,
    /// Plaintext bytes.
    pub bytes: u64,
}
