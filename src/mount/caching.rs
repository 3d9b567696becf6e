//! What the kernel may keep, and for how long.

use crate::volume::Stat;
use std::time::Duration;
use std::time::SystemTime;

/// Leave for the kernel to answer without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caching {
    /// How long attributes stay true.
    pub attributes: Duration,
    /// How long a name stays with its node.
    pub names: Duration,
    /// Whether the pages of a file outlive its last close, as long as the file did not change meanwhile.
    pub pages: bool,
}

impl Default for Caching {
    /// Other machines write into the same folder: short enough that their changes show at once to a person.
    fn default() -> Caching {
        Caching { attributes: Duration::from_secs(1), names: Duration::from_secs(1), pages: true }
    }
}

/// Time after which a further change is certain to give another time stamp (FAT counts in steps of 2 s).
const SETTLED: Duration = Duration::from_secs(2);

/// The contents of a file as far as its attributes tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    mtime: SystemTime,
    ctime: SystemTime,
    size: u64,
}

impl Version {
    /// `None` while the last change is so recent that the next could carry the same time.
    pub(super) fn of(stat: &Stat) -> Option<Version> {
        let age = SystemTime::now().duration_since(stat.mtime.max(stat.ctime)).ok()?;
        (age > SETTLED).then_some(Version { mtime: stat.mtime, ctime: stat.ctime, size: stat.size })
    }
}

#[cfg(test)]
mod tests {
    use super::super::attr::bare;
    use super::*;
    use crate::volume::FileId;
    use crate::volume::Kind;

    fn changed(ago: Duration) -> Stat {
        let mut stat = bare(FileId { dev: 1, ino: 2 }, Kind::File);
        stat.mtime = SystemTime::now() - ago;
        stat.ctime = stat.mtime;
        stat
    }

    #[test]
    fn a_fresh_change_could_be_followed_by_one_with_the_same_time() {
        assert_eq!(Version::of(&changed(Duration::ZERO)), None);
        assert!(Version::of(&changed(Duration::from_secs(10))).is_some());
    }

    #[test]
    fn a_time_in_the_future_tells_nothing() {
        let mut stat = changed(Duration::from_secs(10));
        stat.mtime = SystemTime::now() + Duration::from_secs(3600);
        assert_eq!(Version::of(&stat), None);
    }

    #[test]
    fn times_that_were_set_back_do_not_hide_a_change() {
        let stat = changed(Duration::from_secs(10));
        let mut later = stat.clone();
        later.ctime += Duration::from_secs(5);
        assert_ne!(Version::of(&stat), Version::of(&later));
    }
}
