//! `encbox mount --install-service`
#![cfg(all(feature = "mount", not(target_os = "macos")))]

use crate::support::*;
use std::fs;
use std::path::{Path, PathBuf};

/// A volume and a mount point that are hard to write down.
const VOLUME: &str = "50% $HOME \"v\\x\"";
const MOUNTPOINT: &str = "Clear Text%i";

fn scratch() -> Scratch {
    let scratch = Scratch::empty();
    scratch.run(&["new", "-q", "--iterations", "1000", VOLUME]).ok();
    fs::create_dir(scratch.path(MOUNTPOINT)).unwrap();
    scratch
}

fn service(scratch: &Scratch, more: &[&str]) -> Run {
    let mut command = scratch.bare_command(PROGRAM);
    command.args(["mount", "--password-file", "password"]).args(more).args(["--", VOLUME, MOUNTPOINT]);
    command.env("HOME", scratch.folder());
    run(command, b"")
}

fn unit(scratch: &Scratch) -> PathBuf {
    scratch.path(".config/systemd/user/encbox-Clear-Text-i.service")
}

#[test]
fn everything_is_absolute_and_escaped() {
    let scratch = scratch();
    service(
        &scratch,
        &["--install-service", "--idle", "10", "--on-demand", "--read-only", "-o", "noexec,noatime"],
    )
    .ok()
    .says(&["wrote ", "encbox-Clear-Text-i.service"]);
    let text = fs::read_to_string(unit(&scratch)).unwrap();
    let here = scratch.folder().display().to_string();
    let start = format!(
        "ExecStart=:{PROGRAM} mount --foreground --password-file {here}/password --read-only --on-demand \
         --idle 10 -o noexec,noatime -- \"{here}/50%% $HOME \\\"v\\\\x\\\"\" \"{here}/Clear Text%%i\"\n"
    );
    assert!(text.contains(&start), "{text}");
    assert!(
        text.contains(&format!("ExecStop=-:{PROGRAM} unmount --wait 5 -- \"{here}/Clear Text%%i\"\n")),
        "{text}"
    );
    assert!(text.contains("Type=notify\n") && text.contains("Restart=on-failure\n"), "{text}");
    assert!(!text.contains(PASSWORD));
}

/// systemd itself has nothing to complain about, where it is installed.
#[test]
fn systemd_understands_it() {
    if !has("systemd-analyze") {
        return;
    }
    let scratch = scratch();
    service(&scratch, &["--install-service"]).ok();
    let mut command = scratch.bare_command("systemd-analyze");
    command.args(["verify", "--user", "--man=no"]).arg(unit(&scratch)).env("HOME", scratch.folder());
    let verified = run(command, b"");
    let about_us = verified.stderr.lines().filter(|line| line.contains("encbox-")).collect::<Vec<_>>();
    assert!(about_us.is_empty(), "{about_us:?}");
}

#[test]
fn what_to_run_next_is_printed() {
    let scratch = scratch();
    let lines = service(&scratch, &["--install-service"]).ok();
    let enable = "systemctl --user enable --now encbox-Clear-Text-i.service";
    assert_eq!(lines.lines(), ["systemctl --user daemon-reload", enable]);
    let lines = service(&scratch, &["--uninstall-service"]).ok();
    assert_eq!(lines.lines()[0], "systemctl --user stop encbox-Clear-Text-i.service");
}

#[test]
fn only_shown() {
    let scratch = scratch();
    let shown = service(&scratch, &["--install-service", "--print"]).ok();
    assert!(shown.text().contains("ExecStart=:"));
    assert!(!unit(&scratch).exists());
}

#[test]
fn what_others_wrote_stays() {
    let scratch = scratch();
    let path = unit(&scratch);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "[Service]\n").unwrap();
    service(&scratch, &["--install-service"]).fails(10).says(&["not written by encbox", "--force"]);
    service(&scratch, &["--uninstall-service"]).fails(10);
    assert_eq!(fs::read_to_string(&path).unwrap(), "[Service]\n");
    service(&scratch, &["--install-service", "--force"]).ok();
    // one of our own is replaced, and goes
    service(&scratch, &["--install-service", "--read-only"]).ok();
    assert!(fs::read_to_string(&path).unwrap().contains("--read-only"));
    let wanted = path.parent().unwrap().join("default.target.wants").join(path.file_name().unwrap());
    fs::create_dir(wanted.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&path, &wanted).unwrap();
    service(&scratch, &["--uninstall-service"]).ok();
    assert!(!path.exists() && wanted.symlink_metadata().is_err());
    service(&scratch, &["--uninstall-service"]).fails(8);
}

#[test]
fn of_another_mount_point_with_the_same_name() {
    let scratch = scratch();
    service(&scratch, &["--install-service"]).ok();
    let other = Path::new("other").join(MOUNTPOINT);
    let mut command = scratch.command(&["mount", "--install-service", VOLUME]);
    command.arg(&other).env("HOME", scratch.folder());
    run(command, b"").fails(10);
}

#[test]
fn without_a_volume_there_is_no_service() {
    let scratch = scratch();
    let mut command = scratch.command(&["mount", "--install-service", "nowhere", MOUNTPOINT]);
    command.env("HOME", scratch.folder());
    run(command, b"").fails(3);
    assert!(!scratch.path(".config").exists());
}
