//! `encbox config`, and what happens to whoever opens a volume whose config was exchanged, lost or cut.

use crate::support::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;

const NO_VOLUME: i32 = 3;
const WRONG_PASSWORD: i32 = 6;
const NOT_FOUND: i32 = 8;
const OTHER_CONFIG: i32 = 16;

/// A volume with a file in it that was opened here.
fn opened() -> Scratch {
    let scratch = Scratch::new();
    scratch.add("/note", b"text");
    scratch
}

fn config(scratch: &Scratch) -> String {
    fs::read_to_string(scratch.path("V/.encfs6.xml")).unwrap()
}

fn exchange(scratch: &Scratch, config: &str) {
    fs::write(scratch.path("V/.encfs6.xml"), config).unwrap();
}

fn kept(scratch: &Scratch) -> Vec<u8> {
    let folder = scratch.path("state/configs");
    let names = names(&folder);
    assert_eq!(names.len(), 1, "{names:?}");
    fs::read(folder.join(&names[0])).unwrap()
}

#[test]
fn a_weakened_config_is_refused_by_every_command_and_named() {
    let scratch = opened();
    let good = config(&scratch);
    for (old, new, named) in [
        (
            "<blockMACBytes>8<",
            "<blockMACBytes>0<",
            "blockMACBytes 0 instead of 8 (changed contents would go unnoticed)",
        ),
        ("<allowHoles>0<", "<allowHoles>1<", "allowHoles 1 instead of 0"),
        ("<kdfIterations>1000<", "<kdfIterations>999<", "kdfIterations 999 instead of 1000"),
        ("<blockSize>4096<", "<blockSize>2048<", "blockSize 2048 instead of 4096"),
        ("<chainedNameIV>0<", "<chainedNameIV>1<", "chainedNameIV 1 instead of 0"),
        ("<uniqueIV>1<", "<uniqueIV>0<", "uniqueIV 0 instead of 1"),
        (
            "nameio/block</name>\n            <major>3",
            "nameio/block</name>\n            <major>4",
            "nameAlg nameio/block 4:0 instead of nameio/block 3:0",
        ),
        ("ssl/aes<", "ssl/camellia<", "cipherAlg ssl/camellia"),
    ] {
        assert!(good.contains(old), "{old}");
        exchange(&scratch, &good.replace(old, new));
        for command in [&["ls", "V"][..], &["cat", "V", "/note"], &["mkdir", "V", "/d"]] {
            scratch.run(command).fails(OTHER_CONFIG).says(&[
                named,
                ".encfs6.xml",
                "config accept",
                "config restore V",
            ]);
        }
    }
    let run = ["passwd", "--iterations", "1000", "--new-password-file", "password", "V"];
    scratch.run(&run).fails(OTHER_CONFIG);
    exchange(&scratch, &good);
    assert_eq!(scratch.run(&["cat", "V", "/note"]).ok().text(), "text");
}

#[test]
#[cfg(feature = "mount")]
fn a_weakened_config_is_not_mounted() {
    let Some(mounted) = Mounted::new() else { return };
    let scratch = &mounted.0;
    scratch.run(&["ls", "V"]).ok();
    exchange(scratch, &config(scratch).replace("<blockMACBytes>8<", "<blockMACBytes>0<"));
    for arguments in [&["mount", "V", "M"][..], &["mount", "--foreground", "V", "M"]] {
        scratch.run(arguments).fails(OTHER_CONFIG).says(&["blockMACBytes"]);
        assert!(!mounted.is_mounted());
    }
}

#[test]
fn another_volumes_config_is_told_from_a_new_password() {
    let scratch = opened();
    let good = config(&scratch);
    // made alike, with the same password: only the key tells
    scratch.run(&["new", "-q", "--iterations", "1000", "W"]).ok();
    fs::copy(scratch.path("W/.encfs6.xml"), scratch.path("V/.encfs6.xml")).unwrap();
    scratch.run(&["ls", "V"]).fails(OTHER_CONFIG).says(&["another volume key", "config of another volume"]);
    exchange(&scratch, &good);
    scratch.run(&["ls", "V"]).ok();
}

#[test]
fn another_volume_in_the_same_place_is_opened_with_a_note() {
    const NOTE: &str = "note: the volume in this folder is another one";
    let scratch = opened();
    let first = kept(&scratch);
    // emptied, and a volume of other parameters made in it by another program
    scratch.run(&["new", "-q", "--profile", "paranoia", "--iterations", "999", "W"]).ok();
    for name in names(&scratch.path("V")) {
        fs::remove_file(scratch.path("V").join(name)).unwrap();
    }
    fs::copy(scratch.path("W/.encfs6.xml"), scratch.path("V/.encfs6.xml")).unwrap();
    scratch.run(&["ls", "V"]).ok().says(&[NOTE]);
    scratch.add("/other", b"text");
    let run = scratch.run(&["ls", "V"]).ok();
    assert!(!run.stderr.contains("note"), "said once: {}", run.stderr);
    let folder = scratch.path("state/configs");
    let replaced = names(&folder).into_iter().find(|name| name.as_encoded_bytes().ends_with(b".replaced"));
    assert_eq!(fs::read(folder.join(replaced.expect("it stays"))).unwrap(), first);
    // with files in it: what decodes tells
    scratch.run(&["new", "-q", "--iterations", "1000", "X"]).ok();
    scratch.run(&["import", "X", "password", "/"]).ok();
    fs::remove_dir_all(scratch.path("V")).unwrap();
    fs::rename(scratch.path("X"), scratch.path("V")).unwrap();
    assert!(scratch.run(&["ls", "V"]).ok().says(&[NOTE]).text().contains("password"));
}

#[test]
fn a_password_changed_on_another_machine_is_accepted_with_a_note() {
    let scratch = opened();
    scratch.write("new", b"another\n");
    let change = ["passwd", "--iterations", "1500", "--new-password-file", "new", "V"];
    let mut elsewhere = scratch.command(&change);
    elsewhere.env("ENCBOX_STATE_DIR", scratch.path("elsewhere"));
    run(elsewhere, b"").ok();

    let old = scratch.run(&["ls", "V"]).fails(WRONG_PASSWORD).says(&["it was changed", "config restore V"]);
    assert!(!old.stderr.contains("caps lock"), "{}", old.stderr);
    scratch
        .run(&["ls", "--password-file", "new", "V"])
        .ok()
        .says(&["note: the password of this volume was changed"]);
    let again = scratch.run(&["ls", "--password-file", "new", "V"]).ok();
    assert!(!again.stderr.contains("note"), "said once: {}", again.stderr);
    // fewer iterations are no way back
    exchange(&scratch, &config(&scratch).replace("<kdfIterations>1500<", "<kdfIterations>1000<"));
    scratch.run(&["ls", "--password-file", "new", "V"]).fails(OTHER_CONFIG);
}

#[test]
fn a_password_changed_here_is_no_news() {
    let scratch = opened();
    scratch.write("new", b"another\n");
    scratch.run(&["passwd", "--iterations", "1500", "--new-password-file", "new", "V"]).ok();
    let run = scratch.run(&["ls", "--password-file", "new", "V"]).ok();
    assert!(!run.stderr.contains("note"), "{}", run.stderr);
}

#[test]
fn what_is_kept_is_the_users_alone_and_holds_no_key() {
    let scratch = opened();
    let folder = scratch.path("state/configs");
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    let file = folder.join(&names(&folder)[0]);
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    let kept = kept(&scratch);
    assert!(kept.ends_with(config(&scratch).as_bytes()));
    assert!(!kept.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes()));
}

/// Whoever can write there as well can change both alike, but not make the seal.
#[test]
fn a_kept_copy_that_somebody_changed_is_not_believed() {
    let scratch = opened();
    let weaken = |text: &str| text.replace("<blockMACBytes>8<", "<blockMACBytes>0<");
    let folder = scratch.path("state/configs");
    let file = folder.join(&names(&folder)[0]);
    fs::write(&file, weaken(&String::from_utf8(kept(&scratch)).unwrap())).unwrap();
    exchange(&scratch, &weaken(&config(&scratch)));
    scratch.run(&["ls", "V"]).fails(OTHER_CONFIG).says(&["state/configs", "somebody else", "config accept"]);
}

#[test]
fn a_volume_that_moved_is_known_again_by_its_key() {
    let scratch = opened();
    fs::rename(scratch.path("V"), scratch.path("W")).unwrap();
    let path = scratch.path("W/.encfs6.xml");
    let good = fs::read_to_string(&path).unwrap();
    fs::write(&path, good.replace("<blockMACBytes>8<", "<blockMACBytes>7<")).unwrap();
    scratch.run(&["ls", "W"]).fails(OTHER_CONFIG).says(&["blockMACBytes 7 instead of 8"]);
    fs::write(&path, good).unwrap();
    scratch.run(&["ls", "W"]).ok();
    kept(&scratch);
}

/// A backup from before a change of password is no attack.
#[test]
fn a_copy_in_another_folder_is_known_by_itself() {
    let scratch = opened();
    fs::create_dir(scratch.path("W")).unwrap();
    fs::copy(scratch.path("V/.encfs6.xml"), scratch.path("W/.encfs6.xml")).unwrap();
    scratch.run(&["passwd", "--iterations", "1500", "--new-password-file", "password", "V"]).ok();
    let run = scratch.run(&["ls", "W"]).ok();
    assert!(!run.stderr.contains("note"), "{}", run.stderr);
    scratch.run(&["ls", "V"]).ok();
    exchange(&scratch, &config(&scratch).replace("<blockMACBytes>8<", "<blockMACBytes>0<"));
    scratch.run(&["ls", "V"]).fails(OTHER_CONFIG);
}

#[test]
fn accepting_takes_the_password_and_is_for_good() {
    let scratch = opened();
    exchange(&scratch, &config(&scratch).replace("<allowHoles>0<", "<allowHoles>1<"));
    scratch.write("wrong", b"wrong\n");
    scratch.run(&["config", "accept", "--password-file", "wrong", "V"]).fails(WRONG_PASSWORD);
    scratch.run(&["ls", "V"]).fails(OTHER_CONFIG);
    scratch.run(&["config", "accept", "V"]).ok().says(&["allowHoles 1 instead of 0", "from now on"]);
    assert_eq!(scratch.run(&["cat", "V", "/note"]).ok().text(), "text");
    // and the way back is a change again
    exchange(&scratch, &config(&scratch).replace("<allowHoles>1<", "<allowHoles>0<"));
    scratch.run(&["ls", "V"]).fails(OTHER_CONFIG);
}

#[test]
fn configs_that_are_missing_empty_or_half_there_have_not_arrived() {
    let scratch = opened();
    let good = config(&scratch);
    let path = scratch.path("V/.encfs6.xml");
    let arriving = scratch.path("V/.encfs6 (pc's conflicted copy 2026-11-22).xml");
    fs::write(&arriving, &good).unwrap();
    let states: [(&str, &[u8]); 6] = [
        ("empty", b""),
        ("unfinished", &good.as_bytes()[..good.len() / 2]),
        ("unfinished", &good.as_bytes()[..20]),
        ("unfinished", &good.as_bytes()[..good.len() - 10]),
        ("unfinished", &[0; 1500]),
        ("unfinished", &[&good.as_bytes()[..700], &[0; 500]].concat()),
    ];
    for (state, bytes) in states {
        fs::write(&path, bytes).unwrap();
        for arguments in [&["ls", "V"][..], &["info", "V"], &["passwd", "V"]] {
            let run = scratch.run(arguments).fails(NO_VOLUME);
            run.says(&["finished syncing", "pc's conflicted copy", "config restore V"]);
        }
        let facts = scratch.run(&["config", "show", "--json", "V"]).ok().json();
        assert_eq!(facts["config"]["state"], state, "{facts}");
        assert_eq!(facts["candidates"][0]["state"], "same");
    }
    fs::remove_file(&path).unwrap();
    scratch.run(&["ls", "V"]).fails(NO_VOLUME).says(&[
        "no EncFS config",
        "pc's conflicted copy",
        "config restore V",
    ]);
    assert_eq!(scratch.run(&["config", "show", "--json", "V"]).ok().json()["config"]["state"], "missing");
    // nothing was made in the meantime
    assert!(!path.exists());
    scratch.run(&["new", "--iterations", "1000", "V"]).fails(10).says(&["not empty"]);
}

#[test]
#[cfg(feature = "mount")]
fn mounting_never_makes_a_volume() {
    let Some(mounted) = Mounted::new() else { return };
    let scratch = &mounted.0;
    scratch.add("/note", b"text");
    let good = config(scratch);
    fs::remove_file(scratch.path("V/.encfs6.xml")).unwrap();
    let before = names(&scratch.path("V"));
    scratch.run(&["mount", "V", "M"]).fails(NO_VOLUME).says(&["finished syncing"]);
    let mut encfs = scratch.command(&["--standard", "--stdinpass", "V", "M"]);
    std::os::unix::process::CommandExt::arg0(&mut encfs, "encfs");
    let encfs = run(encfs, b"a new password\n");
    assert_ne!(encfs.code, 0);
    assert_eq!(names(&scratch.path("V")), before);
    exchange(scratch, &good);
    assert_eq!(scratch.run(&["cat", "V", "/note"]).ok().text(), "text");
}

#[test]
fn restoring_what_is_kept_loses_nothing() {
    let scratch = opened();
    let good = config(&scratch);
    scratch.run(&["config", "restore", "V"]).ok().says(&["nothing to restore"]);
    exchange(&scratch, "no config at all");
    scratch
        .run(&["config", "restore", "V"])
        .ok()
        .says(&["is restored", "what was there is V/encfs6 (replaced "]);
    assert_eq!(config(&scratch), good);
    let aside: Vec<_> =
        scratch.folder_names("V").into_iter().filter(|name| name.starts_with("encfs6 (replaced ")).collect();
    assert_eq!(aside.len(), 1, "{aside:?}");
    assert_eq!(fs::read(scratch.path("V").join(&aside[0])).unwrap(), b"no config at all");
    assert_eq!(scratch.run(&["cat", "V", "/note"]).ok().text(), "text");
    fs::remove_file(scratch.path("V/.encfs6.xml")).unwrap();
    scratch.run(&["config", "restore", "V"]).ok();
    assert_eq!(scratch.run(&["cat", "V", "/note"]).ok().text(), "text");
    assert_eq!(scratch.paths(), ["note"], "what was put aside is no file of the volume");
}

#[test]
fn restoring_another_file() {
    let scratch = opened();
    let name = ".encfs6.sync-conflict-20261122-101500-ABCDEFG.xml";
    fs::rename(scratch.path("V/.encfs6.xml"), scratch.path("V").join(name)).unwrap();
    // by its name in the folder, or by its path
    scratch.run(&["config", "restore", "V", name]).ok();
    scratch.run(&["ls", "V"]).ok();
    fs::remove_file(scratch.path("V/.encfs6.xml")).unwrap();
    scratch.run(&["config", "restore", "V", &format!("V/{name}")]).ok();
    scratch.run(&["ls", "V"]).ok();
    assert!(scratch.path("V").join(name).exists(), "a copy stays");
    scratch.write("other", b"nothing");
    scratch.run(&["config", "restore", "V", "other"]).fails(4);
    assert_eq!(scratch.run(&["cat", "V", "/note"]).ok().text(), "text");
}

#[test]
fn with_nothing_kept_a_file_has_to_be_named() {
    let scratch = Scratch::empty();
    fs::create_dir(scratch.path("V")).unwrap();
    scratch.run(&["config", "restore", "V"]).fails(NOT_FOUND).says(&["keeps no config", "hint: "]);
    scratch.run(&["config", "show", "nowhere"]).fails(NO_VOLUME);
}

#[test]
fn showing_compares_all_that_there_is() {
    let scratch = opened();
    let good = config(&scratch);
    let text = |run: Run| run.text().to_owned();
    let shown = text(scratch.run(&["config", "show", "V"]).ok());
    assert!(shown.contains("V/.encfs6.xml: as it is kept") && shown.contains("state/configs"), "{shown}");
    let weaker = good.replace("<blockMACBytes>8<", "<blockMACBytes>0<");
    fs::write(scratch.path("V/.encfs6(1).xml"), &weaker).unwrap();
    fs::write(scratch.path("V/.encfs6.xml.part"), &good[..100]).unwrap();
    let shown = text(scratch.run(&["config", "show", "V"]).ok());
    for words in
        [".encfs6(1).xml, ", "not as it is kept", "blockMACBytes 0 instead of 8", ".encfs6.xml.part: not all"]
    {
        assert!(shown.contains(words), "{words:?} not in {shown}");
    }
    let facts = scratch.run(&["config", "show", "--json", "V"]).ok().json();
    assert_eq!(facts["candidates"][0]["state"], "security");
    assert_eq!(facts["candidates"][0]["differences"][0]["field"], "blockMACBytes");
    assert_eq!(facts["candidates"][1]["state"], "unfinished");
    assert!(facts["kept"]["path"].as_str().unwrap().contains("state/configs"));
}

/// Without a place to keep it, everything works as before, and a warning says so.
#[test]
fn a_folder_for_state_that_cannot_be_used() {
    let scratch = opened();
    let mut command = scratch.command(&["ls", "V"]);
    command.env("ENCBOX_STATE_DIR", scratch.path("V/state"));
    assert_eq!(run(command, b"").ok().says(&["inside the volume"]).text(), "note\n");
    assert!(!scratch.path("V/state").exists());
}

#[test]
#[cfg(feature = "mount")]
fn a_mount_goes_on_with_its_key_and_says_so() {
    let Some(mounted) = Mounted::new() else { return };
    let scratch = &mounted.0;
    scratch.add("/note", b"text");
    let good = config(scratch);
    scratch.run(&["mount", "--log", "log", "V", "M"]).ok();
    assert_eq!(fs::read(scratch.path("M/note")).unwrap(), b"text");
    let log = || fs::read_to_string(scratch.path("log")).unwrap();
    let weaker = good.replace("<blockMACBytes>8<", "<blockMACBytes>0<");
    scratch.write("arriving", weaker.as_bytes());
    fs::rename(scratch.path("arriving"), scratch.path("V/.encfs6.xml")).unwrap();
    wait_until("the log", || log().contains("blockMACBytes 0 instead of 8"));
    assert!(log().contains("goes on with the key that it has"), "{}", log());
    fs::remove_file(scratch.path("V/.encfs6.xml")).unwrap();
    wait_until("the log", || log().contains("missing or damaged"));
    fs::write(scratch.path("M/other"), "written").unwrap();
    assert_eq!(fs::read(scratch.path("M/note")).unwrap(), b"text");
    exchange(scratch, &good);
    assert_eq!(scratch.run(&["cat", "V", "/other"]).ok().text(), "written");
}
