//! What the index knew when a scan began, small enough for a million entries.

use super::entry::{Key, nanoseconds};
use super::schema::column;
use super::words::folded;
use super::{Error, Index};
use crate::volume::{PlainPath, Stat};
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tantivy::collector::DocSetCollector;
use tantivy::query::TermQuery;
use tantivy::schema::IndexRecordOption;
use tantivy::{Searcher, Term};

/// The stamp of an entry that is to be read again by all means.
pub(super) const STALE: u64 = 0;

/// A file that changed this shortly before it was read may change again without its time telling.
const TICK: Duration = Duration::from_millis(50);
/// The same where times are kept in seconds.
const COARSE_TICK: Duration = Duration::from_secs(2);

/// The keys of all entries, their stamps and parents, and which of them were met.
pub(super) struct Known {
    /// By key.
    rows: Vec<KnownRow>,
    met: Vec<AtomicU64>,
}

/// 32 bytes.
#[derive(Debug, Clone, Copy)]
struct KnownRow {
    key: Key,
    stamp: u64,
    /// The low half of the folder's key.
    parent: u64,
}

impl Known {
    pub(super) fn nothing() -> Known {
        Known { rows: Vec::new(), met: Vec::new() }
    }

    /// Everything that the index has.
    pub(super) fn load(searcher: &Searcher) -> Result<Known, Error> {
        let mut rows = Vec::with_capacity(searcher.num_docs() as usize);
        for segment in searcher.segment_readers() {
            let columns = segment.fast_fields();
            let (high, low) = (columns.u64(column::KEY_HIGH)?, columns.u64(column::KEY_LOW)?);
            let (stamps, parents) = (columns.u64(column::STAMP)?, columns.u64(column::PARENT)?);
            for row in segment.doc_ids_alive() {
                if let (Some(high), Some(low), Some(parent)) =
                    (high.first(row), low.first(row), parents.first(row))
                {
                    let (key, stamp) = (Key::new(high, low), stamps.first(row).unwrap_or(STALE));
                    rows.push(KnownRow { key, stamp, parent });
                }
            }
        }
        rows.sort_unstable_by_key(|row| row.key);
        let met = (0..rows.len().div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Ok(Known { rows, met })
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The stamp of an entry, which counts as met from now on; `None` if it is new.
    pub(super) fn meet(&self, key: Key) -> Option<u64> {
        let at = self.find(key)?;
        self.met[at / 64].fetch_or(1 << (at % 64), Ordering::Relaxed);
        Some(self.rows[at].stamp)
    }

    /// Whether there is such an entry; it need not count as met.
    pub(super) fn has(&self, key: Key) -> bool {
        self.find(key).is_some()
    }

    fn find(&self, key: Key) -> Option<usize> {
        self.rows.binary_search_by_key(&key, |row| row.key).ok()
    }

    fn is_met(&self, at: usize) -> bool {
        self.met[at / 64].load(Ordering::Relaxed) & 1 << (at % 64) != 0
    }

    /// Counts everything below these folders as met: what could not be seen is not gone.
    pub(super) fn keep(&self, index: &Index, folders: &[PlainPath]) -> Result<(), Error> {
        let searcher = index.searcher()?;
        for folder in folders {
            let path = folded(&format!("/{}", folder.to_path().to_string_lossy()));
            let below = Term::from_field_text(index.fields.folder, &path);
            let rows: HashSet<_> =
                searcher.search(&TermQuery::new(below, IndexRecordOption::Basic), &DocSetCollector)?;
            for (number, segment) in searcher.segment_readers().iter().enumerate() {
                let columns = segment.fast_fields();
                let (high, low) = (columns.u64(column::KEY_HIGH)?, columns.u64(column::KEY_LOW)?);
                for row in rows.iter().filter(|row| row.segment_ord as usize == number) {
                    if let (Some(high), Some(low)) = (high.first(row.doc_id), low.first(row.doc_id)) {
                        self.meet(Key::new(high, low));
                    }
                }
            }
        }
        Ok(())
    }

    /// The keys that were not met.
    pub(super) fn missed(&self) -> Vec<Key> {
        let rows = self.rows.iter().enumerate();
        rows.filter(|(at, _)| !self.is_met(*at)).map(|(_, row)| row.key).collect()
    }

    /// The keys in these folders that were not met, and of all that is below; they count as met from now on.
    pub(super) fn missed_in(&self, folders: &[Key]) -> Vec<Key> {
        let mut parents: HashSet<u64> = folders.iter().map(|folder| folder.low()).collect();
        let mut gone = Vec::new();
        while !parents.is_empty() {
            let rows = self.rows.iter().enumerate();
            let missed = rows.filter(|(at, row)| parents.contains(&row.parent) && !self.is_met(*at));
            let missed: Vec<Key> = missed.map(|(_, row)| row.key).collect();
            parents = missed.iter().map(|key| key.low()).collect();
            for key in &missed {
                self.meet(*key);
            }
            gone.extend(missed);
        }
        gone
    }
}

/// What stays the same as long as an entry does: size, time and inode, with the kind and the path on disk: a name
/// in a folder, whose path ends with a slash unless it is the root.
pub(super) fn stamp(stat: &Stat, cipher_folder: &[u8], cipher_name: &[u8]) -> u64 {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    for number in [stat.id.ino, stat.cipher_size, stat.kind as u64, nanoseconds(stat.mtime) as u64] {
        hash.update(number.to_le_bytes());
    }
    let digest: [u8; 32] = hash.chain_update(cipher_folder).chain_update(cipher_name).finalize().into();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_le_bytes(first).max(STALE + 1)
}

/// Whether a file that was read from `began` on may have changed since without its time telling. A clock that is a little
/// ahead, of a server or of a system that rounds up, tells as little.
pub(super) fn may_hide_a_change(stat: &Stat, began: SystemTime) -> bool {
    let ahead = stat.mtime.duration_since(began).unwrap_or_default();
    is_fresh(stat, began) || (Duration::from_nanos(1)..COARSE_TICK).contains(&ahead)
}

/// Whether a file read at `now` may have changed since without its time telling.
fn is_fresh(stat: &Stat, now: SystemTime) -> bool {
    let tick = if nanoseconds(stat.mtime) % 1_000_000_000 == 0 { COARSE_TICK } else { TICK };
    now.duration_since(stat.mtime).is_ok_and(|age| age < tick)
}

#[cfg(test)]
mod tests {
    use super::super::refresh::tests::{Unwatched, scratch};
    use super::super::{ScanOptions, refresh};
    use super::*;
    use crate::volume::{FileId, Kind, OpenFile};
    use std::ffi::OsStr;
    use std::time::UNIX_EPOCH;

    fn stat(mtime: SystemTime) -> Stat {
        Stat {
            id: FileId { dev: 1, ino: 2 },
            kind: Kind::File,
            size: 3,
            cipher_size: 11,
            blocks: 8,
            mode: 0o644,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            atime: mtime,
            mtime,
            ctime: mtime,
            btime: None,
        }
    }

    #[test]
    fn a_stamp_tells_size_time_inode_and_path() {
        let time = UNIX_EPOCH + Duration::new(1_700_000_000, 5);
        let of = |change: fn(&mut Stat), path: &[u8]| {
            let mut stat = stat(time);
            change(&mut stat);
            stamp(&stat, b"x/", path)
        };
        let same = of(|_| {}, b"a/b");
        assert_eq!(of(|stat| stat.mode = 0o600, b"a/b"), same);
        assert_ne!(of(|_| {}, b"a/c"), same);
        assert_eq!(stamp(&stat(time), b"x/a/", b"b"), same, "wherever the path is cut");
        for change in [
            (|stat| stat.id.ino = 3) as fn(&mut Stat),
            |stat| stat.cipher_size = 12,
            |stat| stat.mtime += Duration::from_nanos(1),
            |stat| stat.kind = Kind::Symlink,
        ] {
            assert_ne!(of(change, b"a/b"), same);
        }
    }

    #[test]
    fn a_time_of_just_now_may_hide_another_change() {
        let fine = UNIX_EPOCH + Duration::new(1_700_000_000, 5);
        let coarse = UNIX_EPOCH + Duration::new(1_700_000_000, 0);
        let after = |mtime: SystemTime, ms| is_fresh(&stat(mtime), mtime + Duration::from_millis(ms));
        assert!(after(fine, 10) && !after(fine, 60));
        assert!(after(coarse, 60) && after(coarse, 1900) && !after(coarse, 2100));
        assert!(!is_fresh(&stat(fine), coarse), "a time to come is as good as any");
    }

    #[test]
    fn a_time_a_little_ahead_may_hide_another_change_too() {
        let began = UNIX_EPOCH + Duration::new(1_700_000_000, 500);
        let of = |mtime: SystemTime| may_hide_a_change(&stat(mtime), began);
        let ms = Duration::from_millis;
        assert!(of(began) && of(began + Duration::from_nanos(1)) && of(began + ms(1900)));
        assert!(of(began - ms(10)) && !of(began - ms(60)));
        assert!(!of(began + ms(2100)) && !of(began + ms(3_600_000)), "it would be read by every scan");
    }

    #[test]
    fn what_was_met_is_not_missed() {
        let row = |number| KnownRow { key: Key::new(number, number), stamp: number + 1, parent: 0 };
        let rows: Vec<_> = (0..200_u64).map(row).collect();
        let met = (0..4).map(|_| AtomicU64::new(0)).collect();
        let known = Known { rows, met };
        assert_eq!(known.meet(Key::new(7, 7)), Some(8));
        assert_eq!(known.meet(Key::new(7, 8)), None);
        for number in (0..200).filter(|number| number % 3 > 0) {
            known.meet(Key::new(number, number));
        }
        let expected: Vec<_> =
            (0..200).filter(|number| number % 3 == 0).map(|number| Key::new(number, number)).collect();
        assert_eq!(known.missed(), expected);
    }

    #[test]
    fn what_is_missed_in_a_folder_takes_what_is_below_with_it() {
        let parents = [(1, 0), (2, 0), (3, 1), (4, 3), (5, 2), (6, 2)];
        let row = |(number, parent)| KnownRow { key: Key::new(0, number), stamp: 1, parent };
        let known = Known { rows: parents.map(row).to_vec(), met: vec![AtomicU64::new(0)] };
        known.meet(Key::new(0, 2));
        known.meet(Key::new(0, 5));
        let low = |keys: Vec<Key>| keys.into_iter().map(Key::low).collect::<Vec<_>>();
        assert_eq!(low(known.missed_in(&[Key::ROOT])), [1, 3, 4]);
        assert_eq!(low(known.missed_in(&[Key::ROOT])), [0; 0], "nothing twice");
        assert_eq!(low(known.missed_in(&[Key::new(0, 2)])), [6]);
        assert_eq!(low(known.missed_in(&[])), [0; 0]);
        assert!(known.has(Key::new(0, 6)) && !known.has(Key::new(0, 7)));
    }

    #[test]
    fn what_is_below_a_folder_that_could_not_be_listed_counts_as_met() {
        let (_folder, volume, place) = scratch();
        let mut dir = volume.root();
        for name in ["Ärger", "deep"].map(OsStr::new) {
            volume.mkdir(&dir, name, 0o700, None).expect("a fresh name");
            dir = volume.open_dir(&dir, name).expect("just made");
        }
        let how = OpenFile { write: true, ..OpenFile::default() };
        for (dir, name) in [(&dir, "a.txt"), (&volume.root(), "b.txt")] {
            volume.create_file(dir, OsStr::new(name), 0o600, true, how, None).expect("a fresh name");
        }
        refresh(&place, &volume, ScanOptions::default(), &mut Unwatched).expect("a scan");

        let index = Index::open(&place).expect("just made");
        let known = Known::load(&index.searcher().expect("sound")).expect("sound");
        assert_eq!((known.len(), known.missed().len()), (4, 4));
        known.keep(&index, &[PlainPath::parse(OsStr::new("Ärger")).expect("within")]).expect("sound");
        let mut missed = known.missed();
        let mut expected = vec![Key::of(b"", "Ärger".as_bytes()), Key::of(b"", b"b.txt")];
        missed.sort();
        expected.sort();
        assert_eq!(missed, expected);
    }
}
