//! Another machine writes into the same folder.

use super::*;
use rustix::io::Errno;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// A new version arrives as a sync client writes it: a file renamed into place.
fn arrive(mount: &Mount, name: &str, contents: &[u8]) {
    let beside = mount.open(false);
    let how = volume::OpenFile { read: false, write: true, truncate: false };
    let (root, temporary) = (beside.root(), OsStr::new("arriving"));
    let file = beside.create_file(&root, temporary, 0o644, true, how, None).expect("a fresh file");
    file.write_at(contents, 0).expect("writable");
    drop(file);
    beside
        .rename(&root, temporary, &root, OsStr::new(name), volume::RenameMode::Replace)
        .expect("both are there");
}

#[test]
fn a_version_renamed_into_place_is_seen() {
    with_every_profile(|mount| {
        let path = mount.path("file");
        fs::write(&path, b"ours, and a good deal longer").expect("a fresh file");
        assert_eq!(fs::read(&path).expect("it is there"), b"ours, and a good deal longer");
        let open = File::open(&path).expect("it is there");
        arrive(mount, "file", b"theirs");
        outlive_the_kernels_memory();
        assert_eq!(fs::metadata(&path).expect("it is there").len(), 6);
        assert_eq!(fs::read(&path).expect("it is there"), b"theirs");
        // who has the old version open goes on reading it
        let mut contents = [0; 28];
        open.read_exact_at(&mut contents, 0).expect("it is open");
        assert_eq!(&contents, b"ours, and a good deal longer");
        assert_eq!(open.metadata().expect("it is open").len(), 28);
    });
}

/// What arrives within the second that the kernel trusts its memory is not cut or overwritten by mistake.
#[test]
fn a_version_that_has_just_arrived_is_opened() {
    with_every_profile(|mount| {
        let path = mount.path("file");
        fs::write(&path, b"ours, and a good deal longer").expect("a fresh file");
        arrive(mount, "file", b"theirs");
        assert_eq!(fs::read(&path).expect("it is there"), b"theirs");
    });
}

/// What the mount does to the file right afterwards, before anybody has looked, does not pass for the cause.
#[test]
fn changes_in_place_are_seen_behind_our_own() {
    with_every_profile(|mount| {
        let path = mount.path("file");
        let beside = mount.open(false);
        let how = volume::OpenFile { read: true, write: true, truncate: false };
        for round in 0..20 {
            fs::write(&path, format!("first {round:02}")).expect("writable");
            let file = File::open(&path).expect("it is there");
            let modified = file.metadata().expect("it is open").modified().expect("on Unix");
            let theirs = beside.open_file(&beside.root(), OsStr::new("file"), how).expect("it is there");
            theirs.write_at(b"other", 0).expect("writable");
            file.set_modified(modified).expect("our own file");
            drop(file);
            outlive_the_kernels_memory();
            assert_eq!(fs::read(&path).expect("it is there"), format!("other {round:02}").as_bytes());
        }
    });
}

#[test]
fn changes_in_place_are_seen() {
    with_every_profile(|mount| {
        let path = mount.path("file");
        fs::write(&path, b"first").expect("a fresh file");
        assert_eq!(fs::read(&path).expect("it is there"), b"first");
        let beside = mount.open(false);
        let how = volume::OpenFile { read: true, write: true, truncate: false };
        let file = beside.open_file(&beside.root(), OsStr::new("file"), how).expect("it is there");
        file.write_at(b"other", 0).expect("writable");
        outlive_the_kernels_memory();
        assert_eq!(fs::read(&path).expect("it is there"), b"other");
    });
}

/// The loser of a conflict, as a sync client leaves it beside the version that won.
#[test]
fn a_conflicted_copy_is_seen_and_is_a_file_like_any_other() {
    with_every_profile(|mount| {
        fs::create_dir(mount.path("notes")).expect("a fresh folder");
        fs::write(mount.path("notes/report.md"), "ours").expect("a fresh file");
        let copy = mount.path("notes/report (ann's conflicted copy 2026-11-22).md");
        assert_eq!(errno(fs::metadata(&copy)), Some(Errno::NOENT));
        let cipher = mount.cipher_path("notes/report.md");
        let mut marked = cipher.clone().into_os_string();
        marked.push(" (ann's conflicted copy 2026-11-22)");
        fs::rename(&cipher, &marked).expect("it is there");
        outlive_the_kernels_memory();
        assert_eq!(errno(fs::metadata(mount.path("notes/report.md"))), Some(Errno::NOENT));
        let listed = fs::read_dir(mount.path("notes")).expect("it is there");
        let names: Vec<_> = listed.map(|entry| entry.expect("readable").path()).collect();
        assert_eq!(names, std::slice::from_ref(&copy));
        assert_eq!(fs::read_to_string(&copy).expect("it shows"), "ours");
        fs::write(&copy, "ours, and more").expect("writable");
        fs::rename(&copy, mount.path("notes/report.md")).expect("any other name");
        assert!(!Path::new(&marked).exists());
        assert_eq!(fs::read_to_string(mount.path("notes/report.md")).expect("renamed"), "ours, and more");
        fs::rename(&cipher, &marked).expect("it is there");
        outlive_the_kernels_memory();
        fs::remove_file(&copy).expect("it shows");
        fs::remove_dir(mount.path("notes")).expect("empty");
    });
}

#[test]
fn files_and_folders_come_and_go() {
    with_every_profile(|mount| {
        fs::create_dir_all(mount.path("folder/inner")).expect("fresh folders");
        fs::write(mount.path("folder/inner/file"), "text").expect("a fresh file");
        let beside = mount.open(false);
        let root = beside.root();
        let name = |name| OsStr::new(name);
        beside.mkdir(&root, name("new"), 0o755, None).expect("a fresh folder");
        assert!(mount.path("new").is_dir());
        beside
            .rename(&root, name("folder"), &root, name("moved"), volume::RenameMode::Replace)
            .expect("it is there");
        outlive_the_kernels_memory();
        assert_eq!(errno(fs::metadata(mount.path("folder"))), Some(Errno::NOENT));
        assert_eq!(fs::read_to_string(mount.path("moved/inner/file")).expect("it moved along"), "text");
        fs::write(mount.path("moved/inner/another"), "more").expect("a fresh file");
        beside.rmdir(&root, name("new")).expect("it is empty");
        outlive_the_kernels_memory();
        assert_eq!(errno(fs::read_dir(mount.path("new"))), Some(Errno::NOENT));
    });
}

/// A program that renames or exchanges a file which was replaced an instant ago finds the new version afterwards, though
/// somebody has the old one open.
#[test]
fn what_is_renamed_is_what_arrived() {
    for profile in [Profile::Sync, Profile::Boxcryptor, Profile::Standard, Profile::Paranoia] {
        if !has_fuse() {
            return;
        }
        let mut mount = Mount::fresh(profile);
        // nobody tells the kernel, which believes what it knows
        mount.mount(|options| {
            options.watch = None;
            options.caching.unwatched = Duration::from_secs(3600);
        });
        let fresh = |name: &str| {
            fs::write(mount.path(name), "first").expect("a fresh file");
            File::open(mount.path(name)).expect("it is there")
        };
        let read = |name: &str| fs::read_to_string(mount.path(name)).expect("it is there");
        let open = fresh("file");
        arrive(&mount, "file", b"second");
        fs::rename(mount.path("file"), mount.path("moved")).expect("it is there");
        assert_eq!(read("moved"), "second");
        assert_eq!(io::read_to_string(&open).expect("it is open"), "first");

        let (_one, _other) = (fresh("one"), fresh("other"));
        arrive(&mount, "one", b"one, second");
        arrive(&mount, "other", b"other, second");
        let (one, other) = (mount.path("one"), mount.path("other"));
        let flags = rustix::fs::RenameFlags::EXCHANGE;
        rustix::fs::renameat_with(rustix::fs::CWD, &one, rustix::fs::CWD, &other, flags)
            .expect("both are there");
        assert_eq!((read("one").as_str(), read("other").as_str()), ("other, second", "one, second"));
    }
}
