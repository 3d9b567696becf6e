use super::*;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// Writes, reads and truncations at random places agree with a plain vector.
#[test]
fn random_offsets_agree_with_a_model() {
    with_every_profile(|mount| {
        let path = mount.path("file");
        let file = File::options().read(true).write(true).create_new(true).open(&path).expect("a fresh file");
        let mut random = Random(7);
        let mut model: Vec<u8> = Vec::new();
        for step in 0..600 {
            let offset = random.below(40_000);
            match random.below(10) {
                0 => {
                    file.set_len(offset as u64).expect("any size");
                    model.resize(offset, 0);
                }
                1..=6 => {
                    let data = pattern(step, random.below(9000));
                    file.write_all_at(&data, offset as u64).expect("any place");
                    if !data.is_empty() {
                        model.resize(model.len().max(offset + data.len()), 0);
                        model[offset..offset + data.len()].copy_from_slice(&data);
                    }
                }
                _ => {
                    let mut buffer = vec![0; random.below(9000)];
                    let read = file.read_at(&mut buffer, offset as u64).expect("any place");
                    let expected = &model[offset.min(model.len())..model.len().min(offset + buffer.len())];
                    assert!(&buffer[..read] == expected, "step {step}");
                }
            }
        }
        drop(file);
        assert!(fs::read(&path).expect("it is there") == model);
        let beside = mount.open(true);
        let stat = beside.stat((&beside.root(), OsStr::new("file"))).expect("it is there");
        assert_eq!(stat.size, model.len() as u64);
    });
}

/// Two handles, one block: neither update is lost.
#[test]
fn two_threads_share_blocks() {
    with_every_profile(|mount| {
        const LEN: usize = 20_000;
        let path = mount.path("file");
        fs::write(&path, vec![0; LEN]).expect("a fresh file");
        thread::scope(|scope| {
            for parity in 0..2 {
                let path = &path;
                scope.spawn(move || {
                    let file = File::options().write(true).open(path).expect("it is there");
                    for offset in (parity..LEN).step_by(2 * 7) {
                        file.write_all_at(&[parity as u8 + 1], offset as u64).expect("inside the file");
                    }
                });
            }
        });
        let contents = fs::read(&path).expect("it is there");
        for parity in 0..2 {
            assert!((parity..LEN).step_by(2 * 7).all(|offset| contents[offset] == parity as u8 + 1));
        }
    });
}

#[test]
fn a_gap_reads_as_zeros() {
    with_every_profile(|mount| {
        let file = File::create_new(mount.path("file")).expect("a fresh file");
        file.write_all_at(b"start", 0).expect("at the start");
        file.write_all_at(b"end", 100_000).expect("far out");
        let contents = fs::read(mount.path("file")).expect("it is there");
        assert_eq!((&contents[..5], &contents[100_000..]), (&b"start"[..], &b"end"[..]));
        assert!(contents[5..100_000].iter().all(|&byte| byte == 0));
    });
}

/// What programs write in one piece arrives in one piece, also when it takes several requests.
#[test]
fn large_writes() {
    with_profile(Profile::Sync, |mount| {
        let data = pattern(3, 5_000_003);
        fs::write(mount.path("file"), &data).expect("a fresh file");
        assert!(fs::read(mount.path("file")).expect("it is there") == data);
    });
}
