//! Reading, writing and resizing.

use crate::scratch::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Sizes around all edges of a block.
fn edges(payload: usize) -> Vec<usize> {
    let mut sizes = vec![0, 1, 7, 8, 9, 15, 16, 17];
    for blocks in [1, 2, 3] {
        sizes.extend([blocks * payload - 1, blocks * payload, blocks * payload + 1]);
    }
    sizes.push(3 * payload + 5);
    sizes
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 + i / 251) as u8 | 1).collect()
}

#[test]
fn every_size_reads_back_after_reopening_and_takes_the_bytes_the_format_says() {
    for parameters in many_parameters() {
        let mut scratch = Scratch::new(&parameters);
        let sizes = edges(parameters.layout().payload_len());
        for &size in &sizes {
            scratch.write(&format!("file {size}"), &pattern(size));
        }
        scratch = scratch.reopened();
        for &size in &sizes {
            let path = format!("file {size}");
            assert_eq!(scratch.read(&path), pattern(size), "{parameters:?}");
            let on_disk = std::fs::metadata(scratch.on_disk(&path)).expect("there").len();
            assert_eq!(Some(on_disk), parameters.layout().cipher_len(size as u64));
        }
    }
}

#[test]
fn resizing_from_every_edge_to_every_edge_keeps_the_rest_and_brings_zeros() {
    for parameters in many_parameters().into_iter().filter(|p| p.block_len < 100) {
        let scratch = Scratch::new(&parameters);
        let sizes = edges(parameters.layout().payload_len());
        let file = scratch.create("file");
        for &from in &sizes {
            for &to in &sizes {
                file.truncate(0).expect("cut");
                file.write_at(&pattern(from), 0).expect("written");
                // as from another program: nothing of the file is in any memory
                scratch.open("file").truncate(to as u64).expect("resized");
                let mut expected = pattern(from);
                expected.resize(to, 0);
                assert_eq!(read_all(&file), expected, "{from} to {to}, {parameters:?}");
            }
        }
    }
}

#[test]
fn a_write_beyond_the_end_leaves_zeros_between() {
    for parameters in many_parameters().into_iter().filter(|p| p.block_len < 100) {
        let scratch = Scratch::new(&parameters);
        for (index, &from) in edges(parameters.layout().payload_len()).iter().enumerate() {
            let path = format!("{index}");
            scratch.write(&path, &pattern(from));
            scratch.open(&path).write_at(b"tail", from as u64 + 333).expect("written");
            let expected = [pattern(from), vec![0; 333], b"tail".to_vec()].concat();
            assert_eq!(scratch.read(&path), expected, "{from}, {parameters:?}");
        }
    }
}

#[test]
fn a_file_of_holes_takes_no_room() {
    for parameters in many_parameters().into_iter().filter(|p| p.allow_holes) {
        let scratch = Scratch::new(&parameters);
        let file = scratch.create("sparse");
        file.write_at(b"head", 0).expect("written");
        file.truncate(100 << 20).expect("grown");
        let stat = file.stat().expect("open");
        assert_eq!(stat.size, 100 << 20);
        assert!(stat.blocks * 512 < 1 << 20, "{} blocks, {parameters:?}", stat.blocks);
        let mut tail = [1; 100];
        assert_eq!(file.read_at(&mut tail, (100 << 20) - 100).expect("sound"), 100);
        assert_eq!(tail, [0; 100]);
    }
}

#[test]
fn punching_gives_space_back_where_holes_are_allowed() {
    for parameters in many_parameters() {
        let scratch = Scratch::new(&parameters);
        let file = scratch.create("file");
        file.write_at(&pattern(1 << 20), 0).expect("written");
        let before = file.stat().expect("open").blocks;
        file.punch_hole(1000, 1_000_000).expect("zeroed");
        let after = file.stat().expect("open").blocks;
        assert_eq!(after < before / 4, parameters.allow_holes, "{before} {after} {parameters:?}");
        let mut expected = pattern(1 << 20);
        expected[1000..1_001_000].fill(0);
        assert!(read_all(&file) == expected);
    }
}

#[test]
fn emptying_a_file_brings_a_fresh_iv_for_every_handle() {
    let scratch = Scratch::new(&encbox::config::Profile::Sync.parameters());
    let (dir, name) = (scratch.root(), std::ffi::OsStr::new("file"));
    let first = scratch.create("file");
    first.write_at(b"the same bytes", 0).expect("written");
    let before = std::fs::read(scratch.on_disk("file")).expect("there");
    let emptying = encbox::volume::OpenFile { truncate: true, ..READ_WRITE };
    let second = scratch.volume.open_file(&dir, name, emptying).expect("opened");
    assert_eq!(read_all(&first), b"");
    first.write_at(b"the same bytes", 0).expect("written");
    second.append(b", and more").expect("written");
    assert_eq!(read_all(&first), b"the same bytes, and more");
    assert_eq!(scratch.reopened_read("file"), b"the same bytes, and more");
    let after = std::fs::read(scratch.on_disk("file")).expect("there");
    assert_ne!(before[..8], after[..8], "the header is a new one");
}

impl Scratch {
    fn reopened_read(&self, path: &str) -> Vec<u8> {
        let volume = open(self.folder.path(), encbox::volume::OpenOptions::default());
        let dir = volume.root();
        read_all(&volume.open_file(&dir, std::ffi::OsStr::new(path), READ).expect(path))
    }
}

#[test]
fn offsets_beyond_what_a_file_can_be_are_refused() {
    use encbox::volume::{Error, Fault};
    for parameters in many_parameters() {
        let scratch = Scratch::new(&parameters);
        let file = scratch.create("file");
        file.write_at(b"kept", 0).expect("written");
        for offset in [u64::MAX, u64::MAX - 2, i64::MAX as u64] {
            let refused = file.write_at(b"x", offset);
            assert!(
                matches!(refused, Err(Error { fault: Fault::TooLarge | Fault::Sys(_), .. })),
                "{offset:x}"
            );
            assert_eq!(file.read_at(&mut [0; 8], offset).expect("the end"), 0);
        }
        assert!(file.truncate(u64::MAX).is_err());
        assert_eq!(read_all(&file), b"kept");
    }
}

#[test]
fn handles_refuse_what_they_were_not_opened_for() {
    use encbox::volume::{Error, Fault};
    let scratch = Scratch::new(&encbox::config::Profile::Sync.parameters());
    scratch.write("file", b"bytes");
    let (dir, name) = (scratch.root(), std::ffi::OsStr::new("file"));
    let reader = scratch.volume.open_file(&dir, name, READ).expect("opened");
    for refused in [reader.write_at(b"x", 0), reader.truncate(0), reader.append(b"x").map(drop)] {
        assert!(matches!(refused, Err(Error { fault: Fault::Access, .. })));
    }
    let writing = encbox::volume::OpenFile { write: true, ..Default::default() };
    let writer = scratch.volume.open_file(&dir, name, writing).expect("opened");
    assert!(matches!(writer.read_at(&mut [0], 0), Err(Error { fault: Fault::Access, .. })));
    assert_eq!(read_all(&reader), b"bytes");
}

#[test]
fn two_threads_on_the_same_blocks_lose_nothing() {
    for parameters in many_parameters() {
        let scratch = Scratch::new(&parameters);
        scratch.create("file");
        let len = 4000;
        std::thread::scope(|scope| {
            for odd in [0, 1] {
                let scratch = &scratch;
                scope.spawn(move || {
                    let file = scratch.open("file");
                    for offset in (odd..len).step_by(2) {
                        file.write_at(&[1 + odd as u8], offset).expect("written");
                    }
                });
            }
        });
        let expected: Vec<u8> = (0..len).map(|offset| 1 + (offset % 2) as u8).collect();
        assert_eq!(scratch.read("file"), expected, "{parameters:?}");
    }
}

#[derive(Debug, Clone)]
enum Step {
    Write(usize, usize),
    Append(usize),
    Truncate(usize),
    Punch(usize, usize),
    Read(usize, usize),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_usize..700, 0_usize..300).prop_map(|(at, len)| Step::Write(at, len)),
        2 => (0_usize..200).prop_map(Step::Append),
        3 => (0_usize..900).prop_map(Step::Truncate),
        1 => (0_usize..900, 0_usize..500).prop_map(|(at, len)| Step::Punch(at, len)),
        2 => (0_usize..900, 0_usize..400).prop_map(|(at, len)| Step::Read(at, len)),
        1 => Just(Step::Reopen),
    ]
}

/// Random steps on a file and on a vector of bytes agree, whatever the parameters.
#[test]
fn a_file_behaves_like_a_vector_of_bytes() {
    for parameters in many_parameters().into_iter().filter(|p| p.block_len < 100) {
        let mut runner =
            TestRunner::new(Config { cases: 60, failure_persistence: None, ..Config::default() });
        let scratch = Scratch::new(&parameters);
        let result = runner.run(&proptest::collection::vec(step(), 1..40), |steps| {
            let (dir, name) = (scratch.root(), std::ffi::OsStr::new("file"));
            let _ = scratch.volume.unlink(&dir, name);
            let mut file = scratch.create("file");
            let mut model: Vec<u8> = Vec::new();
            let mut fill = 0_u8;
            for step in steps {
                fill = fill.wrapping_add(37);
                match step {
                    Step::Write(at, len) => {
                        file.write_at(&vec![fill; len], at as u64).expect("written");
                        if len > 0 {
                            model.resize(model.len().max(at + len), 0);
                            model[at..at + len].fill(fill);
                        }
                    }
                    Step::Append(len) => {
                        prop_assert_eq!(file.append(&vec![fill; len]).expect("written"), model.len() as u64);
                        model.resize(model.len() + len, fill);
                    }
                    Step::Truncate(len) => {
                        file.truncate(len as u64).expect("resized");
                        model.resize(len, 0);
                    }
                    Step::Punch(at, len) => {
                        file.punch_hole(at as u64, len as u64).expect("zeroed");
                        let end = (at + len).min(model.len());
                        model.get_mut(at..end).unwrap_or(&mut []).fill(0);
                    }
                    Step::Read(at, len) => {
                        let mut data = vec![0; len];
                        let got = file.read_at(&mut data, at as u64).expect("sound");
                        let end = (at + len).min(model.len());
                        prop_assert_eq!(&data[..got], model.get(at..end).unwrap_or(&[]));
                    }
                    Step::Reopen => {
                        drop(file);
                        file = scratch.open("file");
                    }
                }
                prop_assert_eq!(file.stat().expect("open").size, model.len() as u64);
            }
            prop_assert_eq!(read_all(&file), model);
            Ok(())
        });
        result.unwrap_or_else(|error| panic!("{error}\n{parameters:?}"));
    }
}
