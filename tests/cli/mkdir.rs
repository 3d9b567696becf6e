//! `encbox mkdir`

use crate::support::*;

#[test]
fn with_and_without_parents() {
    let scratch = Scratch::new();
    scratch.run(&["mkdir", "V", "/a", "/b"]).ok();
    scratch.run(&["mkdir", "V", "/a"]).fails(10).says(&["a: exists already"]);
    scratch.run(&["mkdir", "V", "/x/y"]).fails(8);
    scratch.run(&["mkdir", "-p", "V", "/x/y/z", "/a"]).ok();
    assert_eq!(scratch.paths(), ["a", "b", "x", "x/y", "x/y/z"]);
    scratch.add("/file", b"");
    scratch.run(&["mkdir", "-p", "V", "/file/below"]).fails(10);
    scratch.run(&["mkdir", "V", "/"]).fails(10);
}
