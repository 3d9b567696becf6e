//! Folders below the root of the volume, where whoever can write to the synced folder may have put anything: no
//! symbolic link is followed.

use super::object::LEN_MAX;
use crate::volume::partial_name;
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A folder that is open.
#[derive(Debug)]
pub(super) struct Folder {
    fd: OwnedFd,
    pub(super) path: PathBuf,
    /// That of the root of the volume: what is made below is open to the same people.
    mode: Mode,
}

const DIR: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW);

const PERMISSIONS: Mode = Mode::RWXU.union(Mode::RWXG).union(Mode::RWXO);
const EXECUTE: Mode = Mode::XUSR.union(Mode::XGRP).union(Mode::XOTH);

impl Folder {
    /// The root of the volume itself, which may be reached by a link.
    pub(super) fn root(path: &Path) -> io::Result<Folder> {
        let flags = DIR.difference(OFlags::NOFOLLOW);
        let fd = rustix::fs::open(path, flags, Mode::empty())?;
        let mode = Mode::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode) & PERMISSIONS;
        Ok(Folder { fd, path: path.to_owned(), mode })
    }

    /// One level down.
    pub(super) fn open(&self, name: &str) -> io::Result<Folder> {
        let fd = rustix::fs::openat(&self.fd, name, DIR, Mode::empty())?;
        Ok(Folder { fd, path: self.path.join(name), mode: self.mode })
    }

    /// The same; made if it is not there.
    pub(super) fn make(&self, name: &str) -> io::Result<Folder> {
        match rustix::fs::mkdirat(&self.fd, name, self.mode) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => self.open(name),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Several levels down.
    pub(super) fn descend(self, names: &[&str]) -> io::Result<Folder> {
        names.iter().try_fold(self, |folder, name| folder.open(name))
    }

    /// Keeps other processes out until this folder is closed; false if one is in.
    pub(super) fn lock(&self) -> io::Result<bool> {
        match rustix::fs::flock(&self.fd, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }

    /// The names in it.
    pub(super) fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.fd)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if !matches!(name, b"." | b"..") {
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        Ok(names)
    }

    /// The bytes of a file, if it is one of a size that makes sense.
    pub(super) fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = File::from(rustix::fs::openat(&self.fd, name, flags, Mode::empty())?);
        let meta = file.metadata()?;
        if !meta.is_file() || meta.len() > LEN_MAX as u64 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "no object of an index"));
        }
        let mut bytes = Vec::with_capacity(meta.len() as usize);
        file.take(LEN_MAX as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Writes a file beside, and renames it into place when it is durable. The rename itself may wait for
    /// [`Folder::sync`].
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let draft = partial_name();
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mut file = File::from(rustix::fs::openat(&self.fd, &draft, flags, self.mode - EXECUTE)?);
        let written = file
            .write_all(bytes)
            .and_then(|()| file.sync_data())
            .and_then(|()| Ok(rustix::fs::renameat(&self.fd, &draft, &self.fd, name)?));
        if written.is_err() {
            let _ = self.remove(&draft);
        }
        written
    }

    pub(super) fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.fd, name, AtFlags::empty())?)
    }

    /// Removes a folder below, if it is empty.
    pub(super) fn remove_folder(&self, name: &str) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(rustix::io::Errno::NOTEMPTY | rustix::io::Errno::EXIST) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Makes the names in it durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(self.fd.as_fd())?)
    }
}
