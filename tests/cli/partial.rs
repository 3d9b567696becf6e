//! Files of which not everything has arrived, in a mount: `--partial`
#![cfg(feature = "mount")]

use crate::support::*;
use std::fs;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

const EIO: i32 = 5;

/// A volume without holes, mounted later.
fn volume(parameters: &[&str]) -> Option<Mounted> {
    let mounted = Mounted::new()?;
    let scratch = &mounted.0;
    fs::remove_dir_all(scratch.path("V")).unwrap();
    let new = ["new", "-q", "--iterations", "1000", "--no-holes", "V"];
    scratch.run(&[&new, parameters].concat()).ok();
    Some(mounted)
}

fn errno<T>(result: io::Result<T>) -> Option<i32> {
    result.err().and_then(|error| error.raw_os_error())
}

/// As long as it is to be, but behind the first half there is nothing yet.
#[test]
fn zeros_that_nobody_wrote_are_not_read_as_contents() {
    // with headers of files and MACs, and without
    for (profile, header_len, payload_len) in [("sync", 8, 4088), ("boxcryptor", 0, 4096)] {
        let Some(mounted) = volume(&["--profile", profile]) else { return };
        let scratch = &mounted.0;
        let contents: Vec<u8> = (0..200_000_u32).map(|number| (number % 251) as u8).collect();
        scratch.add("/file", &contents);
        scratch.add("/whole", &contents);
        let on_disk = scratch.cipher("/file");
        let len = fs::metadata(&on_disk).unwrap().len();
        let arrived = header_len + 25 * 4096;
        let file = File::options().write(true).open(&on_disk).unwrap();
        file.set_len(arrived).unwrap();
        file.set_len(len).unwrap();

        scratch.run(&["mount", "--log", "log", "V", "M"]).ok();
        assert_eq!(fs::read(scratch.path("M/whole")).unwrap(), contents);
        assert_eq!(errno(fs::read(scratch.path("M/file"))), Some(EIO), "{profile}");
        let mut head = vec![0; 50_000];
        File::open(scratch.path("M/file")).unwrap().read_exact_at(&mut head, 0).unwrap();
        assert_eq!(head, contents[..50_000]);
        scratch.run(&["unmount", "M"]).ok();
        let log = fs::read_to_string(scratch.path("log")).unwrap();
        assert!(log.contains("nothing but zeros on disk: it has not arrived yet"), "{log}");

        scratch.run(&["mount", "--partial", "read", "V", "M"]).ok();
        let read = fs::read(scratch.path("M/file")).unwrap();
        assert_eq!(read.len(), 25 * payload_len);
        assert!(contents.starts_with(&read));
        assert_eq!(fs::read(scratch.path("M/whole")).unwrap(), contents);
        scratch.run(&["unmount", "M"]).ok();
    }
}

/// Cut where no file can end: in the header of a block, and in the header of the file.
#[test]
fn a_size_that_no_file_has_is_an_error() {
    let Some(mounted) = volume(&["--profile", "sync"]) else { return };
    let scratch = &mounted.0;
    let contents = vec![7; 20_000];
    for (name, len) in [("block", 8 + 2 * 4096 + 5), ("header", 5), ("empty", 0)] {
        let path = format!("/{name}");
        scratch.add(&path, &contents);
        File::options().write(true).open(scratch.cipher(&path)).unwrap().set_len(len).unwrap();
    }
    scratch.run(&["mount", "--log", "log", "V", "M"]).ok();
    assert_eq!(errno(fs::read(scratch.path("M/block"))), Some(EIO));
    let mut block = [0; 4000];
    File::open(scratch.path("M/block")).unwrap().read_exact_at(&mut block, 0).unwrap_or_else(|error| {
        // the kernel reads more than it is asked for
        assert_eq!(error.raw_os_error(), Some(EIO));
        block.fill(7);
    });
    assert_eq!(block, [7; 4000]);
    assert_eq!(errno(fs::read(scratch.path("M/header"))), Some(EIO));
    assert_eq!(fs::read(scratch.path("M/empty")).unwrap(), b"", "that is a file without contents, too");
    scratch.run(&["unmount", "M"]).ok();
    let log = fs::read_to_string(scratch.path("log")).unwrap();
    assert!(log.contains("is cut short") && log.contains("cut inside its header"), "{log}");

    scratch.run(&["mount", "--partial", "read", "V", "M"]).ok();
    assert_eq!(fs::read(scratch.path("M/block")).unwrap(), contents[..2 * 4088]);
    assert_eq!(fs::read(scratch.path("M/header")).unwrap(), b"");
    assert!(fs::OpenOptions::new().append(true).open(scratch.path("M/header")).is_ok_and(|mut file| {
        use std::io::Write;
        errno(file.write_all(b"more")) == Some(EIO)
    }));
}
