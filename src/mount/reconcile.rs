//! What other programs did to the ciphertext folder, told to the kernel.
//!
//! The watcher says where something happened, our own doings included. Here the disk is compared with what the
//! kernel was told, and the kernel hears of the difference. This has a thread of its own: the kernel may hold locks
//! that it lets go of only when a request was answered, so whoever answers requests must not tell it anything.

use super::caching::Verdict;
use super::front::Front;
use super::inode::Inodes;
use super::inode::ROOT;
use super::inode::Ways;
use super::tree::Tree;
use crate::volume::Change;
use crate::volume::Dir;
use crate::volume::Kind;
use crate::volume::Stat;
use crate::volume::Watch;
use fuser::INodeNo;
use fuser::Notifier;
use std::ffi::OsStr;
use std::io;
use std::thread;
use std::time::Duration;
use tracing::debug;

/// Let this much gather before the next look: a program that writes makes many changes to one file.
const GATHER: Duration = Duration::from_millis(10);

/// Tells the kernel of changes until the watcher is closed.
pub(super) fn reconcile(front: &Front, watch: &dyn Watch, kernel: &Notifier) {
    while let Some(changes) = watch.next() {
        front.vault.with_open(|fuse| {
            let reconciler = Reconciler { tree: &fuse.tree, kernel };
            for change in changes {
                if let Err(error) = reconciler.apply(&change) {
                    // it had nothing in its cache, or the mount is gone
                    debug!(%error, "the kernel was not told of a change");
                }
            }
        });
        thread::sleep(GATHER);
    }
}

/// Makes the kernel forget all that it was told.
pub(super) fn kernel_forgets(nodes: &Inodes, kernel: &Notifier) -> io::Result<()> {
    let mut told = kernel.inval_inode(INodeNo(ROOT), 0, 0);
    for (ino, links) in nodes.all() {
        for link in links {
            let parent = INodeNo(nodes.number_of(&link.dir));
            told = told.and(kernel.inval_entry(parent, &link.name)).and(kernel.inval_inode(parent, -1, 0));
        }
        told = told.and(kernel.inval_inode(INodeNo(ino), 0, 0));
    }
    told
}

struct Reconciler<'a> {
    tree: &'a Tree,
    kernel: &'a Notifier,
}

impl Reconciler<'_> {
    fn apply(&self, change: &Change) -> io::Result<()> {
        match change {
            Change::Entry(dir, cipher_name) => self.entry(dir, cipher_name),
            Change::Attributes(dir) => self.attributes(dir),
            Change::Unknown => kernel_forgets(&self.tree.inodes, self.kernel),
        }
    }

    fn entry(&self, dir: &Dir, cipher_name: &OsStr) -> io::Result<()> {
        let stat = self.tree.volume.stat_cipher_name(dir, cipher_name).ok();
        if stat.as_ref().is_some_and(|stat| self.is_known(stat)) {
            return Ok(());
        }
        let Some(name) = self.tree.volume.plain_name(dir, cipher_name) else { return Ok(()) };
        let parent = self.tree.inodes.number_of(dir);
        let known = self.tree.inodes.known_as(dir.id(), &name);
        match (stat, known) {
            (None, None) => Ok(()),
            (Some(stat), Some(known)) if self.tree.inodes.number(stat.id) == known => {
                self.changed_in_place(known, &stat, parent, &name)
            }
            (None, Some(_)) => {
                self.tree.inodes.forget_name(dir.id(), &name);
                self.look_again(parent, &name)
            }
            // the kernel may remember that nothing was there
            (Some(_), None | Some(_)) => self.look_again(parent, &name),
        }
    }

    /// Whether this is a file as we saw it last: then the change was ours.
    fn is_known(&self, stat: &Stat) -> bool {
        match self.tree.inodes.ways(self.tree.inodes.number(stat.id)) {
            Some(Ways::File { seen, .. }) => seen.peek(stat) == Verdict::Same,
            _ => false,
        }
    }

    fn look_again(&self, parent: u64, name: &OsStr) -> io::Result<()> {
        let forgotten = self.kernel.inval_entry(INodeNo(parent), name);
        forgotten.and(self.refresh(parent))
    }

    /// The kernel asks for the attributes anew.
    fn refresh(&self, ino: u64) -> io::Result<()> {
        self.kernel.inval_inode(INodeNo(ino), -1, 0)
    }

    fn attributes(&self, dir: &Dir) -> io::Result<()> {
        self.refresh(self.tree.inodes.number_of(dir))
    }

    fn changed_in_place(&self, ino: u64, stat: &Stat, parent: u64, name: &OsStr) -> io::Result<()> {
        let Some(Ways::File { open, seen, .. }) = self.tree.inodes.ways(ino) else {
            return self.refresh(ino);
        };
        if stat.kind != Kind::File || seen.peek(stat) == Verdict::Renamed {
            return self.refresh(ino);
        }
        if open.is_empty() && self.tree.caching.write_back {
            // the next lookup finds a new node there, whose size the kernel believes
            return self.look_again(parent, name);
        }
        let Some(handle) = open.first() else { return self.kernel.inval_inode(INodeNo(ino), 0, 0) };
        // the lock is let go of before the kernel is told: it may first want to bring what was written
        let verdict = seen.look_patiently(|| handle.file().stat().ok());
        let Verdict::Changed { from } = verdict else { return Ok(()) };
        self.kernel.inval_inode(INodeNo(ino), 0, 0)?;
        let Ok(stat) = handle.file().stat() else { return Ok(()) };
        if self.tree.caching.write_back && stat.size > from {
            // it trusts its own size, but what it is given beyond that lengthens the file
            let mut last = [0];
            if matches!(handle.file().read_at(&mut last, stat.size - 1), Ok(1)) {
                return self.kernel.store(INodeNo(ino), stat.size - 1, &last);
            }
        }
        Ok(())
    }
}
