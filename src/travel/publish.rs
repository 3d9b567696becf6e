//! From the local index to objects in the synced folder.

use super::device::{Device, is_id};
use super::folder::Folder;
use super::groups::groups;
use super::model::{self, Details, Entries, Name, PackRef, Pictures, Root, VERSION, is_pack_id};
use super::{Error, PLACE, ROOT, index_key, object};
use crate::crypto::DerivedKey;
use crate::index::{Index, RowId, Rows};
use crate::volume::{PARTIAL_PREFIX, Volume};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::time::{SystemTime, UNIX_EPOCH};

/// Characters of a title that travel.
const TITLE_LEN: usize = 120;

/// What publishing came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Published {
    /// Files, folders, links.
    pub entries: u64,
    /// Whether anything had changed since the last time; if not, nothing was written.
    pub changed: bool,
    /// Packs that there are now.
    pub packs: u64,
    /// Packs that were not there before.
    pub new_packs: u64,
    /// Bytes of the root.
    pub root_len: u64,
    /// Bytes of root and packs.
    pub len: u64,
    /// Bytes that were written.
    pub written: u64,
}

/// Whether this device has published, and has not been told to withdraw it.
pub fn is_published(volume: &Volume, device: &Device) -> bool {
    let names = [PLACE[0], PLACE[1], &device.id, ROOT];
    volume.root_path().join(names.iter().collect::<std::path::PathBuf>()).is_file()
}

/// Brings what the index knows into the device's folder. Packs that are there already are used again; those that neither
/// this root nor the one before names are removed. `anew` writes every object again, in case one was damaged.
pub fn publish(index: &Index, volume: &Volume, device: &Device, anew: bool) -> Result<Published, Error> {
    let at = Error::at(volume.root_path());
    let root = Folder::root(volume.root_path()).map_err(at)?;
    let folder = PLACE.iter().chain([&&*device.id]).try_fold(root, |folder, name| {
        let path = folder.path.join(name);
        folder.make(name).map_err(Error::at(&path))
    })?;
    if !folder.lock().map_err(Error::at(&folder.path))? {
        return Err(Error::Busy);
    }
    let rows = index.rows()?;
    let scanned = index.status()?.scanned;
    Publishing { folder, key: index_key(volume), device, published: Published::default() }
        .run(&rows, scanned, anew)
}

/// Takes away what this device published; says whether there was anything.
pub fn withdraw(volume: &Volume, device: &Device) -> Result<bool, Error> {
    let root = Folder::root(volume.root_path()).map_err(Error::at(volume.root_path()))?;
    let place = match root.open(PLACE[0]).and_then(|own| Ok((own.open(PLACE[1])?, own))) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        place => place.map_err(Error::at(&root.path))?,
    };
    let (index, own) = place;
    let fail = Error::at(&index.path);
    let folder = match index.open(&device.id) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        folder => folder.map_err(&fail)?,
    };
    if !folder.lock().map_err(&fail)? {
        return Err(Error::Busy);
    }
    let clear = || -> io::Result<()> {
        for name in folder.names()? {
            folder.remove(&name)?;
        }
        index.remove_folder(&device.id)?;
        own.remove_folder(PLACE[1])?;
        root.remove_folder(PLACE[0])
    };
    clear().map_err(fail).map(|()| true)
}

/// What a root says of one entry, before all are in order.
struct Row {
    id: RowId,
    folder: Vec<u8>,
    name: Vec<u8>,
    kind: String,
    size: u64,
    mtime: i64,
    flags: u64,
    title: String,
    has_picture: bool,
}

struct Publishing<'a> {
    folder: Folder,
    key: DerivedKey,
    device: &'a Device,
    published: Published,
}

impl Publishing<'_> {
    fn run(mut self, rows: &Rows<'_>, scanned: Option<SystemTime>, anew: bool) -> Result<Published, Error> {
        let before: Option<Root> =
            self.folder.read(ROOT).ok().and_then(|bytes| object::open(&self.key, &self.name_of(ROOT), bytes));
        let there: BTreeSet<OsString> =
            self.folder.names().map_err(Error::at(&self.folder.path))?.into_iter().collect();
        let nothing = BTreeSet::new();
        let mut root = self.root(rows, scanned, if anew { &nothing } else { &there })?;
        self.published.entries = root.entries.name.len() as u64;
        self.published.packs = root.packs.len() as u64;
        let is_same = !anew
            && before.as_ref().is_some_and(|before| {
                root.published = before.published;
                let scanned = std::mem::replace(&mut root.scanned, before.scanned);
                let same = *before == root;
                root.scanned = scanned;
                same
            });
        if is_same {
            self.published.root_len = self.len_of(ROOT);
        } else {
            self.published.changed = true;
            root.published = seconds(SystemTime::now()).max(0) as u64;
            let sealed = object::seal(&self.key, &self.name_of(ROOT), &root);
            let sealed = sealed.map_err(Error::at(&self.folder.path))?;
            self.published.root_len = sealed.len() as u64;
            self.published.written += sealed.len() as u64;
            // packs first: a root never names what is not there
            let bring = || {
                self.folder.sync()?;
                self.folder.write(ROOT, &sealed)?;
                self.folder.sync()
            };
            bring().map_err(Error::at(&self.folder.path))?;
        }
        let packs: u64 = root.packs.iter().map(|pack| self.len_of(&pack.id)).sum();
        self.published.len = self.published.root_len + packs;
        // a sync client may bring the removal of a pack before the root that no longer names it
        let mut wanted: BTreeSet<&str> = root.packs.iter().map(|pack| &*pack.id).collect();
        if let Some(before) = before.as_ref().filter(|_| !is_same) {
            wanted.extend(before.packs.iter().map(|pack| &*pack.id));
        }
        if !is_same {
            self.collect(&there, &wanted)?;
        }
        Ok(self.published)
    }

    /// Brings the packs, and names them.
    fn root(
        &mut self,
        rows: &Rows<'_>,
        scanned: Option<SystemTime>,
        there: &BTreeSet<OsString>,
    ) -> Result<Root, Error> {
        let mut list = list(rows)?;
        // the entries of a folder together, and folders before what is in them
        list.sort_unstable_by(|a, b| (&a.folder, &a.name).cmp(&(&b.folder, &b.name)));
        let mut root = Root {
            format: Root::FORMAT.to_owned(),
            version: VERSION,
            device: self.device.id.clone(),
            host: self.device.host.clone(),
            published: 0,
            scanned: scanned.map(|at| seconds(at).max(0) as u64),
            kinds: Vec::new(),
            folders: Vec::new(),
            packs: Vec::new(),
            entries: Entries::default(),
        };
        let details = groups(list.iter().map(|row| (&*row.folder, &*row.name)));
        let details = self.details(rows, &list, &details, there, &mut root)?;
        let pictured: Vec<&Row> = list.iter().filter(|row| row.has_picture).collect();
        let pictures = groups(pictured.iter().map(|row| (&*row.folder, &*row.name)));
        let mut pictures = self.pictures(rows, &pictured, &pictures, there, &mut root)?.into_iter();

        let mut last_folder: Option<Vec<u8>> = None;
        for (row, details) in list.into_iter().zip(details) {
            if last_folder.as_ref() != Some(&row.folder) {
                root.folders.push(Name::new(&row.folder));
                last_folder = Some(row.folder);
            }
            let kind = root.kinds.iter().position(|kind| *kind == row.kind).unwrap_or_else(|| {
                root.kinds.push(row.kind);
                root.kinds.len() - 1
            });
            let columns = &mut root.entries;
            columns.folder.push(root.folders.len() as u32 - 1);
            columns.name.push(Name::new(&row.name));
            columns.kind.push(kind as u16);
            columns.size.push(row.size);
            columns.mtime.push(row.mtime);
            columns.flags.push(row.flags);
            columns.title.push(row.title);
            columns.details.push(details);
            let picture = row.has_picture.then(|| pictures.next()).flatten();
            columns.picture.push(picture.map_or(-1, i64::from));
        }
        Ok(root)
    }

    /// Brings the details of all entries; gives the pack of each.
    fn details(
        &mut self,
        rows: &Rows<'_>,
        list: &[Row],
        groups: &[u32],
        there: &BTreeSet<OsString>,
        root: &mut Root,
    ) -> Result<Vec<u32>, Error> {
        let mut packs = vec![0; list.len()];
        for members in members(groups) {
            let mut pack = Details::new();
            for &row in &members {
                pack.push(&rows.get(list[row].id)?);
            }
            let number = self.bring(&pack, members.len(), there, root)?;
            members.into_iter().for_each(|row| packs[row] = number);
        }
        Ok(packs)
    }

    /// The same for pictures.
    fn pictures(
        &mut self,
        rows: &Rows<'_>,
        list: &[&Row],
        groups: &[u32],
        there: &BTreeSet<OsString>,
        root: &mut Root,
    ) -> Result<Vec<u32>, Error> {
        let mut packs = vec![0; list.len()];
        for members in members(groups) {
            let mut pack = Pictures::new();
            for &row in &members {
                pack.push(&rows.get(list[row].id)?.thumbnail.unwrap_or_default());
            }
            let number = self.bring(&pack, members.len(), there, root)?;
            members.into_iter().for_each(|row| packs[row] = number);
        }
        Ok(packs)
    }

    /// Writes a pack, if it is not there; gives its number in the root.
    fn bring(
        &mut self,
        pack: &impl Serialize,
        count: usize,
        there: &BTreeSet<OsString>,
        root: &mut Root,
    ) -> Result<u32, Error> {
        let json = serde_json::to_vec(pack).map_err(io::Error::from).map_err(Error::at(&self.folder.path))?;
        let digest = self.key.derive(&Sha256::digest(json), "encbox: name of a pack");
        let id: String = digest.as_bytes()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        if !there.contains(std::ffi::OsStr::new(&id)) {
            let path = self.folder.path.join(&id);
            let sealed = object::seal(&self.key, &self.name_of(&id), pack).map_err(Error::at(&path))?;
            self.folder.write(&id, &sealed).map_err(Error::at(&path))?;
            self.published.new_packs += 1;
            self.published.written += sealed.len() as u64;
        }
        let next = root.packs.len() as u32;
        root.packs.push(PackRef { id, count: count as u32 });
        Ok(next)
    }

    /// Removes packs that nobody names, and what was never finished.
    fn collect(&self, there: &BTreeSet<OsString>, wanted: &BTreeSet<&str>) -> Result<(), Error> {
        for name in there {
            let is_old = name.to_str().is_some_and(|name| {
                is_pack_id(name) && !wanted.contains(name) || name.starts_with(PARTIAL_PREFIX)
            });
            if is_old {
                self.folder.remove(name).map_err(Error::at(&self.folder.path.join(name)))?;
            }
        }
        Ok(())
    }

    /// What is authenticated with an object.
    fn name_of(&self, name: &str) -> String {
        debug_assert!(is_id(&self.device.id));
        format!("{}/{name}", self.device.id)
    }

    fn len_of(&self, name: &str) -> u64 {
        std::fs::symlink_metadata(self.folder.path.join(name)).map_or(0, |meta| meta.len())
    }
}

fn list(rows: &Rows<'_>) -> Result<Vec<Row>, Error> {
    let row = |id| {
        let entry = rows.get(id)?;
        let path = entry.path.to_path().into_os_string().into_vec();
        let (folder, name) = model::split(&path);
        Ok(Row {
            id,
            folder: folder.to_vec(),
            name: name.to_vec(),
            size: entry.size,
            mtime: seconds(entry.mtime),
            flags: entry.flags.bits(),
            title: entry.title.map_or_else(String::new, |title| title.chars().take(TITLE_LEN).collect()),
            has_picture: entry.thumbnail.is_some(),
            kind: entry.kind,
        })
    };
    rows.ids().map(row).collect()
}

/// The members of each group, in their order.
fn members(groups: &[u32]) -> Vec<Vec<usize>> {
    let count = groups.iter().max().map_or(0, |last| *last as usize + 1);
    let mut members = vec![Vec::new(); count];
    groups.iter().enumerate().for_each(|(at, group)| members[*group as usize].push(at));
    members
}

/// Whole seconds since 1970.
pub(super) fn seconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        // rounded down, as the clock of a file does
        Err(before) => -(before.duration().as_nanos().div_ceil(1_000_000_000) as i64),
    }
}
