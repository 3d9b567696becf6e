//! Another machine replaces or removes what a program is writing to: nothing of it is lost.

use super::*;
use rustix::fs::OFlags;
use std::fs::File;
use std::io::Seek;
use std::os::unix::fs::FileExt;
use std::process::Command;

/// Writes a version as another machine would, and gives its place on disk.
fn arrive(mount: &Mount, name: &str, contents: &[u8]) {
    let beside = mount.open(false);
    let how = volume::OpenFile { read: false, write: true, truncate: false };
    let (root, temporary) = (beside.root(), OsStr::new("arriving"));
    let file = beside.create_file(&root, temporary, 0o644, true, how, None).expect("a fresh file");
    file.write_at(contents, 0).expect("writable");
    drop(file);
    let replaced = beside.rename(&root, temporary, &root, OsStr::new(name), volume::RenameMode::Replace);
    replaced.expect("both are there");
}

/// The names in a folder of the mount, once there are as many as there should be or a while has passed.
fn names(mount: &Mount, folder: &str, count: usize) -> Vec<String> {
    let mut names = Vec::new();
    for _ in 0..100 {
        let listed = fs::read_dir(mount.path(folder)).expect("it is there");
        names =
            listed.map(|entry| entry.expect("readable").file_name().into_string().expect("text")).collect();
        let is_whole = |name: &String| !name.starts_with(volume::PARTIAL_PREFIX);
        if names.len() == count && names.iter().all(is_whole) {
            break;
        }
        // a file is closed for the program before it is for us
        thread::sleep(Duration::from_millis(20));
    }
    names.sort();
    names
}

/// The conflicted copy of `report.md` among the names.
fn copy(names: &[String]) -> &str {
    let is_copy = |name: &&String| name.starts_with("report (") && name.contains("'s conflicted copy 2");
    let copies: Vec<_> = names.iter().filter(is_copy).collect();
    assert_eq!(copies.len(), 1, "{names:?}");
    assert!(copies[0].ends_with(").md"), "{names:?}");
    copies[0]
}

fn read(mount: &Mount, name: &str) -> String {
    fs::read_to_string(mount.path(name)).expect("it is there")
}

/// A file with a first version, open for writing.
fn opened(mount: &Mount) -> File {
    fs::write(mount.path("report.md"), "first").expect("a fresh file");
    File::options().read(true).write(true).open(mount.path("report.md")).expect("it is there")
}

#[test]
fn a_file_is_replaced_under_a_program_that_goes_on_writing() {
    with_every_profile(|mount| {
        let file = opened(mount);
        arrive(mount, "report.md", b"theirs");
        file.write_all_at(b"ours, ", 0).expect("writable");
        file.sync_all().expect("durable");
        // by now it is safe, though the file is open still
        let listed = names(mount, "", 2);
        assert_eq!(read(mount, copy(&listed)), "ours, ");
        assert_eq!(read(mount, "report.md"), "theirs");
        file.write_all_at(b"to the end", 6).expect("writable");
        let mut back = [0; 16];
        file.read_exact_at(&mut back, 0).expect("readable");
        assert_eq!(&back, b"ours, to the end");
        assert_eq!(file.metadata().expect("open").len(), 16);
        drop(file);
        let listed = names(mount, "", 2);
        outlive_the_kernels_memory();
        assert_eq!(read(mount, copy(&listed)), "ours, to the end");
        assert_eq!(read(mount, "report.md"), "theirs");
    });
}

#[test]
fn what_was_written_before_and_closed_after_is_saved() {
    with_every_profile(|mount| {
        let file = opened(mount);
        file.write_all_at(b"ours!", 0).expect("writable");
        file.sync_all().expect("durable");
        arrive(mount, "report.md", b"theirs");
        drop(file);
        let listed = names(mount, "", 2);
        assert_eq!(read(mount, copy(&listed)), "ours!");
        assert_eq!(read(mount, "report.md"), "theirs");
    });
}

#[test]
fn a_file_is_removed_under_a_program_and_its_folder_too() {
    with_every_profile(|mount| {
        let file = opened(mount);
        fs::remove_file(mount.cipher_path("report.md")).expect("it is there");
        file.write_all_at(b"ours!", 0).expect("writable");
        drop(file);
        let listed = names(mount, "", 1);
        assert_eq!(read(mount, copy(&listed)), "ours!");
        fs::remove_file(mount.path(copy(&listed))).expect("a file like any other");

        fs::create_dir(mount.path("folder")).expect("a fresh folder");
        let path = mount.path("folder/report.md");
        fs::write(&path, "first").expect("a fresh file");
        let file = File::options().write(true).open(&path).expect("it is there");
        fs::remove_dir_all(mount.cipher_path("folder")).expect("it is there");
        file.write_all_at(b"ours again", 0).expect("writable");
        file.sync_all().expect("durable");
        drop(file);
        let listed = names(mount, "", 1);
        assert_eq!(read(mount, copy(&listed)), "ours again");
    });
}

/// Sync clients put the old version aside before they remove it.
#[test]
fn a_file_is_put_aside_and_replaced() {
    with_every_profile(|mount| {
        let file = opened(mount);
        let cache = mount.volume_path().join(".dropbox.cache");
        fs::create_dir(&cache).expect("a fresh folder");
        fs::rename(mount.cipher_path("report.md"), cache.join("old")).expect("it is there");
        arrive(mount, "report.md", b"theirs");
        file.write_all_at(b"ours!", 0).expect("writable");
        drop(file);
        let listed = names(mount, "", 2);
        assert_eq!(read(mount, copy(&listed)), "ours!");
    });
}

/// A file that another machine renamed has its edits under its new name. (With external IV chaining that machine
/// rewrites the header, too, which no open handle survives.)
#[test]
fn a_file_that_is_renamed_elsewhere_needs_no_copy() {
    for profile in [Profile::Sync, Profile::Boxcryptor, Profile::Standard] {
        with_profile(profile, |mount| {
            let file = opened(mount);
            let beside = mount.open(false);
            let (root, mode) = (beside.root(), volume::RenameMode::NoReplace);
            let renamed = beside.rename(&root, OsStr::new("report.md"), &root, OsStr::new("final.md"), mode);
            renamed.expect("it is there");
            file.write_all_at(b"ours!", 0).expect("writable");
            drop(file);
            outlive_the_kernels_memory();
            assert_eq!(names(mount, "", 1), ["final.md"]);
            assert_eq!(read(mount, "final.md"), "ours!");
        });
    }
}

/// What programs do to their own files is nobody's loss.
#[test]
fn what_a_program_removes_or_replaces_itself_is_not_saved() {
    with_every_profile(|mount| {
        let mut unlinked = opened(mount);
        fs::remove_file(mount.path("report.md")).expect("it is there");
        unlinked.write_all(b"temporary").expect("writable");
        unlinked.sync_all().expect("durable");
        unlinked.rewind().expect("a file");
        let replaced = opened(mount);
        fs::write(mount.path("new"), "new").expect("a fresh file");
        fs::rename(mount.path("new"), mount.path("report.md")).expect("replaced");
        replaced.write_all_at(b"old", 0).expect("writable");
        drop((unlinked, replaced));
        thread::sleep(Duration::from_millis(200));
        assert_eq!(names(mount, "", 1), ["report.md"]);
        assert_eq!(read(mount, "report.md"), "new");
    });
}

/// Handles are closed behind the program's back, while it goes on to rename, exchange, link and remove.
#[test]
fn what_a_program_does_right_after_closing_is_no_loss() {
    for profile in [Profile::Sync, Profile::Boxcryptor, Profile::Standard] {
        with_profile(profile, |mount| {
            let path = |name: &str| mount.path(name);
            for round in 0..300 {
                fs::create_dir(path("folder")).expect("a fresh folder");
                fs::write(path("folder/b"), "edited").expect("a fresh file");
                fs::write(path("folder/c"), "edited, too").expect("a fresh file");
                match round % 3 {
                    0 => fs::rename(path("folder/b"), path("folder/c")).expect("replaced"),
                    1 => {
                        fs::hard_link(path("folder/b"), path("folder/d")).expect("another name");
                        fs::remove_file(path("folder/b")).expect("one of two");
                        fs::rename(path("folder/d"), path("folder/c")).expect("replaced");
                    }
                    _ => {
                        fs::rename(path("folder/b"), path("folder/d")).expect("renamed");
                        fs::rename(path("folder"), path("moved")).expect("renamed");
                        fs::rename(path("moved"), path("folder")).expect("renamed");
                        fs::remove_file(path("folder/d")).expect("it is there");
                    }
                }
                assert_eq!(names(mount, "folder", 1), ["c"], "round {round}");
                fs::remove_file(path("folder/c")).expect("it is there");
                fs::remove_dir(path("folder")).expect("nothing came back");
            }
            assert_eq!(names(mount, "", 0), [""; 0]);
        });
    }
}

/// The name that it was opened by is gone, and the kernel was never told of the other one.
#[test]
fn a_file_with_another_name_is_not_lost() {
    for profile in [Profile::Sync, Profile::Boxcryptor, Profile::Standard] {
        with_profile(profile, |mount| {
            fs::create_dir(mount.path("other")).expect("a fresh folder");
            fs::write(mount.path("report.md"), "first").expect("a fresh file");
            let beside = mount.open(false);
            let other = beside.open_dir(&beside.root(), OsStr::new("other")).expect("it is there");
            beside.link(&beside.root(), OsStr::new("report.md"), &other, OsStr::new("name")).expect("a link");
            let file = File::options().write(true).open(mount.path("report.md")).expect("it is there");
            fs::remove_file(mount.path("report.md")).expect("it is there");
            file.write_all_at(b"ours!", 0).expect("writable");
            drop(file);
            thread::sleep(Duration::from_millis(200));
            assert_eq!(names(mount, "", 1), ["other"]);
            assert_eq!(read(mount, "other/name"), "ours!");
        });
    }
}

/// Somebody removes what arrived: that is another file than the one with the edits.
#[test]
fn removing_what_arrived_gives_no_edit_up() {
    with_every_profile(|mount| {
        let file = opened(mount);
        arrive(mount, "report.md", b"theirs");
        fs::remove_file(mount.path("report.md")).expect("it is there");
        file.write_all_at(b"ours!", 0).expect("writable");
        drop(file);
        let listed = names(mount, "", 1);
        assert_eq!(read(mount, copy(&listed)), "ours!");
    });
}

#[test]
fn who_has_only_read_leaves_no_copy() {
    with_every_profile(|mount| {
        fs::write(mount.path("report.md"), "first").expect("a fresh file");
        let file = File::open(mount.path("report.md")).expect("it is there");
        arrive(mount, "report.md", b"theirs");
        let mut contents = [0; 5];
        file.read_exact_at(&mut contents, 0).expect("readable");
        drop(file);
        thread::sleep(Duration::from_millis(200));
        assert_eq!(names(mount, "", 1), ["report.md"]);
    });
}

/// All handles of a file share one copy, whoever wrote first; one more file takes a name of its own.
#[test]
fn every_handle_goes_on_with_the_same_copy() {
    with_every_profile(|mount| {
        let (one, other) =
            (opened(mount), File::options().append(true).open(mount.path("report.md")).expect("there"));
        arrive(mount, "report.md", b"theirs");
        one.write_all_at(b"FIRST", 0).expect("writable");
        one.sync_all().expect("durable");
        (&other).write_all(b", second").expect("writable");
        drop((one, other));
        let listed = names(mount, "", 2);
        outlive_the_kernels_memory();
        assert_eq!(read(mount, copy(&listed)), "FIRST, second");
        let again = File::options().write(true).open(mount.path("report.md")).expect("it is there");
        arrive(mount, "report.md", b"theirs again");
        again.write_all_at(b"ours #2", 0).expect("writable");
        drop(again);
        let listed = names(mount, "", 3);
        let second = listed.iter().find(|name| name.ends_with(") (1).md")).expect("a copy of its own");
        assert_eq!(read(mount, second), "ours #2");
    });
}

#[test]
fn a_memory_map_is_saved() {
    const SCRIPT: &str = "import mmap, os, subprocess, sys
fd = os.open(sys.argv[1], os.O_RDWR)
pages = mmap.mmap(fd, 0)
os.close(fd)
open(sys.argv[2], 'w').close()
while os.path.exists(sys.argv[2]): pass
pages[0:5] = b'ours!'
pages.flush()
";
    with_every_profile(|mount| {
        fs::write(mount.path("report.md"), "first").expect("a fresh file");
        let flag = mount.folder.path().join("mapped");
        let script =
            Command::new("python3").arg("-c").arg(SCRIPT).arg(mount.path("report.md")).arg(&flag).spawn();
        let Ok(mut script) = script else {
            return writeln!(io::stderr(), "SKIPPED: no python3").expect("standard error takes a line");
        };
        while !flag.exists() {
            assert!(script.try_wait().expect("a child").is_none(), "the script ended");
            thread::sleep(Duration::from_millis(5));
        }
        arrive(mount, "report.md", b"theirs");
        fs::remove_file(&flag).expect("it is there");
        assert!(script.wait().expect("a child").success());
        let listed = names(mount, "", 2);
        assert_eq!(read(mount, copy(&listed)), "ours!");
        assert_eq!(read(mount, "report.md"), "theirs");
    });
}

/// Owner, mode and time of the copy are those of the lost file.
#[test]
fn a_copy_has_the_attributes_of_what_was_lost() {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
    with_profile(Profile::Standard, |mount| {
        fs::write(mount.path("report.md"), "first").expect("a fresh file");
        fs::set_permissions(mount.path("report.md"), PermissionsExt::from_mode(0o640)).expect("any mode");
        std::os::unix::fs::chown(mount.path("report.md"), Some(1234), Some(1235)).expect("we are root");
        let sync = OFlags::SYNC.bits().cast_signed();
        let file =
            File::options().write(true).custom_flags(sync).open(mount.path("report.md")).expect("there");
        arrive(mount, "report.md", b"theirs");
        file.write_all_at(b"ours!", 0).expect("writable");
        let written = file.metadata().expect("open").modified().expect("known");
        drop(file);
        let listed = names(mount, "", 2);
        outlive_the_kernels_memory();
        let saved = fs::metadata(mount.path(copy(&listed))).expect("it is there");
        assert_eq!((saved.mode() & 0o7777, saved.uid(), saved.gid()), (0o640, 1234, 1235));
        let later = saved.modified().expect("known").duration_since(written).unwrap_or_default();
        assert!(later < Duration::from_millis(100), "{later:?}");
    });
}
