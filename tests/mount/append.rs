use super::*;
use std::fs::File;
use std::os::unix::fs::FileExt;

#[test]
fn appends_of_two_handles_follow_each_other() {
    with_every_profile(|mount| {
        let path = mount.path("log");
        let open = || File::options().append(true).create(true).open(&path).expect("it can be made");
        let (mut one, mut other) = (open(), open());
        for _ in 0..100 {
            one.write_all(b"one\n").expect("at the end");
            other.write_all(b"other\n").expect("at the end");
        }
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "one\nother\n".repeat(100));
    });
}

#[test]
fn threads_that_append_lose_nothing() {
    with_every_profile(|mount| {
        let path = mount.path("log");
        thread::scope(|scope| {
            for letter in *b"abcd" {
                let path = &path;
                scope.spawn(move || {
                    let mut file = File::options().append(true).create(true).open(path).expect("makeable");
                    for _ in 0..50 {
                        file.write_all(&[letter; 37]).expect("at the end");
                    }
                });
            }
        });
        let contents = fs::read(&path).expect("it is there");
        assert_eq!(contents.len(), 4 * 50 * 37);
        assert!(contents.chunks(37).all(|record| record.iter().all(|&byte| byte == record[0])));
    });
}

/// The end is where the file ends, once the kernel was told what another program on the ciphertext did.
#[test]
fn appending_after_a_foreign_change() {
    with_every_profile(|mount| {
        let path = mount.path("log");
        let mut file = File::options().append(true).create(true).open(&path).expect("a fresh file");
        file.write_all(b"ours ").expect("at the end");
        let beside = mount.open(false);
        let how = volume::OpenFile { read: true, write: true, truncate: false };
        let foreign = beside.open_file(&beside.root(), OsStr::new("log"), how).expect("it is there");
        file.sync_all().expect("on disk");
        foreign.append(b"theirs ").expect("at the end");
        outlive_the_kernels_memory();
        file.write_all(b"ours again").expect("at the end");
        file.sync_all().expect("on disk");
        let mut contents = vec![0; 100];
        let fresh = mount.open(true);
        let read = fresh
            .open_file(
                &fresh.root(),
                OsStr::new("log"),
                volume::OpenFile { read: true, ..Default::default() },
            )
            .and_then(|file| file.read_at(&mut contents, 0))
            .expect("it is there");
        assert_eq!(&contents[..read], b"ours theirs ours again");
        assert_eq!(file.metadata().expect("it is open").len(), read as u64);
        let reader = File::open(&path).expect("it is there");
        let read = reader.read_at(&mut contents, 0).expect("readable");
        assert_eq!(&contents[..read], b"ours theirs ours again");
    });
}
