//! `encfsctl` beside `encfsctl`.

use std::fs;

use super::side::{Run, Side, sides_with};
use crate::encfs_is_missing;
use crate::support::manifest::bundled;
use crate::support::tree;

fn both(sides: &[Side; 2], words: &[&str], stdin: &str) -> [Run; 2] {
    sides.each_ref().map(|side| side.run(words, stdin))
}

fn same(sides: &[Side; 2], words: &[&str], stdin: &str) -> Run {
    let [theirs, ours] = both(sides, words, stdin);
    assert_eq!(ours.code, theirs.code, "{words:?}: {ours:?} {theirs:?}");
    assert_eq!(ours.stdout, theirs.stdout, "{words:?}");
    ours
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn info_of_every_frozen_volume() {
    if encfs_is_missing() {
        return;
    }
    for vector in bundled().into_iter().filter(|vector| vector.open == ["ok"]) {
        let sides = sides_with(&vector.name);
        let run = same(&sides, &["encfsctl", "info", "DIR/c"], "");
        assert_eq!(run.code, 0, "{}", vector.name);
        assert_eq!(same(&sides, &["encfsctl", "DIR/c"], ""), run);
        assert_eq!(same(&sides, &["encfsctl", "-v", "info", "DIR/c"], ""), run);
    }
}

#[test]
fn names_both_ways() {
    if encfs_is_missing() {
        return;
    }
    for (volume, files) in [("stream1-1088", "a b/c"), ("block32-mac4", "x"), ("null-names-mac8", "y/z")] {
        let sides = sides_with(volume);
        let plain = ["/readme", "readme", "a/b/c", "/a/b", "deep/", "", "/", "sp ace/\u{e4}", files];
        let words = [&["encfsctl", "encode", "--extpass=cat DIR/password", "DIR/c"], &plain[..]].concat();
        let encoded = same(&sides, &words, "").stdout;
        let stdin = plain.join("\n") + "\n";
        let from_stdin = ["encfsctl", "encode", "--extpass=cat DIR/password", "DIR/c"];
        assert_eq!(same(&sides, &from_stdin, &stdin).stdout, encoded);

        let names: Vec<&str> = encoded.lines().filter(|name| !name.is_empty()).collect();
        let words =
            [&["encfsctl", "decode", "--extpass=cat DIR/password", "--", "DIR/c"], &names[..]].concat();
        assert_eq!(same(&sides, &words, "").code, 0);
        let from_stdin = ["encfsctl", "decode", "DIR/c", "--extpass=cat DIR/password"];
        same(&sides, &from_stdin, &encoded);
    }
    let sides = sides_with("stream1-1088");
    let rubbish = ["encfsctl", "decode", "--extpass=cat DIR/password", "DIR/c", "xxx", "not a name", ","];
    assert_eq!(same(&sides, &rubbish, "").stdout, "\n\n\n");
}

#[test]
fn passwords() {
    if encfs_is_missing() {
        return;
    }
    let sides = sides_with("v5-ext-mac8");
    same(&sides, &["encfsctl", "autopasswd", "DIR/c"], "five\nsix\n");
    let sides = sides_with("block32-mac4");
    for (command, stdin, code) in [
        ("autocheckpasswd", "block32\n", 0),
        ("autocheckpasswd", "block32", 0),
        ("autocheckpasswd", "wrong\n", 1),
        ("autocheckpasswd", "\n", 1),
        ("autocheckpasswd", "", 1),
        ("autopasswd", "wrong\nnew\n", 1),
        ("autopasswd", "block32\n", 1),
        ("autopasswd", "block32\n\n", 1),
        ("autopasswd", "block32\nnew\n", 0),
        ("autocheckpasswd", "block32\n", 1),
        ("autocheckpasswd", "new\n", 0),
        ("passwd", "new\nnewer\ntypo\nnewer\nnewer\n", 0),
        ("autocheckpasswd", "newer\n", 0),
    ] {
        let words = ["encfsctl", command, "DIR/c"];
        let [theirs, ours] = both(&sides, &words, stdin);
        assert_eq!((ours.code, &ours.stdout), (theirs.code, &theirs.stdout), "{command} {stdin:?}");
        assert_eq!((ours.code, &ours.stderr), (code, &theirs.stderr), "{command} {stdin:?}");
    }
    // each opens what the other has changed
    let [theirs, ours] = &sides;
    let cipher = theirs.cipher();
    let run = ours.run(&["encfsctl", "autocheckpasswd", cipher.to_str().expect("plain")], "newer\n");
    assert_eq!(run.code, 0);
    let cipher = ours.cipher();
    let run = theirs.run(&["encfsctl", "autocheckpasswd", cipher.to_str().expect("plain")], "newer\n");
    assert_eq!(run.code, 0);
}

/// EncFS never read more of a line than 511 bytes.
#[test]
fn long_passwords() {
    if encfs_is_missing() {
        return;
    }
    let sides = sides_with("block32-mac4");
    let long = "y".repeat(600);
    same(&sides, &["encfsctl", "autopasswd", "DIR/c"], &format!("block32\n{long}\n"));
    for (len, code) in [(510, 1), (511, 0), (512, 0), (600, 0)] {
        let run = same(&sides, &["encfsctl", "autocheckpasswd", "DIR/c"], &"y".repeat(len));
        assert_eq!(run.code, code, "{len}");
    }
    for (len, code) in [(511, 0), (512, 1)] {
        let extpass = format!("--extpass=head -c {len} /dev/zero | tr '\\0' y");
        let ours = &sides[1];
        assert_eq!(ours.run(&["encfsctl", "decode", &extpass, "DIR/c", "x"], "").code, code, "{len}");
    }
}

#[test]
fn keys() {
    if encfs_is_missing() {
        return;
    }
    for vector in bundled().into_iter().filter(|vector| vector.open == ["ok"]) {
        // EncFS has Blowfish only where OpenSSL is told to
        if vector.name.contains("blowfish") {
            continue;
        }
        let sides = sides_with(&vector.name);
        let stdin = format!("{}\n", vector.password);
        let [theirs, ours] = both(&sides, &["encfsctl", "showKey", "DIR/c"], &stdin);
        // of which EncFS leaves the last letter out
        let last = ours.stdout.trim_end().char_indices().last().expect("a key").0;
        assert_eq!(
            (theirs.code, theirs.stdout.trim_end()),
            (ours.code, &ours.stdout[..last]),
            "{}",
            vector.name
        );
    }
}

#[test]
fn contents_and_listings() {
    if encfs_is_missing() {
        return;
    }
    let sides = sides_with("std-created");
    let encoded =
        same(&sides, &["encfsctl", "encode", "--extpass=cat DIR/password", "DIR/c", "readme.txt"], "");
    let extpass = "--extpass=cat DIR/password";
    for path in ["readme.txt", "/readme.txt", encoded.stdout.trim(), "zeros.bin", "nowhere", "/a/b"] {
        same(&sides, &["encfsctl", "cat", extpass, "DIR/c", path], "");
    }
    for side in &sides {
        for cruft in ["cruft", ".dropbox", "conf (1)"] {
            fs::write(side.cipher().join(cruft), "").expect("a scratch file");
        }
    }
    let [theirs, ours] = both(&sides, &["encfsctl", "showcruft", "DIR/c"], "standard password\n");
    // EncFS has one slash more than needed
    let their_lines = theirs.stdout.replace("//", "/");
    assert_eq!(sorted(&ours.stdout), sorted(&their_lines));
    assert_eq!((ours.code, &ours.stderr), (theirs.code, &theirs.stderr));

    // of `ls` the sizes and names: EncFS counts months from 0, and links by what is on disk
    let columns = |run: &Run| {
        let line = |line: &str| (line[..11].trim().to_owned(), line[32..].to_owned());
        let mut lines: Vec<_> = run.stdout.lines().map(line).collect();
        lines.retain(|(_, name)| !name.starts_with("link") && name != "." && name != "..");
        lines.sort();
        lines
    };
    let [theirs, ours] = both(&sides, &["encfsctl", "ls", "DIR/c"], "standard password\n");
    assert_eq!((ours.code, columns(&ours)), (theirs.code, columns(&theirs)));
}

#[test]
fn export() {
    if encfs_is_missing() {
        return;
    }
    let sides = sides_with("std-created");
    let refused = both(&sides, &["encfsctl", "export", "DIR/c", "DIR/out"], "standard password\nn\n");
    assert_eq!((refused[0].code, &refused[0].stderr), (refused[1].code, &refused[1].stderr));
    let [theirs, ours] = both(&sides, &["encfsctl", "export", "DIR/c", "DIR/out"], "standard password\ny\n");
    assert_eq!((ours.code, &ours.stderr), (theirs.code, &theirs.stderr));
    let trees = sides.each_ref().map(|side| tree::of_folder(&side.beside("out")));
    tree::assert_same("exported", &trees[0], &trees[1]);
    // once more, over what is there
    assert_eq!(both(&sides, &["encfsctl", "export", "DIR/c", "DIR/out"], "standard password\n")[1].code, 0);
}
