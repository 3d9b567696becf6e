use super::*;
use rustix::io::Errno;
use std::os::unix::fs::PermissionsExt;

fn refuses_every_change(mount: &Mount) {
    let refused = Some(Errno::ROFS);
    assert_eq!(fs::read(mount.path("file")).expect("readable"), b"text");
    assert_eq!(errno(fs::write(mount.path("file"), "changed")), refused);
    assert_eq!(errno(fs::write(mount.path("new"), "")), refused);
    assert_eq!(errno(fs::create_dir(mount.path("folder"))), refused);
    assert_eq!(errno(fs::remove_file(mount.path("file"))), refused);
    assert_eq!(errno(fs::rename(mount.path("file"), mount.path("moved"))), refused);
    assert_eq!(errno(fs::set_permissions(mount.path("file"), PermissionsExt::from_mode(0o600))), refused);
    assert_eq!(fs::read(mount.path("file")).expect("readable"), b"text");
    let listed = mount::mounts().expect("the table of mounts");
    assert!(listed.iter().any(|mounted| mounted.mountpoint == mount.root() && mounted.read_only));
}

#[test]
fn by_its_own_option_and_by_mount_option() {
    if !has_fuse() {
        return;
    }
    let mut mount = Mount::fresh(Profile::Standard);
    mount.mount(|_| {});
    fs::write(mount.path("file"), "text").expect("a fresh file");
    mount.unmount();
    mount.mount(|options| options.read_only = true);
    refuses_every_change(&mount);
    mount.unmount();
    mount.mount(|options| options.options.push("ro".to_owned()));
    refuses_every_change(&mount);
}
