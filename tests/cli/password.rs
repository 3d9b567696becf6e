//! Where passwords come from.

use crate::support::*;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

#[test]
fn every_source() {
    let scratch = Scratch::new();
    let bare = |arguments: &[&str], input: &[u8]| {
        let mut command = scratch.bare_command(PROGRAM);
        command.args(["ls", "V"]).args(arguments);
        run(command, input)
    };
    let line = format!("{PASSWORD}\n");
    for switch in ["-S", "--password-stdin", "--stdinpass"] {
        bare(&[switch], line.as_bytes()).ok();
        bare(&[switch], PASSWORD.as_bytes()).ok();
        bare(&[switch], format!("{PASSWORD}\r\nmore").as_bytes()).ok();
    }
    bare(&["--password-file", "password"], b"").ok();
    for switch in ["--password-command", "--extpass"] {
        bare(&[switch, "cat password"], b"").ok();
    }
    bare(&["--password-file", "missing"], b"").fails(7).says(&["missing"]);
    bare(&["--password-command", "exit 3"], b"").fails(7).says(&["exit 3"]);
    let mut command = scratch.bare_command(PROGRAM);
    command.args(["ls", "V"]).env("ENCBOX_PASSWORD_COMMAND", "cat password");
    run(command, b"").ok();
}

#[test]
fn options_win_over_the_environment() {
    let scratch = Scratch::new();
    scratch.feed(&["ls", "V", "-S"], b"wrong\n").fails(6);
}

#[test]
fn a_password_that_windows_wrote() {
    let scratch = Scratch::empty();
    fs::write(scratch.path("password"), b"p\xe4ss \x80\n").unwrap();
    scratch.run(&["new", "-q", "--iterations", "1000", "V"]).ok();
    scratch.write("password", "päss €\n".as_bytes());
    scratch.run(&["ls", "V"]).ok().says(&["Windows-1252"]);
    scratch.write("password", "päss ł\n".as_bytes());
    scratch.run(&["ls", "V"]).fails(6);
}

#[test]
fn a_terminal_may_try_three_times() {
    if !has("script") {
        return;
    }
    let scratch = Scratch::new();
    let (code, shown) = type_in(&scratch, &["wrong", "wrong again", PASSWORD]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(!shown.contains("wrong") && !shown.contains(PASSWORD), "not shown: {shown}");
    assert_eq!(type_in(&scratch, &["1", "2", "3"]).0, Some(6));
}

/// Runs `ls` on a terminal and types an answer whenever it asks.
fn type_in(scratch: &Scratch, answers: &[&str]) -> (Option<i32>, String) {
    let mut command = scratch.bare_command("script");
    command.args(["-qec", &format!("{PROGRAM} ls V"), "/dev/null"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut shown = Vec::new();
    for answer in answers {
        while !shown.ends_with(b"Password of V: ") {
            let mut byte = [0];
            stdout.read_exact(&mut byte).unwrap();
            shown.push(byte[0]);
        }
        // The question is written just before the terminal stops showing what is typed.
        std::thread::sleep(Duration::from_millis(300));
        writeln!(stdin, "{answer}").unwrap();
        shown.push(b'\n');
    }
    stdout.read_to_end(&mut shown).unwrap();
    (child.wait().unwrap().code(), String::from_utf8_lossy(&shown).into_owned())
}

#[test]
fn the_keyring_is_asked_through_the_program_of_the_system() {
    if cfg!(target_os = "macos") {
        return;
    }
    let scratch = Scratch::new();
    let tools = scratch.path("tools");
    let keyring = |arguments: &[&str]| {
        let mut command = scratch.bare_command(PROGRAM);
        command.args(["ls", "V"]).args(arguments).env("PATH", format!("{}:/usr/bin:/bin", tools.display()));
        run(command, b"")
    };
    fs::create_dir(&tools).unwrap();
    if !has("secret-tool") {
        keyring(&["--keyring"]).fails(7).says(&["secret-tool", "not installed"]);
    }
    // A keyring in a file stands in for the real one.
    let tool = scratch.write(
        "tools/secret-tool",
        b"#!/bin/sh\ncase $1 in store) cat > keyring;; lookup) cat keyring 2>/dev/null;; esac\n",
    );
    fs::set_permissions(tool, fs::Permissions::from_mode(0o755)).unwrap();
    keyring(&["--password-file", "password", "--keyring-save"]).ok();
    assert_eq!(fs::read(scratch.path("keyring")).unwrap(), PASSWORD.as_bytes());
    keyring(&["--keyring"]).ok();
}
