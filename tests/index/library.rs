//! A volume, its index in a folder beside it, and scans that can be watched.

use crate::scratch::Scratch;
use encbox::config::{Parameters, Profile};
use encbox::index::{self, Error, Found, Index, Place, Progress, Query, ScanOptions, Scope, Summary};
use encbox::volume::PlainPath;
use std::fs;
use std::num::NonZeroUsize;
use std::ops::Deref;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

pub(crate) struct Library {
    scratch: Scratch,
    pub(crate) cache: TempDir,
}

impl Deref for Library {
    type Target = Scratch;
    fn deref(&self) -> &Scratch {
        &self.scratch
    }
}

impl Library {
    pub(crate) fn new() -> Library {
        Library::with(&Profile::Sync.parameters())
    }

    pub(crate) fn with(parameters: &Parameters) -> Library {
        Library { scratch: Scratch::new(parameters), cache: tempfile::tempdir().expect("a scratch folder") }
    }

    /// A file that was changed long ago, so that its time tells every later change.
    pub(crate) fn put(&self, path: &str, data: &[u8]) {
        if let Some((folder, _)) = path.rsplit_once('/') {
            let mut above = String::new();
            for name in folder.split('/') {
                above = if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") };
                let (dir, name) = self.entry(&above);
                let _ = self.volume.mkdir(&dir, name.as_ref(), 0o755, None);
            }
        }
        self.write(path, data);
        self.age(path);
    }

    /// Makes a file look old.
    pub(crate) fn age(&self, path: &str) {
        let long_ago = SystemTime::now() - Duration::from_secs(3600);
        let file = fs::File::options().write(true).open(self.on_disk(path)).expect("a file on disk");
        file.set_modified(long_ago).expect("our own file");
    }

    pub(crate) fn place(&self) -> Place {
        Place::of(&self.volume, self.cache.path()).expect("a folder outside the volume")
    }

    pub(crate) fn refresh(&self) -> Summary {
        self.watched(&mut Watched::default()).expect("a scan")
    }

    pub(crate) fn watched(&self, watched: &mut Watched) -> Result<Summary, Error> {
        let options = ScanOptions { jobs: NonZeroUsize::new(3), ..ScanOptions::default() };
        index::refresh(&self.place(), &self.volume, options, watched)
    }

    pub(crate) fn refresh_folders(&self, folders: &[&str]) -> Result<Summary, Error> {
        let path = |folder: &&str| PlainPath::parse((*folder).as_ref()).expect("within the volume");
        let folders: Vec<_> = folders.iter().map(path).collect();
        let options = ScanOptions { scope: Scope::Folders(&folders), ..ScanOptions::default() };
        index::refresh(&self.place(), &self.volume, options, &mut Watched::default())
    }

    pub(crate) fn index(&self) -> Index {
        Index::open(&self.place()).expect("an index")
    }

    pub(crate) fn ask(&self, question: &str) -> Found {
        let query = Query::parse(question).expect(question);
        self.index().search(&query, 100, 0).expect(question)
    }

    /// The paths that fit, best first.
    pub(crate) fn paths(&self, question: &str) -> Vec<String> {
        self.ask(question).hits.iter().map(|hit| hit.entry.path.display()).collect()
    }

    /// The same, sorted.
    pub(crate) fn set(&self, question: &str) -> Vec<String> {
        let mut paths = self.paths(question);
        paths.sort();
        paths
    }

    /// Every file in the folder of caches.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut todo = vec![self.cache.path().to_owned()];
        let mut files = Vec::new();
        while let Some(folder) = todo.pop() {
            for entry in fs::read_dir(folder).expect("our own folder").map(|entry| entry.expect("an entry")) {
                match entry.file_type().expect("its type").is_dir() {
                    true => todo.push(entry.path()),
                    false => files.push(entry.path()),
                }
            }
        }
        files
    }
}

/// Counts what a scan tells, and stops it when asked to.
#[derive(Default)]
pub(crate) struct Watched {
    pub(crate) items: u64,
    pub(crate) bytes: u64,
    pub(crate) failures: Vec<String>,
    pub(crate) stop_after: Option<u64>,
}

impl Progress for Watched {
    fn item(&mut self) {
        self.items += 1;
    }

    fn bytes(&mut self, count: u64) {
        self.bytes += count;
    }

    fn failed(&mut self, error: &Error) {
        self.failures.push(error.to_string());
    }

    fn stopped(&self) -> bool {
        self.stop_after.is_some_and(|items| self.items > items)
    }
}
