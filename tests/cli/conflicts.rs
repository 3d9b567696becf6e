//! `encbox conflicts`: what is listed, compared and resolved, under every coding of names.

use crate::support::*;
use serde_json::Value;
use std::fs;

const WRONG_KIND: i32 = 10;
const NOT_FOUND: i32 = 8;

const MARK: &str = " (ann's conflicted copy 2026-11-22)";
const COPY: &str = "/report (ann's conflicted copy 2026-11-22).md";

const CODINGS: [&[&str]; 5] = [
    &[],
    &["--profile", "standard"],
    &["--profile", "paranoia"],
    &["--names", "block32"],
    &["--names", "stream", "--chained-names", "--mac-bytes", "0"],
];

fn volume(options: &[&str]) -> Scratch {
    let scratch = Scratch::empty();
    scratch.run(&[&["new", "-q", "--iterations", "1000", "V"], options].concat()).ok();
    scratch
}

/// Leaves `ours` as a copy of `path`, which holds `theirs`, as a sync client does: on disk, with a mark behind the name.
fn conflict(scratch: &Scratch, path: &str, mark: &str, ours: &[u8], theirs: &[u8]) {
    // from before, where there was nothing yet not even the folder is there
    drop(scratch.run(&["rm", "-f", "V", path]));
    scratch.add(path, ours);
    let cipher = scratch.cipher(path);
    fs::rename(&cipher, format!("{}{mark}", cipher.to_str().unwrap())).unwrap();
    scratch.add(path, theirs);
}

fn listed(scratch: &Scratch) -> Vec<(String, String)> {
    let facts = scratch.run(&["conflicts", "--json", "V"]).ok().json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    facts.as_array().unwrap().iter().map(|found| (text(&found["path"]), text(&found["copy_of"]))).collect()
}

fn cat(scratch: &Scratch, path: &str) -> String {
    scratch.run(&["cat", "V", path]).ok().text().to_owned()
}

#[test]
fn none() {
    let scratch = Scratch::new();
    scratch.add("/report (1).md", b"called so");
    let run = scratch.run(&["conflicts", "V"]).ok();
    assert_eq!(run.text(), "");
    assert_eq!(scratch.run(&["conflicts", "--json", "V"]).ok().text(), "[]\n");
}

#[test]
fn copies_are_listed_under_every_coding_in_folders_too() {
    for options in CODINGS {
        let scratch = volume(options);
        conflict(&scratch, "/report.md", MARK, b"ours", b"theirs!");
        conflict(&scratch, "/notes/deep/a", "(1)", b"ours", b"theirs");
        assert_eq!(
            listed(&scratch),
            [
                (COPY[1..].to_owned(), "report.md".to_owned()),
                ("notes/deep/a (1)".to_owned(), "notes/deep/a".to_owned())
            ],
            "{options:?}"
        );
        let facts = scratch.run(&["conflicts", "--json", "V", "/report.md"]).ok().json();
        assert_eq!(facts.as_array().unwrap().len(), 1);
        assert_eq!((&facts[0]["copy"]["size"], &facts[0]["original"]["size"]), (&4.into(), &7.into()));
        assert_eq!(facts[0]["marked"], true);
        let run = scratch.run(&["conflicts", "V", "/notes"]).ok();
        let lines = run.lines();
        assert_eq!(lines[0], "notes/deep/a (1)");
        assert!(
            lines[1].contains("4 bytes") && lines[2].contains("6 bytes") && lines[2].ends_with("  a"),
            "{lines:?}"
        );
        assert_eq!(lines.len(), 3);
    }
}

/// An edit that encbox saved has its mark in the name itself; in a volume with plain names every copy has.
#[test]
fn copies_by_their_plain_name() {
    for options in [&[][..], &["--names", "null"]] {
        let scratch = volume(options);
        scratch.add("/report.md", b"theirs");
        scratch.add(COPY, b"ours");
        scratch.add("/b.sync-conflict-20261122-101500-ABCDEFG.txt", b"ours");
        let facts = scratch.run(&["conflicts", "--json", "V"]).ok().json();
        let facts = facts.as_array().unwrap();
        assert_eq!(facts.len(), 2, "{facts:?}");
        assert_eq!((&facts[0]["copy_of"], &facts[0]["original"]), (&"b.txt".into(), &Value::Null));
        assert_eq!((&facts[1]["copy_of"], &facts[1]["marked"]), (&"report.md".into(), &false.into()));
        scratch.run(&["conflicts", "--keep", "mine", "V", COPY]).ok();
        assert_eq!(cat(&scratch, "/report.md"), "ours", "{options:?}");
    }
}

#[test]
fn copies_of_copies() {
    let scratch = Scratch::new();
    conflict(&scratch, "/report.md", MARK, b"ours", b"theirs");
    // a sync client marks what has a mark already
    let twice = format!("{MARK} (bob's conflicted copy 2026-11-23)");
    conflict(&scratch, "/report.md", &twice, b"bob's", b"theirs");
    // and encbox saves an edit of a copy
    let saved = "/report (ann's conflicted copy 2026-11-22) (pc's conflicted copy 2026-11-24).md";
    scratch.add(saved, b"pc's");
    let twice = "report (ann's conflicted copy 2026-11-22) (bob's conflicted copy 2026-11-23).md";
    let (copy, report) = (COPY[1..].to_owned(), "report.md".to_owned());
    let mut found = listed(&scratch);
    found.sort();
    let mut expected =
        [(copy.clone(), report.clone()), (twice.to_owned(), report), (saved[1..].to_owned(), copy)];
    expected.sort();
    assert_eq!(found, expected);
    scratch.run(&["conflicts", "--keep", "both", "--all", "V"]).ok();
    assert_eq!(listed(&scratch), []);
    let mut texts: Vec<_> = scratch.paths().iter().map(|path| cat(&scratch, path)).collect();
    texts.sort();
    assert_eq!(texts, ["bob's", "ours", "pc's", "theirs"]);
}

#[test]
fn differences_of_texts_and_of_other_files() {
    let scratch = Scratch::new();
    let (ours, theirs) = ("one\ntwo\nthree\n", "one\n2\nthree\n");
    conflict(&scratch, "/report.md", MARK, ours.as_bytes(), theirs.as_bytes());
    let run = scratch.run(&["conflicts", "--diff", "V"]).ok();
    let diff = run.text().split_once("--- ").unwrap().1;
    assert_eq!(diff, format!("report.md\n+++ {}\n@@ -1,3 +1,3 @@\n one\n-2\n+two\n three\n", &COPY[1..]));

    let (mut data, mut other) = (bytes(600_000), bytes(600_000));
    (data[0], other[0], other[400_000]) = (0, 0, other[400_000] ^ 1);
    conflict(&scratch, "/same.bin", MARK, &data, &data);
    conflict(&scratch, "/data.bin", MARK, &data, &other);
    conflict(&scratch, "/short.bin", MARK, &data[..1000], &data[..900]);
    scratch.run(&["mkdir", "V", "/folder", &format!("/folder{MARK}")]).ok();
    scratch.add(&format!("/folder{MARK}/x"), b"");
    let difference = |path: &str| {
        let facts = scratch.run(&["conflicts", "--diff", "--json", "V", path]).ok().json();
        facts[0]["difference"].clone()
    };
    assert_eq!(difference("/same.bin")["same"], true);
    assert_eq!(difference("/data.bin")["first_difference"], 400_000);
    assert_eq!(difference("/short.bin")["first_difference"], 900);
    assert_eq!(difference("/report.md")["same"], false);
    assert_eq!(difference("/folder")["only_in_copy"][0], "x");
    let run = scratch.run(&["conflicts", "--diff", "V", "/data.bin"]).ok();
    assert!(run.text().contains("contents differ from byte 400000 on"), "{}", run.text());
}

#[test]
fn keeping_mine_gives_the_copy_the_name_and_the_other_goes_to_the_trash() {
    for options in CODINGS {
        let scratch = volume(options);
        conflict(&scratch, "/a/report.md", MARK, b"ours", b"theirs");
        let copy = format!("/a{COPY}");
        let run = scratch.run(&["conflicts", "--keep", "mine", "V", &copy]).ok();
        let trash = run.text().trim_end().rsplit_once("; the other is ").unwrap().1.to_owned();
        assert!(run.text().starts_with("kept a/report.md; "), "{}", run.text());
        assert!(trash.starts_with(".Trash-") && trash.ends_with("/files/report.md"), "{trash}");
        assert_eq!((cat(&scratch, "/a/report.md"), cat(&scratch, &trash)), ("ours".into(), "theirs".into()));
        let info = trash.replace("/files/", "/info/") + ".trashinfo";
        assert!(cat(&scratch, &info).contains("\nPath=a/report.md\nDeletionDate=20"));
        assert_eq!(listed(&scratch), [], "what is in the trash is no conflict");
        // it can be had back
        scratch.run(&["mv", "V", &trash, "/a/theirs.md"]).ok();
        assert_eq!(cat(&scratch, "/a/theirs.md"), "theirs", "{options:?}");
    }
}

#[test]
fn keeping_theirs_puts_the_copy_into_the_trash() {
    for options in CODINGS {
        let scratch = volume(options);
        conflict(&scratch, "/report.md", MARK, b"ours", b"theirs");
        // the file with just one copy will do, too
        let run = scratch.run(&["conflicts", "--keep", "original", "V", "/report.md"]).ok();
        let trash = run.text().trim_end().rsplit_once("; the other is ").unwrap().1.to_owned();
        assert_eq!((cat(&scratch, "/report.md"), cat(&scratch, &trash)), ("theirs".into(), "ours".into()));
        assert_eq!(listed(&scratch), []);
        // the same once more: names in the trash do not collide
        conflict(&scratch, "/report.md", MARK, b"again", b"theirs");
        let run = scratch.run(&["conflicts", "--keep", "theirs", "--json", "V", COPY]).ok().json();
        let second = run[0]["discarded"].as_str().unwrap();
        assert_ne!(second, trash);
        assert_eq!((cat(&scratch, second), cat(&scratch, &trash)), ("again".into(), "ours".into()));
    }
}

#[test]
fn keeping_both_gives_the_copy_a_name_that_is_free() {
    for options in CODINGS {
        let scratch = volume(options);
        conflict(&scratch, "/report.md", MARK, b"ours", b"theirs");
        scratch.add("/report 2.md", b"taken");
        let run = scratch.run(&["conflicts", "--keep", "both", "V", COPY]).ok();
        assert_eq!(run.text(), "kept report 3.md\n");
        assert_eq!(listed(&scratch), []);
        assert_eq!(scratch.paths(), ["report 2.md", "report 3.md", "report.md"]);
        assert_eq!(
            (cat(&scratch, "/report.md"), cat(&scratch, "/report 3.md")),
            ("theirs".into(), "ours".into())
        );
    }
}

#[test]
fn folders_and_what_conflicts_in_them() {
    for options in CODINGS {
        for (keep, expected) in [("mine", "in the copy"), ("theirs", "in the original")] {
            let scratch = volume(options);
            scratch.add("/notes/a", b"in the copy");
            let cipher = scratch.cipher("/notes");
            fs::rename(&cipher, format!("{}{MARK}", cipher.to_str().unwrap())).unwrap();
            scratch.add("/notes/a", b"in the original");
            conflict(&scratch, "/notes/b", MARK, b"our b", b"their b");
            assert_eq!(listed(&scratch).len(), 2);
            scratch.run(&["conflicts", "--keep", keep, "--all", "V"]).ok();
            assert_eq!(cat(&scratch, "/notes/a"), expected, "{options:?}");
            assert_eq!(listed(&scratch), []);
            // nothing is lost
            let texts: Vec<_> = scratch
                .paths()
                .iter()
                .filter(|path| {
                    ["/a", "/b", ".md"].iter().any(|end| path.contains(end)) && !path.contains("/info/")
                })
                .filter_map(|path| {
                    let run = scratch.run(&["cat", "V", path]);
                    (run.code == 0).then(|| run.text().to_owned())
                })
                .collect();
            for text in ["in the copy", "in the original", "our b", "their b"] {
                assert!(texts.iter().any(|found| found == text), "{text} is not in {texts:?}");
            }
        }
    }
}

#[test]
fn several_copies_of_one_file_are_for_somebody_to_choose() {
    let scratch = Scratch::new();
    conflict(&scratch, "/report.md", "(1)", b"one", b"theirs");
    conflict(&scratch, "/report.md", "(2)", b"two", b"theirs");
    conflict(&scratch, "/other.md", "(1)", b"ours", b"theirs");
    scratch
        .run(&["conflicts", "--keep", "mine", "V", "/report.md"])
        .fails(WRONG_KIND)
        .says(&["2 conflicted copies"]);
    let run = scratch.run(&["conflicts", "--keep", "mine", "--all", "V"]).partly();
    assert!(run.stderr.contains("report (1).md: one of several copies"), "{}", run.stderr);
    assert_eq!((cat(&scratch, "/report.md"), cat(&scratch, "/other.md")), ("theirs".into(), "ours".into()));
    scratch.run(&["conflicts", "--keep", "mine", "V", "/report (2).md"]).ok();
    assert_eq!(cat(&scratch, "/report.md"), "two");
    scratch.run(&["conflicts", "--keep", "theirs", "--all", "V"]).ok();
    assert_eq!(listed(&scratch), []);
}

#[test]
fn a_copy_whose_file_is_gone_can_only_be_mine() {
    let scratch = Scratch::new();
    conflict(&scratch, "/report.md", MARK, b"ours", b"theirs");
    scratch.run(&["rm", "V", "/report.md"]).ok();
    assert!(scratch.run(&["conflicts", "V"]).ok().text().contains("original  is gone: report.md"));
    scratch.run(&["conflicts", "--keep", "theirs", "V", COPY]).fails(NOT_FOUND);
    assert_eq!(scratch.run(&["conflicts", "--keep", "mine", "V", COPY]).ok().text(), "kept report.md\n");
    assert_eq!(scratch.paths(), ["report.md"]);
    assert_eq!(cat(&scratch, "/report.md"), "ours");
}

#[test]
fn what_makes_no_sense() {
    let scratch = Scratch::new();
    scratch.add("/report.md", b"alone");
    scratch.run(&["conflicts", "V", "/nothing"]).fails(NOT_FOUND);
    scratch
        .run(&["conflicts", "--keep", "mine", "V", "/report.md"])
        .fails(NOT_FOUND)
        .says(&["no conflicted copy"]);
    for arguments in [
        &["conflicts", "--keep", "mine", "V"][..],
        &["conflicts", "--all", "V"],
        &["conflicts", "--keep", "neither", "V", "/report.md"],
        &["conflicts", "--keep", "mine", "--diff", "V", "/report.md"],
    ] {
        assert_eq!(scratch.run(arguments).code, 2, "{arguments:?}");
    }
    assert_eq!(cat(&scratch, "/report.md"), "alone");
}

/// The longest name that can be made, and a mark on top of it: too long for the trash as it is.
#[test]
fn the_longest_names() {
    let scratch = Scratch::new();
    let name = format!("/{}.md", "n".repeat(140));
    for keep in ["theirs", "both", "mine"] {
        conflict(&scratch, &name, MARK, b"ours", b"theirs");
        scratch.run(&["conflicts", "--keep", keep, "--all", "V"]).ok();
        assert_eq!(listed(&scratch), [], "{keep}");
        scratch.run(&["rm", "V", &name]).ok();
    }
    // a trash is a folder like any other
    assert!(scratch.paths().iter().any(|path| path.contains("/files/nnn")));
}
