//! Exporting into a folder: the walk makes the folders, workers fill them.

use super::crew::{self, Crew};
use super::export::Target;
use super::filling::{Filling, Finish};
use super::local::{self, Folders, failed};
use super::outgoing::Outgoing;
use super::{Error, Item};
use crate::volume::{FileId, Stat};
use rustix::fs::{AtFlags, FileType, Mode, RawMode};
use rustix::io::Errno;
use std::collections::{HashSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};

/// Items of one folder that a worker takes at a time: in one folder the system lets in one after the other.
const BATCH: usize = 64;

/// Folders that the walk has left and that wait for workers, at the most: each keeps a descriptor.
const UNFINISHED_MAX: usize = 128;

/// A folder of the destination.
pub(super) type Folder = Filling<Outside>;

/// What a folder of the destination is.
#[derive(Default)]
pub(super) struct Outside {
    /// Inodes that this transfer has put here: a second item that meets one of these has a name that the folder
    /// cannot tell from the first (`A` and `a`).
    made: Mutex<HashSet<u64>>,
    /// What it gets at the end, once the walk has left it.
    end: Mutex<Option<(Arc<OwnedFd>, Stat)>>,
}

/// A folder together with its descriptor.
pub(super) struct Place {
    pub(super) folder: Arc<Folder>,
    pub(super) fd: Arc<OwnedFd>,
}

impl Outside {
    /// Whether this transfer made the inode here.
    pub(super) fn has_made(&self, ino: u64) -> bool {
        crew::lock(&self.made).contains(&ino)
    }
}

impl Finish for Outside {
    fn finish(&mut self, path: &dyn Fn() -> PathBuf) -> Result<(), Error> {
        let Some((fd, stat)) = crew::lock(&self.end).take() else { return Ok(()) };
        let fail = |verb, errno| failed(verb, &path())(errno);
        rustix::fs::fchmod(&fd, mode(&stat)).map_err(|errno| fail("set the mode of", errno))?;
        rustix::fs::futimens(&fd, &local::timestamps(stat.atime, stat.mtime))
            .map_err(|errno| fail("set the times of", errno))
    }
}

impl Place {
    /// What has a name here, if anything; links are not followed.
    pub(super) fn look(&self, name: &OsStr) -> Result<Option<rustix::fs::Stat>, Error> {
        match rustix::fs::statat(&*self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(failed("look at", &self.folder.path(name))(errno)),
        }
    }

    /// Makes sure that an item may take a name that may be taken by something else.
    pub(super) fn may_replace(
        &self,
        name: &OsStr,
        there: Option<&rustix::fs::Stat>,
        force: bool,
    ) -> Result<(), Error> {
        let Some(there) = there else { return Ok(()) };
        let path = self.folder.path(name);
        if self.folder.own.has_made(local::id(there).ino) {
            return Err(Error::Clash { path });
        }
        if !force || FileType::from_raw_mode(there.st_mode).is_dir() {
            return Err(Error::LocalExists { path });
        }
        Ok(())
    }

    /// Gives the item with the inode `ino` its name by `rename`, which replaces nothing unless `force`.
    pub(super) fn publish(
        &self,
        name: &OsStr,
        ino: u64,
        force: bool,
        rename: impl FnOnce() -> rustix::io::Result<()>,
    ) -> Result<(), Error> {
        let mut made = crew::lock(&self.folder.own.made);
        if force {
            // One at a time: another may be about to take this very name, spelled another way.
            let there = rustix::fs::statat(&*self.fd, name, AtFlags::SYMLINK_NOFOLLOW);
            if there.is_ok_and(|there| made.contains(&local::id(&there).ino)) {
                return Err(Error::Clash { path: self.folder.path(name) });
            }
            let renamed = rename();
            made.extend(renamed.is_ok().then_some(ino));
            return renamed.map_err(|errno| self.refused(name, errno));
        }
        made.insert(ino);
        drop(made);
        rename().map_err(|errno| {
            crew::lock(&self.folder.own.made).remove(&ino);
            match errno {
                Errno::EXIST => {
                    match self.look(name).and_then(|there| self.may_replace(name, there.as_ref(), false)) {
                        Ok(()) => self.refused(name, errno), // gone in between
                        Err(error) => error,
                    }
                }
                errno => self.refused(name, errno),
            }
        })
    }

    fn refused(&self, name: &OsStr, errno: Errno) -> Error {
        let path = self.folder.path(name);
        match errno {
            Errno::EXIST | Errno::ISDIR => Error::LocalExists { path },
            errno => failed("name", &path)(errno),
        }
    }
}

/// A folder being filled: where the walk is.
pub(super) struct FolderTarget<'env> {
    outgoing: &'env Outgoing<'env>,
    /// The root of the volume: no clear text goes there.
    volume: FileId,
    folders: Folders,
    stack: Vec<Arc<Folder>>,
    /// For each folder entered: what it gets at the end. Others keep what they have.
    ends: Vec<Option<Stat>>,
    batch: Vec<(Item, OsString)>,
    unfinished: VecDeque<Weak<Folder>>,
}

impl<'env> FolderTarget<'env> {
    /// Opens `dest`, making it if several items go `into` it; otherwise, and if it is no folder, the folder above it,
    /// and returns the name that the one item takes. Refuses a place inside the volume whose root is `volume`.
    pub(super) fn open(
        dest: &Path,
        into: bool,
        outgoing: &'env Outgoing<'env>,
        volume: FileId,
    ) -> Result<(FolderTarget<'env>, Option<OsString>), Error> {
        let is_new_name = outgoing.options.no_target_directory && !into && dest.file_name().is_some();
        let is_folder = dest.is_dir() && !is_new_name;
        let above = dest.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut folders = Folders::open(if is_folder { dest } else { above })?;
        if folders.is_within(volume)? {
            return Err(Error::InsideVolume { path: dest.to_path_buf() });
        }
        let mut name = dest.file_name().filter(|_| !is_folder).map(OsStr::to_os_string);
        if let Some(new) = name.take_if(|_| into) {
            let mode = Mode::RWXU | Mode::RWXG | Mode::RWXO;
            rustix::fs::mkdirat(folders.fd(), &new, mode).map_err(failed("make", dest))?;
            folders.enter(&new)?;
        }
        let stack = vec![Folder::new(None, folders.path(OsStr::new("")), Outside::default())];
        let (ends, batch, unfinished) = (Vec::new(), Vec::new(), VecDeque::new());
        Ok((FolderTarget { outgoing, volume, folders, stack, ends, batch, unfinished }, name))
    }

    fn place(&self) -> Place {
        let folder = self.stack.last().expect("the outermost folder is never left");
        Place { folder: Arc::clone(folder), fd: self.folders.descriptor() }
    }

    /// Hands out what was collected in the current folder.
    fn flush(&mut self, crew: &Crew<'env>) -> Result<(), Error> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let (batch, place, outgoing) = (std::mem::take(&mut self.batch), self.place(), self.outgoing);
        crew.submit(Box::new(move |crew, buffer| {
            for (item, name) in batch {
                if crew.check().is_err() {
                    return;
                }
                let done = outgoing.leaf(crew, &place, &item, &name, buffer);
                crew.attempt(done);
            }
            place.folder.release(crew);
        }))
    }

    /// Keeps the number of folders bounded that wait for workers.
    fn wait_for_folders(&mut self, crew: &Crew<'env>) {
        if self.unfinished.len() >= UNFINISHED_MAX {
            self.unfinished.retain(|folder| folder.strong_count() > 0);
        }
        if self.unfinished.len() >= UNFINISHED_MAX {
            crew.drain();
            self.unfinished.clear();
        }
    }
}

impl<'env> Target<'env> for FolderTarget<'env> {
    fn in_order(&self) -> bool {
        false
    }

    fn enter(&mut self, crew: &Crew<'env>, _item: &Item, name: &OsStr, stat: &Stat) -> Result<(), Error> {
        self.flush(crew)?;
        let place = self.place();
        // Nobody else looks in before the folder has the mode that it should have.
        let made = match rustix::fs::mkdirat(&*place.fd, name, Mode::RWXU) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(errno) => return Err(failed("make", &place.folder.path(name))(errno)),
        };
        self.folders.enter(name).map_err(|error| match &error {
            Error::Local { source, .. } if !made && is_no_folder(source) => {
                Error::LocalExists { path: place.folder.path(name) }
            }
            _ => error,
        })?;
        let FileId { ino, .. } = self.folders.id();
        let refused = if place.folder.own.has_made(ino) {
            Some(Error::Clash { path: place.folder.path(name) })
        } else {
            let inside = self.folders.id() == self.volume;
            inside.then(|| Error::InsideVolume { path: place.folder.path(name) })
        };
        if let Some(error) = refused {
            self.folders.leave()?;
            return Err(error);
        }
        crew::lock(&place.folder.own.made).insert(ino);
        if !made && self.outgoing.options.resume {
            // It may have its mode already, which may let nobody in; it gets it again.
            let there = rustix::fs::fstat(self.folders.fd()).map(|there| Mode::from_raw_mode(there.st_mode));
            if let Ok(mode) = there
                && !mode.contains(Mode::RWXU)
            {
                // If not, that shows when something comes in.
                let _ = rustix::fs::fchmod(self.folders.fd(), mode | Mode::RWXU);
            }
        }
        self.stack.push(Folder::new(Some(place.folder), PathBuf::from(name), Outside::default()));
        // A folder that an export left half-done has neither.
        self.ends.push((made || self.outgoing.options.resume).then(|| stat.clone()));
        Ok(())
    }

    fn leave(&mut self, crew: &Crew<'env>) -> Result<(), Error> {
        self.flush(crew)?;
        let fd = self.folders.leave()?;
        let folder = self.stack.pop().expect("only an entered folder is left");
        *crew::lock(&folder.own.end) = self.ends.pop().flatten().map(|stat| (fd, stat));
        self.unfinished.push_back(Arc::downgrade(&folder));
        folder.release(crew);
        self.wait_for_folders(crew);
        Ok(())
    }

    fn leaf(&mut self, crew: &Crew<'env>, item: Item, name: &OsStr) -> Result<(), Error> {
        self.batch.push((item, name.to_os_string()));
        if self.batch.len() >= BATCH { self.flush(crew) } else { Ok(()) }
    }

    fn end(&mut self, crew: &Crew<'env>) -> Result<(), Error> {
        self.flush(crew)
    }
}

fn is_no_folder(error: &std::io::Error) -> bool {
    [Errno::NOTDIR, Errno::LOOP].iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// The mode that goes out. Set-uid and set-gid do not: the file belongs to somebody else now.
pub(super) fn mode(stat: &Stat) -> Mode {
    Mode::from_raw_mode((stat.mode & 0o1777) as RawMode)
}
