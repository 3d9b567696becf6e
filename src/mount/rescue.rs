//! No edit is lost to sync (docs/decisions/0011): when another machine replaces or removes a file while a program is
//! writing to it, what the program writes becomes a conflicted copy beside it.
//!
//! The handle still has the old file, which has no name any more. Its contents are copied to a file that has one, and
//! every handle goes on with that. This happens at the first write, sync or close after the file was lost.

use super::errno::is_gone;
use super::handle::OpenFile;
use super::inode::Link;
use super::inode::Ways;
use super::tree::Tree;
use crate::names::name_for_copy;
use crate::volume;
use crate::volume::Dir;
use crate::volume::Error;
use crate::volume::Fault;
use crate::volume::File;
use crate::volume::Kind;
use crate::volume::Owner;
use crate::volume::RenameMode;
use crate::volume::SetAttr;
use crate::volume::SetTime;
use crate::volume::Stat;
use fuser::Errno;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLockReadGuard;
use std::sync::RwLockWriteGuard;
use std::sync::atomic::Ordering::Relaxed;
use tracing::error;
use tracing::warn;

/// Bytes copied at a time.
const COPY_LEN: usize = 1 << 18;

impl Tree {
    /// After a write: saves the edits if their file has lost its last name, which `stat` shows.
    pub(super) fn save_if_nameless(&self, open: &OpenFile, stat: Option<&Stat>) -> Result<(), Errno> {
        open.standing.edited.store(true, Relaxed);
        if stat.is_some_and(|stat| stat.nlink == 0) { self.save_if_lost(open) } else { Ok(()) }
    }

    /// Saves the edits made through a handle, if there are any and nobody could find them.
    pub(super) fn save_if_lost(&self, open: &OpenFile) -> Result<(), Errno> {
        let standing = &open.standing;
        if !standing.edited.load(Relaxed) || open.is_rescued() || !self.is_lost(open) {
            return Ok(());
        }
        let saved = open.seen.change(
            || None, // nobody finds the lost file, so nobody has changed it
            || {
                if open.is_rescued() || standing.given_up.load(Relaxed) {
                    return Ok(()); // in the meantime
                }
                let rescue = Arc::new(self.rescue(open.file())?);
                warn!(copy = %rescue.cipher_path().display(), "replaced or removed by another program while it was \
                    being written: the edit is a conflicted copy now");
                for handle in self.handles_of(open.ino) {
                    handle.go_on_with(&rescue);
                }
                open.go_on_with(&rescue);
                Ok(())
            },
            |_: &Result<(), Error>| open.file().stat().ok(),
        );
        saved
            .inspect_err(|error| error!(%error, "an edit whose file is gone could not be saved"))
            .map_err(Errno::from)
    }

    /// Whether what is written through a handle goes to a file that nobody can find. A file that seems lost is looked at
    /// again while no name changes by way of the mount: what a program does to its own files is no loss.
    fn is_lost(&self, open: &OpenFile) -> bool {
        self.seems_lost(open) && {
            let _names = self.names_stay();
            self.seems_lost(open)
        }
    }

    fn seems_lost(&self, open: &OpenFile) -> bool {
        if open.standing.given_up.load(Relaxed) {
            return false;
        }
        let Ok(stat) = open.file().stat() else { return false };
        if stat.nlink == 0 {
            return true;
        }
        let Some(Ways::File { links, .. }) = self.inodes.ways(open.ino) else { return false };
        let named = |link: &Link| self.volume.stat((&link.dir, link.name.as_os_str()));
        let is_named = links.iter().any(|link| named(link).is_ok_and(|named| named.id == stat.id));
        // a sync client may have put it aside; or it has another name, which shows
        !is_named && !open.file().is_visible()
    }

    /// Copies a lost file to where it was, or as near as there still is a directory, under a name of its own. It gets
    /// that when it is whole.
    fn rescue(&self, lost: &File) -> Result<File, Error> {
        let (mut dir, name) = lost.place();
        let partial = volume::partial_name();
        let copy = loop {
            match self.copy(lost, &dir, &partial) {
                Err(error) if is_gone(&error) => dir = dir.parent().ok_or(error)?,
                copied => break copied?,
            }
        };
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let date = jiff::Zoned::now().date().to_string();
        let named = (0..).find_map(|number| {
            let name = name_for_copy(name.as_bytes(), &host, &date, number, self.volume.max_name_len());
            let name = OsStr::from_bytes(&name);
            match self.volume.rename(&dir, &partial, &dir, name, RenameMode::NoReplace) {
                Err(Error { fault: Fault::Sys(rustix::io::Errno::EXIST), .. }) => None,
                named => Some(named),
            }
        });
        match named {
            Some(Err(error)) => Err(self.discard(&dir, &partial, error)),
            Some(Ok(())) | None => Ok(copy),
        }
    }

    fn copy(&self, lost: &File, dir: &Dir, name: &OsStr) -> Result<File, Error> {
        let stat = lost.stat()?;
        let how = volume::OpenFile { read: true, write: true, truncate: false };
        let owner = rustix::process::geteuid().is_root().then_some(Owner { uid: stat.uid, gid: stat.gid });
        let copy = self.volume.create_file(dir, name, 0o600, true, how, owner)?;
        let time = SetTime::At(stat.mtime);
        let attr = SetAttr { mode: Some(stat.mode), mtime: Some(time), ..SetAttr::default() };
        let copied = copy_contents(lost, &copy, stat.size).and_then(|()| self.volume.set_attr(&copy, &attr));
        copied.map_err(|error| self.discard(dir, name, error)).map(|_| copy)
    }

    /// Takes an unfinished copy away.
    fn discard(&self, dir: &Dir, name: &OsStr, error: Error) -> Error {
        if let Err(error) = self.volume.unlink(dir, name) {
            warn!("{error}");
        }
        error
    }

    fn handles_of(&self, ino: u64) -> Vec<Arc<OpenFile>> {
        match self.inodes.ways(ino) {
            Some(Ways::File { open, .. }) => open,
            Some(Ways::Dir(..)) | None => Vec::new(),
        }
    }

    /// Takes a name away by a request of the kernel: whoever still has the file open does so knowing that it goes. The
    /// file is the one that the name leads to now, which need not be the one that the kernel knows by it.
    pub(super) fn giving_up<T>(
        &self,
        dir: &Dir,
        name: &OsStr,
        take: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.files.is_empty() {
            return take();
        }
        let goes = self.volume.stat((dir, name)).ok().filter(|stat| stat.kind != Kind::Dir);
        let handles = goes.map_or_else(Vec::new, |stat| self.handles_of(self.inodes.number(stat.id)));
        // beforehand: a write that is under way must not take the file for one that was lost
        handles.iter().for_each(|handle| handle.standing.given_up.store(true, Relaxed));
        let taken = take();
        for handle in &handles {
            let has_names = handle.file().stat().is_ok_and(|stat| stat.nlink > 0);
            handle.standing.given_up.store(taken.is_ok() && !has_names, Relaxed);
        }
        taken
    }

    /// Held by whoever changes names by a request of the kernel, until the nodes know of it, too.
    pub(super) fn changing_names(&self) -> RwLockReadGuard<'_, ()> {
        self.names.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Held by whoever must not be misled by names that are being changed.
    pub(super) fn names_stay(&self) -> RwLockWriteGuard<'_, ()> {
        self.names.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn copy_contents(from: &File, to: &File, size: u64) -> Result<(), Error> {
    let mut buffer = vec![0; COPY_LEN];
    let mut at = 0;
    while at < size {
        let len = from.read_at(&mut buffer, at)?;
        if len == 0 {
            break;
        }
        to.write_at(&buffer[..len], at)?;
        at += len as u64;
    }
    Ok(())
}
