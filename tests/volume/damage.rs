//! Damaged files: the good parts read, the bad ones fail, nothing wrong gets out.

use crate::scratch::*;
use encbox::config::{Parameters, Profile};
use encbox::content;
use encbox::volume::{Error, Fault};
use std::ffi::OsStr;

fn paranoid() -> Scratch {
    Scratch::new(&Parameters { block_len: 64, ..Profile::Paranoia.parameters() })
}

fn damage(scratch: &Scratch, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let on_disk = scratch.on_disk(path);
    let mut bytes = std::fs::read(&on_disk).expect("there");
    change(&mut bytes);
    std::fs::write(&on_disk, bytes).expect("written");
}

#[test]
fn only_the_bytes_of_a_bad_block_fail() {
    let scratch = paranoid();
    let data: Vec<u8> = (0..56 * 5).map(|i| i as u8).collect();
    scratch.write("file", &data);
    damage(&scratch, "file", |bytes| bytes[8 + 64 * 2 + 30] ^= 1);
    let file = scratch.open("file");
    let mut buf = vec![0; 1000];
    assert_eq!(file.read_at(&mut buf, 0).expect("good blocks first"), 112);
    assert_eq!(buf[..112], data[..112]);
    for offset in [112, 140, 167] {
        let error = file.read_at(&mut buf, offset).expect_err("a bad block");
        assert!(matches!(error.fault, Fault::Content(content::Error::Mac { block: 2 })), "{error}");
        assert_eq!(scratch.folder.path().join(&error.path), scratch.on_disk("file"));
    }
    assert_eq!(file.read_at(&mut buf, 168).expect("good blocks after"), 112);
    assert_eq!(buf[..112], data[168..]);
}

#[test]
fn the_end_of_a_file_whose_last_block_is_bad_is_still_the_end() {
    let scratch = paranoid();
    scratch.write("file", &[7; 80]);
    damage(&scratch, "file", |bytes| *bytes.last_mut().expect("not empty") ^= 1);
    let file = scratch.open("file");
    assert!(file.read_at(&mut [0; 10], 79).is_err());
    assert_eq!(file.read_at(&mut [0; 10], 80).expect("the end"), 0);
}

#[test]
fn a_bad_block_is_not_mixed_into_a_write_but_can_be_overwritten() {
    let scratch = paranoid();
    scratch.write("file", &[5; 56 * 3]);
    damage(&scratch, "file", |bytes| bytes[8 + 64 + 30] ^= 1);
    let file = scratch.open("file");
    let before = std::fs::read(scratch.on_disk("file")).expect("there");
    assert!(file.write_at(b"part", 60).is_err());
    assert!(file.truncate(80).is_err());
    assert_eq!(std::fs::read(scratch.on_disk("file")).expect("there"), before, "nothing was touched");
    file.write_at(&[6; 56], 56).expect("the whole block is given anew");
    assert_eq!(read_all(&file), [[5; 56], [6; 56], [5; 56]].concat());
}

#[test]
fn a_file_cut_inside_its_header_is_listed_but_does_not_open() {
    let scratch = paranoid();
    scratch.write("file", b"some bytes");
    for len in 1..8 {
        damage(&scratch, "file", |bytes| bytes.truncate(len));
        damage(&scratch, "file", |bytes| bytes.resize(len, 1));
        assert_eq!(scratch.names(&scratch.root()), ["file"]);
        let root = scratch.root();
        assert_eq!(scratch.volume.stat((&root, OsStr::new("file"))).expect("listed").size, 0);
        let error = scratch.volume.open_file(&root, OsStr::new("file"), READ).expect_err("no header");
        let expected = content::Error::HeaderShort { len: len as u64 };
        assert!(matches!(&error.fault, Fault::Content(found) if *found == expected), "{error}");
    }
    let emptying = encbox::volume::OpenFile { truncate: true, ..READ_WRITE };
    let root = scratch.root();
    let file = scratch.volume.open_file(&root, OsStr::new("file"), emptying).expect("emptied");
    file.write_at(b"new", 0).expect("written");
    assert_eq!(read_all(&file), b"new");
}

#[test]
fn a_tail_without_data_hides_nothing_before_it_and_fails_when_read() {
    for tail in 1..=8 {
        let scratch = paranoid();
        scratch.write("file", &[7; 56]);
        damage(&scratch, "file", |bytes| bytes.extend(vec![9; tail]));
        let file = scratch.open("file");
        assert_eq!(file.stat().expect("open").size, 56);
        let mut buf = [0; 100];
        assert_eq!(file.read_at(&mut buf, 0).expect("good bytes first"), 56);
        let error = file.read_at(&mut buf, 56).expect_err("the tail");
        assert!(matches!(error.fault, Fault::Content(content::Error::ShortBlock { block: 1, .. })));
        // growing over it does not take the junk for data
        file.truncate(300).expect("grown");
        assert_eq!(read_all(&file), [vec![7; 56], vec![0; 244]].concat());
    }
}

#[test]
fn a_damaged_header_means_other_ivs_which_the_macs_notice() {
    let scratch = Scratch::new(&Profile::Sync.parameters());
    scratch.write("file", b"bytes");
    damage(&scratch, "file", |bytes| bytes[0] ^= 0x80);
    let error: Error = scratch.open("file").read_at(&mut [0; 5], 0).expect_err("another IV");
    assert!(matches!(error.fault, Fault::Content(content::Error::Mac { block: 0 })));
}
