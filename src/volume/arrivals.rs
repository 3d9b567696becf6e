//! Renames while a sync client is at work: whatever it brings, before any step, shows afterwards.

use super::crashes::scratch::{READ, Scratch, open, read_all};
use super::fate::scripted::decided_by;
use super::{Kind, OpenOptions, RenameMode};
use crate::config::{Parameters, Profile};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;

fn chained() -> [Parameters; 2] {
    [Profile::Standard, Profile::Paranoia].map(|profile| Parameters { block_len: 64, ..profile.parameters() })
}

/// Every file of a volume that is opened afresh; all names have to decode.
fn files(scratch: &Scratch) -> BTreeMap<String, Vec<u8>> {
    let volume = open(scratch.folder.path(), OpenOptions::default());
    let (mut files, mut todo) = (BTreeMap::new(), vec![(volume.root(), String::new())]);
    while let Some((dir, prefix)) = todo.pop() {
        assert_eq!(volume.list_undecodable(&dir).expect("a directory"), [""; 0], "in {prefix}");
        for entry in volume.list(&dir).expect("a directory") {
            let path = format!("{prefix}{}", entry.name.to_str().expect("UTF-8"));
            if entry.kind == Kind::Dir {
                let below = volume.open_dir(&dir, &entry.name).expect("it is there");
                todo.push((below, format!("{path}/")));
            } else {
                let file = volume.open_file(&dir, &entry.name, READ).expect("its header fits");
                files.insert(path, read_all(&file));
            }
        }
    }
    files
}

/// A version of a file as it lies on disk, taken out of the volume.
fn set_aside(scratch: &Scratch, path: &str, contents: &[u8], aside: &str) {
    scratch.write(path, contents);
    fs::rename(scratch.on_disk(path), scratch.folder.path().join(aside)).expect("made just now");
}

/// Renames while, before the change with this number, something is brought to where `path` was. Whether there was
/// such a change.
fn rename_while_arriving(
    scratch: &Scratch,
    from: &str,
    to: &str,
    path: &str,
    aside: &str,
    step: usize,
) -> bool {
    let (aside, place) = (scratch.folder.path().join(aside), scratch.on_disk(path));
    let mut left = step;
    decided_by(Some(Box::new(move || {
        if left == 0 && place.parent().is_some_and(std::path::Path::is_dir) {
            fs::rename(&aside, &place).expect("it is there");
        }
        left = left.wrapping_sub(1);
        true
    })));
    let ((dir, name), (to, new)) = (scratch.entry(from), scratch.entry(to));
    let renamed =
        scratch.volume.rename(&dir, OsStr::new(&name), &to, OsStr::new(&new), RenameMode::NoReplace);
    decided_by(None);
    // one that notices is refused as a whole, and may be tried again
    if renamed.is_err() {
        scratch
            .volume
            .rename(&dir, OsStr::new(&name), &to, OsStr::new(&new), RenameMode::NoReplace)
            .expect("now");
    }
    !scratch.folder.path().join("aside").exists()
}

#[test]
fn a_file_arrives_at_every_step() {
    for parameters in chained() {
        // a folder below has its new name early on
        for (path, at_least) in [("a/new", 3), ("a/sub/new", 1)] {
            let mut steps = 0;
            loop {
                let scratch = Scratch::new(&parameters);
                for dir in ["a", "a/sub"] {
                    scratch.mkdir(dir);
                }
                scratch.write("a/one", b"one");
                scratch.write("a/sub/two", b"two");
                set_aside(&scratch, path, b"arrived", "aside");
                if !rename_while_arriving(&scratch, "a", "moved", path, "aside", steps) {
                    break;
                }
                let expected = [("one", "one"), ("sub/two", "two"), (&path[2..], "arrived")];
                let expected = expected.map(|(name, contents)| (format!("moved/{name}"), contents.into()));
                assert_eq!(files(&scratch), BTreeMap::from(expected), "{path} at step {steps}");
                steps += 1;
            }
            assert!(steps >= at_least, "{path}: {steps}");
        }
    }
}

/// Either it replaces the old version in time, or both show.
#[test]
fn another_version_arrives_at_every_step() {
    for parameters in chained() {
        for (from, to) in [("a", "moved"), ("a/one", "moved")] {
            let mut steps = 0;
            loop {
                let scratch = Scratch::new(&parameters);
                scratch.mkdir("a");
                set_aside(&scratch, "a/one", b"the second version", "aside");
                scratch.write("a/one", b"first");
                if !rename_while_arriving(&scratch, from, to, "a/one", "aside", steps) {
                    break;
                }
                let files = files(&scratch);
                assert!(
                    files.values().any(|contents| contents == b"the second version"),
                    "step {steps}: {files:?}"
                );
                let others: Vec<_> =
                    files.values().filter(|contents| *contents != b"the second version").collect();
                assert!(others.iter().all(|contents| *contents == b"first"), "step {steps}: {files:?}");
                steps += 1;
            }
            assert!(steps > 0, "{from}");
        }
    }
}
