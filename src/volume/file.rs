//! Open regular files.
//!
//! A handle has its own descriptor; what the file *is* (its IV, who may touch it now) is in the state that all
//! handles share, so that no two of them ever code a block differently.

use super::Volume;
use super::attr::{FileId, Kind, Owner, Stat};
use super::core::Core;
use super::dir::Dir;
use super::error::{Error, Fault};
use super::path::PlainPath;
use super::spot::Spot;
use super::state::{Contents, FileState};
use super::sys::{self, RawStat};
use crate::content;
use crate::content::{FileIv, HEADER_LEN, decode_header, encode_header};
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::{Arc, RwLockReadGuard};

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenFile {
    /// For reading.
    pub read: bool,
    /// For writing.
    pub write: bool,
    /// Emptied at once; needs `write`.
    pub truncate: bool,
}

/// An open regular file. Every method may be called from any number of threads.
#[derive(Debug)]
pub struct File {
    pub(super) core: Arc<Core>,
    pub(super) state: Arc<FileState>,
    fd: OwnedFd,
    how: OpenFile,
}

impl Volume {
    /// Opens a regular file. A damaged header fails here already, unless the file is emptied.
    pub fn open_file(&self, dir: &Dir, name: &OsStr, how: OpenFile) -> Result<File, Error> {
        self.open_file_and_stat(dir, name, how).map(|(file, _)| file)
    }

    /// The same, with the state of the file as it was found, before it was emptied.
    pub fn open_file_and_stat(&self, dir: &Dir, name: &OsStr, how: OpenFile) -> Result<(File, Stat), Error> {
        let (file, stat) = self.open_unread(dir, name, how)?;
        if how.truncate {
            file.empty()?;
        } else {
            file.check_header()?;
        }
        Ok((file, stat))
    }

    /// The same, before anything of the file was read or changed.
    pub(super) fn open_unread(&self, dir: &Dir, name: &OsStr, how: OpenFile) -> Result<(File, Stat), Error> {
        let _chains = self.core.hold_chains();
        let spot = self.spot_for(how, "opening", dir, name)?;
        let opened = rustix::fs::openat(&spot.handle, spot.cipher_name.as_slice(), flags(how), Mode::empty());
        let fd = opened.map_err(|errno| open_error(&spot, errno))?;
        let (file, raw) = self.opened(&spot, fd, how)?;
        Ok((file, self.core.stat_from(raw, 0)))
    }

    /// Creates a regular file with these permission bits, or opens the one there is unless `exclusive`.
    pub fn create_file(
        &self,
        dir: &Dir,
        name: &OsStr,
        mode: u32,
        exclusive: bool,
        how: OpenFile,
        owner: Option<Owner>,
    ) -> Result<File, Error> {
        loop {
            match self.create_new(dir, name, mode, how, owner) {
                Err(Error { fault: Fault::Sys(Errno::EXIST), .. }) if !exclusive => {}
                created => return created,
            }
            match self.open_file(dir, name, how) {
                Err(Error { fault: Fault::Sys(Errno::NOENT), .. }) => {} // removed meanwhile: it can be created
                opened => return opened,
            }
        }
    }

    fn create_new(
        &self,
        dir: &Dir,
        name: &OsStr,
        mode: u32,
        how: OpenFile,
        owner: Option<Owner>,
    ) -> Result<File, Error> {
        let _chains = self.core.hold_chains();
        let spot = self.spot_to_change("creating", dir, name)?;
        let how = OpenFile { write: true, truncate: false, ..how };
        let flags = flags(how) | OFlags::CREATE | OFlags::EXCL;
        let mode_bits = Mode::from_raw_mode(mode as _);
        let fd =
            spot.check(rustix::fs::openat(&spot.handle, spot.cipher_name.as_slice(), flags, mode_bits))?;
        let given = self.give_to(&spot, &fd, mode, owner).and_then(|()| self.opened(&spot, fd, how));
        let given = given.map(|(file, _)| file);
        given.inspect_err(|_| spot.take_back(AtFlags::empty()))
    }

    fn spot_for<'a>(
        &self,
        how: OpenFile,
        verb: &'static str,
        dir: &'a Dir,
        name: &OsStr,
    ) -> Result<Spot<'a>, Error> {
        if how.write { self.spot_to_change(verb, dir, name) } else { self.spot(verb, dir, name) }
    }

    /// The handle on what was opened at a spot, and its state.
    fn opened(&self, spot: &Spot<'_>, fd: OwnedFd, how: OpenFile) -> Result<(File, RawStat), Error> {
        let stat = spot.check(sys::stat_fd(&fd))?;
        match stat.kind {
            Kind::File => {}
            Kind::Dir => return Err(spot.error(Fault::IsADirectory)),
            _ => return Err(spot.error(Fault::NotAFile)),
        }
        let make = || FileState::new(&self.core, stat.id, spot);
        let (state, known) = self.core.files.get_or_insert(stat.id, make);
        if known {
            state.moved_to(spot);
        }
        Ok((File { core: Arc::clone(&self.core), state, fd, how }, stat))
    }
}

/// A block is a unit: changing one byte of it means reading it first, so writing needs both.
fn flags(how: OpenFile) -> OFlags {
    let access = if how.write { OFlags::RDWR } else { OFlags::RDONLY };
    // a FIFO would keep us waiting before we could see that it is one
    access | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK
}

fn open_error(spot: &Spot<'_>, errno: Errno) -> Error {
    match errno {
        Errno::LOOP | Errno::MLINK | Errno::NXIO => spot.error(Fault::NotAFile),
        Errno::ISDIR => spot.error(Fault::IsADirectory),
        errno => spot.error(errno),
    }
}

impl File {
    /// The identity of the backing file.
    pub fn id(&self) -> FileId {
        self.state.id
    }

    /// Where it was found: its plaintext names from the root down, for the person who mounted the volume.
    pub fn plain_path(&self) -> PlainPath {
        self.state.plain_path()
    }

    /// The state of the file, whatever became of its name.
    pub fn stat(&self) -> Result<Stat, Error> {
        let raw = sys::stat_fd(&self.fd).map_err(|errno| self.error("looking at", errno))?;
        Ok(self.core.stat_from(raw, 0))
    }

    /// Its path on disk, relative to the root, as it would be spelled.
    pub fn cipher_path(&self) -> PathBuf {
        self.state.cipher_path(&self.core)
    }

    /// The directory it was found in, and its name there as it is shown.
    pub fn place(&self) -> (Dir, OsString) {
        self.state.place()
    }

    /// Whether a file that has a name has one in the volume that shows, whoever gave it. The system tells the name that
    /// the file was opened by, wherever that is now; if just that was removed, another one is left, and is believed to
    /// show. Taken for no where the system tells nothing.
    pub fn is_visible(&self) -> bool {
        let _chains = self.core.hold_chains();
        let path = std::fs::read_link(format!("/proc/self/fd/{}", self.fd.as_raw_fd()));
        let root = self.core.root_path.canonicalize();
        let (Ok(path), Ok(root)) = (path, root) else { return false };
        match sys::stat_at(rustix::fs::CWD, path.as_os_str().as_bytes()) {
            Ok(named) if named.id == self.id() => {
                path.strip_prefix(root).is_ok_and(|inside| self.core.decode_path(inside).is_ok())
            }
            _ => {
                self.stat().is_ok_and(|stat| stat.nlink > 0)
                    && path.as_os_str().as_bytes().ends_with(b" (deleted)")
            }
        }
    }

    /// Reads plaintext at `offset` into `buf`; 0 at the end.
    ///
    /// Stops short of a damaged block when there are good bytes before it, and fails when the first byte
    /// wanted lies in one.
    pub fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize, Error> {
        if !self.how.read {
            return Err(self.error("reading", Fault::Access));
        }
        match self.contents() {
            Ok(Some((_contents, file_iv))) => self.read_blocks(file_iv, buf, offset),
            Ok(None) => Ok(0),
            Err(error) if self.ends_there(&error.fault) => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Reads bytes as they are on disk, header included, until `buf` is full or the file ends; gives their number.
    pub fn read_cipher_at(&self, buf: &mut [u8], offset: u64) -> Result<usize, Error> {
        sys::pread_full(&self.fd, buf, offset).map_err(|errno| self.error("reading", errno))
    }

    /// Writes all of `data` at `offset`. A gap behind the old end reads as zeros.
    pub fn write_at(&self, data: &[u8], offset: u64) -> Result<(), Error> {
        self.check_open_for_writing()?;
        let _chains = self.hold_chains_for_header();
        self.write_held(&mut self.state.write(), data, offset)
    }

    /// Writes all of `data` at the end, wherever that is at this instant; gives the offset.
    pub fn append(&self, data: &[u8]) -> Result<u64, Error> {
        self.check_open_for_writing()?;
        let _chains = self.hold_chains_for_header();
        let mut contents = self.state.write();
        let size = self.size("writing")?.0;
        self.write_held(&mut contents, data, size)?;
        Ok(size)
    }

    /// Sets the plaintext size: cuts, or grows by zeros.
    pub fn truncate(&self, size: u64) -> Result<(), Error> {
        self.check_open_for_writing()?;
        let _chains = self.hold_chains_for_header();
        self.resize_held(&mut self.state.write(), size)
    }

    /// Makes the file durable; `data_only` leaves out what reading the data does not need.
    pub fn sync(&self, data_only: bool) -> Result<(), Error> {
        let synced = if data_only { sys::sync_data(&self.fd) } else { sys::sync(&self.fd) };
        synced.map_err(|errno| self.error("syncing", errno))
    }

    /// Empties the file, whatever state it is in.
    fn empty(&self) -> Result<(), Error> {
        self.cut(&mut self.state.write())
    }

    pub(super) fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    pub(super) fn error(&self, verb: &'static str, fault: impl Into<Fault>) -> Error {
        self.state.error(&self.core, verb, fault)
    }

    pub(super) fn check_volume_writable(&self, verb: &'static str) -> Result<(), Error> {
        if self.core.read_only { Err(self.error(verb, Fault::ReadOnly)) } else { Ok(()) }
    }

    pub(super) fn check_open_for_writing(&self) -> Result<(), Error> {
        if self.how.write { Ok(()) } else { Err(self.error("writing", Fault::Access)) }
    }

    /// A header may have to be made or read, and may depend on the path.
    pub(super) fn hold_chains_for_header(&self) -> Option<RwLockReadGuard<'_, ()>> {
        if self.core.external_ivs() { self.core.hold_chains() } else { None }
    }

    /// Plaintext size and size on disk.
    pub(super) fn size(&self, verb: &'static str) -> Result<(u64, u64), Error> {
        let cipher_len = sys::stat_fd(&self.fd).map_err(|errno| self.error(verb, errno))?.len;
        let plain_len = self.core.content.layout().plain_len(cipher_len);
        Ok((plain_len.map_err(|error| self.error(verb, error))?, cipher_len))
    }

    /// Fails if the header is damaged.
    pub(super) fn check_header(&self) -> Result<(), Error> {
        match self.contents() {
            Err(error) if !self.ends_there(&error.fault) => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether a fault is the end of what has arrived, and that is to be read.
    pub(super) fn ends_there(&self, fault: &Fault) -> bool {
        self.core.read_partial && matches!(fault, Fault::Content(error) if error.is_unfinished())
    }

    /// Holds the contents for reading, with the file IV; `None` if the file is empty and has none.
    fn contents(&self) -> Result<Option<(RwLockReadGuard<'_, Contents>, FileIv)>, Error> {
        loop {
            let contents = self.state.read();
            if let Some(file_iv) = self.known_iv(&contents)? {
                return Ok(Some((contents, file_iv)));
            }
            drop(contents);
            let _chains = self.hold_chains_for_header();
            if self.load_iv(&mut self.state.write())?.is_none() {
                return Ok(None);
            }
        }
    }

    /// The file IV if it is known, and still the one on disk: another program may have rewritten the file.
    fn known_iv(&self, contents: &Contents) -> Result<Option<FileIv>, Error> {
        match contents.file_iv {
            None => Ok(None),
            Some((file_iv, None)) => Ok(Some(file_iv)),
            Some((file_iv, Some(known))) => {
                let mut header = [0; HEADER_LEN];
                let len = sys::pread_full(&self.fd, &mut header, 0);
                let len = len.map_err(|errno| self.error("reading", errno))?;
                Ok((len == HEADER_LEN && header == known).then_some(file_iv))
            }
        }
    }

    /// The file IV, from the header unless it is known; `None` if the file is empty and has none.
    pub(super) fn load_iv(&self, contents: &mut Contents) -> Result<Option<FileIv>, Error> {
        if let Some(file_iv) = self.known_iv(contents)? {
            return Ok(Some(file_iv));
        }
        contents.file_iv = None;
        let mut header = [0; HEADER_LEN];
        let len = sys::pread_full(&self.fd, &mut header, 0).map_err(|errno| self.error("reading", errno))?;
        match len {
            0 => Ok(None),
            HEADER_LEN => self.take_header(contents, header).map(Some),
            _ => Err(self.error("reading", content::Error::HeaderShort { len: len as u64 })),
        }
    }

    /// The file IV in a header that was read just now.
    pub(super) fn take_header(
        &self,
        contents: &mut Contents,
        header: [u8; HEADER_LEN],
    ) -> Result<FileIv, Error> {
        let external = self.state.external_iv(&self.core)?;
        let decoded = decode_header(&*self.core.cipher, header, external);
        let file_iv = decoded.map_err(|error| self.error("reading", error))?;
        contents.file_iv = Some((file_iv, Some(header)));
        Ok(file_iv)
    }

    /// A new file IV and its header, for a file that has none on disk; known from when it is written.
    pub(super) fn new_header(&self) -> Result<(FileIv, [u8; HEADER_LEN]), Error> {
        let file_iv = FileIv::random(super::fill_random);
        let external = self.state.external_iv(&self.core)?;
        Ok((file_iv, encode_header(&*self.core.cipher, file_iv, external)))
    }
}
