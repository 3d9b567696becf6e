use super::*;
use rustix::io::Errno;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// A truncating open gives the file a new IV; a handle opened before goes on with it.
#[test]
fn truncating_under_an_open_handle() {
    with_every_profile(|mount| {
        let path = mount.path("file");
        fs::write(&path, pattern(1, 9000)).expect("a fresh file");
        let before = File::options().read(true).write(true).open(&path).expect("it is there");
        let after = File::create(&path).expect("truncates");
        assert_eq!(before.metadata().expect("it is open").len(), 0);
        before.write_all_at(b"by the old handle", 0).expect("writable");
        after.write_all_at(b"by the new one", 5000).expect("writable");
        let contents = fs::read(&path).expect("it is there");
        assert_eq!((&contents[..17], &contents[5000..]), (&b"by the old handle"[..], &b"by the new one"[..]));
    });
}

/// Also an open for reading only truncates when asked to.
#[test]
fn truncating_without_writing() {
    with_every_profile(|mount| {
        use rustix::fs::{Mode, OFlags};
        let path = mount.path("file");
        fs::write(&path, pattern(1, 9000)).expect("a fresh file");
        rustix::fs::open(&path, OFlags::RDONLY | OFlags::TRUNC, Mode::empty()).expect("it is there");
        assert_eq!(fs::metadata(&path).expect("it is there").len(), 0);
    });
}

#[test]
fn handles_keep_to_what_they_were_opened_for() {
    with_profile(Profile::Sync, |mount| {
        let path = mount.path("file");
        fs::write(&path, b"text").expect("a fresh file");
        let reader = File::open(&path).expect("it is there");
        assert_eq!(errno(reader.write_at(b"x", 0)), Some(Errno::BADF));
        let writer = File::options().write(true).open(&path).expect("it is there");
        assert_eq!(errno(writer.read_at(&mut [0], 0)), Some(Errno::BADF));
        assert_eq!(errno(File::options().write(true).open(mount.root())), Some(Errno::ISDIR));
        assert_eq!(errno(File::open(mount.path("file/below"))), Some(Errno::NOTDIR));
        assert_eq!(errno(File::open(mount.path("missing"))), Some(Errno::NOENT));
    });
}

#[test]
fn many_handles_on_one_file() {
    with_profile(Profile::Sync, |mount| {
        let path = mount.path("file");
        fs::write(&path, b"text").expect("a fresh file");
        let files: Vec<File> = (0..200).map(|_| File::open(&path).expect("it is there")).collect();
        let mut buffer = [0; 4];
        for file in &files {
            file.read_exact_at(&mut buffer, 0).expect("readable");
            assert_eq!(&buffer, b"text");
        }
    });
}
