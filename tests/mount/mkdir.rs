use super::*;
use rustix::io::Errno;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;

#[test]
fn deep_trees_come_and_go() {
    with_every_profile(|mount| {
        let deepest = mount.path(["deep"; 40].join("/"));
        fs::create_dir_all(&deepest).expect("any depth");
        fs::write(deepest.join("file"), "at the bottom").expect("a fresh file");
        assert_eq!(fs::read_to_string(deepest.join("file")).expect("it is there"), "at the bottom");
        fs::remove_dir_all(mount.path("deep")).expect("everything below goes");
        assert_eq!(fs::read_dir(mount.root()).expect("it is there").count(), 0);
    });
}

#[test]
fn only_empty_folders_are_removed() {
    with_every_profile(|mount| {
        fs::create_dir(mount.path("folder")).expect("a fresh folder");
        assert_eq!(errno(fs::create_dir(mount.path("folder"))), Some(Errno::EXIST));
        fs::write(mount.path("folder/file"), "").expect("a fresh file");
        assert_eq!(errno(fs::remove_dir(mount.path("folder"))), Some(Errno::NOTEMPTY));
        assert_eq!(errno(fs::remove_dir(mount.path("folder/file"))), Some(Errno::NOTDIR));
        fs::remove_file(mount.path("folder/file")).expect("it is there");
        fs::remove_dir(mount.path("folder")).expect("it is empty");
    });
}

/// In a folder with the set-group-ID bit, what is made takes the folder's group, and folders take the bit too.
#[test]
fn the_group_of_a_set_group_id_folder() {
    with_profile(Profile::Sync, |mount| {
        let shared = mount.path("shared");
        fs::create_dir(&shared).expect("a fresh folder");
        std::os::unix::fs::chown(&shared, None, Some(1234)).expect("root may");
        fs::set_permissions(&shared, PermissionsExt::from_mode(0o2775)).expect("any mode");
        fs::write(shared.join("file"), "").expect("a fresh file");
        fs::create_dir(shared.join("below")).expect("a fresh folder");
        assert_eq!(fs::metadata(shared.join("file")).expect("it is there").gid(), 1234);
        let below = fs::metadata(shared.join("below")).expect("it is there");
        assert_eq!((below.gid(), below.mode() & 0o2000), (1234, 0o2000));
    });
}
