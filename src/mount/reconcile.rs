//! What other programs did to the ciphertext folder, told to the kernel.
//!
//! The watcher says where something happened, our own doings included. Here the disk is compared with what the
//! kernel was told, and the kernel hears of the difference: by way of the mount, so that programs that watch it hear
//! too ([`super::announce`]), or else it is made to forget what it knows. This has a thread of its own: the kernel may
//! hold locks that it lets go of only when a request was answered, so whoever answers requests must not tell it anything.

use super::announce::At;
use super::announce::News;
use super::announcer::Announcer;
use super::caching::Verdict;
use super::config_watch::ConfigWatch;
use super::front::Front;
use super::inode::Inodes;
use super::inode::Link;
use super::inode::ROOT;
use super::inode::Ways;
use super::tree::Tree;
use crate::volume::Change;
use crate::volume::Dir;
use crate::volume::Kind;
use crate::volume::PARTIAL_PREFIX;
use crate::volume::Stat;
use crate::volume::Watch;
use fuser::INodeNo;
use fuser::Notifier;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::PoisonError;
use std::thread;
use std::time::Duration;
use tracing::debug;
use tracing::warn;

/// Let this much gather before the next look: a program that writes makes many changes to one file.
const GATHER: Duration = Duration::from_millis(10);

/// After a directory was renamed whose entries were named anew, what seems to arrive is not announced for this long.
const NAMED_ANEW: Duration = Duration::from_secs(1);

/// Tells the kernel of changes until the watcher is closed.
pub(super) fn reconcile(front: &Front, watch: &dyn Watch, kernel: &Notifier, mountpoint: &Path) {
    let mut announcer = None;
    let mut config = ConfigWatch::default();
    while let Some(changes) = watch.next() {
        let mut news = Vec::new();
        front.vault.with_open(|fuse| {
            config.look(&fuse.tree.volume, &changes);
            let reconciler = Reconciler { tree: &fuse.tree, kernel };
            for change in changes {
                match reconciler.apply(&change) {
                    Ok(new) => news.extend(new),
                    // it had nothing in its cache, or the mount is gone
                    Err(error) => debug!(%error, "the kernel was not told of a change"),
                }
            }
        });
        // what has another name is not gone
        news.sort_by_key(|new| matches!(new, News::Departed(..)));
        for new in &news {
            let announcer = announcer.get_or_insert_with(|| announcer_for(front, mountpoint));
            if !announcer.as_ref().is_some_and(|announcer| announcer.announce(new)) {
                front.vault.with_open(|fuse| Reconciler { tree: &fuse.tree, kernel }.forget(new));
            }
        }
        thread::sleep(GATHER);
    }
}

/// Only a volume that is unlocked has news, so nothing is unlocked by this.
fn announcer_for<'a>(front: &'a Front, mountpoint: &'a Path) -> Option<Announcer<'a>> {
    let announcer = Announcer::new(&front.announcements, mountpoint);
    announcer
        .inspect_err(|error| warn!("programs that watch the mount hear of no changes elsewhere: {error}"))
        .ok()
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

/// What happened to a name.
enum Happened {
    Nothing,
    /// In the place of another node.
    Arrived(Option<u64>),
    Moved(Link, Option<u64>),
    Departed(Kind),
    /// Or it was our own doing.
    ChangedInPlace(u64, Stat),
}

impl Reconciler<'_> {
    fn apply(&self, change: &Change) -> io::Result<Option<News>> {
        match change {
            Change::Entry(dir, cipher_name) => self.entry(dir, cipher_name),
            Change::Attributes(dir) => self.refresh(self.tree.inodes.number_of(dir)).map(|()| None),
            Change::Unknown => kernel_forgets(&self.tree.inodes, self.kernel).map(|()| None),
        }
    }

    fn entry(&self, dir: &Dir, cipher_name: &OsStr) -> io::Result<Option<News>> {
        let stat = self.tree.volume.stat_cipher_name(dir, cipher_name).ok();
        if stat.as_ref().is_some_and(|stat| self.is_known(stat)) {
            return Ok(None);
        }
        let Some(name) = self.tree.volume.plain_name(dir, cipher_name) else { return Ok(None) };
        if stat.is_none() && self.tree.inodes.known_as(dir.id(), &name).is_none() {
            return Ok(None); // removed by way of the mount, most likely
        }
        let parent = self.tree.inodes.number_of(dir);
        let news = match self.happened(dir, cipher_name, &name) {
            Happened::Nothing => return Ok(None),
            Happened::ChangedInPlace(ino, stat) => {
                return self.changed_in_place(ino, &stat, (dir, cipher_name), &name);
            }
            Happened::Moved(link, over) => {
                let from = self.at(self.tree.inodes.number_of(&link.dir), &link.name);
                from.zip(self.at(parent, &name)).map(|(from, to)| News::Moved { from, to, over })
            }
            Happened::Arrived(_) | Happened::Departed(_) if !self.is_news(&name) => None,
            Happened::Arrived(over) => self.at(parent, &name).map(|to| News::Arrived { to, over }),
            Happened::Departed(kind) => self.at(parent, &name).map(|from| News::Departed(from, kind)),
        };
        if news.is_none() {
            self.look_again(dir, &name)?;
        }
        Ok(news)
    }

    /// What happened, seen while nobody changes a name by way of the mount.
    fn happened(&self, dir: &Dir, cipher_name: &OsStr, name: &OsStr) -> Happened {
        let _names = self.tree.names_stay();
        let stat = self.tree.volume.stat_cipher_name(dir, cipher_name).ok();
        let known = self.tree.inodes.known_as(dir.id(), name);
        match (stat, known) {
            (None, None) => Happened::Nothing,
            (None, Some(known)) => Happened::Departed(self.tree.inodes.kind_of(known).unwrap_or(Kind::File)),
            (Some(stat), known) => {
                let ino = self.tree.inodes.number(stat.id);
                if self.tree.inodes.is_known_as(dir.id(), name, &stat) {
                    return Happened::ChangedInPlace(ino, stat);
                }
                // of the same number, but another file
                let known = known.filter(|known| *known != ino);
                let is_elsewhere = |link: &Link| {
                    let named = self.tree.volume.stat((&link.dir, link.name.as_os_str()));
                    named.is_ok_and(|named| named.id == stat.id)
                };
                let is_known_as =
                    |link: &Link| self.tree.inodes.is_known_as(link.dir.id(), &link.name, &stat);
                match self.tree.inodes.names_of(ino).into_iter().next_back() {
                    Some(link) if is_known_as(&link) && !is_elsewhere(&link) => Happened::Moved(link, known),
                    Some(_) | None => Happened::Arrived(known),
                }
            }
        }
    }

    fn at(&self, parent: u64, name: &OsStr) -> Option<At> {
        let folder = self.tree.inodes.path_of(parent)?;
        Some(At { parent, folder, name: name.to_owned() })
    }

    /// Whether what seems to come or go really does, and is anything to tell of.
    fn is_news(&self, name: &OsStr) -> bool {
        let named_anew = *self.tree.named_anew.lock().unwrap_or_else(PoisonError::into_inner);
        !name.as_bytes().starts_with(PARTIAL_PREFIX.as_bytes())
            && named_anew.is_none_or(|at| at.elapsed() > NAMED_ANEW)
    }

    /// Whether this is a file as we saw it last: then the change was ours.
    fn is_known(&self, stat: &Stat) -> bool {
        match self.tree.inodes.ways(self.tree.inodes.number(stat.id)) {
            Some(Ways::File { seen, .. }) => seen.peek(stat) == Verdict::Same,
            _ => false,
        }
    }

    /// Makes the kernel forget what is not true any more.
    fn forget(&self, news: &News) {
        let forget = |at: &At| match self.tree.dir(at.parent) {
            Ok(dir) => self.look_again(&dir, &at.name),
            Err(_) => Ok(()),
        };
        let forgotten = match news {
            News::Arrived { to: at, .. } | News::Departed(at, _) => forget(at),
            News::Moved { from, to, .. } => forget(from).and(forget(to)),
            News::Changed(..) => Ok(()), // it was told before
        };
        if let Err(error) = forgotten {
            debug!(%error, "the kernel was not told of a change");
        }
    }

    fn look_again(&self, dir: &Dir, name: &OsStr) -> io::Result<()> {
        if self.tree.volume.stat((dir, name)).is_err() {
            self.tree.inodes.forget_name(dir.id(), name);
        }
        let parent = self.tree.inodes.number_of(dir);
        let forgotten = self.kernel.inval_entry(INodeNo(parent), name);
        forgotten.and(self.refresh(parent))
    }

    /// The kernel asks for the attributes anew.
    fn refresh(&self, ino: u64) -> io::Result<()> {
        self.kernel.inval_inode(INodeNo(ino), -1, 0)
    }

    fn changed_in_place(
        &self,
        ino: u64,
        stat: &Stat,
        (dir, cipher_name): (&Dir, &OsStr),
        name: &OsStr,
    ) -> io::Result<Option<News>> {
        let at = || self.at(self.tree.inodes.number_of(dir), name);
        let refresh = || self.refresh(ino).map(|()| None);
        let Some(Ways::File { open, seen, .. }) = self.tree.inodes.ways(ino) else { return refresh() };
        if stat.kind != Kind::File {
            return refresh();
        }
        let Some(handle) = open.first() else {
            return match seen.peek_patiently(|| self.tree.volume.stat_cipher_name(dir, cipher_name).ok()) {
                Verdict::Same | Verdict::Ours => Ok(None),
                Verdict::Renamed => refresh(),
                // the next lookup finds a new node there, whose size the kernel believes
                Verdict::Changed { .. } if self.tree.caching.write_back => match at() {
                    Some(to) => Ok(Some(News::Arrived { to, over: None })),
                    None => self.look_again(dir, name).map(|()| None),
                },
                Verdict::Changed { .. } => {
                    self.kernel.inval_inode(INodeNo(ino), 0, 0)?;
                    Ok(at().map(|at| News::Changed(at, stat.mtime)))
                }
            };
        };
        if seen.peek(stat) == Verdict::Renamed {
            return refresh();
        }
        // the lock is let go of before the kernel is told: it may first want to bring what was written
        let verdict = seen.look_patiently(|| handle.file().stat().ok());
        let Verdict::Changed { from } = verdict else { return Ok(None) };
        self.kernel.inval_inode(INodeNo(ino), 0, 0)?;
        let Ok(stat) = handle.file().stat() else { return Ok(None) };
        if self.tree.caching.write_back && stat.size > from {
            // it trusts its own size, but what it is given beyond that lengthens the file
            let mut last = [0];
            if matches!(handle.file().read_at(&mut last, stat.size - 1), Ok(1)) {
                self.kernel.store(INodeNo(ino), stat.size - 1, &last)?;
            }
        }
        Ok(at().map(|at| News::Changed(at, stat.mtime)))
    }
}
