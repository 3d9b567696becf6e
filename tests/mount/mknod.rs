use super::*;
use rustix::fs::CWD;
use rustix::fs::FileType;
use rustix::fs::Mode;
use rustix::fs::mknodat;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;
use std::os::unix::net::UnixStream;

#[test]
fn a_pipe_carries_bytes() {
    with_every_profile(|mount| {
        let path = mount.path("pipe");
        mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).expect("a fresh pipe");
        assert!(fs::metadata(&path).expect("it is there").file_type().is_fifo());
        thread::scope(|scope| {
            let writer = scope.spawn(|| File::options().write(true).open(&path)?.write_all(b"through"));
            let mut read = String::new();
            File::open(&path).and_then(|mut file| file.read_to_string(&mut read)).expect("readable");
            assert_eq!(read, "through");
            writer.join().expect("no panic").expect("writable");
        });
    });
}

#[test]
fn a_socket_can_be_bound() {
    with_profile(Profile::Sync, |mount| {
        let path = mount.path("socket");
        let _listener = UnixListener::bind(&path).expect("a fresh socket");
        assert!(fs::metadata(&path).expect("it is there").file_type().is_socket());
        UnixStream::connect(&path).expect("somebody listens");
    });
}

#[test]
fn device_numbers_are_kept() {
    with_profile(Profile::Sync, |mount| {
        let path = mount.path("null");
        let dev = rustix::fs::makedev(1, 3);
        mknodat(CWD, &path, FileType::CharacterDevice, Mode::from_raw_mode(0o600), dev).expect("root may");
        let metadata = fs::metadata(&path).expect("it is there");
        assert!(metadata.file_type().is_char_device());
        assert_eq!(metadata.rdev(), dev);
    });
}

#[test]
fn a_regular_file() {
    with_every_profile(|mount| {
        let path = mount.path("file");
        mknodat(CWD, &path, FileType::RegularFile, Mode::from_raw_mode(0o640), 0).expect("a fresh file");
        fs::write(&path, b"text").expect("it is there");
        assert_eq!(fs::read(&path).expect("it is there"), b"text");
    });
}
