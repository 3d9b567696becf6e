//! Access control lists, as `setfacl` sets them and two other users meet them.

use super::*;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

const ANN: u32 = 1234;
const BOB: u32 = 1235;

/// A volume that every user may make files in, if this machine has what it takes.
fn with_lists(test: impl Fn(&Mount)) {
    if !has_fuse() {
        return;
    }
    if Command::new("setfacl").arg("--version").output().is_err() {
        return writeln!(io::stderr(), "SKIPPED: no setfacl").expect("standard error takes a line");
    }
    let mut mount = Mount::fresh(Profile::Standard);
    fs::set_permissions(mount.folder.path(), PermissionsExt::from_mode(0o755)).expect("any mode");
    mount.mount(|options| options.allow_other = true);
    fs::set_permissions(mount.root(), PermissionsExt::from_mode(0o777)).expect("any mode");
    test(&mount);
}

/// Whether a shell of a user gets through with a script, run in the mount.
fn as_user(mount: &Mount, user: u32, script: &str) -> bool {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("cd '{}' && {script}", mount.root().display())).uid(user).gid(user);
    shell.output().expect("the shell starts").status.success()
}

fn list(mount: &Mount, name: &str) -> String {
    let listed = Command::new("getfacl").args(["-c", "-n", "-E"]).arg(mount.path(name)).output();
    String::from_utf8(listed.expect("it was there before").stdout).expect("ASCII")
}

fn mode(mount: &Mount, name: &str) -> u32 {
    fs::metadata(mount.path(name)).expect("it is there").mode() & 0o7777
}

#[test]
fn let_in_and_keep_out() {
    with_lists(|mount| {
        assert!(as_user(mount, ANN, "umask 077; echo secret > file"));
        assert!(!as_user(mount, BOB, "cat file"));
        assert!(as_user(mount, ANN, &format!("setfacl -m u:{BOB}:r file")));
        assert!(as_user(mount, BOB, "cat file"));
        assert!(!as_user(mount, BOB, "echo more >> file"));
        assert!(!as_user(mount, BOB, &format!("setfacl -m u:{BOB}:rw file")), "not the owner");
        assert!(as_user(mount, ANN, "chmod 644 file"));
        assert!(as_user(mount, ANN, &format!("setfacl -m u:{BOB}:-,g::r file")));
        assert!(!as_user(mount, BOB, "cat file"), "everybody but one");
        assert!(as_user(mount, ANN + 7, "cat file"));
        assert!(as_user(mount, ANN, "setfacl -b file"));
        assert!(as_user(mount, BOB, "cat file"));
    });
}

#[test]
fn outlive_a_remount_and_a_change_of_mode_is_one_of_the_mask() {
    with_lists(|mount| {
        assert!(as_user(mount, ANN, &format!("echo text > file; setfacl -m u:{BOB}:rw,g::r file")));
        let expected = format!("user::rw-\nuser:{BOB}:rw-\ngroup::r--\nmask::rw-\nother::r--\n\n");
        assert_eq!(list(mount, "file"), expected);
        assert_eq!(mode(mount, "file"), 0o664);
        assert!(as_user(mount, ANN, "chmod g-w file"));
        assert_eq!(list(mount, "file"), expected.replace("mask::rw-", "mask::r--"));
        assert!(!as_user(mount, BOB, "echo more >> file"));
    });
}

/// The list of a folder stands in for the umask (acl(5)), for all that is made in it.
#[test]
fn are_inherited() {
    with_lists(|mount| {
        assert!(as_user(mount, ANN, &format!("mkdir -m 755 shared && setfacl -d -m u:{BOB}:rwx shared")));
        assert!(as_user(
            mount,
            ANN,
            "umask 077; echo text > shared/file; mkdir shared/folder; mkfifo shared/pipe"
        ));
        assert!(as_user(mount, BOB, "cat shared/file && echo more >> shared/file"));
        assert!(as_user(mount, BOB, "echo text > shared/folder/of-bob"));
        assert_eq!(mode(mount, "shared/folder"), 0o775);
        assert_eq!(mode(mount, "shared/file"), 0o664);
        assert!(list(mount, "shared/folder").contains(&format!("default:user:{BOB}:rwx")));
        // where there is no list, the umask is what counts
        assert!(as_user(mount, ANN, "umask 027; echo text > plain; mkdir plain-folder; mkfifo plain-pipe"));
        assert_eq!((mode(mount, "plain"), mode(mount, "plain-folder")), (0o640, 0o750));
        assert_eq!(mode(mount, "plain-pipe"), 0o640);
    });
}

#[test]
fn a_set_group_id_bit_is_not_kept_for_a_group_of_others() {
    with_lists(|mount| {
        let path = mount.path("file");
        fs::write(&path, "text").expect("a fresh file");
        std::os::unix::fs::chown(&path, Some(ANN), Some(BOB)).expect("we are root");
        fs::set_permissions(&path, PermissionsExt::from_mode(0o2755)).expect("any mode");
        assert!(as_user(mount, ANN, &format!("setfacl -m u:{BOB}:rwx file")));
        assert_eq!(mode(mount, "file") & 0o2000, 0);
    });
}

/// Lists that another program changes on the ciphertext.
#[test]
fn follow_the_disk() {
    with_lists(|mount| {
        assert!(as_user(mount, ANN, "umask 077; echo secret > file"));
        assert!(!as_user(mount, BOB, "cat file"));
        let cipher = mount.cipher_path("file");
        let set = Command::new("setfacl").arg("-m").arg(format!("u:{BOB}:r")).arg(&cipher).status();
        assert!(set.expect("it ran before").success());
        outlive_the_kernels_memory();
        assert!(as_user(mount, BOB, "cat file"));
    });
}
