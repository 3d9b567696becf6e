//! `encbox index` and `encbox search`

use crate::support::*;
use std::fs;

fn notes() -> Scratch {
    let scratch = Scratch::new();
    scratch.add("/Letters/lake.md", b"# The lake\n\nThe ice was cold in May.\n");
    scratch.add("/Letters/boat.txt", b"A boat on the lake");
    scratch.add("/photo.png", include_bytes!("../preview/corpus/picture.png"));
    scratch
}

#[test]
fn from_nothing_to_an_answer() {
    let scratch = notes();
    scratch.run(&["search", "V", "lake"]).fails(8).says(&["no index yet", "encbox index"]);
    scratch.run(&["index", "--status", "V"]).fails(8);
    let run = scratch.run(&["index", "--json", "V"]).ok();
    let done = &serde_json::from_str::<serde_json::Value>(run.lines().last().unwrap()).unwrap()["done"];
    assert_eq!((done["entries"].as_u64(), done["added"].as_u64()), (Some(4), Some(4)));
    assert_eq!(
        scratch.run(&["search", "--list", "V", "lake"]).ok().lines(),
        ["Letters/lake.md", "Letters/boat.txt"]
    );
    let shown = scratch.run(&["search", "V", "ice", "lake"]).ok();
    assert_eq!(
        shown.lines(),
        ["Letters/lake.md", "    The lake", "    The **lake** The **ice** was cold in May."]
    );
}

#[test]
fn answers_in_json() {
    let scratch = notes();
    scratch.run(&["index", "V"]).ok();
    let found = scratch.run(&["search", "--json", "V", "ice"]).ok().json();
    let hit = &found["hits"][0];
    assert_eq!(
        (&found["count"], &hit["path"], &hit["kind"]),
        (&1.into(), &"Letters/lake.md".into(), &"markdown".into())
    );
    assert_eq!(hit["snippet"][1], serde_json::json!({ "text": "ice", "mark": true }));
    assert_eq!(
        scratch.path("V").join(hit["cipher_path"].as_str().unwrap()),
        scratch.cipher("/Letters/lake.md")
    );
    assert_eq!((hit["sha256"].as_str().unwrap().len(), &hit["state"]), (64, &"current".into()));
}

#[test]
fn what_changed_since_the_scan_says_so() {
    let scratch = notes();
    scratch.run(&["index", "V"]).ok();
    scratch.feed(&["import", "--force", "V", "-", "/Letters/lake.md"], b"no ice").ok();
    scratch.run(&["rm", "V", "/Letters/boat.txt"]).ok();
    let states = |question: &str| {
        let found = scratch.run(&["search", "--json", "V", question]).ok().json();
        found["hits"]
            .as_array()
            .unwrap()
            .iter()
            .map(|hit| hit["state"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(states("ice"), ["changed"]);
    assert_eq!(states("boat"), ["gone"]);
    assert!(scratch.run(&["search", "V", "boat"]).ok().text().contains("boat.txt  (gone since)"));
    scratch.run(&["index", "V"]).ok();
    assert_eq!(states("ice"), ["current"]);
    assert!(states("boat").is_empty());
}

#[test]
fn questions_on_a_command_line() {
    let scratch = notes();
    scratch.run(&["index", "V"]).ok();
    let list = |words: &[&str]| {
        let run = scratch.run(&[&["search", "--list", "V"], words].concat()).ok();
        run.lines().iter().map(|line| (*line).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list(&["--", "lake", "-ice"]), ["Letters/boat.txt"]);
    assert_eq!(list(&["lake -ice"]), ["Letters/boat.txt"]);
    assert_eq!(list(&["\"boat on\""]), ["Letters/boat.txt"]);
    assert_eq!(list(&["type:image"]), ["photo.png"]);
    assert!(list(&["nothing"]).is_empty());
    assert_eq!(list(&["lake", "--limit", "1"]).len(), 1);
    scratch.run(&["search", "V", "size:10M"]).fails(2).says(&["size:10M", "such as >10M"]);
    scratch.run(&["search", "V", "--", "-lake"]).fails(2);
    let excluded = "-type:md: only words and name: can be excluded";
    scratch.run(&["search", "V", "lake -type:md"]).fails(2).says(&[excluded]);
    assert_eq!(scratch.run(&["search", "V"]).code, 2);
}

#[test]
fn status_and_drop() {
    let scratch = notes();
    scratch.run(&["index", "V"]).ok();
    let status = scratch.run(&["index", "--status", "--json", "V"]).ok().json();
    assert_eq!(status["entries"], 4);
    assert!(status["disk_bytes"].as_u64().unwrap() > 1000 && status["scanned"].is_string());
    let folder = status["folder"].as_str().unwrap().to_owned();
    assert!(folder.starts_with(scratch.path("cache").to_str().unwrap()) && fs::metadata(&folder).is_ok());
    assert!(scratch.run(&["index", "--status", "V"]).ok().text().starts_with("entries:   4\n"));
    scratch.run(&["index", "--drop", "V"]).ok();
    assert!(fs::metadata(&folder).is_err());
    scratch.run(&["index", "--drop", "V"]).ok();
    scratch.run(&["search", "V", "lake"]).fails(8);
}

#[test]
fn damage_is_reported_once_and_the_rest_is_found() {
    let scratch = notes();
    scratch.add("/long.txt", &b"a long text ".repeat(2000));
    let path = scratch.cipher("/long.txt");
    let mut bytes = fs::read(&path).unwrap();
    bytes[9000] ^= 1;
    fs::write(&path, bytes).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    scratch.run(&["index", "V"]).partly().says(&["long.txt", "1 of the items failed"]);
    scratch.run(&["index", "V"]).ok();
    assert_eq!(scratch.run(&["search", "--list", "V", "long"]).ok().lines(), ["long.txt"]);
}

#[test]
fn a_damaged_index_is_made_anew() {
    let scratch = notes();
    scratch.run(&["index", "V"]).ok();
    let status = scratch.run(&["index", "--status", "--json", "V"]).ok().json();
    let list = std::path::Path::new(status["folder"].as_str().unwrap()).join("meta.json");
    fs::write(&list, b"something else").unwrap();
    scratch.run(&["search", "V", "lake"]).fails(9).says(&["damaged", "encbox index"]);
    scratch.run(&["index", "V"]).ok().says(&["made anew"]);
    assert_eq!(scratch.run(&["search", "--list", "V", "ice"]).ok().lines(), ["Letters/lake.md"]);
}

#[test]
fn the_index_is_never_kept_within_the_volume() {
    let scratch = notes();
    let mut command = scratch.command(&["index", "V"]);
    command.env("ENCBOX_CACHE_DIR", scratch.path("V/cache"));
    run(command, b"").fails(10).says(&["would be synced"]);
    assert!(fs::metadata(scratch.path("V/cache")).is_err());
}

#[test]
fn the_wrong_password_opens_no_index() {
    let scratch = notes();
    scratch.run(&["index", "V"]).ok();
    scratch.write("password", b"another\n");
    scratch.run(&["search", "V", "lake"]).fails(6);
}

/// Stops a scan after a few entries.
struct Stop(u64);

impl encbox::index::Progress for Stop {
    fn item(&mut self) {
        self.0 = self.0.saturating_sub(1);
    }

    fn stopped(&self) -> bool {
        self.0 == 0
    }
}

#[test]
fn an_index_that_no_scan_has_finished_says_so() {
    use encbox::volume::{OpenOptions, Volume, find_config};
    let scratch = notes();
    let root = scratch.path("V");
    let found = find_config(&root).unwrap();
    let password = encbox::crypto::Password::new(PASSWORD.into()).unwrap();
    let volume = Volume::open(&root, &found, &password, OpenOptions::default()).unwrap();
    let place = encbox::index::Place::of(&volume, &scratch.path("cache")).unwrap();
    let options = encbox::index::ScanOptions::default();
    let stopped = encbox::index::refresh(&place, &volume, options, &mut Stop(2));
    assert!(matches!(stopped, Err(encbox::index::Error::Interrupted)));
    let unfinished = "no scan of this volume has been whole yet";
    scratch.run(&["search", "--json", "V", "lake"]).ok().says(&[unfinished]);
    scratch.run(&["index", "V"]).ok();
    let run = scratch.run(&["search", "V", "lake"]).ok();
    assert!(!run.stderr.contains(unfinished), "{}", run.stderr);
}

#[test]
fn a_full_disk_says_so() {
    let scratch = Scratch::new();
    let word = |number: u64| format!("{:x} ", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    scratch.add("/long.txt", (1..20_000).map(word).collect::<String>().as_bytes());
    let limited = |command: &str| {
        let mut shell = scratch.bare_command("sh");
        // a file that may not grow is as good as a full disk, and needs no rights
        shell.args(["-c", &format!("trap '' XFSZ; ulimit -f 40; exec {PROGRAM} {command} V")]);
        shell.env("ENCBOX_PASSWORD_FILE", scratch.path("password"));
        run(shell, b"")
    };
    limited("index").fails(11).says(&["too large"]);
    limited("index").fails(11);
    scratch.run(&["index", "V"]).ok();
    assert_eq!(scratch.run(&["search", "--list", "V", "long"]).ok().lines(), ["long.txt"]);
}
