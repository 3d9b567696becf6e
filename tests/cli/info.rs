//! `encbox info`

use crate::support::*;

#[test]
fn facts_without_a_password() {
    let scratch = Scratch::with_profile("paranoia");
    std::fs::remove_file(scratch.path("password")).unwrap();
    let run = scratch.run(&["info", "V"]).ok();
    for text in [
        "V6, revision 20100713",
        "AES (ssl/aes 3:0), 256 bits",
        "1000 iterations",
        "encrypted under its path",
    ] {
        assert!(run.text().contains(text), "{text}: {}", run.text());
    }
    let facts = scratch.run(&["info", "--json", "V"]).ok().json();
    assert_eq!(facts["names"]["name"], "nameio/block");
    assert_eq!(facts["external_iv"], true);
    assert_eq!(facts["kdf"]["iterations"], 1000);
    assert_eq!(facts["overhead"]["per_file"], 8);
    assert_eq!(facts["overhead"]["per_block"], 8);
}

#[test]
fn a_config_kept_elsewhere() {
    let scratch = Scratch::new();
    std::fs::rename(scratch.path("V/.encfs6.xml"), scratch.path("kept.xml")).unwrap();
    scratch.run(&["info", "--config", "kept.xml", "V"]).ok();
    scratch.run(&["--config", "kept.xml", "ls", "V"]).ok();
}
