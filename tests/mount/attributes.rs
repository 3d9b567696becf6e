use super::*;
use rustix::fs::AtFlags;
use rustix::fs::CWD;
use rustix::fs::Timespec;
use rustix::fs::Timestamps;
use rustix::fs::UTIME_OMIT;
use rustix::fs::utimensat;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::chown;
use std::os::unix::fs::lchown;
use std::os::unix::fs::symlink;

fn set_times(path: &Path, atime: (i64, i64), mtime: (i64, i64)) {
    let times = [atime, mtime].map(|(tv_sec, tv_nsec)| Timespec { tv_sec, tv_nsec });
    let times = Timestamps { last_access: times[0], last_modification: times[1] };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).expect("any time");
}

fn times(path: &Path) -> [(i64, i64); 2] {
    let metadata = fs::symlink_metadata(path).expect("it is there");
    [(metadata.atime(), metadata.atime_nsec()), (metadata.mtime(), metadata.mtime_nsec())]
}

#[test]
fn times_to_the_nanosecond() {
    with_every_profile(|mount| {
        fs::write(mount.path("file"), "text").expect("a fresh file");
        fs::create_dir(mount.path("folder")).expect("a fresh folder");
        symlink("file", mount.path("link")).expect("a fresh link");
        for name in ["file", "folder", "link"] {
            let path = mount.path(name);
            set_times(&path, (1_234_567_890, 123_456_789), (987_654_321, 1));
            assert_eq!(times(&path), [(1_234_567_890, 123_456_789), (987_654_321, 1)], "{name}");
            set_times(&path, (0, UTIME_OMIT), (2_000_000_000, 999_999_999));
            let [atime, mtime] = times(&path);
            assert_eq!(mtime, (2_000_000_000, 999_999_999), "{name}");
            // the length of a link is that of its decoded target, and to read that is an access
            assert!(atime == (1_234_567_890, 123_456_789) || name == "link", "{name}");
        }
    });
}

/// Reading and writing move times as on a local disk.
#[test]
fn a_write_moves_the_time_of_change() {
    with_every_profile(|mount| {
        let path = mount.path("file");
        fs::write(&path, "text").expect("a fresh file");
        set_times(&path, (1000, 0), (1000, 0));
        File::options()
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(b"more"))
            .expect("writable");
        assert!(times(&path)[1].0 > 1000);
        set_times(&path, (1000, 0), (1000, 0));
        File::options().write(true).open(&path).and_then(|file| file.set_len(1)).expect("writable");
        assert!(times(&path)[1].0 > 1000);
    });
}

#[test]
fn every_permission_bit() {
    with_every_profile(|mount| {
        fs::write(mount.path("file"), "").expect("a fresh file");
        fs::create_dir(mount.path("folder")).expect("a fresh folder");
        for name in ["file", "folder"] {
            for mode in [0o600, 0o777, 0o1755, 0o2755, 0o4711, 0o000, 0o644] {
                fs::set_permissions(mount.path(name), PermissionsExt::from_mode(mode)).expect("any mode");
                let set = fs::metadata(mount.path(name)).expect("it is there").mode() & 0o7777;
                assert_eq!(set, mode, "{name}");
            }
        }
    });
}

#[test]
fn owners() {
    with_every_profile(|mount| {
        fs::write(mount.path("file"), "").expect("a fresh file");
        symlink("file", mount.path("link")).expect("a fresh link");
        let owner = |name: &str| {
            let metadata = fs::symlink_metadata(mount.path(name)).expect("it is there");
            (metadata.uid(), metadata.gid())
        };
        chown(mount.path("file"), Some(1000), Some(1001)).expect("root may");
        assert_eq!(owner("file"), (1000, 1001));
        chown(mount.path("file"), None, Some(1002)).expect("root may");
        assert_eq!(owner("file"), (1000, 1002));
        lchown(mount.path("link"), Some(1003), None).expect("root may");
        assert_eq!(owner("link"), (1003, 0));
        assert_eq!(owner("file"), (1000, 1002));
    });
}

#[test]
fn the_root_of_the_volume_has_attributes_too() {
    with_every_profile(|mount| {
        fs::set_permissions(mount.root(), PermissionsExt::from_mode(0o750)).expect("any mode");
        set_times(&mount.root(), (5, 5), (6, 6));
        let metadata = fs::metadata(mount.root()).expect("it is mounted");
        assert_eq!((metadata.mode() & 0o7777, metadata.mtime()), (0o750, 6));
        assert_eq!(metadata.ino(), fs::metadata(mount.volume_path()).expect("it is there").ino());
    });
}
