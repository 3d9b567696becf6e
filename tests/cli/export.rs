//! `encbox export`

use crate::support::*;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::time::{Duration, SystemTime};

/// A volume with every kind of thing in it, and the folder that it was imported from.
fn volume(profile: &str) -> Scratch {
    let scratch = Scratch::with_profile(profile);
    scratch.write("src/dir/large", &bytes(1_200_000));
    scratch.write("src/dir/empty", b"");
    let tool = scratch.write("src/tool", b"#!/bin/sh\n");
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o750)).unwrap();
    symlink("dir/large", scratch.path("src/link")).unwrap();
    let then = SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, 123_456_789);
    for name in ["src/tool", "src/dir/large", "src/dir", "src"] {
        fs::File::open(scratch.path(name)).unwrap().set_modified(then).unwrap();
    }
    fs::set_permissions(scratch.path("src/dir"), fs::Permissions::from_mode(0o550)).unwrap();
    scratch.run(&["import", "V", "src", "/"]).ok();
    scratch
}

#[track_caller]
fn assert_same(scratch: &Scratch, a: &str, b: &str) {
    for name in ["", "dir", "dir/large", "dir/empty", "tool", "link"] {
        let (a, b) = (scratch.path(a).join(name), scratch.path(b).join(name));
        let (old, new) = (a.symlink_metadata().unwrap(), b.symlink_metadata().unwrap());
        assert_eq!(old.mode(), new.mode(), "{name}");
        assert_eq!((old.mtime(), old.mtime_nsec()), (new.mtime(), new.mtime_nsec()), "{name}");
        if old.is_file() {
            assert_eq!(fs::read(a).unwrap(), fs::read(b).unwrap(), "{name}");
        } else if old.is_symlink() {
            assert_eq!(fs::read_link(a).unwrap(), fs::read_link(b).unwrap());
        }
    }
}

#[test]
fn a_tree_keeps_contents_times_modes_and_links() {
    for profile in ["sync", "boxcryptor", "standard", "paranoia"] {
        let scratch = volume(profile);
        scratch.run(&["export", "V", "/src", "out"]).ok();
        assert_same(&scratch, "src", "out");
    }
}

#[test]
fn the_destination_is_what_it_is_for_cp() {
    let scratch = volume("sync");
    scratch.run(&["export", "V", "everything"]).ok();
    assert_same(&scratch, "src", "everything/src");
    fs::create_dir(scratch.path("folder")).unwrap();
    scratch.run(&["export", "V", "/src", "folder"]).ok();
    assert_same(&scratch, "src", "folder/src");
    scratch.run(&["export", "V", "/src/tool", "renamed"]).ok();
    assert_eq!(fs::read(scratch.path("renamed")).unwrap(), b"#!/bin/sh\n");
    scratch.run(&["export", "V", "/src/tool", "/src/link", "both"]).ok();
    assert_eq!(names(&scratch.path("both")), ["link", "tool"]);
    scratch.run(&["export", "V", "/src/tool", "missing/renamed"]).fails(8);
}

#[test]
fn what_exists_stays_unless_forced() {
    let scratch = volume("sync");
    scratch.write("out/tool", b"precious");
    scratch
        .run(&["export", "V", "/src/tool", "out"])
        .fails(10)
        .says(&["out/tool: exists already", "--force"]);
    assert_eq!(fs::read(scratch.path("out/tool")).unwrap(), b"precious");
    scratch.run(&["export", "--force", "V", "/src/tool", "out"]).ok();
    assert_eq!(fs::read(scratch.path("out/tool")).unwrap(), b"#!/bin/sh\n");
    assert_eq!(names(&scratch.path("out")), ["tool"]);
    // A folder is never replaced by a file.
    fs::create_dir_all(scratch.path("in/the/way/tool")).unwrap();
    scratch.run(&["export", "--force", "V", "/src/tool", "in/the/way"]).fails(10);
}

#[test]
fn links_in_the_destination_are_not_followed() {
    let scratch = volume("sync");
    fs::create_dir_all(scratch.path("elsewhere")).unwrap();
    fs::create_dir_all(scratch.path("out/src")).unwrap();
    symlink(scratch.path("elsewhere"), scratch.path("out/src/dir")).unwrap();
    scratch.run(&["export", "--force", "V", "/src", "out"]).partly().says(&["out/src/dir"]);
    assert_eq!(names(&scratch.path("elsewhere")), [""; 0]);
    scratch.write("precious", b"precious");
    symlink(scratch.path("precious"), scratch.path("target")).unwrap();
    scratch.run(&["export", "--force", "V", "/src/tool", "target"]).ok();
    assert_eq!(fs::read(scratch.path("precious")).unwrap(), b"precious");
    assert!(scratch.path("target").symlink_metadata().unwrap().is_file());
}

#[test]
fn clear_text_stays_out_of_the_volume() {
    let scratch = volume("sync");
    let before = names(&scratch.path("V"));
    symlink("V", scratch.path("way-in")).unwrap();
    for dest in ["V", "V/out", "way-in/out"] {
        scratch.run(&["export", "V", "/src/tool", dest]).fails(10).says(&["inside the volume"]);
    }
    assert_eq!(names(&scratch.path("V")), before);
}

#[test]
fn unreadable_files_are_left_out_and_reported() {
    let scratch = volume("sync");
    let cipher = scratch.cipher("/src/dir/large");
    let mut content = fs::read(&cipher).unwrap();
    content[700_000] ^= 1;
    fs::write(&cipher, content).unwrap();
    scratch.run(&["export", "--fail-fast", "V", "/src", "strict"]).fails(9);
    scratch.run(&["export", "V", "/src/dir/large", "alone"]).fails(9);
    assert!(!scratch.path("alone").exists());
    let run = scratch.run(&["export", "V", "/src", "out"]);
    assert_eq!(run.code, 15);
    run.says(&["src/dir/large", "MAC mismatch", "1 of the items failed"]);
    assert_eq!(names(&scratch.path("out")), ["dir", "link", "tool"]);
    assert_eq!(names(&scratch.path("out/dir")), ["empty"]);
}

#[test]
fn one_file_to_standard_output() {
    let scratch = volume("sync");
    assert_eq!(scratch.run(&["export", "V", "/src/dir/large", "-"]).ok().stdout, bytes(1_200_000));
    assert_eq!(scratch.run(&["export", "V", "/src/link", "-"]).ok().stdout, bytes(1_200_000));
}

#[test]
fn a_tar_stream_unpacks_to_the_same_tree() {
    if !has("tar") {
        return;
    }
    let scratch = volume("sync");
    let long = "l".repeat(120);
    scratch.add(&format!("/src/{long}/{long}"), b"long");
    let stream = scratch.run(&["export", "--tar", "V", "/src", "-"]).ok().stdout;
    fs::create_dir(scratch.path("out")).unwrap();
    let mut tar = scratch.bare_command("tar");
    tar.args(["-xp", "-C", "out"]);
    let unpacked = run(tar, &stream);
    assert_eq!((unpacked.code, unpacked.stderr.as_str()), (0, ""));
    assert_eq!(fs::read(scratch.path(format!("out/src/{long}/{long}"))).unwrap(), b"long");
    // Making the folder has changed the time of the one that holds it.
    let now = scratch.path("out/src").metadata().unwrap().modified().unwrap();
    fs::File::open(scratch.path("src")).unwrap().set_modified(now).unwrap();
    let link = scratch.path("out/src/link");
    fs::remove_file(&link).unwrap();
    fs::rename(scratch.path("src/link"), &link).unwrap();
    symlink("dir/large", scratch.path("src/link")).unwrap();
    fs::remove_file(scratch.path("src/link")).unwrap();
    fs::copy(&link, scratch.path("src/link")).unwrap();
    for name in ["dir", "dir/large", "tool"] {
        let (old, new) = (scratch.path("src").join(name), scratch.path("out/src").join(name));
        let (old, new) = (old.metadata().unwrap(), new.metadata().unwrap());
        assert_eq!(
            (old.mode(), old.mtime(), old.mtime_nsec()),
            (new.mode(), new.mtime(), new.mtime_nsec()),
            "{name}"
        );
    }
}

#[test]
fn a_damaged_file_ends_a_tar_stream_or_is_left_out_of_it() {
    if !has("tar") {
        return;
    }
    let scratch = volume("sync");
    let cipher = scratch.cipher("/src/dir/large");
    let mut content = fs::read(&cipher).unwrap();
    content[700_000] ^= 1;
    fs::write(&cipher, content).unwrap();
    let cut =
        scratch.run(&["export", "--tar", "--fail-fast", "V", "-"]).fails(9).says(&["incomplete"]).stdout;
    let list = |stream: &[u8]| {
        let mut tar = scratch.bare_command("tar");
        tar.arg("-t");
        run(tar, stream)
    };
    assert_ne!(list(&cut).code, 0, "a broken stream does not look whole");
    let kept = scratch.run(&["export", "--tar", "V", "-"]);
    assert_eq!(kept.code, 15);
    let listed = list(&kept.stdout);
    assert_eq!(listed.code, 0, "{}", listed.stderr);
    assert_eq!(listed.lines(), ["src/", "src/dir/", "src/dir/empty", "src/link", "src/tool"]);
}

#[test]
fn holes_stay_holes() {
    let scratch = Scratch::with_profile("standard");
    let file = fs::File::create(scratch.path("sparse")).unwrap();
    file.set_len(50_000_000).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"middle", 20_000_000).unwrap();
    scratch.run(&["import", "V", "sparse", "/"]).ok();
    assert!(scratch.cipher("/sparse").metadata().unwrap().blocks() < 1000);
    scratch.run(&["export", "V", "/sparse", "out"]).ok();
    let out = scratch.path("out").metadata().unwrap();
    assert_eq!(out.len(), 50_000_000);
    assert!(out.blocks() < 1000, "{} blocks", out.blocks());
    assert_eq!(fs::read(scratch.path("out")).unwrap(), fs::read(scratch.path("sparse")).unwrap());
}

#[test]
fn the_end_as_json() {
    let scratch = volume("sync");
    let run = scratch.run(&["export", "--json", "V", "/src", "out"]).ok();
    let last: serde_json::Value = serde_json::from_str(run.lines().last().unwrap()).unwrap();
    assert_eq!(last["done"]["files"], 3);
    assert_eq!(last["done"]["links"], 1);
    assert_eq!(last["done"]["bytes"], 1_200_010);
}
