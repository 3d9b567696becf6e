//! Programs that watch a folder of the mount hear of what another machine did there.
//!
//! The kernel tells watchers (inotify) what programs do by way of the mount, and nothing else. So what happened on disk
//! is done once more by way of the mount: an arrival is renamed into place, what has gone is removed, a file changed in
//! place is given the time that it has. These requests come back to us; they are known by the thread that makes them and
//! by what was to come, and change nothing on disk. Should one be unknown, it is refused.
//!
//! Here is what is said, and what becomes of the requests; [`super::announcer`] makes them.

use super::attr::bare;
use super::attr::file_attr;
use super::errno::is_gone;
use super::inode::Ways;
use super::tree::Entry;
use super::tree::Life;
use super::tree::Tree;
use crate::volume::Kind;
use crate::volume::SetAttr;
use crate::volume::SetTime;
use fuser::Errno;
use fuser::Generation;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use std::time::SystemTime;

/// What arrives is called so for an instant; an unguessable number follows.
pub(super) const WINGS: &str = ".encbox-arriving-";

/// A name in a directory of the mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct At {
    /// The node of the directory.
    pub(super) parent: u64,
    /// Its path in the mount.
    pub(super) folder: PathBuf,
    pub(super) name: OsString,
}

/// What happened to a name.
#[derive(Debug, Clone)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "nobody is told there"))]
pub(super) enum News {
    /// Something came to be there, perhaps in the place of another node.
    Arrived { to: At, over: Option<u64> },
    /// Something that the kernel knows has another name, perhaps that of another node.
    Moved { from: At, to: At, over: Option<u64> },
    /// Nothing is there any more.
    Departed(At, Kind),
    /// The file was changed in place; this is its time now.
    Changed(At, SystemTime),
}

/// What is being announced, and by whom.
#[derive(Debug, Default)]
pub(super) struct Announcements {
    /// The thread that announces, as the system numbers it; 0 while there is none.
    pub(super) announcer: AtomicU32,
    expected: Mutex<Option<Expected>>,
}

/// Requests that are to come.
#[derive(Debug)]
pub(super) struct Expected {
    /// What arrives is renamed from here into place. Nobody can guess it.
    pub(super) wings: OsString,
    /// `None` for a greeting, which only shows that we hear our own requests.
    pub(super) news: Option<News>,
    pub(super) heard: bool,
}

/// What the announcer finds under a name.
pub(super) enum Staged {
    /// What there is here.
    At(u64, OsString),
    /// A node that was here before.
    Former(u64),
    Nothing,
}

impl At {
    fn is(&self, parent: u64, name: &OsStr) -> bool {
        (self.parent, self.name.as_os_str()) == (parent, name)
    }
}

impl Announcements {
    /// Whether a request was made to announce something.
    pub(super) fn are_from(&self, pid: u32) -> bool {
        pid != 0 && pid == self.announcer.load(Relaxed)
    }

    pub(super) fn expected(&self) -> MutexGuard<'_, Option<Expected>> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a lookup by the announcer is to find, if that is not simply what is there.
    pub(super) fn staged(&self, parent: u64, name: &OsStr) -> Option<Staged> {
        let mut expected = self.expected();
        let expected = expected.as_mut()?;
        let is_wings = expected.wings == name;
        match &expected.news {
            None if is_wings => {
                expected.heard = true;
                Some(Staged::Nothing)
            }
            Some(News::Arrived { to, .. }) if is_wings && to.parent == parent => {
                Some(Staged::At(to.parent, to.name.clone()))
            }
            Some(News::Moved { from, to, .. }) if from.is(parent, name) => {
                Some(Staged::At(to.parent, to.name.clone()))
            }
            // as it was before: whoever watches what is replaced hears of it, too
            Some(News::Arrived { to, over } | News::Moved { to, over, .. }) if to.is(parent, name) => {
                Some(over.map_or(Staged::Nothing, Staged::Former))
            }
            _ => None,
        }
    }

    /// Whether the announcement at hand is this one; then it is known to have been heard.
    fn hear(&self, is_it: impl FnOnce(&News, &OsStr) -> bool) -> Result<(), Errno> {
        let mut expected = self.expected();
        let it = expected.as_mut().filter(|it| it.news.as_ref().is_some_and(|news| is_it(news, &it.wings)));
        it.map(|it| it.heard = true).ok_or(Errno::EPERM)
    }
}

/// The announcer's requests, which look at the disk and leave it alone.
impl Tree {
    pub(super) fn staged(&self, staged: &Staged) -> Result<Result<Entry, Life>, Errno> {
        let life = Life { name: Duration::ZERO, attr: Duration::ZERO };
        match staged {
            Staged::Nothing => Ok(Err(life)),
            Staged::Former(ino) => {
                let open = match self.inodes.ways(*ino) {
                    Some(Ways::File { open, .. }) => open.first().and_then(|open| open.file().stat().ok()),
                    Some(Ways::Dir(..)) | None => None,
                };
                Ok(self.inodes.recall(*ino).map_or(Err(life), |(id, kind, generation)| {
                    // where nobody has it open, nobody sees more of it than what kind of file it was
                    let attr = file_attr(*ino, &open.unwrap_or_else(|| bare(id, kind)));
                    Ok(Entry { attr, generation: Generation(generation), life })
                }))
            }
            Staged::At(parent, name) => {
                let entry = match self.tell(&self.place(*parent)?, name) {
                    Err(error) if is_gone(&error) => return Ok(Err(life)), // in the meantime
                    entry => entry?,
                };
                Ok(Ok(Entry { life, ..entry }))
            }
        }
    }

    pub(super) fn announced_rename(
        &self,
        announcements: &Announcements,
        from: (u64, &OsStr),
        to: (u64, &OsStr),
    ) -> Result<(), Errno> {
        announcements.hear(|news, wings| match news {
            News::Arrived { to: at, .. } => from == (at.parent, wings) && at.is(to.0, to.1),
            News::Moved { from: before, to: now, .. } => before.is(from.0, from.1) && now.is(to.0, to.1),
            News::Departed(..) | News::Changed(..) => false,
        })?;
        let place = self.place(to.0)?;
        let replaced = self.inodes.known_as(place.dir.id(), to.1);
        let is_arrival = from.1.as_bytes().starts_with(WINGS.as_bytes());
        if !is_arrival {
            self.expect_nothing(from)?;
            let stat = self.volume.stat((&place.dir, to.1))?;
            if !self.inodes.is_known_as(self.dir(from.0)?.id(), from.1, &stat) {
                return Err(Errno::EPERM); // replaced once more since: not what the kernel would take it for
            }
        }
        // known by its name from now on; that is no telling
        let ino = self.tell(&place, to.1)?.attr.ino.0;
        self.forget(ino, 1);
        if !is_arrival {
            self.inodes.forget_name(self.dir(from.0)?.id(), from.1);
        }
        if let Some(replaced) = replaced.filter(|replaced| *replaced != ino) {
            self.inodes.bury(replaced);
        }
        Ok(())
    }

    pub(super) fn announced_removal(
        &self,
        announcements: &Announcements,
        parent: u64,
        name: &OsStr,
    ) -> Result<(), Errno> {
        announcements.hear(|news, _| matches!(news, News::Departed(at, _) if at.is(parent, name)))?;
        self.expect_nothing((parent, name))?;
        let dir = self.dir(parent)?;
        if let Some(gone) = self.inodes.known_as(dir.id(), name) {
            self.inodes.bury(gone);
        }
        self.inodes.forget_name(dir.id(), name);
        Ok(())
    }

    /// A program may have made something there in the meantime, which it must not lose.
    fn expect_nothing(&self, (parent, name): (u64, &OsStr)) -> Result<(), Errno> {
        let there = self.volume.stat((&self.dir(parent)?, name));
        if there.is_err_and(|error| is_gone(&error)) { Ok(()) } else { Err(Errno::EPERM) }
    }

    /// Whether a change of attributes is one that was announced.
    pub(super) fn announces_time(&self, announcements: &Announcements, ino: u64, wanted: &SetAttr) -> bool {
        let heard = announcements.hear(|news, _| match news {
            News::Changed(at, time) => {
                let dir = self.dir(at.parent).ok();
                matches!(wanted.mtime, Some(SetTime::At(mtime)) if mtime == *time)
                    && dir.and_then(|dir| self.inodes.known_as(dir.id(), &at.name)) == Some(ino)
            }
            News::Arrived { .. } | News::Moved { .. } | News::Departed(..) => false,
        });
        heard.is_ok()
    }
}
