//! Programs that work in a mount and remember what they were told is safe.
//!
//! What they write is records, each with a number of its own. Two of them on one machine never work on one file at a time,
//! for what they do to each other there is no business of ours; another machine may do so at any moment.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::RwLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use rustix::fs::CWD;
use rustix::fs::RenameFlags;
use rustix::fs::renameat_with;
use rustix::io::Errno;

use crate::log::Log;
use crate::support::rng::Rng;

const FOLDERS: [&str; 5] = ["", "letters", "letters/old", "notes", "drafts"];
/// What folders are renamed to, beside each other's names.
const FREE_NAMES: [&str; 3] = ["archive", "letters/older", "notes/2026"];
const FILES: [&str; 5] = ["one.md", "two.opml", "three", "a longer name.txt", "ä.md"];

/// Bytes in the line of a record; and what fills a file up between records.
const RECORD_LEN: usize = "record 0123456789abcde".len();
const FILLING: &[u8] = b"------------------------------------------------------------------\n";

/// What programs were told is safe, and what they threw away since.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    last: AtomicU64,
    safe: Mutex<BTreeMap<u64, (String, String)>>,
    dropped: Mutex<BTreeSet<u64>>,
    pub(crate) log: Arc<Log>,
}

impl Ledger {
    fn next(&self) -> u64 {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn is_safe(&self, record: u64, how: String, path: String) {
        self.safe.lock().unwrap().insert(record, (how, path));
    }

    /// What has to be found in the end, how it was written, and where.
    pub(crate) fn owed(&self) -> BTreeMap<u64, (String, String)> {
        let mut owed = self.safe.lock().unwrap().clone();
        let dropped = self.dropped.lock().unwrap();
        owed.retain(|record, _| !dropped.contains(record));
        owed
    }
}

/// The records in the contents of a file.
pub(crate) fn records(contents: &[u8]) -> BTreeSet<u64> {
    let lines = contents.split(|&byte| byte == b'\n').filter(|line| line.len() == RECORD_LEN);
    let number = |line: &[u8]| {
        let digits = std::str::from_utf8(line).ok()?.strip_prefix("record ")?;
        u64::from_str_radix(digits, 16).ok()
    };
    lines.filter_map(number).collect()
}

fn record(number: u64) -> Vec<u8> {
    format!("\nrecord {number:015x}\n").into_bytes()
}

/// Who on one machine works on which file.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    files: Mutex<BTreeMap<PathBuf, Arc<Mutex<()>>>>,
    /// Held for writing by whoever renames a folder.
    folders: RwLock<()>,
}

impl Desk {
    fn file(&self, path: &Path) -> Arc<Mutex<()>> {
        Arc::clone(self.files.lock().unwrap().entry(path.to_owned()).or_default())
    }
}

pub(crate) struct Writer {
    name: String,
    root: PathBuf,
    desk: Arc<Desk>,
    ledger: Arc<Ledger>,
    rng: Rng,
}

impl Writer {
    pub(crate) fn new(
        name: String,
        root: &Path,
        desk: &Arc<Desk>,
        ledger: &Arc<Ledger>,
        seed: u64,
    ) -> Writer {
        let (desk, ledger) = (Arc::clone(desk), Arc::clone(ledger));
        Writer { name, root: root.to_owned(), desk, ledger, rng: Rng::new(seed) }
    }

    /// Does one thing. That something is not there, or has just gone, is no failure.
    pub(crate) fn step(&mut self) {
        let (path, other) = (self.some_file(), self.some_file());
        let desk = Arc::clone(&self.desk);
        if self.rng.below(40) == 0 {
            let _alone = desk.folders.write().unwrap();
            self.rename_folder();
            return;
        }
        let _folders = desk.folders.read().unwrap();
        let (first, second) = (desk.file(path.as_path().min(&other)), desk.file(path.as_path().max(&other)));
        let _first = first.lock().unwrap();
        let _second = (path != other).then(|| second.lock().unwrap());
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).ok();
        }
        let (what, done) = match self.rng.below(100) {
            0..30 => ("appending", self.append(&path)),
            30..50 => ("appending slowly", self.hold(&path)),
            50..55 => ("tee", self.tee(&path)),
            55..75 => ("saving", self.save(&path)),
            75..83 => ("renaming", self.rename(&path, &other)),
            83..88 => ("deleting", self.delete(&path)),
            _ => ("reading", fs::read(&path).map(drop)),
        };
        self.say(
            &path,
            &format!(
                "{what}, {} with {}",
                other.display(),
                done.as_ref().err().map_or("success".to_owned(), ToString::to_string)
            ),
        );
        if let Err(error) = done {
            // where half a file has arrived there is no appending to it
            let expected = [Errno::NOENT, Errno::EXIST, Errno::IO, Errno::STALE, Errno::NOTDIR];
            assert!(
                Errno::from_io_error(&error).is_some_and(|errno| expected.contains(&errno)),
                "{}: {what} {}: {error}",
                self.name,
                path.display()
            );
        }
        thread::sleep(Duration::from_micros(self.rng.below(4000)));
    }

    fn some_file(&mut self) -> PathBuf {
        self.root.join(self.rng.pick(&FOLDERS)).join(self.rng.pick(&FILES))
    }

    /// Sometimes much, so that files have several blocks.
    fn filling(&mut self) -> Vec<u8> {
        let lines = if self.rng.below(4) == 0 { self.rng.below(100) } else { self.rng.below(4) };
        FILLING.repeat(lines as usize)
    }

    fn append(&mut self, path: &Path) -> io::Result<()> {
        let number = self.ledger.next();
        let mut file = File::options().append(true).create(true).open(path)?;
        file.write_all(&self.filling())?;
        file.write_all(&record(number))?;
        file.sync_all()?;
        self.safe(number, "appended", path);
        Ok(())
    }

    /// As a program does that keeps its file open.
    fn hold(&mut self, path: &Path) -> io::Result<()> {
        let mut file = File::options().append(true).create(true).open(path)?;
        for _ in 0..=self.rng.below(4) {
            let number = self.ledger.next();
            file.write_all(&record(number))?;
            thread::sleep(Duration::from_micros(self.rng.below(30_000)));
            file.write_all(&self.filling())?;
            file.sync_data()?;
            self.safe(number, "appended to an open file", path);
        }
        Ok(())
    }

    /// Without any sync; `tee` says whether closing the file went well.
    fn tee(&mut self, path: &Path) -> io::Result<()> {
        let number = self.ledger.next();
        let mut tee = Command::new("tee");
        tee.arg("-a").arg(path).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut running = tee.spawn()?;
        running.stdin.take().expect("a pipe").write_all(&record(number))?;
        if running.wait()?.success() {
            self.safe(number, "appended and closed", path);
        }
        Ok(())
    }

    /// As editors save: beside the file, then in its place. A careful one: should the file not be the one that it read,
    /// it keeps both.
    fn save(&mut self, path: &Path) -> io::Result<()> {
        let number = self.ledger.next();
        let before = fs::read(path)?;
        self.say(path, &format!("read records {:x?}", records(&before)));
        let now = [&before[..], &record(number), &self.filling()].concat();
        let new = path.with_file_name(format!("new-{number:x}"));
        let mut file = File::create_new(&new)?;
        file.write_all(&now)?;
        file.sync_all()?;
        drop(file);
        thread::sleep(Duration::from_micros(self.rng.below(3000)));
        match renameat_with(CWD, &new, CWD, path, RenameFlags::EXCHANGE) {
            Ok(()) => {}
            Err(Errno::NOENT) => {
                renameat_with(CWD, &new, CWD, path, RenameFlags::NOREPLACE)?;
                self.safe(number, "saved anew", path);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        self.safe(number, "saved", path);
        let old = fs::read(&new)?;
        self.say(path, &format!("as {} took out records {:x?}", new.display(), records(&old)));
        if records(&old).is_subset(&records(&now)) {
            fs::remove_file(&new)?;
        }
        Ok(())
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?)
    }

    /// Looks at what it throws away.
    fn delete(&mut self, path: &Path) -> io::Result<()> {
        let gone = path.with_file_name(format!("gone-{:x}", self.ledger.next()));
        renameat_with(CWD, path, CWD, &gone, RenameFlags::NOREPLACE)?;
        let dropped = records(&fs::read(&gone)?);
        self.say(path, &format!("as {} dropped records {dropped:x?}", gone.display()));
        fs::remove_file(&gone)?;
        self.ledger.dropped.lock().unwrap().extend(dropped);
        Ok(())
    }

    fn rename_folder(&mut self) {
        let names = [&FOLDERS[1..], &FREE_NAMES].concat();
        let (from, to) = (*self.rng.pick(&names), *self.rng.pick(&names));
        let (from, to) = (self.root.join(from), self.root.join(to));
        let renamed = renameat_with(CWD, &from, CWD, &to, RenameFlags::NOREPLACE);
        self.say(&from, &format!("renaming to {}: {renamed:?}", to.display()));
    }

    fn say(&self, path: &Path, what: &str) {
        let path = path.strip_prefix(&self.root).unwrap_or(path).to_string_lossy();
        self.ledger.log.say(&path, &self.name, what);
    }

    fn safe(&self, number: u64, how: &str, path: &Path) {
        self.say(path, &format!("{how}: record {number:x} is safe"));
        let path = path.strip_prefix(&self.root).unwrap_or(path);
        self.ledger.is_safe(number, format!("{}: {how}", self.name), path.to_string_lossy().into_owned());
    }
}
