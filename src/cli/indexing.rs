//! `mount --index`: the index of a mounted volume, kept true by a thread beside the mount.
//!
//! It hears what the mount hears of the ciphertext folder, own doings included, and scans the folders where something
//! happened once that has settled. What happens in folders that nobody has looked into through the mount, nobody tells
//! of: so it scans everything now and then, too.

use super::{Error, index, travel};
use crate::config::is_reserved_name;
use crate::index::{Error as IndexError, Place, Progress, ScanOptions, Scope, refresh};
use crate::volume::{Change, Dir, FileId, PlainPath, Volume, Watch};
use rustix::fd::BorrowedFd;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// So long nothing may happen before what happened counts as settled; and so long a scan waits for that at most.
const SETTLED: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(5);
/// Where something happened in more folders, everything is scanned.
const FOLDERS_MAX: usize = 256;
/// Where one change follows another there is a pause so many times as long as the last scan took, up to a limit: a scan
/// may also have waited for those who search.
const PAUSES: u32 = 3;
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// Without a word of changes there is a scan after so long, and after a hundred times as long as it takes.
const PERIOD: Duration = Duration::from_secs(60);
const PERIOD_SHARE: u32 = 100;
/// Sync clients are not given more to do.
const PUBLISH_PERIOD: Duration = Duration::from_secs(60);
/// Who unmounts does not wait longer for the last changes.
const LAST: Duration = Duration::from_secs(10);

/// Keeps the index true until it is told to end.
pub(super) struct Keeper {
    news: Sender<News>,
    ends: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

enum News {
    Changed(Vec<Change>),
    End,
}

/// Where something has happened since the last scan.
#[derive(Default)]
struct Happened {
    folders: HashMap<FileId, Dir>,
    anywhere: bool,
}

impl Happened {
    fn add(&mut self, changes: Vec<Change>) {
        for change in changes {
            let folder = match change {
                Change::Entry(dir, _) => Some(dir),
                // it is an entry of the one above
                Change::Attributes(dir) => dir.parent(),
                Change::Unknown => None,
            };
            match folder {
                Some(dir) if self.folders.len() < FOLDERS_MAX => drop(self.folders.insert(dir.id(), dir)),
                _ => self.anywhere = true,
            }
        }
    }

    /// The folders by their plaintext paths, as they are now; `None` if it may be anywhere.
    fn paths(self, volume: &Volume) -> Option<Vec<PlainPath>> {
        let paths = self.folders.into_values().map(|dir| volume.decode_path(&dir.cipher_path()).ok());
        paths.collect::<Option<_>>().filter(|_| !self.anywhere)
    }
}

impl Keeper {
    /// Starts with a scan. What `watch` tells is passed on by the watch that is returned.
    pub(super) fn start(
        volume: &Arc<Volume>,
        watch: Option<Arc<dyn Watch>>,
    ) -> Result<(Keeper, Option<Arc<dyn Watch>>), Error> {
        let (news, heard) = channel();
        let ends = Arc::new(AtomicBool::new(false));
        let keeping = Keeping {
            place: index::place(volume)?,
            volume: Arc::clone(volume),
            ends: Arc::clone(&ends),
            is_whole: false,
            unpublished: true,
            published: None,
        };
        let thread = thread::Builder::new().name("index".into()).spawn(move || keeping.keep(&heard));
        let thread = thread.map_err(Error::local("start a thread for the index of", volume.root_path()))?;
        let tap = watch.map(|watch| Arc::new(Tap { watch, news: news.clone() }) as Arc<dyn Watch>);
        Ok((Keeper { news, ends, thread }, tap))
    }

    /// Brings in the last changes, and publishes them where that is done.
    pub(super) fn end(self) {
        self.ends.store(true, Ordering::Relaxed);
        // it has ended by itself otherwise
        let _ = self.news.send(News::End);
        if self.thread.join().is_err() {
            tracing::warn!("the thread for the index has panicked");
        }
    }
}

struct Keeping {
    volume: Arc<Volume>,
    place: Place,
    ends: Arc<AtomicBool>,
    /// Whether the last scan came to its end.
    is_whole: bool,
    unpublished: bool,
    published: Option<Instant>,
}

impl Keeping {
    fn keep(mut self, heard: &Receiver<News>) {
        let (mut folders, mut next) = (None, Instant::now());
        loop {
            let began = Instant::now();
            self.scan(folders.as_deref(), None);
            self.publish_at_times();
            let took = began.elapsed();
            if folders.is_none() {
                next = Instant::now() + PERIOD.max(took * PERIOD_SHARE);
            }
            let mut happened = Happened::default();
            let goes_on = !self.ends.load(Ordering::Relaxed) && self.wait(heard, took, next, &mut happened);
            if !goes_on {
                break;
            }
            // what was interrupted, or is due, is of everything
            happened.anywhere |= !self.is_whole || Instant::now() >= next;
            folders = happened.paths(&self.volume);
        }
        // what the kernel brought while it was unmounted, nobody has told of
        self.scan(None, Some(Instant::now() + LAST));
        self.publish();
    }

    /// Waits until there is reason to scan: something that happened, or the time for everything. False if it is the last
    /// one.
    fn wait(
        &mut self,
        heard: &Receiver<News>,
        took: Duration,
        next: Instant,
        happened: &mut Happened,
    ) -> bool {
        let now = Instant::now();
        loop {
            let due = self.publication_due().unwrap_or(next).min(next);
            match heard.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok(News::Changed(changes)) => {
                    happened.add(changes);
                    break;
                }
                Ok(News::End) | Err(RecvTimeoutError::Disconnected) => return false,
                Err(RecvTimeoutError::Timeout) if Instant::now() >= next => return true,
                Err(RecvTimeoutError::Timeout) => self.publish_at_times(),
            }
        }
        Keeping::settle(heard, now + PAUSE_MAX.min(took * PAUSES), happened)
    }

    /// Waits until nothing happens any more, and until scans have taken their share; false if the mount ends.
    fn settle(heard: &Receiver<News>, rest: Instant, happened: &mut Happened) -> bool {
        let first = Instant::now();
        loop {
            let pause = SETTLED.max(rest.saturating_duration_since(Instant::now()));
            match heard.recv_timeout(pause) {
                Ok(News::Changed(changes)) => {
                    happened.add(changes);
                    if first.elapsed() > PATIENCE {
                        return true;
                    }
                }
                Err(RecvTimeoutError::Timeout) => return true,
                Ok(News::End) | Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
    }

    /// Scans these folders, or everything.
    fn scan(&mut self, folders: Option<&[PlainPath]>, until: Option<Instant>) {
        let scope = folders.map_or(Scope::Volume, Scope::Folders);
        // one thread: whoever works in the mount comes first
        let options = ScanOptions { scope, jobs: NonZeroUsize::new(1), ..ScanOptions::default() };
        let mut quiet = Quiet { ends: &self.ends, until };
        let scanned = refresh(&self.place, &self.volume, options, &mut quiet);
        self.is_whole = scanned.is_ok();
        match scanned {
            Ok(summary) => self.unpublished |= summary.added + summary.changed + summary.removed > 0,
            Err(IndexError::Interrupted) => {}
            // the log holds no plaintext name
            Err(IndexError::Entry { source, .. }) => {
                tracing::warn!("the index is not brought up to date: {source}")
            }
            Err(error) => tracing::warn!("the index is not brought up to date: {error}"),
        }
    }

    /// When what is not published yet may be.
    fn publication_due(&self) -> Option<Instant> {
        self.published.filter(|_| self.unpublished).map(|published| published + PUBLISH_PERIOD)
    }

    fn publish_at_times(&mut self) {
        let is_due = self.publication_due().is_none_or(|due| due <= Instant::now());
        if is_due {
            self.publish();
        }
    }

    /// Publishes what is new, where that is done; half an index is none.
    fn publish(&mut self) {
        if !self.unpublished || !self.is_whole {
            return;
        }
        self.published = Some(Instant::now());
        match travel::publish(&self.place, &self.volume, false, false) {
            Ok(published) => self.unpublished = published.is_none(),
            Err(error) => tracing::warn!("the index is not published: {error}"),
        }
    }
}

/// Passes on what the mount hears.
#[derive(Debug)]
struct Tap {
    watch: Arc<dyn Watch>,
    news: Sender<News>,
}

impl Watch for Tap {
    fn watch(&self, dir: &Dir, handle: BorrowedFd<'_>) -> io::Result<()> {
        self.watch.watch(dir, handle)
    }

    fn unwatch(&self, id: FileId) {
        self.watch.unwatch(id);
    }

    fn next(&self) -> Option<Vec<Change>> {
        let changes = self.watch.next()?;
        let ours: Vec<Change> = changes.iter().filter(|change| !is_own(change)).cloned().collect();
        if !ours.is_empty() {
            // nobody listens at the very end
            let _ = self.news.send(News::Changed(ours));
        }
        Some(changes)
    }

    fn close(&self) {
        self.watch.close();
    }
}

/// Whether a change is none of an entry, but of what the volume keeps for itself.
fn is_own(change: &Change) -> bool {
    matches!(change, Change::Entry(dir, name) if dir.is_root() && is_reserved_name(OsStr::as_bytes(name)))
}

/// Nobody watches this scan; it stops when the mount does.
struct Quiet<'a> {
    ends: &'a AtomicBool,
    until: Option<Instant>,
}

impl Progress for Quiet<'_> {
    fn stopped(&self) -> bool {
        match self.until {
            Some(until) => Instant::now() > until,
            None => self.ends.load(Ordering::Relaxed),
        }
    }
}
