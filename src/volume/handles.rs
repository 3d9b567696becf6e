//! The directories of a plan, opened when they are needed; a bounded number stays open.

use super::plan::{Above, Plan};
use super::sys;
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use std::collections::VecDeque;
use std::sync::Arc;

/// Kept open at the most, the tops aside; the next folder to go through is near the last one.
const MAX_OPEN: usize = 32;

#[derive(Default)]
pub(super) struct Handles {
    tops: Vec<Option<Arc<OwnedFd>>>,
    open: VecDeque<(usize, Arc<OwnedFd>)>,
}

impl Handles {
    /// Takes in the top of the tree that comes next, if it is a directory.
    pub(super) fn add_top(&mut self, handle: Option<OwnedFd>) {
        self.tops.push(handle.map(Arc::new));
    }

    /// The same tops, for another thread.
    pub(super) fn of_tops(&self) -> Handles {
        Handles { tops: self.tops.clone(), open: VecDeque::new() }
    }

    /// Takes in a folder that was opened already.
    pub(super) fn keep(&mut self, number: usize, handle: Arc<OwnedFd>) {
        if self.open.len() >= MAX_OPEN {
            self.open.pop_front();
        }
        self.open.push_back((number, handle));
    }

    pub(super) fn top(&self, tree: usize) -> Result<Arc<OwnedFd>, Errno> {
        self.tops.get(tree).cloned().flatten().ok_or(Errno::NOENT)
    }

    /// Opens a folder of the plan, through those above it that are closed from the nearest open one down.
    pub(super) fn folder(&mut self, plan: &Plan, number: usize) -> Result<Arc<OwnedFd>, Errno> {
        let mut closed = Vec::new();
        let mut nearest = number;
        let mut handle = loop {
            if let Some((_, handle)) = self.open.iter().rev().find(|(open, _)| *open == nearest) {
                break Arc::clone(handle);
            }
            match plan.folder(nearest).above {
                Above::Top(tree) => break self.top(tree)?,
                Above::Folder(above) => {
                    closed.push(nearest);
                    nearest = above;
                }
            }
        };
        for number in closed.into_iter().rev() {
            handle = Arc::new(open_under_either_name(plan, number, &handle)?);
            self.keep(number, Arc::clone(&handle));
        }
        Ok(handle)
    }
}

/// Whether it has its new name already depends on how far a rename got.
fn open_under_either_name(plan: &Plan, number: usize, above: &OwnedFd) -> Result<OwnedFd, Errno> {
    let folder = plan.folder(number);
    for name in [folder.before, folder.after] {
        match sys::open_dir_handle(above, name) {
            Ok(handle) if folder.identity.is(&sys::stat_fd(&handle)?) => return Ok(handle),
            Ok(_) | Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
            Err(errno) => return Err(errno),
        }
    }
    Err(Errno::NOENT)
}
