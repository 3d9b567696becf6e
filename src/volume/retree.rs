//! Renaming what hangs below a directory whose place in the IV chain changed.
//!
//! Every name below is encoded anew, every file header too where it depends on the path; contents never. Names
//! that do not decode are carried along as they are. If a step fails, those done are undone, last one first.
//! What there is to undo is kept in memory only: a power cut in the middle leaves the tree half renamed.

use super::attr::Kind;
use super::core::Core;
use super::dir::Dir;
use super::error::{Error, Fault};
use super::reheader::rewrite_header;
use super::rename::VERB;
use super::spot::Spot;
use super::sys::{self, RawStat};
use crate::names::IvChain;
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use std::cell::RefCell;
use std::collections::{HashSet, VecDeque};
use std::rc::Rc;

/// Renames everything below `top`, which hangs in its new place already.
pub(super) fn rename_below(
    core: &Core,
    top: &Spot<'_>,
    stat: &RawStat,
    old_chain: IvChain,
    new_chain: IvChain,
) -> Result<(), Error> {
    if old_chain == new_chain {
        return Ok(()); // names that stand for themselves
    }
    let handle = top.check(sys::open_dir_handle(&top.handle, &top.cipher_name))?;
    let folder =
        Rc::new(Folder { above: None, stat: stat.clone(), handle: RefCell::new(Some(Rc::new(handle))) });
    let mut work = Work { core, open: VecDeque::new(), done: Vec::new() };
    work.run(folder, old_chain, new_chain).map_err(|fault| {
        work.undo();
        top.dir.error(VERB, Some(&top.cipher_name), fault)
    })
}

/// A directory on the way.
struct Folder {
    /// The one it is in, and its name there now; `None` for the top.
    above: Option<(Rc<Folder>, Vec<u8>)>,
    /// As it was, for its times: renaming what is in it changes them.
    stat: RawStat,
    handle: RefCell<Option<Rc<OwnedFd>>>,
}

/// A step that was begun.
struct Step {
    folder: Rc<Folder>,
    old_name: Vec<u8>,
    new_name: Vec<u8>,
    stat: RawStat,
    /// The old and the new path IV, once the header was rewritten.
    header: Option<(u64, u64)>,
    renamed: bool,
}

/// A directory that is still to be gone through.
struct Todo {
    folder: Rc<Folder>,
    old_chain: IvChain,
    new_chain: IvChain,
}

/// Directories kept open at the most, the top aside; the next one to go through is near the last one.
const MAX_OPEN: usize = 32;

struct Work<'a> {
    core: &'a Core,
    open: VecDeque<Rc<Folder>>,
    done: Vec<Step>,
}

impl Work<'_> {
    fn run(&mut self, top: Rc<Folder>, old_chain: IvChain, new_chain: IvChain) -> Result<(), Fault> {
        let mut todo = vec![Todo { folder: top, old_chain, new_chain }];
        while let Some(next) = todo.pop() {
            self.rename_in(&next, &mut todo)?;
        }
        Ok(())
    }

    /// Renames the entries of one directory; the directories among them are added to `todo`.
    fn rename_in(&mut self, next: &Todo, todo: &mut Vec<Todo>) -> Result<(), Fault> {
        let Todo { folder, old_chain, new_chain } = next;
        let handle = self.open(folder)?;
        // the names first, the renames after: a directory that changes while it is read may show a name twice
        let mut names = HashSet::new();
        for entry in sys::read_dir(&*handle)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if !matches!(name.as_slice(), b"." | b"..") {
                names.insert(name);
            }
        }
        for old_name in &names {
            let Ok((plain, below_old)) = self.core.names.decode_name(old_name, *old_chain) else { continue };
            let (canonical, _) = self.core.names.encode_name(&plain, *old_chain)?;
            if canonical != *old_name && names.contains(&canonical) {
                continue; // another spelling of a name that is there, too: as good as foreign
            }
            let (new_name, below_new) = self.core.names.encode_name(&plain, *new_chain)?;
            let stat = match sys::stat_at(&*handle, old_name) {
                Err(Errno::NOENT) => continue, // gone since it was listed
                stat => stat?,
            };
            self.done.push(Step {
                folder: Rc::clone(folder),
                old_name: old_name.clone(),
                new_name: new_name.clone(),
                stat: stat.clone(),
                header: None,
                renamed: false,
            });
            let step = self.done.last_mut().expect("just pushed");
            if stat.kind == Kind::File && self.core.external_ivs() {
                let (old_iv, new_iv) = (below_old.path_iv(), below_new.path_iv());
                rewrite_header(self.core, &*handle, old_name, &stat, old_iv, new_iv)?;
                step.header = Some((old_iv, new_iv));
            }
            sys::rename_noreplace(&*handle, old_name, &*handle, &new_name)?;
            step.renamed = true;
            if stat.kind == Kind::Dir {
                self.respell(&stat, &new_name);
                let above = Some((Rc::clone(folder), new_name));
                let folder = Rc::new(Folder { above, stat, handle: RefCell::default() });
                todo.push(Todo { folder, old_chain: below_old, new_chain: below_new });
            }
        }
        sys::restore_handle_times(&*handle, &folder.stat);
        Ok(())
    }

    /// Opens a directory, through those above it that are closed from the nearest open one down.
    fn open(&mut self, folder: &Rc<Folder>) -> Result<Rc<OwnedFd>, Errno> {
        let mut closed = Vec::new();
        let mut nearest = Rc::clone(folder);
        let mut handle = loop {
            if let Some(handle) = &*nearest.handle.borrow() {
                break Rc::clone(handle);
            }
            let (above, name) = nearest.above.clone().expect("the top stays open");
            closed.push((nearest, name));
            nearest = above;
        };
        for (folder, name) in closed.into_iter().rev() {
            handle = Rc::new(sys::open_dir_handle(&*handle, &name)?);
            *folder.handle.borrow_mut() = Some(Rc::clone(&handle));
            self.open.push_back(folder);
            if self.open.len() > MAX_OPEN
                && let Some(oldest) = self.open.pop_front()
            {
                *oldest.handle.borrow_mut() = None;
            }
        }
        Ok(handle)
    }

    /// Tells a directory that somebody holds how it is spelled now.
    fn respell(&self, stat: &RawStat, cipher_name: &[u8]) {
        if let Some(state) = self.core.dirs.get(stat.id) {
            Dir::from(state).respelled(cipher_name);
        }
    }

    /// Takes all steps back, last one first, so that every way leads where it led when the step was taken.
    fn undo(&mut self) {
        while let Some(step) = self.done.pop() {
            if let Err(fault) = self.undo_step(&step) {
                tracing::error!(%fault, "a step of a failed rename could not be undone");
            }
        }
    }

    fn undo_step(&mut self, step: &Step) -> Result<(), Fault> {
        let dir = self.open(&step.folder)?;
        let renamed = match step.renamed {
            true => sys::rename_noreplace(&*dir, &step.new_name, &*dir, &step.old_name),
            false => Ok(()),
        };
        if let Some((old_iv, new_iv)) = step.header {
            let name = if renamed.is_ok() { &step.old_name } else { &step.new_name };
            rewrite_header(self.core, &*dir, name, &step.stat, new_iv, old_iv)?;
        }
        renamed?;
        if step.stat.kind == Kind::Dir {
            self.respell(&step.stat, &step.old_name);
        }
        sys::restore_handle_times(&*dir, &step.folder.stat);
        Ok(())
    }
}

impl Drop for Folder {
    /// Lets go of those above one by one: a tree can be deeper than a stack.
    fn drop(&mut self) {
        let mut above = self.above.take();
        while let Some((folder, _)) = above {
            above = Rc::into_inner(folder).and_then(|mut folder| folder.above.take());
        }
    }
}
