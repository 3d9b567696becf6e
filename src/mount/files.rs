//! Open files.

use super::caching::Version;
use super::handle::OpenFile;
use super::inode::Found;
use super::inode::Link;
use super::tree::Entry;
use super::tree::Located;
use super::tree::Tree;
use crate::volume;
use crate::volume::File;
use crate::volume::Owner;
use fuser::Errno;
use rustix::fs::OFlags;
use std::ffi::OsStr;
use std::sync::Arc;

/// A file as it was opened for the kernel.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) handle: u64,
    /// Whether what the kernel holds of the contents is still right.
    pub(super) unchanged: bool,
}

impl Tree {
    pub(super) fn open(&self, ino: u64, flags: OFlags) -> Result<Opened, Errno> {
        let how = how(flags);
        match self.locate(ino)? {
            Located::Dir(_) => Err(Errno::EISDIR),
            Located::File(link, stat) => {
                let file = self.volume.open_file(&link.dir, &link.name, how)?;
                if file.id() != stat.id {
                    return Err(Errno::ESTALE);
                }
                let version = if how.truncate { None } else { Version::of(&stat) };
                let unchanged = self.inodes.same_version(ino, version);
                Ok(Opened { handle: self.keep(ino, file, how), unchanged })
            }
            // by way of /proc/self/fd
            Located::Nameless(open) if (!how.read || open.read) && (!how.write || open.write) => {
                if how.truncate {
                    open.file.truncate(0)?;
                }
                self.inodes.opened(ino, &open);
                Ok(Opened { handle: self.files.insert(open), unchanged: false })
            }
            Located::Nameless(_) => Err(Errno::ESTALE),
        }
    }

    pub(super) fn create(
        &self,
        parent: u64,
        name: &OsStr,
        mode: u32,
        flags: OFlags,
        owner: Option<Owner>,
    ) -> Result<(Entry, u64), Errno> {
        let dir = self.dir(parent)?;
        let how = how(flags);
        let file = self.volume.create_file(&dir, name, mode, flags.contains(OFlags::EXCL), how, owner)?;
        let stat = file.stat()?;
        let entry = self.enter(&stat, Found::File(Link { dir, name: name.to_owned() }));
        let handle = self.keep(entry.attr.ino.0, file, how);
        Ok((entry, handle))
    }

    fn keep(&self, ino: u64, file: File, how: volume::OpenFile) -> u64 {
        let open = Arc::new(OpenFile { file, read: how.read, write: how.write });
        self.inodes.opened(ino, &open);
        self.files.insert(open)
    }

    pub(super) fn file(&self, handle: u64) -> Result<Arc<OpenFile>, Errno> {
        self.files.get(handle).ok_or(Errno::EBADF)
    }

    pub(super) fn close(&self, handle: u64) {
        drop(self.files.remove(handle));
    }

    /// Fills `buffer` as far as the file goes. A bad block anywhere in the range fails it all: to the kernel a
    /// short read is the end of the file. It then asks again in smaller pieces, so good pages stay readable.
    pub(super) fn read(&self, handle: u64, offset: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        let open = self.file(handle)?;
        let mut filled = 0;
        while filled < buffer.len() {
            match open.file.read_at(&mut buffer[filled..], offset + filled as u64)? {
                0 => break,
                read => filled += read,
            }
        }
        Ok(filled)
    }

    pub(super) fn write(&self, handle: u64, offset: u64, data: &[u8]) -> Result<(), Errno> {
        Ok(self.file(handle)?.file.write_at(data, offset)?)
    }

    /// Writes at the end as it is, not as the kernel remembers it.
    pub(super) fn append(&self, handle: u64, data: &[u8]) -> Result<(), Errno> {
        self.file(handle)?.file.append(data)?;
        Ok(())
    }

    pub(super) fn sync(&self, handle: u64, data_only: bool) -> Result<(), Errno> {
        Ok(self.file(handle)?.file.sync(data_only)?)
    }

    /// Makes the file at least `size` long. The kernel holds the inode's lock over this and over every write, so
    /// nobody lengthens the file between the look and the step.
    pub(super) fn lengthen(&self, handle: u64, size: u64) -> Result<(), Errno> {
        let open = self.file(handle)?;
        if open.file.stat()?.size < size {
            open.file.truncate(size)?;
        }
        Ok(())
    }

    /// Makes a range of the file zeros; its size stays.
    pub(super) fn punch_hole(&self, handle: u64, offset: u64, len: u64) -> Result<(), Errno> {
        Ok(self.file(handle)?.file.punch_hole(offset, len)?)
    }
}

/// What a file is to be opened for.
fn how(flags: OFlags) -> volume::OpenFile {
    let access = flags & OFlags::RWMODE;
    let truncate = flags.contains(OFlags::TRUNC);
    volume::OpenFile {
        read: access != OFlags::WRONLY,
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
            let how = how(flags);
            (how.read, how.write, how.truncate)
        };
        assert_eq!(access(OFlags::RDONLY), (true, false, false));
        assert_eq!(access(OFlags::WRONLY | OFlags::APPEND), (false, true, false));
        assert_eq!(access(OFlags::RDWR | OFlags::TRUNC), (true, true, true));
        assert_eq!(access(OFlags::RDONLY | OFlags::TRUNC), (true, true, true));
    }
}
