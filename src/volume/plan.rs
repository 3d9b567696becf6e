//! What a rename will change on disk, written down before the first change, in ciphertext only.
//!
//! A plan holds names as they are on disk, inode numbers, times, and file headers; no key is needed to carry it out
//! or to take it back, and none can be found in it. It is kept in the form in which the journal stores it, some
//! hundred bytes an entry, for a tree can have millions:
//!
//! ```text
//! plan     = u8 number of trees, tree..., folder...
//! tree     = identity, place before, place after, header             what is renamed; two if they change places
//! place    = u32 length, path of a directory below the root, identity of the directory, name
//! folder   = u32 length, u32 above, u64 device, identity, times, name before, name after, entry...
//! entry    = u64 inode, name before, name after, header
//! header   = u8 0, or u8 1, 8 bytes before, 8 bytes after, times
//! identity = u64 inode, i64 and u32: seconds and nanoseconds of its birth, 0 if unknown
//! times    = i64 and u32 of the last access, i64 and u32 of the last change
//! name     = u16 length, bytes
//! ```
//!
//! All numbers are little endian. `above` is the number of the folder that a folder is in, always a smaller one, or
//! `u32::MAX - t` for the top of tree t.

use super::attr::FileId;
use super::sys::{self, RawStat, Times};
use crate::content::HEADER_LEN;
use std::time::{SystemTime, UNIX_EPOCH};

/// Which inode something is. Numbers of devices change when a machine starts, so they do not count.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity {
    pub(super) ino: u64,
    birth: SystemTime,
}

impl Identity {
    pub(super) fn of(stat: &RawStat) -> Identity {
        Identity { ino: stat.id.ino, birth: stat.btime.unwrap_or(UNIX_EPOCH) }
    }

    pub(super) fn is(self, stat: &RawStat) -> bool {
        let other = Identity::of(stat);
        let unknown = self.birth == UNIX_EPOCH || other.birth == UNIX_EPOCH;
        self.ino == other.ino && (unknown || self.birth == other.birth)
    }
}

/// A file header that goes with the name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) before: [u8; HEADER_LEN],
    pub(super) after: [u8; HEADER_LEN],
    /// Of the file: rewriting the header changes them.
    pub(super) times: Times,
}

/// A name in a directory that the rename leaves where it is.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Ciphertext path below the root.
    pub(super) dir: Vec<u8>,
    pub(super) dir_identity: Identity,
    pub(super) name: Vec<u8>,
}

/// What is renamed, with all that hangs below.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    pub(super) identity: Identity,
    pub(super) before: Place,
    pub(super) after: Place,
    pub(super) header: Option<Header>,
}

/// An entry of a directory below, or at, the top of a tree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) ino: u64,
    pub(super) before: &'a [u8],
    pub(super) after: &'a [u8],
    pub(super) header: Option<Header>,
}

/// What a folder is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Above {
    /// It is the top of the tree with this number.
    Top(usize),
    /// The folder with this number.
    Folder(usize),
}

/// A directory in which entries are renamed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Folder<'a> {
    pub(super) above: Above,
    dev: u64,
    pub(super) identity: Identity,
    pub(super) times: Times,
    pub(super) before: &'a [u8],
    pub(super) after: &'a [u8],
    entries: &'a [u8],
}

/// All that a rename changes.
#[derive(Debug, Clone, Default)]
pub(super) struct Plan {
    pub(super) trees: Vec<Tree>,
    /// The folders as the journal has them, parents first.
    folders: Vec<u8>,
    /// Where each of them begins.
    starts: Vec<usize>,
}

impl Plan {
    /// Begins a folder; [`Plan::add_entry`] adds to it.
    pub(super) fn add_folder(&mut self, above: Above, before: &[u8], after: &[u8], stat: &RawStat) -> usize {
        let above = match above {
            Above::Top(tree) => u32::MAX - tree as u32,
            Above::Folder(number) => number as u32,
        };
        let start = self.folders.len();
        self.starts.push(start);
        let bytes = &mut self.folders;
        bytes.extend([0; 4]);
        bytes.extend(above.to_le_bytes());
        bytes.extend(stat.id.dev.to_le_bytes());
        put_identity(bytes, Identity::of(stat));
        put_times(bytes, stat.times());
        put_name(bytes, before);
        put_name(bytes, after);
        self.end_folder(start);
        self.starts.len() - 1
    }

    /// Adds an entry to the folder that was begun last.
    pub(super) fn add_entry(&mut self, entry: Entry<'_>) {
        let bytes = &mut self.folders;
        bytes.extend(entry.ino.to_le_bytes());
        put_name(bytes, entry.before);
        put_name(bytes, entry.after);
        put_header(bytes, entry.header);
        if let Some(&start) = self.starts.last() {
            self.end_folder(start);
        }
    }

    fn end_folder(&mut self, start: usize) {
        let len = (self.folders.len() - start - 4) as u32;
        self.folders[start..start + 4].copy_from_slice(&len.to_le_bytes());
    }

    /// Folders are numbered from 0, parents before what is in them.
    pub(super) fn folder_count(&self) -> usize {
        self.starts.len()
    }

    pub(super) fn folder(&self, number: usize) -> Folder<'_> {
        read_folder(&mut Reader(&self.folders[self.starts[number]..]))
            .expect("checked when it was made or read")
    }

    /// Whether the only change is the rename of the trees themselves.
    pub(super) fn is_trivial(&self) -> bool {
        let empty = |number: usize| self.folder(number).entries().next().is_none();
        self.trees.iter().all(|tree| tree.header.is_none()) && (0..self.folder_count()).all(empty)
    }

    /// As the journal stores it, in two parts: the second is large and is at hand already.
    pub(super) fn bytes(&self) -> (Vec<u8>, &[u8]) {
        let mut bytes = Vec::new();
        bytes.push(self.trees.len() as u8);
        for tree in &self.trees {
            put_identity(&mut bytes, tree.identity);
            put_place(&mut bytes, &tree.before);
            put_place(&mut bytes, &tree.after);
            put_header(&mut bytes, tree.header);
        }
        (bytes, &self.folders)
    }

    /// Bytes of all names and headers below the trees: a measure of the work.
    pub(super) fn len_below(&self) -> usize {
        self.folders.len()
    }

    /// Reads what the journal stored; `None` if it is no plan.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Plan> {
        let mut reader = Reader(bytes);
        let count = reader.u8()?;
        let trees = (0..count).map(|_| read_tree(&mut reader)).collect::<Option<Vec<_>>>()?;
        let folders = reader.0.to_vec();
        let mut starts = Vec::new();
        while !reader.0.is_empty() {
            let start = folders.len() - reader.0.len();
            let folder = read_folder(&mut reader)?;
            let known = match folder.above {
                Above::Top(tree) => tree < trees.len(),
                Above::Folder(number) => number < starts.len(),
            };
            let mut entries = folder.entries();
            entries.by_ref().for_each(drop);
            if !known || !entries.0.0.is_empty() {
                return None;
            }
            starts.push(start);
        }
        Some(Plan { trees, folders, starts })
    }
}

impl<'a> Folder<'a> {
    /// How it was known when the plan was made.
    pub(super) fn id(&self) -> FileId {
        FileId { dev: self.dev, ino: self.identity.ino }
    }

    pub(super) fn entries(&self) -> Entries<'a> {
        Entries(Reader(self.entries))
    }
}

/// The entries of a folder, in the order in which they are renamed.
pub(super) struct Entries<'a>(Reader<'a>);

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let mut reader = Reader(self.0.0);
        let entry = Entry {
            ino: reader.u64()?,
            before: reader.name()?,
            after: reader.name()?,
            header: reader.header()?,
        };
        self.0 = reader;
        Some(entry)
    }
}

fn put_name(bytes: &mut Vec<u8>, name: &[u8]) {
    bytes.extend((name.len() as u16).to_le_bytes());
    bytes.extend(name);
}

fn put_time(bytes: &mut Vec<u8>, time: SystemTime) {
    let (seconds, nanoseconds) = sys::seconds_and_nanoseconds(time);
    bytes.extend(seconds.to_le_bytes());
    bytes.extend(nanoseconds.to_le_bytes());
}

fn put_times(bytes: &mut Vec<u8>, times: Times) {
    put_time(bytes, times.atime);
    put_time(bytes, times.mtime);
}

fn put_identity(bytes: &mut Vec<u8>, identity: Identity) {
    bytes.extend(identity.ino.to_le_bytes());
    put_time(bytes, identity.birth);
}

fn put_place(bytes: &mut Vec<u8>, place: &Place) {
    bytes.extend((place.dir.len() as u32).to_le_bytes());
    bytes.extend(&place.dir);
    put_identity(bytes, place.dir_identity);
    put_name(bytes, &place.name);
}

fn put_header(bytes: &mut Vec<u8>, header: Option<Header>) {
    bytes.push(header.is_some().into());
    if let Some(header) = header {
        bytes.extend(header.before);
        bytes.extend(header.after);
        put_times(bytes, header.times);
    }
}

fn read_tree(reader: &mut Reader<'_>) -> Option<Tree> {
    Some(Tree {
        identity: reader.identity()?,
        before: reader.place()?,
        after: reader.place()?,
        header: reader.header()?,
    })
}

fn read_folder<'a>(reader: &mut Reader<'a>) -> Option<Folder<'a>> {
    let len = reader.u32()?;
    let mut reader = Reader(reader.take(len as usize)?);
    let above = match reader.u32()? {
        top if top > u32::MAX - 8 => Above::Top((u32::MAX - top) as usize),
        number => Above::Folder(number as usize),
    };
    Some(Folder {
        above,
        dev: reader.u64()?,
        identity: reader.identity()?,
        times: reader.times()?,
        before: reader.name()?,
        after: reader.name()?,
        entries: reader.0,
    })
}

/// What is left to be read. Whatever does not fit is `None`.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn time(&mut self) -> Option<SystemTime> {
        let seconds = i64::from_le_bytes(self.array()?);
        Some(sys::time(seconds, self.u32()?))
    }

    fn times(&mut self) -> Option<Times> {
        Some(Times { atime: self.time()?, mtime: self.time()? })
    }

    fn identity(&mut self) -> Option<Identity> {
        Some(Identity { ino: self.u64()?, birth: self.time()? })
    }

    /// A name, never a path: what is read here is renamed.
    fn name(&mut self) -> Option<&'a [u8]> {
        let len = u16::from_le_bytes(self.array()?);
        self.take(len.into()).filter(|name| is_name(name))
    }

    fn place(&mut self) -> Option<Place> {
        let len = self.u32()?;
        let dir = self.take(len as usize)?;
        if !dir.is_empty() && !dir.split(|&byte| byte == b'/').all(is_name) {
            return None;
        }
        Some(Place { dir: dir.to_vec(), dir_identity: self.identity()?, name: self.name()?.to_vec() })
    }

    fn header(&mut self) -> Option<Option<Header>> {
        Some(match self.u8()? {
            0 => None,
            1 => Some(Header { before: self.array()?, after: self.array()?, times: self.times()? }),
            _ => return None,
        })
    }
}

fn is_name(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..") && !name.iter().any(|byte| matches!(byte, b'/' | 0))
}
