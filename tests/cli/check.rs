//! `encbox check`

use crate::support::*;
use std::fs;

fn spoil(scratch: &Scratch, path: &str) {
    let on_disk = scratch.cipher(path);
    let mut bytes = fs::read(&on_disk).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(on_disk, bytes).unwrap();
}

#[test]
fn a_sound_volume_says_nothing() {
    let scratch = Scratch::new();
    scratch.add("/dir/file", b"x");
    let run = scratch.run(&["check", "V"]).ok();
    assert_eq!((run.text(), run.stderr.as_str()), ("", ""));
}

#[test]
fn damage_is_a_line_and_a_number() {
    let scratch = Scratch::new();
    scratch.add("/dir/fi\tle", b"x");
    spoil(&scratch, "/dir/fi\tle");
    let run = scratch.run(&["check", "V"]).fails(9).says(&["1 finding of damage"]);
    let start = "damage mac: dir/fi\\x09le [";
    assert!(
        run.text().starts_with(start) && run.text().contains("the MAC of 1 of 1 blocks"),
        "{}",
        run.text()
    );
    assert_eq!(run.text().lines().count(), 1);
    let run = scratch.run(&["check", "--json", "V"]).fails(9);
    let lines: Vec<serde_json::Value> =
        run.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["finding"]["kind"], "mac");
    assert_eq!(lines[0]["finding"]["path"], "dir/fi\tle");
    assert_eq!(lines[0]["finding"]["blocks"], serde_json::json!([[0, 1]]));
    assert_eq!(lines[1]["done"]["damage"], 1);
    assert_eq!(lines[1]["done"]["files"], 1);
}

#[test]
fn what_is_odd_has_another_number_and_notes_none() {
    let scratch = Scratch::new();
    scratch.write("V/desktop.ini", b"x");
    assert_eq!(scratch.run(&["check", "V"]).ok().text(), "");
    assert!(scratch.run(&["check", "--notes", "V"]).ok().text().starts_with("note foreign: [desktop.ini]: "));
    scratch.write("V/no name", b"x");
    let run = scratch.run(&["check", "V"]).fails(17);
    assert!(run.text().starts_with("warning undecodable: [no name]: "), "{}", run.text());
}

#[test]
fn without_contents() {
    let scratch = Scratch::new();
    scratch.add("/file", b"x");
    spoil(&scratch, "/file");
    scratch.run(&["check", "--names", "V"]).ok();
}

#[test]
fn nothing_is_kept_of_a_check_that_ended() {
    let scratch = Scratch::new();
    scratch.add("/file", b"x");
    for _ in 0..2 {
        let run = scratch.run(&["check", "--resume", "--json", "V"]).ok().json();
        assert_eq!((&run["done"]["files"], &run["done"]["passed_before"]), (&1.into(), &0.into()));
        assert!(scratch.folder_names("state/checks").is_empty());
    }
}
