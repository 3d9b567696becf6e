//! Conflicted copies, as sync clients leave them in the ciphertext.

use crate::scratch::*;
use encbox::config::{Parameters, Profile};
use encbox::volume::{Error, Fault, RenameMode};
use std::ffi::OsStr;
use std::path::PathBuf;

const MARK: &str = " (ann's conflicted copy 2026-11-22)";
const COPY: &str = "report (ann's conflicted copy 2026-11-22).md";

/// Parameter sets under which names are encrypted.
fn with_coded_names() -> impl Iterator<Item = Parameters> {
    many_parameters().into_iter().filter(|parameters| parameters.name_coding.name != "nameio/null")
}

/// The ciphertext path with a mark behind it.
fn marked(scratch: &Scratch, path: &str, mark: &str) -> PathBuf {
    let mut name = scratch.on_disk(path).into_os_string();
    name.push(mark);
    name.into()
}

/// Does to a file what a sync client does to the loser: theirs stays, ours gets a mark.
fn conflict(scratch: &Scratch, path: &str, mark: &str, ours: &[u8], theirs: &[u8]) {
    scratch.write(path, ours);
    std::fs::rename(scratch.on_disk(path), marked(scratch, path, mark)).expect("renamed");
    scratch.write(path, theirs);
}

#[test]
fn a_copy_shows_and_reads_wherever_it_is() {
    for parameters in with_coded_names() {
        let scratch = Scratch::new(&parameters);
        scratch.mkdir("dir");
        for path in ["report.md", "dir/report.md"] {
            conflict(&scratch, path, MARK, b"ours, and longer than theirs", b"theirs");
        }
        let scratch = scratch.reopened();
        let dir = scratch.entry("dir/x").0;
        assert_eq!(scratch.names(&dir), [COPY, "report.md"], "{parameters:?}");
        assert_eq!(scratch.names(&scratch.root()), ["dir", COPY, "report.md"]);
        let copy_of = |name: &str| {
            let entries = scratch.volume.list(&dir).expect("a directory");
            entries.into_iter().find(|entry| entry.name == name).expect("it is listed").copy_of
        };
        assert_eq!((copy_of(COPY), copy_of("report.md")), (Some("report.md".into()), None));
        for folder in ["", "dir/"] {
            assert_eq!(scratch.read(&format!("{folder}{COPY}")), b"ours, and longer than theirs");
            assert_eq!(scratch.read(&format!("{folder}report.md")), b"theirs");
        }
    }
}

#[test]
fn a_copy_is_written_renamed_and_removed_like_any_file() {
    for parameters in with_coded_names() {
        let scratch = Scratch::new(&parameters);
        conflict(&scratch, "report.md", MARK, b"ours", b"theirs");
        let (volume, root) = (&scratch.volume, scratch.root());
        scratch.open(COPY).write_at(b"more of ours", 0).expect("written");
        let rename = |from: &str, to: &str| {
            volume.rename(&root, OsStr::new(from), &root, OsStr::new(to), RenameMode::NoReplace)
        };
        rename(COPY, "kept.md").expect("renamed");
        let scratch = scratch.reopened();
        let (volume, root) = (&scratch.volume, scratch.root());
        assert_eq!(scratch.names(&root), ["kept.md", "report.md"], "{parameters:?}");
        assert_eq!(scratch.read("kept.md"), b"more of ours");
        std::fs::rename(scratch.on_disk("kept.md"), marked(&scratch, "kept.md", "(1)")).expect("renamed");
        volume.unlink(&root, OsStr::new("kept (1).md")).expect("removed");
        assert_eq!(scratch.names(&root), ["report.md"]);
    }
}

/// A folder that conflicts is a folder whose name has a mark; what is in it hangs on the name without.
#[test]
fn a_copy_of_a_folder_opens_with_all_that_is_in_it() {
    for parameters in with_coded_names() {
        let scratch = Scratch::new(&parameters);
        scratch.mkdir("notes");
        scratch.mkdir("notes/deep");
        scratch.write("notes/deep/a.md", b"text");
        std::fs::rename(scratch.on_disk("notes"), marked(&scratch, "notes", MARK)).expect("renamed");
        let scratch = scratch.reopened();
        let copy = "notes (ann's conflicted copy 2026-11-22)";
        assert_eq!(scratch.names(&scratch.root()), [copy], "{parameters:?}");
        assert_eq!(scratch.read(&format!("{copy}/deep/a.md")), b"text");
        scratch.write(&format!("{copy}/deep/b.md"), b"new");
        let root = scratch.root();
        let renamed =
            scratch.volume.rename(&root, OsStr::new(copy), &root, OsStr::new("notes"), RenameMode::NoReplace);
        renamed.expect("renamed");
        let scratch = scratch.reopened();
        assert_eq!(scratch.read("notes/deep/a.md"), b"text");
        assert_eq!(scratch.read("notes/deep/b.md"), b"new");
    }
}

#[test]
fn a_copy_moves_along_with_its_folder() {
    for parameters in with_coded_names() {
        let scratch = Scratch::new(&parameters);
        scratch.mkdir("before");
        scratch.mkdir("before/sub");
        conflict(&scratch, "before/sub/report.md", MARK, b"ours", b"theirs");
        std::fs::rename(scratch.on_disk("before/sub"), marked(&scratch, "before/sub", "(1)"))
            .expect("renamed");
        let root = scratch.root();
        let (before, after) = (OsStr::new("before"), OsStr::new("after"));
        scratch.volume.rename(&root, before, &root, after, RenameMode::NoReplace).expect("renamed");
        let scratch = scratch.reopened();
        assert_eq!(scratch.read(&format!("after/sub (1)/{COPY}")), b"ours", "{parameters:?}");
        assert_eq!(scratch.read("after/sub (1)/report.md"), b"theirs");
    }
}

/// A file that somebody called so, and copies that would look like it or like each other.
#[test]
fn names_that_would_look_alike_are_told_apart() {
    let scratch = Scratch::new(&Profile::Standard.parameters());
    scratch.write("a (1).md", b"called so");
    for (mark, text) in [("(1)", b"first"), (" (1)", b"other")] {
        conflict(&scratch, "a.md", mark, text, b"theirs");
        std::fs::remove_file(scratch.on_disk("a.md")).expect("it was there");
    }
    let scratch = scratch.reopened();
    assert_eq!(scratch.names(&scratch.root()), ["a (1).md", "a (1, 2).md", "a (1, 3).md"]);
    assert_eq!(scratch.read("a (1).md"), b"called so");
    let mut texts = [scratch.read("a (1, 2).md"), scratch.read("a (1, 3).md")];
    texts.sort();
    assert_eq!(texts, [b"first".to_vec(), b"other".to_vec()]);
}

#[test]
fn what_looks_like_a_copy_and_is_none_is_a_name_like_any_other() {
    let scratch = Scratch::new(&Profile::Standard.parameters());
    let root = scratch.root();
    assert!(matches!(
        scratch.volume.stat((&root, OsStr::new(COPY))),
        Err(Error { fault: Fault::Sys(rustix::io::Errno::NOENT), .. })
    ));
    scratch.write(COPY, b"made here");
    assert_eq!(scratch.read(COPY), b"made here");
    assert!(scratch.on_disk(COPY).exists(), "encoded whole");
    let entries = scratch.volume.list(&root).expect("a directory");
    assert_eq!(entries[0].copy_of, None);
}

/// The longest name that can be made, and a mark on top of it.
#[test]
fn a_copy_with_a_name_too_long_to_be_made_is_found_all_the_same() {
    let scratch = Scratch::new(&Profile::Standard.parameters());
    let longest = format!("{}.md", "n".repeat(140));
    conflict(&scratch, &longest, MARK, b"ours", b"theirs");
    let scratch = scratch.reopened();
    let names = scratch.names(&scratch.root());
    let copy = names.iter().find(|name| **name != longest).expect("two names");
    assert!(copy.len() > scratch.volume.max_name_len(), "{copy}");
    assert_eq!(scratch.read(copy), b"ours");
    // one that is no copy, and as long
    let missing = scratch.volume.stat((&scratch.root(), OsStr::new(&format!("x{copy}"))));
    assert!(matches!(missing, Err(Error { fault: Fault::Name(_), .. })), "{missing:?}");
}
