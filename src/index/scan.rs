//! Filling an index, and keeping it true: a walk over the volume by several threads, that reads only what changed.
//!
//! A folder is listed by one thread, and its entries are handed out in small lots. Lots come before folders, so what is
//! waiting is never more than the folders beside the way down. The search engine takes rows from every thread, and
//! writes them when its memory is full.

use super::entry::{Entry, FOLDER, Flags, Key, LINK, SPECIAL};
use super::known::{self, Known, STALE};
use super::look::{Look, Reader, is_gone};
use super::schema::column;
use super::store::Note;
use super::words::folded;
use super::{Error, Index, Place, Progress, Summary};
use crate::preview::{self, Fact};
use crate::volume::{self, Dir, DirEntry, Fault, Kind, PlainPath, Stat, Volume};
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::num::NonZeroUsize;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tantivy::collector::DocSetCollector;
use tantivy::query::TermQuery;
use tantivy::schema::IndexRecordOption;
use tantivy::{IndexWriter, Term};

/// More threads than this gain nothing.
const JOBS_MAX: usize = 16;
/// As the first thread of a program has it: previews are used to that.
const STACK_LEN: usize = 8 << 20;
/// Entries that a thread takes at once.
const LOT_LEN: usize = 32;
/// Memory for rows that are not written yet, and the threads that write them.
const BUDGET: usize = 48 << 20;
const WRITERS_MAX: usize = 2;
/// After this long a scan keeps what it has, so that little is lost when it is interrupted.
const COMMIT_PERIOD: Duration = Duration::from_secs(60);

/// How an index is brought up to date.
#[derive(Debug, Clone, Copy, Default)]
pub struct ScanOptions {
    /// Everything is read again.
    pub rebuild: bool,
    /// Threads; as many as the machine runs at once if nobody says, 16 at the most.
    pub jobs: Option<NonZeroUsize>,
}

/// Brings the index of a volume up to date, and makes it if there is none. One that is damaged, foreign or of another
/// version is made anew. What was done until an interruption stays.
pub fn refresh(
    place: &Place,
    volume: &Volume,
    options: ScanOptions,
    progress: &mut dyn Progress,
) -> Result<Summary, Error> {
    place.make()?;
    let opened = match Index::open(place) {
        Ok(_) if options.rebuild => None,
        Err(Error::Missing | Error::Damaged) => None,
        opened => Some(opened?),
    };
    let was_there = place.is_there();
    let is_new = opened.is_none();
    if let Some(index) = opened {
        match scan(&index, volume, options, progress) {
            Err(Error::Damaged) => tracing::warn!("the index is damaged, and is made anew"),
            done => return done,
        }
    }
    place.empty()?;
    let mut summary = scan(&Index::create(place)?, volume, options, progress)?;
    summary.rebuilt = !options.rebuild && (was_there || !is_new);
    Ok(summary)
}

fn scan(
    index: &Index,
    volume: &Volume,
    options: ScanOptions,
    progress: &mut dyn Progress,
) -> Result<Summary, Error> {
    let jobs = options.jobs.or_else(|| thread::available_parallelism().ok());
    let jobs = jobs.map_or(1, NonZeroUsize::get).min(JOBS_MAX);
    let began = SystemTime::now();
    let last_whole = index.note()?.and_then(|note| note.scanned);
    let writer = index.engine.writer_with_num_threads(jobs.min(WRITERS_MAX), BUDGET)?;
    let searcher = index.searcher()?;
    let known = if searcher.num_docs() == 0 { Known::nothing() } else { Known::load(&searcher)? };
    progress.begins(known.len() as u64);
    let scan = Scan {
        volume,
        index,
        writer: RwLock::new(writer),
        known,
        queue: Mutex::new(Queue { jobs: vec![Job::Root], active: 0 }),
        news: Condvar::new(),
        report: Mutex::new(Report { progress, summary: Summary::default(), fatal: None }),
        stop: AtomicBool::new(false),
        large: Mutex::new(()),
        unlisted: Mutex::new(Vec::new()),
        note: Note { scanned: last_whole },
        committed: Mutex::new(Instant::now()),
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
    /// Held for writing while what was added is kept.
    writer: RwLock<IndexWriter>,
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
    /// What the index said of itself before.
    note: Note,
    committed: Mutex<Instant>,
}

struct Queue {
    /// The last is taken first.
    jobs: Vec<Job>,
    active: usize,
}

enum Job {
    Root,
    Folder { above: Arc<Folder>, name: OsString },
    Lot { folder: Arc<Folder>, entries: Vec<DirEntry> },
}

struct Folder {
    dir: Dir,
    path: PlainPath,
    cipher_path: Vec<u8>,
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
        while let Some(job) = self.next_job() {
            let ending = Ending(self);
            if let Err(error) = self.carry_out(job, &mut reader) {
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
            if let Some(job) = queue.jobs.pop() {
                queue.active += 1;
                return Some(job);
            }
            if queue.active == 0 {
                return None;
            }
            queue = self.news.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn carry_out(&self, job: Job, reader: &mut Reader<'_>) -> Result<(), Error> {
        match job {
            Job::Root => {
                let folder =
                    Folder { dir: self.volume.root(), path: PlainPath::default(), cipher_path: Vec::new() };
                let entries = self.volume.list(&folder.dir).map_err(Error::entry(&folder.path))?;
                self.hand_out(folder, entries);
            }
            Job::Folder { above, name } => {
                let path = above.path.join(&name);
                let listed = self.volume.open_dir(&above.dir, &name).and_then(|dir| {
                    let entries = self.volume.list(&dir)?;
                    Ok((dir, entries))
                });
                match listed {
                    Ok((dir, entries)) => {
                        let cipher_path = dir.cipher_path().into_os_string().into_vec();
                        self.hand_out(Folder { dir, path, cipher_path }, entries);
                    }
                    Err(error) if is_gone(&error) => {}
                    Err(error) => {
                        self.complain(Error::entry(&path)(error));
                        lock(&self.unlisted).push(path);
                    }
                }
            }
            Job::Lot { folder, entries } => {
                for entry in &entries {
                    if self.is_stopped() {
                        break;
                    }
                    self.entry(&folder, entry, reader)?;
                }
                self.commit_at_times()?;
            }
        }
        Ok(())
    }

    /// Puts the folders below and the lots of a folder on the list, lots to be taken first.
    fn hand_out(&self, folder: Folder, mut entries: Vec<DirEntry>) {
        let folder = Arc::new(folder);
        let mut jobs: Vec<Job> = entries
            .iter()
            .filter(|entry| entry.kind == Kind::Dir)
            .map(|entry| Job::Folder { above: Arc::clone(&folder), name: entry.name.clone() })
            .collect();
        while !entries.is_empty() {
            let lot = entries.split_off(entries.len().saturating_sub(LOT_LEN));
            jobs.push(Job::Lot { folder: Arc::clone(&folder), entries: lot });
        }
        lock(&self.queue).jobs.extend(jobs);
        self.news.notify_all();
    }

    /// Looks at one entry, and reads it if it is not what it was.
    fn entry(&self, folder: &Folder, entry: &DirEntry, reader: &mut Reader<'_>) -> Result<(), Error> {
        lock(&self.report).progress.item();
        let path = folder.path.join(&entry.name);
        let key = Key::of(path.to_path().as_os_str().as_bytes());
        let stat = match self.volume.stat_cipher_name(&folder.dir, &entry.cipher_name) {
            Ok(stat) => stat,
            Err(error) if is_gone(&error) => return Ok(()),
            Err(error) => {
                self.known.meet(key);
                self.complain(Error::entry(&path)(error));
                return Ok(());
            }
        };
        let cipher_path = Path::new(OsStr::from_bytes(&folder.cipher_path)).join(&entry.cipher_name);
        let stamp = known::stamp(&stat, cipher_path.as_os_str().as_bytes());
        let before = self.known.meet(key);
        if before == Some(stamp) {
            return Ok(());
        }
        let mut row = Row::new(Entry::bare(path, cipher_path, &stat), stamp);
        row.entry.flags.copy = entry.copy_of.is_some();
        if !self.read(folder, entry, &mut row, reader) {
            return Ok(());
        }
        let document = row.entry.to_document(&self.index.fields, key, row.stamp, &row.facts);
        let writer = self.writer.read().unwrap_or_else(PoisonError::into_inner);
        if before.is_some() {
            writer.delete_term(Term::from_field_bytes(self.index.fields.key, &key.bytes()));
        }
        writer.add_document(document)?;
        drop(writer);
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
                self.take(row, look);
                true
            }
            Ok(None) => false,
            Err(error) => self.bad(row, error),
        }
    }

    fn take(&self, row: &mut Row, look: Look) {
        let Look { preview, hash, content_hash, damage, read_len, before, after } = look;
        let mut report = lock(&self.report);
        report.summary.bytes += read_len;
        report.progress.bytes(read_len);
        drop(report);
        let same = |a: &Stat, b: &Stat| (a.cipher_size, a.mtime, a.id) == (b.cipher_size, b.mtime, b.id);
        if !same(&before, &after) || known::is_fresh(&after, SystemTime::now()) {
            row.stamp = STALE;
        }
        let entry = &mut row.entry;
        entry.kind = preview.kind.name().to_owned();
        entry.mime = Some(preview.mime.to_owned());
        entry.title = preview.title;
        entry.snippet = preview.snippet;
        entry.text = preview.text;
        entry.thumbnail = preview.thumbnail.map(|picture| picture.bytes);
        entry.flags.partial = preview.partial;
        (entry.hash, entry.content_hash) = (hash, content_hash);
        row.facts = preview.facts;
        if let Some(error) = damage {
            self.bad(row, error);
        }
    }

    /// Notes that an entry could not be read, or not all of it; false if it is gone.
    fn bad(&self, row: &mut Row, error: volume::Error) -> bool {
        if is_gone(&error) {
            return false;
        }
        if matches!(error.fault, Fault::Sys(_)) {
            row.stamp = STALE; // it may be better next time
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

    fn commit_at_times(&self) -> Result<(), Error> {
        let mut committed = lock(&self.committed);
        if committed.elapsed() < COMMIT_PERIOD {
            return Ok(());
        }
        let mut writer = self.writer.write().unwrap_or_else(PoisonError::into_inner);
        commit(&mut writer, &self.note)?;
        *committed = Instant::now();
        Ok(())
    }

    /// Keeps what was done; after a whole scan takes out what is there no more.
    fn end(self, began: SystemTime) -> Result<Summary, Error> {
        let mut report = self.report.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut writer = self.writer.into_inner().unwrap_or_else(PoisonError::into_inner);
        match report.fatal.take() {
            Some(Error::Interrupted) => {
                commit(&mut writer, &self.note)?;
                return Err(Error::Interrupted);
            }
            Some(error) => return Err(error),
            None => {}
        }
        report.progress.settling();
        let unlisted = self.unlisted.into_inner().unwrap_or_else(PoisonError::into_inner);
        if !unlisted.is_empty() {
            keep(self.index, &self.known, &unlisted)?;
        }
        let mut summary = report.summary;
        for key in self.known.missed() {
            writer.delete_term(Term::from_field_bytes(self.index.fields.key, &key.bytes()));
            summary.removed += 1;
        }
        let seconds = began.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        commit(&mut writer, &Note { scanned: Some(seconds) })?;
        writer.wait_merging_threads()?;
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
        let over = queue.active == 0 && queue.jobs.is_empty();
        drop(queue);
        if over {
            self.0.news.notify_all();
        }
    }
}

/// A row in the making.
struct Row {
    entry: Entry,
    stamp: u64,
    facts: Vec<Fact>,
}

impl Row {
    fn new(entry: Entry, stamp: u64) -> Row {
        Row { entry, stamp, facts: Vec::new() }
    }
}

impl Entry {
    /// What is known without reading it.
    fn bare(path: PlainPath, cipher_path: std::path::PathBuf, stat: &Stat) -> Entry {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let kind = match stat.kind {
            Kind::File => preview::kind_by_name(&name).name(),
            Kind::Dir => FOLDER,
            Kind::Symlink => LINK,
            Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice => SPECIAL,
        };
        Entry {
            cipher_path,
            size: if stat.kind == Kind::File { stat.size } else { 0 },
            cipher_size: stat.cipher_size,
            mtime: stat.mtime,
            kind: kind.to_owned(),
            path,
            mime: None,
            title: None,
            snippet: String::new(),
            text: String::new(),
            hash: None,
            content_hash: None,
            thumbnail: None,
            flags: Flags::default(),
        }
    }
}

fn commit(writer: &mut IndexWriter, note: &Note) -> Result<(), Error> {
    let mut prepared = writer.prepare_commit()?;
    let note = serde_json::to_string(note).map_err(|error| Error::Engine(error.to_string()))?;
    prepared.set_payload(&note);
    prepared.commit()?;
    Ok(())
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
mod tests {
    use super::super::Silent;
    use super::*;
    use crate::config::{Config, Profile};
    use crate::crypto::Password;
    use crate::volume::{OpenFile, OpenOptions, create, fill_random, find_config};

    #[test]
    fn what_is_below_a_folder_that_could_not_be_listed_counts_as_met() {
        let (root, cache) = (tempfile::tempdir().expect("scratch"), tempfile::tempdir().expect("scratch"));
        let password = Password::new(b"secret".to_vec()).expect("not empty");
        let config = Config::create(&Profile::Sync.parameters(), &password, 10, fill_random).expect("legal");
        create(root.path(), &config, false).expect("an empty folder");
        let found = find_config(root.path()).expect("just made");
        let volume =
            Volume::open(root.path(), &found, &password, OpenOptions::default()).expect("the password");
        let mut dir = volume.root();
        for name in ["Ärger", "deep"].map(OsStr::new) {
            volume.mkdir(&dir, name, 0o700, None).expect("a fresh name");
            dir = volume.open_dir(&dir, name).expect("just made");
        }
        let how = OpenFile { write: true, ..OpenFile::default() };
        for (dir, name) in [(&dir, "a.txt"), (&volume.root(), "b.txt")] {
            volume.create_file(dir, OsStr::new(name), 0o600, true, how, None).expect("a fresh name");
        }
        let place = Place::of(&volume, cache.path()).expect("outside");
        refresh(&place, &volume, ScanOptions::default(), &mut Silent).expect("a scan");

        let index = Index::open(&place).expect("just made");
        let known = Known::load(&index.searcher().expect("sound")).expect("sound");
        assert_eq!((known.len(), known.missed().count()), (4, 4));
        keep(&index, &known, &[PlainPath::parse(OsStr::new("Ärger")).expect("within")]).expect("sound");
        let mut missed: Vec<Key> = known.missed().collect();
        let mut expected = vec![Key::of("Ärger".as_bytes()), Key::of(b"b.txt")];
        missed.sort();
        expected.sort();
        assert_eq!(missed, expected);
    }
}
