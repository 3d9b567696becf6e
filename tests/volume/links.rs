//! Symbolic and hard links, and walking.

use crate::scratch::*;
use encbox::config::{FileIvMode, Profile};
use encbox::volume::{Error, Fault, Follow, Place, PlainPath};
use std::ffi::OsStr;

#[test]
fn targets_read_back_wherever_the_link_moves() {
    for parameters in many_parameters() {
        let scratch = Scratch::new(&parameters);
        let (volume, root, link) = (&scratch.volume, scratch.root(), OsStr::new("link"));
        let dir = scratch.mkdir("dir");
        for target in ["file", "../up/and/over", "/an/absolute one", "dir//double/", "./.."] {
            let stat = volume.symlink(OsStr::new(target), &root, link, None).expect("made");
            assert_eq!(stat.size, target.len() as u64);
            assert_eq!(volume.readlink(&root, link).expect("there"), target);
            volume.rename(&root, link, &dir, link, encbox::volume::RenameMode::Replace).expect("moved");
            assert_eq!(volume.readlink(&dir, link).expect("there"), target, "{parameters:?}");
        }
    }
}

#[test]
fn a_target_that_does_not_decode_fails_when_read_not_when_listed() {
    let scratch = Scratch::new(&Profile::Sync.parameters());
    std::os::unix::fs::symlink("not one of ours", scratch.on_disk("link")).expect("made");
    let (volume, root) = (&scratch.volume, scratch.root());
    assert_eq!(scratch.names(&root), ["link"]);
    assert_eq!(volume.stat((&root, OsStr::new("link"))).expect("listed").size, 0);
    let error = volume.readlink(&root, OsStr::new("link")).expect_err("not ours");
    assert!(matches!(error.fault, Fault::Name(_)));
}

#[test]
fn a_link_that_could_not_be_read_is_not_made() {
    let scratch = Scratch::new(&Profile::Boxcryptor.parameters());
    let (volume, root) = (&scratch.volume, scratch.root());
    let refused = volume.symlink(OsStr::new("/"), &root, OsStr::new("link"), None);
    assert!(matches!(refused, Err(Error { fault: Fault::Name(_), .. })), "{refused:?}");
    assert_eq!(scratch.names(&root), Vec::<String>::new());
}

/// A link whose target is not ours has another name as easily as any file.
#[test]
fn a_link_that_cannot_be_read_can_be_linked_to() {
    let scratch = Scratch::new(&Profile::Sync.parameters());
    std::os::unix::fs::symlink("not one of ours", scratch.on_disk("one")).expect("made");
    let (volume, root) = (&scratch.volume, scratch.root());
    let stat = volume.link(&root, OsStr::new("one"), &root, OsStr::new("two")).expect("linked");
    assert_eq!((stat.nlink, stat.size), (2, 0));
}

#[test]
fn hard_links_share_contents_or_are_refused() {
    for parameters in many_parameters() {
        let scratch = Scratch::new(&parameters);
        let (volume, root) = (&scratch.volume, scratch.root());
        scratch.write("one", b"shared");
        let linked = volume.link(&root, OsStr::new("one"), &root, OsStr::new("two"));
        if parameters.file_iv == FileIvMode::External {
            assert!(matches!(linked, Err(Error { fault: Fault::HardLink, .. })));
            continue;
        }
        assert_eq!(linked.expect("linked").nlink, 2);
        scratch.open("one").append(b" bytes").expect("written");
        assert_eq!(scratch.read("two"), b"shared bytes");
    }
}

#[test]
fn walking_follows_links_within_the_volume_only() {
    let scratch = Scratch::new(&Profile::Standard.parameters());
    let (volume, root) = (&scratch.volume, scratch.root());
    let dir = scratch.mkdir("dir");
    scratch.mkdir("dir/sub");
    scratch.write("dir/sub/file", b"found");
    for (link, target) in
        [("in", "dir/sub"), ("back", "dir/sub/.."), ("out", "../.."), ("abs", "/etc"), ("loop", "loop")]
    {
        volume.symlink(OsStr::new(target), &root, OsStr::new(link), None).expect("made");
    }
    let walk = |path: &str, follow| {
        let path = PlainPath::parse(OsStr::new(path)).expect("within the volume");
        volume.walk(&path, follow)
    };
    assert_eq!(scratch.read("in/file"), b"found");
    assert_eq!(scratch.read("back/sub/file"), b"found");
    let Ok(Place::Entry(parent, name)) = walk("back", Follow::Yes) else { panic!("a directory") };
    assert_eq!((parent.id(), name.as_os_str()), (root.id(), OsStr::new("dir")));
    assert!(matches!(walk("in", Follow::No), Ok(Place::Entry(_, name)) if name == "in"));
    for (path, fault) in [("out/x", "outside"), ("abs/passwd", "outside"), ("loop", "too many")] {
        let error = walk(path, Follow::Yes).expect_err(path);
        assert!(error.to_string().contains(fault), "{error}");
    }
    assert!(matches!(walk("dir/sub/file/x", Follow::Yes), Err(Error { fault: Fault::NotADirectory, .. })));
    assert!(matches!(walk("dir/new", Follow::Yes), Ok(Place::Entry(parent, _)) if parent.id() == dir.id()));
    assert!(walk("nowhere/new", Follow::Yes).is_err());
}
