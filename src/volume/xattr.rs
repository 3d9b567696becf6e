//! Extended attributes: passed through as they are, names and values unencrypted, as EncFS does.

use super::Volume;
use super::attr::Target;
use super::error::Error;
use super::spot::os_str;
use super::sys::XattrPlace;
use rustix::fs::XattrFlags;
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// Whether an attribute must or must not be there before it is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum XattrMode {
    /// Either way.
    Set,
    /// It must not.
    Create,
    /// It must.
    Replace,
}

impl Volume {
    /// The value of an attribute.
    pub fn get_xattr<'a>(&self, target: impl Into<Target<'a>>, name: &OsStr) -> Result<Vec<u8>, Error> {
        self.on_xattrs(target.into(), "reading an attribute of", false, |place| place.get(name.as_bytes()))
    }

    /// The names of all attributes.
    pub fn list_xattrs<'a>(&self, target: impl Into<Target<'a>>) -> Result<Vec<OsString>, Error> {
        let list = self.on_xattrs(target.into(), "listing the attributes of", false, XattrPlace::list)?;
        let names = list.split(|&byte| byte == 0).filter(|name| !name.is_empty());
        Ok(names.map(|name| os_str(name).to_owned()).collect())
    }

    /// Sets an attribute.
    pub fn set_xattr<'a>(
        &self,
        target: impl Into<Target<'a>>,
        name: &OsStr,
        value: &[u8],
        mode: XattrMode,
    ) -> Result<(), Error> {
        let flags = match mode {
            XattrMode::Set => XattrFlags::empty(),
            XattrMode::Create => XattrFlags::CREATE,
            XattrMode::Replace => XattrFlags::REPLACE,
        };
        self.on_xattrs(target.into(), "setting an attribute of", true, |place| {
            place.set(name.as_bytes(), value, flags)
        })
    }

    /// Removes an attribute.
    pub fn remove_xattr<'a>(&self, target: impl Into<Target<'a>>, name: &OsStr) -> Result<(), Error> {
        self.on_xattrs(target.into(), "removing an attribute of", true, |place| place.remove(name.as_bytes()))
    }

    fn on_xattrs<T>(
        &self,
        target: Target<'_>,
        verb: &'static str,
        change: bool,
        operation: impl FnOnce(&XattrPlace) -> Result<T, Errno>,
    ) -> Result<T, Error> {
        match target {
            Target::Dir(dir) => {
                if change {
                    self.core.check_writable(verb, dir)?;
                }
                let handle = dir.handle(&self.core, verb)?;
                let place = XattrPlace::at(&handle, b"");
                place.and_then(|place| operation(&place)).map_err(|errno| dir.error(verb, None, errno))
            }
            Target::Entry(dir, name) => {
                let _chains = self.core.hold_chains();
                let spot =
                    if change { self.spot_to_change(verb, dir, name)? } else { self.spot(verb, dir, name)? };
                let place = XattrPlace::at(&spot.handle, &spot.cipher_name);
                spot.check(place.and_then(|place| operation(&place)))
            }
            Target::File(file) => {
                if change {
                    file.check_volume_writable(verb)?;
                }
                let place = file.fd().try_clone().map(XattrPlace::Fd).map_err(|_| Errno::MFILE);
                place.and_then(|place| operation(&place)).map_err(|errno| file.error(verb, errno))
            }
        }
    }
}
