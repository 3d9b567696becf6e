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

/// Changes a byte in each of these blocks of a file in a volume of the profile `sync`.
fn damage(scratch: &Scratch, path: &str, blocks: &[usize]) {
    let cipher = scratch.cipher(path);
    let mut content = fs::read(&cipher).unwrap();
    for block in blocks {
        content[8 + block * 4096 + 100] ^= 1;
    }
    fs::write(&cipher, content).unwrap();
}

#[test]
fn what_can_be_read_of_a_damaged_file_is_exported_if_asked_for() {
    const PAYLOAD: usize = 4088;
    let scratch = volume("sync");
    let good = bytes(1_200_000);
    damage(&scratch, "/src/dir/large", &[0, 100, 101, 293]);
    let (mut zeroed, mut skipped) = (good.clone(), good.clone());
    for block in [293, 101, 100, 0] {
        let bytes = block * PAYLOAD..((block + 1) * PAYLOAD).min(good.len());
        zeroed[bytes.clone()].fill(0);
        skipped.drain(bytes);
    }

    let run = scratch.run(&["export", "--keep-going", "V", "/src", "out"]).partly();
    run.says(&[
        "src/dir/large: lost block 0, bytes 0 to 4087: MAC mismatch in block 0",
        "src/dir/large: lost blocks 100 to 101, bytes 408800 to 416975",
        "src/dir/large: lost block 293, bytes 1197784 to 1199999",
        "4 bad blocks",
    ]);
    assert_eq!(fs::read(scratch.path("out/dir/large")).unwrap(), zeroed);
    scratch.run(&["export", "--bad-blocks", "skip", "V", "/src/dir/large", "short"]).partly();
    assert_eq!(fs::read(scratch.path("short")).unwrap(), skipped);
    let run = scratch.run(&["export", "--keep-going", "V", "/src/dir/large", "-"]).partly();
    assert_eq!(run.stdout, zeroed);
    scratch.run(&["export", "--keep-going", "--bad-blocks", "fail", "V", "/src/dir/large", "none"]).fails(9);
    assert!(!scratch.path("none").exists());
    assert_eq!(scratch.run(&["export", "--tar", "--bad-blocks", "skip", "V", "-"]).code, 2);
    assert_eq!(scratch.run(&["export", "--keep-going", "--fail-fast", "V", "no"]).code, 2);

    let run = scratch.run(&["export", "--json", "--keep-going", "V", "/src/dir/large", "json"]).partly();
    let lines: Vec<serde_json::Value> =
        run.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut lost: Vec<_> = lines.iter().filter_map(|line| line.get("lost")).collect();
    lost.sort_by_key(|lost| lost["start"].as_u64());
    assert_eq!(lost.len(), 3);
    assert_eq!(lost[1]["path"], "src/dir/large");
    assert_eq!((&lost[1]["first_block"], &lost[1]["last_block"]), (&100.into(), &101.into()));
    assert_eq!((&lost[1]["start"], &lost[1]["end"]), (&408_800.into(), &416_976.into()));
    assert_eq!(lines.last().unwrap()["done"]["lost_blocks"], 4);
}

#[test]
fn a_tar_stream_goes_on_past_damage_if_asked_for() {
    if !has("tar") {
        return;
    }
    let scratch = volume("sync");
    damage(&scratch, "/src/dir/large", &[200]);
    let run = scratch.run(&["export", "--tar", "--keep-going", "V", "-"]).partly();
    let mut expected = bytes(1_200_000);
    expected[200 * 4088..201 * 4088].fill(0);
    let mut tar = scratch.bare_command("tar");
    tar.args(["-xO", "src/dir/large"]);
    let unpacked = crate::support::run(tar, &run.stdout);
    assert_eq!((unpacked.code, unpacked.stdout == expected), (0, true));
}

#[test]
fn a_file_cut_inside_its_last_block_header_loses_no_bytes_and_is_reported() {
    let scratch = Scratch::new();
    scratch.add("/f", &bytes(10_000));
    fs::OpenOptions::new().write(true).open(scratch.cipher("/f")).unwrap().set_len(8 + 4096 + 3).unwrap();
    let run = scratch.run(&["export", "--keep-going", "V", "/f", "out"]).partly();
    run.says(&["f: lost block 1, no bytes", "cut short"]);
    assert_eq!(fs::read(scratch.path("out")).unwrap(), bytes(10_000)[..4088]);
}

#[test]
fn an_export_goes_on_where_it_ended() {
    let scratch = volume("sync");
    scratch.run(&["export", "V", "/src", "out"]).ok();
    // As an interrupted one leaves it: a file is missing, and the folders have neither mode nor time.
    fs::set_permissions(scratch.path("out/dir"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::remove_file(scratch.path("out/dir/empty")).unwrap();
    fs::set_permissions(scratch.path("out/tool"), fs::Permissions::from_mode(0o600)).unwrap();
    let large = scratch.path("out/dir/large");
    let before = large.metadata().unwrap().ino();
    // `out` is a folder: the tree goes on in it by way of a volume path that ends there.
    fs::create_dir(scratch.path("again")).unwrap();
    fs::rename(scratch.path("out"), scratch.path("again/src")).unwrap();
    let run = scratch.run(&["export", "--json", "--resume", "V", "/src", "again"]).ok();
    let last: serde_json::Value = serde_json::from_str(run.lines().last().unwrap()).unwrap();
    assert_eq!((&last["done"]["files"], &last["done"]["skipped"]), (&1.into(), &3.into()));
    assert_eq!(scratch.path("again/src/dir/large").metadata().unwrap().ino(), before);
    assert_same(&scratch, "src", "again/src");

    // Another time, or another size, and it is not taken for whole.
    let tool = scratch.path("again/src/tool");
    fs::File::options().append(true).open(&tool).unwrap().set_modified(SystemTime::now()).unwrap();
    scratch.run(&["export", "--resume", "V", "/src", "again"]).partly().says(&["src/tool: exists already"]);
    scratch.run(&["export", "--resume", "--force", "V", "/src", "again"]).ok();
    assert_same(&scratch, "src", "again/src");
    assert_eq!(scratch.run(&["export", "--tar", "--resume", "V", "-"]).code, 2);
}

#[test]
fn one_unreadable_file_among_thousands() {
    let scratch = Scratch::new();
    for number in 0..2000 {
        scratch.write(&format!("src/{}/{number}", number % 7), format!("{number}").as_bytes());
    }
    scratch.run(&["import", "V", "src", "/"]).ok();
    fs::write(scratch.cipher("/src/3/997"), [0; 5]).unwrap();
    for jobs in ["1", "2", "5"] {
        let out = format!("out{jobs}");
        let run = scratch.run(&["export", "--jobs", jobs, "V", "/src", &out]).partly();
        run.says(&["src/3/997: ", "1 of the items failed"]);
        for number in 0..2000 {
            let path = scratch.path(format!("{out}/{}/{number}", number % 7));
            if number == 997 {
                assert!(!path.exists());
            } else {
                assert_eq!(fs::read_to_string(path).unwrap(), format!("{number}"));
            }
        }
        let modified = |path: &str| scratch.path(path).metadata().unwrap().modified().unwrap();
        assert_eq!(modified("src/3"), modified(&format!("{out}/3")));
    }
}

#[test]
fn the_same_destination_twice() {
    let scratch = volume("sync");
    scratch.add("/other/tool", b"another tool");
    let run = scratch.run(&["export", "V", "/src/tool", "/other/tool", "both"]).partly();
    run.says(&["both/tool: another exported item has this name"]);
    assert_eq!(names(&scratch.path("both")), ["tool"]);
    scratch.run(&["export", "--force", "V", "/src/tool", "/other/tool", "forced"]).partly();
}

#[test]
fn nothing_half_written_is_left_by_an_interrupted_export() {
    let scratch = Scratch::new();
    for number in 0..40 {
        scratch.write(&format!("src/{number:02}"), &bytes(3_000_000));
    }
    scratch.run(&["import", "V", "src", "/"]).ok();
    let mut child = scratch.command(&["export", "V", "/src", "out"]);
    let child = child.stderr(std::process::Stdio::piped()).spawn().unwrap();
    wait_until("something is exported", || {
        scratch.path("out").is_dir() && !names(&scratch.path("out")).is_empty()
    });
    let killed = scratch.bare_command("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    if output.status.code() != Some(0) {
        // It was not done by then.
        assert_eq!(output.status.code(), Some(130));
        assert!(String::from_utf8_lossy(&output.stderr).contains("--resume"));
    }
    for name in names(&scratch.path("out")) {
        assert!(fs::read(scratch.path("out").join(name)).unwrap() == bytes(3_000_000));
    }
    fs::create_dir(scratch.path("again")).unwrap();
    fs::rename(scratch.path("out"), scratch.path("again/src")).unwrap();
    scratch.run(&["export", "--resume", "V", "/src", "again"]).ok();
    assert_eq!(names(&scratch.path("again/src")).len(), 40);
}

#[test]
fn a_file_that_shrinks_while_it_is_read() {
    let scratch = Scratch::new();
    scratch.write("large", &bytes(8_000_000));
    scratch.run(&["import", "V", "large", "/"]).ok();
    let cipher = scratch.cipher("/large");
    let mut child = scratch.command(&["export", "V", "/large", "-"]);
    let mut child =
        child.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    // The pipe is full long before the end; nothing more is read until somebody takes the first bytes.
    let mut stdout = child.stdout.take().unwrap();
    let mut first = [0; 10];
    std::io::Read::read_exact(&mut stdout, &mut first).unwrap();
    fs::OpenOptions::new().write(true).open(cipher).unwrap().set_len(8 + 1000 * 4096).unwrap();
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut stdout, &mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stderr).contains("changed while it was read"));
    assert_eq!([&first, rest.as_slice()].concat(), bytes(8_000_000)[..1000 * 4088]);
}
