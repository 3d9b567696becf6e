//! Editors save by writing a new file and renaming it over the old one.

use std::fs;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use crate::Desk;
use crate::Times;
use crate::run_in;

pub(crate) fn saving_by_rename_replaces_the_file(desk: Desk) {
    for folder in [&desk.plain(), desk.mounted()] {
        fs::write(folder.join("notes.md"), "first line\nsecond line\n").unwrap();
        for number in 0..20 {
            save_by_rename(folder, "notes.md", &format!("version {number}\n").repeat(number * 40 + 1));
            run_in(folder, "sed", &["-i", "s/version/edition/", "notes.md"]);
            let text = fs::read_to_string(folder.join("notes.md")).unwrap();
            assert_eq!(
                text,
                format!("edition {number}\n").repeat(number * 40 + 1),
                "in {}",
                folder.display()
            );
        }
        // A backup by renaming the old file away, as some editors make it.
        fs::rename(folder.join("notes.md"), folder.join("notes.md~")).unwrap();
        fs::write(folder.join("notes.md"), "written anew\n").unwrap();
    }
    desk.encfs_agrees(Times::Differ);
}

pub(crate) fn vim_saves(desk: Desk) {
    for folder in [&desk.plain(), desk.mounted()] {
        fs::write(folder.join("outline.txt"), "one\ntwo\nthree\n").unwrap();
        for copying in ["yes", "no"] {
            let setting = format!("set backupcopy={copying} backup swapfile");
            let vim =
                ["-u", "NONE", "-i", "NONE", "-es", "-c", &setting, "-c", "%s/$/ and more/", "-c", "wq"];
            let arguments: Vec<&str> = vim.into_iter().chain(["outline.txt"]).collect();
            run_in(folder, "vim", &arguments);
        }
        let text = fs::read_to_string(folder.join("outline.txt")).unwrap();
        assert!(text.starts_with("one and more and more\n"), "{text}");
    }
    desk.encfs_agrees(Times::Differ);
}

/// Write a temporary file, sync it, rename it over the old one, sync the folder.
fn save_by_rename(folder: &Path, name: &str, text: &str) {
    let temporary = folder.join(format!(".{name}.tmp"));
    let mut file = File::create_new(&temporary).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.sync_all().unwrap();
    drop(file);
    fs::rename(&temporary, folder.join(name)).unwrap();
    File::open(folder).unwrap().sync_all().unwrap();
}
