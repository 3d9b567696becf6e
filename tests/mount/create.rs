use super::*;
use rustix::io::Errno;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;

/// What was written is what is read, at every size around the edges of blocks.
#[test]
fn contents_survive_a_remount() {
    if !has_fuse() {
        return;
    }
    for profile in [Profile::Sync, Profile::Boxcryptor, Profile::Standard, Profile::Paranoia] {
        let mut mount = Mount::fresh(profile);
        mount.mount(|_| {});
        let sizes = [0, 1, 15, 16, 17, 1015, 1016, 1017, 1024, 4080, 4088, 4089, 4096, 12_293, 1_048_577];
        for size in sizes {
            fs::write(mount.path(size.to_string()), pattern(1, size)).expect("a fresh file");
        }
        mount.remount();
        for size in sizes {
            let path = mount.path(size.to_string());
            assert_eq!(fs::metadata(&path).expect("it is there").len(), size as u64);
            assert!(fs::read(&path).expect("it is there") == pattern(1, size), "{profile:?} {size}");
        }
    }
}

#[test]
fn exclusive_creation_refuses_what_is_there() {
    with_every_profile(|mount| {
        let path = mount.path("file");
        let create = || File::options().write(true).create_new(true).open(&path);
        create().expect("a fresh file");
        assert_eq!(errno(create()), Some(Errno::EXIST));
    });
}

#[test]
fn the_mode_is_what_the_umask_leaves() {
    with_profile(Profile::Sync, |mount| {
        let umask = own_umask();
        let path = mount.path("file");
        File::options().write(true).create_new(true).mode(0o666).open(&path).expect("a fresh file");
        let mode = fs::metadata(&path).expect("it is there").mode() & 0o7777;
        assert_eq!(Some(mode), umask.map(|umask| 0o666 & !umask));
    });
}

fn own_umask() -> Option<u32> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"))?;
    u32::from_str_radix(line.trim(), 8).ok()
}

/// A file made without write permission is still written through the handle that made it.
#[test]
fn a_read_only_mode_binds_later_handles() {
    with_every_profile(|mount| {
        let path = mount.path("file");
        let mut file = File::options().write(true).create_new(true).mode(0o444).open(&path).expect("fresh");
        file.write_all(b"written once").expect("the handle may write");
        assert_eq!(fs::read(&path).expect("readable"), b"written once");
    });
}

#[test]
fn the_name_of_the_config_is_taken_only_where_names_are_plain() {
    with_every_profile(|mount| {
        fs::write(mount.path(".encfs6.xml"), "my own").expect("an ordinary name once encoded");
        assert_eq!(fs::read(mount.path(".encfs6.xml")).expect("it is there"), b"my own");
    });
}
