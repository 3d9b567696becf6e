use super::*;
use std::collections::HashSet;
use std::ffi::OsString;
use std::os::unix::fs::DirEntryExt;
use std::os::unix::fs::MetadataExt;

fn names(path: &Path) -> Vec<OsString> {
    let mut names: Vec<_> =
        fs::read_dir(path).expect("a folder").map(|entry| entry.expect("readable").file_name()).collect();
    names.sort();
    names
}

#[test]
fn everything_once_and_nothing_else() {
    with_every_profile(|mount| {
        fs::create_dir(mount.path("folder")).expect("a fresh folder");
        fs::write(mount.path("file"), "").expect("a fresh file");
        fs::write(mount.volume_path().join("desktop.ini"), "").expect("a stranger among the ciphertext");
        assert_eq!(names(&mount.root()), ["file", "folder"]);
        assert_eq!(names(&mount.path("folder")), [""; 0]);
        for entry in fs::read_dir(mount.root()).expect("a folder") {
            let entry = entry.expect("readable");
            let metadata = entry.metadata().expect("it is there");
            assert_eq!(entry.ino(), metadata.ino());
            assert_eq!(entry.file_type().expect("known"), metadata.file_type());
        }
    });
}

/// Three thousand entries, half of them removed during the walk: each that stays is seen exactly once.
#[test]
fn removing_while_walking() {
    with_every_profile(|mount| {
        let folder = mount.path("folder");
        fs::create_dir(&folder).expect("a fresh folder");
        let expected: HashSet<_> = (0..3000).map(|number| OsString::from(number.to_string())).collect();
        for name in &expected {
            fs::write(folder.join(name), "").expect("a fresh file");
        }
        let mut seen = HashSet::new();
        for (count, entry) in fs::read_dir(&folder).expect("a folder").enumerate() {
            let name = entry.expect("readable").file_name();
            assert!(seen.insert(name.clone()), "seen twice");
            if count % 2 == 0 {
                fs::remove_file(folder.join(&name)).expect("it was just listed");
            }
        }
        assert_eq!(seen, expected);
        assert_eq!(names(&folder).len(), 1500);
    });
}

#[test]
fn rewinding_shows_what_is_new() {
    with_profile(Profile::Sync, |mount| {
        fs::write(mount.path("one"), "").expect("a fresh file");
        let folder = fs::File::open(mount.root()).expect("a folder");
        let mut stream = rustix::fs::Dir::new(folder).expect("a folder");
        let count = |stream: &mut rustix::fs::Dir| stream.by_ref().filter(|entry| entry.is_ok()).count();
        assert_eq!(count(&mut stream), 3);
        fs::write(mount.path("two"), "").expect("a fresh file");
        assert_eq!(count(&mut stream), 0);
        stream.rewind();
        assert_eq!(count(&mut stream), 4);
    });
}

#[test]
fn threads_make_and_list() {
    with_profile(Profile::Sync, |mount| {
        thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    for number in 0..100 {
                        fs::write(mount.path(format!("{thread} {number}")), "").expect("a fresh file");
                        assert!(fs::read_dir(mount.root()).expect("a folder").all(|entry| entry.is_ok()));
                    }
                });
            }
        });
        assert_eq!(names(&mount.root()).len(), 400);
    });
}
