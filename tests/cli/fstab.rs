//! `mount -t fuse.encbox`, `/etc/fstab` and `mount.encbox`
#![cfg(all(feature = "mount", target_os = "linux"))]

use crate::support::*;
use std::fs;
use std::os::unix::fs::symlink;

/// A volume with `/f` in it, in folders with blanks in their names.
fn volume() -> Option<Mounted> {
    let mounted = Mounted::new()?;
    mounted.0.add("/f", b"text");
    fs::rename(mounted.0.path("V"), mounted.0.path("V V")).unwrap();
    Some(mounted)
}

/// Whether mount(8) can be tried: as root, in a mount namespace where `encbox` is installed.
fn can_mount() -> bool {
    if !rustix::process::geteuid().is_root() {
        skipped("mount(8) needs root");
        return false;
    }
    has("unshare") && has("mount.fuse3")
}

/// Runs a script in a mount namespace of its own, where nothing but the program is in `/usr/local/bin`.
fn in_namespace(mounted: &Mounted, script: &str) -> Run {
    let scratch = &mounted.0;
    let bin = scratch.path("bin");
    fs::create_dir_all(&bin).unwrap();
    drop(symlink(PROGRAM, bin.join("encbox")));
    let mut command = scratch.bare_command("unshare");
    // other tests list all mounts, and so hold this one for an instant
    let leave =
        "leave() { for try in $(seq 100); do umount M 2>/dev/null && return; sleep 0.1; done; umount M; }";
    let script = format!("{leave}\nmount --bind bin /usr/local/bin\n{script}");
    command.args(["--mount", "--propagation", "private", "sh", "-ec", &script]);
    run(command, b"")
}

fn here(mounted: &Mounted) -> String {
    mounted.0.folder().display().to_string()
}

#[test]
fn by_mount_fuse() {
    let Some(mounted) = volume().filter(|_| can_mount()) else { return };
    let here = here(&mounted);
    let script = format!(
        "mount -t fuse.encbox '{here}/V V' '{here}/M' -o 'password-file={here}/password,ro,idle=10,noauto,user,_netdev'\n\
         cat M/f\n! touch M/g 2>/dev/null\ngrep -F '{here}/M ' /proc/self/mountinfo | grep -o 'fuse.encbox'\nleave\n! cat M/f 2>/dev/null"
    );
    assert_eq!(in_namespace(&mounted, &script).ok().text(), "textfuse.encbox\n");
}

#[test]
fn by_a_line_of_fstab() {
    let Some(mounted) = volume().filter(|_| can_mount()) else { return };
    let here = here(&mounted);
    // a comma in a value stands in quotes, a blank is octal
    fs::rename(mounted.0.path("password"), mounted.0.path("password,x")).unwrap();
    let command = format!("password-command=\"cat\\040{here}/password,x\"");
    let options = format!("noauto,user,nofail,x-systemd.automount,allow_other,on-demand,{command}");
    mounted.0.write("fstab", format!("{here}/V\\040V {here}/M fuse.encbox {options} 0 0\n").as_bytes());
    let run = in_namespace(&mounted, "mount -T fstab M\ncat M/f\nleave");
    assert_eq!(run.ok().text(), "text");
}

#[test]
fn as_a_helper_of_mount() {
    let Some(mounted) = volume() else { return };
    let scratch = &mounted.0;
    symlink(PROGRAM, scratch.path("mount.encbox")).unwrap();
    let helper = |arguments: &[&str]| {
        let mut command = scratch.bare_command(scratch.path("mount.encbox").to_str().unwrap());
        command.args(arguments);
        run(command, b"")
    };
    helper(&["V V", "M", "-f", "-o", "ro"]).ok();
    assert!(!mounted.is_mounted());
    helper(&["V V", "M", "-n", "-o", "rw,password_file=password,threads=1"]).ok();
    assert_eq!(fs::read(scratch.path("M/f")).unwrap(), b"text");
    scratch.run(&["unmount", "--wait", "10", "M"]).ok();
    helper(&["V V", "M", "-o", "password=secret"]).fails(2).says(&["password-file"]);
    helper(&["V V", "M", "-o", "password-file=missing"]).fails(7);
}
