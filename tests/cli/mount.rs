//! `encbox mount`, `encbox unmount`, `encbox mounts`
#![cfg(feature = "mount")]

use crate::support::*;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// A volume and a mount point; whatever is mounted there goes at the end.
struct Mounted(Scratch);

impl Mounted {
    /// None, loudly, where nothing can be mounted.
    fn new() -> Option<Mounted> {
        if fs::OpenOptions::new().read(true).write(true).open("/dev/fuse").is_err() {
            skipped("no /dev/fuse here");
            return None;
        }
        let scratch = Scratch::new();
        fs::create_dir(scratch.path("M")).unwrap();
        Some(Mounted(scratch))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        drop(self.0.run(&["unmount", "--lazy", "M"]));
    }
}

fn wait_until(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn when_the_command_returns_the_mount_can_be_used() {
    let Some(Mounted(ref scratch)) = Mounted::new() else { return };
    scratch.add("/f", b"from the command line");
    scratch.run(&["mount", "V", "M"]).ok();
    assert_eq!(fs::read(scratch.path("M/f")).unwrap(), b"from the command line");
    fs::write(scratch.path("M/g"), b"from the mount").unwrap();
    let mounts = scratch.run(&["mounts", "--json"]).ok().json();
    let here = scratch.path("M").canonicalize().unwrap();
    let ours = mounts
        .as_array()
        .unwrap()
        .iter()
        .find(|mount| Path::new(mount["mountpoint"].as_str().unwrap()) == here);
    assert_eq!(ours.unwrap()["alive"], true);
    scratch.run(&["unmount", "M"]).ok();
    assert!(!scratch.path("M/f").exists());
    assert_eq!(scratch.run(&["cat", "V", "/g"]).ok().text(), "from the mount");
    scratch.run(&["unmount", "M"]).fails(13).says(&["nothing is mounted"]);
}

#[test]
fn the_background_process_says_why_it_failed() {
    let Some(Mounted(ref scratch)) = Mounted::new() else { return };
    scratch.feed(&["mount", "-S", "V", "M"], b"wrong\n").fails(6).says(&["wrong password", "hint: "]);
    scratch.run(&["mount", "V", "missing"]).fails(13).says(&["missing"]);
    fs::create_dir(scratch.path("V/inside")).unwrap();
    scratch.run(&["mount", "V", "V/inside"]).fails(13).says(&["inside the volume"]);
    scratch.write("full/file", b"");
    scratch.run(&["mount", "V", "full"]).fails(13).says(&["not empty", "--nonempty"]);
    scratch.run(&["mount", "nowhere", "M"]).fails(3);
}

#[test]
fn read_only_means_it() {
    let Some(Mounted(ref scratch)) = Mounted::new() else { return };
    scratch.add("/f", b"text");
    scratch.run(&["mount", "--read-only", "V", "M"]).ok();
    assert_eq!(fs::read(scratch.path("M/f")).unwrap(), b"text");
    assert!(fs::write(scratch.path("M/f"), b"x").is_err());
    assert!(fs::create_dir(scratch.path("M/d")).is_err());
}

#[test]
fn in_the_foreground_until_interrupted() {
    let Some(Mounted(ref scratch)) = Mounted::new() else { return };
    scratch.add("/f", b"text");
    let mut child = scratch.command(&["mount", "--foreground", "V", "M"]).spawn().unwrap();
    wait_until("mounted", || scratch.path("M/f").exists());
    assert!(scratch.bare_command("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(!scratch.path("M/f").exists());
}
