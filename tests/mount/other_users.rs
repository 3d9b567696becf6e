use super::*;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Whether a shell of some other user gets through with a command, run in the mount.
fn another_user(mount: &Mount, script: &str) -> bool {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("cd '{}' && {script}", mount.root().display())).uid(1234).gid(2345);
    shell.output().expect("the shell starts").status.success()
}

fn mounted(adjust: impl FnOnce(&mut MountOptions)) -> Option<Mount> {
    if !has_fuse() {
        return None;
    }
    let mut mount = Mount::fresh(Profile::Standard);
    fs::set_permissions(mount.folder.path(), PermissionsExt::from_mode(0o755)).expect("any mode");
    mount.mount(adjust);
    fs::set_permissions(mount.root(), PermissionsExt::from_mode(0o777)).expect("any mode");
    Some(mount)
}

#[test]
fn stay_outside_unless_let_in() {
    let Some(mount) = mounted(|_| {}) else { return };
    assert!(!another_user(&mount, "true"));
}

/// What they make is theirs, and permissions bind them.
#[test]
fn once_let_in() {
    let Some(mount) = mounted(|options| options.allow_other = true) else { return };
    let scripts =
        ["echo text > file", "mkdir folder", "ln -s file link", "mkfifo pipe", "echo more > folder/below"];
    for script in scripts {
        assert!(another_user(&mount, script), "{script}");
    }
    for name in ["file", "folder", "link", "pipe", "folder/below"] {
        let metadata = fs::symlink_metadata(mount.path(name)).expect("it is there");
        assert_eq!((metadata.uid(), metadata.gid()), (1234, 2345), "{name}");
    }
    fs::write(mount.path("private"), "text").expect("a fresh file");
    fs::set_permissions(mount.path("private"), PermissionsExt::from_mode(0o600)).expect("any mode");
    assert!(!another_user(&mount, "cat private"));
    assert!(!another_user(&mount, "chmod 666 private"));
    fs::set_permissions(mount.path("private"), PermissionsExt::from_mode(0o644)).expect("any mode");
    assert!(another_user(&mount, "cat private"));
    assert!(!another_user(&mount, "echo text >> private"));
}
