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
fn a_punched_hole_reads_as_zeros_and_leaves_the_rest() {
    with_every_profile(|mount| {
        let path = mount.path("file");
        fs::write(&path, vec![7; 20_000]).expect("a fresh file");
        let file = File::options().write(true).open(&path).expect("it is there");
        let punch = FallocateFlags::KEEP_SIZE | FallocateFlags::PUNCH_HOLE;
        fallocate(&file, punch, 3000, 10_000).expect("within the file");
        fallocate(&file, punch, 19_000, 50_000).expect("over its end");
        fallocate(&file, punch, 60_000, 10).expect("behind its end");
        let contents = fs::read(&path).expect("it is there");
        let expected: Vec<u8> =
            (0..20_000).map(|at| if (3000..13_000).contains(&at) || at >= 19_000 { 0 } else { 7 }).collect();
        assert!(contents == expected);
    });
}

#[test]
fn what_cannot_be_kept_is_not_promised() {
    with_profile(Profile::Sync, |mount| {
        let file = File::create_new(mount.path("file")).expect("a fresh file");
        for mode in [FallocateFlags::KEEP_SIZE, FallocateFlags::ZERO_RANGE] {
            assert_eq!(fallocate(&file, mode, 0, 4096), Err(Errno::OPNOTSUPP));
        }
    });
}
