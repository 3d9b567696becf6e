use super::*;
use std::os::unix::fs::MetadataExt;

/// Programs that remember inode numbers (git, rsync, backups) find everything unchanged.
#[test]
fn numbers_and_times_stay() {
    for profile in [Profile::Sync, Profile::Paranoia] {
        if !has_fuse() {
            return;
        }
        let mut mount = Mount::fresh(profile);
        mount.mount(|_| {});
        fs::create_dir_all(mount.path("a/b")).expect("fresh folders");
        fs::write(mount.path("a/b/file"), "text").expect("a fresh file");
        let look = |mount: &Mount| {
            ["", "a", "a/b", "a/b/file"].map(|name| {
                let metadata = fs::metadata(mount.path(name)).expect("it is there");
                (metadata.ino(), metadata.mtime(), metadata.mtime_nsec())
            })
        };
        let before = look(&mount);
        mount.remount();
        assert_eq!(look(&mount), before);
    }
}

/// A node's number is the backing inode's.
#[test]
fn numbers_are_those_of_the_disk() {
    with_every_profile(|mount| {
        fs::write(mount.path("file"), "text").expect("a fresh file");
        let shown = fs::metadata(mount.path("file")).expect("it is there").ino();
        assert_eq!(shown, fs::metadata(mount.cipher_path("file")).expect("it is there").ino());
    });
}
