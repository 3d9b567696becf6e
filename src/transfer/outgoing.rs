//! One file or link on its way out into a folder: opened, read, written, given its mode and times, and last its name.

use super::content::Source;
use super::crew::Crew;
use super::export::ExportOptions;
use super::folder::{self, Place};
use super::local::{self, failed, failed_io};
use super::partial::Partial;
use super::{Error, Item};
use crate::volume::{Kind, Nameless, Stat, Volume};
use rustix::fs::{AtFlags, FileType};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

/// Zeros are looked for in pieces of this size when a sparse file goes out.
const HOLE_LEN: usize = 4096;

/// What all workers of an export into a folder know.
pub(super) struct Outgoing<'env> {
    volume: &'env Volume,
    pub(super) options: ExportOptions,
    nameless: Nameless,
}

impl<'env> Outgoing<'env> {
    pub(super) fn new(volume: &'env Volume, options: ExportOptions) -> Outgoing<'env> {
        Outgoing { volume, options, nameless: Nameless::default() }
    }

    /// Exports whatever is no folder.
    pub(super) fn leaf(
        &self,
        crew: &Crew<'env>,
        place: &Place,
        item: &Item,
        name: &OsStr,
        buffer: &mut Vec<u8>,
    ) -> Result<(), Error> {
        match item.kind {
            Kind::File => self.file(crew, place, item, name, buffer),
            Kind::Symlink => self.symlink(crew, place, item, name),
            Kind::Dir | Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice => {
                Err(Error::Special { path: item.path.clone() })
            }
        }
    }

    fn file(
        &self,
        crew: &Crew<'env>,
        place: &Place,
        item: &Item,
        name: &OsStr,
        buffer: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let ExportOptions { force, resume, bad_blocks, .. } = self.options;
        if resume && let Some(size) = self.is_whole(place, item, name)? {
            crew.skipped(size);
            return Ok(());
        }
        let source = Source::open(self.volume, item, bad_blocks, buffer)?;
        // Without `force` the name itself tells in the end; but that would be a long wait for a large file.
        if force || source.piece_count() > 1 {
            place.may_replace(name, place.look(name)?.as_ref(), force)?;
        }
        let stat = source.stat.clone();
        let mode = folder::mode(&stat);
        let (partial, file) = Partial::file(place, name, mode, force, &self.nameless)?;
        let path = || place.folder.path(name);
        let filled = fill(crew, source, &file, path, buffer).and_then(|len| {
            let made = rustix::fs::fstat(&file).map_err(|errno| failed("look at", &path())(errno))?;
            if made.st_mode & 0o7777 != mode.as_raw_mode() {
                rustix::fs::fchmod(&file, mode).map_err(|errno| failed("set the mode of", &path())(errno))?;
            }
            rustix::fs::futimens(&file, &local::timestamps(stat.atime, stat.mtime))
                .map_err(|errno| failed("set the times of", &path())(errno))?;
            if force {
                // The old file goes when this one takes its name: it must be on the disk by then.
                file.sync_all().map_err(|error| failed_io("write", &path())(error))?;
            }
            Ok((len, local::id(&made).ino))
        });
        match filled {
            Ok((len, ino)) => {
                partial.publish(place, name, ino, force, &self.nameless)?;
                crew.done(|summary| {
                    summary.files += 1;
                    summary.bytes += len;
                });
                Ok(())
            }
            Err(error) => {
                partial.remove(place);
                Err(error)
            }
        }
    }

    /// Whether the file is there already; its size then. Only what is complete has its final name, so size and time are
    /// enough; its mode is set right.
    fn is_whole(&self, place: &Place, item: &Item, name: &OsStr) -> Result<Option<u64>, Error> {
        let Some(there) = place.look(name)? else { return Ok(None) };
        if place.folder.own.has_made(local::id(&there).ino) {
            return Err(Error::Clash { path: place.folder.path(name) });
        }
        let stat =
            self.volume.stat((&item.parent, item.name.as_os_str())).map_err(Error::volume(&item.path))?;
        if !FileType::from_raw_mode(there.st_mode).is_file()
            || u64::try_from(there.st_size) != Ok(stat.size)
            || local::times(&there).1 != stat.mtime
        {
            return Ok(None);
        }
        let mode = folder::mode(&stat);
        if there.st_mode & 0o7777 != mode.as_raw_mode() {
            rustix::fs::chmodat(&*place.fd, name, mode, AtFlags::empty())
                .map_err(|errno| failed("set the mode of", &place.folder.path(name))(errno))?;
        }
        Ok(Some(stat.size))
    }

    fn symlink(&self, crew: &Crew<'env>, place: &Place, item: &Item, name: &OsStr) -> Result<(), Error> {
        let ExportOptions { force, resume, .. } = self.options;
        let target: OsString =
            self.volume.readlink(&item.parent, &item.name).map_err(Error::volume(&item.path))?;
        let there = place.look(name)?;
        if resume && there.is_some_and(|there| FileType::from_raw_mode(there.st_mode).is_symlink()) {
            let old = rustix::fs::readlinkat(&*place.fd, name, Vec::new())
                .map_err(|errno| failed("read", &place.folder.path(name))(errno))?;
            if old.as_bytes() == target.as_bytes() {
                crew.skipped(0);
                return Ok(());
            }
        }
        place.may_replace(name, there.as_ref(), force)?;
        let stat =
            self.volume.stat((&item.parent, item.name.as_os_str())).map_err(Error::volume(&item.path))?;
        let (partial, temporary) = Partial::symlink(place, name, &target)?;
        let times = local::timestamps(stat.atime, stat.mtime);
        // The time of a link is worth having, and no reason to go without the link.
        let _ = rustix::fs::utimensat(&*place.fd, &temporary, &times, AtFlags::SYMLINK_NOFOLLOW);
        match rustix::fs::statat(&*place.fd, &temporary, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(made) => partial.publish(place, name, local::id(&made).ino, force, &self.nameless)?,
            Err(errno) => {
                partial.remove(place);
                return Err(failed("look at", &place.folder.path(name))(errno));
            }
        }
        crew.done(|summary| summary.links += 1);
        Ok(())
    }
}

/// Writes content and holes; gives the number of bytes.
fn fill<'env>(
    crew: &Crew<'env>,
    source: Source,
    file: &Arc<File>,
    path: impl Fn() -> PathBuf,
    buffer: &mut Vec<u8>,
) -> Result<u64, Error> {
    let Stat { blocks, cipher_size, size, .. } = source.stat;
    let sparse = blocks.saturating_mul(512) < cipher_size;
    let count = source.piece_count();
    let len = if let Some(len) = source.whole {
        write(file, &buffer[..len], 0, sparse).map_err(|error| failed_io("write", &path())(error))?;
        crew.bytes(len as u64);
        source.end(crew)?;
        len as u64
    } else if count == 1 || source.skips() {
        let mut at = 0;
        for number in 0..count {
            crew.check_stop()?;
            let (len, read) = source.read(crew, source.piece(number), buffer);
            read?;
            write(file, &buffer[..len], at, sparse).map_err(|error| failed_io("write", &path())(error))?;
            at += len as u64;
            crew.bytes(len as u64);
        }
        source.end(crew)?;
        at
    } else {
        let source = Arc::new(source);
        let (from, to, path) = (Arc::clone(&source), Arc::clone(file), path());
        crew.share(count, buffer, move |crew, number, buffer| {
            crew.check()?;
            let piece = from.piece(number);
            let (len, read) = from.read(crew, piece.clone(), buffer);
            read?;
            write(&to, &buffer[..len], piece.start, sparse).map_err(failed_io("write", &path))?;
            crew.bytes(len as u64);
            Ok(())
        })?;
        source.end(crew)?;
        size
    };
    if sparse {
        file.set_len(len).map_err(|error| failed_io("write", &path())(error))?;
    }
    Ok(len)
}

fn write(file: &File, bytes: &[u8], at: u64, sparse: bool) -> std::io::Result<()> {
    if sparse { write_sparse(file, bytes, at) } else { file.write_all_at(bytes, at) }
}

/// Writes what is not zero.
fn write_sparse(file: &File, bytes: &[u8], at: u64) -> std::io::Result<()> {
    let pieces = bytes.chunks(HOLE_LEN).zip((at..).step_by(HOLE_LEN));
    pieces
        .filter(|(piece, _)| piece.iter().any(|byte| *byte != 0))
        .try_for_each(|(piece, at)| file.write_all_at(piece, at))
}
