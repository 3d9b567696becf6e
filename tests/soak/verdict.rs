//! What came of it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use encbox::volume::Dir;
use encbox::volume::Kind;
use encbox::volume::OpenFile;
use encbox::volume::PlainPath;
use encbox::volume::Volume;

use crate::support::mount::Mount;
use crate::support::scratch::ScratchVolume;
use crate::writers::Ledger;
use crate::writers::records;

/// A tree as somebody sees it; a file that cannot be read has an error for contents.
type Tree = BTreeMap<PathBuf, Result<Option<Vec<u8>>, String>>;

/// Complains of whatever is lost, hidden, stale or different.
pub(crate) fn of(machines: &[ScratchVolume; 2], mounts: &[Mount; 2], ledger: &Ledger) -> Result<(), String> {
    let (mut complaints, mut lost) = (Vec::new(), BTreeSet::new());
    let ciphertext: Vec<Tree> = machines.iter().map(|machine| on_disk(&machine.cipher())).collect();
    complain_of_differences("the folders", &ciphertext[0], &ciphertext[1], &mut complaints);
    for (at, (machine, mount)) in machines.iter().zip(mounts).enumerate() {
        let volume = machine.open();
        let mut fresh = Tree::new();
        let mut found = BTreeSet::new();
        decode(&volume, &volume.root(), Path::new(""), &mut fresh, &mut found, &mut complaints);
        complain_of_differences(
            &format!("the mount of machine {at}"),
            &on_disk(mount.path()),
            &fresh,
            &mut complaints,
        );
        for (record, (how, path)) in ledger.owed() {
            if !found.contains(&record) {
                complaints.push(format!("machine {at} has lost record {record:x} ({how}: {path})"));
                let cipher =
                    PlainPath::parse(OsStr::new(&path)).and_then(|path| volume.encode_path(&path).ok());
                lost.extend(cipher.map(|path| path.to_string_lossy().into_owned()));
                lost.insert(path);
            }
        }
    }
    let paths: Vec<String> = lost.into_iter().collect();
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(format!("{}\n{}", complaints.join("\n"), ledger.log.of(&paths)))
    }
}

fn complain_of_differences(where_: &str, one: &Tree, other: &Tree, complaints: &mut Vec<String>) {
    for path in one.keys().chain(other.keys()).collect::<BTreeSet<_>>() {
        let (one, other) = (one.get(path), other.get(path));
        let same = match (one, other) {
            (Some(Err(_)), Some(Err(_))) => true,
            (one, other) => one == other,
        };
        if !same {
            let shown = |contents: Option<&Result<Option<Vec<u8>>, String>>| match contents {
                None => "nothing".to_owned(),
                Some(Err(error)) => error.clone(),
                Some(Ok(None)) => "a folder".to_owned(),
                Some(Ok(Some(bytes))) => format!("{} bytes, {} records", bytes.len(), records(bytes).len()),
            };
            complaints.push(format!("{where_}: {}: {} and {}", path.display(), shown(one), shown(other)));
        }
    }
}

/// A tree by way of the system. The size that it says has to be the size that is read.
fn on_disk(root: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder)).unwrap().map(Result::unwrap) {
            let path = folder.join(entry.file_name());
            let meta = root.join(&path).symlink_metadata().unwrap();
            if meta.is_dir() {
                folders.push(path.clone());
                tree.insert(path, Ok(None));
                continue;
            }
            let contents = fs::read(root.join(&path)).map_err(|error| error.to_string());
            if let Ok(contents) = &contents {
                assert_eq!(contents.len() as u64, meta.len(), "{}", path.display());
            }
            tree.insert(path, contents.map(Some));
        }
    }
    tree
}

fn decode(
    volume: &Volume,
    dir: &Dir,
    path: &Path,
    tree: &mut Tree,
    found: &mut BTreeSet<u64>,
    complaints: &mut Vec<String>,
) {
    for name in volume.list_undecodable(dir).unwrap() {
        complaints.push(format!("a name that does not decode: {}", dir.cipher_path().join(name).display()));
    }
    for entry in volume.list(dir).unwrap() {
        let path = path.join(&entry.name);
        if entry.kind == Kind::Dir {
            tree.insert(path.clone(), Ok(None));
            decode(volume, &volume.open_dir(dir, &entry.name).unwrap(), &path, tree, found, complaints);
        } else {
            let (contents, failure) = read(volume, dir, &entry.name);
            found.extend(records(&contents));
            tree.insert(path, failure.map_or(Ok(Some(contents)), Err));
        }
    }
}

/// What can be read of a file, and why not all of it. A bad block fails alone.
fn read(volume: &Volume, dir: &Dir, name: &OsStr) -> (Vec<u8>, Option<String>) {
    let file = match volume.open_file(dir, name, OpenFile { read: true, write: false, truncate: false }) {
        Ok(file) => file,
        Err(error) => return (Vec::new(), Some(error.to_string())),
    };
    let size = file.stat().unwrap().size;
    let (mut contents, mut failure, mut at) = (Vec::new(), None, 0);
    let mut buffer = vec![0; volume.layout().payload_len()];
    while at < size {
        match file.read_at(&mut buffer, at) {
            Ok(0) => break,
            Ok(read) => {
                contents.extend_from_slice(&buffer[..read]);
                at += read as u64;
            }
            Err(error) => {
                failure = Some(error.to_string());
                at = volume.layout().plain_offset(volume.layout().locate(at).0 + 1);
            }
        }
    }
    (contents, failure)
}
