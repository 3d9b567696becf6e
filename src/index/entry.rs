//! One row of the index, and the way into the search engine and back.

use super::schema::Fields;
use super::words::folded;
use crate::preview::Fact;
use crate::volume::PlainPath;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tantivy::TantivyDocument;
use tantivy::schema::{Field, Value};

/// The kind of a directory.
pub const FOLDER: &str = "folder";
/// The kind of a symbolic link.
pub const LINK: &str = "link";
/// The kind of a device, a pipe or a socket.
pub const SPECIAL: &str = "special";

/// What the index knows of one entry of the volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub path: PlainPath,
    /// The same on disk, relative to the root.
    pub cipher_path: PathBuf,
    /// Plaintext bytes.
    pub size: u64,
    /// Bytes on disk.
    pub cipher_size: u64,
    /// Last change of the contents.
    pub mtime: SystemTime,
    /// The name of a [`preview::Kind`](crate::preview::Kind), or `folder`, `link`, `special`.
    pub kind: String,
    /// The MIME type of a file.
    pub mime: Option<String>,
    /// What the file calls itself.
    pub title: Option<String>,
    /// The beginning of its text, on one line.
    pub snippet: String,
    /// What can be searched in it; of a link, where it leads.
    pub text: String,
    /// SHA-256 of the plaintext, if all of it was read.
    pub hash: Option<[u8; 32]>,
    /// Dropbox's `content_hash` of the ciphertext, if all of it was read.
    pub content_hash: Option<[u8; 32]>,
    /// A small JPEG or PNG.
    pub thumbnail: Option<Vec<u8>>,
    /// What else there is to say.
    pub flags: Flags,
}

/// Whether something is the matter with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags {
    /// Not all of its contents could be read.
    pub damaged: bool,
    /// Not all of its text is in the index.
    pub partial: bool,
    /// It is a conflicted copy.
    pub copy: bool,
}

impl Flags {
    const DAMAGED: u64 = 1;
    const PARTIAL: u64 = 2;
    const COPY: u64 = 4;

    /// As a number, which is kept and published: 1 damaged, 2 partial, 4 a conflicted copy.
    pub fn bits(self) -> u64 {
        [(self.damaged, Flags::DAMAGED), (self.partial, Flags::PARTIAL), (self.copy, Flags::COPY)]
            .into_iter()
            .filter_map(|(set, bit)| set.then_some(bit))
            .sum()
    }

    /// From [`Flags::bits`]; others are for later versions.
    pub fn from_bits(bits: u64) -> Flags {
        Flags {
            damaged: bits & Flags::DAMAGED != 0,
            partial: bits & Flags::PARTIAL != 0,
            copy: bits & Flags::COPY != 0,
        }
    }
}

impl Entry {
    /// The row for the search engine. `facts` can be searched, and are not kept otherwise.
    pub(super) fn to_document(
        &self,
        fields: &Fields,
        key: Key,
        stamp: u64,
        facts: &[Fact],
    ) -> TantivyDocument {
        let mut row = TantivyDocument::default();
        row.add_bytes(fields.key, &key.bytes());
        row.add_u64(fields.key_high, key.high());
        row.add_u64(fields.key_low, key.low());
        row.add_u64(
            fields.parent,
            self.path.parent().map_or(Key::ROOT, |folder| Key::of_path(&folder)).low(),
        );
        row.add_u64(fields.stamp, stamp);
        row.add_bytes(fields.path, self.path.to_path().as_os_str().as_bytes());
        row.add_bytes(fields.cipher_path, self.cipher_path.as_os_str().as_bytes());
        row.add_u64(fields.size, self.size);
        row.add_u64(fields.cipher_size, self.cipher_size);
        row.add_i64(fields.mtime, nanoseconds(self.mtime));
        row.add_text(fields.kind, &self.kind);
        self.add_place(&mut row, fields);
        let texts = [(fields.mime, &self.mime), (fields.title, &self.title)];
        for (field, text) in texts.into_iter().filter_map(|(field, text)| Some((field, text.as_ref()?))) {
            row.add_text(field, text);
        }
        for (field, text) in [(fields.snippet, &self.snippet), (fields.text, &self.text)] {
            if !text.is_empty() {
                row.add_text(field, text);
            }
        }
        for fact in facts {
            row.add_text(fields.facts, &fact.value);
        }
        let hashes = [(fields.hash, self.hash), (fields.content_hash, self.content_hash)];
        for (field, hash) in hashes.into_iter().filter_map(|(field, hash)| Some((field, hash?))) {
            row.add_bytes(field, &hash);
        }
        if let Some(thumbnail) = &self.thumbnail {
            row.add_bytes(fields.thumbnail, thumbnail);
        }
        if self.flags != Flags::default() {
            row.add_u64(fields.flags, self.flags.bits());
        }
        row
    }

    /// The name, and the folders above.
    fn add_place(&self, row: &mut TantivyDocument, fields: &Fields) {
        let names: Vec<_> = self.path.components().iter().map(|name| name.to_string_lossy()).collect();
        let Some((name, above)) = names.split_last() else { return };
        row.add_text(fields.name, name);
        row.add_text(fields.name_grams, name);
        if let Some((stem, extension)) = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()) {
            debug_assert!(stem.len() + extension.len() < name.len());
            row.add_text(fields.extension, folded(extension));
        }
        let mut path = String::new();
        for folder in above {
            let folder = folded(folder);
            path.push('/');
            path.push_str(&folder);
            row.add_text(fields.folder, &path);
            row.add_text(fields.folder, &folder);
        }
    }

    /// The row again; `None` if it lacks what every row has.
    pub(super) fn from_document(row: &TantivyDocument, fields: &Fields) -> Option<Entry> {
        let number = |field| row.get_first(field).and_then(|value| value.as_u64());
        let bytes = |field: Field| Some(row.get_first(field)?.as_bytes()?.to_vec());
        let text = |field: Field| Some(row.get_first(field)?.as_str()?.to_owned());
        let hash = |field| bytes(field).and_then(|bytes| bytes.try_into().ok());
        Some(Entry {
            path: PlainPath::parse(OsStr::from_bytes(&bytes(fields.path)?))?,
            cipher_path: OsStr::from_bytes(&bytes(fields.cipher_path)?).into(),
            size: number(fields.size)?,
            cipher_size: number(fields.cipher_size)?,
            mtime: time(row.get_first(fields.mtime)?.as_i64()?),
            kind: text(fields.kind)?,
            mime: text(fields.mime),
            title: text(fields.title),
            snippet: text(fields.snippet).unwrap_or_default(),
            text: text(fields.text).unwrap_or_default(),
            hash: hash(fields.hash),
            content_hash: hash(fields.content_hash),
            thumbnail: bytes(fields.thumbnail),
            flags: Flags::from_bits(number(fields.flags).unwrap_or(0)),
        })
    }
}

/// 16 bytes that stand for a path: the first of its SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(u128);

impl Key {
    /// The root has no row, but its entries have a parent.
    pub(super) const ROOT: Key = Key(0);

    /// Of a path.
    pub(super) fn of_path(path: &PlainPath) -> Key {
        if path.is_root() { Key::ROOT } else { Key::of(b"", path.to_path().as_os_str().as_bytes()) }
    }

    /// Of a name in a folder, whose path ends with a slash unless it is the root.
    pub(super) fn of(folder: &[u8], name: &[u8]) -> Key {
        use sha2::{Digest, Sha256};
        let digest: [u8; 32] = Sha256::new().chain_update(folder).chain_update(name).finalize().into();
        let mut first = [0; 16];
        first.copy_from_slice(&digest[..16]);
        Key(u128::from_be_bytes(first))
    }

    pub(super) fn new(high: u64, low: u64) -> Key {
        Key(u128::from(high) << 64 | u128::from(low))
    }

    pub(super) fn bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    pub(super) fn high(self) -> u64 {
        (self.0 >> 64) as u64
    }

    pub(super) fn low(self) -> u64 {
        self.0 as u64
    }
}

/// Nanoseconds since 1970; times beyond the year 2262 count as the last of it.
pub(super) fn nanoseconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |before| -before),
    }
}

fn time(nanoseconds: i64) -> SystemTime {
    let distance = Duration::from_nanos(nanoseconds.unsigned_abs());
    match nanoseconds >= 0 {
        true => UNIX_EPOCH + distance,
        false => UNIX_EPOCH - distance,
    }
}

#[cfg(test)]
mod tests {
    use super::super::schema::schema;
    use super::*;

    #[test]
    fn there_and_back() {
        let (_, fields) = schema();
        let entry = Entry {
            path: PlainPath::parse(OsStr::from_bytes(b"a/b\xff.MD")).expect("within"),
            cipher_path: "x/y".into(),
            size: 5,
            cipher_size: 13,
            mtime: UNIX_EPOCH - Duration::from_nanos(3),
            kind: "markdown".into(),
            mime: Some("text/markdown".into()),
            title: Some("Title".into()),
            snippet: "begin".into(),
            text: "begin and end".into(),
            hash: Some([1; 32]),
            content_hash: None,
            thumbnail: Some(vec![1, 2]),
            flags: Flags { damaged: true, copy: true, partial: false },
        };
        let row = entry.to_document(&fields, Key::of(b"a/", b"b"), 7, &[]);
        assert_eq!(Entry::from_document(&row, &fields), Some(entry));
        assert_eq!(Entry::from_document(&TantivyDocument::default(), &fields), None);
    }

    #[test]
    fn keys_and_times_are_what_they_were() {
        let key = Key::of(b"a/", b"b");
        assert_eq!(Key::new(key.high(), key.low()), key);
        for nanoseconds_since in [0, 1, -1, i64::MAX, i64::MIN + 1] {
            assert_eq!(nanoseconds(time(nanoseconds_since)), nanoseconds_since);
        }
        assert_eq!(nanoseconds(UNIX_EPOCH + Duration::from_secs(1 << 40)), i64::MAX);
    }
}
