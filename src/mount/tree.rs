//! The volume seen by numbers: what each request of the kernel means, whatever brings it here.
//!
//! Here are nodes, names and attributes; [`super::files`] has open files, [`super::dirs`] open directories.

use super::attr::file_attr;
use super::errno::is_gone;
use super::handle::Handles;
use super::handle::OpenDir;
use super::handle::OpenFile;
use super::inode::Found;
use super::inode::Inodes;
use super::inode::Link;
use super::inode::ROOT;
use super::inode::Ways;
use crate::volume::Dir;
use crate::volume::Error;
use crate::volume::Kind;
use crate::volume::Owner;
use crate::volume::RenameMode;
use crate::volume::SetAttr;
use crate::volume::Stat;
use crate::volume::StatFs;
use crate::volume::Target;
use crate::volume::Volume;
use crate::volume::XattrMode;
use fuser::Errno;
use fuser::FileAttr;
use fuser::Generation;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::sync::Arc;

/// A volume, the nodes that the kernel knows of it, and what is open.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) volume: Arc<Volume>,
    pub(super) inodes: Inodes,
    pub(super) files: Handles<OpenFile>,
    pub(super) dirs: Handles<OpenDir>,
}

/// A node as the kernel is told of it. Each telling is one to forget.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) attr: FileAttr,
    pub(super) generation: Generation,
}

/// The way to a node that works at this moment.
#[derive(Debug)]
pub(super) enum Located {
    Dir(Dir),
    File(Link, Stat),
    /// It has no name any more, but is open.
    Nameless(Arc<OpenFile>),
}

impl Tree {
    pub(super) fn new(volume: Arc<Volume>) -> Tree {
        let inodes = Inodes::new(volume.root());
        Tree { volume, inodes, files: Handles::new(), dirs: Handles::new() }
    }

    // ---- nodes ---------------------------------------------------------------------------------

    pub(super) fn lookup(&self, parent: u64, name: &OsStr) -> Result<Entry, Errno> {
        Ok(self.tell(&self.dir(parent)?, name)?)
    }

    pub(super) fn forget(&self, ino: u64, count: u64) {
        self.inodes.forget(ino, count);
    }

    /// Looks at a name and makes a node of what is there.
    pub(super) fn tell(&self, dir: &Dir, name: &OsStr) -> Result<Entry, Error> {
        let stat = self.volume.stat((dir, name))?;
        self.tell_of(stat, dir, name)
    }

    /// Makes a node of what was found under a name.
    fn tell_of(&self, mut stat: Stat, dir: &Dir, name: &OsStr) -> Result<Entry, Error> {
        let found = if stat.kind == Kind::Dir {
            let below = self.volume.open_dir(dir, name)?;
            if below.id() != stat.id {
                // another directory took the name in between
                stat = self.volume.stat(&below)?;
            }
            Found::Dir(below)
        } else {
            Found::File(Link { dir: dir.clone(), name: name.to_owned() })
        };
        Ok(self.enter(&stat, found))
    }

    pub(super) fn enter(&self, stat: &Stat, found: Found) -> Entry {
        let (ino, generation) = self.inodes.enter(stat, found);
        Entry { attr: file_attr(ino, stat), generation: Generation(generation) }
    }

    pub(super) fn dir(&self, ino: u64) -> Result<Dir, Errno> {
        match self.inodes.ways(ino) {
            Some(Ways::Dir(dir)) => Ok(dir),
            Some(Ways::File { .. }) => Err(Errno::ENOTDIR),
            None => Err(Errno::ESTALE),
        }
    }

    /// Finds a way to a node that leads to the same backing file still. `ESTALE` makes the kernel look the name
    /// up again, and so meet the file that took its place.
    pub(super) fn locate(&self, ino: u64) -> Result<Located, Errno> {
        let (id, links, open) = match self.inodes.ways(ino) {
            Some(Ways::Dir(dir)) => return Ok(Located::Dir(dir)),
            Some(Ways::File { id, links, open }) => (id, links, open),
            None => return Err(Errno::ESTALE),
        };
        for link in links {
            match self.volume.stat((&link.dir, link.name.as_os_str())) {
                Ok(stat) if stat.id == id => return Ok(Located::File(link, stat)),
                Err(error) if !is_gone(&error) => return Err(error.into()),
                Ok(_) | Err(_) => self.inodes.drop_link(ino, &link),
            }
        }
        open.into_iter().next().map(Located::Nameless).ok_or(Errno::ESTALE)
    }

    // ---- attributes ----------------------------------------------------------------------------

    pub(super) fn stat(&self, ino: u64, handle: Option<u64>) -> Result<FileAttr, Errno> {
        let stat = match handle.and_then(|handle| self.files.get(handle)) {
            Some(open) => open.file.stat()?,
            None => match self.locate(ino)? {
                Located::Dir(dir) => self.volume.stat(&dir)?,
                Located::File(_, stat) => stat,
                Located::Nameless(open) => open.file.stat()?,
            },
        };
        Ok(shown(ino, &stat))
    }

    pub(super) fn set_attr(&self, ino: u64, handle: Option<u64>, attr: &SetAttr) -> Result<FileAttr, Errno> {
        let stat = match handle.and_then(|handle| self.files.get(handle)) {
            Some(open) => self.volume.set_attr(&open.file, attr)?,
            None => self.volume.set_attr(self.locate(ino)?.target(), attr)?,
        };
        Ok(shown(ino, &stat))
    }

    pub(super) fn get_xattr(&self, ino: u64, name: &OsStr) -> Result<Vec<u8>, Errno> {
        Ok(self.volume.get_xattr(self.locate(ino)?.target(), name)?)
    }

    pub(super) fn set_xattr(
        &self,
        ino: u64,
        name: &OsStr,
        value: &[u8],
        mode: XattrMode,
    ) -> Result<(), Errno> {
        Ok(self.volume.set_xattr(self.locate(ino)?.target(), name, value, mode)?)
    }

    pub(super) fn list_xattrs(&self, ino: u64) -> Result<Vec<OsString>, Errno> {
        Ok(self.volume.list_xattrs(self.locate(ino)?.target())?)
    }

    pub(super) fn remove_xattr(&self, ino: u64, name: &OsStr) -> Result<(), Errno> {
        Ok(self.volume.remove_xattr(self.locate(ino)?.target(), name)?)
    }

    pub(super) fn statfs(&self) -> Result<StatFs, Errno> {
        Ok(self.volume.statfs()?)
    }

    // ---- names ---------------------------------------------------------------------------------

    pub(super) fn readlink(&self, ino: u64) -> Result<OsString, Errno> {
        match self.locate(ino)? {
            Located::File(link, _) => Ok(self.volume.readlink(&link.dir, &link.name)?),
            Located::Dir(_) | Located::Nameless(_) => Err(Errno::EINVAL),
        }
    }

    pub(super) fn mkdir(
        &self,
        parent: u64,
        name: &OsStr,
        mode: u32,
        owner: Option<Owner>,
    ) -> Result<Entry, Errno> {
        let dir = self.dir(parent)?;
        let stat = self.volume.mkdir(&dir, name, mode, owner)?;
        Ok(self.tell_of(stat, &dir, name)?)
    }

    pub(super) fn mknod(
        &self,
        parent: u64,
        name: &OsStr,
        kind: Kind,
        mode: u32,
        rdev: u64,
        owner: Option<Owner>,
    ) -> Result<Entry, Errno> {
        let dir = self.dir(parent)?;
        let stat = self.volume.mknod(&dir, name, kind, mode, rdev, owner)?;
        Ok(self.tell_of(stat, &dir, name)?)
    }

    pub(super) fn symlink(
        &self,
        target: &OsStr,
        parent: u64,
        name: &OsStr,
        owner: Option<Owner>,
    ) -> Result<Entry, Errno> {
        let dir = self.dir(parent)?;
        let stat = self.volume.symlink(target, &dir, name, owner)?;
        Ok(self.tell_of(stat, &dir, name)?)
    }

    pub(super) fn link(&self, ino: u64, new_parent: u64, new_name: &OsStr) -> Result<Entry, Errno> {
        let to = self.dir(new_parent)?;
        match self.locate(ino)? {
            Located::File(link, _) => {
                let stat = self.volume.link(&link.dir, &link.name, &to, new_name)?;
                Ok(self.tell_of(stat, &to, new_name)?)
            }
            Located::Dir(_) => Err(Errno::EPERM),
            Located::Nameless(_) => Err(Errno::ENOENT),
        }
    }

    pub(super) fn unlink(&self, parent: u64, name: &OsStr) -> Result<(), Errno> {
        Ok(self.volume.unlink(&self.dir(parent)?, name)?)
    }

    pub(super) fn rmdir(&self, parent: u64, name: &OsStr) -> Result<(), Errno> {
        Ok(self.volume.rmdir(&self.dir(parent)?, name)?)
    }

    /// The kernel goes on using the nodes it moved under their new names, without looking them up.
    pub(super) fn rename(
        &self,
        parent: u64,
        name: &OsStr,
        new_parent: u64,
        new_name: &OsStr,
        mode: RenameMode,
    ) -> Result<(), Errno> {
        let (from, to) = (self.dir(parent)?, self.dir(new_parent)?);
        // should one of them fail here, renaming has more to say about it
        let moved = self.volume.stat((&from, name)).ok();
        let swapped = match mode {
            RenameMode::Exchange => self.volume.stat((&to, new_name)).ok(),
            RenameMode::Replace | RenameMode::NoReplace => None,
        };
        self.volume.rename(&from, name, &to, new_name, mode)?;
        if let Some(moved) = moved {
            self.inodes.add_link(moved.id, &to, new_name);
        }
        if let Some(swapped) = swapped {
            self.inodes.add_link(swapped.id, &from, name);
        }
        Ok(())
    }
}

/// Attributes of a node. Programs see the backing inode number of the root, too.
fn shown(ino: u64, stat: &Stat) -> FileAttr {
    file_attr(if ino == ROOT { stat.id.ino } else { ino }, stat)
}

impl Located {
    fn target(&self) -> Target<'_> {
        match self {
            Located::Dir(dir) => dir.into(),
            Located::File(link, _) => (&link.dir, link.name.as_os_str()).into(),
            Located::Nameless(open) => (&open.file).into(),
        }
    }
}
