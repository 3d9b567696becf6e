//! Rewriting the headers of files whose path changes, in volumes with external IV chaining.

use super::attr::FileId;
use super::core::Core;
use super::error::Fault;
use super::fate;
use super::plan::Header;
use super::sys::{self, Times};
use crate::content;
use crate::content::{HEADER_LEN, decode_header, encode_header};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::OFlags;
use rustix::io::Errno;

/// The header of a regular file, and what it has to be where the path IV is another. An empty file has none; one that
/// is gone has nothing to plan.
pub(super) fn planned(
    core: &Core,
    dir: impl AsFd,
    name: &[u8],
    old_iv: u64,
    new_iv: u64,
) -> Result<Option<Header>, Fault> {
    let file = match HeaderFile::open(dir, name, false) {
        Err(Errno::NOENT) => return Ok(None),
        file => file?,
    };
    let stat = sys::stat_fd(&file.0)?;
    if stat.len == 0 {
        return Ok(None);
    }
    let Some(before) = file.read()? else {
        return Err(content::Error::HeaderShort { len: stat.len }.into());
    };
    let file_iv = decode_header(&*core.cipher, before, old_iv)?;
    let after = encode_header(&*core.cipher, file_iv, new_iv);
    Ok(Some(Header { before, after, times: stat.times() }))
}

/// Gives a file that was at one path the header for another.
pub(super) fn fit(core: &Core, dir: impl AsFd, name: &[u8], old_iv: u64, new_iv: u64) -> Result<(), Fault> {
    if let Some(header) = planned(core, &dir, name, old_iv, new_iv)? {
        HeaderFile::open(&dir, name, true)?.replace(header.before, header.after, header.times)?;
    }
    Ok(())
}

/// An open file with a header.
pub(super) struct HeaderFile(OwnedFd);

impl HeaderFile {
    pub(super) fn open(dir: impl AsFd, name: &[u8], to_replace: bool) -> Result<HeaderFile, Errno> {
        let how = if to_replace { OFlags::RDWR } else { OFlags::RDONLY };
        open_whatever_its_mode(dir, name, how).map(HeaderFile)
    }

    pub(super) fn id(&self) -> Result<FileId, Errno> {
        Ok(sys::stat_fd(&self.0)?.id)
    }

    /// The header; none if the file is shorter than one.
    pub(super) fn read(&self) -> Result<Option<[u8; HEADER_LEN]>, Errno> {
        let mut header = [0; HEADER_LEN];
        let len = sys::pread_full(&self.0, &mut header, 0)?;
        Ok((len == HEADER_LEN).then_some(header))
    }

    /// Replaces the header; contents and times stay. On failure it is what it was.
    pub(super) fn replace(
        &self,
        old: [u8; HEADER_LEN],
        new: [u8; HEADER_LEN],
        times: Times,
    ) -> Result<(), Errno> {
        if !fate::happens() {
            return Ok(());
        }
        if let Err((written, errno)) = sys::pwrite_full(&self.0, &new, 0) {
            if written > 0
                && let Err((_, errno)) = sys::pwrite_full(&self.0, &old, 0)
            {
                tracing::error!(%errno, "a header could not be made what it was");
            }
            return Err(errno);
        }
        sys::restore_times(&self.0, times);
        Ok(())
    }
}

/// A file that its mode keeps even its owner from is still ours to move.
fn open_whatever_its_mode(dir: impl AsFd, name: &[u8], how: OFlags) -> Result<OwnedFd, Errno> {
    let flags = how | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    match sys::open_leaving_atime(&dir, name, flags) {
        Err(Errno::ACCESS) => {
            let mode = sys::stat_at(&dir, name)?.mode;
            sys::chmod_at(&dir, name, mode | 0o600)?;
            let opened = sys::open_leaving_atime(&dir, name, flags);
            sys::chmod_at(&dir, name, mode)?;
            opened
        }
        opened => opened,
    }
}
