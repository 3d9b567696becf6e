//! Carrying a plan out, below the trees that it renames. The trees themselves take their new names last, in one
//! system call, which is the instant at which the rename has happened.

use super::attr::FileId;
use super::error::Fault;
use super::fate;
use super::handles::Handles;
use super::header::HeaderFile;
use super::plan::{Entry, Header, Plan};
use super::sys;
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Bytes of a plan from which on a second thread pays.
const WORTH_A_THREAD: usize = 1 << 16;

/// Gives everything below the trees its new name and header. What is in a directory comes before the directory as far
/// as one thread goes; a plan does not depend on it.
pub(super) fn carry_out(plan: &Plan, handles: Handles) -> Result<(), Fault> {
    let done = AtomicUsize::new(0);
    if plan.len_below() < WORTH_A_THREAD || plan.folder_count() < 2 {
        return work(plan, handles, &done);
    }
    thread::scope(|scope| {
        let tops = handles.of_tops();
        let helper = scope.spawn(|| work(plan, tops, &done));
        let worked = work(plan, handles, &done);
        worked.and(helper.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

/// Takes up one folder after the other until none is left, or somebody failed.
fn work(plan: &Plan, mut handles: Handles, done: &AtomicUsize) -> Result<(), Fault> {
    let count = plan.folder_count();
    loop {
        let number = done.fetch_add(1, Ordering::Relaxed);
        if number >= count {
            return Ok(());
        }
        rename_in(plan, count - 1 - number, &mut handles)
            .inspect_err(|_| done.store(count, Ordering::Relaxed))?;
    }
}

fn rename_in(plan: &Plan, number: usize, handles: &mut Handles) -> Result<(), Fault> {
    let folder = plan.folder(number);
    let mut entries = folder.entries().peekable();
    if entries.peek().is_none() {
        return Ok(());
    }
    let dir = handles.folder(plan, number)?;
    for entry in entries {
        match rename(&dir, &entry) {
            Err(Fault::Sys(Errno::NOENT)) => {} // gone since it was listed
            renamed => renamed?,
        }
    }
    sys::restore_handle_times(&*dir, folder.times);
    Ok(())
}

fn rename(dir: &OwnedFd, entry: &Entry<'_>) -> Result<(), Fault> {
    let rewritten = entry.header.map(|header| rewrite_header(dir, entry.before, header)).transpose()?;
    if !fate::happens() {
        return Ok(());
    }
    let mut renamed = sys::rename_noreplace(dir, entry.before, dir, entry.after).map_err(Fault::from);
    let Some(rewritten) = rewritten else { return renamed };
    if renamed.is_ok() && !rewritten.is_at(dir, entry.after) {
        // another version has come to be there between the two steps: its header is still that for the old name
        sys::rename_noreplace(dir, entry.after, dir, entry.before)?;
        renamed = Err(Fault::Stale);
    }
    if renamed.is_err() {
        rewritten.take_back()?;
    }
    renamed
}

/// A file that still has its old name, with the header for its new one.
pub(super) struct Rewritten {
    file: HeaderFile,
    id: FileId,
    header: Header,
}

/// Gives a file that still has its old name the header for its new one.
pub(super) fn rewrite_header(dir: &OwnedFd, name: &[u8], header: Header) -> Result<Rewritten, Fault> {
    let file = HeaderFile::open(dir, name, true)?;
    if file.read()? != Some(header.before) {
        return Err(Fault::Stale); // another program is at work on it
    }
    let id = file.id()?;
    file.replace(header.before, header.after, header.times)?;
    Ok(Rewritten { file, id, header })
}

impl Rewritten {
    /// Whether it is this file that has a name now. A sync client may have put another version in its place.
    pub(super) fn is_at(&self, dir: &OwnedFd, name: &[u8]) -> bool {
        sys::stat_at(dir, name).is_ok_and(|stat| stat.id == self.id)
    }

    pub(super) fn id(&self) -> FileId {
        self.id
    }

    /// The file keeps its old name, or was put aside, marked or not, from where that was: the old header is right there.
    pub(super) fn take_back(&self) -> Result<(), Errno> {
        self.file.replace(self.header.after, self.header.before, self.header.times)
    }
}
