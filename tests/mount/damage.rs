use super::*;
use rustix::io::Errno;
use std::fs::File;
use std::os::unix::fs::FileExt;

const PAGE_LEN: usize = 4096;

/// A block whose MAC does not match is an input/output error; pages that do not touch it stay readable.
#[test]
fn one_bad_block() {
    if !has_fuse() {
        return;
    }
    for profile in [Profile::Sync, Profile::Paranoia] {
        let mut mount = Mount::fresh(profile);
        mount.mount(|_| {});
        let data = pattern(1, 50 * PAGE_LEN);
        fs::write(mount.path("file"), &data).expect("a fresh file");
        mount.unmount();
        let on_disk =
            File::options().read(true).write(true).open(mount.cipher_path("file")).expect("it is there");
        let mut byte = [0];
        on_disk.read_exact_at(&mut byte, 100_000).expect("inside the file");
        on_disk.write_all_at(&[byte[0] ^ 1], 100_000).expect("inside the file");
        mount.mount(|_| {});

        assert_eq!(errno(fs::read(mount.path("file"))), Some(Errno::IO));
        let file = File::open(mount.path("file")).expect("it can be opened");
        let mut bad = Vec::new();
        for number in 0..50 {
            let mut page = vec![0; PAGE_LEN];
            let offset = number * PAGE_LEN;
            match file.read_exact_at(&mut page, offset as u64) {
                Ok(()) => assert!(page == data[offset..offset + PAGE_LEN], "page {number}"),
                Err(error) => {
                    assert_eq!(errno::<()>(Err(error)), Some(Errno::IO));
                    bad.push(number);
                }
            }
        }
        // the block lies near this place and touches two pages at the most
        assert!((1..=2).contains(&bad.len()) && bad.iter().all(|page| (23..=25).contains(page)), "{bad:?}");

        fs::write(mount.path("file"), "made anew").expect("truncating needs nothing of the old contents");
        assert_eq!(fs::read(mount.path("file")).expect("it is there"), b"made anew");
    }
}

/// A file of which only a part has arrived: what is there is either right or an error, and the rest of the folder
/// is not affected.
#[test]
fn a_file_cut_short() {
    with_profile(Profile::Sync, |mount| {
        fs::write(mount.path("cut"), pattern(1, 20_000)).expect("a fresh file");
        fs::write(mount.path("whole"), "whole").expect("a fresh file");
        let cut = |len| {
            let file = File::options().write(true).open(mount.cipher_path("cut")).expect("it is there");
            file.set_len(len).expect("shorter");
            outlive_the_kernels_memory();
        };
        cut(10_000);
        assert_eq!(errno(fs::read(mount.path("cut"))), Some(Errno::IO));
        cut(3);
        assert_eq!(errno(fs::read(mount.path("cut"))), Some(Errno::IO));
        assert_eq!(fs::read_dir(mount.root()).expect("a folder").flatten().count(), 2);
        assert_eq!(fs::read(mount.path("whole")).expect("it is there"), b"whole");
    });
}
