//! `encbox index --publish`, and the reader of docs/examples, which knows the page and no line of encbox.

use crate::support::*;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

const READER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/examples/read_index.py");

fn has_reader() -> bool {
    let is_there = Command::new("python3").args(["-c", "import cryptography"]).stderr(Stdio::null()).status();
    let is_there = is_there.is_ok_and(|status| status.success());
    if !is_there {
        skipped("the reader in Python needs python3 and its package cryptography");
    }
    is_there
}

/// What the reader prints.
fn reader(volume: &Path, password: &str, arguments: &[&str]) -> Vec<u8> {
    let mut reader = Command::new("python3");
    reader.arg(READER).arg(volume).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut reader = reader.spawn().expect("python3");
    use std::io::Write;
    reader.stdin.take().expect("piped").write_all(format!("{password}\n").as_bytes()).expect("it reads");
    let output = reader.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{arguments:?}");
    output.stdout
}

/// A volume with the indexes of two devices as an earlier encbox wrote them. Times are those of the checkout.
#[test]
fn what_was_published_once_is_read_for_ever() {
    let scratch = Scratch::empty();
    let vector = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/travelling"));
    let copied = Command::new("cp").arg("-r").args([&vector.join("volume"), &scratch.path("V")]).status();
    assert!(copied.unwrap().success());
    let expected = json(&fs::read(vector.join("expected.json")).unwrap());
    let expected = expected.as_array().unwrap();
    assert_eq!(expected.len(), 10);
    let told =
        scratch.feed(&["index", "--published", "--json", "--password-stdin", "V"], b"test\n").ok().json();
    assert_eq!((told["devices"].as_array().unwrap().len(), &told["ignored"]), (2, &serde_json::json!([])));
    assert_eq!(facts(told["entries"].as_array().unwrap()), facts(expected));
    if has_reader() {
        assert_eq!(facts(&lines(&reader(&scratch.path("V"), "test", &[]))), facts(expected));
        let letter = reader(&scratch.path("V"), "test", &["--cat", "Letters/lake.md"]);
        assert_eq!(letter, b"# Another lake\n\nThe ice is gone.\n");
    }
}

/// By path: what both readers must agree on.
fn facts(entries: &[Value]) -> Vec<Value> {
    let known = ["path", "kind", "size", "cipher_path", "snippet", "state", "device"];
    let fact = |entry: &Value| known.iter().map(|key| entry[*key].clone()).collect::<Value>();
    entries.iter().map(fact).collect()
}

#[test]
fn the_page_is_enough_for_a_reader() {
    if !has_reader() {
        return;
    }
    for profile in ["sync", "boxcryptor", "standard", "paranoia"] {
        let scratch = Scratch::with_profile(profile);
        let long: Vec<u8> = (0..20_000_u32).map(|at| (at % 251) as u8).collect();
        scratch.add("/Letters/2024/lake.md", "# The lake\n\nThe ice was cold in März.\n".as_bytes());
        scratch.add("/Letters/long.bin", &long);
        scratch.add("/Letters/block.bin", &long[..8192]);
        scratch.add("/empty", b"");
        scratch.add("/photo.png", include_bytes!("../preview/corpus/picture.png"));
        scratch.run(&["index", "--publish", "V"]).ok();
        let ours = scratch.run(&["index", "--published", "--json", "V"]).ok().json();
        let ours = ours["entries"].as_array().unwrap();
        let theirs = reader(&scratch.path("V"), PASSWORD, &[]);
        let theirs = lines(&theirs);
        assert_eq!(facts(&theirs), facts(ours), "{profile}");
        assert_eq!(ours.len(), 7, "{profile}");
        assert!(ours.iter().all(|entry| entry["state"] == "current"), "{profile}: {ours:?}");
        let lake = theirs.iter().find(|entry| entry["path"] == "Letters/2024/lake.md").unwrap();
        assert_eq!(
            (&lake["title"], &lake["snippet"]),
            (&"The lake".into(), &"The ice was cold in März.".into())
        );
        for (path, contents) in
            [("Letters/long.bin", &long[..]), ("Letters/block.bin", &long[..8192]), ("empty", b"")]
        {
            assert!(reader(&scratch.path("V"), PASSWORD, &["--cat", path]) == contents, "{profile}: {path}");
        }
        let picture = reader(&scratch.path("V"), PASSWORD, &["--picture", "photo.png"]);
        assert!(picture.starts_with(b"\x89PNG") || picture.starts_with(b"\xff\xd8"), "{profile}");
    }
}

fn lines(output: &[u8]) -> Vec<Value> {
    output.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(json).collect()
}

fn json(line: &[u8]) -> Value {
    serde_json::from_slice(line).expect("JSON")
}

/// EncFS and encbox take other names of plain volumes as they are.
#[test]
fn in_a_volume_with_plain_names_it_is_no_entry() {
    let scratch = Scratch::empty();
    scratch.run(&["new", "--names", "null", "--iterations", "1000", "V"]).ok();
    scratch.add("/one.txt", b"one");
    scratch.run(&["index", "--publish", "V"]).ok();
    assert!(scratch.path("V/.encbox/index").is_dir());
    assert_eq!(scratch.run(&["ls", "-a", "V"]).ok().text(), "one.txt\n");
    scratch.run(&["check", "V"]).ok();
    scratch.run(&["mkdir", "V", "/.encbox/other"]).fails(8);
    scratch.run(&["export", "V", "copy"]).ok();
    assert_eq!(scratch.folder_names("copy"), ["one.txt"]);
}

#[test]
fn once_asked_for_it_is_done_after_every_scan_until_told_otherwise() {
    let scratch = Scratch::new();
    scratch.add("/one.txt", b"one");
    scratch.run(&["index", "V"]).ok();
    assert!(!scratch.path("V/.encbox").exists());
    let run = scratch.run(&["index", "--publish", "--json", "V"]).ok();
    let published = json(run.lines()[run.lines().len() - 2].as_bytes())["published"].clone();
    assert_eq!((&published["entries"], &published["new_packs"]), (&1.into(), &1.into()));
    assert_eq!(published["bytes"], 2 * 4152);
    assert_eq!(scratch.run(&["index", "--published", "V"]).ok().text(), "one.txt\n");
    scratch.add("/two.txt", b"two");
    scratch.run(&["rm", "V", "/one.txt"]).ok();
    assert_eq!(scratch.run(&["index", "--published", "V"]).ok().text(), "one.txt  (gone since)\n");
    scratch.run(&["index", "V"]).ok();
    assert_eq!(scratch.run(&["index", "--published", "V"]).ok().text(), "two.txt\n");
    scratch.run(&["index", "--no-travel", "V"]).ok();
    assert!(!scratch.path("V/.encbox").exists());
    scratch.run(&["index", "V"]).ok();
    assert!(!scratch.path("V/.encbox").exists());
    assert_eq!(scratch.run(&["index", "--published", "V"]).ok().text(), "");
    assert_eq!(scratch.run(&["index", "--publish", "--published", "V"]).code, 2);
}

#[test]
fn a_root_that_is_no_good_is_told_of() {
    let scratch = Scratch::new();
    scratch.add("/one.txt", b"one");
    scratch.run(&["index", "--publish", "V"]).ok();
    let device = scratch.folder_names("V/.encbox/index").remove(0);
    fs::write(scratch.path("V/.encbox/index").join(&device).join("root"), b"encboxt1, but not really")
        .unwrap();
    let run = scratch.run(&["index", "--published", "V"]).ok();
    run.says(&["root", "ignored", "damaged"]);
    let told = scratch.run(&["index", "--published", "--json", "V"]).ok().json();
    assert_eq!(told["ignored"].as_array().unwrap().len(), 1);
    assert_eq!(told["entries"].as_array().unwrap().len(), 0);
    // nor does it show in the volume, or count as damage
    assert_eq!(scratch.run(&["ls", "V"]).ok().text(), "one.txt\n");
    scratch.run(&["check", "V"]).ok();
}

#[test]
fn who_never_published_needs_no_folder_for_state() {
    let scratch = Scratch::new();
    scratch.add("/one.txt", b"one");
    scratch.run(&["index", "V"]).ok();
    assert!(!scratch.path("state/device").exists());
    scratch.run(&["index", "--publish", "V"]).ok();
    assert_eq!(fs::metadata(scratch.path("state/device")).unwrap().len(), 16);
}
