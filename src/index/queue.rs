//! What is left to be done of a walk over a volume, shared by threads.
//!
//! A folder is listed as it is worked on: a thread takes the next few names from it, and leaves it to others while it looks
//! at these. Folders below are put on a list, which is gone to when no listing is at hand. So no more listings are open than
//! there are threads, and what is waiting is never more than the folders beside the way down.

use crate::volume::{Dir, Entries, PlainPath};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Something to do.
pub(super) enum Job {
    /// Take some entries.
    List(Listing),
    /// Begin to list.
    Open(Below),
}

/// A folder that was not opened yet.
pub(super) enum Below {
    /// Where a walk begins.
    Start(PlainPath),
    Folder {
        above: Arc<Folder>,
        name: OsString,
    },
}

/// A folder with entries that nobody has taken yet.
pub(super) struct Listing {
    pub(super) folder: Arc<Folder>,
    pub(super) entries: Entries,
}

/// A folder whose entries are looked at.
pub(super) struct Folder {
    pub(super) dir: Dir,
    pub(super) path: PlainPath,
    /// What the paths of its entries begin with, up to the last slash: as they are shown, and on disk.
    pub(super) prefix: Vec<u8>,
    pub(super) cipher_prefix: Vec<u8>,
}

impl Folder {
    pub(super) fn new(dir: Dir, path: PlainPath) -> Folder {
        let with_slash = |path: PathBuf| {
            let mut bytes = path.into_os_string().into_vec();
            if !bytes.is_empty() {
                bytes.push(b'/');
            }
            bytes
        };
        let (prefix, cipher_prefix) = (with_slash(path.to_path()), with_slash(dir.cipher_path()));
        Folder { dir, path, prefix, cipher_prefix }
    }
}

/// The jobs of a walk. It is over when nothing is left and nobody is at work, who might find more.
pub(super) struct Queue {
    left: Mutex<Left>,
    /// There may be something to do, or nothing ever more.
    news: Condvar,
    stop: AtomicBool,
}

/// The last of each is taken first.
struct Left {
    listings: Vec<Listing>,
    /// Gone to when there is no listing.
    folders: Vec<Below>,
    active: usize,
}

impl Queue {
    /// A walk that begins in these folders.
    pub(super) fn new(starts: &[PlainPath]) -> Queue {
        let folders = starts.iter().cloned().map(Below::Start).collect();
        let left = Left { listings: Vec::new(), folders, active: 0 };
        Queue { left: Mutex::new(left), news: Condvar::new(), stop: AtomicBool::new(false) }
    }

    /// The next job, which lasts until its guard is dropped; waits for one. `None` when the walk is over.
    pub(super) fn next(&self) -> Option<(Job, Ending<'_>)> {
        let mut left = self.lock();
        loop {
            if self.is_stopped() {
                return None;
            }
            let job = left.listings.pop().map(Job::List);
            if let Some(job) = job.or_else(|| left.folders.pop().map(Job::Open)) {
                left.active += 1;
                return Some((job, Ending(self)));
            }
            if left.active == 0 {
                return None;
            }
            left = self.news.wait(left).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Puts folders on the list, and gives a listing that has more to whoever comes.
    pub(super) fn add(&self, folders: impl Iterator<Item = Below>, listing: Option<Listing>) {
        let mut left = self.lock();
        left.folders.extend(folders);
        left.listings.extend(listing);
        drop(left);
        self.news.notify_all();
    }

    /// Ends the walk before its end.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        // with the lock in between nobody misses it who is about to wait
        drop(self.lock());
        self.news.notify_all();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Left> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets everybody know that a job is done, however it ended.
pub(super) struct Ending<'a>(&'a Queue);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            // whoever waits would wait for ever; the panic itself is told when the threads are joined
            self.0.stop();
        }
        let mut left = self.0.lock();
        left.active -= 1;
        let over = left.active == 0 && left.listings.is_empty() && left.folders.is_empty();
        drop(left);
        if over {
            self.0.news.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn who_finds_nothing_waits_for_those_who_may_find_more() {
        let queue = Queue::new(&[PlainPath::default()]);
        let (job, ending) = queue.next().expect("the root");
        assert!(matches!(job, Job::Open(Below::Start(_))));
        thread::scope(|scope| {
            let other = scope.spawn(|| queue.next().is_some());
            thread::sleep(Duration::from_millis(50));
            assert!(!other.is_finished(), "there may be more");
            queue.add([Below::Start(PlainPath::default())].into_iter(), None);
            assert!(other.join().expect("no panic"));
        });
        drop(ending);
        assert!(queue.next().is_none(), "nobody is at work");
    }

    #[test]
    fn who_waits_is_told_of_an_end_or_a_panic() {
        for panics in [false, true] {
            let queue = Queue::new(&[PlainPath::default()]);
            let (_, ending) = queue.next().expect("the root");
            thread::scope(|scope| {
                let other = scope.spawn(|| queue.next().is_none());
                let end = scope.spawn(move || {
                    let _ending = ending;
                    assert!(!panics, "as a fault would");
                });
                assert_eq!(end.join().is_err(), panics);
                assert!(other.join().expect("no panic"));
            });
            assert_eq!(queue.is_stopped(), panics);
        }
    }
}
