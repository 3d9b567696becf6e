//! `encbox new`

use crate::support::*;
use std::fs;

#[test]
fn every_parameter_can_be_chosen() {
    let scratch = Scratch::empty();
    scratch
        .run(&[
            "new",
            "V",
            "--iterations",
            "1000",
            "--cipher",
            "blowfish",
            "--key-bits",
            "224",
            "--block-size",
            "512",
            "--names",
            "stream:1",
            "--chained-names",
            "--external-iv",
            "--mac-bytes",
            "4",
            "--random-bytes",
            "2",
            "--holes",
        ])
        .ok();
    let facts = scratch.run(&["info", "--json", "V"]).ok().json();
    assert_eq!(facts["cipher"]["name"], "ssl/blowfish");
    assert_eq!(facts["key_bits"], 224);
    assert_eq!(facts["block_size"], 512);
    assert_eq!((&facts["names"]["name"], &facts["names"]["major"]), (&"nameio/stream".into(), &1.into()));
    for name in ["unique_iv", "external_iv", "chained_names", "holes"] {
        assert_eq!(facts[name], true, "{name}");
    }
    assert_eq!((&facts["mac_bytes"], &facts["random_bytes"]), (&4.into(), &2.into()));
    scratch.add("/f", &bytes(5_000));
    assert_eq!(scratch.run(&["cat", "V", "/f"]).ok().stdout, bytes(5_000));
}

#[test]
fn every_cipher_and_name_coding_works() {
    for cipher in ["aes", "blowfish", "camellia", "null"] {
        for names in ["block", "block32", "stream", "null"] {
            let scratch = Scratch::empty();
            let null: &[_] = if cipher == "null" { &["--no-unique-iv", "--mac-bytes", "0"] } else { &[] };
            let arguments = ["new", "-q", "V", "--iterations", "1000", "--cipher", cipher, "--names", names];
            scratch.run(&[&arguments, null].concat()).ok();
            scratch.add("/dir/f", &bytes(5_000));
            assert_eq!(scratch.run(&["cat", "V", "/dir/f"]).ok().stdout, bytes(5_000), "{cipher} {names}");
            assert_eq!(scratch.paths(), ["dir", "dir/f"]);
        }
    }
}

#[test]
fn it_says_what_the_format_cannot_give() {
    let scratch = Scratch::empty();
    scratch.run(&["new", "--iterations", "1000", "V"]).ok().says(&["sync service", "copy of .encfs6.xml"]);
    let run = scratch.run(&["new", "--iterations", "1000", "--profile", "boxcryptor", "W"]).ok();
    run.says(&["no MACs", "no file IVs"]);
}

#[test]
fn nothing_is_overwritten() {
    let scratch = Scratch::new();
    let before = fs::read(scratch.path("V/.encfs6.xml")).unwrap();
    for force in [&[][..], &["--force"]] {
        scratch
            .run(&[&["new", "--iterations", "1000", "V"], force].concat())
            .fails(10)
            .says(&["volume in this folder"]);
    }
    assert_eq!(fs::read(scratch.path("V/.encfs6.xml")).unwrap(), before);
    scratch.write("W/file", b"");
    scratch.run(&["new", "--iterations", "1000", "W"]).fails(10).says(&["not empty", "--force"]);
    scratch.run(&["new", "-q", "--iterations", "1000", "--force", "W"]).ok();
    assert_eq!(names(&scratch.path("W")), [".encfs6.xml", "file"]);
}

#[test]
fn iterations_are_timed_and_have_a_floor() {
    let scratch = Scratch::empty();
    scratch.run(&["new", "-q", "V"]).ok();
    let iterations = scratch.run(&["info", "--json", "V"]).ok().json()["kdf"]["iterations"].as_u64().unwrap();
    assert!(iterations >= 100_000, "{iterations}");
}
