//! `encbox mounts`: how a mount is.
#![cfg(feature = "mount")]

use crate::support::*;
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

#[test]
fn a_mount_in_use_tells_its_owner() {
    let Some(mounted) = Mounted::new() else { return };
    let scratch = &mounted.0;
    scratch.add("/d/f", b"text");
    scratch.run(&["mount", "V", "M"]).ok();
    let file = fs::File::open(scratch.path("M/d/f")).unwrap();
    let facts = mounted.facts();
    assert_eq!(facts["state"], "serving");
    assert_eq!(facts["open_files"], serde_json::json!([{ "path": "d/f" }]));
    assert_eq!((&facts["read_only"], &facts["alive"]), (&false.into(), &true.into()));
    assert!(facts["requests"].as_u64().unwrap() > 0 && facts["uptime_seconds"].as_u64().unwrap() < 60);
    let pid = facts["pid"].as_u64().unwrap();
    assert_eq!(
        fs::read_link(format!("/proc/{pid}/exe")).unwrap(),
        Path::new(PROGRAM).canonicalize().unwrap()
    );
    let text = scratch.run(&["mounts", "--files"]).ok();
    let expected = format!("serving, read-write, process {pid}, for ");
    assert!(
        text.text().contains(&expected) && text.text().contains(", 1 file open)\n  d/f\n"),
        "{}",
        text.text()
    );
    assert!(!scratch.run(&["mounts"]).ok().text().contains("d/f"));
    drop(file);
    wait_until("closed", || mounted.facts()["open_files"] == serde_json::json!([]));
}

#[test]
fn out_of_sight_it_is_listed_until_it_ends() {
    let Some(mounted) = Mounted::new() else { return };
    let scratch = &mounted.0;
    scratch.add("/f", b"text");
    scratch.run(&["mount", "V", "M"]).ok();
    let file = fs::File::open(scratch.path("M/f")).unwrap();
    scratch.run(&["unmount", "--lazy", "M"]).ok();
    assert_eq!(mounted.facts()["state"], "out of sight");
    // a new mount in the same place is another one
    scratch.run(&["mount", "V", "M"]).ok();
    let states = || {
        let mounts = scratch.run(&["mounts", "--json"]).ok().json();
        mounts
            .as_array()
            .unwrap()
            .iter()
            .map(|mount| mount["state"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let ours = || states().into_iter().filter(|state| state == "out of sight").count();
    assert_eq!(ours(), 1);
    assert_eq!(mounted.facts()["state"], "serving");
    drop(file);
    wait_until("its end", || ours() == 0);
    assert_eq!(mounted.facts()["state"], "serving");
}

#[test]
fn killed_with_its_guard_it_is_dead_and_its_socket_is_cleared() {
    let Some(mounted) = Mounted::new() else { return };
    let scratch = &mounted.0;
    scratch.run(&["mount", "V", "M"]).ok();
    let pid = mounted.facts()["pid"].to_string();
    let sockets = scratch.path("encbox");
    assert_eq!(fs::metadata(&sockets).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(names(&sockets), [format!("{pid}.sock").as_str()]);
    let permissions = fs::metadata(sockets.join(format!("{pid}.sock"))).unwrap().permissions();
    assert_eq!(permissions.mode() & 0o777, 0o600);
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let pids: Vec<&str> = children.split_whitespace().chain([pid.as_str()]).collect();
    assert_eq!(pids.len(), 2, "the daemon and its guard");
    assert!(scratch.bare_command("kill").arg("-9").args(&pids).status().unwrap().success());
    wait_until("dead", || mounted.facts()["state"] == "dead");
    assert!(scratch.run(&["mounts"]).ok().text().contains("dead, read-write, `encbox unmount` clears it"));
    assert_eq!(names(&sockets).len(), 0);
}

#[test]
fn the_socket_says_one_thing_and_listens_to_nobody() {
    let Some(mounted) = Mounted::new() else { return };
    let scratch = &mounted.0;
    scratch.run(&["mount", "V", "M"]).ok();
    let pid = mounted.facts()["pid"].to_string();
    let path = scratch.path("encbox").join(format!("{pid}.sock"));
    // who connects and says nothing keeps nobody waiting
    let silent = UnixStream::connect(&path).unwrap();
    let mut text = String::new();
    UnixStream::connect(&path).unwrap().read_to_string(&mut text).unwrap();
    let status: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(status["pid"].to_string(), pid);
    assert!(!text.contains(PASSWORD));
    drop(silent);
}

/// A folder that others could have made is not trusted, and the mount works without it.
#[test]
fn a_folder_that_is_open_to_others_is_not_used() {
    let Some(mounted) = Mounted::new() else { return };
    let scratch = &mounted.0;
    fs::create_dir(scratch.path("encbox")).unwrap();
    fs::set_permissions(scratch.path("encbox"), fs::Permissions::from_mode(0o777)).unwrap();
    scratch.run(&["mount", "--log", "log", "V", "M"]).says(&["not this user's alone"]);
    assert_eq!(names(&scratch.path("encbox")).len(), 0);
    assert_eq!(mounted.facts()["state"], "serving");
    assert!(mounted.facts()["pid"].is_null());
}
