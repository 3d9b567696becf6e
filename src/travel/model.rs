//! What is in a root and in a pack: columns, one element for each entry, which compress better than rows and are as easy
//! to read.

use crate::index::Flags;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Of the format; a reader that knows no newer one leaves such an object alone.
pub(super) const VERSION: u32 = 1;

/// A name or path: text, where it is UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Name {
    /// As it is.
    Text(String),
    /// Bytes that are no UTF-8.
    Bytes {
        /// In base64.
        base64: String,
    },
}

impl Name {
    pub(super) fn new(name: &[u8]) -> Name {
        match std::str::from_utf8(name) {
            Ok(text) => Name::Text(text.to_owned()),
            Err(_) => Name::Bytes { base64: STANDARD.encode(name) },
        }
    }

    fn to_bytes(&self) -> Option<Vec<u8>> {
        match self {
            Name::Text(text) => Some(text.as_bytes().to_vec()),
            Name::Bytes { base64 } => STANDARD.decode(base64).ok(),
        }
    }

    /// The name of an entry; `None` if it can be none.
    fn to_name(&self) -> Option<OsString> {
        let name = self.to_bytes()?;
        let is_name = !name.is_empty() && !matches!(&name[..], b"." | b"..") && !name.contains(&b'/');
        (is_name && !name.contains(&0)).then(|| OsString::from_vec(name))
    }

    /// A path below the root; `None` if it leads elsewhere. Nothing is the root itself.
    fn to_path(&self) -> Option<PathBuf> {
        let path = self.to_bytes()?;
        if path.is_empty() {
            return Some(PathBuf::new());
        }
        let names = path.split(|byte| *byte == b'/');
        names.map(|name| Name::new(name).to_name()).collect()
    }
}

/// The object that names all others of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Root {
    /// [`Root::FORMAT`].
    pub(super) format: String,
    pub(super) version: u32,
    pub(super) device: String,
    /// What the machine calls itself.
    pub(super) host: String,
    /// Seconds since 1970.
    pub(super) published: u64,
    /// When the last whole scan began, in seconds since 1970.
    pub(super) scanned: Option<u64>,
    /// What `kind` counts in.
    pub(super) kinds: Vec<String>,
    /// What `folder` counts in: plaintext paths, without a slash in front; the root is empty.
    pub(super) folders: Vec<Name>,
    /// What `details` and `picture` count in: the names of packs.
    pub(super) packs: Vec<String>,
    pub(super) entries: Entries,
}

/// Columns of equal length.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Entries {
    pub(super) folder: Vec<u32>,
    pub(super) name: Vec<Name>,
    pub(super) kind: Vec<u16>,
    /// Plaintext bytes.
    pub(super) size: Vec<u64>,
    /// Seconds since 1970.
    pub(super) mtime: Vec<i64>,
    /// [`Flags::bits`](crate::index::Flags::bits).
    pub(super) flags: Vec<u64>,
    /// Empty if the file calls itself nothing.
    pub(super) title: Vec<String>,
    /// The pack with the details. The n-th entry that names a pack is the n-th in its columns.
    pub(super) details: Vec<u32>,
    /// The pack with the picture, or -1. The same holds.
    pub(super) picture: Vec<i64>,
}

impl Root {
    pub(super) const FORMAT: &str = "encbox travelling index: root";

    /// Whether all columns have one length and name what is there.
    fn is_sound(&self) -> bool {
        let Entries { folder, name, kind, size, mtime, flags, title, details, picture } = &self.entries;
        let count = folder.len();
        let lengths = [kind.len(), size.len(), mtime.len(), flags.len(), title.len(), details.len()];
        let within = |at: u64, len: usize| at < len as u64;
        (self.format == Root::FORMAT && self.version == VERSION)
            && name.len() == count
            && picture.len() == count
            && lengths.iter().all(|len| *len == count)
            && folder.iter().all(|at| within(u64::from(*at), self.folders.len()))
            && kind.iter().all(|at| within(u64::from(*at), self.kinds.len()))
            && details.iter().all(|at| within(u64::from(*at), self.packs.len()))
            && picture.iter().all(|at| *at == -1 || within(*at as u64, self.packs.len()))
            && self.packs.iter().all(|pack| is_pack_id(pack))
    }

    /// Whether another root says the same, at another time.
    pub(super) fn says_the_same(&self, other: &Root) -> bool {
        let Root { format, version, device, host, published: _, scanned: _, kinds, folders, packs, entries } =
            self;
        (format, version, device, host) == (&other.format, &other.version, &other.device, &other.host)
            && (kinds, folders, packs, entries)
                == (&other.kinds, &other.folders, &other.packs, &other.entries)
    }

    /// Its entries; `None` if it contradicts itself. Entries whose names are impossible are left out.
    pub(super) fn items(&self) -> Option<Vec<Item>> {
        if !self.is_sound() {
            return None;
        }
        let folders: Vec<Option<PathBuf>> = self.folders.iter().map(Name::to_path).collect();
        let mut counts = vec![0_usize; self.packs.len()];
        let mut next = |pack: usize| {
            let at = counts[pack];
            counts[pack] += 1;
            (pack, at)
        };
        let entries = &self.entries;
        let item = |row: usize| {
            // counted in any case: what follows in the pack has its place
            let details = next(entries.details[row] as usize);
            let picture = usize::try_from(entries.picture[row]).ok().map(&mut next);
            let folder = folders[entries.folder[row] as usize].as_ref()?;
            let title = &entries.title[row];
            Some(Item {
                path: folder.join(entries.name[row].to_name()?),
                kind: self.kinds[usize::from(entries.kind[row])].clone(),
                size: entries.size[row],
                mtime: time(entries.mtime[row])?,
                flags: Flags::from_bits(entries.flags[row]),
                title: (!title.is_empty()).then(|| title.clone()),
                details,
                picture,
            })
        };
        Some((0..entries.folder.len()).filter_map(item).collect())
    }
}

/// One entry as a root tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// In the volume.
    pub path: PathBuf,
    /// The name of a [`preview::Kind`](crate::preview::Kind), or `folder`, `link`, `special`.
    pub kind: String,
    /// Plaintext bytes.
    pub size: u64,
    /// Last change of the contents, in whole seconds.
    pub mtime: SystemTime,
    /// What else there is to say.
    pub flags: Flags,
    /// What the file calls itself.
    pub title: Option<String>,
    /// Pack, and place in it.
    pub(super) details: (usize, usize),
    pub(super) picture: Option<(usize, usize)>,
}

/// A pack of details.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Details {
    /// [`Details::FORMAT`].
    pub(super) format: String,
    pub(super) version: u32,
    /// What `folder` counts in: paths on disk, without a slash in front; the root is empty.
    pub(super) folders: Vec<Name>,
    pub(super) folder: Vec<u32>,
    /// On disk.
    pub(super) name: Vec<Name>,
    /// Bytes on disk.
    pub(super) size: Vec<u64>,
    /// Dropbox's `content_hash` of the file on disk in base64; empty if it is not known.
    pub(super) content_hash: Vec<String>,
    /// The beginning of its text.
    pub(super) snippet: Vec<String>,
}

impl Details {
    pub(super) const FORMAT: &str = "encbox travelling index: details";

    pub(super) fn new() -> Details {
        Details {
            format: Details::FORMAT.to_owned(),
            version: VERSION,
            folders: Vec::new(),
            folder: Vec::new(),
            name: Vec::new(),
            size: Vec::new(),
            content_hash: Vec::new(),
            snippet: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, detail: &Detail) {
        let (folder, name) = split(detail.cipher_path.as_os_str().as_bytes());
        let folder = Name::new(folder);
        // entries of a folder stand together
        if self.folders.last() != Some(&folder) {
            self.folders.push(folder);
        }
        self.folder.push(self.folders.len() as u32 - 1);
        self.name.push(Name::new(name));
        self.size.push(detail.cipher_size);
        self.content_hash.push(detail.content_hash.map_or_else(String::new, |hash| STANDARD.encode(hash)));
        self.snippet.push(detail.snippet.to_string());
    }

    /// What is said of one entry; `None` if the pack contradicts itself there.
    pub(super) fn get(&self, at: usize) -> Option<Detail> {
        let folder = self.folders.get(*self.folder.get(at)? as usize)?.to_path()?;
        let hash = self.content_hash.get(at)?;
        Some(Detail {
            cipher_path: folder.join(self.name.get(at)?.to_name()?),
            cipher_size: *self.size.get(at)?,
            content_hash: STANDARD.decode(hash).ok().and_then(|hash| hash.try_into().ok()),
            snippet: self.snippet.get(at)?.as_str().into(),
        })
    }
}

/// What a pack tells of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Detail {
    pub(super) cipher_path: PathBuf,
    pub(super) cipher_size: u64,
    pub(super) content_hash: Option<[u8; 32]>,
    pub(super) snippet: Box<str>,
}

/// A pack of pictures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pictures {
    /// [`Pictures::FORMAT`].
    pub(super) format: String,
    pub(super) version: u32,
    /// JPEG or PNG, in base64.
    pub(super) data: Vec<String>,
}

impl Pictures {
    pub(super) const FORMAT: &str = "encbox travelling index: pictures";

    pub(super) fn new() -> Pictures {
        Pictures { format: Pictures::FORMAT.to_owned(), version: VERSION, data: Vec::new() }
    }

    pub(super) fn push(&mut self, picture: &[u8]) {
        self.data.push(STANDARD.encode(picture));
    }
}

/// Whether a file's name can be that of a pack.
pub(super) fn is_pack_id(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whole seconds since 1970, rounded down.
pub(super) fn seconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => -(before.duration().as_nanos().div_ceil(1_000_000_000) as i64),
    }
}

/// The time again; `None` if no clock reaches it.
fn time(seconds: i64) -> Option<SystemTime> {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) }
}

/// The folder and the name of a path.
pub(super) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&path[..0], path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> Root {
        let text = |text: &str| Name::Text(text.to_owned());
        Root {
            format: Root::FORMAT.to_owned(),
            version: VERSION,
            device: "d".into(),
            host: "h".into(),
            published: 1,
            scanned: None,
            kinds: vec!["text".into()],
            folders: vec![text(""), text("a/b")],
            packs: vec!["0".repeat(32)],
            entries: Entries {
                folder: vec![0, 1],
                name: vec![text("x"), Name::new(b"\xff")],
                kind: vec![0, 0],
                size: vec![1, 2],
                mtime: vec![-3, 4],
                flags: vec![0, 1],
                title: vec!["T".into(), String::new()],
                details: vec![0, 0],
                picture: vec![-1, -1],
            },
        }
    }

    #[test]
    fn names_are_what_they_were() {
        for name in [&b"plain"[..], "ärger".as_bytes(), b"\xff\xfe"] {
            let json = serde_json::to_string(&Name::new(name)).expect("JSON");
            let back: Name = serde_json::from_str(&json).expect(&json);
            assert_eq!(back.to_bytes().as_deref(), Some(name));
        }
        for bad in ["", ".", "..", "a/b", "a\0b"] {
            assert_eq!(Name::Text(bad.into()).to_name(), None, "{bad:?}");
        }
        for bad in ["/a", "a/", "a/../b", "..", "a//b"] {
            assert_eq!(Name::Text(bad.into()).to_path(), None, "{bad:?}");
        }
        assert_eq!(Name::Bytes { base64: "no base64!".into() }.to_name(), None);
    }

    #[test]
    fn places_in_packs_are_counted() {
        let items = root().items().expect("sound");
        assert_eq!(items[0].path, PathBuf::from("x"));
        assert_eq!(items[1].path.as_os_str().as_bytes(), b"a/b/\xff");
        assert_eq!((items[0].details, items[1].details), ((0, 0), (0, 1)));
        // what has an impossible name keeps its place
        let mut odd = root();
        odd.entries.name[0] = Name::Text("..".into());
        let items = odd.items().expect("sound");
        assert_eq!((items.len(), items[0].details), (1, (0, 1)));
    }

    #[test]
    fn times_are_what_they_were_to_the_second() {
        for whole in [0, 1, -1, 1_780_000_000, -1_780_000_000] {
            let at = time(whole).expect("within reach");
            assert_eq!((seconds(at), seconds(at + Duration::from_nanos(999_999_999))), (whole, whole));
        }
        assert_eq!(root().items().expect("sound")[0].mtime, UNIX_EPOCH - Duration::from_secs(3));
    }

    #[test]
    fn only_times_make_no_difference() {
        let (root, mut later) = (root(), root());
        (later.published, later.scanned) = (2, Some(2));
        assert!(later.says_the_same(&root));
        later.entries.size[0] += 1;
        assert!(!later.says_the_same(&root));
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let faults: [fn(&mut Root); 9] = [
            |root| root.format.push('x'),
            |root| root.version += 1,
            |root| root.entries.folder[0] = 2,
            |root| root.entries.kind[0] = 1,
            |root| root.entries.details[0] = 1,
            |root| root.entries.picture[0] = -2,
            |root| drop(root.entries.title.pop()),
            |root| drop(root.entries.name.pop()),
            |root| root.packs[0] = "../../root".into(),
        ];
        for (number, fault) in faults.into_iter().enumerate() {
            let mut root = root();
            fault(&mut root);
            assert_eq!(root.items(), None, "fault {number}");
        }
    }
}
