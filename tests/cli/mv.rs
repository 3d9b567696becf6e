//! `encbox mv`

use crate::support::*;

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
