//! `encbox unmount` of what is in use.
#![cfg(feature = "mount")]

use crate::support::*;
use std::fs;
use std::process::Child;
use std::thread;
use std::time::Duration;

/// A process that has a file open and its working directory in the mount.
fn hold(mounted: &Mounted) -> Child {
    let mut command = mounted.0.bare_command("tail");
    command.args(["-f", "f"]).current_dir(mounted.0.path("M/d")).stdout(std::process::Stdio::null());
    let child = command.spawn().unwrap();
    let open = || names_of_open_files(child.id()).iter().any(|name| name.ends_with("/M/d/f"));
    wait_until("open", open);
    child
}

fn names_of_open_files(pid: u32) -> Vec<String> {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    files.filter_map(|file| Some(fs::read_link(file.path()).ok()?.to_str()?.to_owned())).collect()
}

#[test]
fn who_is_in_the_way_is_named() {
    let Some(mounted) = Mounted::new() else { return };
    let scratch = &mounted.0;
    scratch.add("/d/f", b"text");
    scratch.run(&["mount", "V", "M"]).ok();
    let mut child = hold(&mounted);
    let here = scratch.path("M").canonicalize().unwrap();
    let (dir, file) = (here.join("d"), here.join("d/f"));
    let line = format!("process {} (tail) uses {}, {}\n", child.id(), dir.display(), file.display());
    scratch.run(&["unmount", "M"]).fails(13).says(&[&line, "in use", "--lazy"]);
    assert!(mounted.is_mounted());
    child.kill().unwrap();
    child.wait().unwrap();
    scratch.run(&["unmount", "--wait", "20", "M"]).ok();
}

#[test]
fn it_waits_for_who_is_about_to_leave() {
    let Some(mounted) = Mounted::new() else { return };
    let scratch = &mounted.0;
    scratch.add("/d/f", b"text");
    scratch.run(&["mount", "V", "M"]).ok();
    let mut child = hold(&mounted);
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_secs(1));
            child.kill().unwrap();
            child.wait().unwrap();
        });
        scratch.run(&["unmount", "--wait", "30", "M"]).ok();
    });
    assert!(!mounted.is_mounted());
}
