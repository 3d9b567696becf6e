//! From the local index to objects in the synced folder.

use super::device::Device;
use super::folder::Folder;
use super::groups::groups;
use super::model::{Details, Entries, Name, Pictures, Root, VERSION, is_pack_id, seconds};
use super::rows::{Row, sorted};
use super::{Error, PLACE, ROOT, index_key, object, place};
use crate::crypto::DerivedKey;
use crate::index::{Index, Rows};
use crate::volume::{PARTIAL_PREFIX, Volume};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::time::SystemTime;

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
    place(volume).join(&device.id).join(ROOT).is_file()
}

/// Brings what the index knows into the device's folder. Packs that are there already are used again; those that neither
/// this root nor the one before names are removed. `anew` writes every object again, in case one was damaged.
pub fn publish(index: &Index, volume: &Volume, device: &Device, anew: bool) -> Result<Published, Error> {
    let root = Folder::root(volume.root_path()).map_err(Error::at(volume.root_path()))?;
    let folder = PLACE.iter().chain([&&*device.id]).try_fold(root, |folder, name| {
        let path = folder.path.join(name);
        folder.make(name).map_err(Error::at(&path))
    })?;
    if !folder.lock().map_err(Error::at(&folder.path))? {
        return Err(Error::Busy);
    }
    let there = folder.names().map_err(Error::at(&folder.path))?.into_iter().collect();
    let scanned = index.scanned()?;
    let publishing = Publishing {
        folder,
        key: index_key(volume),
        device,
        there,
        anew,
        packs: Vec::new(),
        published: Published::default(),
    };
    publishing.run(&index.rows()?, scanned)
}

/// Takes away what this device published; says whether there was anything.
pub fn withdraw(volume: &Volume, device: &Device) -> Result<bool, Error> {
    let root = Folder::root(volume.root_path()).map_err(Error::at(volume.root_path()))?;
    let fail = Error::at(&place(volume));
    let open = || -> io::Result<_> {
        let own = root.open(PLACE[0])?;
        let index = own.open(PLACE[1])?;
        Ok((index.open(&device.id)?, index, own))
    };
    let (folder, index, own) = match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        opened => opened.map_err(&fail)?,
    };
    if !folder.lock().map_err(&fail)? {
        return Err(Error::Busy);
    }
    let clear = || -> io::Result<()> {
        folder.names()?.iter().try_for_each(|name| folder.remove(name))?;
        index.remove_folder(&device.id)?;
        own.remove_folder(PLACE[1])?;
        root.remove_folder(PLACE[0])
    };
    clear().map_err(fail).map(|()| true)
}

struct Publishing<'a> {
    folder: Folder,
    key: DerivedKey,
    device: &'a Device,
    /// The names in the folder, before anything was done.
    there: BTreeSet<OsString>,
    anew: bool,
    /// Of the root that is being made.
    packs: Vec<String>,
    published: Published,
}

impl Publishing<'_> {
    fn run(mut self, rows: &Rows<'_>, scanned: Option<SystemTime>) -> Result<Published, Error> {
        let before = self.folder.read(ROOT).ok();
        let before: Option<Root> =
            before.and_then(|bytes| object::open(&self.key, &self.name_of(ROOT), bytes));
        let root = self.root(rows, scanned)?;
        self.published.entries = root.entries.name.len() as u64;
        self.published.packs = root.packs.len() as u64;
        self.published.changed =
            self.anew || !before.as_ref().is_some_and(|before| before.says_the_same(&root));
        if self.published.changed {
            self.bring_root(&root)?;
            self.collect(&root, before.as_ref())?;
        }
        self.published.root_len = self.len_of(ROOT);
        let packs: u64 = root.packs.iter().map(|pack| self.len_of(pack)).sum();
        self.published.len = self.published.root_len + packs;
        Ok(self.published)
    }

    /// Brings the packs, and names them.
    fn root(&mut self, rows: &Rows<'_>, scanned: Option<SystemTime>) -> Result<Root, Error> {
        let list = sorted(rows)?;
        let all: Vec<&Row> = list.iter().collect();
        let details = self.bring_packs(&all, Details::new, |pack, row| {
            pack.push(&row.detail);
            Ok(())
        })?;
        let pictured: Vec<&Row> = list.iter().filter(|row| row.picture.is_some()).collect();
        let pictures = self.bring_packs(&pictured, Pictures::new, |pack, row| {
            if let Some(id) = row.picture {
                pack.push(&rows.get(id)?.thumbnail.unwrap_or_default());
            }
            Ok(())
        })?;
        let mut root = Root {
            format: Root::FORMAT.to_owned(),
            version: VERSION,
            device: self.device.id.clone(),
            host: self.device.host.clone(),
            published: seconds(SystemTime::now()).max(0) as u64,
            scanned: scanned.map(|at| seconds(at).max(0) as u64),
            kinds: Vec::new(),
            folders: Vec::new(),
            packs: std::mem::take(&mut self.packs),
            entries: Entries::default(),
        };
        let (mut pictures, mut last_folder) = (pictures.into_iter(), None);
        for (row, details) in list.into_iter().zip(details) {
            if last_folder.as_ref() != Some(&row.folder) {
                root.folders.push(Name::new(&row.folder));
                last_folder = Some(row.folder);
            }
            let kind = root.kinds.iter().position(|kind| **kind == *row.kind).unwrap_or_else(|| {
                root.kinds.push(row.kind.to_string());
                root.kinds.len() - 1
            });
            let picture = row.picture.and_then(|_| pictures.next());
            let columns = &mut root.entries;
            columns.folder.push(root.folders.len() as u32 - 1);
            columns.name.push(Name::new(&row.name));
            columns.kind.push(kind as u16);
            columns.size.push(row.size);
            columns.mtime.push(row.mtime);
            columns.flags.push(row.flags);
            columns.title.push(row.title.into());
            columns.details.push(details);
            columns.picture.push(picture.map_or(-1, i64::from));
        }
        Ok(root)
    }

    /// Brings what is said of some rows, in packs; gives the number of the pack of each.
    fn bring_packs<P: Serialize>(
        &mut self,
        list: &[&Row],
        new: fn() -> P,
        push: impl Fn(&mut P, &Row) -> Result<(), Error>,
    ) -> Result<Vec<u32>, Error> {
        let groups = groups(list.iter().map(|row| (&*row.folder, &*row.name)));
        let first = self.packs.len() as u32;
        for members in members(&groups) {
            let mut pack = new();
            members.into_iter().try_for_each(|at| push(&mut pack, list[at]))?;
            self.bring_pack(&pack)?;
        }
        Ok(groups.into_iter().map(|group| first + group).collect())
    }

    /// Writes a pack, if it is not there.
    fn bring_pack(&mut self, pack: &impl Serialize) -> Result<(), Error> {
        let fail = Error::at(&self.folder.path);
        let json = serde_json::to_vec(pack).map_err(io::Error::from).map_err(&fail)?;
        let digest = self.key.derive(&Sha256::digest(&json), "encbox: name of a pack");
        let id: String = digest.as_bytes()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        if self.anew || !self.there.contains(OsStr::new(&id)) {
            let sealed = object::seal(&self.key, &self.name_of(&id), |text| text.write_all(&json));
            let sealed = sealed.map_err(&fail)?;
            self.folder.write(&id, &sealed).map_err(Error::at(&self.folder.path.join(&id)))?;
            self.published.new_packs += 1;
            self.published.written += sealed.len() as u64;
        }
        self.packs.push(id);
        Ok(())
    }

    /// Puts a root in its place, once its packs are durable: it never names what is not there.
    fn bring_root(&mut self, root: &Root) -> Result<(), Error> {
        let bring = || -> io::Result<usize> {
            let sealed =
                object::seal(&self.key, &self.name_of(ROOT), |text| Ok(serde_json::to_writer(text, root)?))?;
            self.folder.sync()?;
            self.folder.write(ROOT, &sealed)?;
            self.folder.sync()?;
            Ok(sealed.len())
        };
        self.published.written += bring().map_err(Error::at(&self.folder.path.join(ROOT)))? as u64;
        Ok(())
    }

    /// Removes packs that nobody names, and what was never finished. A sync client may bring the removal of a pack before
    /// the root that no longer names it, so those of the root before stay.
    fn collect(&self, root: &Root, before: Option<&Root>) -> Result<(), Error> {
        let named = before.map_or(&[][..], |before| &before.packs).iter().chain(&root.packs);
        let named: BTreeSet<&str> = named.map(String::as_str).collect();
        let is_old =
            |name: &str| is_pack_id(name) && !named.contains(name) || name.starts_with(PARTIAL_PREFIX);
        for name in self.there.iter().filter(|name| name.to_str().is_some_and(is_old)) {
            self.folder.remove(name).map_err(Error::at(&self.folder.path.join(name)))?;
        }
        Ok(())
    }

    /// What is authenticated with an object.
    fn name_of(&self, name: &str) -> String {
        format!("{}/{name}", self.device.id)
    }

    fn len_of(&self, name: &str) -> u64 {
        fs::symlink_metadata(self.folder.path.join(name)).map_or(0, |meta| meta.len())
    }
}

/// The members of each group, in their order.
fn members(groups: &[u32]) -> Vec<Vec<usize>> {
    let count = groups.iter().max().map_or(0, |last| *last as usize + 1);
    let mut members = vec![Vec::new(); count];
    groups.iter().enumerate().for_each(|(at, group)| members[*group as usize].push(at));
    members
}
