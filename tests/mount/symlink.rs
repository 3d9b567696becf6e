use super::*;
use rustix::io::Errno;
use std::os::unix::fs::symlink;

#[test]
fn targets_of_every_shape() {
    with_every_profile(|mount| {
        let targets =
            ["file", "../up/and/over", "/absolute/path", "a//b/", ".", "ünï ¢ode", "x".repeat(100).as_str()]
                .map(str::to_owned);
        for (number, target) in targets.iter().enumerate() {
            let path = mount.path(number.to_string());
            symlink(target, &path).expect("a fresh link");
            assert_eq!(fs::read_link(&path).expect("it is there"), Path::new(target));
            let metadata = fs::symlink_metadata(&path).expect("it is there");
            assert!(metadata.is_symlink());
            assert_eq!(metadata.len(), target.len() as u64);
        }
    });
}

#[test]
fn the_kernel_follows_them() {
    with_every_profile(|mount| {
        fs::create_dir(mount.path("folder")).expect("a fresh folder");
        fs::write(mount.path("folder/file"), "found").expect("a fresh file");
        symlink("folder/file", mount.path("link")).expect("a fresh link");
        symlink("../link", mount.path("folder/back")).expect("a fresh link");
        assert_eq!(fs::read_to_string(mount.path("folder/back")).expect("two links away"), "found");
        fs::rename(mount.path("link"), mount.path("folder/moved")).expect("it is there");
        assert_eq!(fs::read_link(mount.path("folder/moved")).expect("it is there"), Path::new("folder/file"));
        symlink("loop", mount.path("loop")).expect("a fresh link");
        assert_eq!(errno(fs::metadata(mount.path("loop"))), Some(Errno::LOOP));
    });
}

/// A target that another program broke is an error to who reads it, and to nobody else.
#[test]
fn a_target_that_does_not_decode() {
    with_every_profile(|mount| {
        fs::write(mount.path("file"), "beside it").expect("a fresh file");
        symlink("file", mount.path("link")).expect("a fresh link");
        let on_disk = mount.cipher_path("link");
        fs::remove_file(&on_disk).expect("it is there");
        symlink("no ciphertext (at all)", &on_disk).expect("the name is free");
        outlive_the_kernels_memory();
        assert_eq!(errno(fs::read_link(mount.path("link"))), Some(Errno::IO));
        assert_eq!(fs::read_dir(mount.root()).expect("it is there").flatten().count(), 2);
        assert!(fs::symlink_metadata(mount.path("link")).expect("it is there").is_symlink());
        fs::remove_file(mount.path("link")).expect("it is there");
    });
}
