//! Renaming files, and directories with all that hangs below.

use crate::scratch::*;
use encbox::config::{Parameters, Profile};
use encbox::volume::{Kind, RenameMode};
use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt;

/// Everything below the root: paths with contents, link targets, or nothing for directories.
fn tree(scratch: &Scratch) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut todo = vec![(scratch.root(), String::new())];
    while let Some((dir, prefix)) = todo.pop() {
        for entry in scratch.volume.list(&dir).expect("a directory") {
            let path = format!("{prefix}{}", entry.name.to_str().expect("UTF-8"));
            let content = match entry.kind {
                Kind::Dir => {
                    todo.push((
                        scratch.volume.open_dir(&dir, &entry.name).expect("there"),
                        format!("{path}/"),
                    ));
                    Vec::new()
                }
                Kind::Symlink => {
                    scratch.volume.readlink(&dir, &entry.name).expect("ours").into_encoded_bytes()
                }
                _ => read_all(&scratch.volume.open_file(&dir, &entry.name, READ).expect("sound")),
            };
            found.push((path, content));
        }
    }
    found.sort();
    found
}

fn build(scratch: &Scratch, top: &str) {
    scratch.mkdir(top);
    scratch.mkdir(&format!("{top}/sub"));
    scratch.mkdir(&format!("{top}/sub/deeper"));
    scratch.mkdir(&format!("{top}/empty"));
    for path in ["one", "sub/two", "sub/deeper/three"] {
        scratch.write(&format!("{top}/{path}"), path.repeat(30).as_bytes());
    }
    scratch.write(&format!("{top}/sub/nothing"), b"");
    let (dir, name) = scratch.entry(&format!("{top}/sub/link"));
    scratch.volume.symlink(OsStr::new("../one"), &dir, OsStr::new(&name), None).expect("made");
}

fn rename(scratch: &Scratch, from: &str, to: &str, mode: RenameMode) -> Result<(), encbox::volume::Error> {
    let ((dir, name), (to, new_name)) = (scratch.entry(from), scratch.entry(to));
    scratch.volume.rename(&dir, OsStr::new(&name), &to, OsStr::new(&new_name), mode)
}

fn with_prefix(tree: &[(String, Vec<u8>)], from: &str, to: &str) -> Vec<(String, Vec<u8>)> {
    let mut renamed: Vec<_> =
        tree.iter().map(|(path, content)| (path.replacen(from, to, 1), content.clone())).collect();
    renamed.sort();
    renamed
}

#[test]
fn a_directory_takes_everything_below_it_along() {
    for parameters in many_parameters() {
        let scratch = Scratch::new(&parameters);
        build(&scratch, "top");
        let before = tree(&scratch);
        rename(&scratch, "top", "moved", RenameMode::NoReplace).expect("renamed");
        assert_eq!(tree(&scratch), with_prefix(&before, "top", "moved"), "{parameters:?}");
        scratch.mkdir("parent");
        rename(&scratch, "moved", "parent/top", RenameMode::Replace).expect("moved down");
        rename(&scratch, "parent/top/sub/deeper", "deeper", RenameMode::Replace).expect("moved up");
        let scratch = scratch.reopened();
        assert_eq!(scratch.read("parent/top/sub/two"), "sub/two".repeat(30).as_bytes());
        assert_eq!(scratch.read("deeper/three"), "sub/deeper/three".repeat(30).as_bytes());
        assert_eq!(tree(&scratch).len(), before.len() + 1, "{parameters:?}");
    }
}

#[test]
fn handles_survive_a_rename_above_them() {
    for parameters in many_parameters() {
        let scratch = Scratch::new(&parameters);
        build(&scratch, "top");
        let file = scratch.open("top/sub/two");
        let empty = scratch.open("top/sub/nothing");
        let dir = scratch.volume.open_dir(&scratch.entry("top/sub").0, OsStr::new("sub")).expect("there");
        rename(&scratch, "top", "moved", RenameMode::Replace).expect("renamed");
        file.append(b"!").expect("written");
        // the header of this one is made only now, for the path of now
        empty.write_at(b"first bytes", 0).expect("written");
        scratch.volume.create_file(&dir, OsStr::new("new"), 0o644, true, READ_WRITE, None).expect("created");
        let scratch = scratch.reopened();
        assert_eq!(scratch.read("moved/sub/two"), ["sub/two".repeat(30).as_bytes(), b"!"].concat());
        assert_eq!(scratch.read("moved/sub/nothing"), b"first bytes");
        assert_eq!(scratch.read("moved/sub/new"), b"", "{parameters:?}");
    }
}

#[test]
fn contents_are_never_rewritten_and_times_stay() {
    let scratch = Scratch::new(&Profile::Paranoia.parameters());
    build(&scratch, "top");
    let file = |path: &str| {
        let on_disk = scratch.on_disk(path);
        let metadata = std::fs::metadata(&on_disk).expect("there");
        (std::fs::read(&on_disk).expect("there"), metadata.ino(), metadata.mtime_nsec(), metadata.mode())
    };
    let dir_times = |path: &str| {
        let metadata = std::fs::metadata(scratch.on_disk(path)).expect("there");
        (metadata.ino(), metadata.mtime(), metadata.mtime_nsec())
    };
    let (before, dir_before) = (file("top/sub/two"), dir_times("top/sub"));
    std::thread::sleep(std::time::Duration::from_millis(20));
    rename(&scratch, "top", "moved", RenameMode::Replace).expect("renamed");
    let (after, dir_after) = (file("moved/sub/two"), dir_times("moved/sub"));
    assert_eq!(dir_before, dir_after);
    assert_eq!((before.1, before.2, before.3), (after.1, after.2, after.3));
    assert_ne!(before.0[..8], after.0[..8], "the header goes with the path");
    assert_eq!(before.0[8..], after.0[8..], "the blocks do not");
}

#[test]
fn exchange_swaps_files_and_directories() {
    for parameters in many_parameters() {
        let scratch = Scratch::new(&parameters);
        build(&scratch, "a");
        build(&scratch, "b");
        scratch.write("b/only here", b"b's");
        scratch.write("file", b"a file");
        rename(&scratch, "a", "b", RenameMode::Exchange).expect("swapped");
        let scratch = scratch.reopened();
        assert_eq!(scratch.read("a/only here"), b"b's");
        assert_eq!(scratch.read("b/sub/deeper/three"), "sub/deeper/three".repeat(30).as_bytes());
        rename(&scratch, "file", "a", RenameMode::Exchange).expect("swapped");
        assert_eq!(scratch.read("a"), b"a file");
        assert_eq!(scratch.read("file/only here"), b"b's", "{parameters:?}");
        assert!(rename(&scratch, "file", "nothing there", RenameMode::Exchange).is_err());
    }
}

#[test]
fn what_cannot_be_renamed_stays_as_it_was() {
    for parameters in many_parameters() {
        let scratch = Scratch::new(&parameters);
        build(&scratch, "a");
        build(&scratch, "b");
        scratch.write("file", b"a file");
        let before = tree(&scratch);
        for (from, to, mode) in [
            ("a", "b", RenameMode::Replace),            // not empty
            ("a", "b", RenameMode::NoReplace),          // there
            ("file", "a", RenameMode::Replace),         // a directory
            ("a", "file", RenameMode::Replace),         // not a directory
            ("a", "a/sub/inside", RenameMode::Replace), // into itself
            ("file", "b/one", RenameMode::NoReplace),   // there
            ("missing", "new", RenameMode::Replace),
        ] {
            assert!(rename(&scratch, from, to, mode).is_err(), "{from} {to} {mode:?}");
        }
        assert_eq!(tree(&scratch), before, "{parameters:?}");
        let scratch = scratch.reopened();
        assert_eq!(tree(&scratch), before, "{parameters:?}");
        rename(&scratch, "a", "b/empty", RenameMode::Replace).expect("an empty directory is replaced");
        rename(&scratch, "file", "b/one", RenameMode::Replace).expect("a file is replaced");
        assert_eq!(scratch.read("b/one"), b"a file");
        assert_eq!(scratch.read("b/empty/sub/two"), "sub/two".repeat(30).as_bytes());
    }
}

/// A damaged header below stops the rename in the middle; all that was done is undone.
#[test]
fn a_rename_that_fails_half_way_is_undone() {
    let scratch = Scratch::new(&Parameters { block_len: 64, ..Profile::Paranoia.parameters() });
    build(&scratch, "top");
    scratch.write("top/sub/deeper/broken", b"to be cut");
    let before = tree(&scratch);
    let broken = scratch.on_disk("top/sub/deeper/broken");
    let sound = std::fs::read(&broken).expect("there");
    std::fs::write(&broken, &sound[..5]).expect("written");
    scratch.mkdir("target");
    let error = rename(&scratch, "top", "target", RenameMode::Replace).expect_err("a cut header");
    assert!(error.to_string().contains("header"), "{error}");
    std::fs::write(scratch.on_disk("top/sub/deeper/broken"), sound).expect("back in its place");
    assert_eq!(scratch.names(&scratch.root()), ["target", "top"]);
    let scratch = scratch.reopened();
    scratch.volume.rmdir(&scratch.root(), OsStr::new("target")).expect("still empty");
    assert_eq!(tree(&scratch), before);
}

#[test]
fn names_that_do_not_decode_are_carried_along() {
    let scratch = Scratch::new(&Profile::Standard.parameters());
    build(&scratch, "top");
    std::fs::write(scratch.on_disk("top").join("desktop.ini"), "cruft").expect("written");
    rename(&scratch, "top", "moved", RenameMode::Replace).expect("renamed");
    assert_eq!(std::fs::read(scratch.on_disk("moved").join("desktop.ini")).expect("there"), b"cruft");
}
