//! `encbox mount`, `encbox unmount`, `encbox mounts`
#![cfg(feature = "mount")]

use crate::support::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

#[test]
fn when_the_command_returns_the_mount_can_be_used() {
    let Some(mounted) = Mounted::new() else { return };
    let scratch = &mounted.0;
    scratch.add("/f", b"from the command line");
    scratch.run(&["mount", "V", "M"]).ok();
    assert_eq!(fs::read(scratch.path("M/f")).unwrap(), b"from the command line");
    fs::write(scratch.path("M/g"), b"from the mount").unwrap();
    assert_eq!(mounted.facts()["alive"], true);
    scratch.run(&["unmount", "M"]).ok();
    assert!(!scratch.path("M/f").exists());
    assert_eq!(scratch.run(&["cat", "V", "/g"]).ok().text(), "from the mount");
    scratch.run(&["unmount", "M"]).fails(13).says(&["nothing is mounted"]);
}

#[test]
fn the_background_process_says_why_it_failed() {
    let Some(mounted) = Mounted::new() else { return };
    let scratch = &mounted.0;
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
    let Some(mounted) = Mounted::new() else { return };
    let scratch = &mounted.0;
    scratch.add("/f", b"text");
    scratch.run(&["mount", "--read-only", "V", "M"]).ok();
    assert_eq!(fs::read(scratch.path("M/f")).unwrap(), b"text");
    assert!(fs::write(scratch.path("M/f"), b"x").is_err());
    assert!(fs::create_dir(scratch.path("M/d")).is_err());
}

#[test]
fn in_the_foreground_until_interrupted() {
    let Some(mounted) = Mounted::new() else { return };
    let scratch = &mounted.0;
    scratch.add("/f", b"text");
    let mut child = scratch.command(&["mount", "--foreground", "V", "M"]).spawn().unwrap();
    wait_until("mounted", || scratch.path("M/f").exists());
    assert!(scratch.bare_command("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(!scratch.path("M/f").exists());
}

#[test]
fn idle_it_is_unmounted() {
    let Some(mounted) = Mounted::new() else { return };
    let scratch = &mounted.0;
    scratch.add("/f", b"text");
    let mut daemon = scratch.command(&["mount", "--foreground", "--idle", "0.02", "V", "M"]).spawn().unwrap();
    wait_until("mounted", || mounted.is_mounted());
    // in use, by a file that nobody reads
    let open = fs::File::open(scratch.path("M/f")).unwrap();
    std::thread::sleep(Duration::from_secs(3));
    assert!(mounted.is_mounted());
    drop(open);
    // looking at it from outside is no use
    wait_until("idle", || {
        drop(fs::metadata(scratch.path("M")));
        drop(rustix::fs::statvfs(scratch.path("M")));
        !mounted.is_mounted()
    });
    assert_eq!(daemon.wait().unwrap().code(), Some(0));
}

#[test]
fn idle_in_the_background() {
    let Some(mounted) = Mounted::new() else { return };
    mounted.0.run(&["mount", "--idle", "0.02", "V", "M"]).ok();
    let pid = mounted.facts()["pid"].as_u64().unwrap();
    wait_until("idle", || !mounted.is_mounted());
    wait_until("its end", || !fs::exists(format!("/proc/{pid}/exe")).unwrap());
    assert!(mounted.facts().is_null());
}

/// Somebody whose working directory is in it does not want it to go.
#[test]
fn a_working_directory_is_use() {
    let Some(mounted) = Mounted::new() else { return };
    mounted.0.run(&["mount", "--idle", "0.02", "V", "M"]).ok();
    let mut sleeper = mounted.0.bare_command("sleep");
    let mut sleeper = sleeper.arg("60").current_dir(mounted.0.path("M")).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(3));
    assert!(mounted.is_mounted());
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
    wait_until("idle", || !mounted.is_mounted());
}

#[test]
fn no_time_at_all_is_refused() {
    let Some(mounted) = Mounted::new() else { return };
    for time in ["0", "-1", "soon"] {
        assert_eq!(mounted.0.run(&["mount", &format!("--idle={time}"), "V", "M"]).code, 2);
    }
}

#[test]
fn the_background_process_keeps_a_log() {
    let Some(mounted) = Mounted::new() else { return };
    let scratch = &mounted.0;
    let own = scratch.path("own.log");
    for (arguments, log) in [(vec![], None), (vec!["--log", "own.log"], Some(&own))] {
        scratch.run(&[vec!["mount"], arguments, vec!["V", "M"]].concat()).ok();
        let log = log.cloned().unwrap_or_else(|| {
            let logs = names(&scratch.path("state/log"));
            assert_eq!(logs.len(), 1);
            scratch.path("state/log").join(&logs[0])
        });
        assert_eq!(fs::metadata(&log).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(scratch.path("M/secret"), [7; 100]).unwrap();
        // break a block: its MAC is wrong from now on
        let cipher = scratch.cipher("/secret");
        let mut bytes = fs::read(&cipher).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&cipher, bytes).unwrap();
        wait_until("the damage shows", || fs::read(scratch.path("M/secret")).is_err());
        let text = fs::read_to_string(&log).unwrap();
        let name = cipher.file_name().unwrap().to_str().unwrap();
        assert!(text.contains(name) && !text.contains("secret"), "{text}");
        scratch.run(&["unmount", "--wait", "10", "M"]).ok();
    }
}

#[test]
fn counters_on_a_signal() {
    let Some(mounted) = Mounted::new() else { return };
    let scratch = &mounted.0;
    scratch.run(&["mount", "--log", "log", "V", "M"]).ok();
    // before the first write the kernel asks for capabilities, of which there are none
    fs::write(scratch.path("M/f"), [7; 5000]).unwrap();
    let pid = mounted.facts()["pid"].to_string();
    assert!(scratch.bare_command("kill").args(["-USR1", &pid]).status().unwrap().success());
    let log = || fs::read_to_string(scratch.path("log")).unwrap();
    wait_until("the counters", || log().contains("memory at its peak"));
    for words in
        ["create 1", "write ", "bytes: read 0, written 5000", "(os error 61) ", "files 0", "nodes known: "]
    {
        assert!(log().contains(words), "{words:?} not in {}", log());
    }
    assert!(mounted.is_mounted());
}

#[test]
fn a_folder_that_a_sync_client_keeps_in_step() {
    let Some(mounted) = Mounted::new() else { return };
    let scratch = &mounted.0;
    fs::create_dir(scratch.path(".stfolder")).unwrap();
    let refused = scratch.run(&["mount", "V", "M"]).fails(13);
    refused.says(&["Syncthing", ".stfolder", "uploaded", "--even-if-synced"]);
    assert!(!mounted.is_mounted());
    for told in [&["--even-if-synced"][..], &["-o", "even_if_synced"]] {
        scratch.run(&[&["mount"], told, &["V", "M"]].concat()).ok();
        assert!(mounted.is_mounted());
        scratch.run(&["unmount", "--wait", "10", "M"]).ok();
    }
    // not even then
    fs::create_dir(scratch.path("V/inner")).unwrap();
    scratch.run(&["mount", "--even-if-synced", "V", "V/inner"]).fails(13).says(&["inside the volume"]);
}

#[test]
fn another_volume_is_no_place_either() {
    let Some(mounted) = Mounted::new() else { return };
    let scratch = &mounted.0;
    scratch.run(&["new", "-q", "--iterations", "1000", "W"]).ok();
    fs::create_dir(scratch.path("W/inner")).unwrap();
    scratch.run(&["mount", "V", "W/inner"]).fails(13).says(&["inside another volume", "--even-if-synced"]);
}

#[test]
fn the_settings_of_dropbox_name_its_folder() {
    let Some(mounted) = Mounted::new() else { return };
    let scratch = &mounted.0;
    fs::create_dir_all(scratch.path("kept/here")).unwrap();
    let info = format!(r#"{{"personal": {{"path": "{}"}}}}"#, scratch.path("kept").display());
    scratch.write("home/.dropbox/info.json", info.as_bytes());
    let mut command = scratch.command(&["mount", "V", "kept/here"]);
    command.env("HOME", scratch.path("home"));
    run(command, b"").fails(13).says(&["Dropbox", "info.json"]);
}

#[test]
fn external_iv_chaining_is_warned_about_once() {
    let Some(mounted) = Mounted::new() else { return };
    let scratch = &mounted.0;
    let risk = "external IV chaining";
    let run = scratch.run(&["mount", "--log", "log", "V", "M"]).ok();
    assert!(!run.stderr.contains(risk), "{}", run.stderr);
    scratch.run(&["unmount", "--wait", "10", "M"]).ok();
    scratch.run(&["new", "-q", "--iterations", "1000", "--profile", "paranoia", "P"]).ok();
    let run = scratch.run(&["mount", "--log", "log", "P", "M"]).ok();
    assert_eq!(run.stderr.matches(risk).count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("note: ") && run.stderr.contains("`encbox new`"), "{}", run.stderr);
    let log = || fs::read_to_string(scratch.path("log")).unwrap();
    wait_until("the log", || log().contains(risk));
    assert_eq!(log().matches(risk).count(), 1, "{}", log());
    scratch.run(&["unmount", "--wait", "10", "M"]).ok();
    let quiet = scratch.run(&["mount", "-q", "P", "M"]).ok();
    assert_eq!(quiet.stderr, "");
}
