//! Into the volume: files, links and trees. A file of the volume is replaced as a whole or not at all.

use super::content::BUFFER_LEN;
use super::local::{self, Folders, failed, failed_io};
use super::{Error, Progress, Summary};
use crate::volume::{
    Dir, File, Follow, Kind, OpenFile, Place, PlainPath, RenameMode, SetAttr, SetTime, Stat, Volume,
    partial_name,
};
use rustix::fs::{FileType, Mode, OFlags, SeekFrom};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::vec;

/// How an import deals with obstacles.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportOptions {
    /// Replace files that exist in the volume.
    pub force: bool,
    /// End at the first item that fails, rather than report it, leave it out and go on.
    pub fail_fast: bool,
    /// Pass over files of the volume that are whole: they have the size and the time that they should have.
    pub resume: bool,
}

/// Imports `sources` to `dest` with the rules of `cp -a`: into `dest` if that is a directory of the volume or there
/// are many sources; under the name `dest` if it is one. Links are imported as links.
pub fn import(
    volume: &Volume,
    sources: &[PathBuf],
    dest: &PlainPath,
    options: ImportOptions,
    progress: &mut dyn Progress,
) -> Result<Summary, Error> {
    let (spot, new_name) = spot(volume, dest, sources.len() != 1)?;
    let mut importer =
        Importer { volume, options, progress, buffer: vec![0; BUFFER_LEN], summary: Summary::default() };
    for source in sources {
        let done = importer.source(source, &spot, new_name.as_deref());
        match sources {
            [_] => done?, // it was all that was asked for
            _ => drop(importer.attempt(done)?),
        }
    }
    Ok(importer.summary)
}

/// Imports a stream as the file `dest`, with permission bits `mode` if there was none before.
pub fn import_stream(
    volume: &Volume,
    reader: &mut dyn Read,
    dest: &PlainPath,
    mode: u32,
    options: ImportOptions,
    progress: &mut dyn Progress,
) -> Result<Summary, Error> {
    let (spot, name) = spot(volume, dest, false)?;
    let name = name.ok_or_else(|| Error::Exists { path: dest.clone() })?;
    let spot = Spot { dir: &spot.dir, path: &spot.path, name: &name };
    let old = spot.stat(volume)?;
    let new = New::begin(volume, &spot, old.as_ref(), options.force)?;
    let done = copy_stream(&new, reader, &spot.full(), progress).and_then(|bytes| {
        let mode = old.as_ref().map_or(mode, |old| old.mode);
        let attr = SetAttr { mode: Some(mode), ..SetAttr::default() };
        volume.set_attr(&new.file, &attr).map_err(Error::volume(&spot.full()))?;
        Ok(bytes)
    });
    let bytes = new.end(done)?;
    progress.item();
    Ok(Summary { files: 1, bytes, ..Summary::default() })
}

/// A directory of the volume that takes imports.
struct Into {
    dir: Dir,
    path: PlainPath,
}

/// Where imports go: the directory, and the name there unless each source keeps its own.
fn spot(volume: &Volume, dest: &PlainPath, many: bool) -> Result<(Into, Option<OsString>), Error> {
    let place = volume.walk(dest, Follow::Yes).map_err(Error::volume(dest))?;
    let (parent, name) = match &place {
        Place::Root(dir) => return Ok((Into { dir: dir.clone(), path: dest.clone() }, None)),
        Place::Entry(parent, name) => (parent, name),
    };
    match volume.stat(place.target()) {
        Ok(stat) if stat.kind == Kind::Dir => {
            let dir = place.dir(volume).map_err(Error::volume(dest))?;
            Ok((Into { dir, path: dest.clone() }, None))
        }
        Err(error) if many || !is_missing(&error) => Err(Error::volume(dest)(error)),
        Ok(_) if many => Err(Error::Exists { path: dest.clone() }),
        Ok(_) | Err(_) => {
            let path = dest.parent().unwrap_or_default();
            Ok((Into { dir: parent.clone(), path }, Some(name.clone())))
        }
    }
}

fn is_missing(error: &crate::volume::Error) -> bool {
    matches!(error.fault, crate::volume::Fault::Sys(Errno::NOENT))
}

/// A name in a directory of the volume.
#[derive(Clone, Copy)]
struct Spot<'a> {
    dir: &'a Dir,
    path: &'a PlainPath,
    name: &'a OsStr,
}

impl Spot<'_> {
    fn full(&self) -> PlainPath {
        self.path.join(self.name)
    }

    /// What is there already.
    fn stat(&self, volume: &Volume) -> Result<Option<Stat>, Error> {
        match volume.stat((self.dir, self.name)) {
            Ok(stat) => Ok(Some(stat)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(Error::volume(&self.full())(error)),
        }
    }

    /// How a finished item may come here, given what is here already.
    fn rename_mode(&self, old: Option<&Stat>, force: bool) -> Result<RenameMode, Error> {
        match old {
            None => Ok(RenameMode::NoReplace),
            Some(old) if force && old.kind != Kind::Dir => Ok(RenameMode::Replace),
            Some(_) => Err(Error::Exists { path: self.full() }),
        }
    }
}

/// A new file of the volume, under a temporary name until it is complete.
struct New<'a> {
    volume: &'a Volume,
    spot: Spot<'a>,
    partial: OsString,
    file: File,
    mode: RenameMode,
}

impl<'a> New<'a> {
    fn begin(volume: &'a Volume, spot: &Spot<'a>, old: Option<&Stat>, force: bool) -> Result<New<'a>, Error> {
        let mode = spot.rename_mode(old, force)?;
        let partial = partial_name();
        let how = OpenFile { write: true, ..OpenFile::default() };
        let file = volume
            .create_file(spot.dir, &partial, 0o600, true, how, None)
            .map_err(Error::volume(&spot.full()))?;
        Ok(New { volume, spot: *spot, partial, file, mode })
    }

    /// Gives the file its name if all went well, or takes it away.
    fn end<T>(self, done: Result<T, Error>) -> Result<T, Error> {
        let New { volume, spot, partial, file, mode } = self;
        let named = done.and_then(|value| {
            if mode == RenameMode::Replace {
                // The old file goes when this one takes its name: it must be on the disk by then.
                file.sync(false).map_err(Error::volume(&spot.full()))?;
            }
            rename(volume, &spot, &partial, mode)?;
            Ok(value)
        });
        if named.is_err() {
            discard(volume, &spot, &partial);
        }
        named
    }
}

fn rename(volume: &Volume, spot: &Spot<'_>, partial: &OsStr, mode: RenameMode) -> Result<(), Error> {
    volume.rename(spot.dir, partial, spot.dir, spot.name, mode).map_err(|error| match error.fault {
        crate::volume::Fault::Sys(Errno::EXIST) => Error::Exists { path: spot.full() },
        _ => Error::volume(&spot.full())(error),
    })
}

/// Takes an unfinished item away. That it stays is the lesser evil, next to the error on the way.
fn discard(volume: &Volume, spot: &Spot<'_>, partial: &OsStr) {
    if let Err(error) = volume.unlink(spot.dir, partial) {
        tracing::warn!("{error}");
    }
}

fn copy_stream(
    new: &New<'_>,
    reader: &mut dyn Read,
    path: &PlainPath,
    progress: &mut dyn Progress,
) -> Result<u64, Error> {
    let mut buffer = vec![0; BUFFER_LEN];
    let mut at = 0;
    loop {
        let len = match reader.read(&mut buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => None,
            read => Some(read.map_err(Error::Stream)?),
        };
        // Asked before the end is believed: Ctrl-C ends the program that writes the stream, too.
        if progress.stopped() {
            return Err(Error::Interrupted);
        }
        let len = match len {
            Some(0) => return Ok(at),
            Some(len) => len,
            None => continue,
        };
        new.file.write_at(&buffer[..len], at).map_err(Error::volume(path))?;
        at += len as u64;
        progress.bytes(len as u64);
    }
}

struct Importer<'a> {
    volume: &'a Volume,
    options: ImportOptions,
    progress: &'a mut dyn Progress,
    buffer: Vec<u8>,
    summary: Summary,
}

/// A folder that the import is in the middle of.
struct Level {
    into: Into,
    rest: vec::IntoIter<OsString>,
    /// What the directory gets at the end, if it was made here.
    attr: Option<SetAttr>,
}

impl Importer<'_> {
    /// One source as a person named it.
    fn source(&mut self, source: &Path, into: &Into, new_name: Option<&OsStr>) -> Result<(), Error> {
        let above = source.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        match (source.file_name(), new_name) {
            // `notes/` and `link/` mean the folder, wherever it is.
            (own, new) if source.is_dir() && ends_with_slash(source) || own.is_none() => {
                let name = new.or(own).ok_or_else(|| Error::Nameless { path: source.to_path_buf() })?;
                let mut folders = Folders::open(source)?;
                let stat = rustix::fs::fstat(folders.fd()).map_err(failed("look at", source))?;
                self.tree(&mut folders, &stat, Spot { dir: &into.dir, path: &into.path, name })
            }
            (own, new) => {
                let own = own.ok_or_else(|| Error::Nameless { path: source.to_path_buf() })?;
                let mut folders = Folders::open(above)?;
                self.item(
                    &mut folders,
                    own,
                    Spot { dir: &into.dir, path: &into.path, name: new.unwrap_or(own) },
                )
            }
        }
    }

    /// Whatever has this name in the current folder.
    fn item(&mut self, folders: &mut Folders, name: &OsStr, spot: Spot<'_>) -> Result<(), Error> {
        let stat = folders.stat(name)?.ok_or_else(|| failed("open", &folders.path(name))(Errno::NOENT))?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                folders.enter(name)?;
                self.tree(folders, &stat, spot)
            }
            _ => self.leaf(folders, name, spot, &stat),
        }
    }

    /// The current folder, with everything below it.
    fn tree(&mut self, folders: &mut Folders, stat: &rustix::fs::Stat, spot: Spot<'_>) -> Result<(), Error> {
        let mut levels = vec![self.begin(folders, stat, spot)?];
        while let Some(level) = levels.last_mut() {
            if self.progress.stopped() {
                return Err(Error::Interrupted);
            }
            let Some(name) = level.rest.next() else {
                let ended = self.end(levels.pop());
                self.attempt(ended)?;
                if !levels.is_empty() {
                    folders.leave()?;
                }
                continue;
            };
            let spot = Spot { dir: &level.into.dir, path: &level.into.path, name: &name };
            let done = self.step(folders, &name, spot);
            if let Some(Some(below)) = self.attempt(done)? {
                levels.push(below);
            }
        }
        Ok(())
    }

    /// One name of the current folder: a leaf is imported, a folder entered.
    fn step(&mut self, folders: &mut Folders, name: &OsStr, spot: Spot<'_>) -> Result<Option<Level>, Error> {
        let stat = folders.stat(name)?.ok_or_else(|| failed("open", &folders.path(name))(Errno::NOENT))?;
        if !FileType::from_raw_mode(stat.st_mode).is_dir() {
            return self.leaf(folders, name, spot, &stat).map(|()| None);
        }
        folders.enter(name)?;
        match self.begin(folders, &stat, spot) {
            Ok(level) => Ok(Some(level)),
            Err(error) => {
                folders.leave()?;
                Err(error)
            }
        }
    }

    /// Makes or finds the directory for the current folder, and reads the names that go into it.
    fn begin(&mut self, folders: &Folders, stat: &rustix::fs::Stat, spot: Spot<'_>) -> Result<Level, Error> {
        if folders.id() == self.volume.root().id() {
            return Err(Error::InsideVolume { path: folders.path(OsStr::new("")) });
        }
        let path = spot.full();
        let attr = match spot.stat(self.volume)? {
            // One that an import left half-done has neither mode nor times yet.
            Some(old) if old.kind == Kind::Dir => self.options.resume.then(|| attributes(stat)),
            Some(_) => return Err(Error::Exists { path }),
            None => {
                self.volume.mkdir(spot.dir, spot.name, 0o700, None).map_err(Error::volume(&path))?;
                self.summary.folders += 1;
                Some(attributes(stat))
            }
        };
        let dir = self.volume.open_dir(spot.dir, spot.name).map_err(Error::volume(&path))?;
        self.progress.item();
        Ok(Level { into: Into { dir, path }, rest: names(folders)?.into_iter(), attr })
    }

    /// Gives a directory its mode and times, now that nothing more goes into it.
    fn end(&mut self, level: Option<Level>) -> Result<(), Error> {
        let Some(Level { into, attr: Some(attr), .. }) = level else { return Ok(()) };
        self.volume.set_attr(&into.dir, &attr).map_err(Error::volume(&into.path)).map(drop)
    }

    fn leaf(
        &mut self,
        folders: &Folders,
        name: &OsStr,
        spot: Spot<'_>,
        stat: &rustix::fs::Stat,
    ) -> Result<(), Error> {
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => self.file(folders, name, spot)?,
            FileType::Symlink => self.symlink(folders, name, spot, stat)?,
            _ => return Err(Error::LocalSpecial { path: folders.path(name) }),
        }
        self.progress.item();
        Ok(())
    }

    fn file(&mut self, folders: &Folders, name: &OsStr, spot: Spot<'_>) -> Result<(), Error> {
        let path = folders.path(name);
        // A pipe that took the file's place must not keep us waiting.
        let how = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let source =
            rustix::fs::openat(folders.fd(), name, how, Mode::empty()).map_err(failed("open", &path))?;
        let stat = rustix::fs::fstat(&source).map_err(failed("look at", &path))?;
        if !FileType::from_raw_mode(stat.st_mode).is_file() {
            return Err(Error::LocalSpecial { path });
        }
        let old = spot.stat(self.volume)?;
        if self.options.resume && old.as_ref().is_some_and(|old| is_whole(old, &stat)) {
            self.summary.skipped += 1;
            return Ok(());
        }
        let new = New::begin(self.volume, &spot, old.as_ref(), self.options.force)?;
        let done = self.copy(&std::fs::File::from(source), &path, &new, &spot.full()).and_then(|bytes| {
            let attr = attributes(&stat);
            self.volume.set_attr(&new.file, &attr).map_err(Error::volume(&spot.full()))?;
            Ok(bytes)
        });
        self.summary.bytes += new.end(done)?;
        self.summary.files += 1;
        Ok(())
    }

    /// Copies the data of a file and leaves its holes to the volume, which knows whether it can have any.
    fn copy(
        &mut self,
        source: &std::fs::File,
        path: &Path,
        new: &New<'_>,
        to: &PlainPath,
    ) -> Result<u64, Error> {
        let mut at = 0;
        let mut end = 0;
        loop {
            if self.progress.stopped() {
                return Err(Error::Interrupted);
            }
            if at >= end {
                match next_data(source, at) {
                    Some(run) => (at, end) = run,
                    None => break,
                }
            }
            let wanted = self.buffer.len().min(usize::try_from(end - at).unwrap_or(usize::MAX));
            let len = source.read_at(&mut self.buffer[..wanted], at).map_err(failed_io("read", path))?;
            if len == 0 {
                break;
            }
            new.file.write_at(&self.buffer[..len], at).map_err(Error::volume(to))?;
            at += len as u64;
            self.progress.bytes(len as u64);
        }
        // A hole at the end has a length and no data.
        let len = source.metadata().map_err(failed_io("look at", path))?.len();
        if at < len {
            new.file.truncate(len).map_err(Error::volume(to))?;
        }
        Ok(at.max(len))
    }

    fn symlink(
        &mut self,
        folders: &Folders,
        name: &OsStr,
        spot: Spot<'_>,
        stat: &rustix::fs::Stat,
    ) -> Result<(), Error> {
        let path = spot.full();
        let target = rustix::fs::readlinkat(folders.fd(), name, Vec::new())
            .map_err(failed("read", &folders.path(name)))?;
        let old = spot.stat(self.volume)?;
        if self.options.resume && old.as_ref().is_some_and(|old| old.kind == Kind::Symlink) {
            let there = self.volume.readlink(spot.dir, spot.name).map_err(Error::volume(&path))?;
            if there.as_bytes() == target.as_bytes() {
                self.summary.skipped += 1;
                return Ok(());
            }
        }
        let mode = spot.rename_mode(old.as_ref(), self.options.force)?;
        let partial = partial_name();
        let made = self.volume.symlink(OsStr::from_bytes(target.as_bytes()), spot.dir, &partial, None);
        made.map_err(Error::volume(&path))?;
        let times = SetAttr { mode: None, ..attributes(stat) };
        // The time of a link is worth having, and no reason to go without the link.
        if let Err(error) = self.volume.set_attr((spot.dir, partial.as_os_str()), &times) {
            tracing::debug!("{error}");
        }
        let named = rename(self.volume, &spot, &partial, mode);
        if named.is_err() {
            discard(self.volume, &spot, &partial);
        }
        named.map(|()| self.summary.links += 1)
    }

    /// Turns the failure of one item into a report, where going on makes sense.
    fn attempt<T>(&mut self, result: Result<T, Error>) -> Result<Option<T>, Error> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) if !self.options.fail_fast && !error.is_fatal() => {
                self.summary.failed += 1;
                self.progress.failed(&error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether a file of the volume is the whole of one outside. Only what is complete has its final name, so size and time
/// are enough.
fn is_whole(there: &Stat, source: &rustix::fs::Stat) -> bool {
    there.kind == Kind::File
        && u64::try_from(source.st_size) == Ok(there.size)
        && local::times(source).1 == there.mtime
}

fn ends_with_slash(path: &Path) -> bool {
    path.as_os_str().as_bytes().ends_with(b"/")
}

/// Mode and times as they go in. Set-uid and set-gid do not: they belong to an owner, who does not come along.
#[allow(clippy::unnecessary_cast, reason = "the types differ between systems")]
fn attributes(stat: &rustix::fs::Stat) -> SetAttr {
    let (accessed, modified) = local::times(stat);
    SetAttr {
        mode: Some(stat.st_mode as u32 & 0o1777),
        atime: Some(SetTime::At(accessed)),
        mtime: Some(SetTime::At(modified)),
        ..SetAttr::default()
    }
}

/// The names in the current folder, in byte order.
fn names(folders: &Folders) -> Result<Vec<OsString>, Error> {
    let path = folders.path(OsStr::new(""));
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(folders.fd()).map_err(failed("list", &path))? {
        match entry.map_err(failed("list", &path))?.file_name().to_bytes() {
            b"." | b".." => {}
            name => names.push(OsStr::from_bytes(name).to_os_string()),
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// The next run of data at or after `at`; none if the rest is a hole.
fn next_data(file: &std::fs::File, at: u64) -> Option<(u64, u64)> {
    match rustix::fs::seek(file, SeekFrom::Data(at)) {
        Ok(start) => Some((start, rustix::fs::seek(file, SeekFrom::Hole(start)).unwrap_or(u64::MAX))),
        Err(Errno::NXIO) => None,
        // A file system without the notion of holes: everything is data.
        Err(_) => Some((at, u64::MAX)),
    }
}
