use super::*;
use rustix::io::Errno;
use std::os::unix::ffi::OsStrExt;

/// The longest name is what `statfs` says it is; one byte more is too long for every operation.
#[test]
fn the_limit_is_exact() {
    with_every_profile(|mount| {
        let limit = rustix::fs::statvfs(mount.root()).expect("it is mounted").f_namemax as usize;
        assert!((100..256).contains(&limit), "{limit}");
        let longest = mount.path("n".repeat(limit));
        fs::write(&longest, "text").expect("it just fits");
        assert_eq!(fs::read(&longest).expect("it is there"), b"text");
        fs::create_dir(mount.path("folder")).expect("a fresh folder");
        fs::rename(&longest, mount.path("folder").join("m".repeat(limit))).expect("it just fits");

        let too_long = mount.path("n".repeat(limit + 1));
        let refused = Some(Errno::NAMETOOLONG);
        assert_eq!(errno(fs::metadata(&too_long)), refused);
        assert_eq!(errno(fs::write(&too_long, "")), refused);
        assert_eq!(errno(fs::create_dir(&too_long)), refused);
        assert_eq!(errno(std::os::unix::fs::symlink("a", &too_long)), refused);
        assert_eq!(errno(fs::rename(mount.path("folder"), &too_long)), refused);
        assert_eq!(errno(fs::remove_file(&too_long)), refused);
    });
}

#[test]
fn every_byte_but_two_is_allowed() {
    with_every_profile(|mount| {
        let bytes: Vec<u8> = (1..=255).filter(|&byte| byte != b'/').collect();
        for name in bytes.chunks(60).map(OsStr::from_bytes) {
            fs::write(mount.path(name), name.as_bytes()).expect("a fresh file");
        }
        let mut listed = 0;
        for entry in fs::read_dir(mount.root()).expect("it is mounted") {
            let entry = entry.expect("readable");
            assert_eq!(fs::read(entry.path()).expect("it is there"), entry.file_name().as_bytes());
            listed += 1;
        }
        assert_eq!(listed, bytes.chunks(60).count());
    });
}

#[test]
fn free_space_is_that_of_the_disk() {
    with_profile(Profile::Sync, |mount| {
        let (shown, real) = (rustix::fs::statvfs(mount.root()), rustix::fs::statvfs(mount.volume_path()));
        let (shown, real) = (shown.expect("it is mounted"), real.expect("it is there"));
        assert_eq!((shown.f_blocks, shown.f_frsize), (real.f_blocks, real.f_frsize));
        assert_eq!(shown.f_files, real.f_files);
    });
}
