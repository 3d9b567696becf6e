//! Reading one file: what there is to see of it, and its hashes.

use super::hash::ContentHash;
use crate::preview::{self, Limits, Preview, Source};
use crate::volume::{Dir, Error, Fault, File, OpenFile, Stat, Volume};
use sha2::{Digest, Sha256};
use std::ffi::OsStr;
use std::panic;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// Bytes of a file that are previewed.
const HEAD_LEN: u64 = 32 * 1024 * 1024;
/// Files larger than this are previewed one at a time, so that memory stays bounded with any number of threads.
const LARGE_LEN: u64 = 4 * 1024 * 1024;
/// Bytes read in one go.
const PIECE_LEN: usize = 256 * 1024;

/// What one look at a file gave.
pub(super) struct Look {
    pub(super) preview: Preview,
    /// SHA-256 of the plaintext; `None` if not all of it could be read.
    pub(super) hash: Option<[u8; 32]>,
    pub(super) content_hash: Option<[u8; 32]>,
    /// Why the rest of it could not be read.
    pub(super) damage: Option<Error>,
    /// Plaintext bytes that were read.
    pub(super) read_len: u64,
    /// When it had not begun yet.
    pub(super) began: SystemTime,
    /// The file as it was before and after; it changed meanwhile if they differ.
    pub(super) before: Stat,
    pub(super) after: Stat,
}

/// Reads files, with a buffer of its own.
pub(super) struct Reader<'a> {
    volume: &'a Volume,
    large: &'a Mutex<()>,
    limits: Limits,
    buffer: Vec<u8>,
}

impl<'a> Reader<'a> {
    /// `large` is held by whoever previews a large file.
    pub(super) fn new(volume: &'a Volume, large: &'a Mutex<()>) -> Reader<'a> {
        Reader { volume, large, limits: Limits { marked_len: 0, ..Limits::default() }, buffer: Vec::new() }
    }

    /// Looks at a file. Damage in it is no error: what precedes it counts. `stopped` is asked between pieces.
    pub(super) fn look(
        &mut self,
        dir: &Dir,
        name: &OsStr,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Option<Look>, Error> {
        let began = SystemTime::now();
        let how = OpenFile { read: true, ..OpenFile::default() };
        let (file, before) = self.volume.open_file_and_stat(dir, name, how)?;
        let guard =
            (before.size > LARGE_LEN).then(|| self.large.lock().unwrap_or_else(PoisonError::into_inner));
        let mut reading = Reading { hash: Sha256::new(), at: 0, damage: None };
        let head_len = usize::try_from(before.size.min(HEAD_LEN)).unwrap_or(0);
        self.buffer.resize(head_len.max(PIECE_LEN), 0);
        let mut head = 0;
        while head < head_len && !stopped() {
            match reading.piece(&file, &mut self.buffer[head..head_len.min(head + PIECE_LEN)]) {
                0 => break,
                read => head += read,
            }
        }
        let name = name.to_string_lossy();
        let source = match reading.damage {
            None => Source::head(&name, &self.buffer[..head], before.size),
            // what comes after is not there for anybody
            Some(_) => Source::head(&name, &self.buffer[..head], before.size.max(head as u64 + 1)),
        };
        let preview = preview_or_less(&source, &self.limits);
        self.buffer.truncate(LARGE_LEN as usize);
        self.buffer.shrink_to(LARGE_LEN as usize);
        drop(guard);
        while reading.at < before.size && reading.damage.is_none() && !stopped() {
            if reading.piece(&file, &mut self.buffer[..PIECE_LEN]) == 0 {
                break;
            }
        }
        let content_hash = self.cipher_hash(&file, stopped);
        let after = file.stat()?;
        if stopped() {
            return Ok(None);
        }
        let whole = reading.at == before.size && reading.damage.is_none();
        Ok(Some(Look {
            preview,
            hash: whole.then(|| reading.hash.finalize().into()),
            content_hash,
            damage: reading.damage,
            read_len: reading.at,
            began,
            before,
            after,
        }))
    }

    /// The hash of the file as it is on disk; `None` if it cannot be read.
    fn cipher_hash(&mut self, file: &File, stopped: &dyn Fn() -> bool) -> Option<[u8; 32]> {
        self.buffer.resize(self.buffer.len().max(PIECE_LEN), 0);
        let piece = &mut self.buffer[..PIECE_LEN];
        let mut hash = ContentHash::new();
        let mut at = 0;
        while !stopped() {
            let read = file.read_cipher_at(piece, at).ok()?;
            hash.update(&piece[..read]);
            at += read as u64;
            if read < piece.len() {
                break;
            }
        }
        Some(hash.finish())
    }
}

/// The preview of a file. A panic in it, which would be a fault of ours or of a crate, costs the preview of this file and
/// not the index of all others; nothing is shared that it could leave half done.
fn preview_or_less(source: &Source<'_>, limits: &Limits) -> Preview {
    let made = panic::catch_unwind(|| preview::preview(source, limits));
    made.unwrap_or_else(|_| preview::first_bytes(source))
}

/// Plaintext on its way, up to the first damage.
struct Reading {
    hash: Sha256,
    at: u64,
    damage: Option<Error>,
}

impl Reading {
    /// Reads the next piece; 0 bytes at the end or at damage.
    fn piece(&mut self, file: &File, buffer: &mut [u8]) -> usize {
        match file.read_at(buffer, self.at) {
            Ok(read) => {
                self.hash.update(&buffer[..read]);
                self.at += read as u64;
                read
            }
            Err(error) => {
                self.damage = Some(error);
                0
            }
        }
    }
}

/// Whether an entry that was listed is there no more.
pub(super) fn is_gone(error: &Error) -> bool {
    use rustix::io::Errno;
    matches!(error.fault, Fault::Sys(Errno::NOENT | Errno::NOTDIR) | Fault::Stale)
}
