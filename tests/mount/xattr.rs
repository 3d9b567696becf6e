use super::*;
use rustix::fs::XattrFlags;
use rustix::fs::getxattr;
use rustix::fs::getxattr_query;
use rustix::fs::listxattr;
use rustix::fs::listxattr_query;
use rustix::fs::removexattr;
use rustix::fs::setxattr;
use rustix::io::Errno;

#[test]
fn set_read_list_remove() {
    with_every_profile(|mount| {
        fs::create_dir(mount.path("folder")).expect("a fresh folder");
        fs::write(mount.path("file"), "").expect("a fresh file");
        for path in [mount.path("file"), mount.path("folder"), mount.root()] {
            setxattr(&path, "user.colour", b"blue", XattrFlags::empty()).expect("a fresh attribute");
            setxattr(&path, "user.shape", b"", XattrFlags::CREATE).expect("a fresh attribute");
            let mut buffer = [0; 100];
            assert_eq!(getxattr(&path, "user.colour", &mut buffer), Ok(4));
            assert_eq!(&buffer[..4], b"blue");
            assert_eq!(getxattr(&path, "user.shape", &mut buffer), Ok(0));
            let len = listxattr(&path, &mut buffer).expect("both");
            let mut names: Vec<_> =
                buffer[..len].split(|&byte| byte == 0).filter(|name| !name.is_empty()).collect();
            names.sort();
            assert_eq!(names, [b"user.colour".as_slice(), b"user.shape"]);
            removexattr(&path, "user.shape").expect("it is there");
            assert_eq!(getxattr(&path, "user.shape", &mut buffer), Err(Errno::NODATA));
        }
    });
}

#[test]
fn the_length_is_asked_for_first() {
    with_profile(Profile::Sync, |mount| {
        let path = mount.path("file");
        fs::write(&path, "").expect("a fresh file");
        setxattr(&path, "user.long", &pattern(1, 300), XattrFlags::empty()).expect("a fresh attribute");
        let mut buffer = [0; 400];
        assert_eq!(getxattr_query(&path, "user.long"), Ok(300));
        assert_eq!(getxattr(&path, "user.long", &mut buffer[..299]), Err(Errno::RANGE));
        assert_eq!(getxattr(&path, "user.long", &mut buffer), Ok(300));
        assert!(buffer[..300] == pattern(1, 300));
        assert_eq!(listxattr_query(&path), Ok(10));
        assert_eq!(listxattr(&path, &mut buffer[..9]), Err(Errno::RANGE));
    });
}

#[test]
fn creating_and_replacing() {
    with_profile(Profile::Sync, |mount| {
        let path = mount.path("file");
        fs::write(&path, "").expect("a fresh file");
        assert_eq!(setxattr(&path, "user.a", b"1", XattrFlags::REPLACE), Err(Errno::NODATA));
        setxattr(&path, "user.a", b"1", XattrFlags::CREATE).expect("a fresh attribute");
        assert_eq!(setxattr(&path, "user.a", b"2", XattrFlags::CREATE), Err(Errno::EXIST));
        setxattr(&path, "user.a", b"2", XattrFlags::REPLACE).expect("it is there");
    });
}
