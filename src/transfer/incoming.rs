//! One file or link on its way into the volume: read, written to a draft, and last given its name.

use super::content::piece_len;
use super::crew::Crew;
use super::filling::{Filling, Finish};
use super::import::ImportOptions;
use super::local::{self, failed};
use super::pieces::{Pieces, Source};
use super::{Error, crew};
use crate::volume::{
    Dir, Draft, Fault, Kind, PlainPath, RenameMode, SetAttr, SetTime, Stat, Volume, partial_name,
};
use rustix::fs::FileType;
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// A directory of the volume being filled.
pub(super) type Into<'env> = Filling<Inside<'env>>;

/// What a directory of the volume is.
pub(super) struct Inside<'env> {
    volume: &'env Volume,
    pub(super) dir: Dir,
    /// What it gets at the end.
    pub(super) end: Mutex<Option<SetAttr>>,
}

impl<'env> Inside<'env> {
    pub(super) fn new(volume: &'env Volume, dir: Dir, end: Option<SetAttr>) -> Inside<'env> {
        Inside { volume, dir, end: Mutex::new(end) }
    }
}

impl Finish for Inside<'_> {
    fn finish(&mut self, path: &dyn Fn() -> PathBuf) -> Result<(), Error> {
        let Some(attr) = crew::lock(&self.end).take() else { return Ok(()) };
        let set = self.volume.set_attr(&self.dir, &attr);
        set.map(drop).map_err(|error| Error::volume(&plain(&path()))(error))
    }
}

/// A path in the volume that was put together for a message.
pub(super) fn plain(path: &Path) -> PlainPath {
    PlainPath::parse(path.as_os_str()).unwrap_or_default()
}

/// What all workers of an import know.
pub(super) struct Incoming<'env> {
    pub(super) volume: &'env Volume,
    pub(super) options: ImportOptions,
    piece_len: u64,
    allows_holes: bool,
}

/// Where something goes: a name in a directory of the volume.
#[derive(Clone, Copy)]
pub(super) struct Spot<'a, 'env> {
    pub(super) into: &'a Into<'env>,
    pub(super) name: &'a OsStr,
}

impl Spot<'_, '_> {
    /// Its path, for messages.
    pub(super) fn path(&self) -> PlainPath {
        plain(&self.into.path(self.name))
    }

    pub(super) fn fail(&self, error: crate::volume::Error) -> Error {
        match error.fault {
            Fault::Sys(Errno::EXIST) => Error::Exists { path: self.path() },
            _ => Error::volume(&self.path())(error),
        }
    }

    /// What is there already.
    pub(super) fn stat(&self) -> Result<Option<Stat>, Error> {
        let own = &self.into.own;
        match own.volume.stat((&own.dir, self.name)) {
            Ok(stat) => Ok(Some(stat)),
            Err(error) if matches!(error.fault, Fault::Sys(Errno::NOENT)) => Ok(None),
            Err(error) => Err(self.fail(error)),
        }
    }

    /// How a finished item may come here, given what is here already.
    pub(super) fn rename_mode(&self, old: Option<&Stat>, force: bool) -> Result<RenameMode, Error> {
        match old {
            None => Ok(RenameMode::NoReplace),
            Some(old) if force && old.kind != Kind::Dir => Ok(RenameMode::Replace),
            Some(_) => Err(Error::Exists { path: self.path() }),
        }
    }
}

/// A folder outside that items come from, and the directory that they go to.
pub(super) struct Route<'env> {
    pub(super) from: Arc<OwnedFd>,
    pub(super) path: PathBuf,
    pub(super) into: Arc<Into<'env>>,
}

/// An item of a folder outside that is no folder.
pub(super) struct Leaf {
    pub(super) name: OsString,
    pub(super) kind: FileType,
    /// Its name in the volume, if that is another.
    pub(super) new_name: Option<OsString>,
}

impl<'env> Incoming<'env> {
    pub(super) fn new(volume: &'env Volume, options: ImportOptions) -> Incoming<'env> {
        let allows_holes = volume.config().parameters().allow_holes;
        Incoming { volume, options, piece_len: piece_len(volume.layout()), allows_holes }
    }

    /// Bytes of the pieces that a large file is cut into.
    pub(super) fn piece_len(&self) -> u64 {
        self.piece_len
    }

    /// Imports one item.
    pub(super) fn leaf(
        &self,
        crew: &Crew<'env>,
        route: &Route<'env>,
        leaf: &Leaf,
        buffer: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let spot = Spot { into: &route.into, name: leaf.new_name.as_ref().unwrap_or(&leaf.name) };
        match leaf.kind {
            FileType::RegularFile => self.file(crew, route, &leaf.name, spot, buffer),
            FileType::Symlink => {
                let path = route.path.join(&leaf.name);
                let fail = |verb| failed(verb, &path);
                let stat = rustix::fs::statat(&route.from, &leaf.name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)
                    .map_err(fail("look at"))?;
                let target =
                    rustix::fs::readlinkat(&route.from, &leaf.name, Vec::new()).map_err(fail("read"))?;
                self.symlink(crew, spot, OsStr::from_bytes(target.as_bytes()), &attributes(&stat))
            }
            _ => Err(Error::LocalSpecial { path: route.path.join(&leaf.name) }),
        }
    }

    /// How a file of this size and time may come to a spot; none if it is there already.
    pub(super) fn admit(
        &self,
        crew: &Crew<'env>,
        spot: Spot<'_, '_>,
        size: u64,
        attr: &SetAttr,
    ) -> Result<Option<RenameMode>, Error> {
        let ImportOptions { force, resume, .. } = self.options;
        if !force && !resume && size <= self.piece_len {
            // The name itself tells in the end; for a large file that would be a long wait.
            return Ok(Some(RenameMode::NoReplace));
        }
        let old = spot.stat()?;
        if resume && old.as_ref().is_some_and(|old| is_whole(old, size, attr)) {
            crew.skipped(size);
            return Ok(None);
        }
        spot.rename_mode(old.as_ref(), force).map(Some)
    }

    fn file(
        &self,
        crew: &Crew<'env>,
        route: &Route<'env>,
        name: &OsStr,
        spot: Spot<'_, '_>,
        buffer: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let source = Source::open(&route.from, route.path.join(name), name)?;
        let attr = attributes(&source.stat);
        let Some(mode) = self.admit(crew, spot, source.size, &attr)? else { return Ok(()) };
        let draft =
            self.volume.draft(&spot.into.own.dir, spot.name, mode).map_err(|error| spot.fail(error))?;
        let draft = Arc::new(draft);
        let size = source.size;
        self.fill(crew, source, &draft, spot, buffer)?;
        draft.publish(&attr, mode).map_err(|error| spot.fail(error))?;
        crew.done(|summary| {
            summary.files += 1;
            summary.bytes += size;
        });
        Ok(())
    }

    /// Writes everything, and makes sure that it was one version of the file.
    fn fill(
        &self,
        crew: &Crew<'env>,
        source: Source,
        draft: &Arc<Draft>,
        spot: Spot<'_, '_>,
        buffer: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let size = source.size;
        if source.is_sparse() && !self.allows_holes && size > self.piece_len {
            // Zeros take room here: a size beyond the disk is refused before the disk is filled.
            draft.check_space(size).map_err(|error| spot.fail(error))?;
        }
        let pieces = Pieces {
            layout: *self.volume.layout(),
            holes: source.is_sparse() && self.allows_holes,
            draft: Arc::clone(draft),
            to: spot.path(),
            source,
        };
        if size <= self.piece_len && !pieces.holes {
            pieces.only(crew, buffer)?;
            return pieces.source.end();
        }
        let (pieces, piece_len) = (Arc::new(pieces), self.piece_len);
        let shared = Arc::clone(&pieces);
        crew.share(size.div_ceil(piece_len), buffer, move |crew, number, buffer| {
            crew.check()?;
            let start = number * piece_len;
            shared.piece(crew, start..(start + piece_len).min(size), buffer)
        })?;
        if pieces.holes {
            draft.set_len(size).map_err(|error| spot.fail(error))?;
        }
        pieces.source.end()
    }

    /// Makes a link.
    pub(super) fn symlink(
        &self,
        crew: &Crew<'env>,
        spot: Spot<'_, '_>,
        target: &OsStr,
        attr: &SetAttr,
    ) -> Result<(), Error> {
        let ImportOptions { force, resume, .. } = self.options;
        let (volume, dir) = (self.volume, &spot.into.own.dir);
        let old = spot.stat()?;
        if resume && old.as_ref().is_some_and(|old| old.kind == Kind::Symlink) {
            let there = volume.readlink(dir, spot.name).map_err(|error| spot.fail(error))?;
            if there == target {
                crew.skipped(0);
                return Ok(());
            }
        }
        let mode = spot.rename_mode(old.as_ref(), force)?;
        let partial = partial_name();
        volume.symlink(target, dir, &partial, None).map_err(|error| spot.fail(error))?;
        let times = SetAttr { mode: None, ..attr.clone() };
        // The time of a link is worth having, and no reason to go without the link.
        if let Err(error) = volume.set_attr((dir, partial.as_os_str()), &times) {
            tracing::debug!("{error}");
        }
        self.publish(&partial, spot, mode)?;
        crew.done(|summary| summary.links += 1);
        Ok(())
    }

    /// Gives something that is finished, under a temporary name, its own; or takes it away.
    pub(super) fn publish(&self, partial: &OsStr, spot: Spot<'_, '_>, mode: RenameMode) -> Result<(), Error> {
        let dir = &spot.into.own.dir;
        let named = self.volume.rename(dir, partial, dir, spot.name, mode);
        if named.is_err()
            && let Err(error) = self.volume.unlink(dir, partial)
        {
            // That it stays is the lesser evil, next to the error on the way.
            tracing::warn!("{error}");
        }
        named.map_err(|error| spot.fail(error))
    }
}

/// Whether a file of the volume is the whole of one outside. Only what is complete has its final name, so size and time
/// are enough.
fn is_whole(there: &Stat, size: u64, attr: &SetAttr) -> bool {
    let has_time = matches!(attr.mtime, Some(SetTime::At(modified)) if modified == there.mtime);
    there.kind == Kind::File && size == there.size && has_time
}

/// Mode and times as they go in. Set-uid and set-gid do not: they belong to an owner, who does not come along.
#[allow(clippy::unnecessary_cast, reason = "the types differ between systems")]
pub(super) fn attributes(stat: &rustix::fs::Stat) -> SetAttr {
    let (accessed, modified) = local::times(stat);
    SetAttr {
        mode: Some(stat.st_mode as u32 & 0o1777),
        atime: Some(SetTime::At(accessed)),
        mtime: Some(SetTime::At(modified)),
        ..SetAttr::default()
    }
}
