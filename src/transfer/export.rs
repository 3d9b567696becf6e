//! Out of the volume: one driver that walks, and two targets that it walks for, a folder and a tar stream.

use super::content::{BUFFER_LEN, Content};
use super::folder::FolderTarget;
use super::tar::TarTarget;
use super::{Error, Item, Progress, Step, Summary, Survey, Walk};
use crate::volume::{Dir, Follow, Kind, OpenFile, Place, PlainPath, Stat, Volume};
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// How an export deals with obstacles.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExportOptions {
    /// Replace files that exist in the destination.
    pub force: bool,
    /// End at the first item that fails, rather than report it, leave it out and go on.
    pub fail_fast: bool,
}

/// What an export writes to. Items come in the order of a walk, below the folder that was entered last.
pub(super) trait Target {
    /// Begins a folder.
    fn enter(&mut self, name: &OsStr, stat: &Stat) -> Result<(), Error>;
    /// Ends the folder entered last; it is left even if this fails, unless the error is fatal.
    fn leave(&mut self) -> Result<(), Error>;
    /// A regular file; returns the bytes it holds.
    fn file(&mut self, name: &OsStr, stat: &Stat, content: &mut Content<'_>) -> Result<u64, Error>;
    /// A symbolic link.
    fn symlink(&mut self, name: &OsStr, target: &OsStr, stat: &Stat) -> Result<(), Error>;
}

/// Exports `paths` (the whole volume if there are none) to `dest`, with the rules of `cp -a`: into `dest` if that is
/// a folder or there are many; under the name `dest` if it is one. What is in the root goes into `dest` itself.
pub fn export_to(
    volume: &Volume,
    paths: &[PlainPath],
    dest: &Path,
    options: ExportOptions,
    progress: &mut dyn Progress,
) -> Result<Summary, Error> {
    let roots = roots(volume, paths)?;
    let into = roots.len() != 1 || matches!(roots[0], Root::Volume(_));
    let (mut target, new_name) = FolderTarget::open(dest, into, options.force, volume.root().id())?;
    Exporter::new(volume, &mut target, options.fail_fast, progress).run(&roots, new_name.as_deref())
}

/// Exports `paths` (the whole volume if there are none) as a tar stream. A file that proves damaged when part of it
/// is in the stream ends the stream. So that it is left out instead, each file is read twice where there are MACs to
/// tell, unless `fail_fast`.
pub fn export_tar(
    volume: &Volume,
    paths: &[PlainPath],
    out: &mut dyn Write,
    fail_fast: bool,
    progress: &mut dyn Progress,
) -> Result<Summary, Error> {
    let roots = roots(volume, paths)?;
    let has_macs = volume.config().parameters().mac_len > 0;
    let mut target = TarTarget::new(out, has_macs && !fail_fast);
    let summary = Exporter::new(volume, &mut target, fail_fast, progress).run(&roots, None)?;
    target.finish()?;
    Ok(summary)
}

/// Counts what an export of `paths` has before it. Whatever cannot be read counts for nothing.
pub fn survey(volume: &Volume, paths: &[PlainPath]) -> Result<Survey, Error> {
    let mut survey = Survey::default();
    let mut count = |item: &Item| {
        survey.items += 1;
        if item.kind == Kind::File {
            survey.bytes += volume.stat((&item.parent, item.name.as_os_str())).map_or(0, |stat| stat.size);
        }
    };
    for root in roots(volume, paths)? {
        let (dir, path) = match root {
            Root::Volume(dir) => (dir, PlainPath::default()),
            Root::Entry(item) => {
                count(&item);
                match volume.open_dir(&item.parent, &item.name) {
                    Ok(dir) if item.kind == Kind::Dir => (dir, item.path),
                    _ => continue,
                }
            }
        };
        for step in Walk::new(volume, dir, path).into_iter().flatten() {
            match step {
                Ok(Step::Enter(item, _) | Step::Leaf(item)) => count(&item),
                Ok(Step::Leave(..)) | Err(_) => {}
            }
        }
    }
    Ok(survey)
}

/// A path that was asked for.
enum Root {
    Volume(Dir),
    Entry(Item),
}

/// Looks the paths up; links are exported as links, so the last component is not followed.
fn roots(volume: &Volume, paths: &[PlainPath]) -> Result<Vec<Root>, Error> {
    if paths.is_empty() {
        return Ok(vec![Root::Volume(volume.root())]);
    }
    let find = |path: &PlainPath| {
        Ok(match volume.walk(path, Follow::No).map_err(Error::volume(path))? {
            Place::Root(dir) => Root::Volume(dir),
            Place::Entry(parent, name) => {
                let kind = volume.stat((&parent, name.as_os_str())).map_err(Error::volume(path))?.kind;
                Root::Entry(Item { path: path.clone(), parent, name, kind, last: true })
            }
        })
    };
    paths.iter().map(find).collect()
}

/// The driver: reads the volume, calls the target, counts and reports.
struct Exporter<'a> {
    volume: &'a Volume,
    target: &'a mut dyn Target,
    progress: &'a mut dyn Progress,
    fail_fast: bool,
    buffer: Vec<u8>,
    summary: Summary,
}

impl<'a> Exporter<'a> {
    fn new(
        volume: &'a Volume,
        target: &'a mut dyn Target,
        fail_fast: bool,
        progress: &'a mut dyn Progress,
    ) -> Exporter<'a> {
        let summary = Summary::default();
        Exporter { volume, target, progress, fail_fast, buffer: vec![0; BUFFER_LEN], summary }
    }

    fn run(mut self, roots: &[Root], new_name: Option<&OsStr>) -> Result<Summary, Error> {
        for root in roots {
            match root {
                Root::Volume(dir) => self.below(dir, &PlainPath::default())?,
                Root::Entry(item) if item.kind == Kind::Dir => {
                    self.tree(item, new_name.unwrap_or(&item.name))?
                }
                Root::Entry(item) => {
                    let done = self.leaf(item, new_name.unwrap_or(&item.name));
                    match roots {
                        [_] => done?, // it was all that was asked for
                        _ => drop(self.attempt(done)?),
                    }
                }
            }
        }
        Ok(self.summary)
    }

    /// A folder that was asked for, with everything below it.
    fn tree(&mut self, item: &Item, name: &OsStr) -> Result<(), Error> {
        let entered = self
            .volume
            .open_dir(&item.parent, &item.name)
            .map_err(Error::volume(&item.path))
            .and_then(|dir| self.enter(item, &dir, name).map(|()| dir));
        let Some(dir) = self.attempt(entered)? else { return Ok(()) };
        self.below(&dir, &item.path)?;
        let left = self.target.leave();
        self.attempt(left).map(drop)
    }

    /// Everything below a directory.
    fn below(&mut self, dir: &Dir, path: &PlainPath) -> Result<(), Error> {
        let walk = Walk::new(self.volume, dir.clone(), path.clone());
        let Some(mut walk) = self.attempt(walk)? else { return Ok(()) };
        while let Some(step) = walk.next() {
            if self.progress.stopped() {
                return Err(Error::Interrupted);
            }
            let done = match self.attempt(step)? {
                None => continue,
                Some(Step::Enter(item, dir)) => {
                    let entered = self.enter(&item, &dir, &item.name);
                    if entered.is_err() {
                        walk.pass_over();
                    }
                    entered
                }
                Some(Step::Leave(..)) => self.target.leave(),
                Some(Step::Leaf(item)) => self.leaf(&item, &item.name),
            };
            self.attempt(done)?;
        }
        Ok(())
    }

    fn enter(&mut self, item: &Item, dir: &Dir, name: &OsStr) -> Result<(), Error> {
        let stat = self.volume.stat(dir).map_err(Error::volume(&item.path))?;
        self.target.enter(one_name(name, item)?, &stat)?;
        self.summary.folders += 1;
        self.progress.item();
        Ok(())
    }

    fn leaf(&mut self, item: &Item, name: &OsStr) -> Result<(), Error> {
        let name = one_name(name, item)?;
        match item.kind {
            Kind::File => self.file(item, name)?,
            Kind::Symlink => self.symlink(item, name)?,
            Kind::Dir | Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice => {
                return Err(Error::Special { path: item.path.clone() });
            }
        }
        self.progress.item();
        Ok(())
    }

    fn file(&mut self, item: &Item, name: &OsStr) -> Result<(), Error> {
        let how = OpenFile { read: true, ..OpenFile::default() };
        let file = self.volume.open_file(&item.parent, &item.name, how).map_err(Error::volume(&item.path))?;
        let stat = file.stat().map_err(Error::volume(&item.path))?;
        let mut content =
            Content { file: &file, path: &item.path, buffer: &mut self.buffer, progress: self.progress };
        self.summary.bytes += self.target.file(name, &stat, &mut content)?;
        self.summary.files += 1;
        Ok(())
    }

    fn symlink(&mut self, item: &Item, name: &OsStr) -> Result<(), Error> {
        let link: OsString =
            self.volume.readlink(&item.parent, &item.name).map_err(Error::volume(&item.path))?;
        let stat =
            self.volume.stat((&item.parent, item.name.as_os_str())).map_err(Error::volume(&item.path))?;
        self.target.symlink(name, &link, &stat)?;
        self.summary.links += 1;
        Ok(())
    }

    /// Turns the failure of one item into a report, where going on makes sense.
    fn attempt<T>(&mut self, result: Result<T, Error>) -> Result<Option<T>, Error> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) if !self.fail_fast && !error.is_fatal() => {
                self.summary.failed += 1;
                self.progress.failed(&error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// Whoever holds the key can put any name into a volume; only what is one name goes out.
fn one_name<'n>(name: &'n OsStr, item: &Item) -> Result<&'n OsStr, Error> {
    match name.as_bytes() {
        b"" | b"." | b".." => Err(Error::UnsafeName { path: item.path.clone() }),
        bytes if bytes.iter().any(|byte| matches!(byte, b'/' | 0)) => {
            Err(Error::UnsafeName { path: item.path.clone() })
        }
        _ => Ok(name),
    }
}
