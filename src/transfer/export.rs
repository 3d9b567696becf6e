//! Out of the volume: one driver that walks, and two targets that it walks for, a folder and a tar stream.

use super::crew::{self, Crew};
use super::folder::FolderTarget;
use super::outgoing::Outgoing;
use super::tar::TarTarget;
use super::{BadBlocks, Error, Item, Progress, Step, Summary, Survey, Walk};
use crate::volume::{Dir, Follow, Kind, Place, PlainPath, Stat, Volume};
use std::ffi::OsStr;
use std::io::Write;
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// How an export deals with obstacles.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExportOptions {
    /// Replace files that exist in the destination.
    pub force: bool,
    /// End at the first item that fails, rather than report it, leave it out and go on.
    pub fail_fast: bool,
    /// Pass over files of the destination that are whole: they have the size and the time that they should have.
    pub resume: bool,
    /// What becomes of damage within a file.
    pub bad_blocks: BadBlocks,
    /// The destination is the new name of the one item, even if it is a folder that is there.
    pub no_target_directory: bool,
    /// Threads; as many as the machine runs at once if nobody says.
    pub jobs: Option<NonZeroUsize>,
}

/// What an export writes to. Items come in the order of a walk, below the folder that was entered last.
pub(super) trait Target<'env> {
    /// Whether names have to come in order, which means that all those of a directory are held.
    fn in_order(&self) -> bool;
    /// Begins a folder.
    fn enter(&mut self, crew: &Crew<'env>, item: &Item, name: &OsStr, stat: &Stat) -> Result<(), Error>;
    /// Ends the folder entered last; it is left even if this fails, unless the error is fatal.
    fn leave(&mut self, crew: &Crew<'env>) -> Result<(), Error>;
    /// Has anything else exported.
    fn leaf(&mut self, crew: &Crew<'env>, item: Item, name: &OsStr) -> Result<(), Error>;
    /// Nothing more comes.
    fn end(&mut self, crew: &Crew<'env>) -> Result<(), Error>;
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
    let outgoing = Outgoing::new(volume, options);
    let (mut target, new_name) = FolderTarget::open(dest, into, &outgoing, volume.root().id())?;
    // If one file is all that was asked for, its fault is that of the export.
    let fail_fast = options.fail_fast || is_one_file(&roots);
    crew::run(options.jobs, fail_fast, progress, |crew| {
        Exporter { volume, target: &mut target, crew }.run(&roots, new_name.as_deref())
    })
}

/// Exports `paths` (the whole volume if there are none) as a tar stream. A file that proves damaged when part of it
/// is in the stream ends the stream. So that it is left out instead, each file that is not small is read twice where
/// there are MACs to tell, unless `fail_fast`, or zeros stand for what is damaged. Of the options `force`, `resume` and
/// skipping have no meaning here.
pub fn export_tar(
    volume: &Volume,
    paths: &[PlainPath],
    out: &mut (dyn Write + Send),
    options: ExportOptions,
    progress: &mut dyn Progress,
) -> Result<Summary, Error> {
    let roots = roots(volume, paths)?;
    let has_macs = volume.config().parameters().mac_len > 0;
    let check_first = has_macs && !options.fail_fast && options.bad_blocks == BadBlocks::Fail;
    let mut target = TarTarget::new(volume, out, check_first, options.bad_blocks);
    let fail_fast = options.fail_fast || is_one_file(&roots);
    crew::run(options.jobs, fail_fast, progress, |crew| {
        Exporter { volume, target: &mut target, crew }.run(&roots, None)
    })
}

fn is_one_file(roots: &[Root]) -> bool {
    matches!(roots, [Root::Entry(item)] if item.kind != Kind::Dir)
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
        for step in Walk::unordered(volume, dir, path).into_iter().flatten() {
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

/// The driver: walks over the volume, and calls the target.
struct Exporter<'a, 'env> {
    volume: &'env Volume,
    target: &'a mut dyn Target<'env>,
    crew: &'a Crew<'env>,
}

impl Exporter<'_, '_> {
    fn run(mut self, roots: &[Root], new_name: Option<&OsStr>) -> Result<(), Error> {
        for root in roots {
            match root {
                Root::Volume(dir) => self.below(dir, &PlainPath::default())?,
                Root::Entry(item) if item.kind == Kind::Dir => {
                    self.tree(item, new_name.unwrap_or(&item.name))?
                }
                Root::Entry(item) => {
                    let done = self.leaf(item.clone(), new_name);
                    self.attempt(done)?;
                }
            }
        }
        self.target.end(self.crew)
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
        let left = self.target.leave(self.crew);
        self.attempt(left).map(drop)
    }

    /// Everything below a directory.
    fn below(&mut self, dir: &Dir, path: &PlainPath) -> Result<(), Error> {
        let walk = if self.target.in_order() { Walk::new } else { Walk::unordered };
        let walk = walk(self.volume, dir.clone(), path.clone());
        let Some(mut walk) = self.attempt(walk)? else { return Ok(()) };
        while let Some(step) = walk.next() {
            self.crew.check()?;
            let done = match self.attempt(step)? {
                None => continue,
                Some(Step::Enter(item, dir)) => {
                    let entered = self.enter(&item, &dir, &item.name);
                    if entered.is_err() {
                        walk.pass_over();
                    }
                    entered
                }
                Some(Step::Leave(..)) => self.target.leave(self.crew),
                Some(Step::Leaf(item)) => self.leaf(item, None),
            };
            self.attempt(done)?;
        }
        Ok(())
    }

    fn enter(&mut self, item: &Item, dir: &Dir, name: &OsStr) -> Result<(), Error> {
        let stat = self.volume.stat(dir).map_err(Error::volume(&item.path))?;
        self.target.enter(self.crew, item, one_name(name, item)?, &stat)?;
        self.crew.done(|summary| summary.folders += 1);
        Ok(())
    }

    fn leaf(&mut self, item: Item, new_name: Option<&OsStr>) -> Result<(), Error> {
        let name = one_name(new_name.unwrap_or(&item.name), &item)?.to_os_string();
        self.target.leaf(self.crew, item, &name)
    }

    /// Passes over what was reported; fails if it ended the transfer.
    fn attempt<T>(&mut self, result: Result<T, Error>) -> Result<Option<T>, Error> {
        match self.crew.attempt(result) {
            None => self.crew.check_stop().map(|()| None),
            done => Ok(done),
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
