//! The command lines that front ends are known to use, as they use them.

use std::fs;
use std::process::Command;

use super::side::{our_bin, sides, sides_with};
use crate::encfs_is_missing;
use crate::support::process;

/// The first `a.b.c`, as a regular expression of KDE Vaults finds it.
fn version(text: &str) -> Option<Vec<u32>> {
    text.split_whitespace().find_map(|word| {
        let numbers: Option<Vec<u32>> = word.split('.').map(|number| number.parse().ok()).collect();
        numbers.filter(|numbers| numbers.len() == 3)
    })
}

/// KDE Vaults: versions of both programs, `encfsctl FOLDER` to see whether there is a volume, `encfs -S --standard`
/// to make and to open one, `fusermount -u`.
#[test]
fn kde_vaults() {
    if encfs_is_missing() {
        return;
    }
    for side in sides() {
        for program in ["encfs", "encfsctl"] {
            let run = side.run(&[program, "--version"], "");
            assert_eq!(version(&(run.stdout + &run.stderr)), Some(vec![1, 9, 5]), "{} {program}", side.name);
        }
        assert_eq!(side.run(&["encfsctl", "DIR/c"], "").code, 1, "{}: no volume yet", side.name);
        for round in 0..2 {
            let run = side.run(&["encfs", "-S", "--standard", "DIR/c", "DIR/m"], "pa\u{df}wort\n");
            assert_eq!(run.code, 0, "{}: {run:?}", side.name);
            let mounted = side.mounted().expect("mounted when the program ends");
            assert!(mounted.starts_with("fuse.encfs encfs "), "{}: {mounted}", side.name);
            if round == 0 {
                fs::write(side.mountpoint().join("file"), "text").expect("a mount");
            } else {
                assert_eq!(fs::read_to_string(side.mountpoint().join("file")).expect("a mount"), "text");
            }
            process::run(Command::new("fusermount").arg("-u").arg(side.mountpoint()));
            assert_eq!(side.run(&["encfsctl", "DIR/c"], "").code, 0, "{}", side.name);
        }
        let run = side.run(&["encfs", "-S", "--standard", "DIR/c", "DIR/m"], "wrong\n");
        assert_eq!((run.code, run.stdout.as_str()), (1, "Error decoding volume key, password incorrect\n"));
    }
}

/// SiriKali: the password twice on standard input, a name and a type for the mount table, the third word of
/// `--version`, a config elsewhere, idle minutes.
#[test]
fn sirikali() {
    if encfs_is_missing() {
        return;
    }
    for side in sides() {
        let run = side.run(&["encfs", "--version"], "");
        assert_eq!(run.stderr.split(' ').nth(2).map(str::trim), Some("1.9.5"), "{}", side.name);
        let mount = ["encfs", "--stdinpass", "DIR/c", "DIR/m", "-o", "fsname=encfs@DIR/c,subtype=encfs"];
        let create = [&mount[..2], &["--standard"], &mount[2..]].concat();
        let run = side.run(&create, "secret\nsecret");
        assert_eq!(run.code, 0, "{}: {run:?}", side.name);
        let mounted = side.mounted().expect("mounted when the program ends");
        assert!(mounted.starts_with("fuse.encfs encfs@DIR/c "), "{}: {mounted}", side.name);
        side.unmount();
        fs::rename(side.cipher().join(".encfs6.xml"), side.beside("cfg")).expect("a scratch file");
        let options = ["--config", "DIR/cfg", "-i", "5"];
        let run = side.run(&[&mount[..2], &options, &mount[2..]].concat(), "secret\nsecret");
        assert_eq!(run.code, 0, "{}: {run:?}", side.name);
        side.unmount();
        let run = side.run(&[&mount[..2], &options, &mount[2..]].concat(), "wrong\nwrong");
        let said = run.stdout + &run.stderr;
        assert!(said.contains("Error decoding volume key, password incorrect"), "{}: {said}", side.name);
    }
}

/// Scripts, and `gnome-encfs`: the password by `--extpass`, `nonempty` behind the folders.
#[test]
fn scripts() {
    if encfs_is_missing() {
        return;
    }
    for side in sides_with("block32-mac4") {
        for words in [
            &["encfs", "--extpass", "cat DIR/password", "DIR/c", "DIR/m", "-o", "nonempty"][..],
            &["encfs", "DIR/c", "DIR/m", "-i", "8", "--extpass=cat DIR/password"],
            &["encfs", "-o", "allow_other", "--extpass=cat DIR/password", "DIR/c", "DIR/m"],
            &["encfs", "--extpass=cat \"$encfs_root\"../password", "DIR/c", "DIR/m"],
            &["encfs", "DIR/c", "DIR/m", "--extpass=cat DIR/password", "-o", "nosuid,nodev", "--idle=60"],
        ] {
            let run = side.run(words, "");
            assert_eq!(run.code, 0, "{} {words:?}: {run:?}", side.name);
            assert!(side.mounted().is_some(), "{} {words:?}", side.name);
            side.unmount();
        }
    }
}

/// autofs, pam_mount and others come by way of mount.fuse, which runs `encfs` by its name; the password is on
/// standard input, as pam_mount gives it.
#[test]
fn mount_fuse() {
    if encfs_is_missing() || process::something_is_missing(&["mount.fuse3"]) {
        return;
    }
    let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", our_bin().display());
    let [_, ours] = sides_with("block32-mac4");
    for words in [
        &["mount.fuse3", "DIR/c", "DIR/m", "-t", "fuse.encfs", "-o", "ro,x-systemd.automount"][..],
        &["mount.fuse3", "encfs#DIR/c", "DIR/m", "-o", "rw,nodev,noauto,user,_netdev"],
    ] {
        let run = ours.run_in(&[("PATH", &path)], words, "block32\n");
        assert_eq!(run.code, 0, "{words:?}: {run:?}");
        let mounted = ours.mounted().expect("mounted when the program ends");
        assert!(mounted.starts_with("fuse.encfs encfs "), "{words:?}: {mounted}");
        let daemon = ours.run(&["pgrep", "-f", "^encbox mount .*DIR/m/$"], "");
        assert_eq!(daemon.code, 0, "{words:?}: mounted by another program");
        process::run(Command::new("umount").arg(ours.mountpoint()));
    }
}

/// fstab comes by way of mount(8), which looks into the system's folders only: encbox lies over `/usr/bin/encfs`, for
/// the processes of this test.
#[test]
fn mount_8() {
    if encfs_is_missing() || process::something_is_missing(&["mount.fuse3", "mount", "unshare"]) {
        return;
    }
    if !rustix::process::geteuid().is_root() {
        process::say_loudly("NOT TESTED: mount(8) is for root");
        return;
    }
    for words in [
        "-t fuse.encfs -o rw,nosuid,user,noauto,nofail,_netdev DIR/c DIR/m",
        "-t fuse -o nodev,allow_other encfs#DIR/c DIR/m",
    ] {
        let [_, ours] = sides_with("block32-mac4");
        let script = format!(
            "mount --bind {} /usr/bin/encfs && mount {words} && grep DIR/m /proc/self/mountinfo && \
             pgrep -f '^encbox mount .*DIR/m/$' && encfs -u DIR/m",
            env!("CARGO_BIN_EXE_encbox")
        );
        let run = ours.run(&["unshare", "-m", "--propagation", "private", "sh", "-c", &script], "block32\n");
        assert_eq!(run.code, 0, "{words}: {run:?}");
        assert!(run.stdout.contains(" - fuse.encfs encfs rw,"), "{words}: {run:?}");
    }
}
