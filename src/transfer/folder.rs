//! Exporting into a folder. A file appears under its name when it is complete, or not at all.

use super::content::Content;
use super::export::Target;
use super::local::{self, Folders, failed, failed_io};
use super::{Error, partial_name};
use crate::volume::{FileId, Stat};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawMode, RenameFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Zeros are looked for in pieces of this size when a sparse file goes out.
const HOLE_LEN: usize = 4096;

/// A folder being filled.
pub(super) struct FolderTarget {
    folders: Folders,
    /// For each folder entered: what it gets at the end, if it was made here. Others keep what they have.
    entered: Vec<Option<Stat>>,
    force: bool,
}

impl FolderTarget {
    /// Opens `dest`, making it if several items go `into` it; otherwise, and if it is no folder, the folder above it,
    /// and returns the name that the one item takes. Refuses a place inside the volume whose root is `volume`.
    pub(super) fn open(
        dest: &Path,
        into: bool,
        force: bool,
        volume: FileId,
    ) -> Result<(FolderTarget, Option<OsString>), Error> {
        let is_folder = dest.is_dir();
        let above = dest.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folders = Folders::open(if is_folder { dest } else { above })?;
        if folders.is_within(volume)? {
            return Err(Error::InsideVolume { path: dest.to_path_buf() });
        }
        let mut target = FolderTarget { folders, entered: Vec::new(), force };
        let name = dest.file_name().filter(|_| !is_folder).map(OsStr::to_os_string);
        match name {
            Some(name) if into => {
                let mode = Mode::RWXU | Mode::RWXG | Mode::RWXO;
                rustix::fs::mkdirat(target.folders.fd(), &name, mode).map_err(failed("make", dest))?;
                target.folders.enter(&name)?;
                Ok((target, None))
            }
            name => Ok((target, name)),
        }
    }

    /// Makes sure that an item may take this name.
    fn may_take(&self, name: &OsStr) -> Result<(), Error> {
        let Some(there) = self.folders.stat(name)? else { return Ok(()) };
        let path = self.folders.path(name);
        if self.folders.has_made(local::id(&there)) {
            return Err(Error::Clash { path });
        }
        if !self.force || FileType::from_raw_mode(there.st_mode).is_dir() {
            return Err(Error::LocalExists { path });
        }
        Ok(())
    }

    /// Gives a finished item its name, and remembers it as ours.
    fn publish(&mut self, partial: Partial, name: &OsStr) -> Result<(), Error> {
        let path = self.folders.path(name);
        let stat = rustix::fs::statat(self.folders.fd(), &partial.name, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(failed("look at", &path))?;
        let renamed = if self.force {
            rustix::fs::renameat(self.folders.fd(), &partial.name, self.folders.fd(), name)
        } else {
            rename_new(self.folders.fd(), &partial.name, name)
        };
        if let Err(errno) = renamed {
            partial.remove(self.folders.fd());
            return Err(match errno {
                Errno::EXIST => Error::LocalExists { path },
                errno => failed("name", &path)(errno),
            });
        }
        self.folders.made(local::id(&stat));
        Ok(())
    }
}

impl Target for FolderTarget {
    fn enter(&mut self, name: &OsStr, stat: &Stat) -> Result<(), Error> {
        let path = self.folders.path(name);
        // Nobody else looks in before the folder has the mode that it should have.
        let made = match rustix::fs::mkdirat(self.folders.fd(), name, Mode::RWXU) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(errno) => return Err(failed("make", &path)(errno)),
        };
        match self.folders.stat(name)? {
            Some(there) if !FileType::from_raw_mode(there.st_mode).is_dir() => {
                return Err(Error::LocalExists { path });
            }
            Some(there) if made => self.folders.made(local::id(&there)),
            Some(there) if self.folders.has_made(local::id(&there)) => return Err(Error::Clash { path }),
            _ => {}
        }
        self.folders.enter(name)?;
        self.entered.push(made.then(|| stat.clone()));
        Ok(())
    }

    fn leave(&mut self) -> Result<(), Error> {
        let path = self.folders.path(OsStr::new(""));
        let folder = self.folders.leave()?;
        let Some(stat) = self.entered.pop().flatten() else { return Ok(()) };
        rustix::fs::fchmod(&folder, mode(&stat)).map_err(failed("set the mode of", &path))?;
        rustix::fs::futimens(&folder, &local::timestamps(stat.atime, stat.mtime))
            .map_err(failed("set the times of", &path))
    }

    fn file(&mut self, name: &OsStr, stat: &Stat, content: &mut Content<'_>) -> Result<u64, Error> {
        self.may_take(name)?;
        let path = self.folders.path(name);
        let (partial, file) = Partial::file(self.folders.fd(), &path)?;
        match fill(&file, &path, stat, self.force, content) {
            Ok(len) => self.publish(partial, name).map(|()| len),
            Err(error) => {
                partial.remove(self.folders.fd());
                Err(error)
            }
        }
    }

    fn symlink(&mut self, name: &OsStr, target: &OsStr, stat: &Stat) -> Result<(), Error> {
        self.may_take(name)?;
        let path = self.folders.path(name);
        let partial = Partial { name: partial_name() };
        rustix::fs::symlinkat(target, self.folders.fd(), &partial.name).map_err(failed("make", &path))?;
        let times = local::timestamps(stat.atime, stat.mtime);
        // The time of a link is worth having, and no reason to go without the link.
        let _ = rustix::fs::utimensat(self.folders.fd(), &partial.name, &times, AtFlags::SYMLINK_NOFOLLOW);
        self.publish(partial, name)
    }
}

/// Writes content, holes, mode and times.
fn fill(file: &File, path: &Path, stat: &Stat, sync: bool, content: &mut Content<'_>) -> Result<u64, Error> {
    let sparse = stat.blocks.saturating_mul(512) < stat.cipher_size;
    let len = content.read(0..u64::MAX, |bytes, at| {
        let written = if sparse { write_sparse(file, bytes, at) } else { file.write_all_at(bytes, at) };
        written.map_err(failed_io("write", path))
    })?;
    if sparse {
        file.set_len(len).map_err(failed_io("write", path))?;
    }
    rustix::fs::fchmod(file, mode(stat)).map_err(failed("set the mode of", path))?;
    rustix::fs::futimens(file, &local::timestamps(stat.atime, stat.mtime))
        .map_err(failed("set the times of", path))?;
    if sync {
        // The old file goes when this one takes its name: it must be on the disk by then.
        file.sync_all().map_err(failed_io("write", path))?;
    }
    Ok(len)
}

/// Writes what is not zero.
fn write_sparse(file: &File, bytes: &[u8], at: u64) -> std::io::Result<()> {
    let pieces = bytes.chunks(HOLE_LEN).zip((at..).step_by(HOLE_LEN));
    pieces
        .filter(|(piece, _)| piece.iter().any(|byte| *byte != 0))
        .try_for_each(|(piece, at)| file.write_all_at(piece, at))
}

/// The mode that goes out. Set-uid and set-gid do not: the file belongs to somebody else now.
fn mode(stat: &Stat) -> Mode {
    Mode::from_raw_mode((stat.mode & 0o1777) as RawMode)
}

/// An item under its temporary name.
struct Partial {
    name: String,
}

impl Partial {
    /// Makes an empty file that nobody else can open.
    fn file(folder: BorrowedFd<'_>, path: &Path) -> Result<(Partial, File), Error> {
        let name = partial_name();
        let how = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(folder, &name, how, Mode::RUSR | Mode::WUSR)
            .map_err(failed("create", path))?;
        Ok((Partial { name }, File::from(fd)))
    }

    /// Takes it away again. That it stays is the lesser evil, next to the error on the way.
    fn remove(self, folder: BorrowedFd<'_>) {
        let _ = rustix::fs::unlinkat(folder, &self.name, AtFlags::empty());
    }
}

/// Renames without replacing, by one call where the file system knows how.
fn rename_new(folder: BorrowedFd<'_>, from: &str, to: &OsStr) -> rustix::io::Result<()> {
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
