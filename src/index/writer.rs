//! Rows on their way into the index.
//!
//! The search engine takes rows from every thread, and its own threads write them when its memory is full. What waits for
//! those threads it counts by rows, however large they are; so it is made to finish when what it was given has many bytes.

use super::entry::Key;
use super::row::Row;
use super::store::Note;
use super::{Error, Index};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, TryLockError};
use std::time::{Duration, Instant};
use tantivy::{IndexWriter, Term};

/// Memory for rows that are not written yet, and the threads that write them.
const BUDGET: usize = 48 << 20;
const THREADS_MAX: usize = 2;
/// Bytes of rows that may wait for these threads.
const WAITING_LEN_MAX: usize = 128 << 20;
/// After this long what was added is kept, so that little is lost when a scan is interrupted.
const COMMIT_PERIOD: Duration = Duration::from_secs(60);

/// Writes an index; nobody else does meanwhile.
pub(super) struct Writer<'a> {
    index: &'a Index,
    /// Held for writing while what was added is kept.
    engine: RwLock<IndexWriter>,
    /// What the index said of itself before.
    note: Note,
    /// Bytes of rows that were added since the last commit.
    waiting_len: AtomicUsize,
    waiting_len_max: usize,
    /// When that was. Held by who is about to do it.
    committed: Mutex<Instant>,
}

impl<'a> Writer<'a> {
    /// For `jobs` threads that add rows.
    pub(super) fn new(index: &'a Index, jobs: usize) -> Result<Writer<'a>, Error> {
        let engine = index.engine.writer_with_num_threads(jobs.min(THREADS_MAX), BUDGET)?;
        Ok(Writer {
            index,
            engine: RwLock::new(engine),
            note: Note { scanned: index.note()?.and_then(|note| note.scanned) },
            waiting_len: AtomicUsize::new(0),
            waiting_len_max: WAITING_LEN_MAX,
            committed: Mutex::new(Instant::now()),
        })
    }

    /// Adds a row, or puts it in the place of the one that there is.
    pub(super) fn put(&self, key: Key, row: &Row, is_there: bool) -> Result<(), Error> {
        let document = row.to_document(&self.index.fields, key);
        let engine = self.engine.read().unwrap_or_else(PoisonError::into_inner);
        if is_there {
            engine.delete_term(self.term(key));
        }
        engine.add_document(document)?;
        drop(engine);
        let waiting_len = self.waiting_len.fetch_add(row.len(), Ordering::Relaxed) + row.len();
        if waiting_len < self.waiting_len_max { Ok(()) } else { self.commit_if(|_| true) }
    }

    /// Keeps what was added if that was not done for long.
    pub(super) fn commit_at_times(&self) -> Result<(), Error> {
        self.commit_if(|last| last.elapsed() >= COMMIT_PERIOD)
    }

    /// Whoever finds somebody else at it has nothing to do.
    fn commit_if(&self, is_due: impl FnOnce(&Instant) -> bool) -> Result<(), Error> {
        let mut committed = match self.committed.try_lock() {
            Ok(committed) => committed,
            Err(TryLockError::Poisoned(error)) => error.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(()),
        };
        if !is_due(&committed) {
            return Ok(());
        }
        let mut engine = self.engine.write().unwrap_or_else(PoisonError::into_inner);
        self.waiting_len.store(0, Ordering::Relaxed);
        commit(&mut engine, &self.note)?;
        *committed = Instant::now();
        Ok(())
    }

    /// Keeps what was added, of a scan that goes no further.
    pub(super) fn abandon(self) -> Result<(), Error> {
        let mut engine = self.engine.into_inner().unwrap_or_else(PoisonError::into_inner);
        commit(&mut engine, &self.note)
    }

    /// Takes out the rows of these keys, and keeps what was done. `scanned` is when the last whole scan began, if this was
    /// one; in seconds since 1970.
    pub(super) fn finish(self, gone: &[Key], scanned: Option<u64>) -> Result<(), Error> {
        let mut engine = self.engine.write().unwrap_or_else(PoisonError::into_inner);
        for key in gone {
            engine.delete_term(self.term(*key));
        }
        commit(&mut engine, &Note { scanned: scanned.or(self.note.scanned) })?;
        drop(engine);
        let engine = self.engine.into_inner().unwrap_or_else(PoisonError::into_inner);
        engine.wait_merging_threads()?;
        Ok(())
    }

    fn term(&self, key: Key) -> Term {
        Term::from_field_bytes(self.index.fields.key, &key.bytes())
    }
}

fn commit(engine: &mut IndexWriter, note: &Note) -> Result<(), Error> {
    let mut prepared = engine.prepare_commit()?;
    let note = serde_json::to_string(note).map_err(|error| Error::Engine(error.to_string()))?;
    prepared.set_payload(&note);
    prepared.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::refresh::tests::scratch;
    use super::*;
    use crate::volume::{PlainPath, Target};
    use std::ffi::OsStr;
    use std::thread;

    fn row(volume: &crate::volume::Volume, name: &str, text_len: usize) -> (Key, Row) {
        let stat = volume.stat(Target::Dir(&volume.root())).expect("there");
        let path = PlainPath::parse(OsStr::new(name)).expect("within");
        let mut row = Row::new(path, name.into(), &stat, 1);
        row.entry.text = "word ".repeat(text_len / 5);
        (Key::of(b"", name.as_bytes()), row)
    }

    #[test]
    fn rows_do_not_pile_up() {
        let (_folder, volume, place) = scratch();
        place.make().expect("our own folder");
        let index = Index::create(&place).expect("an empty folder");
        let writer = Writer { waiting_len_max: 100_000, ..Writer::new(&index, 1).expect("nobody else") };
        let kept = |index: &Index| index.searcher().expect("whole").num_docs();
        for number in 0..9 {
            let (key, row) = row(&volume, &number.to_string(), 10_000);
            writer.put(key, &row, false).expect("a row");
        }
        assert_eq!(kept(&index), 0, "they are few yet");
        let committing = writer.committed.lock().expect("nobody");
        let (key, tenth) = row(&volume, "9", 10_000);
        writer.put(key, &tenth, false).expect("somebody else is at it");
        assert_eq!(kept(&index), 0);
        drop(committing);
        let (key, eleventh) = row(&volume, "10", 0);
        writer.put(key, &eleventh, false).expect("a row");
        assert_eq!((kept(&index), writer.waiting_len.load(Ordering::Relaxed)), (11, 0));
        writer.put(key, &eleventh, true).expect("a row in its place");
        writer.abandon().expect("kept");
        assert_eq!(kept(&index), 11);
    }

    #[test]
    fn why_a_thread_of_the_engine_died_is_told() {
        let (_folder, volume, place) = scratch();
        place.make().expect("our own folder");
        let index = Index::create(&place).expect("an empty folder");
        let writer = Writer::new(&index, 1).expect("nobody else writes");
        std::fs::remove_dir_all(place.folder()).expect("our own folder");
        let (key, row) = row(&volume, "a", 0);
        let add = |_| {
            thread::sleep(Duration::from_millis(5));
            writer.put(key, &row, false).err()
        };
        let error = (0..2000).find_map(add).expect("it cannot write");
        assert!(matches!(error, Error::Engine(_)), "{error}");
        let error = index.cause(error);
        assert!(
            matches!(&error, Error::Io(source) if source.kind() == std::io::ErrorKind::NotFound),
            "{error}"
        );
    }
}
