//! From a tar stream into the volume. The walk reads the stream and makes directories and links, workers put the files
//! in. Nothing leaves the directory that the stream is unpacked to, and no link of the volume is followed on the way.

use super::arriving::{Arriving, Watched};
use super::crew::{self, Crew};
use super::filling::Filling;
use super::import::{ImportOptions, base, is_missing};
use super::incoming::{Incoming, Inside, Into, Spot};
use super::member::{Member, MemberKind, Members, split_path};
use super::{BUFFER_LEN, Error, Progress, Summary};
use crate::volume::{
    Dir, Fault, Follow, Kind, OpenFile, Place, PlainPath, RenameMode, SetAttr, SetTime, Stat, Volume,
    partial_name,
};
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

/// Small files that a worker takes at a time.
const BATCH: usize = 64;

/// Files that are on their way, at the most, before all of them are waited for.
const ON_THEIR_WAY_MAX: usize = 4096;

/// What a directory gets that the stream does not tell of, as far as the umask lets it.
const USUAL_MODE: u32 = 0o777;

/// Unpacks a tar stream into the directory `dest`, which is made if it is not there. Members that are hostile, or of a
/// kind that does not travel, are reported and left out. Where the volume has no hard links they become copies.
pub fn import_tar(
    volume: &Volume,
    reader: &mut dyn Read,
    dest: &PlainPath,
    options: ImportOptions,
    progress: &mut dyn Progress,
) -> Result<Summary, Error> {
    let (dir, made) = destination(volume, dest)?;
    let incoming = Incoming::new(volume, options);
    crew::run(options.jobs, options.fail_fast, progress, |crew| {
        let root = base(volume, &dir, dest);
        let made = HashSet::from_iter(made.then_some(dir.id().ino));
        let (levels, batch, on_their_way) = (Vec::new(), Batch::default(), HashSet::new());
        let mut target = Untar { incoming: &incoming, crew, root, made, levels, batch, on_their_way };
        target.run(Members::new(Watched { reader, crew }))
    })
}

/// The directory to unpack to, and whether it was made.
fn destination(volume: &Volume, dest: &PlainPath) -> Result<(Dir, bool), Error> {
    let fail = |error| Error::volume(dest)(error);
    let place = volume.walk(dest, Follow::Yes).map_err(fail)?;
    let Place::Entry(parent, name) = &place else { return Ok((place.dir(volume).map_err(fail)?, false)) };
    let made = match volume.stat(place.target()) {
        Ok(stat) if stat.kind == Kind::Dir => false,
        Ok(_) => return Err(Error::Exists { path: dest.clone() }),
        Err(error) if is_missing(&error) => {
            volume.mkdir(parent, name, USUAL_MODE, None).map_err(fail)?;
            true
        }
        Err(error) => return Err(fail(error)),
    };
    Ok((place.dir(volume).map_err(fail)?, made))
}

struct Untar<'a, 'env> {
    incoming: &'env Incoming<'env>,
    crew: &'a Crew<'env>,
    root: Arc<Into<'env>>,
    /// The directories from the root down to where the stream is.
    levels: Vec<(OsString, Arc<Into<'env>>)>,
    /// Inodes of the directories that were made here. Only those get a mode and times, and get them back when the stream
    /// comes to them again.
    made: HashSet<u64>,
    batch: Batch<'env>,
    /// Digests of names that workers are about to give: who comes to one again waits first, so that the order of the
    /// stream decides.
    on_their_way: HashSet<u64>,
}

/// Small files that were read.
#[derive(Default)]
struct Batch<'env> {
    files: Vec<Small<'env>>,
    bytes: usize,
}

struct Small<'env> {
    into: Arc<Into<'env>>,
    name: OsString,
    mode: RenameMode,
    attr: SetAttr,
    content: Vec<u8>,
}

impl<'env> Untar<'_, 'env> {
    fn run(&mut self, mut members: Members<'_, 'env>) -> Result<(), Error> {
        let unpacked = self.members(&mut members);
        // What came whole is kept, however the stream ends.
        self.flush()?;
        while let Some((_, into)) = self.levels.pop() {
            into.release(self.crew);
        }
        self.crew.drain();
        Arc::clone(&self.root).release(self.crew);
        unpacked
    }

    fn members(&mut self, members: &mut Members<'_, 'env>) -> Result<(), Error> {
        while let Some(member) = members.next()? {
            self.crew.check()?;
            match self.member(&member, members) {
                Err(error) if is_of_stream(&error) => return Err(error),
                done => drop(self.crew.attempt(done)),
            }
            self.crew.check_stop()?;
        }
        Ok(())
    }

    fn member(&mut self, member: &Member, members: &mut Members<'_, 'env>) -> Result<(), Error> {
        let names = member.names()?;
        let attr = attributes(member);
        let Some((name, above)) = names.split_last() else {
            return match member.kind {
                MemberKind::Dir => {
                    self.end_of(&Arc::clone(&self.root), attr);
                    Ok(())
                }
                _ => Err(member.hostile("it has no name")),
            };
        };
        match &member.kind {
            MemberKind::Dir => {
                self.go_to(member, above, USUAL_MODE)?;
                self.go_to(member, &names, 0o700)?;
                let here = Arc::clone(self.here());
                self.end_of(&here, attr);
                Ok(())
            }
            MemberKind::File => {
                self.go_to(member, above, USUAL_MODE)?;
                self.file(member, members, name, attr)
            }
            MemberKind::Symlink(target) => {
                self.go_to(member, above, USUAL_MODE)?;
                self.take(name)?;
                let here = Arc::clone(self.here());
                let spot = Spot { into: &here, name };
                self.incoming.symlink(self.crew, spot, OsStr::from_bytes(target), &attr)
            }
            MemberKind::HardLink(target) => {
                let target = split_path(target).map_err(|reason| member.hostile(reason))?;
                self.go_to(member, above, USUAL_MODE)?;
                self.hard_link(member, name, &target)
            }
            MemberKind::Special => Err(Error::LocalSpecial { path: member.shown() }),
            MemberKind::Unknown(reason) => Err(Error::UnknownMember { path: member.shown(), reason }),
        }
    }

    fn here(&self) -> &Arc<Into<'env>> {
        self.levels.last().map_or(&self.root, |(_, into)| into)
    }

    /// Has a directory get its mode and times at the end, if it was made here.
    fn end_of(&self, into: &Into<'env>, attr: SetAttr) {
        if self.made.contains(&into.own.dir.id().ino) || self.incoming.options.resume {
            *crew::lock(&into.own.end) = Some(attr);
        }
    }

    /// Makes the directory with this path the current one. What is missing is made; the last of it with this mode.
    fn go_to(&mut self, member: &Member, names: &[&OsStr], mode: u32) -> Result<(), Error> {
        let common = self.levels.iter().zip(names).take_while(|((level, _), name)| level == *name).count();
        while self.levels.len() > common {
            if let Some((_, into)) = self.levels.pop() {
                into.release(self.crew);
            }
        }
        for name in &names[common..] {
            let into = self.enter(member, name, mode)?;
            self.levels.push(((*name).to_os_string(), into));
        }
        Ok(())
    }

    fn enter(&mut self, member: &Member, name: &OsStr, mode: u32) -> Result<Arc<Into<'env>>, Error> {
        let (volume, above) = (self.incoming.volume, Arc::clone(self.here()));
        let spot = Spot { into: &above, name };
        let fail = |error| spot.fail(error);
        let end = match spot.stat()? {
            Some(stat) if stat.kind == Kind::Dir && self.made.contains(&stat.id.ino) => {
                Some(self.reopen(spot)?)
            }
            Some(stat) if stat.kind == Kind::Dir => None,
            Some(stat) if stat.kind == Kind::Symlink => {
                return Err(member.hostile("it lies below a symbolic link"));
            }
            Some(_) => return Err(Error::Exists { path: spot.path() }),
            None => {
                let made = volume.mkdir(&above.own.dir, name, mode, None).map_err(fail)?;
                self.made.insert(made.id.ino);
                self.crew.done(|summary| summary.folders += 1);
                None
            }
        };
        let dir = volume.open_dir(&above.own.dir, name).map_err(fail)?;
        let own = Inside::new(volume, dir, end);
        Ok(Filling::new(Some(Arc::clone(&above)), PathBuf::from(name), own))
    }

    /// A directory that the stream has left and comes to again: what it has by then, it gets back.
    fn reopen(&mut self, spot: Spot<'_, 'env>) -> Result<SetAttr, Error> {
        self.settle()?;
        let fail = |error| spot.fail(error);
        let volume = self.incoming.volume;
        let target = (&spot.into.own.dir, spot.name);
        let Stat { mode, atime, mtime, .. } = volume.stat(target).map_err(fail)?;
        let writable = SetAttr { mode: Some(mode | 0o700), ..SetAttr::default() };
        if mode & 0o700 != 0o700 {
            volume.set_attr(target, &writable).map_err(fail)?;
        }
        let (atime, mtime) = (Some(SetTime::At(atime)), Some(SetTime::At(mtime)));
        Ok(SetAttr { mode: Some(mode), atime, mtime, ..SetAttr::default() })
    }

    /// Waits until everything that was read is in the volume.
    fn settle(&mut self) -> Result<(), Error> {
        self.flush()?;
        self.crew.drain();
        self.on_their_way.clear();
        self.crew.check_stop()
    }

    /// Claims a name in the current directory for what comes now.
    fn take(&mut self, name: &OsStr) -> Result<(), Error> {
        let mut hasher = DefaultHasher::new();
        (self.here().own.dir.id().ino, name).hash(&mut hasher);
        let digest = hasher.finish();
        if self.on_their_way.len() >= ON_THEIR_WAY_MAX || self.on_their_way.contains(&digest) {
            self.settle()?;
        }
        self.on_their_way.insert(digest);
        Ok(())
    }

    fn file(
        &mut self,
        member: &Member,
        members: &mut Members<'_, 'env>,
        name: &OsStr,
        attr: SetAttr,
    ) -> Result<(), Error> {
        self.take(name)?;
        let into = Arc::clone(self.here());
        let spot = Spot { into: &into, name };
        let Some(mode) = self.incoming.admit(self.crew, spot, member.size, &attr)? else { return Ok(()) };
        let (name, piece_len) = (name.to_os_string(), self.incoming.piece_len());
        if member.size <= piece_len {
            let content = members.read(member.size as usize)?;
            return self.small(Small { into, name, mode, attr, content });
        }
        let arriving = Arriving::begin(self.incoming, into, name, mode, attr)?;
        let block_count = piece_len / self.incoming.volume.layout().payload_len() as u64;
        for number in 0..member.size.div_ceil(piece_len) {
            let content = members.read(piece_len as usize)?;
            arriving.put(self.crew, number * block_count, content)?;
        }
        arriving.end(self.crew);
        Ok(())
    }

    fn small(&mut self, file: Small<'env>) -> Result<(), Error> {
        self.batch.bytes += file.content.len();
        self.batch.files.push(file);
        if self.batch.files.len() >= BATCH || self.batch.bytes >= BUFFER_LEN { self.flush() } else { Ok(()) }
    }

    /// Hands out the small files that were read.
    fn flush(&mut self) -> Result<(), Error> {
        let Batch { files, .. } = std::mem::take(&mut self.batch);
        if files.is_empty() {
            return Ok(());
        }
        let incoming = self.incoming;
        self.crew.submit(Box::new(move |crew, _| {
            for file in files {
                if crew.check().is_err() {
                    return;
                }
                let done = file.put(crew, incoming.volume);
                crew.attempt(done);
                file.into.release(crew);
            }
        }))
    }

    /// Makes another name for a member that came before, or a copy of it where there are no hard links.
    fn hard_link(&mut self, member: &Member, name: &OsStr, target: &[&OsStr]) -> Result<(), Error> {
        self.settle()?;
        let volume = self.incoming.volume;
        let (dir, target) = self.find(member, target)?;
        let target = target.as_os_str();
        let there = volume.stat((&dir, target)).map_err(|error| missing(member, error))?;
        if there.kind == Kind::Dir {
            return Err(member.hostile("a hard link to a directory"));
        }
        let here = Arc::clone(self.here());
        let spot = Spot { into: &here, name };
        let old = spot.stat()?;
        if old.as_ref().is_some_and(|old| old.id == there.id) {
            self.crew.skipped(0);
            return Ok(());
        }
        let mode = spot.rename_mode(old.as_ref(), self.incoming.options.force)?;
        let partial = partial_name();
        match volume.link(&dir, target, &here.own.dir, &partial) {
            Ok(_) => self.incoming.publish(&partial, spot, mode)?,
            Err(error) if matches!(error.fault, Fault::HardLink) && there.kind == Kind::File => {
                return self.copy((&dir, target), &there, spot, mode);
            }
            Err(error) => return Err(spot.fail(error)),
        }
        self.crew.done(|summary| summary.files += 1);
        Ok(())
    }

    /// Where a path leads that no link is followed on.
    fn find(&self, member: &Member, path: &[&OsStr]) -> Result<(Dir, OsString), Error> {
        let volume = self.incoming.volume;
        let Some((name, above)) = path.split_last() else {
            return Err(member.hostile("a hard link to a directory"));
        };
        let mut dir = self.root.own.dir.clone();
        for name in above {
            dir = volume.open_dir(&dir, name).map_err(|error| missing(member, error))?;
        }
        Ok((dir, (*name).to_os_string()))
    }

    fn copy(
        &self,
        from: (&Dir, &OsStr),
        stat: &Stat,
        spot: Spot<'_, 'env>,
        mode: RenameMode,
    ) -> Result<(), Error> {
        let volume = self.incoming.volume;
        let fail = |error| spot.fail(error);
        let how = OpenFile { read: true, ..OpenFile::default() };
        let file = volume.open_file(from.0, from.1, how).map_err(fail)?;
        let draft = volume.draft(&spot.into.own.dir, spot.name, mode).map_err(fail)?;
        let mut piece = vec![0; self.incoming.piece_len() as usize];
        let mut at = 0;
        while at < stat.size {
            self.crew.check()?;
            let wanted = (stat.size - at).min(piece.len() as u64) as usize;
            let len = file.read_at(&mut piece[..wanted], at).map_err(fail)?;
            if len < wanted {
                return Err(Error::Changed { path: spot.path() });
            }
            draft.write(volume.layout().locate(at).0, &piece[..len]).map_err(fail)?;
            at += len as u64;
        }
        let (atime, mtime) = (Some(SetTime::At(stat.atime)), Some(SetTime::At(stat.mtime)));
        let attr = SetAttr { mode: Some(stat.mode), atime, mtime, ..SetAttr::default() };
        draft.publish(&attr, mode).map_err(fail)?;
        self.crew.done(|summary| {
            summary.files += 1;
            summary.copies += 1;
        });
        Ok(())
    }
}

impl Small<'_> {
    fn put(&self, crew: &Crew<'_>, volume: &Volume) -> Result<(), Error> {
        let spot = Spot { into: &self.into, name: &self.name };
        let fail = |error| spot.fail(error);
        let draft = volume.draft(&self.into.own.dir, &self.name, self.mode).map_err(fail)?;
        if !self.content.is_empty() {
            draft.write(0, &self.content).map_err(fail)?;
        }
        draft.publish(&self.attr, self.mode).map_err(fail)?;
        let bytes = self.content.len() as u64;
        crew.bytes(bytes);
        crew.done(|summary| {
            summary.files += 1;
            summary.bytes += bytes;
        });
        Ok(())
    }
}

/// Whether nothing more can be read after this.
fn is_of_stream(error: &Error) -> bool {
    matches!(error, Error::Stream(_) | Error::TarCut { .. } | Error::NoTar { .. })
}

/// The target of a hard link could not be reached.
fn missing(member: &Member, error: crate::volume::Error) -> Error {
    match error.fault {
        Fault::Sys(_) => member.hostile("a hard link to what did not come before it"),
        _ => Error::volume(&PlainPath::parse(member.shown().as_os_str()).unwrap_or_default())(error),
    }
}

/// Mode and times as they go in, without what belongs to an owner.
fn attributes(member: &Member) -> SetAttr {
    let time = Some(SetTime::At(member.modified));
    SetAttr { mode: Some(member.mode & 0o1777), atime: time, mtime: time, ..SetAttr::default() }
}
