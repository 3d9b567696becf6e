//! Files that have no name before they are whole.

use crate::scratch::*;
use encbox::volume::{Draft, Fault, RenameMode, SetAttr, SetTime, WHOLE_LEN};
use std::ffi::OsStr;
use std::time::{Duration, UNIX_EPOCH};

fn draft(scratch: &Scratch, path: &str, mode: RenameMode) -> Draft {
    let (dir, name) = scratch.entry(path);
    scratch.volume.draft(&dir, OsStr::new(&name), mode).expect("begun")
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 + i / 251) as u8 | 1).collect()
}

/// What lies in the folder of the volume.
fn files_on_disk(scratch: &Scratch) -> usize {
    let config = encbox::config::CONFIG_FILES.iter().map(|file| file.name);
    let configs: Vec<_> = config.collect();
    let entries = std::fs::read_dir(scratch.folder.path()).expect("there");
    entries
        .filter(|entry| configs.iter().all(|name| entry.as_ref().expect("listed").file_name() != *name))
        .count()
}

#[test]
fn blocks_come_in_any_order_from_several_threads() {
    for parameters in many_parameters() {
        for mode in [RenameMode::NoReplace, RenameMode::Replace] {
            let scratch = Scratch::new(&parameters);
            scratch.mkdir("dir");
            let payload_len = parameters.layout().payload_len();
            for len in [0, 1, payload_len, 3 * payload_len, 7 * payload_len + 5] {
                let path = format!("dir/file {len}");
                if mode == RenameMode::Replace {
                    scratch.write(&path, b"the old one");
                }
                let (draft, data) = (draft(&scratch, &path, mode), pattern(len));
                std::thread::scope(|scope| {
                    for (number, piece) in data.chunks(2 * payload_len).enumerate().rev() {
                        let draft = &draft;
                        scope.spawn(move || draft.write(2 * number as u64, piece).expect("written"));
                    }
                });
                let time = UNIX_EPOCH + Duration::new(1_000_000_000, 7);
                let attr =
                    SetAttr { mode: Some(0o640), mtime: Some(SetTime::At(time)), ..SetAttr::default() };
                draft.publish(&attr, mode).expect("published");
                drop(draft);
                let (dir, name) = scratch.entry(&path);
                let stat = scratch.volume.stat((&dir, OsStr::new(&name))).expect("there");
                assert_eq!((stat.size, stat.mode, stat.mtime), (len as u64, 0o640, time));
                assert_eq!(Some(stat.cipher_size), parameters.layout().cipher_len(len as u64));
                assert_eq!(scratch.read(&path), data, "{parameters:?}");
            }
            assert_eq!(scratch.names(&scratch.entry("dir/x").0).len(), 5, "{parameters:?}");
        }
    }
}

#[test]
fn nothing_is_there_before_and_nothing_is_left_without_a_name() {
    for parameters in many_parameters() {
        let scratch = Scratch::new(&parameters);
        let begun = draft(&scratch, "file", RenameMode::NoReplace);
        begun.write(0, b"half").expect("written");
        assert!(scratch.names(&scratch.root()).iter().all(|name| name.starts_with(".encbox-partial-")));
        drop(begun);
        let late = draft(&scratch, "file", RenameMode::NoReplace);
        scratch.write("file", b"another was quicker");
        let error = late.publish(&SetAttr::default(), RenameMode::NoReplace).expect_err("taken");
        assert!(matches!(error.fault, Fault::Sys(rustix::io::Errno::EXIST)), "{error}");
        drop(late);
        drop(draft(&scratch, "other", RenameMode::Replace));
        assert_eq!(files_on_disk(&scratch), 1, "{parameters:?}");
        assert_eq!(scratch.read("file"), b"another was quicker");
    }
}

/// With external IV chaining the header depends on the path, which may change while the file is made.
#[test]
fn a_directory_above_may_be_renamed_meanwhile() {
    for parameters in many_parameters() {
        for mode in [RenameMode::NoReplace, RenameMode::Replace] {
            let scratch = Scratch::new(&parameters);
            scratch.mkdir("before");
            scratch.mkdir("before/dir");
            let file = draft(&scratch, "before/dir/file", mode);
            file.write(0, b"content").expect("written");
            let root = scratch.root();
            let renamed = scratch.volume.rename(
                &root,
                OsStr::new("before"),
                &root,
                OsStr::new("after"),
                RenameMode::NoReplace,
            );
            renamed.expect("renamed");
            file.publish(&SetAttr::default(), mode).expect("published");
            drop(file);
            let scratch = scratch.reopened();
            assert_eq!(scratch.read("after/dir/file"), b"content", "{parameters:?}");
        }
    }
}

#[test]
fn blocks_that_are_not_written_are_holes() {
    for parameters in many_parameters().into_iter().filter(|parameters| parameters.allow_holes) {
        let scratch = Scratch::new(&parameters);
        let payload_len = parameters.layout().payload_len();
        let file = draft(&scratch, "file", RenameMode::NoReplace);
        file.write(5, &pattern(payload_len)).expect("written");
        file.set_len(9 * payload_len as u64).expect("grown");
        file.publish(&SetAttr::default(), RenameMode::NoReplace).expect("published");
        let mut expected = vec![0; 9 * payload_len];
        expected[5 * payload_len..6 * payload_len].copy_from_slice(&pattern(payload_len));
        assert_eq!(scratch.read("file"), expected, "{parameters:?}");
    }
}

#[test]
fn a_small_file_is_read_with_its_opening_and_a_damaged_one_is_left_to_the_reader() {
    for parameters in many_parameters() {
        let scratch = Scratch::new(&parameters);
        let payload_len = parameters.layout().payload_len();
        let read = |scratch: &Scratch, path: &str| {
            let (mut buffer, (dir, name)) = (Vec::new(), scratch.entry(path));
            let opened = scratch.volume.open_and_read(&dir, OsStr::new(&name), &mut buffer);
            opened.map(|(_, stat, whole)| (stat.size, whole.map(|len| buffer[..len].to_vec())))
        };
        for len in [1, payload_len - 1, payload_len, 3 * payload_len + 5] {
            let path = format!("file {len}");
            scratch.write(&path, &pattern(len));
            let found = read(&scratch, &path).expect("sound");
            assert_eq!(found, (len as u64, Some(pattern(len))), "{parameters:?}");
        }
        drop(scratch.create("empty"));
        assert_eq!(read(&scratch, "empty").expect("sound"), (0, None));
        scratch.write("large", &pattern(WHOLE_LEN + 1));
        assert_eq!(read(&scratch, "large").expect("sound"), (WHOLE_LEN as u64 + 1, None));
        if parameters.mac_len > 0 {
            let on_disk = scratch.on_disk(&format!("file {}", 3 * payload_len + 5));
            let mut bytes = std::fs::read(&on_disk).expect("there");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(&on_disk, bytes).expect("written");
            let path = format!("file {}", 3 * payload_len + 5);
            assert_eq!(read(&scratch, &path).expect("its header is sound").1, None, "{parameters:?}");
        }
    }
}

#[test]
fn entries_one_by_one_are_those_of_the_list() {
    for parameters in many_parameters() {
        let scratch = Scratch::new(&parameters);
        for number in 0..30 {
            scratch.write(&format!("file {number}"), b"");
            scratch.mkdir(&format!("dir {number}"));
        }
        let copy = |path: &str, mark: &str| {
            let mut name = scratch.on_disk(path).into_os_string();
            name.push(mark);
            std::fs::copy(scratch.on_disk(path), name).expect("copied");
        };
        copy("file 3", " (ann's conflicted copy 2026-11-22)");
        copy("file 5", " (1)");
        std::fs::write(scratch.folder.path().join("desktop.ini"), b"").expect("written");
        let sorted = |mut entries: Vec<encbox::volume::DirEntry>| {
            entries.sort_by(|a, b| a.name.cmp(&b.name));
            entries
        };
        let all =
            scratch.volume.entries(&scratch.root()).expect("listed").map(|entry| entry.expect("listed"));
        let listed = scratch.volume.list(&scratch.root()).expect("listed");
        assert_eq!(sorted(all.collect()), sorted(listed), "{parameters:?}");
    }
}
