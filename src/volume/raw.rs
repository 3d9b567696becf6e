//! What is on disk below the names: directories and files by their ciphertext names, decodable or not. For whoever
//! checks a volume, and the only way in which anything is mended.

use super::Volume;
use super::attr::{Kind, Stat};
use super::core::Core;
use super::error::{Error, Fault};
use super::spot::os_str;
use super::sys;
use crate::content;
use crate::content::{ContentCodec, FileIv, HEADER_LEN, decode_header, encode_header};
use crate::names::NameCodec;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// A directory by its ciphertext path. It is open as long as this lives.
#[derive(Debug)]
pub struct RawDir {
    core: Arc<Core>,
    handle: OwnedFd,
    /// Relative to the root, which is the empty path.
    path: PathBuf,
}

/// A name on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEntry {
    /// As it is spelled there.
    pub name: Vec<u8>,
    /// What it is; `None` where the file system does not tell while it lists.
    pub kind: Option<Kind>,
}

/// A regular file by its ciphertext path, open.
#[derive(Debug)]
pub struct RawFile {
    core: Arc<Core>,
    fd: OwnedFd,
    path: PathBuf,
}

impl Volume {
    /// How names are coded.
    pub fn name_codec(&self) -> &NameCodec {
        &self.core.names
    }

    /// How blocks are coded.
    pub fn content_codec(&self) -> &ContentCodec {
        &self.core.content
    }

    /// The file IV in a header of a file with this path IV, which counts with external IV chaining only.
    pub fn decode_header(&self, header: [u8; HEADER_LEN], path_iv: u64) -> Result<FileIv, content::Error> {
        decode_header(&*self.core.cipher, header, self.external_iv(path_iv))
    }

    /// The header of a file with this file IV and this path IV.
    pub fn encode_header(&self, file_iv: FileIv, path_iv: u64) -> [u8; HEADER_LEN] {
        encode_header(&*self.core.cipher, file_iv, self.external_iv(path_iv))
    }

    fn external_iv(&self, path_iv: u64) -> u64 {
        if self.core.external_ivs() { path_iv } else { 0 }
    }

    /// The directory at a ciphertext path below the root; no link on the way is followed.
    pub fn raw_dir(&self, path: &Path) -> Result<RawDir, Error> {
        let root = self.core.root.handle(&self.core, "opening")?;
        let fail = |errno: Errno| Error { verb: "opening", path: shown(path), fault: errno.into() };
        let mut handle = sys::open_dir_handle(&root, b".").map_err(fail)?;
        for name in path.as_os_str().as_bytes().split(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
            if matches!(name, b"." | b"..") {
                return Err(Error { verb: "opening", path: shown(path), fault: Fault::Outside });
            }
            handle = sys::open_dir_handle(&handle, name).map_err(fail)?;
        }
        Ok(RawDir { core: Arc::clone(&self.core), handle, path: path.to_owned() })
    }
}

/// A path for an error: the root shows as a dot.
fn shown(path: &Path) -> PathBuf {
    if path.as_os_str().is_empty() { PathBuf::from(".") } else { path.to_owned() }
}

impl RawDir {
    /// The ciphertext path, relative to the root.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it, in no order, `.` and `..` left out.
    pub fn entries(&self) -> Result<impl Iterator<Item = Result<RawEntry, Error>> + use<'_>, Error> {
        let fail = |errno: Errno| Error { verb: "listing", path: shown(&self.path), fault: errno.into() };
        let listed = sys::read_dir(&self.handle).map_err(fail)?;
        Ok(listed.filter_map(move |entry| match entry {
            Err(errno) => Some(Err(fail(errno))),
            Ok(entry) => {
                let name = entry.file_name().to_bytes();
                let wanted = !matches!(name, b"." | b"..");
                wanted.then(|| Ok(RawEntry { name: name.to_vec(), kind: sys::kind_of(entry.file_type()) }))
            }
        }))
    }

    /// The state of an entry; with an empty name, of the directory itself.
    pub fn stat(&self, name: &[u8]) -> Result<Stat, Error> {
        let raw = self.check("looking at", name, sys::stat_at(&self.handle, name))?;
        Ok(self.core.stat_from(raw, 0))
    }

    /// The state of an entry that may not be there.
    pub fn stat_if_there(&self, name: &[u8]) -> Result<Option<Stat>, Error> {
        let raw = self.check("looking at", name, sys::stat_if_there(&self.handle, name))?;
        Ok(raw.map(|raw| self.core.stat_from(raw, 0)))
    }

    /// The target of a symbolic link as it is on disk.
    pub fn read_link(&self, name: &[u8]) -> Result<Vec<u8>, Error> {
        let target = self.check("reading", name, rustix::fs::readlinkat(&self.handle, name, Vec::new()))?;
        Ok(target.into_bytes())
    }

    /// A directory in this one.
    pub fn open_dir(&self, name: &[u8]) -> Result<RawDir, Error> {
        let handle = self.check("opening", name, sys::open_dir_handle(&self.handle, name))?;
        Ok(RawDir { core: Arc::clone(&self.core), handle, path: self.path.join(os_str(name)) })
    }

    /// A regular file in this directory; its access time stays, if we may ask for that.
    pub fn open_file(&self, name: &[u8], to_write: bool) -> Result<RawFile, Error> {
        if to_write {
            self.check_writable("opening", name)?;
        }
        let access = if to_write { OFlags::RDWR } else { OFlags::RDONLY };
        let flags = access | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let fd = self.check("opening", name, sys::open_leaving_atime(&self.handle, name, flags))?;
        let stat = self.check("opening", name, sys::stat_fd(&fd))?;
        if stat.kind != Kind::File {
            return Err(self.error("opening", name, Fault::NotAFile));
        }
        Ok(RawFile { core: Arc::clone(&self.core), fd, path: self.path.join(os_str(name)) })
    }

    /// Gives an entry another name, in the same directory or another. Nothing that has that name is lost.
    pub fn rename(&self, name: &[u8], to: &RawDir, new_name: &[u8]) -> Result<(), Error> {
        self.check_writable("renaming", name)?;
        self.check("renaming", name, sys::rename_noreplace(&self.handle, name, &to.handle, new_name))
    }

    /// Removes an entry that is no directory.
    pub fn remove(&self, name: &[u8]) -> Result<(), Error> {
        self.check_writable("removing", name)?;
        self.check("removing", name, rustix::fs::unlinkat(&self.handle, name, AtFlags::empty()))
    }

    /// Makes a file with these permission bits, for writing; there must be none of that name.
    pub fn create_file(&self, name: &[u8], mode: u32) -> Result<RawFile, Error> {
        self.check_writable("creating", name)?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made =
            rustix::fs::openat(&self.handle, name, flags, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR);
        let fd = self.check("creating", name, made)?;
        self.check("creating", name, sys::chmod_handle(&fd, mode))?;
        Ok(RawFile { core: Arc::clone(&self.core), fd, path: self.path.join(os_str(name)) })
    }

    /// Makes a symbolic link that leads to `target`, as it is to be on disk; there must be nothing of that name.
    pub fn create_link(&self, name: &[u8], target: &[u8]) -> Result<(), Error> {
        self.check_writable("creating", name)?;
        self.check("creating", name, rustix::fs::symlinkat(target, &self.handle, name))
    }

    /// Sets the times of last access and last change back after something had to change them.
    pub fn restore_times(&self, atime: SystemTime, mtime: SystemTime) {
        sys::restore_handle_times(&self.handle, sys::Times { atime, mtime });
    }

    /// Makes the names in the directory durable.
    pub fn sync(&self) -> Result<(), Error> {
        let synced = sys::reopen_dir(&self.handle).and_then(sys::sync);
        self.check("syncing", b"", synced)
    }

    fn check_writable(&self, verb: &'static str, name: &[u8]) -> Result<(), Error> {
        if self.core.read_only { Err(self.error(verb, name, Fault::ReadOnly)) } else { Ok(()) }
    }

    fn check<T>(&self, verb: &'static str, name: &[u8], result: rustix::io::Result<T>) -> Result<T, Error> {
        result.map_err(|errno| self.error(verb, name, errno))
    }

    fn error(&self, verb: &'static str, name: &[u8], fault: impl Into<Fault>) -> Error {
        let path = if name.is_empty() { shown(&self.path) } else { self.path.join(os_str(name)) };
        Error { verb, path, fault: fault.into() }
    }
}

impl RawFile {
    /// The ciphertext path, relative to the root.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The state of the file.
    pub fn stat(&self) -> Result<Stat, Error> {
        let raw = sys::stat_fd(&self.fd).map_err(|errno| self.error("looking at", errno))?;
        Ok(self.core.stat_from(raw, 0))
    }

    /// Reads ciphertext until `buffer` is full or the file ends; gives the number of bytes.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Error> {
        sys::pread_full(&self.fd, buffer, offset).map_err(|errno| self.error("reading", errno))
    }

    /// The header; `None` if the file is shorter than one.
    pub fn header(&self) -> Result<Option<[u8; HEADER_LEN]>, Error> {
        let mut header = [0; HEADER_LEN];
        let len = self.read_at(&mut header, 0)?;
        Ok((len == HEADER_LEN).then_some(header))
    }

    /// The first byte on disk at `offset` or behind it that is not in a hole; `None` if there is none.
    pub fn seek_data(&self, offset: u64) -> Result<Option<u64>, Error> {
        sys::seek_data(&self.fd, offset).map_err(|errno| self.error("seeking in", errno))
    }

    /// Writes ciphertext.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), Error> {
        self.check_writable()?;
        sys::pwrite_full(&self.fd, bytes, offset).map_err(|(_, errno)| self.error("writing", errno))
    }

    /// Sets the length on disk.
    pub fn set_len(&self, len: u64) -> Result<(), Error> {
        self.check_writable()?;
        rustix::fs::ftruncate(&self.fd, len).map_err(|errno| self.error("writing", errno))
    }

    /// Sets the times of last access and last change back after something had to change them.
    pub fn restore_times(&self, atime: SystemTime, mtime: SystemTime) {
        sys::restore_times(&self.fd, sys::Times { atime, mtime });
    }

    /// Makes the file durable.
    pub fn sync(&self) -> Result<(), Error> {
        sys::sync(self.fd.as_fd()).map_err(|errno| self.error("syncing", errno))
    }

    /// The same file for the standard library.
    pub fn try_clone(&self) -> Result<File, Error> {
        let fd = self
            .fd
            .try_clone()
            .map_err(|error| self.error("opening", Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
        Ok(File::from(fd))
    }

    fn check_writable(&self) -> Result<(), Error> {
        if self.core.read_only { Err(self.error("writing", Fault::ReadOnly)) } else { Ok(()) }
    }

    fn error(&self, verb: &'static str, fault: impl Into<Fault>) -> Error {
        Error { verb, path: self.path.clone(), fault: fault.into() }
    }
}
