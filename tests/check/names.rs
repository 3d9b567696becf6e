//! What is found in names.

use crate::scratch::*;
use crate::{findings, serious};
use encbox::check::{Kind, Severity};
use encbox::config::{Parameters, Profile};
use encbox::crypto::AlgorithmId;
use std::fs;

#[test]
fn files_of_others_and_names_that_do_not_decode() {
    let scratch = Scratch::new(&Profile::Sync.parameters());
    scratch.write("file", b"x");
    let path = |name: &str| scratch.folder.path().join(name);
    for name in ["desktop.ini", ".DS_Store", "._file", "not a name", ".encfs6 (copy).xml"] {
        fs::write(path(name), b"x").unwrap();
    }
    fs::create_dir(path(".dropbox.cache")).unwrap();
    fs::write(path(".dropbox.cache/anything"), b"x").unwrap();
    let found: Vec<_> = findings(&scratch.volume)
        .into_iter()
        .map(|f| (f.path.display().to_string(), f.kind, f.severity))
        .collect();
    let expected = [
        (".DS_Store", Kind::Foreign, Severity::Note),
        ("._file", Kind::Foreign, Severity::Note),
        (".dropbox.cache", Kind::Foreign, Severity::Note),
        (".encfs6 (copy).xml", Kind::ConfigCopy, Severity::Warning),
        ("desktop.ini", Kind::Foreign, Severity::Note),
        ("not a name", Kind::Undecodable, Severity::Warning),
    ];
    assert_eq!(found, expected.map(|(path, kind, severity)| (path.to_owned(), kind, severity)));
}

#[test]
fn a_second_config() {
    let scratch = Scratch::new(&Profile::Sync.parameters());
    fs::write(scratch.folder.path().join(".encfs5"), b"x").unwrap();
    assert_eq!(serious(&scratch.volume), [(Kind::ConfigCopy, ".encfs5".into())]);
}

#[test]
fn names_that_collide_on_other_systems() {
    let scratch = Scratch::new(&Profile::Sync.parameters());
    for name in ["Report", "report", "\u{e9}", "e\u{301}", "other", "REPORT"] {
        scratch.write(name, b"x");
    }
    let found: Vec<_> = findings(&scratch.volume).into_iter().map(|f| (f.kind, f.what)).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    let whats: Vec<_> = found.iter().map(|(_, what)| what.as_str()).collect();
    assert!(found.iter().all(|(kind, _)| *kind == Kind::Collision));
    assert!(whats.contains(&"differs in case only from Report, report"), "{whats:?}");
    assert!(whats.contains(&"differs in its Unicode form only from \u{e9}"), "{whats:?}");
}

/// In a folder so large that its names go out in many batches.
#[test]
fn a_collision_among_thousands() {
    let scratch = Scratch::new(&Profile::Boxcryptor.parameters());
    for number in 0..3000 {
        scratch.create(&format!("file {number}"));
    }
    assert_eq!(serious(&scratch.volume), []);
    scratch.create("FILE 1234");
    assert_eq!(serious(&scratch.volume).len(), 1);
    assert_eq!(findings(&scratch.volume).len(), 3001 + 1, "the others are empty");
}

#[test]
fn conflicted_copies_of_files_and_folders() {
    let scratch = Scratch::new(&Profile::Standard.parameters());
    scratch.mkdir("dir");
    scratch.write("dir/file", b"x");
    let dir = scratch.on_disk("dir");
    let copy = dir.with_file_name(format!("{} (1)", dir.file_name().unwrap().to_str().unwrap()));
    assert!(std::process::Command::new("cp").arg("-a").arg(&dir).arg(&copy).status().unwrap().success());
    let copy = copy.file_name().unwrap().into();
    assert_eq!(serious(&scratch.volume), [(Kind::ConflictedCopy, copy)], "and what is in it is fine");
}

/// Spare bits in the last character of a name: what EncFS 1.9.5 lists twice.
#[test]
fn a_second_spelling() {
    let scratch = Scratch::new(&Profile::Boxcryptor.parameters());
    scratch.write("one", b"x");
    let name = scratch.on_disk("one");
    let text = name.file_name().unwrap().to_str().unwrap().to_owned();
    // five bytes are 40 bits, seven characters 42: two bits are spare
    assert_eq!(text.len(), 7);
    let last = text.chars().next_back().unwrap();
    let digits = ",-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let other = digits.chars().nth(digits.find(last).unwrap() + 32).unwrap();
    let alias = format!("{}{other}", &text[..6]);
    fs::write(scratch.folder.path().join(&alias), b"x").unwrap();
    assert_eq!(serious(&scratch.volume), [(Kind::Alias, alias.into())]);
}

#[test]
fn evil_names() {
    let scratch = Scratch::new(&Profile::Boxcryptor.parameters());
    scratch.write("victim", b"x");
    // encoded by hand, as EncFS 1.9.5 would decode it: the target of a link is coded as one name, slashes and all
    let root = scratch.root();
    scratch.volume.symlink("/../victim".as_ref(), &root, "link".as_ref(), None).unwrap();
    let target = fs::read_link(scratch.on_disk("link")).unwrap();
    let name = target.to_str().unwrap().strip_prefix('+').unwrap().to_owned();
    fs::write(scratch.folder.path().join(&name), b"x").unwrap();
    assert_eq!(serious(&scratch.volume), [(Kind::EvilName, name.into())]);
}

#[test]
fn a_folder_whose_names_were_written_under_another_path_is_one_finding() {
    let scratch = Scratch::new(&Profile::Standard.parameters());
    scratch.mkdir("old");
    for number in 0..5 {
        scratch.write(&format!("old/file {number}"), b"x");
    }
    fs::rename(scratch.on_disk("old"), scratch.on_disk("new")).unwrap();
    let path = scratch.on_disk("new").file_name().unwrap().into();
    assert_eq!(serious(&scratch.reopened().volume), [(Kind::BrokenChain, path)]);
}

#[test]
fn two_spellings_where_case_does_not_count() {
    let parameters =
        Parameters { name_coding: AlgorithmId::new("nameio/block32", 4, 0), ..Profile::Sync.parameters() };
    let scratch = Scratch::new(&parameters);
    scratch.write("file", b"x");
    let name = scratch.on_disk("file").file_name().unwrap().to_str().unwrap().to_lowercase();
    fs::write(scratch.folder.path().join(name), b"").unwrap();
    let found: Vec<_> = serious(&scratch.volume).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(found, [Kind::Collision]);
}

#[test]
fn plain_names_are_plain() {
    let parameters =
        Parameters { name_coding: AlgorithmId::new("nameio/null", 1, 0), ..Profile::Sync.parameters() };
    let scratch = Scratch::new(&parameters);
    scratch.write("notes.txt", b"x");
    fs::write(scratch.folder.path().join("desktop.ini"), b"").unwrap();
    assert_eq!(serious(&scratch.volume), []);
}
