use super::*;
use rustix::io::Errno;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::time::SystemTime;

/// A file without a name lives as long as a handle is open on it.
#[test]
fn while_open() {
    with_every_profile(|mount| {
        let path = mount.path("file");
        let file = File::options().read(true).write(true).create_new(true).open(&path).expect("a fresh file");
        file.write_all_at(b"still here", 0).expect("writable");
        fs::remove_file(&path).expect("it is there");
        assert_eq!(errno(fs::metadata(&path)), Some(Errno::NOENT));

        outlive_the_kernels_memory();
        let metadata = file.metadata().expect("it is open");
        assert_eq!((metadata.len(), metadata.nlink()), (10, 0));
        file.set_len(5).expect("any size");
        file.set_permissions(PermissionsExt::from_mode(0o600)).expect("any mode");
        file.set_modified(SystemTime::UNIX_EPOCH).expect("any time");
        file.write_all_at(b" and growing", 5).expect("writable");
        let mut contents = [0; 17];
        file.read_exact_at(&mut contents, 0).expect("readable");
        assert_eq!(&contents, b"still and growing");
        assert_eq!(file.metadata().expect("it is open").mode() & 0o7777, 0o600);
    });
}

/// A new file under the old name is another file.
#[test]
fn and_made_again_while_open() {
    with_every_profile(|mount| {
        let path = mount.path("file");
        fs::write(&path, b"old").expect("a fresh file");
        let old = File::open(&path).expect("it is there");
        fs::remove_file(&path).expect("it is there");
        fs::write(&path, b"new one").expect("a fresh file");
        let mut contents = [0; 3];
        old.read_exact_at(&mut contents, 0).expect("readable");
        assert_eq!((&contents, old.metadata().expect("it is open").len()), (b"old", 3));
        assert_eq!(fs::read(&path).expect("it is there"), b"new one");
    });
}

/// The disk gives numbers of removed files to new ones at once; the kernel must not mix them up.
#[test]
fn a_number_used_again_carries_nothing_over() {
    with_profile(Profile::Sync, |mount| {
        for round in 0..200 {
            let path = mount.path(format!("file {round}"));
            let contents = format!("contents of round {round}");
            fs::write(&path, &contents).expect("a fresh file");
            assert_eq!(fs::read_to_string(&path).expect("it is there"), contents);
            fs::remove_file(&path).expect("it is there");
            fs::create_dir(&path).expect("the name is free");
            assert!(fs::metadata(&path).expect("it is there").is_dir());
            fs::remove_dir(&path).expect("it is empty");
        }
    });
}

#[test]
fn what_is_not_there_or_not_a_file() {
    with_profile(Profile::Sync, |mount| {
        fs::create_dir(mount.path("folder")).expect("a fresh folder");
        assert_eq!(errno(fs::remove_file(mount.path("missing"))), Some(Errno::NOENT));
        assert_eq!(errno(fs::remove_file(mount.path("folder"))), Some(Errno::ISDIR));
    });
}
