use super::*;
use std::fs::File;

/// Shrinking keeps what is before the cut; growing again shows zeros, never what was there.
#[test]
fn both_ways_around_block_edges() {
    with_every_profile(|mount| {
        let path = mount.path("file");
        let data = pattern(5, 10_000);
        for cut in [0, 1, 15, 16, 1015, 1016, 1017, 4079, 4080, 4088, 4096, 8192, 9999] {
            fs::write(&path, &data).expect("writable");
            let file = File::options().write(true).open(&path).expect("it is there");
            file.set_len(cut as u64).expect("shorter");
            assert!(fs::read(&path).expect("it is there") == data[..cut], "cut to {cut}");
            file.set_len(10_000).expect("longer");
            let contents = fs::read(&path).expect("it is there");
            assert!(contents[..cut] == data[..cut] && contents.len() == 10_000, "cut to {cut}");
            assert!(contents[cut..].iter().all(|&byte| byte == 0), "cut to {cut}");
        }
    });
}

#[test]
fn growing_in_small_steps_keeps_the_last_block() {
    with_every_profile(|mount| {
        let path = mount.path("file");
        fs::write(&path, b"kept").expect("a fresh file");
        let file = File::options().write(true).open(&path).expect("it is there");
        for size in [5, 100, 1016, 1017, 1018, 5000, 5001] {
            file.set_len(size).expect("longer");
            let contents = fs::read(&path).expect("it is there");
            assert_eq!((&contents[..4], contents.len() as u64), (&b"kept"[..], size));
            assert!(contents[4..].iter().all(|&byte| byte == 0), "grown to {size}");
        }
    });
}
