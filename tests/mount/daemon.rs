//! The program itself: in the background or not, ended by signals, killed.

use super::*;
use encbox::mount::State;
use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;
use std::process::Child;
use std::process::Command;
use std::time::Instant;

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A fresh volume with its password in a file.
fn fresh() -> Mount {
    let mount = Mount::fresh(Profile::Sync);
    fs::write(mount.folder.path().join("password"), PASSWORD).expect("a fresh file");
    mount
}

fn encbox(mount: &Mount, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_encbox"));
    command.arg("mount").args(more).arg("--password-file").arg(mount.folder.path().join("password"));
    command.arg(mount.volume_path()).arg(mount.root()).env("ENCBOX_STATE_DIR", mount.folder.path());
    command
}

/// Starts the daemon in the foreground and waits until it serves.
fn start(mount: &Mount) -> Child {
    let daemon = encbox(mount, &["--foreground"]).spawn().expect("the program starts");
    wait_until("it is mounted", || mounted(mount) == Some(true));
    daemon
}

/// Whether the volume is mounted, and alive.
fn mounted(mount: &Mount) -> Option<bool> {
    match state(mount) {
        None | Some(State::OutOfSight) => None,
        Some(state) => Some(state != State::Dead),
    }
}

fn state(mount: &Mount) -> Option<State> {
    let mounts = mount::mounts().expect("the table of mounts");
    mounts.into_iter().find(|mounted| mounted.mountpoint == mount.root()).map(|mounted| mounted.state)
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "not in time: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn signal(daemon: &Child, signal: Signal) {
    kill_process(Pid::from_child(daemon), signal).expect("it runs");
}

/// The command returns when the mount can be used.
#[test]
fn in_the_background() {
    if !has_fuse() {
        return;
    }
    let mount = fresh();
    assert!(encbox(&mount, &[]).status().expect("the program starts").success());
    fs::write(mount.path("file"), "text").expect("it is mounted");
    unmount(&mount.root());
    let beside = mount.open(true);
    assert_eq!(beside.stat((&beside.root(), OsStr::new("file"))).expect("it is there").size, 4);
}

#[test]
fn signals_unmount() {
    if !has_fuse() {
        return;
    }
    for kind in [Signal::TERM, Signal::INT, Signal::HUP] {
        let mount = fresh();
        let mut daemon = start(&mount);
        fs::write(mount.path("file"), "text").expect("it is mounted");
        signal(&daemon, kind);
        assert!(daemon.wait().expect("it ends").success(), "{kind:?}");
        assert_eq!(mounted(&mount), None);
    }
}

/// With a file open the mount goes out of sight, and the file is served until it is closed.
#[test]
fn a_signal_while_in_use() {
    if !has_fuse() {
        return;
    }
    let mount = fresh();
    let mut daemon = start(&mount);
    let mut file = fs::File::create_new(mount.path("file")).expect("it is mounted");
    signal(&daemon, Signal::TERM);
    wait_until("it is out of sight", || state(&mount) == Some(State::OutOfSight));
    file.write_all(b"written afterwards").expect("still served");
    file.sync_all().expect("still served");
    drop(file);
    assert!(daemon.wait().expect("it ends").success());
    let beside = mount.open(true);
    assert_eq!(beside.stat((&beside.root(), OsStr::new("file"))).expect("it is there").size, 18);
}

#[test]
fn a_second_signal_ends_what_is_in_use() {
    if !has_fuse() {
        return;
    }
    let mount = fresh();
    let mut daemon = start(&mount);
    let file = fs::File::create_new(mount.path("file")).expect("it is mounted");
    signal(&daemon, Signal::TERM);
    wait_until("it is out of sight", || state(&mount) == Some(State::OutOfSight));
    signal(&daemon, Signal::TERM);
    assert!(!daemon.wait().expect("it ends").success());
    drop(file);
}

/// Killed without a chance to unmount: the mount point is usable again soon after.
#[test]
fn killed() {
    if !has_fuse() {
        return;
    }
    let mount = fresh();
    let mut daemon = start(&mount);
    fs::write(mount.path("file"), "text").expect("it is mounted");
    daemon.kill().expect("it runs");
    daemon.wait().expect("it ends");
    wait_until("the dead mount is cleared", || mounted(&mount).is_none());
    assert_eq!(fs::read_dir(mount.root()).expect("an ordinary folder").count(), 0);
}
