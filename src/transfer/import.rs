//! Into the volume. The walk makes the directories, workers fill them: first the files of a folder, as the system lists
//! them, then the folders below it. A file of the volume is replaced as a whole or not at all.

use super::arriving::{Arriving, Watched, read_full};
use super::crew::{self, Crew};
use super::filling::Filling;
use super::incoming::{Incoming, Inside, Into, Leaf, Route, Spot, attributes};
use super::local::{Folders, failed};
use super::{Error, Progress, Summary};
use crate::volume::{Dir, Fault, Follow, Kind, Place, PlainPath, SetAttr, Volume};
use rustix::fs::FileType;
use rustix::io::Errno;
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::vec;

/// Items of one folder that a worker takes at a time.
const BATCH: usize = 64;

/// How an import deals with obstacles.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportOptions {
    /// Replace files that exist in the volume.
    pub force: bool,
    /// End at the first item that fails, rather than report it, leave it out and go on.
    pub fail_fast: bool,
    /// Pass over files of the volume that are whole: they have the size and the time that they should have.
    pub resume: bool,
    /// The destination is the new name of the one source, even if it is a directory that is there.
    pub no_target_directory: bool,
    /// Threads; as many as the machine runs at once if nobody says.
    pub jobs: Option<NonZeroUsize>,
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
    let many = sources.len() != 1;
    let end = destination(volume, dest, many, options.no_target_directory && !many)?;
    let incoming = Incoming::new(volume, options);
    // If one file is all that was asked for, its fault is that of the import.
    let fail_fast = options.fail_fast || !many && !is_folder(&sources[0]);
    crew::run(options.jobs, fail_fast, progress, |crew| {
        Importer { incoming: &incoming, crew }.run(sources, end)
    })
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
    let End::As(base, name) = destination(volume, dest, false, false)? else {
        return Err(Error::Exists { path: dest.clone() });
    };
    let incoming = Incoming::new(volume, options);
    let old = Spot { into: &base, name: &name }.stat()?;
    let how = Spot { into: &base, name: &name }.rename_mode(old.as_ref(), options.force)?;
    let attr = SetAttr { mode: Some(old.map_or(mode, |old| old.mode)), ..SetAttr::default() };
    crew::run(options.jobs, true, progress, |crew| {
        let mut reader = Watched { reader, crew };
        let arriving = Arriving::begin(&incoming, base, name, how, attr)?;
        let piece_len = incoming.piece_len();
        let block_count = piece_len / volume.layout().payload_len() as u64;
        for first in (0..).step_by(block_count as usize) {
            let mut data = vec![0; piece_len as usize];
            let len = read_full(&mut reader, &mut data).map_err(|error| reader.error(error))?;
            data.truncate(len);
            if len > 0 {
                arriving.put(crew, first, data)?;
            }
            if (len as u64) < piece_len {
                break;
            }
        }
        arriving.end(crew);
        Ok(())
    })
}

/// Where an import goes.
pub(super) enum End<'env> {
    /// Into a directory, where each source has its own name.
    Into(Arc<Into<'env>>),
    /// To this name in it.
    As(Arc<Into<'env>>, OsString),
    /// Into a directory, which the one source becomes.
    Itself(Arc<Into<'env>>),
}

fn destination<'env>(
    volume: &'env Volume,
    dest: &PlainPath,
    many: bool,
    itself: bool,
) -> Result<End<'env>, Error> {
    let place = volume.walk(dest, Follow::Yes).map_err(Error::volume(dest))?;
    let (parent, name) = match &place {
        Place::Root(dir) if itself => return Ok(End::Itself(base(volume, dir, dest))),
        Place::Root(dir) => return Ok(End::Into(base(volume, dir, dest))),
        Place::Entry(parent, name) => (parent, name),
    };
    let new = |parent: &Dir| End::As(base(volume, parent, &dest.parent().unwrap_or_default()), name.clone());
    match volume.stat(place.target()) {
        Ok(_) if itself => Ok(new(parent)),
        Ok(stat) if stat.kind == Kind::Dir => {
            let dir = place.dir(volume).map_err(Error::volume(dest))?;
            Ok(End::Into(base(volume, &dir, dest)))
        }
        Err(error) if many || !is_missing(&error) => Err(Error::volume(dest)(error)),
        Ok(_) if many => Err(Error::Exists { path: dest.clone() }),
        Ok(_) | Err(_) => Ok(new(parent)),
    }
}

/// The directory where everything goes; it keeps its mode and times.
pub(super) fn base<'env>(volume: &'env Volume, dir: &Dir, path: &PlainPath) -> Arc<Into<'env>> {
    Filling::new(None, path.to_path(), Inside::new(volume, dir.clone(), None))
}

pub(super) fn is_missing(error: &crate::volume::Error) -> bool {
    matches!(error.fault, Fault::Sys(Errno::NOENT))
}

/// Whether a source is imported as a folder: one that is none itself, but a link to one, is if a person typed it so.
fn is_folder(source: &Path) -> bool {
    let named_so = source.file_name().is_none() || source.as_os_str().as_bytes().ends_with(b"/");
    source.symlink_metadata().is_ok_and(|meta| meta.is_dir()) || named_so && source.is_dir()
}

/// The walk.
struct Importer<'a, 'env> {
    incoming: &'env Incoming<'env>,
    crew: &'a Crew<'env>,
}

/// A folder that the walk is in the middle of.
struct Level<'env> {
    into: Arc<Into<'env>>,
    /// The folders in it that are still to come.
    rest: vec::IntoIter<OsString>,
}

impl<'env> Importer<'_, 'env> {
    fn run(self, sources: &[PathBuf], end: End<'env>) -> Result<(), Error> {
        if let [source] = sources {
            return self.source(source, &end); // it was all that was asked for
        }
        let mut names = HashSet::new();
        for source in sources {
            let again = source.file_name().is_some_and(|name| !names.insert(name));
            if again {
                // Whatever has the name by then shows what the second one meets.
                self.crew.drain();
            }
            let done = match again && !is_folder(source) {
                true => Err(Error::ClashInside { path: source.clone() }),
                false => self.source(source, &end),
            };
            self.attempt(done)?;
        }
        Ok(())
    }

    /// One source as a person named it.
    fn source(&self, source: &Path, end: &End<'env>) -> Result<(), Error> {
        let nameless = || Error::Nameless { path: source.to_path_buf() };
        let (base, new_name) = match end {
            End::Into(base) => (base, None),
            End::As(base, name) => (base, Some(name.as_os_str())),
            End::Itself(base) => {
                let mut folders = self.open(source)?;
                let level = self.spread(&folders, Arc::clone(base))?;
                return self.tree(&mut folders, level);
            }
        };
        if is_folder(source) {
            let name = new_name.or(source.file_name()).ok_or_else(nameless)?;
            let mut folders = self.open(source)?;
            let level = self.begin(&folders, base, name)?;
            return self.tree(&mut folders, level);
        }
        let name = source.file_name().ok_or_else(nameless)?;
        let above = source.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folders = Folders::open(above)?;
        let missing = || failed("open", &folders.path(name))(Errno::NOENT);
        let kind = FileType::from_raw_mode(folders.stat(name)?.ok_or_else(missing)?.st_mode);
        let leaf = Leaf { name: name.to_os_string(), kind, new_name: new_name.map(OsStr::to_os_string) };
        self.submit(&folders, base, vec![leaf])
    }

    /// Opens a folder that was named, unless it is ciphertext of this volume.
    fn open(&self, source: &Path) -> Result<Folders, Error> {
        let folders = Folders::open(source)?;
        match folders.is_within(self.incoming.volume.root().id())? {
            true => Err(Error::InsideVolume { path: source.to_path_buf() }),
            false => Ok(folders),
        }
    }

    /// The current folder, with everything below it.
    fn tree(&self, folders: &mut Folders, top: Level<'env>) -> Result<(), Error> {
        let mut levels = vec![top];
        while let Some(level) = levels.last_mut() {
            self.crew.check()?;
            if let Some(name) = level.rest.next() {
                let below = self.enter(folders, level, &name);
                levels.extend(self.attempt(below)?);
                continue;
            }
            let left = levels.pop();
            if !levels.is_empty() {
                folders.leave()?;
            }
            if let Some(level) = left {
                level.into.release(self.crew);
            }
        }
        Ok(())
    }

    fn enter(&self, folders: &mut Folders, level: &Level<'env>, name: &OsStr) -> Result<Level<'env>, Error> {
        folders.enter(name)?;
        match self.begin(folders, &level.into, name) {
            Ok(level) => Ok(level),
            Err(error) => {
                folders.leave()?;
                Err(error)
            }
        }
    }

    /// Makes or finds the directory for the current folder, and hands out what goes into it.
    fn begin(&self, folders: &Folders, above: &Arc<Into<'env>>, name: &OsStr) -> Result<Level<'env>, Error> {
        let volume = self.incoming.volume;
        let path = folders.path(OsStr::new(""));
        if folders.id() == volume.root().id() {
            return Err(Error::InsideVolume { path });
        }
        let stat = rustix::fs::fstat(folders.fd()).map_err(failed("look at", &path))?;
        let spot = Spot { into: above, name };
        let made = match volume.mkdir(&above.own.dir, name, 0o700, None) {
            Ok(_) => true,
            Err(error) if matches!(error.fault, Fault::Sys(Errno::EXIST)) => {
                self.find(spot)?;
                false
            }
            Err(error) => return Err(spot.fail(error)),
        };
        let dir = volume.open_dir(&above.own.dir, name).map_err(|error| spot.fail(error))?;
        // One that an import left half-done has neither mode nor times yet.
        let end = (made || self.incoming.options.resume).then(|| attributes(&stat));
        self.crew.done(|summary| summary.folders += u64::from(made));
        let own = Inside::new(volume, dir, end);
        self.spread(folders, Filling::new(Some(Arc::clone(above)), PathBuf::from(name), own))
    }

    /// Makes sure that a directory is there.
    fn find(&self, spot: Spot<'_, 'env>) -> Result<(), Error> {
        let old = spot.stat()?.filter(|old| old.kind == Kind::Dir);
        let old = old.ok_or_else(|| Error::Exists { path: spot.path() })?;
        if self.incoming.options.resume && old.mode & 0o700 != 0o700 {
            // It has its mode already, which may let nobody in; it gets it again.
            let open = SetAttr { mode: Some(old.mode | 0o700), ..SetAttr::default() };
            let target = (&spot.into.own.dir, spot.name);
            self.incoming.volume.set_attr(target, &open).map_err(|error| spot.fail(error))?;
        }
        Ok(())
    }

    /// Hands out the files of the current folder, and finds the folders in it. Only those have to be remembered, and
    /// in order.
    fn spread(&self, folders: &Folders, into: Arc<Into<'env>>) -> Result<Level<'env>, Error> {
        let path = folders.path(OsStr::new(""));
        let (mut batch, mut below) = (Vec::new(), Vec::new());
        for entry in rustix::fs::Dir::read_from(folders.fd()).map_err(failed("list", &path))? {
            let Some(entry) = self.attempt(entry.map_err(failed("list", &path)))? else { break };
            let name = match entry.file_name().to_bytes() {
                b"." | b".." => continue,
                name => OsStr::from_bytes(name).to_os_string(),
            };
            let kind = match entry.file_type() {
                // gone since it was listed, or of a file system that does not tell
                FileType::Unknown => match self.attempt(folders.stat(&name))?.flatten() {
                    Some(stat) => FileType::from_raw_mode(stat.st_mode),
                    None => continue,
                },
                kind => kind,
            };
            if kind.is_dir() {
                below.push(name);
                continue;
            }
            batch.push(Leaf { name, kind, new_name: None });
            if batch.len() >= BATCH {
                self.submit(folders, &into, std::mem::take(&mut batch))?;
            }
        }
        if !batch.is_empty() {
            self.submit(folders, &into, batch)?;
        }
        below.sort_unstable();
        Ok(Level { into, rest: below.into_iter() })
    }

    fn submit(&self, folders: &Folders, into: &Arc<Into<'env>>, batch: Vec<Leaf>) -> Result<(), Error> {
        let incoming = self.incoming;
        let route =
            Route { from: folders.descriptor(), path: folders.path(OsStr::new("")), into: Arc::clone(into) };
        self.crew.submit(Box::new(move |crew, buffer| {
            for leaf in &batch {
                if crew.check().is_err() {
                    return;
                }
                let done = incoming.leaf(crew, &route, leaf, buffer);
                crew.attempt(done);
            }
            route.into.release(crew);
        }))
    }

    /// Passes over what was reported; fails if it ended the transfer.
    fn attempt<T>(&self, result: Result<T, Error>) -> Result<Option<T>, Error> {
        match self.crew.attempt(result) {
            None => self.crew.check_stop().map(|()| None),
            done => Ok(done),
        }
    }
}
