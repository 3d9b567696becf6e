use super::*;
use rustix::fs::FallocateFlags;
use rustix::fs::fallocate;
use rustix::io::Errno;
use std::fs::File;
use std::os::unix::fs::FileExt;

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
fn a_zeroed_range_may_lengthen() {
    with_every_profile(|mount| {
        let path = mount.path("file");
        fs::write(&path, vec![7; 20_000]).expect("a fresh file");
        let file = File::options().write(true).open(&path).expect("it is there");
        let keep = FallocateFlags::ZERO_RANGE | FallocateFlags::KEEP_SIZE;
        fallocate(&file, keep, 3000, 10_000).expect("within the file");
        fallocate(&file, keep, 19_000, 50_000).expect("over its end");
        let expected: Vec<u8> =
            (0..20_000).map(|at| if (3000..13_000).contains(&at) || at >= 19_000 { 0 } else { 7 }).collect();
        assert!(fs::read(&path).expect("it is there") == expected);
        fallocate(&file, FallocateFlags::ZERO_RANGE, 18_000, 50_000).expect("lengthens");
        let contents = fs::read(&path).expect("it is there");
        assert_eq!(contents.len(), 68_000);
        assert!(contents[..18_000] == expected[..18_000]);
        assert!(contents[18_000..].iter().all(|&byte| byte == 0));
    });
}

/// Writes that the kernel still holds are under the zeros, or beside them, as they were ordered.
#[test]
fn zeros_and_writes_keep_their_order() {
    with_every_profile(|mount| {
        let path = mount.path("file");
        let file = File::options().read(true).write(true).create_new(true).open(&path).expect("fresh");
        let mut model = pattern(1, 300_000);
        file.write_all_at(&model, 0).expect("written");
        let mut random = Random(3);
        for round in 0..60 {
            let at = random.below(300_000);
            let len = 1 + random.below(20_000).min(300_000 - at - 1);
            if round % 2 == 0 {
                let mode = FallocateFlags::ZERO_RANGE | FallocateFlags::KEEP_SIZE;
                fallocate(&file, mode, at as u64, len as u64).expect("within the file");
                model[at..at + len].fill(0);
            } else {
                let data = pattern(round, len);
                file.write_all_at(&data, at as u64).expect("written");
                model[at..at + len].copy_from_slice(&data);
            }
        }
        assert!(fs::read(&path).expect("it is there") == model);
    });
}

#[test]
fn what_cannot_be_kept_is_not_promised() {
    with_profile(Profile::Sync, |mount| {
        let file = File::create_new(mount.path("file")).expect("a fresh file");
        let modes = [FallocateFlags::KEEP_SIZE, FallocateFlags::COLLAPSE_RANGE, FallocateFlags::INSERT_RANGE];
        for mode in modes {
            assert_eq!(fallocate(&file, mode, 0, 4096), Err(Errno::OPNOTSUPP));
        }
    });
}
