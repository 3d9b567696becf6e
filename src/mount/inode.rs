//! The numbers the kernel knows files by.
//!
//! A node's number is the inode number of its backing file (the root alone is 1, by protocol), so programs that
//! remember inode numbers find them again after a remount. A node lives from the first time that the kernel is
//! told of it until the kernel has forgotten every telling. When the disk gives a number to another file within
//! that time, the node starts a new life under a higher generation: the kernel then drops what it kept of the
//! old one. Tellings of all lives are counted together, since the kernel forgets by number alone.
//!
//! A directory is a [`Dir`], which knows where it is. Any other file is reached through its names, or through a
//! handle that is open on it. Names are hints: other machines rename and replace files at any time, so whoever
//! uses a name checks that it still leads to the same file, and nobody has to keep the hints complete.
//!
//! No descriptor is held for a node, and no lock over I/O.

use super::caching::Seen;
use super::caching::Verdict;
use super::handle::OpenFile;
use crate::volume::Dir;
use crate::volume::FileId;
use crate::volume::Kind;
use crate::volume::Stat;
use std::collections::HashMap;
use std::collections::hash_map;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::hash::BuildHasher;
use std::hash::RandomState;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::Weak;
use std::time::SystemTime;

/// The root's number in the protocol.
pub(super) const ROOT: u64 = 1;

/// Marks the numbers of files on another device than the root: theirs may coincide with the root's.
const FOREIGN: u64 = 1 << 63;

/// Names kept for one file. A file with more hard links is found through the latest.
const MAX_LINKS: usize = 8;

/// The deepest path that is told; the system takes none that is as long.
const MAX_DEPTH: usize = 2048;

/// Every node that the kernel knows.
#[derive(Debug)]
pub(super) struct Inodes {
    root: FileId,
    device: u64,
    /// Whether the kernel trusts its own size of a file more than ours.
    write_back: bool,
    hasher: RandomState,
    table: Mutex<Table>,
}

#[derive(Debug)]
struct Table {
    nodes: HashMap<u64, Node>,
    /// What the kernel was told that a name leads to, by [`Inodes::key`].
    names: HashMap<u64, u64>,
}

#[derive(Debug)]
struct Node {
    life: Life,
    generation: u64,
    /// How often the kernel was told of this number and has not forgotten it.
    lookups: u64,
    reach: Reach,
}

/// What tells one holder of an inode number from the next.
#[derive(Debug, Clone, Copy)]
struct Life {
    id: FileId,
    kind: Kind,
    born: Option<SystemTime>,
}

#[derive(Debug)]
enum Reach {
    Dir {
        dir: Dir,
        /// The root has none.
        name: Option<Link>,
        watched: Watched,
    },
    /// The latest name stands last.
    File { links: Vec<Link>, open: Vec<Weak<OpenFile>>, seen: Arc<Seen> },
}

/// Whether changes in a directory are told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Watched {
    /// Nobody has asked yet.
    Unknown,
    No,
    Yes,
}

/// A name of a file.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) dir: Dir,
    pub(super) name: OsString,
}

/// What a node was found to be.
#[derive(Debug, Clone)]
pub(super) enum Found {
    /// With its name and the directory that this is in.
    Dir(Dir, Link),
    File(Link),
}

/// The ways to a node at one moment.
#[derive(Debug)]
pub(super) enum Ways {
    Dir(Dir, Watched),
    /// The latest name first.
    File {
        id: FileId,
        links: Vec<Link>,
        open: Vec<Arc<OpenFile>>,
        seen: Arc<Seen>,
    },
}

impl Inodes {
    pub(super) fn new(root: Dir, write_back: bool) -> Inodes {
        let id = root.id();
        let root = Node {
            life: Life { id, kind: Kind::Dir, born: None },
            generation: 0,
            lookups: 1,
            reach: Reach::Dir { dir: root, name: None, watched: Watched::Unknown },
        };
        let table = Table { nodes: HashMap::from([(ROOT, root)]), names: HashMap::new() };
        Inodes { root: id, device: id.dev, write_back, hasher: RandomState::new(), table: Mutex::new(table) }
    }

    /// The number of the node of a backing file other than the root.
    pub(super) fn number(&self, id: FileId) -> u64 {
        if id.dev == self.device && id.ino > ROOT {
            id.ino
        } else {
            FOREIGN | (id.dev.rotate_right(16) ^ id.ino)
        }
    }

    /// A name in a directory, as the table of names has it. Two names may share a key: the worst that follows is
    /// that the kernel asks once more.
    fn key(&self, dir: FileId, name: &OsStr) -> u64 {
        self.hasher.hash_one((dir, name))
    }

    /// Notes that the kernel is told of a file; gives its number and generation.
    pub(super) fn enter(&self, stat: &Stat, found: Found) -> (u64, u64) {
        let number = self.number(stat.id);
        let life = Life { id: stat.id, kind: stat.kind, born: stat.btime };
        let key = match &found {
            Found::Dir(_, link) | Found::File(link) => self.key(link.dir.id(), &link.name),
        };
        let mut table = self.table();
        table.names.insert(key, number);
        let generation = match table.nodes.entry(number) {
            hash_map::Entry::Vacant(vacant) => {
                let node = Node { life, generation: 0, lookups: 1, reach: Reach::new(found, stat) };
                vacant.insert(node).generation
            }
            hash_map::Entry::Occupied(mut occupied) => {
                let node = occupied.get_mut();
                node.lookups += 1;
                if node.life.continues(&life) && !(self.write_back && node.is_outdated(stat)) {
                    node.reach.renew(found);
                } else {
                    node.generation += 1;
                    node.life = life;
                    node.reach = Reach::new(found, stat);
                }
                node.generation
            }
        };
        (number, generation)
    }

    /// The kernel forgets `count` tellings. Gives the directory that it has thereby forgotten altogether.
    pub(super) fn forget(&self, number: u64, count: u64) -> Option<FileId> {
        if number == ROOT {
            return None;
        }
        let mut table = self.table();
        let node = table.nodes.get_mut(&number)?;
        node.lookups = node.lookups.saturating_sub(count);
        if node.lookups > 0 {
            return None;
        }
        let node = table.nodes.remove(&number)?;
        match node.reach {
            Reach::Dir { dir, name, .. } => {
                if let Some(link) = name {
                    table.forget_name(self.key(link.dir.id(), &link.name), number);
                }
                Some(dir.id())
            }
            Reach::File { links, .. } => {
                for link in links {
                    table.forget_name(self.key(link.dir.id(), &link.name), number);
                }
                None
            }
        }
    }

    /// What the kernel was told that a name leads to.
    pub(super) fn known_as(&self, dir: FileId, name: &OsStr) -> Option<u64> {
        self.table().names.get(&self.key(dir, name)).copied()
    }

    /// A name leads nowhere any more.
    pub(super) fn forget_name(&self, dir: FileId, name: &OsStr) {
        let key = self.key(dir, name);
        let mut table = self.table();
        let Some(number) = table.names.remove(&key) else { return };
        if let Some(Node { reach: Reach::File { links, .. }, .. }) = table.nodes.get_mut(&number) {
            links.retain(|link| link.dir.id() != dir || link.name != name);
        }
    }

    /// Notes whether changes in a directory are told of.
    pub(super) fn set_watched(&self, number: u64, now: bool) {
        if let Some(Node { reach: Reach::Dir { watched, .. }, .. }) = self.table().nodes.get_mut(&number) {
            *watched = if now { Watched::Yes } else { Watched::No };
        }
    }

    /// Nobody tells of changes any more. Gives the directories that somebody told of.
    pub(super) fn unwatch_all(&self) -> Vec<FileId> {
        let mut table = self.table();
        let unwatch = |node: &mut Node| match &mut node.reach {
            Reach::Dir { dir, watched, .. } => {
                (std::mem::replace(watched, Watched::Unknown) == Watched::Yes).then(|| dir.id())
            }
            Reach::File { .. } => None,
        };
        table.nodes.values_mut().filter_map(unwatch).collect()
    }

    /// The number that the kernel knows a directory by.
    pub(super) fn number_of(&self, dir: &Dir) -> u64 {
        if dir.id() == self.root { ROOT } else { self.number(dir.id()) }
    }

    /// How many nodes the kernel knows.
    pub(super) fn len(&self) -> usize {
        self.table().nodes.len()
    }

    /// Every node with every name that it is known by.
    pub(super) fn all(&self) -> Vec<(u64, Vec<Link>)> {
        self.table().nodes.iter().map(|(&number, node)| (number, node.names())).collect()
    }

    /// The names that a node is known by. A directory has one, the root none.
    pub(super) fn names_of(&self, number: u64) -> Vec<Link> {
        self.table().nodes.get(&number).map(Node::names).unwrap_or_default()
    }

    /// Notes that the kernel is told once more of a node as it knows it; gives its identity, kind and generation.
    pub(super) fn recall(&self, number: u64) -> Option<(FileId, Kind, u64)> {
        let mut table = self.table();
        let node = table.nodes.get_mut(&number)?;
        node.lookups += 1;
        Some((node.life.id, node.life.kind, node.generation))
    }

    /// Whether a name leads, as far as the kernel knows, to this very file, and not to one that had its number before.
    pub(super) fn is_known_as(&self, dir: FileId, name: &OsStr, stat: &Stat) -> bool {
        let number = self.number(stat.id);
        let life = Life { id: stat.id, kind: stat.kind, born: stat.btime };
        let table = self.table();
        table.names.get(&self.key(dir, name)) == Some(&number)
            && table.nodes.get(&number).is_some_and(|node| node.life.continues(&life))
    }

    /// What kind of file a node stands for.
    pub(super) fn kind_of(&self, number: u64) -> Option<Kind> {
        self.table().nodes.get(&number).map(|node| node.life.kind)
    }

    /// The path of a directory in the mount, as far as the kernel was told.
    pub(super) fn path_of(&self, number: u64) -> Option<PathBuf> {
        let mut names = Vec::new();
        let mut at = number;
        while at != ROOT {
            // names that came from different moments may lead round in a circle
            let Link { dir, name } = self.names_of(at).pop().filter(|_| names.len() < MAX_DEPTH)?;
            names.push(name);
            at = self.number_of(&dir);
        }
        Some(names.iter().rev().collect())
    }

    /// A directory was removed as the kernel sees it, which then lets nobody into it again, though it may not be gone
    /// from the disk: should the kernel be told of it once more, it is told of another life.
    pub(super) fn bury(&self, number: u64) {
        if let Some(node @ Node { reach: Reach::Dir { .. }, .. }) = self.table().nodes.get_mut(&number)
            && number != ROOT
        {
            node.generation += 1;
        }
    }

    /// The ways to a node; `None` if the kernel was never told of it.
    pub(super) fn ways(&self, number: u64) -> Option<Ways> {
        let table = self.table();
        let node = table.nodes.get(&number)?;
        Some(match &node.reach {
            Reach::Dir { dir, watched, .. } => Ways::Dir(dir.clone(), *watched),
            Reach::File { links, open, seen } => Ways::File {
                id: node.life.id,
                links: links.iter().rev().cloned().collect(),
                open: open.iter().filter_map(Weak::upgrade).collect(),
                seen: Arc::clone(seen),
            },
        })
    }

    /// An entry has got a name, by a rename or a hard link. Files that the kernel does not know are none of ours.
    pub(super) fn add_link(&self, id: FileId, dir: &Dir, name: &OsStr) {
        let (number, key) = (self.number(id), self.key(dir.id(), name));
        let link = Link { dir: dir.clone(), name: name.to_owned() };
        let mut table = self.table();
        match table.nodes.get_mut(&number).map(|node| &mut node.reach) {
            Some(Reach::File { links, .. }) => add(links, link),
            Some(Reach::Dir { name, .. }) => *name = Some(link),
            None => return,
        }
        table.names.insert(key, number);
    }

    /// A name that no longer leads to its file.
    pub(super) fn drop_link(&self, number: u64, link: &Link) {
        let mut table = self.table();
        if let Some(Node { reach: Reach::File { links, .. }, .. }) = table.nodes.get_mut(&number) {
            links.retain(|known| !known.is(link));
            table.forget_name(self.key(link.dir.id(), &link.name), number);
        }
    }

    /// A handle was opened on a file.
    pub(super) fn opened(&self, number: u64, handle: &Arc<OpenFile>) {
        if let Some(Node { reach: Reach::File { open, .. }, .. }) = self.table().nodes.get_mut(&number) {
            open.retain(|known| known.strong_count() > 0);
            open.push(Arc::downgrade(handle));
        }
    }

    /// A handle was closed. What is left of it would take room for as long as the kernel knows the file.
    pub(super) fn closed(&self, number: u64) {
        if let Some(Node { reach: Reach::File { open, .. }, .. }) = self.table().nodes.get_mut(&number) {
            open.retain(|known| known.strong_count() > 0);
            open.shrink_to_fit();
        }
    }

    /// A thread that panicked cannot have left the table half changed: nothing between two changes panics.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn forget_name(&mut self, key: u64, number: u64) {
        if let hash_map::Entry::Occupied(name) = self.names.entry(key)
            && *name.get() == number
        {
            name.remove();
        }
    }
}

impl Node {
    fn names(&self) -> Vec<Link> {
        match &self.reach {
            Reach::Dir { name, .. } => Vec::from_iter(name.clone()),
            Reach::File { links, .. } => links.clone(),
        }
    }

    /// Whether another program changed the file in place, and the kernel would not believe it: it has to meet a
    /// new node. Not while the file is open, for that handle would fail; nor with several names, of which each
    /// would be a node of its own.
    fn is_outdated(&self, stat: &Stat) -> bool {
        match &self.reach {
            Reach::File { open, seen, .. } => {
                stat.kind == Kind::File
                    && stat.nlink == 1
                    && open.iter().all(|open| open.strong_count() == 0)
                    && matches!(seen.peek(stat), Verdict::Changed { .. })
            }
            Reach::Dir { .. } => false,
        }
    }
}

impl Life {
    /// Whether this is the same file still, as far as can be known.
    fn continues(&self, now: &Life) -> bool {
        let born_together = match (self.born, now.born) {
            (Some(before), Some(now)) => before == now,
            // not every file system keeps the time of birth
            _ => true,
        };
        self.id == now.id && self.kind == now.kind && born_together
    }
}

impl Reach {
    fn new(found: Found, stat: &Stat) -> Reach {
        match found {
            Found::Dir(dir, link) => Reach::Dir { dir, name: Some(link), watched: Watched::Unknown },
            Found::File(link) => {
                Reach::File { links: vec![link], open: Vec::new(), seen: Arc::new(Seen::new(stat)) }
            }
        }
    }

    fn renew(&mut self, found: Found) {
        match (self, found) {
            (Reach::File { links, .. }, Found::File(link)) => add(links, link),
            (Reach::Dir { dir, name, .. }, Found::Dir(now, link)) => (*dir, *name) = (now, Some(link)),
            // of one life, so of one kind
            (Reach::File { .. }, Found::Dir(..)) | (Reach::Dir { .. }, Found::File(_)) => {}
        }
    }
}

impl Link {
    fn is(&self, other: &Link) -> bool {
        self.dir.id() == other.dir.id() && self.name == other.name
    }
}

/// Makes `link` the latest.
fn add(links: &mut Vec<Link>, link: Link) {
    links.retain(|known| !known.is(&link));
    if links.len() == MAX_LINKS {
        links.remove(0);
    }
    links.push(link);
}

#[cfg(test)]
mod tests {
    use super::super::attr::bare;
    use super::super::testing::volume;
    use super::*;
    use std::time::Duration;

    struct Fixture {
        _folder: tempfile::TempDir,
        root: Dir,
        inodes: Inodes,
    }

    fn fixture() -> Fixture {
        let (folder, volume) = volume();
        let root = volume.root();
        Fixture { _folder: folder, inodes: Inodes::new(root.clone(), true), root }
    }

    impl Fixture {
        fn stat(&self, ino: u64, born: u64) -> Stat {
            let mut stat = bare(FileId { dev: self.root.id().dev, ino }, Kind::File);
            stat.btime = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(born));
            stat
        }

        fn link(&self, name: &str) -> Link {
            Link { dir: self.root.clone(), name: name.into() }
        }

        fn enter(&self, stat: &Stat, name: &str) -> (u64, u64) {
            self.inodes.enter(stat, Found::File(self.link(name)))
        }

        fn names(&self, ino: u64) -> Vec<OsString> {
            match self.inodes.ways(ino) {
                Some(Ways::File { links, .. }) => links.into_iter().map(|link| link.name).collect(),
                other => panic!("not a file: {other:?}"),
            }
        }
    }

    #[test]
    fn a_number_is_the_backing_inode_number() {
        let fixture = fixture();
        assert_eq!(fixture.enter(&fixture.stat(4711, 1), "a"), (4711, 0));
    }

    #[test]
    fn numbers_of_another_device_do_not_meet_those_of_the_root() {
        let fixture = fixture();
        let dev = fixture.root.id().dev;
        let other = fixture.inodes.number(FileId { dev: dev + 1, ino: 4711 });
        assert_ne!(other, 4711);
        assert_ne!(other, fixture.inodes.number(FileId { dev: dev + 2, ino: 4711 }));
        assert_ne!(fixture.inodes.number(FileId { dev, ino: ROOT }), ROOT);
    }

    #[test]
    fn a_node_is_forgotten_when_every_telling_is() {
        let fixture = fixture();
        let stat = fixture.stat(50, 1);
        for _ in 0..3 {
            fixture.enter(&stat, "a");
        }
        fixture.inodes.forget(50, 2);
        assert!(fixture.inodes.ways(50).is_some());
        fixture.inodes.forget(50, 1);
        assert!(fixture.inodes.ways(50).is_none());
        fixture.inodes.forget(50, 1);
    }

    #[test]
    fn the_root_is_never_forgotten() {
        let fixture = fixture();
        fixture.inodes.forget(ROOT, u64::MAX);
        assert!(matches!(fixture.inodes.ways(ROOT), Some(Ways::Dir(..))));
    }

    #[test]
    fn a_number_given_to_another_file_starts_a_new_life() {
        let fixture = fixture();
        fixture.enter(&fixture.stat(50, 1), "old");
        fixture.enter(&fixture.stat(50, 1), "old");
        assert_eq!(fixture.enter(&fixture.stat(50, 2), "new"), (50, 1));
        assert_eq!(fixture.names(50), ["new"]);
        // the kernel forgets the two tellings of the old life, by number
        fixture.inodes.forget(50, 2);
        assert_eq!(fixture.enter(&fixture.stat(50, 2), "new"), (50, 1));
        fixture.inodes.forget(50, 2);
        assert_eq!(fixture.enter(&fixture.stat(50, 3), "newest"), (50, 0));
    }

    #[test]
    fn another_kind_is_another_life() {
        let fixture = fixture();
        let mut stat = fixture.stat(50, 1);
        stat.btime = None;
        fixture.enter(&stat, "a");
        stat.kind = Kind::Symlink;
        assert_eq!(fixture.enter(&stat, "a"), (50, 1));
    }

    #[test]
    fn a_birth_that_nobody_knows_is_no_new_life() {
        let fixture = fixture();
        let mut stat = fixture.stat(50, 1);
        fixture.enter(&stat, "a");
        stat.btime = None;
        assert_eq!(fixture.enter(&stat, "b"), (50, 0));
    }

    #[test]
    fn the_latest_name_is_tried_first_and_few_are_kept() {
        let fixture = fixture();
        let stat = fixture.stat(50, 1);
        for name in ["a", "b", "c", "a"] {
            fixture.enter(&stat, name);
        }
        assert_eq!(fixture.names(50), ["a", "c", "b"]);
        fixture.inodes.drop_link(50, &fixture.link("c"));
        fixture.inodes.add_link(stat.id, &fixture.root, OsStr::new("moved"));
        assert_eq!(fixture.names(50), ["moved", "a", "b"]);
        for number in 0..20 {
            fixture.enter(&stat, &number.to_string());
        }
        assert_eq!(fixture.names(50).len(), MAX_LINKS);
        assert_eq!(fixture.names(50)[0], "19");
    }

    #[test]
    fn a_file_that_another_program_changed_in_place_is_a_new_node_unless_it_has_more_names() {
        let fixture = fixture();
        let mut stat = fixture.stat(50, 1);
        fixture.enter(&stat, "a");
        stat.ctime += Duration::from_secs(1);
        stat.size = 7;
        assert_eq!(fixture.enter(&stat, "a"), (50, 1));
        assert_eq!(fixture.enter(&stat, "a"), (50, 1));
        stat.ctime += Duration::from_secs(1);
        stat.nlink = 2;
        assert_eq!(fixture.enter(&stat, "a"), (50, 1));
    }

    #[test]
    fn names_are_known_until_they_or_their_node_are_forgotten() {
        let fixture = fixture();
        let root = fixture.root.id();
        let known = |name: &str| fixture.inodes.known_as(root, OsStr::new(name));
        let stat = fixture.stat(50, 1);
        fixture.enter(&stat, "a");
        fixture.enter(&stat, "b");
        assert_eq!((known("a"), known("b"), known("c")), (Some(50), Some(50), None));
        fixture.inodes.forget_name(root, OsStr::new("a"));
        assert_eq!(known("a"), None);
        assert_eq!(fixture.names(50), ["b"]);
        fixture.inodes.add_link(stat.id, &fixture.root, OsStr::new("c"));
        assert_eq!(known("c"), Some(50));
        fixture.inodes.forget(50, 2);
        assert_eq!((known("b"), known("c")), (None, None));
        // a name that another file took belongs to that one
        fixture.enter(&fixture.stat(60, 1), "d");
        fixture.enter(&fixture.stat(70, 1), "d");
        fixture.inodes.forget(60, 1);
        assert_eq!(known("d"), Some(70));
    }
}
