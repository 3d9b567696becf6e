//! Filling an index: a walk over the volume, or some folders of it, by several threads, that reads only what changed.

use super::entry::Key;
use super::known::{self, Known};
use super::look::{Reader, is_gone};
use super::queue::{Below, Folder, Job, Listing, Queue};
use super::row::Row;
use super::writer::Writer;
use super::{Error, Index, Progress, ScanOptions, Summary};
use crate::volume::{self, DirEntry, Fault, Follow, Kind, PlainPath, Volume};
use std::ffi::{OsStr, OsString};
use std::num::NonZeroUsize;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

/// More threads than this gain nothing.
const JOBS_MAX: usize = 16;
/// As the first thread of a program has it: previews are used to that.
const STACK_LEN: usize = 8 << 20;
/// Entries that a thread takes at once.
const LOT_LEN: usize = 32;

/// What is walked over.
#[derive(Debug, Clone, Copy, Default)]
pub enum Scope<'a> {
    /// Everything.
    #[default]
    Volume,
    /// These folders, and folders in them that the index does not know yet; not those that it knows.
    Folders(&'a [PlainPath]),
}

/// Walks, and makes the index what it finds.
pub(super) fn scan(
    index: &Index,
    volume: &Volume,
    ScanOptions { scope, jobs, .. }: ScanOptions<'_>,
    progress: &mut dyn Progress,
) -> Result<Summary, Error> {
    let jobs = jobs.or_else(|| thread::available_parallelism().ok());
    let jobs = jobs.map_or(1, NonZeroUsize::get).min(JOBS_MAX);
    let began = SystemTime::now();
    let writer = Writer::new(index, jobs)?;
    let searcher = index.searcher()?;
    let known = if searcher.num_docs() == 0 { Known::nothing() } else { Known::load(&searcher)? };
    progress.begins(known.len() as u64);
    let starts = match scope {
        Scope::Volume => vec![PlainPath::default()],
        Scope::Folders(folders) => starts(folders, &known),
    };
    let scan = Scan {
        volume,
        index,
        scope,
        writer,
        known,
        queue: Queue::new(&starts),
        starts: starts.iter().map(Key::of_path).collect(),
        report: Mutex::new(Report { progress, summary: Summary::default(), fatal: None }),
        large: Mutex::new(()),
        listed: Mutex::new(Vec::new()),
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
    scan.end(began).map_err(|error| index.cause(error))
}

/// Where to begin, so that nothing is met twice: a folder that is new is met in the one above.
fn starts(folders: &[PlainPath], known: &Known) -> Vec<PlainPath> {
    let nearest = |folder: &PlainPath| {
        let mut folder = folder.clone();
        while let Some(above) = folder.parent().filter(|_| !known.has(Key::of_path(&folder))) {
            folder = above;
        }
        folder
    };
    let mut starts: Vec<PlainPath> = folders.iter().map(nearest).collect();
    starts.sort_by_key(PlainPath::to_path);
    starts.dedup();
    starts
}

/// What all threads share.
struct Scan<'a> {
    volume: &'a Volume,
    index: &'a Index,
    scope: Scope<'a>,
    writer: Writer<'a>,
    known: Known,
    queue: Queue,
    starts: Vec<Key>,
    report: Mutex<Report<'a>>,
    /// Held by whoever previews a large file.
    large: Mutex<()>,
    /// Folders of the scope that there are.
    listed: Mutex<Vec<Key>>,
    /// Folders whose entries are unknown, because they could not be listed.
    unlisted: Mutex<Vec<PlainPath>>,
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
        while let Some((job, ending)) = self.queue.next() {
            if let Err(error) = self.carry_out(job, &mut lot, &mut reader) {
                self.fail(error);
            }
            drop(ending);
        }
    }

    fn carry_out(&self, job: Job, lot: &mut Vec<DirEntry>, reader: &mut Reader<'_>) -> Result<(), Error> {
        let listing = match job {
            Job::List(listing) => Some(listing),
            Job::Open(below) => self.open(below, reader)?,
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
    fn open(&self, below: Below, reader: &mut Reader<'_>) -> Result<Option<Listing>, Error> {
        let (above, name) = match below {
            Below::Start(path) if path.is_root() => {
                let folder = Folder::new(self.volume.root(), path);
                let entries = self.volume.entries(&folder.dir).map_err(Error::entry(&folder.path))?;
                lock(&self.listed).push(Key::ROOT);
                return Ok(Some(Listing { folder: Arc::new(folder), entries }));
            }
            Below::Start(path) => return self.start(path, reader),
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

    /// Begins to list a folder of the scope, whose own row is looked at here unless the folder above is listed, too. One
    /// that is gone is missed where it was.
    fn start(&self, path: PlainPath, reader: &mut Reader<'_>) -> Result<Option<Listing>, Error> {
        let opened = self.volume.walk(&path, Follow::No).and_then(|place| {
            let dir = place.dir(self.volume)?;
            let entries = self.volume.entries(&dir)?;
            Ok((dir, entries))
        });
        let (dir, entries) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                self.cannot_list(path, error);
                return Ok(None);
            }
        };
        let above = path.parent().filter(|above| !self.starts.contains(&Key::of_path(above)));
        if let (Some(above), Some(path_above)) = (dir.parent(), above) {
            let name = |name: Option<&OsStr>| name.unwrap_or_default().to_owned();
            let entry = DirEntry {
                name: name(path.file_name()),
                copy_of: None,
                cipher_name: name(dir.cipher_path().file_name()),
                ino: dir.id().ino,
                kind: Kind::Dir,
            };
            self.entry(&Folder::new(above, path_above), &entry, reader)?;
        }
        lock(&self.listed).push(Key::of_path(&path));
        Ok(Some(Listing { folder: Arc::new(Folder::new(dir, path)), entries }))
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
        let above = Arc::clone(&listing.folder);
        let is_new = |entry: &DirEntry| !self.known.has(Key::of(&above.prefix, entry.name.as_bytes()));
        let goes_down = |entry: &&DirEntry| match self.scope {
            Scope::Volume => true,
            Scope::Folders(_) => is_new(entry),
        };
        let folders = lot.iter().filter(|entry| entry.kind == Kind::Dir).filter(goes_down);
        let folders =
            folders.map(|entry| Below::Folder { above: Arc::clone(&above), name: entry.name.clone() });
        self.queue.add(folders, (!whole).then_some(listing));
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
        self.queue.stop();
    }

    fn is_stopped(&self) -> bool {
        if lock(&self.report).progress.stopped() {
            self.fail(Error::Interrupted);
        }
        self.queue.is_stopped()
    }

    /// Keeps what was done; takes out what is there no more, as far as the walk has seen everything.
    fn end(self, began: SystemTime) -> Result<Summary, Error> {
        let report = self.report.into_inner().unwrap_or_else(PoisonError::into_inner);
        match report.fatal {
            Some(Error::Interrupted) => {
                self.writer.abandon()?;
                return Err(Error::Interrupted);
            }
            Some(error) => return Err(error),
            None => {}
        }
        report.progress.settling();
        let unlisted = self.unlisted.into_inner().unwrap_or_else(PoisonError::into_inner);
        if !unlisted.is_empty() {
            self.known.keep(self.index, &unlisted)?;
        }
        let mut summary = report.summary;
        let seconds = began.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let listed = self.listed.into_inner().unwrap_or_else(PoisonError::into_inner);
        let (gone, scanned) = match self.scope {
            Scope::Volume => (self.known.missed(), Some(seconds)),
            Scope::Folders(_) => (self.known.missed_in(&listed), None),
        };
        summary.removed = gone.len() as u64;
        self.writer.finish(&gone, scanned)?;
        summary.entries = self.index.searcher()?.num_docs();
        Ok(summary)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
