//! Trees of files as plain data: read from a folder, a mount or a volume, compared exactly.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::Debug;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;

use encbox::volume::Dir;
use encbox::volume::Kind;
use encbox::volume::OpenFile;
use encbox::volume::PlainPath;
use encbox::volume::Volume;
use sha2::Digest as _;
use sha2::Sha256;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Dir,
    File { size: u64, sha256: String },
    Symlink { target: OsString },
    Other,
}

/// Every path below a root, the root itself left out.
pub(crate) type Tree = BTreeMap<PathBuf, Node>;

impl Node {
    pub(crate) fn file(content: &[u8]) -> Node {
        Node::File { size: content.len() as u64, sha256: sha256(content) }
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

pub(crate) fn of_folder(root: &Path) -> Tree {
    map_folder(root, |path, meta| {
        if meta.is_dir() {
            Node::Dir
        } else if meta.is_symlink() {
            let target = fs::read_link(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            Node::Symlink { target: target.into() }
        } else if meta.is_file() {
            let content = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert_eq!(content.len() as u64, meta.len(), "{}: stat and read disagree", path.display());
            Node::file(&content)
        } else {
            Node::Other
        }
    })
}

/// Permissions and modification times (seconds, nanoseconds) of everything but links, whose own are seldom
/// kept.
pub(crate) fn attributes_of_folder(root: &Path) -> BTreeMap<PathBuf, (u32, i64, i64)> {
    let mut attributes = map_folder(root, |_, meta| {
        (meta.mode() & !0o7777, meta.mode() & 0o7777, meta.mtime(), meta.mtime_nsec())
    });
    attributes.retain(|_, (kind, ..)| *kind != 0o120_000);
    attributes.into_iter().map(|(path, (_, mode, s, ns))| (path, (mode, s, ns))).collect()
}

/// The bytes of every regular file.
pub(crate) fn bytes_of_folder(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = map_folder(root, |path, meta| meta.is_file().then(|| fs::read(path).expect("readable file")));
    files.into_iter().filter_map(|(path, bytes)| Some((path, bytes?))).collect()
}

fn map_folder<T>(root: &Path, mut map: impl FnMut(&Path, &fs::Metadata) -> T) -> BTreeMap<PathBuf, T> {
    let mut mapped = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries {
            let path = entry.unwrap_or_else(|error| panic!("{}: {error}", folder.display())).path();
            let meta = path.symlink_metadata().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let relative = path.strip_prefix(root).expect("the walk stays below its root").to_path_buf();
            let twice = mapped.insert(relative, map(&path, &meta));
            assert!(twice.is_none(), "{} is listed twice", path.display());
            if meta.is_dir() {
                folders.push(path);
            }
        }
    }
    mapped
}

/// A volume as its own interface shows it, with the ciphertext paths that do not belong to it.
pub(crate) struct VolumeTree {
    pub(crate) tree: Tree,
    /// Files whose reading failed stand here instead, with the error.
    pub(crate) unreadable: BTreeMap<PathBuf, encbox::volume::Error>,
    pub(crate) undecodable: BTreeSet<PathBuf>,
}

pub(crate) fn of_volume(volume: &Volume) -> VolumeTree {
    let mut read =
        VolumeTree { tree: Tree::new(), unreadable: BTreeMap::new(), undecodable: BTreeSet::new() };
    read.visit(volume, &volume.root(), Path::new(""));
    read
}

impl VolumeTree {
    fn visit(&mut self, volume: &Volume, dir: &Dir, at: &Path) {
        let cruft = volume.list_undecodable(dir).unwrap_or_else(|error| panic!("{error}"));
        self.undecodable.extend(cruft.into_iter().map(|name| dir.cipher_path().join(name)));
        for entry in volume.list(dir).unwrap_or_else(|error| panic!("{error}")) {
            let path = at.join(&entry.name);
            let stat = volume.stat((dir, entry.name.as_os_str())).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(stat.kind, entry.kind, "{}: list and stat disagree", path.display());
            let node = match entry.kind {
                Kind::Dir => Node::Dir,
                Kind::Symlink => {
                    let target = volume.readlink(dir, &entry.name).unwrap_or_else(|error| panic!("{error}"));
                    assert_eq!(stat.size, target.len() as u64, "{}: size of the link", path.display());
                    Node::Symlink { target }
                }
                Kind::File => match read_file(volume, dir, &entry.name) {
                    Ok(content) => {
                        assert_eq!(
                            stat.size,
                            content.len() as u64,
                            "{}: stat and read disagree",
                            path.display()
                        );
                        Node::file(&content)
                    }
                    Err(error) => {
                        self.unreadable.insert(path, error);
                        continue;
                    }
                },
                Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice => Node::Other,
            };
            let twice = self.tree.insert(path.clone(), node);
            assert!(twice.is_none(), "{} is listed twice", path.display());
            if entry.kind == Kind::Dir {
                let below = volume.open_dir(dir, &entry.name).unwrap_or_else(|error| panic!("{error}"));
                self.visit(volume, &below, &path);
            }
        }
    }
}

/// Reads to the end in pieces of an odd size, so that pieces begin and end inside blocks.
fn read_file(volume: &Volume, dir: &Dir, name: &std::ffi::OsStr) -> Result<Vec<u8>, encbox::volume::Error> {
    let file = volume.open_file(dir, name, OpenFile { read: true, ..OpenFile::default() })?;
    let mut content = Vec::new();
    let mut piece = vec![0; 12_345];
    loop {
        match file.read_at(&mut piece, content.len() as u64)? {
            0 => return Ok(content),
            len => content.extend_from_slice(&piece[..len]),
        }
    }
}

/// Vectors that went through a program that knows no links hold them as small files with the target in them: makes links
/// of those in a copy.
pub(crate) fn restore_links(tree: &Tree, volume: &Volume) {
    for (path, node) in tree {
        let Node::Symlink { .. } = node else { continue };
        let parsed = PlainPath::parse(path.as_os_str()).expect("a path inside the volume");
        let encoded = volume.encode_path(&parsed).unwrap_or_else(|error| panic!("{error}"));
        let stored = volume.root_path().join(encoded);
        if stored.symlink_metadata().is_ok_and(|meta| meta.is_file()) {
            let target =
                fs::read_to_string(&stored).expect("a stored target is ASCII, or the name is not encoded");
            fs::remove_file(&stored).expect("a file of our own copy");
            symlink(target, &stored).expect("a link in our own copy");
        }
    }
}

/// Panics with the differences, unless both maps hold the same.
pub(crate) fn assert_same<T: PartialEq + Debug>(
    what: &str,
    expected: &BTreeMap<PathBuf, T>,
    actual: &BTreeMap<PathBuf, T>,
) {
    let paths: BTreeSet<_> = expected.keys().chain(actual.keys()).collect();
    let differences: Vec<String> = paths
        .into_iter()
        .filter_map(|path| match (expected.get(path), actual.get(path)) {
            (Some(a), Some(b)) if a == b => None,
            (Some(a), Some(b)) => {
                Some(format!("differs: {path:?}\n  expected {}\n  actual   {}", brief(a), brief(b)))
            }
            (Some(_), None) => Some(format!("missing: {path:?}")),
            (None, _) => Some(format!("too many: {path:?}")),
        })
        .collect();
    assert!(
        differences.is_empty(),
        "{what}: {} differences among {} entries\n{}",
        differences.len(),
        expected.len(),
        differences[..differences.len().min(20)].join("\n")
    );
}

fn brief(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    text.char_indices().nth(300).map_or(text.clone(), |(end, _)| format!("{}...", &text[..end]))
}
