use super::*;
use encbox::mount::Error;

/// Tries to mount; gives the refusal.
fn refusal(mount: &Mount, mountpoint: &Path) -> Option<Error> {
    let volume = Arc::new(mount.open(false));
    Session::mount(volume, &MountOptions::new(mountpoint)).err()
}

#[test]
fn places_that_will_not_do() {
    if !has_fuse() {
        return;
    }
    let mount = Mount::fresh(Profile::Sync);
    let folder = mount.folder.path();
    fs::create_dir(mount.volume_path().join("inner")).expect("a fresh folder");
    fs::create_dir(folder.join("full")).expect("a fresh folder");
    fs::write(folder.join("full/file"), "").expect("a fresh file");
    let refuse = |place: &str| refusal(&mount, &folder.join(place));
    assert!(matches!(refuse("missing"), Some(Error::NoMountPoint { .. })));
    assert!(matches!(refuse("full/file"), Some(Error::NotAFolder { .. })));
    assert!(matches!(refuse("full"), Some(Error::NotEmpty { .. })));
    assert!(matches!(refuse("volume"), Some(Error::InsideVolume { .. })));
    assert!(matches!(refuse("volume/inner"), Some(Error::InsideVolume { .. })));
    assert!(matches!(refuse("."), Some(Error::HidesVolume { .. })));
    fs::write(folder.join(".dropbox"), "").expect("a fresh file");
    assert!(matches!(refuse("mount"), Some(Error::InsideSyncedFolder { .. })));
}

#[test]
fn a_full_folder_if_told_so() {
    if !has_fuse() {
        return;
    }
    let mut mount = Mount::fresh(Profile::Sync);
    fs::write(mount.path("hidden"), "").expect("a fresh file");
    mount.mount(|options| options.options.push("nonempty".to_owned()));
    assert_eq!(fs::read_dir(mount.root()).expect("a folder").count(), 0);
}

#[test]
fn a_living_mount_is_left_alone() {
    with_profile(Profile::Sync, |mount| {
        let refused = refusal(mount, &mount.root());
        assert!(
            matches!(refused, Some(Error::AlreadyMounted { volume, .. }) if volume == mount.volume_path())
        );
    });
}

#[test]
fn an_option_that_the_kernel_does_not_know() {
    if !has_fuse() {
        return;
    }
    let mount = Mount::fresh(Profile::Sync);
    let mut options = MountOptions::new(mount.root());
    options.options.push("no_such_option".to_owned());
    match Session::mount(Arc::new(mount.open(false)), &options) {
        Err(error @ Error::MountWithOptions { .. }) => assert!(error.to_string().contains("no_such_option")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_mount_is_listed_and_can_be_unmounted_once() {
    if !has_fuse() {
        return;
    }
    let mut mount = Mount::fresh(Profile::Sync);
    let listed = |mount: &Mount| {
        let mounts = mount::mounts().expect("the table of mounts");
        mounts.into_iter().find(|mounted| mounted.mountpoint == mount.root())
    };
    assert_eq!(listed(&mount), None);
    assert!(matches!(mount::unmount(&mount.root(), false), Err(Error::NotMounted { .. })));
    mount.mount(|_| {});
    let mounted = listed(&mount).expect("it is mounted");
    assert_eq!(mounted.volume, mount.volume_path());
    assert!(mounted.alive() && !mounted.read_only);
    mount.unmount();
    assert_eq!(listed(&mount), None);
    assert!(matches!(mount::unmount(Path::new("/proc"), false), Err(Error::NotOurs { .. })));
}

#[test]
fn what_is_in_use_stays_unless_lazily() {
    with_profile(Profile::Sync, |mount| {
        fs::write(mount.path("file"), "text").expect("a fresh file");
        let open = fs::File::open(mount.path("file")).expect("it is there");
        assert!(matches!(mount::unmount(&mount.root(), false), Err(Error::Busy { .. })));
        drop(open);
    });
}

/// A daemon that died without a guard leaves a dead mount; mounting there again clears it.
#[test]
fn a_dead_mount_is_cleared() {
    if !has_fuse() {
        return;
    }
    let mut mount = Mount::fresh(Profile::Sync);
    leave_a_dead_mount(&mount);
    let dead =
        mount::mounts().expect("the table").into_iter().find(|mounted| mounted.mountpoint == mount.root());
    assert_eq!(dead.map(|mounted| mounted.alive()), Some(false));
    mount.mount(|_| {});
    fs::write(mount.path("file"), "text").expect("alive again");
    mount.unmount();
    assert_eq!(fs::read_dir(mount.root()).expect("nothing is mounted here").count(), 0);
}

/// The kernel's end of a connection that nobody holds the other end of.
fn leave_a_dead_mount(mount: &Mount) {
    use rustix::fs::Mode;
    use rustix::fs::OFlags;
    use rustix::mount::MountFlags;
    use std::os::fd::AsRawFd;
    let device =
        rustix::fs::open("/dev/fuse", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).expect("it is there");
    let options = format!("fd={},rootmode=40000,user_id=0,group_id=0,subtype=encbox", device.as_raw_fd());
    let options = std::ffi::CString::new(options).expect("no zero byte");
    rustix::mount::mount(mount.volume_path(), mount.root(), "fuse", MountFlags::empty(), options.as_c_str())
        .expect("root may");
}
