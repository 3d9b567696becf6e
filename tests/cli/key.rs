//! `encbox key` and `encbox recover-key`

use crate::support::*;
use std::fs;

const CONFIG: &str = "V/.encfs6.xml";
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR and so on\0\0\0\0IEND\xae\x42\x60\x82";

/// The words that `key --show` prints, without their numbers.
fn words(scratch: &Scratch) -> String {
    let run = scratch
        .run(&["key", "--show", "--yes", "--no-qr", "V"])
        .ok()
        .says(&["warning: whoever sees the key"]);
    let words = run.text().split_whitespace().filter(|word| word.chars().all(char::is_alphabetic));
    words.collect::<Vec<_>>().join(" ")
}

fn sample(profile: &str) -> Scratch {
    let scratch = Scratch::with_profile(profile);
    scratch.add("/notes/one.txt", "A line of text, and another.\n".repeat(300).as_bytes());
    scratch.add("/notes/two.txt", "What else there is to say.\n".repeat(700).as_bytes());
    scratch.add("/picture.png", PICTURE);
    scratch
}

fn new_password(scratch: &Scratch) -> String {
    scratch.write("new", b"another password\n").to_str().unwrap().to_owned()
}

#[test]
fn a_key_on_paper_opens_a_volume_that_lost_its_config() {
    for profile in ["sync", "boxcryptor", "standard", "paranoia"] {
        let scratch = sample(profile);
        let key = words(&scratch);
        assert_eq!(key.split(' ').count(), if profile == "standard" { 30 } else { 36 });
        let before = fs::read_to_string(scratch.path(CONFIG)).unwrap();
        fs::remove_file(scratch.path(CONFIG)).unwrap();
        // four letters of each, in capitals, as somebody may have written them down
        let short: Vec<String> = key.split(' ').map(|word| word.chars().take(4).collect()).collect();
        let file = scratch.write("words", short.join("\n").to_uppercase().as_bytes());
        let file = file.to_str().unwrap();
        let shown = scratch.run(&["recover-key", "--dry-run", "--key-file", file, "V"]).ok();
        assert!(
            shown.text().contains("4 of 4 names fit, and the contents of 3 of 3 files"),
            "{}",
            shown.text()
        );
        assert!(!scratch.path(CONFIG).exists(), "a dry run writes nothing");
        let password = new_password(&scratch);
        let recover =
            ["recover-key", "--iterations", "1000", "--key-file", file, "--password-file", &password, "V"];
        scratch.run(&recover).ok();
        let cat = ["cat", "--password-file", &password, "V", "/picture.png"];
        assert_eq!(scratch.run(&cat).ok().stdout, PICTURE);
        scratch.run(&["check", "--password-file", &password, "V"]).ok();
        let after = fs::read_to_string(scratch.path(CONFIG)).unwrap();
        let field = |config: &str, name: &str| {
            let start = config.find(&format!("<{name}>")).unwrap();
            config[start..].split('<').nth(1).unwrap().to_owned()
        };
        for name in
            ["keySize", "blockSize", "uniqueIV", "chainedNameIV", "externalIVChaining", "blockMACBytes"]
        {
            assert_eq!(field(&before, name), field(&after, name), "{profile}: {name}");
        }
    }
}

#[test]
fn words_and_password_from_standard_input() {
    let scratch = sample("sync");
    let key = words(&scratch);
    fs::remove_file(scratch.path(CONFIG)).unwrap();
    let recover = ["recover-key", "--iterations", "1000", "--password-stdin", "V"];
    scratch.feed(&recover, format!("{key}\nanother password\n").as_bytes()).ok();
    let password = new_password(&scratch);
    scratch.run(&["ls", "--password-file", &password, "V"]).ok();
}

#[test]
fn a_config_that_is_there_is_replaced_only_when_told_and_kept() {
    let scratch = sample("sync");
    let file = scratch.write("words", words(&scratch).as_bytes());
    let (file, password) = (file.to_str().unwrap(), new_password(&scratch));
    let recover = |more: &[&str]| {
        let base = ["recover-key", "--iterations", "1000", "--key-file", file, "--password-file", &password];
        scratch.run(&[&base, more, &["V"]].concat())
    };
    let good = fs::read(scratch.path(CONFIG)).unwrap();
    recover(&[]).fails(2).says(&[".encfs6.xml is there: --replace"]);
    assert_eq!(fs::read(scratch.path(CONFIG)).unwrap(), good);
    recover(&["--replace"]).ok();
    scratch.run(&["ls", "--password-file", &password, "V"]).ok();
    for damaged in [&good[..good.len() / 2], b""] {
        fs::write(scratch.path(CONFIG), damaged).unwrap();
        recover(&["--replace"]).ok().says(&["the old config is kept as "]);
        scratch.run(&["ls", "--password-file", &password, "V"]).ok();
    }
    let kept = scratch.folder_names("state/replaced");
    assert!(!kept.is_empty() && kept.iter().all(|name| name.ends_with("-encfs6.xml")), "{kept:?}");
}

#[test]
fn wrong_words_and_the_key_of_another_volume() {
    let (scratch, other) = (sample("sync"), sample("sync"));
    let key = words(&other);
    fs::remove_file(scratch.path(CONFIG)).unwrap();
    let recover = |words: &str| scratch.feed(&["recover-key", "V"], format!("{words}\n").as_bytes());
    recover(&key).fails(6).says(&["nothing in the folder is encrypted with this key"]);
    recover("abandon ability").fails(7).says(&["2 words make no key"]);
    recover("abandon abilities able").fails(7).says(&["word 2 is not in the list"]);
    let mut swapped: Vec<&str> = key.split(' ').collect();
    swapped.swap(0, 35);
    recover(&swapped.join(" ")).fails(7).says(&["checksum"]);
}

#[test]
fn nobody_sees_the_key_by_accident() {
    let scratch = Scratch::new();
    let run = scratch.run(&["key", "--show", "V"]).fails(2).says(&["--yes"]);
    assert_eq!(run.text(), "");
    assert_eq!(scratch.run(&["key", "V"]).code, 2);
}

#[test]
fn the_qr_code_fits_a_terminal() {
    let scratch = Scratch::new();
    let run = scratch.run(&["key", "--show", "--yes", "V"]).ok();
    let widths: Vec<usize> = run.text().lines().map(|line| line.chars().count()).collect();
    assert!(widths.len() > 30 && widths.iter().all(|width| *width < 80), "{widths:?}");
}
