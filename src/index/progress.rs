//! What a scan tells while it runs, and what it has to show at the end.

use super::Error;

/// Hears how a scan goes on, by one thread at a time. Every method does nothing unless it is written.
pub trait Progress: Send {
    /// So many entries were in the index when the scan began.
    fn begins(&mut self, _known: u64) {}
    /// One more entry was looked at.
    fn item(&mut self) {}
    /// That many more bytes of plaintext were read.
    fn bytes(&mut self, _count: u64) {}
    /// An entry could not be read, or not all of it; what is known of it is in the index.
    fn failed(&mut self, _error: &Error) {}
    /// Everything was looked at; the index is being put in order.
    fn settling(&mut self) {}
    /// Should the scan stop?
    fn stopped(&self) -> bool {
        false
    }
}

/// What a scan did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Entries that are in the index now: files, folders, links.
    pub entries: u64,
    /// Entries that are new in it.
    pub added: u64,
    /// Entries that were read again.
    pub changed: u64,
    /// Entries that are in it no more.
    pub removed: u64,
    /// Plaintext bytes that were read.
    pub bytes: u64,
    /// Entries of which not all could be read, each of which was reported.
    pub failed: u64,
    /// The index that there was could not be used, and was made anew.
    pub rebuilt: bool,
}
