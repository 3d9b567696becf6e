//! Where the index of a volume lives, never among the ciphertext, and who can read it.

use super::Error;
use super::directory::SealedDirectory;
use super::schema::{Fields, VERSION, register, schema};
use crate::crypto::DerivedKey;
use crate::volume::Volume;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tantivy::directory::{Directory, DirectoryLock, INDEX_WRITER_LOCK};
use tantivy::{IndexReader, IndexSettings, ReloadPolicy, Searcher};

/// Without this file there is no index.
const LIST: &str = "meta.json";
/// What the names of lock files begin with.
const LOCK: &str = ".tantivy-";

/// The place of one volume's index, and its key.
#[derive(Debug, Clone)]
pub struct Place {
    folder: PathBuf,
    key: DerivedKey,
}

impl Place {
    /// The place within `cache`, a folder for what can be made again; it need not exist. Copies of a volume in different
    /// folders have different places.
    pub fn of(volume: &Volume, cache: &Path) -> Result<Place, Error> {
        let root = volume.root_path();
        let root = fs::canonicalize(root).map_err(folder_error(root))?;
        let cache = std::path::absolute(cache).map_err(folder_error(cache))?;
        let there = cache.ancestors().find_map(|above| fs::canonicalize(above).ok());
        if there.is_some_and(|above| above.starts_with(&root)) {
            return Err(Error::InsideVolume { path: cache });
        }
        // nobody who sees the name can tell whose it is
        let name = volume.derive_key(root.as_os_str().as_bytes(), "encbox: folder of an index");
        let name: String = name.as_bytes()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        let key = volume.derive_key(b"", &format!("encbox: local index, version {VERSION}"));
        Ok(Place { folder: cache.join("index").join(name), key })
    }

    /// The folder of the index, there or not.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Bytes on disk.
    fn disk_len(&self) -> u64 {
        let Ok(files) = fs::read_dir(&self.folder) else { return 0 };
        files.flatten().filter_map(|file| file.metadata().ok()).map(|meta| meta.len()).sum()
    }

    /// Removes the index; says whether there was one.
    pub fn remove(&self) -> Result<bool, Error> {
        if !self.folder.exists() {
            return Ok(false);
        }
        let _lock = self.lock()?;
        fs::remove_dir_all(&self.folder).map_err(folder_error(&self.folder))?;
        Ok(true)
    }

    /// Removes everything but locks.
    pub(super) fn empty(&self) -> Result<(), Error> {
        let _lock = self.lock()?;
        let fail = folder_error(&self.folder);
        let clear = || -> io::Result<()> {
            for file in fs::read_dir(&self.folder)? {
                let file = file?;
                if file.file_name().as_bytes().starts_with(LOCK.as_bytes()) {
                    continue;
                }
                match file.file_type()?.is_dir() {
                    true => fs::remove_dir_all(file.path())?,
                    false => fs::remove_file(file.path())?,
                }
            }
            Ok(())
        };
        clear().map_err(fail)
    }

    pub(super) fn is_there(&self) -> bool {
        self.folder.join(LIST).exists()
    }

    /// Makes the folder, for nobody else to look into.
    pub(super) fn make(&self) -> Result<(), Error> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder);
        made.map_err(folder_error(&self.folder))
    }

    /// Keeps everybody else from writing.
    fn lock(&self) -> Result<DirectoryLock, Error> {
        let locked = self.directory().acquire_lock(&INDEX_WRITER_LOCK);
        locked.map_err(|error| tantivy::TantivyError::LockFailure(error, None).into())
    }

    fn directory(&self) -> SealedDirectory {
        SealedDirectory::new(self.folder.clone(), self.key.clone())
    }
}

fn folder_error(path: &Path) -> impl Fn(io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |source| Error::Folder { path: path.clone(), source }
}

/// An open index. Reading waits for no scan: it shows what the last one left, whoever is at work on the next.
pub struct Index {
    pub(super) engine: tantivy::Index,
    pub(super) fields: Fields,
    place: Place,
    directory: SealedDirectory,
    reader: IndexReader,
}

/// What an index says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Files, folders, links.
    pub entries: u64,
    /// Bytes on disk.
    pub disk_len: u64,
    /// When the last scan began that was not interrupted.
    pub scanned: Option<SystemTime>,
}

/// What is written with the list of files.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Note {
    /// Seconds since 1970 at which the last whole scan began.
    pub(super) scanned: Option<u64>,
}

impl Index {
    /// Opens what is there.
    pub fn open(place: &Place) -> Result<Index, Error> {
        if !place.is_there() {
            return Err(Error::Missing);
        }
        let (wanted, fields) = schema();
        let directory = place.directory();
        let engine = tantivy::Index::open(directory.clone())?;
        if engine.schema() != wanted {
            return Err(Error::Damaged);
        }
        Index::of(engine, fields, place, directory)
    }

    /// Makes one, in a folder where there is none.
    pub(super) fn create(place: &Place) -> Result<Index, Error> {
        let (schema, fields) = schema();
        let directory = place.directory();
        let engine = tantivy::Index::create(directory.clone(), schema, IndexSettings::default())?;
        Index::of(engine, fields, place, directory)
    }

    fn of(
        engine: tantivy::Index,
        fields: Fields,
        place: &Place,
        directory: SealedDirectory,
    ) -> Result<Index, Error> {
        register(&engine);
        let reader = engine.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Index { engine, fields, place: place.clone(), directory, reader })
    }

    /// Why something could not be written, where the engine says only that it could not: that a thread of it has died, or the
    /// system's words for it.
    pub(super) fn cause(&self, error: Error) -> Error {
        let says_it_all = match &error {
            Error::Engine(_) => false,
            Error::Io(source) => source.raw_os_error().is_some(),
            _ => true,
        };
        if says_it_all { error } else { self.directory.failure().map_or(error, Error::Io) }
    }

    /// What it says of itself.
    pub fn status(&self) -> Result<Status, Error> {
        Ok(Status {
            entries: self.searcher()?.num_docs(),
            disk_len: self.place.disk_len(),
            scanned: self.scanned()?,
        })
    }

    /// When the last scan began that was not interrupted.
    pub fn scanned(&self) -> Result<Option<SystemTime>, Error> {
        let scanned = self.note()?.and_then(|note| note.scanned);
        Ok(scanned.map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds)))
    }

    pub(super) fn note(&self) -> Result<Option<Note>, Error> {
        let payload = self.engine.load_metas()?.payload;
        Ok(payload.and_then(|payload| serde_json::from_str(&payload).ok()))
    }

    /// Everything that was written until now.
    pub(super) fn searcher(&self) -> Result<Searcher, Error> {
        self.reader.reload()?;
        Ok(self.reader.searcher())
    }

    /// Makes the next scan begin anew, after damage was met while the index was read. Not while somebody writes, nor after
    /// somebody wrote: a scan meets the damage itself, or has just made the index anew.
    pub(super) fn condemn(&self) {
        let list = self.place.folder.join(LIST);
        let emptied = self.place.lock().and_then(|_lock| {
            if self.is_replaced() {
                return Ok(());
            }
            // an empty list is damage; without one there would be no index
            let file = fs::File::options().write(true).truncate(true).open(&list);
            file.map(drop).map_err(folder_error(&list))
        });
        if let Err(error) = emptied {
            tracing::warn!(%error, "a damaged index is left as it is");
        }
    }

    /// Whether the list is another than the one that was read here.
    fn is_replaced(&self) -> bool {
        let read: HashSet<_> =
            self.reader.searcher().segment_readers().iter().map(|segment| segment.segment_id()).collect();
        let listed = self.engine.load_metas();
        listed.is_ok_and(|metas| {
            metas.segments.iter().map(|segment| segment.id()).collect::<HashSet<_>>() != read
        })
    }
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Index({})", self.place.folder.display())
    }
}
