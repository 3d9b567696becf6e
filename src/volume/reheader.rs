//! Rewriting the headers of files whose path changes, in volumes with external IV chaining.

use super::attr::Kind;
use super::core::Core;
use super::error::{Error, Fault};
use super::spot::Spot;
use super::sys::{self, RawStat};
use crate::content;
use crate::content::{HEADER_LEN, decode_header, encode_header};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::sync::Arc;

/// Headers that were rewritten, with what undoes it.
pub(super) struct Headers<'a> {
    core: &'a Core,
    done: Vec<Moved>,
}

struct Moved {
    dir: Arc<OwnedFd>,
    name: Vec<u8>,
    stat: RawStat,
    old_iv: u64,
    new_iv: u64,
}

impl<'a> Headers<'a> {
    pub(super) fn new(core: &'a Core) -> Headers<'a> {
        Headers { core, done: Vec::new() }
    }

    /// Rewrites the header of a regular file for its new path, while it still has its old name.
    pub(super) fn move_file(
        &mut self,
        from: &Spot<'_>,
        into: &Spot<'_>,
        stat: &RawStat,
    ) -> Result<(), Error> {
        if stat.kind != Kind::File || !self.core.external_ivs() {
            return Ok(());
        }
        let moved = Moved {
            dir: Arc::clone(&from.handle),
            name: from.cipher_name.clone(),
            stat: stat.clone(),
            old_iv: from.chain.path_iv(),
            new_iv: into.chain.path_iv(),
        };
        let rewritten = rewrite_header(self.core, &moved.dir, &moved.name, stat, moved.old_iv, moved.new_iv);
        rewritten.map_err(|fault| from.error(fault))?;
        self.done.push(moved);
        Ok(())
    }

    /// Makes all headers what they were, once the files have their old names again.
    pub(super) fn undo(&self) {
        for Moved { dir, name, stat, old_iv, new_iv } in self.done.iter().rev() {
            if let Err(fault) = rewrite_header(self.core, dir, name, stat, *new_iv, *old_iv) {
                tracing::error!(%fault, "a header could not be made what it was");
            }
        }
    }
}

/// Encrypts a file's header for another path; its contents and times stay. An empty file has none to rewrite.
/// On failure the header is what it was.
pub(super) fn rewrite_header(
    core: &Core,
    dir: impl AsFd,
    name: &[u8],
    stat: &RawStat,
    old_iv: u64,
    new_iv: u64,
) -> Result<(), Fault> {
    if stat.len == 0 || old_iv == new_iv {
        return Ok(());
    }
    let fd = open_whatever_its_mode(&dir, name, stat)?;
    let mut header = [0; HEADER_LEN];
    let len = sys::pread_full(&fd, &mut header, 0)?;
    if len < HEADER_LEN {
        return Err(content::Error::HeaderShort { len: len as u64 }.into());
    }
    let file_iv = decode_header(&*core.cipher, header, old_iv)?;
    let new_header = encode_header(&*core.cipher, file_iv, new_iv);
    if let Err((written, errno)) = sys::pwrite_full(&fd, &new_header, 0) {
        if written > 0
            && let Err((_, errno)) = sys::pwrite_full(&fd, &header, 0)
        {
            tracing::error!(%errno, "a header could not be made what it was");
        }
        return Err(errno.into());
    }
    sys::restore_times(&fd, stat);
    Ok(())
}

/// A file without write permission is still ours to move.
fn open_whatever_its_mode(dir: impl AsFd, name: &[u8], stat: &RawStat) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    match rustix::fs::openat(&dir, name, flags, Mode::empty()) {
        Err(Errno::ACCESS) => {
            sys::chmod_at(&dir, name, stat.mode | 0o600)?;
            let opened = rustix::fs::openat(&dir, name, flags, Mode::empty());
            sys::chmod_at(&dir, name, stat.mode)?;
            opened
        }
        opened => opened,
    }
}
