//! Command lines and volumes that do not work: the same codes and the same words.

use std::fs;

use super::side::{Side, sides, sides_with};
use crate::encfs_is_missing;

fn same_failure(sides: &[Side; 2], words: &[&str], stdin: &str) {
    let [theirs, ours] = sides.each_ref().map(|side| side.run(words, stdin));
    assert_eq!(ours.code, theirs.code, "{words:?}: {ours:?} {theirs:?}");
    assert_eq!(ours.stdout, theirs.stdout, "{words:?}");
    assert_eq!(ours.complaints(), theirs.complaints(), "{words:?}");
    assert_eq!(ours.stderr.contains("Build: encfs"), theirs.stderr.contains("Build: encfs"), "{words:?}");
    assert!(sides.iter().all(|side| side.mounted().is_none()), "{words:?}");
}

#[test]
fn command_lines() {
    if encfs_is_missing() {
        return;
    }
    let sides = sides_with("block32-mac4");
    for words in [
        &["encfs"][..],
        &["encfs", "DIR/c"],
        &["encfs", "c", "m"],
        &["encfs", "DIR/m/inside", "DIR/m"],
        &["encfs", "--delaymount", "DIR/c", "DIR/m"],
        &["encfs", "-m", "DIR/c", "DIR/m"],
        &["encfs", "-u"],
        &["encfs", "-u", "DIR/c", "DIR/m"],
        &["encfs", "--foo"],
        &["encfs", "-x", "DIR/c"],
        &["encfs", "--st", "DIR/c"],
        &["encfs", "DIR/c", "-o"],
        &["encfs", "DIR/c", "--idle"],
        &["encfs", "--version"],
        &["encfs", "-S", "--version", "DIR/c"],
        &["encfsctl", "--version"],
        &["encfsctl", "--help"],
        &["encfsctl", "-h"],
        &["encfsctl", "info", "DIR/c", "DIR/c"],
        &["encfsctl", "nonsense", "DIR/c"],
        &["encfsctl", "info", "DIR/nowhere"],
        &["encfsctl", "DIR/nowhere"],
        &["encfsctl", "info", "DIR/m"],
        &["encfsctl", "cat", "DIR/c"],
        &["encfsctl", "export", "DIR/c"],
        &["encfsctl", "autocheckpasswd", "DIR/m"],
        &["encfsctl", "decode", "DIR/nowhere", "x"],
    ] {
        same_failure(&sides, words, "");
    }
}

#[test]
fn passwords() {
    if encfs_is_missing() {
        return;
    }
    let sides = sides_with("block32-mac4");
    for (words, stdin) in [
        (&["-S"][..], "wrong\n"),
        (&["-S", "--annotate"], "wrong\n"),
        (&["-f", "-S"], "wrong\n"),
        (&["-S"], "\n"),
        (&["-S"], ""),
        (&["--extpass=echo wrong"], ""),
        (&["--extpass=true"], ""),
        (&["-S", "--extpass=echo wrong"], "block32\n"),
        (&[], "wrong\n"),
        (&[], "\n"),
        (&[], ""),
    ] {
        let words = [&["encfs"], words, &["DIR/c", "DIR/m"]].concat();
        same_failure(&sides, &words, stdin);
    }
}

#[test]
fn volumes() {
    if encfs_is_missing() {
        return;
    }
    let unauthenticated = sides_with("stream1-1088");
    same_failure(&unauthenticated, &["encfs", "-S", "--require-macs", "DIR/c", "DIR/m"], "stream one\n");

    let plain = sides();
    for side in &plain {
        let run = side.run(&["encfs", "--insecure", "-S", "DIR/c", "DIR/m"], "x\n1\n\n\ny\n3\npw\n");
        assert_eq!(run.code, 0, "{}: {run:?}", side.name);
        side.unmount();
    }
    same_failure(&plain, &["encfs", "-S", "DIR/c", "DIR/m"], "pw\n");

    // EncFS says why only to the system's log
    let damaged = sides_with("block32-mac4");
    for side in &damaged {
        fs::write(side.cipher().join(".encfs6.xml"), "rubbish").expect("a scratch file");
        let run = side.run(&["encfs", "-S", "--standard", "DIR/c", "DIR/m"], "block32\n");
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{}", side.name);
        assert_eq!(fs::read(side.cipher().join(".encfs6.xml")).expect("a scratch file"), b"rubbish");
        let run = side.run(&["encfsctl", "DIR/c"], "");
        assert_eq!(run.code, 1, "{}", side.name);
    }
    for side in sides() {
        for (variables, words) in [
            (&[][..], &["encfs", "-S", "--standard", "-c", "DIR/nowhere", "DIR/c", "DIR/m"][..]),
            (&[("ENCFS6_CONFIG", "DIR/nowhere")], &["encfs", "-S", "--standard", "DIR/c", "DIR/m"]),
        ] {
            let run = side.run_in(variables, words, "pw\n");
            assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{} {words:?}", side.name);
            assert!(fs::read_dir(side.cipher()).expect("it is there").next().is_none(), "{}", side.name);
        }
    }
}

/// What KDE Vaults looks for in standard error.
#[test]
fn mount_points() {
    if encfs_is_missing() {
        return;
    }
    for side in sides_with("block32-mac4") {
        fs::write(side.mountpoint().join("file"), "").expect("a scratch file");
        let run = side.run(&["encfs", "-S", "DIR/c", "DIR/m"], "block32\n");
        assert_eq!(run.code, 1, "{}", side.name);
        assert!(run.stderr.contains("'nonempty'"), "{}: {run:?}", side.name);
        fs::remove_file(side.mountpoint().join("file")).expect("a scratch file");
        let run = side.run(&["encfs", "-S", "DIR/c", "DIR/m", "-o", "frobnicate=3"], "block32\n");
        assert_eq!(run.code, 1, "{}", side.name);
        assert!(run.stderr.contains("frobnicate"), "{}: {run:?}", side.name);
    }
}
