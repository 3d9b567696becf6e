//! `encbox rm`

use crate::support::*;
use std::os::unix::fs::symlink;

#[test]
fn files_and_trees() {
    let scratch = Scratch::with_profile("paranoia");
    scratch.add("/d/e/f", b"");
    scratch.add("/g", b"");
    scratch.run(&["rm", "V", "/g"]).ok();
    scratch.run(&["rm", "V", "/g"]).fails(8);
    scratch.run(&["rm", "-f", "V", "/g"]).ok();
    scratch.run(&["rm", "-rf", "V", "/"]).fails(10).says(&["whole volume"]);
    scratch.run(&["rm", "-r", "V", "/d"]).ok();
    assert_eq!(scratch.paths(), [""; 0]);
}

#[test]
fn a_link_goes_and_what_it_leads_to_stays() {
    let scratch = Scratch::new();
    scratch.add("/d/f", b"");
    symlink("d", scratch.path("link")).unwrap();
    scratch.run(&["import", "V", "link", "/"]).ok();
    scratch.run(&["rm", "-r", "V", "/link"]).ok();
    assert_eq!(scratch.paths(), ["d", "d/f"]);
}

#[test]
fn files_of_others_are_not_ours_to_remove() {
    let scratch = Scratch::new();
    scratch.add("/d/f", b"");
    let foreign = scratch.cipher("/d").join("desktop.ini");
    std::fs::write(&foreign, b"").unwrap();
    scratch.run(&["rm", "-r", "V", "/d"]).fails(10).says(&["do not decode"]);
    assert!(foreign.exists());
}
