//! The volume seen by numbers: what each request of the kernel means, whatever brings it here.
//!
//! Here are nodes, names and attributes; [`super::files`] has open files, [`super::dirs`] open directories.

use super::attr::bare;
use super::attr::file_attr;
use super::caching::Caching;
use super::caching::Verdict;
use super::errno::is_gone;
use super::handle::Handles;
use super::handle::OpenDir;
use super::handle::OpenFile;
use super::inode::Found;
use super::inode::Inodes;
use super::inode::Link;
use super::inode::ROOT;
use super::inode::Watched;
use super::inode::Ways;
use crate::volume::Dir;
use crate::volume::Error;
use crate::volume::Fault;
use crate::volume::FileId;
use crate::volume::Kind;
use crate::volume::Owner;
use crate::volume::RenameMode;
use crate::volume::SetAttr;
use crate::volume::Stat;
use crate::volume::StatFs;
use crate::volume::Target;
use crate::volume::Volume;
use crate::volume::Watch;
use crate::volume::XattrMode;
use fuser::Errno;
use fuser::FileAttr;
use fuser::Generation;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;
use tracing::warn;

/// How long at most the kernel may believe that there is no such name: should news be lost, it cannot be told to
/// forget what it does not say it remembers.
const ABSENT: Duration = Duration::from_secs(60);

/// A volume, the nodes that the kernel knows of it, and what is open.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) volume: Arc<Volume>,
    pub(super) caching: Caching,
    watch: Option<Arc<dyn Watch>>,
    /// Whether it was said that a directory cannot be watched.
    told_of_limit: AtomicBool,
    pub(super) inodes: Inodes,
    pub(super) files: Handles<OpenFile>,
    pub(super) dirs: Handles<OpenDir>,
    /// Shared by those who change names (see [`super::rescue`]). Taken before what is seen of a file is locked.
    pub(super) names: RwLock<()>,
    /// When a directory was last renamed whose entries had to be named anew, which looks as if they all were arriving.
    pub(super) named_anew: Mutex<Option<Instant>>,
}

/// A node as the kernel is told of it. Each telling is one to forget.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) attr: FileAttr,
    pub(super) generation: Generation,
    pub(super) life: Life,
}

/// A directory that is looked into.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) dir: Dir,
    /// Whether changes in it are told of.
    pub(super) is_watched: bool,
}

/// How long what the kernel is told stays true.
#[derive(Debug, Clone, Copy)]
pub(super) struct Life {
    pub(super) name: Duration,
    pub(super) attr: Duration,
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
    pub(super) fn new(volume: Arc<Volume>, caching: Caching, watch: Option<Arc<dyn Watch>>) -> Tree {
        let inodes = Inodes::new(volume.root(), caching.write_back);
        Tree {
            volume,
            caching,
            watch,
            told_of_limit: AtomicBool::new(false),
            inodes,
            files: Handles::new(),
            dirs: Handles::new(),
            names: RwLock::new(()),
            named_anew: Mutex::new(None),
        }
    }

    // ---- nodes ---------------------------------------------------------------------------------

    /// What a name leads to; `None` if nothing is there, and how long that is so.
    pub(super) fn lookup(&self, parent: u64, name: &OsStr) -> Result<Result<Entry, Life>, Errno> {
        let dir = self.place(parent)?;
        let error = match self.tell(&dir, name) {
            Ok(entry) => return Ok(Ok(entry)),
            Err(error) => error,
        };
        if !is_absent(&error) {
            return Err(error.into());
        }
        if self.volume.has_spellings(name) {
            let mut entry = self.tell(&dir, &self.volume.spelling(&dir.dir, name))?;
            // the kernel is told of changes under the name that is there
            entry.life.name = Duration::ZERO;
            return Ok(Ok(entry));
        }
        if !dir.is_watched || self.volume.ignores_case() {
            return Err(error.into());
        }
        // it will be told of when something comes to be there, under the name that it is asked for
        let life = self.caching.watched.min(ABSENT);
        Ok(Err(Life { name: life, attr: life }))
    }

    pub(super) fn forget(&self, ino: u64, count: u64) {
        if let (Some(dir), Some(watch)) = (self.inodes.forget(ino, count), &self.watch) {
            watch.unwatch(dir);
        }
    }

    /// Looks at a name and makes a node of what is there.
    pub(super) fn tell(&self, dir: &Place, name: &OsStr) -> Result<Entry, Error> {
        let (stat, below) = self.volume.look(&dir.dir, name)?;
        let link = Link { dir: dir.dir.clone(), name: name.to_owned() };
        Ok(match below {
            Some(below) => self.enter(&stat, Found::Dir(below, link), dir.is_watched),
            None => self.enter(&stat, Found::File(link), dir.is_watched),
        })
    }

    /// Makes a node of something that is no directory, and was made just now.
    fn tell_of(&self, stat: &Stat, dir: &Place, name: &OsStr) -> Entry {
        let link = Link { dir: dir.dir.clone(), name: name.to_owned() };
        self.enter(stat, Found::File(link), dir.is_watched)
    }

    /// Makes a node of what was found in a directory that is watched, or not.
    pub(super) fn enter(&self, stat: &Stat, found: Found, is_watched: bool) -> Entry {
        let (ino, generation) = self.inodes.enter(stat, found);
        let attr = match stat.kind {
            // its times change with what is in it
            Kind::Dir => matches!(self.inodes.ways(ino), Some(Ways::Dir(_, Watched::Yes))),
            // a change by way of another name is not told of here
            _ => is_watched && stat.nlink == 1,
        };
        let life = Life { attr: self.life(attr, true).attr, ..self.life(is_watched, true) };
        Entry { attr: file_attr(ino, stat), generation: Generation(generation), life }
    }

    fn life(&self, name: bool, attr: bool) -> Life {
        let of = |watched| if watched { self.caching.watched } else { self.caching.unwatched };
        Life { name: of(name), attr: of(name && attr) }
    }

    pub(super) fn dir(&self, ino: u64) -> Result<Dir, Errno> {
        match self.inodes.ways(ino) {
            Some(Ways::Dir(dir, _)) => Ok(dir),
            Some(Ways::File { .. }) => Err(Errno::ENOTDIR),
            None => Err(Errno::ESTALE),
        }
    }

    /// A directory to look into; watched from now on, if that can be.
    pub(super) fn place(&self, ino: u64) -> Result<Place, Errno> {
        match self.inodes.ways(ino) {
            Some(Ways::Dir(dir, Watched::Unknown)) => {
                let is_watched = self.watch(&dir);
                self.inodes.set_watched(ino, is_watched);
                Ok(Place { dir, is_watched })
            }
            Some(Ways::Dir(dir, watched)) => Ok(Place { dir, is_watched: watched == Watched::Yes }),
            Some(Ways::File { .. }) => Err(Errno::ENOTDIR),
            None => Err(Errno::ESTALE),
        }
    }

    fn watch(&self, dir: &Dir) -> bool {
        let Some(watch) = &self.watch else { return false };
        let Ok(handle) = self.volume.handle(dir) else { return false };
        let watched = watch.watch(dir, handle.as_fd());
        if let Err(error) = &watched
            && !self.told_of_limit.swap(true, Ordering::Relaxed)
        {
            warn!("changes by other programs show late: a directory cannot be watched: {error}");
        }
        watched.is_ok()
    }

    /// Finds a way to a node that leads to the same backing file still. `ESTALE` makes the kernel look the name
    /// up again, and so meet the file that took its place.
    pub(super) fn locate(&self, ino: u64) -> Result<Located, Errno> {
        let (id, links, open) = match self.inodes.ways(ino) {
            Some(Ways::Dir(dir, _)) => return Ok(Located::Dir(dir)),
            Some(Ways::File { id, links, open, .. }) => (id, links, open),
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

    /// The attributes of a node, and for how long.
    pub(super) fn stat(&self, ino: u64, handle: Option<u64>) -> Result<(FileAttr, Duration), Errno> {
        let stat = match handle.and_then(|handle| self.files.get(handle)) {
            Some(open) => open.file().stat()?,
            None => match self.locate(ino)? {
                Located::Dir(dir) => self.volume.stat(&dir)?,
                Located::File(_, stat) => {
                    self.check_current(ino, &stat)?;
                    stat
                }
                Located::Nameless(open) => open.file().stat()?,
            },
        };
        Ok(self.shown(ino, &stat))
    }

    /// Where the kernel trusts its own size of a file, one that another program changed in place has to be looked
    /// up anew: `ESTALE` makes it do so.
    pub(super) fn check_current(&self, ino: u64, stat: &Stat) -> Result<(), Errno> {
        match self.inodes.ways(ino) {
            Some(Ways::File { open, seen, .. })
                if self.caching.write_back
                    && stat.kind == Kind::File
                    && open.is_empty()
                    && stat.nlink == 1
                    && matches!(seen.peek(stat), Verdict::Changed { .. }) =>
            {
                Err(Errno::ESTALE)
            }
            _ => Ok(()),
        }
    }

    pub(super) fn set_attr(
        &self,
        ino: u64,
        handle: Option<u64>,
        attr: &SetAttr,
        by_root: bool,
    ) -> Result<(FileAttr, Duration), Errno> {
        let stat = match handle.and_then(|handle| self.files.get(handle)) {
            Some(open) => {
                if attr.mtime.is_some() {
                    open.seen.time_is_set();
                }
                let set = || self.volume.set_attr(open.file(), attr);
                open.seen.change(|| open.file().stat().ok(), set, |stat| stat.as_ref().ok().cloned())?
            }
            None => {
                let located = self.locate(ino)?;
                if let (Some(_), Some(Ways::File { seen, .. })) = (attr.mtime, self.inodes.ways(ino)) {
                    seen.time_is_set();
                }
                let set = || self.volume.set_attr(located.target(), attr);
                let look = || self.volume.stat(located.target()).ok();
                self.change(ino, look, set, |stat| stat.as_ref().ok().cloned())?
            }
        };
        if attr.size.is_some() && attr.mode.is_none() && !by_root && is_privileged(&stat) {
            return self.set_attr(ino, handle, &without_privileges(&stat), true);
        }
        Ok(self.shown(ino, &stat))
    }

    /// Makes a change of our own to a file, which is not to be taken for one by another program.
    fn change<T>(
        &self,
        ino: u64,
        look: impl FnOnce() -> Option<Stat>,
        change: impl FnOnce() -> T,
        after: impl FnOnce(&T) -> Option<Stat>,
    ) -> T {
        match self.inodes.ways(ino) {
            Some(Ways::File { seen, .. }) => seen.change(look, change, after),
            _ => change(),
        }
    }

    /// Attributes of a node, and for how long. Programs see the backing inode number of the root, too.
    fn shown(&self, ino: u64, stat: &Stat) -> (FileAttr, Duration) {
        let attr = file_attr(if ino == ROOT { stat.id.ino } else { ino }, stat);
        let is_watched = match self.inodes.ways(ino) {
            Some(Ways::Dir(_, watched)) => watched == Watched::Yes,
            Some(Ways::File { links, .. }) if stat.nlink == 1 => {
                links.first().is_some_and(|link| self.is_watched(&link.dir))
            }
            _ => false,
        };
        (attr, self.life(is_watched, true).attr)
    }

    pub(super) fn is_watched(&self, dir: &Dir) -> bool {
        matches!(self.inodes.ways(self.inodes.number_of(dir)), Some(Ways::Dir(_, Watched::Yes)))
    }

    pub(super) fn get_xattr(&self, ino: u64, name: &OsStr) -> Result<Vec<u8>, Errno> {
        check_xattr(name)?;
        Ok(self.volume.get_xattr(self.locate(ino)?.target(), name)?)
    }

    pub(super) fn set_xattr(
        &self,
        ino: u64,
        name: &OsStr,
        value: &[u8],
        mode: XattrMode,
    ) -> Result<(), Errno> {
        check_xattr(name)?;
        let located = self.locate(ino)?;
        let set = || self.volume.set_xattr(located.target(), name, value, mode);
        let look = || self.volume.stat(located.target()).ok();
        Ok(self.change(ino, look, set, |_| look())?)
    }

    pub(super) fn list_xattrs(&self, ino: u64) -> Result<Vec<OsString>, Errno> {
        Ok(self.volume.list_xattrs(self.locate(ino)?.target())?)
    }

    pub(super) fn remove_xattr(&self, ino: u64, name: &OsStr) -> Result<(), Errno> {
        let located = self.locate(ino)?;
        let remove = || self.volume.remove_xattr(located.target(), name);
        let look = || self.volume.stat(located.target()).ok();
        Ok(self.change(ino, look, remove, |_| look())?)
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
        let dir = self.place(parent)?;
        let _changing = self.changing_names();
        let name = &*self.volume.new_spelling(name);
        self.volume.mkdir(&dir.dir, name, mode, owner)?;
        Ok(self.tell(&dir, name)?)
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
        let dir = self.place(parent)?;
        let _changing = self.changing_names();
        let name = &*self.volume.new_spelling(name);
        let stat = self.volume.mknod(&dir.dir, name, kind, mode, rdev, owner)?;
        Ok(self.tell_of(&stat, &dir, name))
    }

    pub(super) fn symlink(
        &self,
        target: &OsStr,
        parent: u64,
        name: &OsStr,
        owner: Option<Owner>,
    ) -> Result<Entry, Errno> {
        let dir = self.place(parent)?;
        let _changing = self.changing_names();
        let name = &*self.volume.new_spelling(name);
        let stat = self.volume.symlink(target, &dir.dir, name, owner)?;
        Ok(self.tell_of(&stat, &dir, name))
    }

    pub(super) fn link(&self, ino: u64, new_parent: u64, new_name: &OsStr) -> Result<Entry, Errno> {
        let to = self.place(new_parent)?;
        let _changing = self.changing_names();
        let new_name = &*self.volume.new_spelling(new_name);
        match self.locate(ino)? {
            Located::File(link, _) => {
                let look = || self.volume.stat((&link.dir, link.name.as_os_str())).ok();
                let make = || self.volume.link(&link.dir, &link.name, &to.dir, new_name);
                let stat = self.change(ino, look, make, |stat| stat.as_ref().ok().cloned())?;
                Ok(self.tell_of(&stat, &to, new_name))
            }
            Located::Dir(_) => Err(Errno::EPERM),
            Located::Nameless(_) => Err(Errno::ENOENT),
        }
    }

    pub(super) fn unlink(&self, parent: u64, name: &OsStr) -> Result<(), Errno> {
        let dir = self.dir(parent)?;
        let _changing = self.changing_names();
        let name = &*self.volume.spelling(&dir, name);
        self.giving_up(&dir, name, || self.volume.unlink(&dir, name))?;
        self.inodes.forget_name(dir.id(), name);
        Ok(())
    }

    pub(super) fn rmdir(&self, parent: u64, name: &OsStr) -> Result<(), Errno> {
        let dir = self.dir(parent)?;
        let _changing = self.changing_names();
        let name = &*self.volume.spelling(&dir, name);
        self.volume.rmdir(&dir, name)?;
        self.inodes.forget_name(dir.id(), name);
        Ok(())
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
        let _changing = self.changing_names();
        let (name, new_name) = (&*self.volume.spelling(&from, name), &*self.volume.spelling(&to, new_name));
        // should one of them fail here, renaming has more to say about it
        let moved = self.volume.stat((&from, name)).ok();
        // else the kernel would take the one for the other from now on: it is to look again
        let leads_elsewhere = |dir: &Dir, name: &OsStr, stat: Option<&Stat>| {
            self.inodes.known_as(dir.id(), name).is_some()
                && !stat.is_some_and(|stat| self.inodes.is_known_as(dir.id(), name, stat))
        };
        let swapped = match mode {
            RenameMode::Exchange => self.volume.stat((&to, new_name)).ok(),
            RenameMode::Replace | RenameMode::NoReplace => None,
        };
        if leads_elsewhere(&from, name, moved.as_ref())
            || swapped.is_some() && leads_elsewhere(&to, new_name, swapped.as_ref())
        {
            return Err(Errno::ESTALE);
        }
        let has_entries =
            moved.as_ref().is_some_and(|moved| moved.kind == Kind::Dir) || mode == RenameMode::Exchange;
        let names_anew = has_entries && self.volume.chains_names();
        let moved_id = moved.as_ref().map(|stat| stat.id);
        let rename =
            || self.giving_up(&to, new_name, || self.volume.rename(&from, name, &to, new_name, mode));
        let renamed = match moved_id.map(|id| self.inodes.number(id)) {
            // a new name is a change of state on most file systems
            Some(ino) => self.change(ino, || moved, rename, |_| self.volume.stat((&to, new_name)).ok()),
            None => rename(),
        };
        if names_anew {
            *self.named_anew.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
        renamed?;
        self.inodes.forget_name(from.id(), name);
        self.inodes.forget_name(to.id(), new_name);
        if let Some(moved) = moved_id {
            self.inodes.add_link(moved, &to, new_name);
        }
        if let Some(swapped) = swapped.map(|stat| stat.id) {
            self.inodes.add_link(swapped, &from, name);
        }
        Ok(())
    }
}

/// The labels of SELinux belong to the file system that is mounted, not to its ciphertext. `ls` stops asking for
/// them once it was told so, which it would else do for every file.
fn check_xattr(name: &OsStr) -> Result<(), Errno> {
    if name == "security.selinux" { Err(Errno::EOPNOTSUPP) } else { Ok(()) }
}

/// Whether a file lends its owner's or its group's rights to whoever runs it.
pub(super) fn is_privileged(stat: &Stat) -> bool {
    stat.kind == Kind::File && without_privileges(stat).mode != Some(stat.mode)
}

/// What a file loses when somebody changes its contents. Without the right to run it the set-group-ID bit means
/// something else, and stays (chmod(2)).
pub(super) fn without_privileges(stat: &Stat) -> SetAttr {
    let group_runs = stat.mode & 0o010 != 0;
    let lost = if group_runs { 0o6000 } else { 0o4000 };
    SetAttr { mode: Some(stat.mode & !lost), ..SetAttr::default() }
}

/// Whether nothing has the name, rather than that nothing could have it.
fn is_absent(error: &Error) -> bool {
    matches!(error.fault, Fault::Sys(rustix::io::Errno::NOENT))
}

/// A node that is none: nothing is there.
pub(super) fn absent() -> FileAttr {
    file_attr(0, &bare(FileId { dev: 0, ino: 0 }, Kind::File))
}

impl Located {
    fn target(&self) -> Target<'_> {
        match self {
            Located::Dir(dir) => dir.into(),
            Located::File(link, _) => (&link.dir, link.name.as_os_str()).into(),
            Located::Nameless(open) => open.file().into(),
        }
    }
}
