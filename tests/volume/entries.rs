//! Making, looking at, changing and removing entries.

use crate::scratch::*;
use encbox::config::Profile;
use encbox::volume::{Error, Fault, Kind, OpenOptions, SetAttr, SetTime, XattrMode};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::time::{Duration, UNIX_EPOCH};

fn errno<T: std::fmt::Debug>(result: Result<T, Error>) -> Errno {
    match result {
        Err(Error { fault: Fault::Sys(errno), .. }) => errno,
        other => panic!("{other:?} is no error of the system"),
    }
}

#[test]
fn directories_come_and_go() {
    for parameters in many_parameters() {
        let scratch = Scratch::new(&parameters);
        let (volume, root) = (&scratch.volume, scratch.root());
        let dir = scratch.mkdir("dir");
        assert_eq!(volume.stat(&dir).expect("there").kind, Kind::Dir);
        assert_eq!(errno(volume.mkdir(&root, OsStr::new("dir"), 0o755, None)), Errno::EXIST);
        scratch.write("dir/file", b"");
        assert_eq!(errno(volume.rmdir(&root, OsStr::new("dir"))), Errno::NOTEMPTY);
        assert!(volume.unlink(&root, OsStr::new("dir")).is_err());
        volume.unlink(&dir, OsStr::new("file")).expect("removed");
        assert_eq!(errno(volume.unlink(&dir, OsStr::new("file"))), Errno::NOENT);
        volume.rmdir(&root, OsStr::new("dir")).expect("removed");
        assert_eq!(scratch.names(&root), Vec::<String>::new());
    }
}

#[test]
fn modes_and_times_are_kept_to_the_nanosecond() {
    let scratch = Scratch::new(&Profile::Standard.parameters());
    let file = scratch.create("file");
    let dir = scratch.mkdir("dir");
    let time = |nanos| UNIX_EPOCH + Duration::new(1_234_567_890, nanos);
    let attr = SetAttr {
        mode: Some(0o640),
        atime: Some(SetTime::At(time(1))),
        mtime: Some(SetTime::At(time(999_999_999))),
        ..SetAttr::default()
    };
    let root = scratch.root();
    let stats = [
        scratch.volume.set_attr(&file, &attr).expect("a handle"),
        scratch.volume.set_attr((&root, OsStr::new("file")), &attr).expect("an entry"),
        scratch.volume.set_attr(&dir, &attr).expect("a directory"),
        scratch.volume.set_attr((&root, OsStr::new("dir")), &attr).expect("a directory by name"),
    ];
    for stat in stats {
        assert_eq!((stat.mode, stat.atime, stat.mtime), (0o640, time(1), time(999_999_999)));
    }
    let sized = SetAttr { size: Some(123), ..SetAttr::default() };
    assert_eq!(scratch.volume.set_attr((&root, OsStr::new("file")), &sized).expect("resized").size, 123);
    assert!(scratch.volume.set_attr(&dir, &sized).is_err());
}

#[test]
fn attributes_pass_through() {
    let scratch = Scratch::new(&Profile::Sync.parameters());
    let file = scratch.create("file");
    let dir = scratch.mkdir("dir");
    let (volume, root) = (&scratch.volume, scratch.root());
    let (name, value) = (OsStr::new("user.note"), b"a value".as_slice());
    if let Err(error) = volume.set_xattr(&file, name, value, XattrMode::Set) {
        println!("SKIPPED: this file system has no extended attributes: {error}");
        return;
    }
    assert_eq!(volume.get_xattr((&root, OsStr::new("file")), name).expect("there"), value);
    assert_eq!(errno(volume.set_xattr(&file, name, value, XattrMode::Create)), Errno::EXIST);
    volume
        .set_xattr(&dir, name, &[7; 5000], XattrMode::Create)
        .or_else(|_| {
            volume.set_xattr(&dir, name, &[7; 500], XattrMode::Create) // some file systems have little room
        })
        .expect("set");
    assert!(volume.get_xattr((&root, OsStr::new("dir")), name).expect("there").len() >= 500);
    assert!(volume.list_xattrs(&dir).expect("listed").contains(&name.to_owned()));
    volume.remove_xattr((&root, OsStr::new("file")), name).expect("removed");
    assert!(volume.get_xattr(&file, name).is_err());
}

#[test]
fn a_volume_open_read_only_refuses_every_change() {
    let scratch = Scratch::new(&Profile::Standard.parameters());
    scratch.write("file", b"bytes");
    scratch.mkdir("dir");
    let volume = open(scratch.folder.path(), OpenOptions { read_only: true, ..OpenOptions::default() });
    let root = volume.root();
    let (file, new) = (OsStr::new("file"), OsStr::new("new"));
    let reader = volume.open_file(&root, file, READ).expect("reading is fine");
    let refused: Vec<Result<(), Error>> = vec![
        volume.open_file(&root, file, READ_WRITE).map(drop),
        volume.create_file(&root, new, 0o644, true, READ_WRITE, None).map(drop),
        volume.mkdir(&root, new, 0o755, None).map(drop),
        volume.mknod(&root, new, Kind::Fifo, 0o644, 0, None).map(drop),
        volume.symlink(file, &root, new, None).map(drop),
        volume.link(&root, file, &root, new).map(drop),
        volume.unlink(&root, file),
        volume.rmdir(&root, OsStr::new("dir")),
        volume.rename(&root, file, &root, new, encbox::volume::RenameMode::Replace),
        volume.set_attr((&root, file), &SetAttr { mode: Some(0o600), ..SetAttr::default() }).map(drop),
        volume.set_attr(&reader, &SetAttr { mode: Some(0o600), ..SetAttr::default() }).map(drop),
        volume.set_attr(&root, &SetAttr { mode: Some(0o700), ..SetAttr::default() }).map(drop),
        volume.set_xattr((&root, file), OsStr::new("user.x"), b"", XattrMode::Set),
        volume.remove_xattr(&reader, OsStr::new("user.x")),
    ];
    for (index, result) in refused.into_iter().enumerate() {
        assert!(matches!(result, Err(Error { fault: Fault::ReadOnly, .. })), "{index}: {result:?}");
    }
    assert_eq!(read_all(&reader), b"bytes");
}

#[test]
fn statfs_tells_the_plaintext_name_limit() {
    for (profile, limit) in [(Profile::Sync, 175), (Profile::Boxcryptor, 189)] {
        let scratch = Scratch::new(&profile.parameters());
        let stat = scratch.volume.statfs().expect("a file system");
        assert_eq!(stat.name_max, limit);
        assert!(stat.blocks > 0 && stat.fragment_size > 0);
    }
}

#[test]
fn special_files_are_seen_and_never_waited_for() {
    let scratch = Scratch::new(&Profile::Sync.parameters());
    let (volume, root, name) = (&scratch.volume, scratch.root(), OsStr::new("pipe"));
    volume.mknod(&root, name, Kind::Fifo, 0o644, 0, None).expect("made");
    assert_eq!(volume.stat((&root, name)).expect("there").kind, Kind::Fifo);
    let refused = volume.open_file(&root, name, READ);
    assert!(matches!(refused, Err(Error { fault: Fault::NotAFile, .. })), "{refused:?}");
    let refused = volume.open_file(&root, OsStr::new("."), READ);
    assert!(matches!(refused, Err(Error { fault: Fault::Name(_), .. })));
    scratch.mkdir("dir");
    let refused = volume.open_file(&root, OsStr::new("dir"), READ);
    assert!(matches!(refused, Err(Error { fault: Fault::IsADirectory, .. })));
}
