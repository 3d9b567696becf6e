//! Passwords at a terminal, which script(1) provides: prompts, no echo, and the answers when they are asked for.

use std::io::Read as _;
use std::io::Write as _;
use std::process::Command;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::side::{Side, sides, sides_with};
use crate::encfs_is_missing;
use crate::support::process;

const PATIENCE: Duration = Duration::from_secs(60);

/// Runs `words` on a terminal, gives each answer when its prompt has come; returns all that was shown, and the code.
fn on_terminal(side: &Side, words: &[&str], talk: &[(&str, &str)]) -> (String, i32) {
    let command = side.shell_words(words);
    let mut child = Command::new("script")
        .args(["-q", "-e", "-f", "-c", &command, "/dev/null"])
        .env("ENCBOX_STATE_DIR", side.beside("state"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script runs");
    let mut keyboard = child.stdin.take().expect("a pipe");
    let mut screen = child.stdout.take().expect("a pipe");
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(len @ 1..) = screen.read(&mut buffer) {
            if sender.send(buffer[..len].to_vec()).is_err() {
                return;
            }
        }
    });
    let (mut shown, mut from) = (String::new(), 0);
    for (prompt, answer) in talk {
        while !shown[from..].contains(prompt) {
            let Ok(more) = receiver.recv_timeout(PATIENCE) else {
                panic!("{}: no prompt {prompt:?} in {shown:?}", side.name)
            };
            shown += &String::from_utf8_lossy(&more);
        }
        from = shown.len();
        // what is typed before the echo is off would be shown
        thread::sleep(Duration::from_millis(200));
        keyboard.write_all(format!("{answer}\n").as_bytes()).expect("it listens");
    }
    let status = child.wait().expect("a child of ours");
    while let Ok(more) = receiver.recv_timeout(Duration::from_millis(500)) {
        shown += &String::from_utf8_lossy(&more);
    }
    (shown.replace('\r', ""), status.code().unwrap_or(-1))
}

#[test]
fn prompts_and_answers() {
    if encfs_is_missing() || process::something_is_missing(&["script"]) {
        return;
    }
    let sides = sides_with("block32-mac4");
    let mount = ["encfs", "DIR/c", "DIR/m"];
    let passwd = ["encfsctl", "passwd", "DIR/c"];
    for (words, talk) in [
        (&mount[..], &[("EncFS Password: ", "wrong")][..]),
        (
            &passwd,
            &[
                ("EncFS Password: ", "block32"),
                ("New Encfs Password: ", "one"),
                ("Verify Encfs Password: ", "two"),
                ("New Encfs Password: ", "three"),
                ("Verify Encfs Password: ", "three"),
            ],
        ),
        (&["encfsctl", "ls", "DIR/m"], &[]),
        (&["encfsctl", "autocheckpasswd", "DIR/c"], &[("Enter current Encfs password", "three")]),
        (&mount, &[("EncFS Password: ", "three")]),
    ] {
        let [theirs, ours] = sides.each_ref().map(|side| on_terminal(side, words, talk));
        assert_eq!(ours, theirs, "{words:?}");
    }
    for side in &sides {
        assert!(side.mounted().is_some(), "{}", side.name);
        side.unmount();
    }
}

#[test]
fn a_new_volume_with_everything_asked_for() {
    if encfs_is_missing() || process::something_is_missing(&["script"]) {
        return;
    }
    for side in sides() {
        for folder in [side.cipher(), side.mountpoint()] {
            std::fs::remove_dir(folder).expect("an empty folder");
        }
        let talk = [
            ("Should it be created? (y,N) ", "y"),
            ("Should it be created? (y,N) ", "y"),
            ("?> ", ""),
            ("New Encfs Password: ", "typed"),
            ("Verify Encfs Password: ", "typed"),
        ];
        let (shown, code) = on_terminal(&side, &["encfs", "DIR/c", "DIR/m"], &talk);
        assert_eq!(code, 0, "{}: {shown}", side.name);
        assert!(!shown.contains("typed"), "{}: {shown}", side.name);
        assert!(side.mounted().is_some(), "{}", side.name);
        side.unmount();
        assert_eq!(side.run(&["encfsctl", "autocheckpasswd", "DIR/c"], "typed\n").code, 0);
    }
}
