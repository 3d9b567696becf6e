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

use super::caching::Version;
use super::handle::OpenFile;
use crate::volume::Dir;
use crate::volume::FileId;
use crate::volume::Kind;
use crate::volume::Stat;
use std::collections::HashMap;
use std::collections::hash_map;
use std::ffi::OsStr;
use std::ffi::OsString;
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

/// Every node that the kernel knows.
#[derive(Debug)]
pub(super) struct Inodes {
    device: u64,
    nodes: Mutex<HashMap<u64, Node>>,
}

#[derive(Debug)]
struct Node {
    life: Life,
    generation: u64,
    /// How often the kernel was told of this number and has not forgotten it.
    lookups: u64,
    /// The contents that the kernel may hold pages of.
    version: Option<Version>,
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
    Dir(Dir),
    /// The latest name stands last.
    File {
        links: Vec<Link>,
        open: Vec<Weak<OpenFile>>,
    },
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
    Dir(Dir),
    File(Link),
}

/// The ways to a node at one moment.
#[derive(Debug)]
pub(super) enum Ways {
    Dir(Dir),
    /// The latest name first.
    File {
        id: FileId,
        links: Vec<Link>,
        open: Vec<Arc<OpenFile>>,
    },
}

impl Inodes {
    pub(super) fn new(root: Dir) -> Inodes {
        let id = root.id();
        let root = Node {
            life: Life { id, kind: Kind::Dir, born: None },
            generation: 0,
            lookups: 1,
            version: None,
            reach: Reach::Dir(root),
        };
        Inodes { device: id.dev, nodes: Mutex::new(HashMap::from([(ROOT, root)])) }
    }

    /// The number of the node of a backing file other than the root.
    pub(super) fn number(&self, id: FileId) -> u64 {
        if id.dev == self.device && id.ino > ROOT {
            id.ino
        } else {
            FOREIGN | (id.dev.rotate_right(16) ^ id.ino)
        }
    }

    /// Notes that the kernel is told of a file; gives its number and generation.
    pub(super) fn enter(&self, stat: &Stat, found: Found) -> (u64, u64) {
        let number = self.number(stat.id);
        let life = Life { id: stat.id, kind: stat.kind, born: stat.btime };
        let generation = match self.nodes().entry(number) {
            hash_map::Entry::Vacant(vacant) => {
                let node = Node { life, generation: 0, lookups: 1, version: None, reach: found.into() };
                vacant.insert(node).generation
            }
            hash_map::Entry::Occupied(mut occupied) => {
                let node = occupied.get_mut();
                node.lookups += 1;
                if node.life.continues(&life) {
                    node.reach.renew(found);
                } else {
                    node.generation += 1;
                    node.version = None;
                    node.life = life;
                    node.reach = found.into();
                }
                node.generation
            }
        };
        (number, generation)
    }

    /// The kernel forgets `count` tellings.
    pub(super) fn forget(&self, number: u64, count: u64) {
        if number == ROOT {
            return;
        }
        if let hash_map::Entry::Occupied(mut node) = self.nodes().entry(number) {
            node.get_mut().lookups = node.get().lookups.saturating_sub(count);
            if node.get().lookups == 0 {
                node.remove();
            }
        }
    }

    /// The ways to a node; `None` if the kernel was never told of it.
    pub(super) fn ways(&self, number: u64) -> Option<Ways> {
        let nodes = self.nodes();
        let node = nodes.get(&number)?;
        Some(match &node.reach {
            Reach::Dir(dir) => Ways::Dir(dir.clone()),
            Reach::File { links, open } => Ways::File {
                id: node.life.id,
                links: links.iter().rev().cloned().collect(),
                open: open.iter().filter_map(Weak::upgrade).collect(),
            },
        })
    }

    /// A file has got a name, by a rename or a hard link. Files that the kernel does not know are none of ours.
    pub(super) fn add_link(&self, id: FileId, dir: &Dir, name: &OsStr) {
        if let Some(Node { reach: Reach::File { links, .. }, .. }) = self.nodes().get_mut(&self.number(id)) {
            add(links, Link { dir: dir.clone(), name: name.to_owned() });
        }
    }

    /// A name that no longer leads to its file.
    pub(super) fn drop_link(&self, number: u64, link: &Link) {
        if let Some(Node { reach: Reach::File { links, .. }, .. }) = self.nodes().get_mut(&number) {
            links.retain(|known| !known.is(link));
        }
    }

    /// A handle was opened on a file.
    pub(super) fn opened(&self, number: u64, handle: &Arc<OpenFile>) {
        if let Some(Node { reach: Reach::File { open, .. }, .. }) = self.nodes().get_mut(&number) {
            open.retain(|known| known.strong_count() > 0);
            open.push(Arc::downgrade(handle));
        }
    }

    /// Notes the version that the kernel reads from now on; whether it is the one read before.
    pub(super) fn same_version(&self, number: u64, version: Option<Version>) -> bool {
        match self.nodes().get_mut(&number) {
            Some(node) => std::mem::replace(&mut node.version, version) == version && version.is_some(),
            None => false,
        }
    }

    /// A thread that panicked cannot have left the table half changed: nothing between two changes panics.
    fn nodes(&self) -> MutexGuard<'_, HashMap<u64, Node>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn renew(&mut self, found: Found) {
        match (self, found) {
            (Reach::File { links, .. }, Found::File(link)) => add(links, link),
            (reach, found) => *reach = found.into(),
        }
    }
}

impl From<Found> for Reach {
    fn from(found: Found) -> Reach {
        match found {
            Found::Dir(dir) => Reach::Dir(dir),
            Found::File(link) => Reach::File { links: vec![link], open: Vec::new() },
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
        Fixture { _folder: folder, inodes: Inodes::new(root.clone()), root }
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
        assert!(matches!(fixture.inodes.ways(ROOT), Some(Ways::Dir(_))));
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
    fn pages_are_kept_only_between_two_equal_versions() {
        let fixture = fixture();
        let stat = fixture.stat(50, 1);
        let mut changed = stat.clone();
        changed.size += 1;
        fixture.enter(&stat, "a");
        let same = |version| fixture.inodes.same_version(50, version);
        assert!(!same(Version::of(&stat)));
        assert!(same(Version::of(&stat)));
        assert!(!same(Version::of(&changed)));
        assert!(!same(None));
        assert!(!same(None));
        // a new life has nothing to keep
        same(Version::of(&stat));
        fixture.enter(&fixture.stat(50, 2), "a");
        assert!(!same(Version::of(&stat)));
    }
}
