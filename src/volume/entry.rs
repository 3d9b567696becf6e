//! Making and removing entries, and symbolic links.

use super::Volume;
use super::attr::{Kind, Owner, Stat};
use super::dir::Dir;
use super::error::{Error, Fault};
use super::spot::{Spot, os_str};
use super::sys;
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Mode};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// In a directory with this bit new entries take its group.
const SET_GROUP_ID: u32 = 0o2000;

impl Volume {
    /// Makes a directory with these permission bits.
    pub fn mkdir(&self, dir: &Dir, name: &OsStr, mode: u32, owner: Option<Owner>) -> Result<Stat, Error> {
        let _chains = self.core.hold_chains();
        let spot = self.spot_to_change("creating", dir, name)?;
        let made =
            rustix::fs::mkdirat(&spot.handle, spot.cipher_name.as_slice(), Mode::from_raw_mode(mode as _));
        spot.check(made)?;
        self.finish(&spot, AtFlags::REMOVEDIR, mode, owner)
    }

    /// Makes a special file, or an empty regular one.
    pub fn mknod(
        &self,
        dir: &Dir,
        name: &OsStr,
        kind: Kind,
        mode: u32,
        rdev: u64,
        owner: Option<Owner>,
    ) -> Result<Stat, Error> {
        let _chains = self.core.hold_chains();
        let spot = self.spot_to_change("creating", dir, name)?;
        spot.check(sys::make_node(&spot.handle, &spot.cipher_name, kind, mode, rdev))?;
        self.finish(&spot, AtFlags::empty(), mode, owner)
    }

    /// Makes a symbolic link to `target`.
    pub fn symlink(
        &self,
        target: &OsStr,
        dir: &Dir,
        name: &OsStr,
        owner: Option<Owner>,
    ) -> Result<Stat, Error> {
        let _chains = self.core.hold_chains();
        let spot = self.spot_to_change("linking", dir, name)?;
        let names = &self.core.names;
        let encoded = names.encode_link(target.as_bytes()).map_err(|error| spot.error(error))?;
        // stream names have no form for the target `/`: better no link than one that nobody can read
        names.decode_link(&encoded).map_err(|error| spot.error(error))?;
        spot.check(rustix::fs::symlinkat(encoded, &spot.handle, spot.cipher_name.as_slice()))?;
        self.finish(&spot, AtFlags::empty(), 0, owner)
    }

    /// The target of a symbolic link; fails if it does not decode.
    pub fn readlink(&self, dir: &Dir, name: &OsStr) -> Result<OsString, Error> {
        let _chains = self.core.hold_chains();
        let spot = self.spot("reading", dir, name)?;
        self.read_target(&spot)
    }

    pub(super) fn read_target(&self, spot: &Spot<'_>) -> Result<OsString, Error> {
        let encoded = rustix::fs::readlinkat(&spot.handle, spot.cipher_name.as_slice(), Vec::new());
        let encoded = spot.check(encoded)?;
        let target = self.core.names.decode_link(encoded.as_bytes()).map_err(|error| spot.error(error))?;
        Ok(os_str(&target).to_owned())
    }

    /// Makes another name for a file. Not possible with external IV chaining, where a file's header depends on
    /// its path.
    pub fn link(&self, dir: &Dir, name: &OsStr, to: &Dir, new_name: &OsStr) -> Result<Stat, Error> {
        let _chains = self.core.hold_chains();
        let from = self.spot("linking", dir, name)?;
        let spot = self.spot_to_change("linking", to, new_name)?;
        if self.core.external_ivs() {
            return Err(spot.error(Fault::HardLink));
        }
        let (old, new) = (from.cipher_name.as_slice(), spot.cipher_name.as_slice());
        spot.check(rustix::fs::linkat(&from.handle, old, &spot.handle, new, AtFlags::empty()))?;
        self.stat_spot(&spot)
    }

    /// Removes an entry that is not a directory.
    pub fn unlink(&self, dir: &Dir, name: &OsStr) -> Result<(), Error> {
        let _chains = self.core.hold_chains();
        let spot = self.spot_to_change("removing", dir, name)?;
        spot.check(rustix::fs::unlinkat(&spot.handle, spot.cipher_name.as_slice(), AtFlags::empty()))
    }

    /// Removes an empty directory; names that do not decode count as contents.
    pub fn rmdir(&self, dir: &Dir, name: &OsStr) -> Result<(), Error> {
        let _chains = self.core.hold_chains();
        let spot = self.spot_to_change("removing", dir, name)?;
        spot.check(rustix::fs::unlinkat(&spot.handle, spot.cipher_name.as_slice(), AtFlags::REMOVEDIR))
    }

    /// Hands a new entry over and tells its state; takes it back if that fails.
    fn finish(
        &self,
        spot: &Spot<'_>,
        removing: AtFlags,
        mode: u32,
        owner: Option<Owner>,
    ) -> Result<Stat, Error> {
        let given = match owner {
            Some(_) => spot
                .check(sys::open_handle(&spot.handle, &spot.cipher_name))
                .and_then(|handle| self.give_to(spot, &handle, mode, owner)),
            None => Ok(()),
        };
        given.and_then(|()| self.stat_spot(spot)).inspect_err(|_| spot.take_back(removing))
    }

    /// Gives a new entry its owner, unless that is us; the group is the directory's if that says so.
    pub(super) fn give_to(
        &self,
        spot: &Spot<'_>,
        handle: &OwnedFd,
        mode: u32,
        owner: Option<Owner>,
    ) -> Result<(), Error> {
        let Some(owner) = owner.filter(|owner| !is_us(owner)) else { return Ok(()) };
        let gid = (self.stat(spot.dir)?.mode & SET_GROUP_ID == 0).then_some(owner.gid);
        spot.check(sys::chown_handle(handle, Some(owner.uid), gid))?;
        if mode & 0o6000 != 0 {
            // a change of owner took these bits away; the others the directory may have had a say in
            let made = spot.check(sys::stat_fd(handle))?.mode;
            spot.check(sys::chmod_handle(handle, mode & 0o6000 | made))?;
        }
        Ok(())
    }
}

fn is_us(owner: &Owner) -> bool {
    owner.uid == rustix::process::geteuid().as_raw() && owner.gid == rustix::process::getegid().as_raw()
}
