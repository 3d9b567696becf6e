//! `encbox mount --index`

use crate::support::*;
use std::fs;

fn finds(scratch: &Scratch, question: &str) -> Vec<String> {
    let run = scratch.run(&["search", "--list", "V", question]);
    if run.code == 0 { run.lines().iter().map(|line| (*line).to_owned()).collect() } else { Vec::new() }
}

#[test]
fn what_is_written_is_found_while_the_mount_lasts() {
    let Some(mounted) = Mounted::new() else { return };
    let scratch = &mounted.0;
    scratch.add("/before.txt", b"there before");
    scratch.run(&["mount", "--index", "V", "M"]).ok();
    wait_until("the first scan", || finds(scratch, "before") == ["before.txt"]);
    fs::create_dir(scratch.path("M/Letters")).unwrap();
    fs::write(scratch.path("M/Letters/lake.md"), "# The lake").unwrap();
    wait_until("a file that was written", || finds(scratch, "lake") == ["Letters/lake.md"]);
    fs::rename(scratch.path("M/Letters/lake.md"), scratch.path("M/pond.md")).unwrap();
    wait_until("its other name", || finds(scratch, "lake") == ["pond.md"]);
    fs::remove_file(scratch.path("M/pond.md")).unwrap();
    wait_until("that it is gone", || finds(scratch, "lake").is_empty());
    // another machine
    scratch.add("/arrived.txt", b"from elsewhere");
    wait_until("what arrived", || finds(scratch, "elsewhere") == ["arrived.txt"]);
    assert!(!scratch.path("V/.encbox").exists(), "nobody asked for it");
    scratch.run(&["unmount", "--wait", "10", "M"]).ok();
}

#[test]
fn what_is_published_is_kept_true_and_the_last_changes_go_out_when_it_is_unmounted() {
    let Some(mounted) = Mounted::new() else { return };
    let scratch = &mounted.0;
    scratch.add("/one.txt", b"one");
    scratch.run(&["index", "--publish", "V"]).ok();
    scratch.run(&["mount", "--index", "V", "M"]).ok();
    let published = || scratch.run(&["index", "--published", "V"]).ok().text().to_owned();
    assert_eq!(published(), "one.txt\n");
    fs::write(scratch.path("M/two.txt"), "two").unwrap();
    wait_until("the index", || finds(scratch, "two") == ["two.txt"]);
    fs::write(scratch.path("M/three.txt"), "three").unwrap();
    fs::remove_file(scratch.path("M/one.txt")).unwrap();
    scratch.run(&["unmount", "--wait", "10", "M"]).ok();
    wait_until("the last publication", || published() == "three.txt\ntwo.txt\n");
    let own = scratch.run(&["ls", "V"]).ok();
    assert_eq!(own.lines(), ["three.txt", "two.txt"]);
}

#[test]
fn the_key_has_to_be_there_all_the_time() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("M")).unwrap();
    assert_eq!(scratch.run(&["mount", "--index", "--on-demand", "V", "M"]).code, 2);
}
