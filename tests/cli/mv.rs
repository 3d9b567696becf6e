//! `encbox mv`

use crate::support::*;
use std::os::unix::fs::PermissionsExt;

#[test]
fn names_and_places() {
    for profile in ["sync", "paranoia"] {
        let scratch = Scratch::with_profile(profile);
        scratch.add("/a", b"a");
        scratch.add("/d/f", b"f");
        scratch.run(&["mv", "V", "/a", "/b"]).ok();
        scratch.run(&["mv", "V", "/d", "/e"]).ok();
        scratch.run(&["mv", "V", "/b", "/e"]).ok();
        assert_eq!(scratch.paths(), ["e", "e/b", "e/f"]);
        assert_eq!(scratch.run(&["cat", "V", "/e/b", "/e/f"]).ok().text(), "af");
        scratch.run(&["mv", "V", "/e", "/e/inside"]).fails(1);
        scratch.run(&["mv", "V", "/", "/x"]).fails(10);
    }
}

#[test]
fn what_exists_stays_unless_forced() {
    let scratch = Scratch::new();
    scratch.add("/a", b"a");
    scratch.add("/b", b"b");
    scratch.run(&["mv", "V", "/a", "/b"]).fails(10).says(&["b: exists already"]);
    scratch.run(&["mv", "V", "/a", "/b", "/nothing"]).fails(2);
    scratch.run(&["mv", "--force", "V", "/a", "/b"]).ok();
    assert_eq!(scratch.paths(), ["b"]);
    assert_eq!(scratch.run(&["cat", "V", "/b"]).ok().text(), "a");
}

/// The journal is in the folder for state, for us alone, and only as long as it is needed.
#[test]
fn a_journal_is_kept_outside_the_volume() {
    let scratch = Scratch::with_profile("standard");
    scratch.add("/d/f", b"f");
    let before = scratch.folder_names("V");
    scratch.run(&["mv", "V", "/d", "/e"]).ok();
    assert_eq!(std::fs::metadata(scratch.path("state/renames")).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(scratch.folder_names("state/renames"), [""; 0]);
    assert_eq!(scratch.folder_names("V").len(), before.len());

    let sync = Scratch::new();
    sync.add("/d/f", b"f");
    sync.run(&["mv", "V", "/d", "/e"]).ok();
    assert!(!sync.path("state/renames").exists(), "names are not chained there");
}

#[test]
fn without_a_folder_for_the_journal_there_is_a_warning_and_no_journal() {
    for state in ["V/inner/state", "password/state", "V/../V"] {
        let scratch = Scratch::with_profile("paranoia");
        scratch.add("/d/f", b"f");
        let before = scratch.folder_names("V").len();
        let mut command = scratch.command(&["mv", "V", "/d", "/e"]);
        command.env("ENCBOX_STATE_DIR", scratch.path(state));
        run(command, b"").ok().says(&["will not survive a crash"]);
        assert_eq!(scratch.folder_names("V").len(), before, "{state}");
        assert_eq!(scratch.paths(), ["e", "e/f"]);
    }
}
