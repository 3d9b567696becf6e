//! Files in the making.
//!
//! A draft takes whole blocks, in any order and by any number of threads, and has no name in the volume before it has
//! all of them. Nobody else can open it, so it needs nothing of what the handles of a file share (`state.rs`), and
//! reads nothing of what it wrote.

use super::Volume;
use super::attr::SetAttr;
use super::blocks::{RUN_LEN, copy_in, with_scratch};
use super::dir::Dir;
use super::error::{Error, Fault};
use super::partial::partial_name;
use super::rename::RenameMode;
use super::spot::{Spot, os_str};
use super::sys;
use crate::content::{FileIv, HEADER_LEN, encode_header};
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::sync::{Arc, Mutex, PoisonError};

const VERB: &str = "writing";

/// A regular file before it has its name. Dropped, it is gone.
#[derive(Debug)]
pub struct Draft {
    volume: Volume,
    dir: Dir,
    name: OsString,
    /// Where that is on disk, as of the epoch when it was computed.
    place: Place,
    epoch: u64,
    fd: OwnedFd,
    file_iv: FileIv,
    /// The name that it has for now, if it needs one.
    temporary: Mutex<Option<OsString>>,
}

#[derive(Debug)]
struct Place {
    handle: Arc<OwnedFd>,
    cipher_name: Vec<u8>,
    /// What the header is encrypted under; 0 in volumes without external IV chaining.
    external_iv: u64,
}

impl Volume {
    /// Begins a file that will be called `name` in `dir`. One that is to replace another has a temporary name until
    /// then, for only a rename replaces at one stroke.
    pub fn draft(&self, dir: &Dir, name: &OsStr, mode: RenameMode) -> Result<Draft, Error> {
        let _chains = self.core.hold_chains();
        let epoch = self.core.epoch();
        let spot = self.spot_to_change("creating", dir, name)?;
        let nameless = match mode {
            RenameMode::NoReplace => self.core.nameless.file(&spot.handle, Mode::RUSR | Mode::WUSR),
            RenameMode::Replace | RenameMode::Exchange => None,
        };
        let (fd, temporary) = match nameless {
            Some(opened) => (spot.check(opened)?, None),
            None => self.temporary(dir)?,
        };
        let with_header = self.core.content.layout().header_len() > 0;
        let file_iv = if with_header { FileIv::random(super::fill_random) } else { FileIv::NONE };
        Ok(Draft {
            volume: Volume { core: Arc::clone(&self.core) },
            dir: dir.clone(),
            name: name.to_owned(),
            place: self.place(spot),
            epoch,
            fd,
            file_iv,
            temporary: Mutex::new(temporary),
        })
    }

    fn temporary(&self, dir: &Dir) -> Result<(OwnedFd, Option<OsString>), Error> {
        let name = partial_name();
        let spot = self.spot_to_change("creating", dir, &name)?;
        let how = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let fd = spot.check(rustix::fs::openat(&spot.handle, spot.cipher_name.as_slice(), how, mode))?;
        Ok((fd, Some(name)))
    }

    fn place(&self, spot: Spot<'_>) -> Place {
        let external_iv = if self.core.external_ivs() { spot.chain.path_iv() } else { 0 };
        Place { handle: spot.handle, cipher_name: spot.cipher_name, external_iv }
    }
}

impl Draft {
    /// Writes `data` from the start of block `first`. It must fill its blocks, unless the file ends with it.
    pub fn write(&self, first: u64, data: &[u8]) -> Result<(), Error> {
        let layout = *self.volume.core.content.layout();
        let (block_len, payload_len) = (layout.block_len(), layout.payload_len());
        let end = layout.plain_offset(first).checked_add(data.len() as u64);
        if end.and_then(|end| layout.cipher_len(end)).is_none() {
            return Err(self.error(Fault::TooLarge));
        }
        let run_blocks = (RUN_LEN / block_len).max(1);
        for (first, data) in (first..).step_by(run_blocks).zip(data.chunks(run_blocks * payload_len)) {
            let (whole, rest) = (data.len() / payload_len, data.len() % payload_len);
            let rest = if rest > 0 { layout.block_header_len() + rest } else { 0 };
            let run_len = whole * block_len + rest;
            let written = with_scratch(HEADER_LEN + run_len, HEADER_LEN, |scratch| {
                let run = &mut scratch[HEADER_LEN..];
                copy_in(data, 0, run, block_len, layout.block_header_len());
                self.volume.core.content.encrypt_run(self.file_iv, first, run);
                if first == 0 && layout.header_len() > 0 {
                    scratch[..HEADER_LEN].copy_from_slice(&self.header(self.place.external_iv));
                    return sys::pwrite_full(&self.fd, scratch, 0);
                }
                sys::pwrite_full(&self.fd, &scratch[HEADER_LEN..], layout.cipher_offset(first))
            });
            written.map_err(|(_, errno)| self.error(errno))?;
        }
        Ok(())
    }

    /// Sets the size of a file that has holes, of whole blocks: there is no room for them before the header is written,
    /// nor at the end. Only a volume that allows holes takes them for zeros.
    pub fn set_len(&self, len: u64) -> Result<(), Error> {
        let layout = self.volume.core.content.layout();
        let cipher_len = layout.cipher_len(len).ok_or_else(|| self.error(Fault::TooLarge))?;
        if cipher_len > 0 {
            self.write_header(self.place.external_iv)?;
        }
        rustix::fs::ftruncate(&self.fd, cipher_len).map_err(|errno| self.error(errno))
    }

    /// Fails unless the disk has room for that many bytes.
    pub fn check_space(&self, len: u64) -> Result<(), Error> {
        let stat = rustix::fs::fstatvfs(&self.fd).map_err(|errno| self.error(errno))?;
        let room = stat.f_bavail.saturating_mul(stat.f_frsize);
        match self.volume.core.content.layout().cipher_len(len) {
            Some(needed) if needed <= room => Ok(()),
            _ => Err(self.error(Errno::NOSPC)),
        }
    }

    /// Gives the file its attributes, then its name. A file that it replaces goes at that instant, so this one is on the
    /// disk before.
    pub fn publish(&self, attr: &SetAttr, mode: RenameMode) -> Result<(), Error> {
        let _chains = self.volume.core.hold_chains();
        let moved = match self.volume.core.epoch() == self.epoch {
            true => None,
            false => Some(self.volume.place(self.volume.spot_to_change(VERB, &self.dir, &self.name)?)),
        };
        let place = moved.as_ref().unwrap_or(&self.place);
        let fail = |errno| self.error(errno);
        if place.external_iv != self.place.external_iv && sys::stat_fd(&self.fd).map_err(fail)?.len > 0 {
            self.write_header(place.external_iv)?;
        }
        sys::set_on_file(&self.fd, attr).map_err(fail)?;
        if mode == RenameMode::Replace {
            sys::sync(&self.fd).map_err(fail)?;
        }
        let mut temporary = self.temporary.lock().unwrap_or_else(PoisonError::into_inner);
        let (handle, name) = (&place.handle, place.cipher_name.as_slice());
        let named = match temporary.as_deref() {
            None => self.volume.core.nameless.name(&self.fd, handle, os_str(name)),
            Some(old) => {
                // where it is on disk, a rename above may have changed
                let old = self.volume.spot_to_change(VERB, &self.dir, old)?;
                let (from, old) = (&old.handle, old.cipher_name.as_slice());
                match mode {
                    RenameMode::Replace => rustix::fs::renameat(from, old, handle, name),
                    _ => sys::rename_noreplace(from, old, handle, name),
                }
            }
        };
        named.map_err(fail)?;
        *temporary = None;
        Ok(())
    }

    fn write_header(&self, external_iv: u64) -> Result<(), Error> {
        if self.volume.core.content.layout().header_len() == 0 {
            return Ok(());
        }
        sys::pwrite_full(&self.fd, &self.header(external_iv), 0).map_err(|(_, errno)| self.error(errno))
    }

    fn header(&self, external_iv: u64) -> [u8; HEADER_LEN] {
        encode_header(&*self.volume.core.cipher, self.file_iv, external_iv)
    }

    fn error(&self, fault: impl Into<Fault>) -> Error {
        self.dir.error(VERB, Some(&self.place.cipher_name), fault)
    }
}

impl Drop for Draft {
    /// That it stays is the lesser evil, next to the error on the way.
    fn drop(&mut self) {
        let temporary = self.temporary.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(name) = temporary
            && let Err(error) = self.volume.unlink(&self.dir, &name)
        {
            tracing::warn!(%error, "an unfinished file could not be removed");
        }
    }
}
