//! `encbox ls`

use crate::support::*;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

fn volume() -> Scratch {
    let scratch = Scratch::new();
    scratch.add("/b/c/deep", b"123");
    scratch.add("/a", b"12345");
    scratch.add("/.hidden", b"");
    std::os::unix::fs::symlink("b/c", scratch.path("link")).unwrap();
    scratch.run(&["import", "V", "link", "/"]).ok();
    scratch
}

#[test]
fn names_in_order_without_hidden_ones() {
    let scratch = volume();
    assert_eq!(scratch.run(&["ls", "V"]).ok().lines(), ["a", "b", "link"]);
    assert_eq!(scratch.run(&["ls", "-a", "V"]).ok().lines(), [".hidden", "a", "b", "link"]);
    assert_eq!(scratch.run(&["ls", "V", "/b/c"]).ok().lines(), ["deep"]);
    assert_eq!(scratch.run(&["ls", "V", "link"]).ok().lines(), ["deep"]);
    assert_eq!(scratch.run(&["ls", "V", "b/c/deep"]).ok().lines(), ["b/c/deep"]);
}

#[test]
fn everything_below() {
    let run = volume().run(&["ls", "-R", "V"]).ok();
    assert_eq!(run.text(), "/:\na\nb\nlink\n\nb:\nc\n\nb/c:\ndeep\n");
}

#[test]
fn long_lines_have_plaintext_sizes_and_targets() {
    let scratch = volume();
    let run = scratch.run(&["ls", "-l", "V"]).ok();
    let lines = run.lines();
    assert!(
        lines[0].starts_with("-rw-r--r-- ") && lines[0].contains(" 5 ") && lines[0].ends_with(" a"),
        "{}",
        lines[0]
    );
    assert!(lines[1].starts_with("drwxr-xr-x "), "{}", lines[1]);
    assert!(lines[2].starts_with('l') && lines[2].ends_with(" link -> b/c"), "{}", lines[2]);
}

#[test]
fn facts_as_json() {
    let listed = volume().run(&["ls", "--json", "V"]).ok().json();
    assert_eq!(listed[0]["path"], "a");
    assert_eq!(listed[0]["kind"], "file");
    assert_eq!(listed[0]["size"], 5);
    assert_eq!(listed[0]["cipher_size"], 8 + 8 + 5);
    assert_eq!(listed[2]["target"], "b/c");
}

#[test]
fn names_of_any_bytes() {
    let scratch = Scratch::new();
    let name = OsStr::from_bytes(b"a\x1b[31m\n\xff");
    scratch.run(&[OsStr::new("mkdir"), OsStr::new("V"), name]).ok();
    assert_eq!(scratch.run(&["ls", "V"]).ok().stdout, b"a\x1b[31m\n\xff\n", "byte for byte into a pipe");
    let listed = scratch.run(&["ls", "--json", "V"]).ok().json();
    assert_eq!(listed[0]["path_hex"], "611b5b33316d0aff");
    if has("script") {
        let mut command = scratch.bare_command("script");
        command.args(["-qec", &format!("{PROGRAM} ls --password-file password V"), "/dev/null"]);
        let run = run(command, b"");
        assert_eq!(
            String::from_utf8_lossy(&run.stdout).trim_end(),
            "a\\x1b[31m\\x0a\\xff",
            "escaped on a terminal"
        );
    }
}
