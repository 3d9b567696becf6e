//! A name in a directory, encoded and ready for a system call.

use super::Volume;
use super::copies::{Copy, copies};
use super::core::Core;
use super::dir::Dir;
use super::error::{Error, Fault};
use super::sys::{self, RawStat};
use crate::config::is_reserved_name;
use crate::names;
use crate::names::{EntryName, IvChain, could_be_marked};
use rustix::fd::OwnedFd;
use rustix::fs::AtFlags;
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

/// An entry that is or could be on disk.
pub(super) struct Spot<'a> {
    verb: &'static str,
    pub(super) dir: &'a Dir,
    pub(super) handle: Arc<OwnedFd>,
    /// The name in the volume.
    pub(super) name: EntryName,
    /// The name on disk.
    pub(super) cipher_name: Vec<u8>,
    /// The chain below the entry.
    pub(super) chain: IvChain,
}

impl Volume {
    /// An entry to look at. The volume's own files are not there.
    pub(super) fn spot<'a>(&self, verb: &'static str, dir: &'a Dir, name: &OsStr) -> Result<Spot<'a>, Error> {
        let spot = Spot::new(&self.core, verb, dir, name)?;
        if spot.is_reserved() { Err(spot.error(Errno::NOENT)) } else { Ok(spot) }
    }

    /// An entry to change. Refused in a volume that is open read-only, and on the volume's own files.
    pub(super) fn spot_to_change<'a>(
        &self,
        verb: &'static str,
        dir: &'a Dir,
        name: &OsStr,
    ) -> Result<Spot<'a>, Error> {
        self.core.check_writable(verb, dir)?;
        let spot = Spot::new(&self.core, verb, dir, name)?;
        if spot.is_reserved() { Err(spot.error(Fault::Reserved)) } else { Ok(spot) }
    }
}

impl Core {
    pub(super) fn check_writable(&self, verb: &'static str, dir: &Dir) -> Result<(), Error> {
        if self.read_only { Err(dir.error(verb, None, Fault::ReadOnly)) } else { Ok(()) }
    }
}

impl<'a> Spot<'a> {
    fn new(core: &Core, verb: &'static str, dir: &'a Dir, name: &OsStr) -> Result<Spot<'a>, Error> {
        let (name, above) = (EntryName::unmarked(name.as_bytes()), dir.chain(core)?);
        let handle = dir.handle(core, verb)?;
        let mut spot = match core.names.encode_entry(&name, above) {
            Ok((cipher_name, chain)) => Spot { verb, dir, handle, name, cipher_name, chain },
            Err(names::Error::TooLong { .. }) if could_be_marked(name.shown()) => {
                // with its mark a name may be longer than any that can be made
                let too_long = Spot { verb, dir, handle, name, cipher_name: Vec::new(), chain: above };
                return too_long.into_copy(core, above)?.map_err(|spot| {
                    let error = core.names.encode_entry(&spot.name, above).err();
                    dir.error(verb, None, error.map_or(Fault::Stale, Fault::from))
                });
            }
            Err(error) => return Err(dir.error(verb, None, error)),
        };
        if core.names.ignores_case() {
            spot.find_other_case()?;
        }
        if could_be_marked(spot.name.shown()) && sys::stat_at(&spot.handle, &spot.cipher_name).is_err() {
            spot = spot.into_copy(core, above)?.unwrap_or_else(|spot| spot);
        }
        Ok(spot)
    }

    /// The conflicted copy in the directory that is shown under this name; the spot as it is if there is none.
    fn into_copy(self, core: &Core, above: IvChain) -> Result<Result<Spot<'a>, Spot<'a>>, Error> {
        let mut names = Vec::new();
        for entry in sys::read_dir(&self.handle).map_err(|errno| self.error(errno))? {
            names.push(entry.map_err(|errno| self.error(errno))?.file_name().to_bytes().to_vec());
        }
        let copies = copies(core, above, names);
        let found = copies.into_iter().find(|copy| copy.name.shown() == self.name.shown());
        Ok(match found {
            Some(Copy { name, cipher_name, chain }) => Ok(Spot { name, cipher_name, chain, ..self }),
            None => Err(self),
        })
    }

    /// With a coding that ignores case, a sync client may have changed the case of the name on disk.
    fn find_other_case(&mut self) -> Result<(), Error> {
        if sys::stat_at(&self.handle, &self.cipher_name).is_ok() {
            return Ok(());
        }
        let entries = sys::read_dir(&self.handle).map_err(|errno| self.error(errno))?;
        for entry in entries {
            let entry = entry.map_err(|errno| self.error(errno))?;
            if entry.file_name().to_bytes().eq_ignore_ascii_case(&self.cipher_name) {
                self.cipher_name = entry.file_name().to_bytes().to_vec();
                break;
            }
        }
        Ok(())
    }

    fn is_reserved(&self) -> bool {
        self.dir.is_root() && is_reserved_name(&self.cipher_name)
    }

    pub(super) fn stat(&self) -> Result<RawStat, Error> {
        self.check(sys::stat_at(&self.handle, &self.cipher_name))
    }

    /// Removes an entry that was made just now and could not be finished.
    pub(super) fn take_back(&self, flags: AtFlags) {
        if let Err(errno) = rustix::fs::unlinkat(&self.handle, self.cipher_name.as_slice(), flags) {
            tracing::error!(error = %self.error(errno), "an unfinished entry could not be removed");
        }
    }

    /// The result of a system call on this entry.
    pub(super) fn check<T>(&self, result: rustix::io::Result<T>) -> Result<T, Error> {
        result.map_err(|errno| self.error(errno))
    }

    pub(super) fn error(&self, fault: impl Into<Fault>) -> Error {
        self.dir.error(self.verb, Some(&self.cipher_name), fault)
    }
}

pub(super) fn os_str(bytes: &[u8]) -> &OsStr {
    OsStr::from_bytes(bytes)
}
