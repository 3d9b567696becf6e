use super::*;
use rustix::fs::SeekFrom;
use rustix::fs::seek;
use rustix::io::Errno;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// More than a page and any block: no hole is lost by rounding to those.
const PIECE: u64 = 1 << 20;

/// Where data and holes begin, from the start of a file on.
fn borders(file: &File) -> Vec<u64> {
    let mut borders = Vec::new();
    let mut at = 0;
    while let Ok(data) = seek(file, SeekFrom::Data(at)) {
        at = seek(file, SeekFrom::Hole(data)).expect("at the end there is one");
        borders.extend([data, at]);
    }
    borders
}

fn is_near(found: u64, expected: u64) -> bool {
    found.abs_diff(expected) <= 2 * 4096
}

/// Data, a hole, data, a hole; by a handle that may still have writes to bring, and by one that has not.
fn sparse(mount: &Mount, check: impl Fn(&File)) {
    let path = mount.path("sparse");
    let file = File::options().read(true).write(true).create_new(true).open(&path).expect("a fresh file");
    file.set_len(4 * PIECE).expect("grows");
    file.write_all_at(&pattern(1, 10_000), 0).expect("written");
    file.write_all_at(&pattern(2, 10_000), 2 * PIECE).expect("written");
    check(&file);
    drop(file);
    check(&File::open(&path).expect("it is there"));
}

#[test]
fn holes_are_found_where_the_volume_allows_them() {
    for profile in [Profile::Boxcryptor, Profile::Standard, Profile::Paranoia] {
        with_profile(profile, |mount| {
            assert!(mount.config.parameters().allow_holes);
            sparse(mount, |file| {
                let mut found = borders(file);
                if found.len() == 6 {
                    // the last block, being short, is data
                    assert!(found[4] < 4 * PIECE && is_near(found[4], 4 * PIECE), "{found:?}");
                    assert_eq!(found[5], 4 * PIECE);
                    found.truncate(4);
                }
                assert_eq!(found.len(), 4, "{found:?}");
                assert_eq!(found[0], 0);
                assert!(found[1] >= 10_000 && is_near(found[1], 10_000), "{found:?}");
                assert!(found[2] <= 2 * PIECE && is_near(found[2], 2 * PIECE), "{found:?}");
                assert!(found[3] >= 2 * PIECE + 10_000 && is_near(found[3], 2 * PIECE + 10_000), "{found:?}");
            });
        });
    }
}

#[test]
fn where_it_does_not_all_is_data() {
    with_profile(Profile::Sync, |mount| {
        assert!(!mount.config.parameters().allow_holes);
        sparse(mount, |file| assert_eq!(borders(file), [0, 4 * PIECE]));
    });
}

#[test]
fn beyond_the_end_there_is_nothing() {
    with_every_profile(|mount| {
        let path = mount.path("file");
        let file = File::options().read(true).write(true).create_new(true).open(&path).expect("a fresh file");
        assert_eq!(seek(&file, SeekFrom::Data(0)), Err(Errno::NXIO));
        assert_eq!(seek(&file, SeekFrom::Hole(0)), Err(Errno::NXIO));
        // still with the kernel
        file.write_all_at(&pattern(3, 100), 0).expect("written");
        assert_eq!(seek(&file, SeekFrom::Data(99)), Ok(99));
        assert_eq!(seek(&file, SeekFrom::Hole(0)), Ok(100));
        assert_eq!(seek(&file, SeekFrom::Data(100)), Err(Errno::NXIO));
        assert_eq!(seek(&file, SeekFrom::Hole(100)), Err(Errno::NXIO));
    });
}

/// What is written but not yet on disk is data, through a memory map as well.
#[test]
fn no_data_hides_in_a_hole() {
    with_every_profile(|mount| {
        let path = mount.path("file");
        let file = File::options().read(true).write(true).create_new(true).open(&path).expect("a fresh file");
        file.set_len(4 * PIECE).expect("grows");
        let mut random = Random(7);
        for round in 0..40 {
            let at = random.below(4 * PIECE as usize - 100) as u64;
            file.write_all_at(&pattern(round, 100), at).expect("written");
            let reader = File::open(&path).expect("it is there");
            let data = seek(&reader, SeekFrom::Data(at)).expect("there is data");
            assert_eq!(data, at, "round {round}");
            assert!(seek(&reader, SeekFrom::Hole(at)).expect("there is an end") >= at + 100);
        }
    });
}

/// What is not data reads as zeros, wherever the holes lie among the blocks.
#[test]
fn only_zeros_are_called_a_hole() {
    with_every_profile(|mount| {
        let path = mount.path("file");
        let mut random = Random(11);
        for size in [4096, 100_000, 262_144, 300_001] {
            let file = File::options().read(true).write(true).create(true).truncate(true).open(&path);
            let file = file.expect("it can be opened");
            file.set_len(size).expect("grows");
            for round in 0..4 {
                let at = random.below(size as usize) as u64;
                file.write_all_at(&pattern(round, 1 + random.below(20_000)), at).expect("written");
            }
            file.set_len(size).expect("cut to size");
            drop(file);
            let contents = fs::read(&path).expect("it is there");
            let file = File::open(&path).expect("it is there");
            let mut at = 0;
            for border in borders(&file).chunks(2) {
                assert!(contents[at..border[0] as usize].iter().all(|&byte| byte == 0), "{size}");
                at = border[1] as usize;
            }
            assert!(contents[at..].iter().all(|&byte| byte == 0), "{size}");
        }
    });
}
