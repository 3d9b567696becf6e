//! `encbox import`

use crate::support::*;
use std::fs;
use std::os::unix::fs::symlink;

#[test]
fn the_destination_is_what_it_is_for_cp() {
    let scratch = Scratch::new();
    scratch.write("src/a", b"a");
    scratch.write("b", b"b");
    scratch.run(&["mkdir", "V", "/dir"]).ok();
    scratch.run(&["import", "V", "src", "/dir"]).ok();
    scratch.run(&["import", "V", "src", "/renamed"]).ok();
    scratch.run(&["import", "V", "b", "/dir/b2"]).ok();
    scratch.run(&["import", "V", "src/a", "b", "/dir"]).ok();
    let expected = ["dir", "dir/a", "dir/b", "dir/b2", "dir/src", "dir/src/a", "renamed", "renamed/a"];
    assert_eq!(scratch.paths(), expected);
    scratch.run(&["import", "V", "src", "b", "/nothing"]).fails(8);
    scratch.run(&["import", "V", "b", "/nothing/b"]).fails(8);
}

#[test]
fn what_exists_is_replaced_as_a_whole_and_only_if_forced() {
    for profile in ["sync", "boxcryptor", "paranoia"] {
        let scratch = Scratch::with_profile(profile);
        scratch.add("/f", &bytes(9_000));
        scratch.write("f", b"short");
        scratch.run(&["import", "V", "f", "/"]).fails(10).says(&["f: exists already", "--force"]);
        scratch.feed(&["import", "V", "-", "/f"], b"x").fails(10);
        assert_eq!(scratch.run(&["cat", "V", "/f"]).ok().stdout, bytes(9_000));
        scratch.run(&["import", "--force", "V", "f", "/"]).ok();
        assert_eq!(scratch.run(&["cat", "V", "/f"]).ok().text(), "short");
        scratch.feed(&["import", "--force", "V", "-", "/f"], b"from a pipe").ok();
        assert_eq!(scratch.run(&["cat", "V", "/f"]).ok().text(), "from a pipe");
        assert_eq!(scratch.paths(), ["f"]);
        scratch.run(&["mkdir", "V", "/d"]).ok();
        scratch.write("d", b"a file");
        scratch.run(&["import", "--force", "V", "d", "/"]).fails(10);
    }
}

#[test]
fn links_are_links_and_folders_named_with_a_slash_are_folders() {
    let scratch = Scratch::new();
    scratch.write("src/a", b"a");
    symlink("src", scratch.path("link")).unwrap();
    scratch.run(&["import", "V", "link", "/"]).ok();
    scratch.run(&["import", "V", "link/", "/copy"]).ok();
    assert_eq!(scratch.paths(), ["copy", "copy/a", "link"]);
    scratch.run(&["import", "V", "..", "/"]).fails(2);
}

#[test]
fn what_is_no_file_is_left_out_and_reported() {
    let scratch = Scratch::new();
    scratch.write("src/a", b"a");
    scratch.write("src/z", b"z");
    let made = scratch.bare_command("mkfifo").arg("src/pipe").status().unwrap();
    assert!(made.success());
    scratch.run(&["import", "--fail-fast", "V", "src", "/strict"]).fails(10).says(&["src/pipe"]);
    scratch.run(&["rm", "-r", "V", "/strict"]).ok();
    let run = scratch.run(&["import", "V", "src", "/"]);
    assert_eq!(run.code, 15);
    run.says(&["src/pipe", "neither file, folder nor link"]);
    assert_eq!(scratch.paths(), ["src", "src/a", "src/z"]);
}

#[test]
fn the_ciphertext_is_not_imported_into_itself() {
    let scratch = Scratch::empty();
    scratch.run(&["new", "-q", "--iterations", "1000", "box/V"]).ok();
    scratch.run(&["import", "box/V", "box", "/"]).partly().says(&["inside the volume"]);
}

#[test]
fn the_password_and_the_file_on_one_standard_input() {
    let scratch = Scratch::new();
    let input = format!("{PASSWORD}\nfirst line\nsecond line\n");
    scratch.feed(&["import", "-S", "V", "-", "/f"], input.as_bytes()).ok();
    assert_eq!(scratch.run(&["cat", "V", "/f"]).ok().text(), "first line\nsecond line\n");
}

#[test]
fn nothing_stays_behind_when_interrupted() {
    let scratch = Scratch::new();
    let mut child = scratch.command(&["import", "V", "-", "/f"]);
    let mut child =
        child.stdin(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut &stdin, &bytes(2_000_000)).unwrap();
    let killed = scratch.bare_command("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(scratch.paths(), [""; 0]);
    assert_eq!(fs::read_dir(scratch.path("V")).unwrap().count(), 1, "only the config");
}

#[test]
fn an_import_goes_on_where_it_ended() {
    for profile in ["sync", "paranoia"] {
        let scratch = Scratch::with_profile(profile);
        scratch.write("src/dir/a", b"a");
        scratch.write("src/dir/b", &bytes(10_000));
        symlink("dir/a", scratch.path("src/link")).unwrap();
        scratch.run(&["import", "V", "src", "/"]).ok();
        scratch.run(&["rm", "V", "/src/dir/a"]).ok();
        let run = scratch.run(&["import", "--json", "--resume", "V", "src", "/"]).ok();
        let last: serde_json::Value = serde_json::from_str(run.lines().last().unwrap()).unwrap();
        assert_eq!((&last["done"]["files"], &last["done"]["skipped"]), (&1.into(), &2.into()), "{profile}");
        assert_eq!(scratch.run(&["cat", "V", "/src/dir/a"]).ok().text(), "a");
        // The directory has its time again, though something came into it.
        scratch.run(&["export", "V", "/src", "out"]).ok();
        let modified = |path: &str| scratch.path(path).metadata().unwrap().modified().unwrap();
        assert_eq!(modified("src/dir"), modified("out/dir"));
        scratch.write("src/dir/b", &bytes(10_001));
        scratch.run(&["import", "--resume", "V", "src", "/"]).partly().says(&["src/dir/b: exists already"]);
        assert_eq!(scratch.feed(&["import", "--resume", "V", "-", "/x"], b"x").code, 2);
    }
}

/// What a Mac wrote is found as it is typed here; in a folder, two names that look alike are two.
#[test]
fn names_in_both_forms_of_unicode() {
    let (nfc, nfd) = ("B\u{fc}cher", "Bu\u{308}cher");
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("from")).unwrap();
    for name in [nfc, nfd] {
        scratch.write(&format!("from/{name}"), name.as_bytes());
    }
    scratch.run(&["import", "V", "from", "/"]).ok();
    for name in [nfc, nfd] {
        assert_eq!(scratch.run(&["cat", "V", &format!("/from/{name}")]).ok().text(), name);
    }
    scratch.run(&["rm", "V", &format!("/from/{nfc}")]).ok();
    assert_eq!(scratch.run(&["cat", "V", &format!("/from/{nfc}")]).ok().text(), nfd);
    scratch.run(&["mkdir", "V", &format!("/from/{nfc}")]).fails(10).says(&["exist"]);
    scratch.run(&["mv", "V", &format!("/from/{nfc}"), "/plain"]).ok();
    scratch.run(&["mkdir", "V", &format!("/from/{nfd}")]).ok();
    assert_eq!(scratch.paths(), ["from".to_owned(), format!("from/{nfd}"), "plain".to_owned()]);
}
