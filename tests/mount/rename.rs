use super::*;
use rustix::fs::CWD;
use rustix::fs::RenameFlags;
use rustix::fs::renameat_with;
use rustix::io::Errno;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_file_keeps_contents_and_number() {
    with_every_profile(|mount| {
        fs::create_dir(mount.path("folder")).expect("a fresh folder");
        fs::write(mount.path("old"), pattern(1, 5000)).expect("a fresh file");
        let before = fs::metadata(mount.path("old")).expect("it is there");
        fs::rename(mount.path("old"), mount.path("folder/new")).expect("it is there");
        assert_eq!(errno(fs::metadata(mount.path("old"))), Some(Errno::NOENT));
        let after = fs::metadata(mount.path("folder/new")).expect("it is there");
        assert_eq!((before.ino(), before.mtime_nsec()), (after.ino(), after.mtime_nsec()));
        assert!(fs::read(mount.path("folder/new")).expect("it is there") == pattern(1, 5000));
    });
}

/// The kernel goes on with the same node under another name: attributes, links and contents must be found.
#[test]
fn under_an_open_handle() {
    with_every_profile(|mount| {
        let path = mount.path("old");
        let file = File::options().read(true).write(true).create_new(true).open(&path).expect("a fresh file");
        file.write_all_at(b"before", 0).expect("writable");
        for step in 0..5 {
            fs::rename(
                mount.path(if step == 0 { "old".into() } else { format!("{}", step - 1) }),
                mount.path(step.to_string()),
            )
            .expect("it is there");
            file.write_all_at(b"after", 6).expect("writable");
            assert_eq!(fs::read(mount.path(step.to_string())).expect("it is there"), b"beforeafter");
            fs::set_permissions(mount.path(step.to_string()), PermissionsExt::from_mode(0o600))
                .expect("any mode");
        }
        outlive_the_kernels_memory();
        assert_eq!(file.metadata().expect("it is open").mode() & 0o7777, 0o600);
    });
}

/// With chained names everything below is encoded anew.
#[test]
fn a_folder_with_everything_below() {
    with_every_profile(|mount| {
        fs::create_dir_all(mount.path("old/inner/innermost")).expect("fresh folders");
        fs::create_dir(mount.path("elsewhere")).expect("a fresh folder");
        fs::write(mount.path("old/one"), pattern(1, 3000)).expect("a fresh file");
        fs::write(mount.path("old/inner/innermost/two"), pattern(2, 3000)).expect("a fresh file");
        std::os::unix::fs::symlink("one", mount.path("old/link")).expect("a fresh link");
        let open = File::options().read(true).write(true).open(mount.path("old/inner/innermost/two"));
        let open = open.expect("it is there");

        fs::rename(mount.path("old"), mount.path("elsewhere/new")).expect("it is there");

        assert!(fs::read(mount.path("elsewhere/new/one")).expect("it is there") == pattern(1, 3000));
        let two = mount.path("elsewhere/new/inner/innermost/two");
        assert!(fs::read(&two).expect("it is there") == pattern(2, 3000));
        open.write_all_at(b"written under the new name", 0).expect("it is open");
        assert!(fs::read(&two).expect("it is there").starts_with(b"written under the new name"));
        let link = fs::read_link(mount.path("elsewhere/new/link")).expect("it is there");
        assert_eq!(link, Path::new("one"));
        assert_eq!(errno(fs::metadata(mount.path("old"))), Some(Errno::NOENT));
        fs::write(mount.path("elsewhere/new/inner/three"), "made afterwards").expect("a fresh file");

        // another program finds the same
        let beside = mount.open(true);
        let path = PlainPath::parse(OsStr::new("elsewhere/new/inner/three")).expect("inside");
        assert!(beside.walk(&path, volume::Follow::No).and_then(|place| beside.stat(place.target())).is_ok());
    });
}

#[test]
fn replaces_what_is_there() {
    with_every_profile(|mount| {
        fs::write(mount.path("new"), "new").expect("a fresh file");
        fs::write(mount.path("old"), "old").expect("a fresh file");
        let old = File::open(mount.path("old")).expect("it is there");
        fs::rename(mount.path("new"), mount.path("old")).expect("it is there");
        assert_eq!(fs::read(mount.path("old")).expect("it is there"), b"new");
        let mut contents = [0; 3];
        old.read_exact_at(&mut contents, 0).expect("it is open");
        assert_eq!(&contents, b"old");

        fs::create_dir(mount.path("folder")).expect("a fresh folder");
        fs::create_dir(mount.path("full")).expect("a fresh folder");
        fs::write(mount.path("full/file"), "").expect("a fresh file");
        assert_eq!(errno(fs::rename(mount.path("folder"), mount.path("full"))), Some(Errno::NOTEMPTY));
        assert_eq!(errno(fs::rename(mount.path("old"), mount.path("folder"))), Some(Errno::ISDIR));
        assert_eq!(errno(fs::rename(mount.path("folder"), mount.path("old"))), Some(Errno::NOTDIR));
        assert_eq!(errno(fs::rename(mount.path("full"), mount.path("full/below"))), Some(Errno::INVAL));
        fs::rename(mount.path("full"), mount.path("folder")).expect("an empty folder can be replaced");
        assert!(mount.path("folder/file").exists());
    });
}

#[test]
fn without_replacing() {
    with_every_profile(|mount| {
        let (old, new) = (mount.path("old"), mount.path("new"));
        fs::write(&old, "old").expect("a fresh file");
        fs::write(&new, "new").expect("a fresh file");
        let rename = || renameat_with(CWD, &old, CWD, &new, RenameFlags::NOREPLACE);
        assert_eq!(rename(), Err(Errno::EXIST));
        assert_eq!(fs::read(&new).expect("it is there"), b"new");
        fs::remove_file(&new).expect("it is there");
        rename().expect("the name is free");
        assert_eq!(fs::read(&new).expect("it is there"), b"old");
    });
}

#[test]
fn exchanging_two() {
    with_every_profile(|mount| {
        fs::create_dir_all(mount.path("folder/inner")).expect("fresh folders");
        fs::write(mount.path("folder/inner/file"), pattern(1, 3000)).expect("a fresh file");
        fs::write(mount.path("file"), pattern(2, 3000)).expect("a fresh file");
        let exchange =
            |a: &str, b: &str| renameat_with(CWD, mount.path(a), CWD, mount.path(b), RenameFlags::EXCHANGE);
        exchange("folder", "file").expect("both are there");
        assert!(fs::read(mount.path("folder")).expect("a file now") == pattern(2, 3000));
        assert!(fs::read(mount.path("file/inner/file")).expect("it moved along") == pattern(1, 3000));
        exchange("file/inner/file", "folder").expect("both are there");
        assert!(fs::read(mount.path("folder")).expect("it is there") == pattern(1, 3000));
        assert!(fs::read(mount.path("file/inner/file")).expect("it is there") == pattern(2, 3000));
        assert_eq!(exchange("folder", "missing"), Err(Errno::NOENT));
        outlive_the_kernels_memory();
        assert!(fs::read(mount.path("folder")).expect("it is there") == pattern(1, 3000));
    });
}

#[test]
fn other_flags_are_refused() {
    with_profile(Profile::Sync, |mount| {
        fs::write(mount.path("old"), "").expect("a fresh file");
        let whiteout = renameat_with(CWD, mount.path("old"), CWD, mount.path("new"), RenameFlags::WHITEOUT);
        assert_eq!(whiteout, Err(Errno::INVAL));
    });
}
