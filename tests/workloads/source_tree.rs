//! Copying a source tree of 5,000 files in.

use std::collections::BTreeSet;
use std::fs;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;
use std::time::SystemTime;

use crate::Desk;
use crate::Times;
use crate::run_in;
use crate::support::rng::Rng;

pub(crate) fn extracting_5000_files(desk: Desk) {
    let made = desk.volume.beside("made");
    fs::create_dir(&made).expect("a scratch folder");
    plant(&made, 5000);
    let archive = desk.volume.beside("source.tar");
    let archive = archive.to_str().expect("scratch paths are UTF-8");
    run_in(&made, "tar", &["-cf", archive, "."]);
    for folder in [&desk.plain(), desk.mounted()] {
        run_in(folder, "tar", &["-xpf", archive]);
    }
    desk.encfs_agrees(Times::Equal);
}

pub(crate) fn rsync_copies_nothing_the_second_time(desk: Desk) {
    let plain = desk.plain();
    plant(&plain, 800);
    let source = format!("{}/", plain.display());
    let rsync = |options: &[&str]| {
        let mut arguments = vec!["-a", "--itemize-changes"];
        arguments.extend(options);
        arguments.extend([source.as_str(), "."]);
        run_in(desk.mounted(), "rsync", &arguments)
    };
    assert!(rsync(&[]).lines().count() > 800, "the first run copies everything");
    assert_eq!(rsync(&[]), "", "the second run has nothing to do");
    assert_eq!(rsync(&["--checksum"]), "", "the contents are the same");

    // What changed, and only that, is copied again; what is gone is deleted.
    let folder = plain.join("dir 000");
    let entries: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let files: Vec<_> = entries.iter().filter(|path| !path.is_symlink() && path.is_file()).collect();
    fs::write(files[0], "changed\n").unwrap();
    fs::remove_file(files[1]).unwrap();
    // Without this the folder would be from the same second on both sides, which is all that rsync looks
    // at.
    fs::File::open(&folder).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    let changes = rsync(&["--delete"]);
    let copied = changes.lines().filter(|line| line.starts_with(">f")).count();
    let deleted = changes.lines().filter(|line| line.starts_with("*deleting")).count();
    assert_eq!((copied, deleted), (1, 1), "{changes}");
    assert_eq!(rsync(&["--delete"]), "");
    desk.encfs_agrees(Times::Equal);
}

/// Fills a folder with text files of many sizes, some programs and links, all from another day.
pub(crate) fn plant(root: &Path, file_count: u64) {
    let mut rng = Rng::new(5);
    let mut folders = BTreeSet::new();
    let words =
        ["fn ", "let ", "match ", "self", " = ", "();\n", "    ", "{\n", "}\n", "// why\n", "0x1f", "Result"];
    for number in 0..file_count {
        let mut dir = root.join(format!("dir {:03}", number % 40));
        if number % 7 > 2 {
            dir = dir.join(format!("module_{}", number % 5)).join("src");
        }
        fs::create_dir_all(&dir).expect("a folder");
        folders.extend(dir.ancestors().take_while(|folder| *folder != root).map(Path::to_owned));
        let path = dir.join(format!("file_{number}.rs"));
        // Most are small, a few are not.
        let word_count = if number % 100 == 0 { 30_000 } else { rng.below(2000) };
        let text: String = (0..word_count).map(|_| *rng.pick(&words)).collect();
        fs::write(&path, text).expect("a file");
        if number % 50 == 0 {
            fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("a file of our own");
        }
        if number % 97 == 0 {
            symlink(path.file_name().expect("a file has a name"), dir.join(format!("link_{number}")))
                .expect("a link");
        }
        let modified =
            SystemTime::UNIX_EPOCH + Duration::new(1_400_000_000 + number, 1_000_003 * (number as u32 % 900));
        let file = fs::OpenOptions::new().write(true).open(&path).expect("a file of our own");
        file.set_modified(modified).expect("a file of our own");
    }
    for (number, folder) in folders.iter().enumerate() {
        let modified = SystemTime::UNIX_EPOCH + Duration::new(1_300_000_000 + number as u64, 7_000_001);
        fs::File::open(folder).and_then(|folder| folder.set_modified(modified)).expect("a folder of our own");
    }
}
