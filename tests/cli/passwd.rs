//! `encbox passwd`

use crate::support::*;

#[test]
fn another_password_opens_the_same_files() {
    let scratch = Scratch::new();
    scratch.add("/f", b"text");
    let passwd = ["passwd", "--iterations", "1000", "V"];
    scratch.feed(&[&passwd[..], &["-S"]].concat(), format!("{PASSWORD}\nnew one\n").as_bytes()).ok();
    scratch.run(&["cat", "V", "/f"]).fails(6);
    scratch.write("password", b"new one\n");
    assert_eq!(scratch.run(&["cat", "V", "/f"]).ok().text(), "text");
    scratch.write("third", b"third\n");
    scratch.run(&[&passwd[..], &["--new-password-file", "third"]].concat()).ok();
    scratch.write("password", b"third\n");
    scratch.run(&[&passwd[..], &["--new-password-command", "echo fourth"]].concat()).ok();
    scratch.write("password", b"fourth");
    assert_eq!(scratch.run(&["cat", "V", "/f"]).ok().text(), "text");
}

#[test]
fn nothing_changes_without_the_old_or_the_new_password() {
    let scratch = Scratch::new();
    let config = || std::fs::read(scratch.path("V/.encfs6.xml")).unwrap();
    let before = config();
    scratch.feed(&["passwd", "V", "-S"], b"wrong\nnew\n").fails(6);
    scratch.feed(&["passwd", "V", "-S"], format!("{PASSWORD}\n").as_bytes()).fails(7);
    scratch.feed(&["passwd", "V", "-S"], format!("{PASSWORD}\n\n").as_bytes()).fails(7).says(&["empty"]);
    assert_eq!(config(), before);
}
