//! What all devices published, read together: the union of their entries, each as the device knows it that has it right.

use super::device::is_id;
use super::folder::Folder;
use super::model::{Detail, Details, Item, Pictures, Root, seconds};
use super::{Error, PLACE, ROOT, index_key, object, place};
use crate::crypto::DerivedKey;
use crate::index::{FOLDER, LINK, SPECIAL, content_hash};
use crate::volume::Volume;
use base64::Engine;
use serde::de::DeserializeOwned;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The published indexes of a volume.
#[derive(Debug)]
pub struct Shelf {
    root: PathBuf,
    /// Those that can be read, the latest first.
    pub publishers: Vec<Publisher>,
    /// Those that cannot.
    pub ignored: Vec<Ignored>,
}

/// What one device published.
pub struct Publisher {
    /// The device, in 16 hex digits.
    pub device: String,
    /// What it calls itself.
    pub host: String,
    /// When.
    pub published: SystemTime,
    items: Vec<Item>,
    packs: Vec<String>,
    folder: Folder,
    key: DerivedKey,
    details: RefCell<HashMap<usize, Option<Details>>>,
}

/// A root that is not used.
#[derive(Debug)]
pub struct Ignored {
    /// Its path.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// Whether a published entry tells of the file that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It does.
    Current,
    /// The file was changed since.
    Changed,
    /// It is there no more, or elsewhere.
    Gone,
    /// The pack that says which file it is of is not there, or damaged.
    Unknown,
}

/// An entry of the union.
#[derive(Debug, Clone)]
pub struct Shown<'a> {
    /// What its root says.
    pub item: &'a Item,
    /// The device that says so.
    pub publisher: &'a Publisher,
    /// Whether it is true.
    pub state: State,
    /// Where the file is on disk, below the root of the volume.
    pub cipher_path: Option<PathBuf>,
    /// The beginning of its text.
    pub snippet: Box<str>,
}

impl Shelf {
    /// Reads the roots of all devices.
    pub fn open(volume: &Volume) -> Result<Shelf, Error> {
        let mut shelf =
            Shelf { root: volume.root_path().to_owned(), publishers: Vec::new(), ignored: Vec::new() };
        let folder = match Folder::root(&shelf.root).and_then(|root| root.descend(&PLACE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(shelf),
            folder => folder.map_err(Error::at(&place(volume)))?,
        };
        let key = index_key(volume);
        for name in folder.names().map_err(Error::at(&folder.path))? {
            let Some(device) = name.to_str().filter(|name| is_id(name)) else { continue };
            match Publisher::open(&folder, device, &key) {
                Ok(publisher) => shelf.publishers.extend(publisher),
                Err(reason) => {
                    shelf.ignored.push(Ignored { path: folder.path.join(device).join(ROOT), reason });
                }
            }
        }
        shelf.publishers.sort_by(|a, b| (b.published, &b.device).cmp(&(a.published, &a.device)));
        Ok(shelf)
    }

    /// The union of all entries, by their paths. Where several devices tell of one, the latest that has it right is
    /// shown; if none has, the latest.
    pub fn entries(&self) -> Vec<Shown<'_>> {
        let mut by_path: BTreeMap<&Path, Vec<(&Publisher, &Item)>> = BTreeMap::new();
        for publisher in &self.publishers {
            for item in &publisher.items {
                by_path.entry(&item.path).or_default().push((publisher, item));
            }
        }
        by_path.into_values().filter_map(|told| self.best(told)).collect()
    }

    fn best<'a>(&self, told: Vec<(&'a Publisher, &'a Item)>) -> Option<Shown<'a>> {
        let mut latest = None;
        for (publisher, item) in told {
            let shown = self.shown(publisher, item);
            if shown.state == State::Current {
                return Some(shown);
            }
            latest.get_or_insert(shown);
        }
        latest
    }

    fn shown<'a>(&self, publisher: &'a Publisher, item: &'a Item) -> Shown<'a> {
        let detail = publisher.detail(item);
        let state = detail.as_ref().map_or(State::Unknown, |detail| self.state(item, detail));
        let (cipher_path, snippet) =
            detail.map_or((None, Box::default()), |detail| (Some(detail.cipher_path), detail.snippet));
        Shown { item, publisher, state, cipher_path, snippet }
    }

    /// By size and time; where only the time differs, as a sync client may leave it, by contents.
    fn state(&self, item: &Item, detail: &Detail) -> State {
        let path = self.root.join(&detail.cipher_path);
        let Ok(meta) = fs::symlink_metadata(&path) else { return State::Gone };
        let same_size = meta.len() == detail.cipher_size;
        let is_same = match &*item.kind {
            FOLDER => meta.is_dir(),
            LINK => meta.is_symlink() && same_size,
            SPECIAL => !meta.is_file() && !meta.is_dir() && !meta.is_symlink(),
            _ => meta.is_file() && same_size && Shelf::is_same_file(&path, &meta, item, detail),
        };
        if is_same { State::Current } else { State::Changed }
    }

    fn is_same_file(path: &Path, meta: &fs::Metadata, item: &Item, detail: &Detail) -> bool {
        let same_time = || meta.modified().is_ok_and(|time| seconds(time) == seconds(item.mtime));
        let same_contents = |hash| {
            let now = fs::File::open(path).and_then(content_hash);
            now.is_ok_and(|now| now == hash)
        };
        same_time() || detail.content_hash.is_some_and(same_contents)
    }
}

impl Publisher {
    /// What a device published; `None` if that is nothing, and a reason if it cannot be used.
    fn open(place: &Folder, device: &str, key: &DerivedKey) -> Result<Option<Publisher>, String> {
        let folder = place.open(device).map_err(|error| error.to_string())?;
        let bytes = match folder.read(ROOT) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            bytes => bytes.map_err(|error| error.to_string())?,
        };
        let root: Root = object::open(key, &format!("{device}/{ROOT}"), bytes)
            .ok_or("damaged, forged, or of another version of encbox")?;
        let items = root.items().ok_or("it contradicts itself")?;
        Ok(Some(Publisher {
            published: UNIX_EPOCH.checked_add(Duration::from_secs(root.published)).unwrap_or(UNIX_EPOCH),
            device: device.to_owned(),
            host: root.host,
            items,
            packs: root.packs,
            folder,
            key: key.clone(),
            details: RefCell::default(),
        }))
    }

    /// How many entries it tells of.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether it tells of none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    fn detail(&self, item: &Item) -> Option<Detail> {
        let (pack, at) = item.details;
        let mut known = self.details.borrow_mut();
        let details = known.entry(pack).or_insert_with(|| {
            let details: Option<Details> = self.pack(pack);
            details.filter(|details| details.format == Details::FORMAT)
        });
        details.as_ref()?.get(at)
    }

    /// The picture of an entry: a JPEG or PNG.
    pub fn picture(&self, item: &Item) -> Option<Vec<u8>> {
        let (pack, at) = item.picture?;
        let pictures: Pictures = self.pack(pack)?;
        let data = pictures.data.get(at).filter(|_| pictures.format == Pictures::FORMAT)?;
        base64::engine::general_purpose::STANDARD.decode(data).ok()
    }

    fn pack<T: DeserializeOwned>(&self, number: usize) -> Option<T> {
        let id = self.packs.get(number)?;
        object::open(&self.key, &format!("{}/{id}", self.device), self.folder.read(id).ok()?)
    }
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Publisher({}, {} entries)", self.device, self.len())
    }
}
