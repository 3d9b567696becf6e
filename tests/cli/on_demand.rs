//! `encbox mount --on-demand`
#![cfg(feature = "mount")]

use crate::support::*;
use encbox::crypto::Password;
use encbox::volume;
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

const IDLE: &str = "0.02";

/// A volume with `/d/f` in it, mounted on demand.
fn mount(idle: Option<&str>) -> Option<Mounted> {
    let mounted = Mounted::new()?;
    mounted.0.add("/d/f", b"text");
    let command = mounted.counting_command();
    let mut arguments =
        vec!["mount", "--on-demand", "--log", "log", "--password-command", command.to_str().unwrap()];
    arguments.extend(idle.iter().flat_map(|idle| ["--idle", idle]));
    arguments.extend(["V", "M"]);
    let mut mount = mounted.0.bare_command(PROGRAM);
    mount.args(arguments);
    run(mount, b"").ok();
    Some(mounted)
}

impl Mounted {
    fn is_locked(&self) -> bool {
        self.facts()["state"] == "locked"
    }

    fn read(&self) -> Vec<u8> {
        fs::read(self.0.path("M/d/f")).unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.0.path("log")).unwrap()
    }
}

#[test]
fn the_first_access_unlocks_and_looking_from_outside_does_not() {
    let Some(mounted) = mount(None) else { return };
    let scratch = &mounted.0;
    assert!(mounted.is_mounted());
    assert!(fs::metadata(scratch.path("M")).unwrap().is_dir());
    rustix::fs::statvfs(scratch.path("M")).unwrap();
    assert!(scratch.bare_command("ls").arg("-la").output().unwrap().status.success());
    assert!(mounted.is_locked());
    assert_eq!(mounted.calls(), 0);
    assert_eq!(mounted.read(), b"text");
    assert_eq!((mounted.calls(), mounted.is_locked()), (1, false));
    assert_eq!(mounted.read(), b"text");
    assert_eq!(mounted.calls(), 1);
}

#[test]
fn idle_it_is_locked_and_goes_on_where_it_was() {
    let Some(mounted) = mount(Some(IDLE)) else { return };
    let scratch = &mounted.0;
    mounted.read();
    let number = fs::metadata(scratch.path("M/d/f")).unwrap().ino();
    // a shell that sits in a directory finds it again
    let script = "read x; cat f; mkdir sub; cd sub; echo more > g; read x; cat g; rm g; cd ..; rmdir sub";
    let mut shell = scratch.bare_command("sh");
    shell.args(["-ec", script]).current_dir(scratch.path("M/d"));
    shell.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut shell = shell.spawn().unwrap();
    let mut line = || std::io::Write::write_all(shell.stdin.as_mut().unwrap(), b"\n").unwrap();
    wait_until("locked", || mounted.is_locked());
    line();
    wait_until("written", || mounted.calls() == 2);
    wait_until("locked again", || mounted.is_locked());
    line();
    let output = shell.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(output.stdout, b"textmore\n");
    assert_eq!(mounted.calls(), 3);
    assert_eq!(fs::metadata(scratch.path("M/d/f")).unwrap().ino(), number);
    scratch.run(&["unmount", "--wait", "10", "M"]).ok();
    assert_eq!(scratch.paths(), ["d", "d/f"]);
}

#[test]
fn what_is_open_keeps_it_unlocked() {
    let Some(mounted) = mount(Some(IDLE)) else { return };
    let mut file = fs::File::open(mounted.0.path("M/d/f")).unwrap();
    thread::sleep(Duration::from_secs(3));
    assert!(!mounted.is_locked());
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), mounted.calls()), ("text", 1));
    drop(file);
    wait_until("locked", || mounted.is_locked());
}

#[test]
fn many_who_come_at_once_are_served_by_one_call() {
    let Some(mounted) = mount(None) else { return };
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(mounted.read(), b"text"));
        }
    });
    assert_eq!(mounted.calls(), 1);
}

#[test]
fn a_failure_is_refused_and_not_repeated_at_once() {
    let Some(mounted) = mount(None) else { return };
    let scratch = &mounted.0;
    let password = fs::read(scratch.path("password")).unwrap();
    scratch.write("password", b"wrong\n");
    for _ in 0..5 {
        let refused = fs::read(scratch.path("M/d/f")).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::PermissionDenied);
    }
    assert_eq!(mounted.calls(), 1);
    assert!(
        mounted.log().contains("cannot unlock") && mounted.log().contains("wrong password"),
        "{}",
        mounted.log()
    );
    scratch.write("password", &password);
    wait_until("another try", || fs::read(scratch.path("M/d/f")).is_ok());
    assert_eq!(mounted.calls(), 2);
}

#[test]
fn another_key_is_another_volume() {
    let Some(mounted) = mount(Some(IDLE)) else { return };
    let scratch = &mounted.0;
    mounted.read();
    wait_until("locked", || mounted.is_locked());
    scratch.run(&["new", "-q", "--iterations", "1000", "W"]).ok();
    fs::copy(scratch.path("W/.encfs6.xml"), scratch.path("V/.encfs6.xml")).unwrap();
    assert!(fs::read(scratch.path("M/d/f")).is_err());
    assert!(mounted.log().contains("another volume key"), "{}", mounted.log());
}

#[test]
fn nobody_is_there_to_type() {
    let Some(mounted) = Mounted::new() else { return };
    for more in [
        &["--on-demand"][..],
        &["--on-demand", "-S"],
        &["--on-demand", "--foreground"],
        &["--install-service"],
    ] {
        let mut command = mounted.0.bare_command(PROGRAM);
        command.arg("mount").args(more).args(["V", "M"]);
        run(command, b"").fails(2).says(&["nobody is there", "--password-command"]);
    }
    assert!(!mounted.is_mounted());
}

/// The volume key is in the memory of the process while the volume is open, and not afterwards.
#[test]
fn locked_there_is_no_key() {
    let Some(mounted) = mount(Some(IDLE)) else { return };
    let password = Password::new(PASSWORD.as_bytes().to_vec()).unwrap();
    let config = volume::find_config(&mounted.0.path("V")).unwrap().config;
    let key = config.unlock(&password).unwrap();
    let pid = mounted.facts()["pid"].as_u64().unwrap();
    assert_eq!(found_in_memory(pid, key.0.key()), Some(vec![]));
    mounted.read();
    match found_in_memory(pid, key.0.key()) {
        Some(found) if found.is_empty() => return skipped("this machine's AES keeps keys in another form"),
        None => return skipped("the memory of the process cannot be read"),
        Some(_) => {}
    }
    wait_until("locked", || mounted.is_locked());
    assert_eq!(found_in_memory(pid, key.0.key()), Some(vec![]));
    assert_eq!(found_in_memory(pid, PASSWORD.as_bytes()), Some(vec![]));
}

/// Where the bytes stand in memory that the process can write to.
fn found_in_memory(pid: u64, wanted: &[u8]) -> Option<Vec<String>> {
    let folder = Path::new("/proc").join(pid.to_string());
    let mut memory = fs::File::open(folder.join("mem")).ok()?;
    let mut found = Vec::new();
    for line in fs::read_to_string(folder.join("maps")).ok()?.lines().filter(|line| line.contains(" rw")) {
        let (start, end) = line.split(' ').next()?.split_once('-')?;
        let (start, end) = (u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?);
        memory.seek(SeekFrom::Start(start)).ok()?;
        let mut bytes = vec![0; (end - start) as usize];
        if memory.read_exact(&mut bytes).is_err() {
            continue; // the stack of a thread that has ended meanwhile
        }
        let places = bytes.windows(wanted.len()).enumerate().filter(|(_, piece)| *piece == wanted);
        found.extend(places.map(|(at, _)| format!("{at:#x} in {line}")));
    }
    Some(found)
}

/// The password file of the environment will do.
#[test]
fn read_only_on_demand() {
    let Some(mounted) = Mounted::new() else { return };
    mounted.0.add("/f", b"text");
    mounted.0.run(&["mount", "--on-demand", "--read-only", "V", "M"]).ok();
    assert_eq!(fs::read(mounted.0.path("M/f")).unwrap(), b"text");
    let refused = fs::write(mounted.0.path("M/g"), b"x").unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(rustix::io::Errno::ROFS.raw_os_error()));
}
