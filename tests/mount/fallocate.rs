use super::*;
use rustix::fs::FallocateFlags;
use rustix::fs::fallocate;
use rustix::io::Errno;
use std::fs::File;

#[test]
fn lengthens_with_zeros_and_never_shortens() {
    with_every_profile(|mount| {
        let path = mount.path("file");
        fs::write(&path, b"kept").expect("a fresh file");
        let file = File::options().write(true).open(&path).expect("it is there");
        fallocate(&file, FallocateFlags::empty(), 1000, 4000).expect("lengthens");
        fallocate(&file, FallocateFlags::empty(), 0, 10).expect("nothing to do");
        let contents = fs::read(&path).expect("it is there");
        assert_eq!((&contents[..4], contents.len()), (&b"kept"[..], 5000));
        assert!(contents[4..].iter().all(|&byte| byte == 0));
    });
}

#[test]
fn what_cannot_be_kept_is_not_promised() {
    with_profile(Profile::Sync, |mount| {
        let file = File::create_new(mount.path("file")).expect("a fresh file");
        for mode in [
            FallocateFlags::KEEP_SIZE,
            FallocateFlags::KEEP_SIZE | FallocateFlags::PUNCH_HOLE,
            FallocateFlags::ZERO_RANGE,
        ] {
            assert_eq!(fallocate(&file, mode, 0, 4096), Err(Errno::OPNOTSUPP));
        }
    });
}
