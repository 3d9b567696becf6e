//! Filling an index: a walk over the volume by several threads, that reads only what changed.
//!
//! A folder is listed as it is worked on: a thread takes the next few names from it, and leaves it to others while it looks
//! at these. Folders below are put on a list, which is gone to when no listing is at hand. So no more listings are open than
//! there are threads, and what is waiting is never more than the folders beside the way down.

use super::entry::Key;
use super::known::{self, Known};
use super::look::{Reader, is_gone};
use super::row::Row;
use super::schema::column;
use super::store::Note;
use super::words::folded;
use super::writer::Writer;
use super::{Error, Index, Progress, Summary};
use crate::volume::{self, Dir, DirEntry, Entries, Fault, Kind, PlainPath, Volume};
use std::collections::HashSet;
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};
use tantivy::Term;
use tantivy::collector::DocSetCollector;
use tantivy::query::TermQuery;
use tantivy::schema::IndexRecordOption;

/// More threads than this gain nothing.
const JOBS_MAX: usize = 16;
/// As the first thread of a program has it: previews are used to that.
const STACK_LEN: usize = 8 << 20;
/// Entries that a thread takes at once.
const LOT_LEN: usize = 32;

/// Walks over the volume, and makes the index what it finds.
pub(super) fn scan(
    index: &Index,
    volume: &Volume,
    jobs: Option<NonZeroUsize>,
    progress: &mut dyn Progress,
) -> Result<Summary, Error> {
    let jobs = jobs.or_else(|| thread::available_parallelism().ok());
    let jobs = jobs.map_or(1, NonZeroUsize::get).min(JOBS_MAX);
    let began = SystemTime::now();
    let writer = Writer::new(index, jobs)?;
    let searcher = index.searcher()?;
    let known = if searcher.num_docs() == 0 { Known::nothing() } else { Known::load(&searcher)? };
    progress.begins(known.len() as u64);
    let scan = Scan {
        volume,
        index,
        writer,
        known,
        queue: Mutex::new(Queue { listings: Vec::new(), folders: vec![Below::Root], active: 0 }),
        news: Condvar::new(),
        report: Mutex::new(Report { progress, summary: Summary::default(), fatal: None }),
        stop: AtomicBool::new(false),
        large: Mutex::new(()),
        unlisted: Mutex::new(Vec::new()),
    };
    thread::scope(|scope| {
        for number in 0..jobs {
            let thread = thread::Builder::new().stack_size(STACK_LEN);
            match thread.spawn_scoped(scope, || scan.work()) {
                Ok(_) => {}
                // fewer will do
                Err(error) if number > 0 => tracing::debug!(%error, "no more threads"),
                Err(error) => scan.fail(Error::Io(Arc::new(error))),
            }
        }
    });
    scan.end(began)
}

/// What all threads share.
struct Scan<'a> {
    volume: &'a Volume,
    index: &'a Index,
    writer: Writer<'a>,
    known: Known,
    queue: Mutex<Queue>,
    /// There may be something to do, or nothing ever more.
    news: Condvar,
    report: Mutex<Report<'a>>,
    stop: AtomicBool,
    /// Held by whoever previews a large file.
    large: Mutex<()>,
    /// Folders whose entries are unknown, because they could not be listed.
    unlisted: Mutex<Vec<PlainPath>>,
}

/// What is to be done; the last of each is taken first.
struct Queue {
    listings: Vec<Listing>,
    /// Gone to when there is no listing.
    folders: Vec<Below>,
    active: usize,
}

enum Job {
    List(Listing),
    Open(Below),
}

/// A folder that was not opened yet.
enum Below {
    Root,
    Folder { above: Arc<Folder>, name: OsString },
}

/// A folder with entries that nobody has taken yet.
struct Listing {
    folder: Arc<Folder>,
    entries: Entries,
}

struct Folder {
    dir: Dir,
    path: PlainPath,
    /// What the paths of its entries begin with, up to the last slash: as they are shown, and on disk.
    prefix: Vec<u8>,
    cipher_prefix: Vec<u8>,
}

impl Folder {
    fn new(dir: Dir, path: PlainPath) -> Folder {
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

struct Report<'a> {
    progress: &'a mut dyn Progress,
    summary: Summary,
    fatal: Option<Error>,
}

impl Scan<'_> {
    /// The life of a thread.
    fn work(&self) {
        let mut reader = Reader::new(self.volume, &self.large);
        let mut lot = Vec::with_capacity(LOT_LEN);
        while let Some(job) = self.next_job() {
            let ending = Ending(self);
            if let Err(error) = self.carry_out(job, &mut lot, &mut reader) {
                self.fail(error);
            }
            drop(ending);
        }
    }

    fn next_job(&self) -> Option<Job> {
        let mut queue = lock(&self.queue);
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return None;
            }
            let job = queue.listings.pop().map(Job::List);
            if let Some(job) = job.or_else(|| queue.folders.pop().map(Job::Open)) {
                queue.active += 1;
                return Some(job);
            }
            if queue.active == 0 {
                return None;
            }
            queue = self.news.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn carry_out(&self, job: Job, lot: &mut Vec<DirEntry>, reader: &mut Reader<'_>) -> Result<(), Error> {
        let listing = match job {
            Job::List(listing) => Some(listing),
            Job::Open(below) => self.open(below)?,
        };
        let Some(listing) = listing else { return Ok(()) };
        let folder = Arc::clone(&listing.folder);
        self.take_lot(listing, lot)?;
        for entry in lot.drain(..) {
            if self.begin_entry() {
                break;
            }
            self.entry(&folder, &entry, reader)?;
        }
        self.writer.commit_at_times()
    }

    /// Begins to list a folder; `None` if there is nothing to be had.
    fn open(&self, below: Below) -> Result<Option<Listing>, Error> {
        let (above, name) = match below {
            Below::Root => {
                let folder = Folder::new(self.volume.root(), PlainPath::default());
                let entries = self.volume.entries(&folder.dir).map_err(Error::entry(&folder.path))?;
                return Ok(Some(Listing { folder: Arc::new(folder), entries }));
            }
            Below::Folder { above, name } => (above, name),
        };
        let path = above.path.join(&name);
        let opened = self.volume.open_dir(&above.dir, &name).and_then(|dir| {
            let entries = self.volume.entries(&dir)?;
            Ok((dir, entries))
        });
        match opened {
            Ok((dir, entries)) => Ok(Some(Listing { folder: Arc::new(Folder::new(dir, path)), entries })),
            Err(error) => {
                self.cannot_list(path, error);
                Ok(None)
            }
        }
    }

    /// Takes the next entries of a folder, and leaves the others to whoever comes.
    fn take_lot(&self, mut listing: Listing, lot: &mut Vec<DirEntry>) -> Result<(), Error> {
        lot.clear();
        let mut whole = false;
        while lot.len() < LOT_LEN {
            match listing.entries.next() {
                Some(Ok(entry)) => lot.push(entry),
                Some(Err(error)) if listing.folder.path.is_root() => {
                    return Err(Error::entry(&listing.folder.path)(error));
                }
                Some(Err(error)) => {
                    self.cannot_list(listing.folder.path.clone(), error);
                    whole = true;
                    break;
                }
                None => {
                    whole = true;
                    break;
                }
            }
        }
        let folders = lot.iter().filter(|entry| entry.kind == Kind::Dir);
        let folders = folders
            .map(|entry| Below::Folder { above: Arc::clone(&listing.folder), name: entry.name.clone() });
        let mut queue = lock(&self.queue);
        queue.folders.extend(folders);
        if !whole {
            queue.listings.push(listing);
        }
        drop(queue);
        self.news.notify_all();
        Ok(())
    }

    /// What is in such a folder stays as it was, unless the folder itself is gone.
    fn cannot_list(&self, path: PlainPath, error: volume::Error) {
        if !is_gone(&error) {
            self.complain(Error::entry(&path)(error));
            lock(&self.unlisted).push(path);
        }
    }

    /// Counts an entry; true if the scan stops before it.
    fn begin_entry(&self) -> bool {
        if self.is_stopped() {
            return true;
        }
        lock(&self.report).progress.item();
        false
    }

    /// Looks at one entry, and reads it if it is not what it was.
    fn entry(&self, folder: &Folder, entry: &DirEntry, reader: &mut Reader<'_>) -> Result<(), Error> {
        let key = Key::of(&folder.prefix, entry.name.as_bytes());
        let stat = match self.volume.stat_cipher_name(&folder.dir, &entry.cipher_name) {
            Ok(stat) => stat,
            Err(error) if is_gone(&error) => return Ok(()),
            Err(error) => {
                self.known.meet(key);
                self.complain(Error::entry(&folder.path.join(&entry.name))(error));
                return Ok(());
            }
        };
        let stamp = known::stamp(&stat, &folder.cipher_prefix, entry.cipher_name.as_bytes());
        let before = self.known.meet(key);
        if before == Some(stamp) {
            return Ok(());
        }
        let cipher_path = [&folder.cipher_prefix, entry.cipher_name.as_bytes()].concat();
        let cipher_path = OsString::from_vec(cipher_path).into();
        let mut row = Row::new(folder.path.join(&entry.name), cipher_path, &stat, stamp);
        row.entry.flags.copy = entry.copy_of.is_some();
        if !self.read(folder, entry, &mut row, reader) {
            return Ok(());
        }
        self.writer.put(key, &row, before.is_some())?;
        let mut report = lock(&self.report);
        match before {
            Some(_) => report.summary.changed += 1,
            None => report.summary.added += 1,
        }
        Ok(())
    }

    /// Fills in what is inside; false if the entry is gone, or the scan stops.
    fn read(&self, folder: &Folder, entry: &DirEntry, row: &mut Row, reader: &mut Reader<'_>) -> bool {
        let found = match entry.kind {
            Kind::File => reader.look(&folder.dir, &entry.name, &|| self.is_stopped()),
            Kind::Symlink => {
                return match self.volume.readlink(&folder.dir, &entry.name) {
                    Ok(target) => {
                        row.entry.size = target.len() as u64;
                        row.entry.text = target.to_string_lossy().into_owned();
                        true
                    }
                    Err(error) => self.bad(row, error),
                };
            }
            _ => return true,
        };
        match found {
            Ok(Some(look)) => {
                let mut report = lock(&self.report);
                report.summary.bytes += look.read_len;
                report.progress.bytes(look.read_len);
                drop(report);
                if let Some(error) = row.take(look) {
                    self.bad(row, error);
                }
                true
            }
            Ok(None) => false,
            Err(error) => self.bad(row, error),
        }
    }

    /// Notes that an entry could not be read, or not all of it; false if it is gone.
    fn bad(&self, row: &mut Row, error: volume::Error) -> bool {
        if is_gone(&error) {
            return false;
        }
        if matches!(error.fault, Fault::Sys(_)) {
            row.read_again(); // it may be better next time
        }
        row.entry.flags.damaged = true;
        self.complain(Error::entry(&row.entry.path)(error));
        true
    }

    fn complain(&self, error: Error) {
        let mut report = lock(&self.report);
        report.summary.failed += 1;
        report.progress.failed(&error);
    }

    /// Ends everything; the first error counts.
    fn fail(&self, error: Error) {
        lock(&self.report).fatal.get_or_insert(error);
        self.stop();
    }

    fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        // with the lock in between nobody misses it who is about to wait
        drop(lock(&self.queue));
        self.news.notify_all();
    }

    fn is_stopped(&self) -> bool {
        if lock(&self.report).progress.stopped() {
            self.fail(Error::Interrupted);
        }
        self.stop.load(Ordering::Relaxed)
    }

    /// Keeps what was done; after a whole scan takes out what is there no more.
    fn end(self, began: SystemTime) -> Result<Summary, Error> {
        let report = self.report.into_inner().unwrap_or_else(PoisonError::into_inner);
        match report.fatal {
            Some(Error::Interrupted) => {
                self.writer.abandon()?;
                return Err(Error::Interrupted);
            }
            Some(error) => return Err(self.writer.cause(error)),
            None => {}
        }
        report.progress.settling();
        let unlisted = self.unlisted.into_inner().unwrap_or_else(PoisonError::into_inner);
        if !unlisted.is_empty() {
            keep(self.index, &self.known, &unlisted)?;
        }
        let mut summary = report.summary;
        let seconds = began.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        summary.removed = self.writer.finish(self.known.missed(), &Note { scanned: Some(seconds) })?;
        summary.entries = self.index.searcher()?.num_docs();
        Ok(summary)
    }
}

/// Lets everybody know that a job is done, however it ended.
struct Ending<'s, 'a>(&'s Scan<'a>);

impl Drop for Ending<'_, '_> {
    fn drop(&mut self) {
        if thread::panicking() {
            // whoever waits would wait for ever; the panic itself is told when the threads are joined
            self.0.stop();
        }
        let mut queue = lock(&self.0.queue);
        queue.active -= 1;
        let over = queue.active == 0 && queue.listings.is_empty() && queue.folders.is_empty();
        drop(queue);
        if over {
            self.0.news.notify_all();
        }
    }
}

/// Counts everything below these folders as met: what could not be seen is not gone.
fn keep(index: &Index, known: &Known, folders: &[PlainPath]) -> Result<(), Error> {
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
                    known.meet(Key::new(high, low));
                }
            }
        }
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::{Place, ScanOptions, refresh};
    use super::*;
    use crate::config::{Config, Profile};
    use crate::crypto::Password;
    use crate::volume::{OpenFile, OpenOptions, create, fill_random, find_config};
    use std::ffi::OsStr;
    use tempfile::{TempDir, tempdir};

    struct Unwatched;

    impl Progress for Unwatched {}

    /// An empty volume, and a place for its index.
    pub(in super::super) fn scratch() -> (TempDir, Volume, Place) {
        let folder = tempdir().expect("scratch");
        let (root, cache) = (folder.path().join("volume"), folder.path().join("cache"));
        std::fs::create_dir(&root).expect("our own folder");
        let password = Password::new(b"secret".to_vec()).expect("not empty");
        let config = Config::create(&Profile::Sync.parameters(), &password, 10, fill_random).expect("legal");
        create(&root, &config, false).expect("an empty folder");
        let found = find_config(&root).expect("just made");
        let volume = Volume::open(&root, &found, &password, OpenOptions::default()).expect("the password");
        let place = Place::of(&volume, &cache).expect("outside");
        (folder, volume, place)
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
        assert_eq!((known.len(), known.missed().count()), (4, 4));
        keep(&index, &known, &[PlainPath::parse(OsStr::new("Ärger")).expect("within")]).expect("sound");
        let mut missed: Vec<Key> = known.missed().collect();
        let mut expected = vec![Key::of(b"", "Ärger".as_bytes()), Key::of(b"", b"b.txt")];
        missed.sort();
        expected.sort();
        assert_eq!(missed, expected);
    }
}
