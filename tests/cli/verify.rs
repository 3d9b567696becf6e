//! `encbox verify`

use crate::support::*;
use std::fs;

#[test]
fn the_table_needs_no_password() {
    let scratch = Scratch::with_profile("boxcryptor");
    fs::remove_file(scratch.path("password")).unwrap();
    let run = scratch.run(&["verify", "--config-only", "V"]).ok();
    for line in
        ["BoxCryptor Classic: opens and writes", "EncFS 2: does not open", "EncFS 1.9.5: opens and writes"]
    {
        assert!(run.text().lines().any(|found| found == line), "{line}: {}", run.text());
    }
    assert!(run.text().contains("growing a file by truncate destroys its last block"));
    let run = scratch.run(&["verify", "--config-only", "--profile", "encfs2", "--json", "V"]);
    assert_eq!(run.code, 17);
    let facts: serde_json::Value = serde_json::from_str(run.text().lines().next().unwrap()).unwrap();
    assert_eq!(facts["parameters"]["chained-names"]["verdict"], "no");
    scratch.run(&["verify", "--config-only", "--profile", "boxcryptor", "V"]).ok();
}

#[test]
fn entries_that_a_program_would_not_show() {
    let scratch = Scratch::with_profile("boxcryptor");
    scratch.add("/a:b", b"x");
    scratch.add("/fine", b"x");
    let run = scratch.run(&["verify", "--profile", "boxcryptor", "V"]).fails(17);
    let hidden: Vec<_> = run.text().lines().filter(|line| line.contains("does not show")).collect();
    assert_eq!(hidden.len(), 1);
    assert!(hidden[0].contains("a:b") && hidden[0].contains("Windows"), "{hidden:?}");
    scratch.run(&["verify", "--profile", "encfs-1.9", "V"]).ok();
}

#[test]
fn against_a_folder_and_a_list() {
    let scratch = Scratch::new();
    scratch.add("/dir/file", b"x");
    scratch.write("clear/dir/file", b"x");
    scratch.run(&["verify", "--against", "clear", "V"]).ok();
    scratch.write("clear/dir/file", b"y");
    let run = scratch.run(&["verify", "--against", "clear", "V"]).fails(9);
    assert!(run.text().starts_with("damage differs: dir/file ["), "{}", run.text());
    scratch.write("sums", b"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881  dir/file\n");
    scratch.run(&["verify", "--manifest", "sums", "V"]).ok();
    scratch.write("sums", b"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881\n");
    scratch.run(&["verify", "--manifest", "sums", "V"]).fails(2).says(&["sums: line 1: "]);
    scratch.run(&["verify", "--against", "nowhere", "V"]).fails(8);
}
