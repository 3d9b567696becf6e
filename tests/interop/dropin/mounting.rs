//! Mounts: how they look from outside, and what their options do.

use std::fs;
use std::path::Path;

use super::side::{Side, sides_with};
use crate::encfs_is_missing;
use crate::support::tree;

fn mounted(side: &Side, words: &[&str]) -> String {
    let words = [&["encfs", "--extpass=cat DIR/password"], words].concat();
    let run = side.run(&words, "");
    assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{} {words:?}: {run:?}", side.name);
    side.mounted().unwrap_or_else(|| panic!("{} {words:?}: not mounted when the program ends", side.name))
}

#[test]
fn the_mount_table_and_the_files_are_the_same() {
    if encfs_is_missing() {
        return;
    }
    for words in [
        &["DIR/c", "DIR/m"][..],
        &["DIR/c/", "DIR/m/"],
        &["-v", "-s", "-t", "tag", "--nocache", "--noattrcache", "--nodatacache", "DIR/c", "DIR/m"],
        &["--forcedecode", "--require-macs", "--standard", "DIR/c", "DIR/m"],
        &["DIR/c", "DIR/m", "-o", "ro"],
        &["-o", "allow_other,kernel_cache,big_writes", "DIR/c", "DIR/m"],
        &["--public", "DIR/c", "DIR/m"],
        &["DIR/c", "DIR/m", "--", "-o", "allow_other,ro", "-s"],
        &["-o", "fsname=encfs@DIR/c,subtype=encfs", "DIR/c", "DIR/m"],
        &["--config", "DIR/c/.encfs6.xml", "DIR/c", "DIR/m"],
        // complained about, and passed over
        &["--foo", "DIR/c", "DIR/m"],
    ] {
        let seen = sides_with("block32-mac4").map(|side| {
            let table = mounted(&side, words);
            let files = tree::of_folder(&side.mountpoint());
            side.unmount();
            (table, files)
        });
        let [(their_table, their_files), (our_table, our_files)] = seen;
        assert_eq!(our_table, their_table, "{words:?}");
        tree::assert_same("mounted", &their_files, &our_files);
    }
}

#[test]
fn the_config_may_lie_elsewhere() {
    if encfs_is_missing() {
        return;
    }
    for side in sides_with("block32-mac4") {
        fs::rename(side.cipher().join(".encfs6.xml"), side.beside("cfg")).expect("a scratch file");
        mounted(&side, &["-c", "DIR/cfg", "DIR/c", "DIR/m"]);
        side.unmount();
        let words = ["encfs", "-S", "DIR/c", "DIR/m"];
        let run = side.run_in(&[("ENCFS6_CONFIG", "DIR/cfg")], &words, "block32\n");
        assert_eq!(run.code, 0, "{}: {run:?}", side.name);
        side.unmount();
    }
}

/// Another password is another, empty volume in the same folder.
#[test]
fn any_key_will_do() {
    if encfs_is_missing() {
        return;
    }
    let [theirs, ours] = sides_with("block32-mac4");
    for (maker, reader) in [(&theirs, &ours), (&ours, &theirs)] {
        let cipher = maker.cipher();
        let words = ["encfs", "--anykey", "-S", cipher.to_str().expect("plain"), "DIR/m"];
        assert_eq!(maker.run(&words, "second\n").code, 0);
        assert_eq!(fs::read_dir(maker.mountpoint()).expect("a mount").count(), 0);
        fs::write(maker.mountpoint().join("file of the second key"), "second").expect("a mount");
        maker.unmount();
        assert_eq!(reader.run(&words, "second\n").code, 0);
        let read = fs::read_to_string(reader.mountpoint().join("file of the second key"));
        assert_eq!(read.expect("the file is there"), "second");
        reader.unmount();
    }
}

#[test]
fn damaged_blocks_are_read_if_that_is_asked_for() {
    if encfs_is_missing() {
        return;
    }
    let seen = sides_with("null-names-mac8").map(|side| {
        let path = first_file_longer_than(&side.cipher(), 5000);
        let mut bytes = fs::read(&path).expect("a scratch file");
        bytes[100] ^= 1;
        fs::write(&path, bytes).expect("a scratch file");
        let plain = side.mountpoint().join(path.strip_prefix(side.cipher()).expect("it is in there"));
        mounted(&side, &["DIR/c", "DIR/m"]);
        assert!(fs::read(&plain).is_err(), "{}", side.name);
        side.unmount();
        mounted(&side, &["--forcedecode", "DIR/c", "DIR/m"]);
        let read = fs::read(&plain).expect("damage is passed over");
        side.unmount();
        read
    });
    assert_eq!(seen[0], seen[1]);
}

fn first_file_longer_than(folder: &Path, len: u64) -> std::path::PathBuf {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
            let meta = entry.metadata().expect("an entry");
            let is_plain = !entry.file_name().to_string_lossy().starts_with(".encfs");
            if meta.is_dir() {
                folders.push(entry.path());
            } else if meta.is_file() && meta.len() > len && is_plain {
                // not one of zeros, which are no damage
                if fs::read(entry.path()).expect("a file").iter().any(|&byte| byte != 0) {
                    return entry.path();
                }
            }
        }
    }
    panic!("no such file");
}

#[test]
fn unmounting() {
    if encfs_is_missing() {
        return;
    }
    let [theirs, ours] = sides_with("block32-mac4");
    // each other's, too
    for (maker, other) in [(&theirs, &ours), (&ours, &theirs)] {
        mounted(maker, &["DIR/c", "DIR/m"]);
        let point = maker.mountpoint();
        let run = other.run(&["encfs", "-u", point.to_str().expect("plain")], "");
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", other.name);
        assert!(run.stdout.starts_with("Filesystem unmounting: "), "{run:?}");
        assert_eq!(maker.mounted(), None);
    }
    // EncFS says so, and ends with 0 all the same
    let run = ours.run(&["encfs", "-u", "DIR/m"], "");
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stderr.contains("nothing is mounted here"), "{run:?}");
}

/// `encbox` sees such mounts and unmounts them, and clears one whose program was killed.
#[test]
fn encbox_knows_these_mounts() {
    if encfs_is_missing() {
        return;
    }
    for side in sides_with("block32-mac4") {
        mounted(&side, &["DIR/c", "DIR/m"]);
        let mut encbox = crate::support::process::encbox();
        let listed = crate::support::process::run(encbox.arg("mounts"));
        let line = format!("{} on {}", side.cipher().display(), side.mountpoint().display());
        assert!(listed.lines().any(|listed| listed.starts_with(&line)), "{}: {listed}", side.name);
        let mut encbox = crate::support::process::encbox();
        crate::support::process::run(encbox.arg("unmount").arg(side.mountpoint()));
        assert_eq!(side.mounted(), None);
    }
}
