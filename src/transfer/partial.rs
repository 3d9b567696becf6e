//! A file of the destination that is not complete: without a name where the system can do that, so that nothing of it
//! stays whatever happens, or else under a temporary one.

use super::Error;
use super::folder::Place;
use super::local::failed;
use crate::volume::{Nameless, partial_name};
use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::AsFd;
use std::sync::Arc;

/// An item before it has its name.
pub(super) enum Partial {
    /// A file that has none.
    Nameless(Arc<File>),
    /// Something under a temporary name.
    Named(OsString),
}

impl Partial {
    /// Makes an empty file that nobody else can open yet; it may or may not have `mode`. One that will replace another
    /// needs a name: only a rename replaces at one stroke.
    pub(super) fn file(
        place: &Place,
        name: &OsStr,
        mode: Mode,
        replaces: bool,
        nameless: &Nameless,
    ) -> Result<(Partial, Arc<File>), Error> {
        let fail = |errno| failed("create", &place.folder.path(name))(errno);
        let opened = if replaces { None } else { nameless.file(&*place.fd, mode) };
        if let Some(opened) = opened {
            let file = Arc::new(File::from(opened.map_err(fail)?));
            return Ok((Partial::Nameless(Arc::clone(&file)), file));
        }
        let partial = partial_name();
        let how = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&*place.fd, &partial, how, Mode::RUSR | Mode::WUSR).map_err(fail)?;
        Ok((Partial::Named(partial), Arc::new(File::from(fd))))
    }

    /// Makes a symbolic link; gives its temporary name, too.
    pub(super) fn symlink(place: &Place, name: &OsStr, target: &OsStr) -> Result<(Partial, OsString), Error> {
        let partial = partial_name();
        rustix::fs::symlinkat(target, &*place.fd, &partial)
            .map_err(|errno| failed("make", &place.folder.path(name))(errno))?;
        Ok((Partial::Named(partial.clone()), partial))
    }

    /// Gives the item, whose inode is `ino`, its name; replaces what has it only if `force`.
    pub(super) fn publish(
        self,
        place: &Place,
        name: &OsStr,
        ino: u64,
        force: bool,
        nameless: &Nameless,
    ) -> Result<(), Error> {
        let published = place.publish(name, ino, force, || match &self {
            Partial::Nameless(file) => nameless.name(file, &*place.fd, name),
            Partial::Named(partial) if force => rustix::fs::renameat(&*place.fd, partial, &*place.fd, name),
            Partial::Named(partial) => rename_new(&place.fd, partial, name),
        });
        if published.is_err() {
            self.remove(place);
        }
        published
    }

    /// Takes it away again. That it stays is the lesser evil, next to the error on the way.
    pub(super) fn remove(self, place: &Place) {
        if let Partial::Named(name) = &self {
            let _ = rustix::fs::unlinkat(&*place.fd, name, AtFlags::empty());
        }
    }
}

/// Renames without replacing, by one call where the file system knows how.
fn rename_new(folder: impl AsFd, from: &OsStr, to: &OsStr) -> rustix::io::Result<()> {
    let folder = folder.as_fd();
    match rustix::fs::renameat_with(folder, from, folder, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            match rustix::fs::statat(folder, to, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => rustix::fs::renameat(folder, from, folder, to),
                Err(errno) => Err(errno),
                Ok(_) => Err(Errno::EXIST),
            }
        }
        done => done,
    }
}
