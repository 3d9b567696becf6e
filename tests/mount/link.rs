use super::*;
use encbox::config::FileIvMode;
use rustix::io::Errno;
use std::os::unix::fs::MetadataExt;

#[test]
fn two_names_for_one_file() {
    with_every_profile(|mount| {
        fs::write(mount.path("one"), b"text").expect("a fresh file");
        fs::create_dir(mount.path("folder")).expect("a fresh folder");
        let linked = fs::hard_link(mount.path("one"), mount.path("folder/two"));
        if mount.config.parameters().file_iv == FileIvMode::External {
            assert_eq!(errno(linked), Some(Errno::PERM));
            return;
        }
        linked.expect("one more name");
        let (one, two) = (fs::metadata(mount.path("one")), fs::metadata(mount.path("folder/two")));
        let (one, two) = (one.expect("it is there"), two.expect("it is there"));
        assert_eq!((one.ino(), one.nlink()), (two.ino(), 2));
        fs::write(mount.path("one"), b"changed").expect("it is there");
        assert_eq!(fs::read(mount.path("folder/two")).expect("it is there"), b"changed");

        fs::remove_file(mount.path("one")).expect("it is there");
        outlive_the_kernels_memory();
        let left = fs::metadata(mount.path("folder/two")).expect("the other name is there");
        assert_eq!((left.ino(), left.nlink()), (two.ino(), 1));
        assert_eq!(fs::read(mount.path("folder/two")).expect("it is there"), b"changed");
    });
}

#[test]
fn more_names_than_are_remembered() {
    with_profile(Profile::Sync, |mount| {
        fs::write(mount.path("0"), b"text").expect("a fresh file");
        for name in 1..30 {
            fs::hard_link(mount.path("0"), mount.path(name.to_string())).expect("one more name");
        }
        for name in (1..30).rev() {
            fs::remove_file(mount.path(name.to_string())).expect("it is there");
        }
        outlive_the_kernels_memory();
        assert_eq!(fs::read(mount.path("0")).expect("the first name is there"), b"text");
        assert_eq!(fs::metadata(mount.path("0")).expect("it is there").nlink(), 1);
    });
}
