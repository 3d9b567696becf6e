//! Holding a volume against known truth.

use crate::Found;
use crate::sample;
use crate::scratch::*;
use crate::support::tree::sha256;
use encbox::check::{Kind, Manifest, Truth, compare};
use encbox::config::Profile;
use std::fs;
use std::path::Path;

fn differences(scratch: &Scratch, truth: &Truth<'_>) -> Vec<(String, Kind)> {
    let mut found = Found::default();
    compare(&scratch.volume, truth, None, &mut found).unwrap();
    let mut differences: Vec<_> = (found.0.into_iter())
        .map(|finding| (finding.plain.unwrap().into_string().unwrap(), finding.kind))
        .collect();
    differences.sort();
    differences
}

/// The sample, in the clear.
fn clear(scratch: &Scratch, folder: &Path) {
    for path in sample::FILES {
        let to = folder.join(path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, scratch.read(path)).unwrap();
    }
}

fn filled() -> Scratch {
    let scratch = Scratch::new(&Profile::Standard.parameters());
    sample::fill(&scratch);
    scratch
}

#[test]
fn a_folder_with_the_same_in_the_clear() {
    let scratch = filled();
    let folder = tempfile::tempdir().unwrap();
    clear(&scratch, folder.path());
    assert_eq!(differences(&scratch, &Truth::Folder(folder.path())), []);
    fs::write(folder.path().join("readme.txt"), b"another").unwrap();
    let mut big = scratch.read("big.bin");
    big[50_000] ^= 1;
    fs::write(folder.path().join("big.bin"), big).unwrap();
    fs::remove_dir_all(folder.path().join("Photos/2019")).unwrap();
    fs::create_dir_all(folder.path().join("Music/Bach")).unwrap();
    fs::remove_file(folder.path().join("Work/data.bin")).unwrap();
    std::os::unix::fs::symlink("elsewhere", folder.path().join("Work/data.bin")).unwrap();
    let expected = [
        ("Music", Kind::Missing),
        ("Photos/2019", Kind::Extra),
        ("Work/data.bin", Kind::Differs),
        ("big.bin", Kind::Differs),
        ("readme.txt", Kind::Differs),
    ];
    let expected = expected.map(|(path, kind)| (path.to_owned(), kind));
    assert_eq!(differences(&scratch, &Truth::Folder(folder.path())), expected);
}

/// More files in a folder than wait for anybody at a time.
#[test]
fn a_large_folder_by_few_threads() {
    let scratch = Scratch::new(&Profile::Sync.parameters());
    let folder = tempfile::tempdir().unwrap();
    for number in 0..200 {
        scratch.write(&format!("{number}"), format!("contents of {number}").as_bytes());
        let other = if number % 50 == 7 { "7" } else { "" };
        fs::write(folder.path().join(format!("{number}")), format!("contents of {other}{number}")).unwrap();
    }
    for jobs in [1, 3] {
        let (mut found, jobs) = (Found::default(), std::num::NonZeroUsize::new(jobs));
        let summary = compare(&scratch.volume, &Truth::Folder(folder.path()), jobs, &mut found).unwrap();
        let mut names: Vec<_> = found.0.iter().filter_map(|finding| finding.plain.clone()).collect();
        names.sort();
        assert_eq!(names, ["107", "157", "57", "7"]);
        assert_eq!((summary.files, summary.damage), (200, 4));
    }
}

#[test]
fn the_output_of_sha256sum() {
    let scratch = filled();
    let line = |path: &&str| format!("{}  ./{path}\n", sha256(&scratch.read(path)));
    let sums: String = sample::FILES.iter().map(line).collect();
    let manifest = Manifest::parse(sums.as_bytes()).unwrap();
    assert_eq!(differences(&scratch, &Truth::Manifest(&manifest)), []);
    let wrong = sums.replace(&sha256(&scratch.read("readme.txt")), &sha256(b"another"));
    let manifest = Manifest::parse(format!("{wrong}{}  gone/away\n", sha256(b"")).as_bytes()).unwrap();
    let expected = [("gone".to_owned(), Kind::Missing), ("readme.txt".to_owned(), Kind::Differs)];
    assert_eq!(differences(&scratch, &Truth::Manifest(&manifest)), expected);
}

#[test]
fn links_and_sizes_in_json() {
    let scratch = Scratch::new(&Profile::Sync.parameters());
    scratch.write("file", b"four");
    scratch.volume.symlink("file".as_ref(), &scratch.root(), "link".as_ref(), None).unwrap();
    let list = |len: u64, target: &str| {
        let text = format!(
            r#"{{"file":{{"type":"file","size":{len},"sha256":"{}"}},"link":{{"type":"symlink","target":"{target}"}}}}"#,
            sha256(b"four")
        );
        Manifest::parse(text.as_bytes()).unwrap()
    };
    assert_eq!(differences(&scratch, &Truth::Manifest(&list(4, "file"))), []);
    let found = differences(&scratch, &Truth::Manifest(&list(5, "elsewhere")));
    assert_eq!(found, [("file".to_owned(), Kind::Differs), ("link".to_owned(), Kind::Differs)]);
}
