//! Open files.

use super::caching::Verdict;
use super::caching::is_settled;
use super::errno::is_gone;
use super::handle::OpenFile;
use super::inode::Found;
use super::inode::Link;
use super::inode::Ways;
use super::tree::Entry;
use super::tree::Tree;
use super::tree::is_privileged;
use super::tree::without_privileges;
use crate::volume;
use crate::volume::Fault;
use crate::volume::File;
use crate::volume::Owner;
use crate::volume::SetAttr;
use crate::volume::SetTime;
use crate::volume::Stat;
use fuser::Errno;
use rustix::fs::OFlags;
use std::ffi::OsStr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// A file as it was opened for the kernel.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) handle: u64,
    /// Whether what the kernel holds of the contents is still right.
    pub(super) unchanged: bool,
}

impl Tree {
    pub(super) fn open(&self, ino: u64, flags: OFlags, by_root: bool) -> Result<Opened, Errno> {
        let how = how(flags, self.caching.write_back);
        let (id, links, open, seen) = match self.inodes.ways(ino) {
            Some(Ways::File { id, links, open, seen }) => (id, links, open, seen),
            Some(Ways::Dir(..)) => return Err(Errno::EISDIR),
            None => return Err(Errno::ESTALE),
        };
        // looked at before it is emptied: the names are hints, and may lead to another file by now
        let first = volume::OpenFile { truncate: false, ..how };
        for link in links {
            let file = match self.volume.open_file(&link.dir, &link.name, first) {
                Err(error) if is_gone(&error) => {
                    self.inodes.drop_link(ino, &link);
                    continue;
                }
                // a damaged header is no hindrance to emptying
                Err(error) if how.truncate && matches!(error.fault, Fault::Content(_)) => {
                    self.volume.open_file(&link.dir, &link.name, how)?
                }
                file => file?,
            };
            if file.id() != id {
                self.inodes.drop_link(ino, &link);
                continue;
            }
            let stat = file.stat()?;
            self.check_current(ino, &stat)?;
            let known = matches!(seen.look(&stat), Verdict::Same | Verdict::Renamed);
            let file = OpenFile::new(ino, file, seen, how);
            if how.truncate {
                self.cut(&file, by_root)?;
            }
            let unchanged = known && !how.truncate && (self.is_watched(&link.dir) || is_settled(&stat));
            return Ok(Opened { handle: self.keep(file), unchanged });
        }
        // by way of /proc/self/fd, which is right only for what a program itself removed: else the kernel still has a name
        // that leads to another file by now
        let is_removed = |open: &Arc<OpenFile>| open.standing.given_up.load(Relaxed);
        let Some(open) = open.into_iter().find(is_removed) else { return Err(Errno::ESTALE) };
        if how.read && !open.read || how.write && !open.write {
            return Err(Errno::ESTALE);
        }
        if how.truncate {
            self.cut(&open, by_root)?;
        }
        self.inodes.opened(ino, &open);
        Ok(Opened { handle: self.files.insert(open), unchanged: false })
    }

    pub(super) fn create(
        &self,
        parent: u64,
        name: &OsStr,
        mode: u32,
        flags: OFlags,
        owner: Option<Owner>,
    ) -> Result<(Entry, u64), Errno> {
        let dir = self.place(parent)?;
        let how = how(flags, self.caching.write_back);
        let exclusive = flags.contains(OFlags::EXCL);
        let _changing = self.changing_names();
        let name = &*self.volume.new_spelling(name);
        let file = self.volume.create_file(&dir.dir, name, mode, exclusive, how, owner)?;
        let stat = file.stat()?;
        let link = Link { dir: dir.dir, name: name.to_owned() };
        let entry = self.enter(&stat, Found::File(link), dir.is_watched);
        let ino = entry.attr.ino.0;
        let Some(Ways::File { seen, .. }) = self.inodes.ways(ino) else { return Err(Errno::ESTALE) };
        let handle = self.keep(OpenFile::new(ino, file, seen, how));
        Ok((entry, handle))
    }

    fn keep(&self, file: OpenFile) -> u64 {
        let open = Arc::new(file);
        self.inodes.opened(open.ino, &open);
        self.files.insert(open)
    }

    fn cut(&self, open: &OpenFile, by_root: bool) -> Result<(), Errno> {
        open.change(|file| file.truncate(0))?;
        if by_root { Ok(()) } else { self.drop_privileges(open) }
    }

    /// Takes from a file whose contents changed what it lends to whoever runs it.
    fn drop_privileges(&self, open: &OpenFile) -> Result<(), Errno> {
        let stat = open.file().stat()?;
        if is_privileged(&stat) {
            open.change(|file| self.volume.set_attr(file, &without_privileges(&stat)))?;
        }
        Ok(())
    }

    pub(super) fn file(&self, handle: u64) -> Result<Arc<OpenFile>, Errno> {
        self.files.get(handle).ok_or(Errno::EBADF)
    }

    pub(super) fn close(&self, ino: u64, handle: u64) {
        if let Some(open) = self.files.get(handle) {
            // a failure was told to the log; nobody waits for an answer
            let _ = self.save_if_lost(&open);
            self.settle_time(&open);
            // not before: whoever removes the file meanwhile is to find that it is open
            self.files.remove(handle);
            drop(open);
            self.inodes.closed(ino);
        }
    }

    /// Fills `buffer` as far as the file goes. A bad block anywhere in the range fails it all: to the kernel a
    /// short read is the end of the file. It then asks again in smaller pieces, so good pages stay readable.
    pub(super) fn read(&self, handle: u64, offset: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        let open = self.file(handle)?;
        let mut filled = 0;
        while filled < buffer.len() {
            match open.file().read_at(&mut buffer[filled..], offset + filled as u64)? {
                0 => break,
                read => filled += read,
            }
        }
        Ok(filled)
    }

    /// Writes at `offset`; at the end if there is none, as it is and not as the kernel remembers it.
    pub(super) fn write(&self, handle: u64, offset: Option<u64>, data: &[u8]) -> Result<(), Errno> {
        let open = self.file(handle)?;
        let mut after = None;
        let write = || match offset {
            Some(offset) => open.file().write_at(data, offset),
            None => open.file().append(data).map(drop),
        };
        open.seen.change(|| open.file().stat().ok(), write, |_| noted(&mut after, open.file()))?;
        self.save_if_nameless(&open, after.as_ref())
    }

    /// Writes what the kernel has collected. A program wrote it earlier, and the kernel says when, unless that was
    /// at the very time that it knows of: so the time has to be put back in the end.
    pub(super) fn write_back(&self, handle: u64, offset: u64, data: &[u8]) -> Result<(), Errno> {
        let open = self.file(handle)?;
        let mut after = None;
        let write = || open.file().write_at(data, offset);
        open.seen.write_back(|| open.file().stat().ok(), write, || noted(&mut after, open.file()))?;
        self.save_if_nameless(&open, after.as_ref())
    }

    /// Gives a file whose collected writes are all there the time that the kernel knows.
    fn settle_time(&self, open: &OpenFile) {
        let settle = |time| {
            let time = SetAttr { mtime: Some(SetTime::At(time)), ..SetAttr::default() };
            self.volume.set_attr(open.file(), &time).ok()
        };
        open.seen.settle_time(|| open.file().stat().ok(), settle);
    }

    /// The writer was none who may leave set-user-ID bits alone.
    pub(super) fn written_by_others(&self, handle: u64) -> Result<(), Errno> {
        self.drop_privileges(&*self.file(handle)?)
    }

    pub(super) fn sync(&self, handle: u64, data_only: bool) -> Result<(), Errno> {
        let open = self.file(handle)?;
        self.save_if_lost(&open)?;
        self.settle_time(&open);
        Ok(open.file().sync(data_only)?)
    }

    /// Makes the file at least `size` long. The kernel holds the inode's lock over this and over every write, so
    /// nobody lengthens the file between the look and the step.
    pub(super) fn lengthen(&self, handle: u64, size: u64) -> Result<(), Errno> {
        let open = self.file(handle)?;
        if open.file().stat()?.size < size {
            open.change(|file| file.truncate(size))?;
        }
        Ok(())
    }

    /// Makes a range of the file zeros; its size stays.
    pub(super) fn punch_hole(&self, handle: u64, offset: u64, len: u64) -> Result<(), Errno> {
        Ok(self.file(handle)?.change(|file| file.punch_hole(offset, len))?)
    }
}

/// The state of a file, of which a copy is noted.
fn noted(copy: &mut Option<Stat>, file: &File) -> Option<Stat> {
    *copy = file.stat().ok();
    copy.clone()
}

impl OpenFile {
    /// Changes the contents.
    fn change<T>(&self, change: impl FnOnce(&File) -> Result<T, volume::Error>) -> Result<T, volume::Error> {
        let look = || self.file().stat().ok();
        self.seen.change(look, || change(self.file()), |_| look())
    }
}

/// What a file is to be opened for.
fn how(flags: OFlags, write_back: bool) -> volume::OpenFile {
    let access = flags & OFlags::RWMODE;
    let truncate = flags.contains(OFlags::TRUNC);
    volume::OpenFile {
        // to change part of a page the kernel reads it first
        read: access != OFlags::WRONLY || write_back,
        // truncating needs it, and the kernel checked that it is allowed
        write: access != OFlags::RDONLY || truncate,
        truncate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_to_access() {
        let access = |flags| {
            let how = how(flags, false);
            (how.read, how.write, how.truncate)
        };
        assert_eq!(access(OFlags::RDONLY), (true, false, false));
        assert_eq!(access(OFlags::WRONLY | OFlags::APPEND), (false, true, false));
        assert!(how(OFlags::WRONLY, true).read);
        assert_eq!(access(OFlags::RDWR | OFlags::TRUNC), (true, true, true));
        assert_eq!(access(OFlags::RDONLY | OFlags::TRUNC), (true, true, true));
    }
}
