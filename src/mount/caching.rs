//! What the kernel may keep, and for how long.

use crate::volume::Stat;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::TryLockError;
use std::time::Duration;
use std::time::SystemTime;

/// Leave for the kernel to answer without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caching {
    /// How long names and attributes stay true where nobody tells of changes.
    pub unwatched: Duration,
    /// How long they do in a directory that is watched.
    pub watched: Duration,
    /// Whether the pages of a file outlive its last close, as long as the file did not change meanwhile.
    pub pages: bool,
    /// Whether the kernel may collect writes and bring them later: when a file is closed or synced, when memory is
    /// short, or after half a minute. Linux only.
    pub write_back: bool,
    /// Whether the kernel keeps no contents at all. Else a read that gives less than the size of a file promises is
    /// filled up with zeros.
    pub direct: bool,
}

impl Default for Caching {
    /// Other machines write into the same folder: short enough that their changes show at once to a person.
    fn default() -> Caching {
        Caching {
            unwatched: Duration::from_secs(1),
            watched: Duration::from_secs(3600),
            pages: true,
            write_back: cfg!(target_os = "linux"),
            direct: false,
        }
    }
}

/// Time after which a further change is certain to give another time stamp (FAT counts in steps of 2 s).
const SETTLED: Duration = Duration::from_secs(2);

/// The contents of a file as we saw them last, be it that we changed them ourselves. Whoever changes the file
/// holds the lock meanwhile, so that own changes are never taken for foreign ones.
#[derive(Debug)]
pub(super) struct Seen(Mutex<Version>);

/// Contents as far as attributes tell them apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Version {
    changed: SystemTime,
    size: u64,
    time: SystemTime,
    /// The time that the file is to have instead.
    owed_time: Option<SystemTime>,
    /// Another program made a change of which nobody was told before we made one: the size that was seen before.
    overtaken: Option<u64>,
}

/// What became of the contents since they were seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Same,
    /// Its names, owner or mode are others; the contents are as they were.
    Renamed,
    /// By another program.
    Changed {
        /// The size that was seen.
        from: u64,
    },
    /// We are about to change them ourselves, or have done so since the look.
    Ours,
}

impl Version {
    fn of(stat: &Stat) -> Version {
        // any change sets the ctime, and nobody can set it back
        Version { changed: stat.ctime, size: stat.size, time: stat.mtime, owed_time: None, overtaken: None }
    }

    /// What the next version is to say of a change by another program that shows `before` we make one.
    fn overtaken_by(&self, before: Option<&Stat>) -> Option<u64> {
        match compare(&mut self.clone(), before?) {
            Verdict::Changed { from } => Some(from),
            Verdict::Same | Verdict::Renamed | Verdict::Ours => None,
        }
    }
}

impl Seen {
    pub(super) fn new(stat: &Stat) -> Seen {
        Seen(Mutex::new(Version::of(stat)))
    }

    /// Makes a change of our own; `look` looks at the file beforehand, and `after` when it is done. The kernel brings
    /// changes long after programs made them, so that others may have changed the file meanwhile.
    pub(super) fn change<T>(
        &self,
        look: impl FnOnce() -> Option<Stat>,
        change: impl FnOnce() -> T,
        after: impl FnOnce(&T) -> Option<Stat>,
    ) -> T {
        let mut seen = self.lock();
        let overtaken = seen.overtaken_by(look().as_ref());
        let done = change();
        if let Some(stat) = after(&done) {
            let now = Version::of(&stat);
            // a change that gave the file a new time has paid
            let owed_time = seen.owed_time.filter(|_| now.time == seen.time);
            *seen = Version { owed_time, overtaken, ..now };
        }
        done
    }

    /// Makes a change of our own that is not to change the file's time, once that has been settled.
    pub(super) fn write_back<T>(
        &self,
        look: impl FnOnce() -> Option<Stat>,
        write: impl FnOnce() -> T,
        after: impl FnOnce() -> Option<Stat>,
    ) -> T {
        let mut seen = self.lock();
        let overtaken = seen.overtaken_by(look().as_ref());
        let time = seen.owed_time.unwrap_or(seen.time);
        let done = write();
        if let Some(stat) = after() {
            *seen = Version { owed_time: Some(time), overtaken, ..Version::of(&stat) };
        }
        done
    }

    /// Settles the time of a file that was written back to, unless another program changed the file since: then
    /// the time is that one's.
    pub(super) fn settle_time(
        &self,
        look: impl FnOnce() -> Option<Stat>,
        settle: impl FnOnce(SystemTime) -> Option<Stat>,
    ) {
        let mut seen = self.lock();
        let Some(time) = seen.owed_time.take() else { return };
        let untouched = |stat: &Stat| compare(&mut seen.clone(), stat) == Verdict::Same;
        if look().as_ref().is_some_and(untouched)
            && let Some(stat) = settle(time)
        {
            *seen = Version::of(&stat);
        }
    }

    /// Somebody says what the time of the file is to be.
    pub(super) fn time_is_set(&self) {
        self.lock().owed_time = None;
    }

    /// Compares what is on disk now, and takes it as seen.
    pub(super) fn look(&self, stat: &Stat) -> Verdict {
        match self.0.try_lock() {
            Ok(mut seen) => compare(&mut seen, stat),
            Err(TryLockError::Poisoned(seen)) => compare(&mut seen.into_inner(), stat),
            Err(TryLockError::WouldBlock) => Verdict::Ours,
        }
    }

    /// The same, without taking it as seen.
    pub(super) fn peek(&self, stat: &Stat) -> Verdict {
        match self.0.try_lock() {
            Ok(seen) => compare(&mut seen.clone(), stat),
            Err(TryLockError::Poisoned(seen)) => compare(&mut seen.into_inner().clone(), stat),
            Err(TryLockError::WouldBlock) => Verdict::Ours,
        }
    }

    /// Looks once nobody is at work on the file.
    pub(super) fn look_patiently(&self, look: impl FnOnce() -> Option<Stat>) -> Verdict {
        let mut seen = self.lock();
        look().map_or(Verdict::Ours, |stat| compare(&mut seen, &stat))
    }

    /// The same, without taking it as seen.
    pub(super) fn peek_patiently(&self, look: impl FnOnce() -> Option<Stat>) -> Verdict {
        let seen = self.lock();
        look().map_or(Verdict::Ours, |stat| compare(&mut seen.clone(), &stat))
    }

    fn lock(&self) -> MutexGuard<'_, Version> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn compare(seen: &mut Version, stat: &Stat) -> Verdict {
    let now = Version::of(stat);
    if now.changed < seen.changed {
        return Verdict::Ours;
    }
    if let Some(from) = seen.overtaken {
        *seen = Version { owed_time: seen.owed_time, ..now };
        return Verdict::Changed { from };
    }
    if (now.changed, now.size) == (seen.changed, seen.size) {
        return Verdict::Same;
    }
    let before = std::mem::replace(seen, Version { owed_time: seen.owed_time, ..now });
    // whoever writes sets the time, and whoever sets it back on purpose after writing in place is no sync client
    if (before.size, before.time) == (now.size, now.time) {
        return Verdict::Renamed;
    }
    Verdict::Changed { from: before.size }
}

/// Whether the last change is so old that a further one would carry another time.
pub(super) fn is_settled(stat: &Stat) -> bool {
    SystemTime::now().duration_since(stat.ctime.max(stat.mtime)).is_ok_and(|age| age > SETTLED)
}

#[cfg(test)]
mod tests {
    use super::super::attr::bare;
    use super::*;
    use crate::volume::FileId;
    use crate::volume::Kind;

    fn changed(ago: Duration, size: u64) -> Stat {
        let mut stat = bare(FileId { dev: 1, ino: 2 }, Kind::File);
        stat.ctime = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000) - ago;
        stat.size = size;
        stat
    }

    #[test]
    fn a_foreign_change_is_noticed_once() {
        let seen = Seen::new(&changed(Duration::from_secs(9), 5));
        let now = changed(Duration::from_secs(3), 7);
        assert_eq!(seen.peek(&now), Verdict::Changed { from: 5 });
        assert_eq!(seen.look(&now), Verdict::Changed { from: 5 });
        assert_eq!(seen.look(&now), Verdict::Same);
    }

    #[test]
    fn an_own_change_is_not_foreign() {
        let before = changed(Duration::from_secs(9), 5);
        let after = changed(Duration::from_secs(3), 7);
        let seen = Seen::new(&before);
        let during = || assert_eq!(seen.look(&after), Verdict::Ours);
        seen.change(|| Some(before.clone()), during, |()| Some(after.clone()));
        assert_eq!(seen.look(&after), Verdict::Same);
        // a look from before our change, acted upon after it
        assert_eq!(seen.look(&before), Verdict::Ours);
    }

    /// The kernel sets a file's time seconds after it was closed, to what it was then.
    #[test]
    fn an_own_change_does_not_hide_a_foreign_one_before_it() {
        let before = changed(Duration::from_secs(9), 5);
        let mut foreign = changed(Duration::from_secs(6), 5);
        foreign.mtime = foreign.ctime;
        let after = changed(Duration::from_secs(3), 5);
        let seen = Seen::new(&before);
        seen.change(|| Some(foreign.clone()), || (), |()| Some(after.clone()));
        assert_eq!(seen.peek(&after), Verdict::Changed { from: 5 });
        // nor does one more
        let last = changed(Duration::from_secs(2), 5);
        seen.write_back(|| Some(after.clone()), || (), || Some(last.clone()));
        assert_eq!(seen.look(&last), Verdict::Changed { from: 5 });
        assert_eq!(seen.look(&last), Verdict::Same);
    }

    #[test]
    fn a_fresh_change_could_be_followed_by_one_with_the_same_time() {
        let mut stat = bare(FileId { dev: 1, ino: 2 }, Kind::File);
        assert!(is_settled(&stat));
        stat.ctime = SystemTime::now();
        assert!(!is_settled(&stat));
        // a time in the future tells nothing
        stat.ctime = SystemTime::now() + Duration::from_secs(3600);
        assert!(!is_settled(&stat));
    }
}
