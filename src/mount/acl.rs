//! Access control lists: kept as attributes of the ciphertext, enforced by the kernel.
//!
//! What a new entry takes over from its directory is the disk's affair, which also knows what a change of the mode
//! does to a list. Left to us is what the kernel hands on with a request: the mask of whoever makes a file.

use super::tree::Tree;
use crate::volume::SetAttr;
use fuser::Errno;
use std::ffi::OsStr;

const ACCESS: &str = "system.posix_acl_access";
const DEFAULT: &str = "system.posix_acl_default";

impl Tree {
    /// The mode that a new entry of `parent` shall have: without what `umask` takes away, unless the directory says
    /// by a list what its entries are to permit (acl(5)).
    pub(super) fn masked(&self, parent: u64, mode: u32, umask: u32) -> u32 {
        let masked = mode & !umask;
        if masked == mode {
            return mode;
        }
        match self.dir(parent).map(|dir| self.volume.get_xattr(&dir, OsStr::new(DEFAULT))) {
            Ok(Ok(_)) => mode,
            Ok(Err(_)) | Err(_) => masked,
        }
    }

    /// Whoever gives a file a list may thereby change its mode, which takes the set-group-ID bit from a file of a
    /// group that is not theirs. Of their groups we know one.
    pub(super) fn list_was_set(&self, ino: u64, name: &OsStr, by: (u32, u32)) -> Result<(), Errno> {
        if name != ACCESS || by.0 == 0 {
            return Ok(());
        }
        let (attr, _) = self.stat(ino, None)?;
        let mode = u32::from(attr.perm);
        if mode & 0o2000 != 0 && attr.gid != by.1 {
            let lost = SetAttr { mode: Some(mode & !0o2000), ..SetAttr::default() };
            self.set_attr(ino, None, &lost, true)?;
        }
        Ok(())
    }
}
