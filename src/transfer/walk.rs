//! A depth-first walk over a volume, with a stack of its own: no tree is too deep for it.

use super::Error;
use crate::volume::{Dir, DirEntry, Entries, Kind, PlainPath, Volume};
use std::ffi::OsString;
use std::vec;

/// An entry met on the way.
#[derive(Debug, Clone)]
pub struct Item {
    /// Where it is in the volume.
    pub path: PlainPath,
    /// The directory that holds it.
    pub parent: Dir,
    /// Its name there.
    pub name: OsString,
    /// What it is.
    pub kind: Kind,
    /// Nothing of this directory comes after it. Known on walks in order.
    pub last: bool,
}

/// One step of the walk.
#[derive(Debug, Clone)]
pub enum Step {
    /// A directory, before what is in it.
    Enter(Item, Dir),
    /// The same directory, after everything in it.
    Leave(Item, Dir),
    /// Anything else.
    Leaf(Item),
}

/// Walks what is below a directory, names in byte order, or, holding no more than the directories among them, what is
/// none first. A directory that cannot be read is an error in its place.
#[derive(Debug)]
pub struct Walk<'v> {
    volume: &'v Volume,
    in_order: bool,
    wanted: fn(&DirEntry) -> bool,
    stack: Vec<Frame>,
}

/// A directory that the walk is in the middle of.
#[derive(Debug)]
struct Frame {
    dir: Dir,
    path: PlainPath,
    /// What is still to be listed, of a walk that is not in order.
    entries: Option<Entries>,
    /// What comes after that.
    rest: vec::IntoIter<DirEntry>,
    /// The directories that were met in the list.
    below: Vec<DirEntry>,
    /// How it was met; none for the directory where the walk began.
    item: Option<Item>,
}

impl<'v> Walk<'v> {
    /// Starts in `dir`, which is at `path` and is itself no step of the walk.
    pub fn new(volume: &'v Volume, dir: Dir, path: PlainPath) -> Result<Walk<'v>, Error> {
        Walk::filtered(volume, dir, path, |_| true)
    }

    /// Like [`Walk::new`], passing over entries that are not `wanted` with all below them.
    pub fn filtered(
        volume: &'v Volume,
        dir: Dir,
        path: PlainPath,
        wanted: fn(&DirEntry) -> bool,
    ) -> Result<Walk<'v>, Error> {
        let mut walk = Walk { volume, in_order: true, wanted, stack: Vec::new() };
        walk.push(dir, path, None)?;
        Ok(walk)
    }

    /// Like [`Walk::new`], not in order.
    pub fn unordered(volume: &'v Volume, dir: Dir, path: PlainPath) -> Result<Walk<'v>, Error> {
        let mut walk = Walk { volume, in_order: false, wanted: |_| true, stack: Vec::new() };
        walk.push(dir, path, None)?;
        Ok(walk)
    }

    /// Passes over the rest of the directory entered last, which is not left either.
    pub fn pass_over(&mut self) {
        self.stack.pop();
    }

    fn push(&mut self, dir: Dir, path: PlainPath, item: Option<Item>) -> Result<(), Error> {
        let fail = |error| Error::volume(&path)(error);
        let (entries, rest) = if self.in_order {
            let mut all = self.volume.list(&dir).map_err(fail)?;
            all.retain(self.wanted);
            (None, sorted(all))
        } else {
            (Some(self.volume.entries(&dir).map_err(fail)?), Vec::new().into_iter())
        };
        self.stack.push(Frame { dir, path, entries, rest, below: Vec::new(), item });
        Ok(())
    }

    fn enter(&mut self, item: Item) -> Result<Step, Error> {
        let dir = self.volume.open_dir(&item.parent, &item.name).map_err(Error::volume(&item.path))?;
        self.push(dir.clone(), item.path.clone(), Some(item.clone()))?;
        Ok(Step::Enter(item, dir))
    }
}

impl Frame {
    fn next(&mut self) -> Option<Result<DirEntry, Error>> {
        while let Some(entries) = &mut self.entries {
            match entries.next() {
                Some(Ok(entry)) if entry.kind == Kind::Dir => self.below.push(entry),
                Some(Ok(entry)) => return Some(Ok(entry)),
                Some(Err(error)) => return Some(Err(Error::volume(&self.path)(error))),
                None => {
                    self.entries = None;
                    self.rest = sorted(std::mem::take(&mut self.below));
                }
            }
        }
        self.rest.next().map(Ok)
    }
}

fn sorted(mut entries: Vec<DirEntry>) -> vec::IntoIter<DirEntry> {
    entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    entries.into_iter()
}

impl Iterator for Walk<'_> {
    type Item = Result<Step, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let top = self.stack.last_mut()?;
        let entry = match top.next() {
            Some(Ok(entry)) => entry,
            Some(Err(error)) => return Some(Err(error)),
            None => {
                let done = self.stack.pop()?;
                return done.item.map(|item| Ok(Step::Leave(item, done.dir)));
            }
        };
        let item = Item {
            path: top.path.join(&entry.name),
            parent: top.dir.clone(),
            name: entry.name,
            kind: entry.kind,
            last: top.rest.len() == 0,
        };
        Some(match item.kind {
            Kind::Dir => self.enter(item),
            _ => Ok(Step::Leaf(item)),
        })
    }
}
