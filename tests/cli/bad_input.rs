//! What goes wrong: one clear message, a hint, the exit code of the table, nothing lost and nothing half-written.

use crate::support::*;
use std::fs;
use std::os::unix::fs::symlink;

const NO_VOLUME: i32 = 3;
const BAD_CONFIG: i32 = 4;
const UNSUPPORTED: i32 = 5;
const WRONG_PASSWORD: i32 = 6;
const NO_PASSWORD: i32 = 7;
const NOT_FOUND: i32 = 8;
const DAMAGED: i32 = 9;
const WRONG_KIND: i32 = 10;
const FULL: i32 = 11;
const REFUSED: i32 = 12;
const BAD_NAME: i32 = 14;

#[test]
fn wrong_password() {
    let scratch = Scratch::new();
    scratch.write("password", b"another\n");
    scratch.run(&["ls", "V"]).fails(WRONG_PASSWORD).says(&["wrong password", "damaged", "hint: "]);
}

#[test]
fn no_folder_and_no_config() {
    let scratch = Scratch::empty();
    scratch.run(&["ls", "nowhere"]).fails(NO_VOLUME).says(&["nowhere", "hint: "]);
    scratch.write("file", b"");
    scratch.run(&["ls", "file"]).fails(NO_VOLUME).says(&["not a folder"]);
    fs::create_dir(scratch.path("V")).unwrap();
    scratch.run(&["ls", "V"]).fails(NO_VOLUME).says(&[".encfs6.xml", "finished syncing"]);
}

#[test]
fn a_config_under_another_name_is_pointed_out() {
    let scratch = Scratch::new();
    fs::rename(scratch.path("V/.encfs6.xml"), scratch.path("V/.encfs6 (Ann's conflicted copy).xml")).unwrap();
    scratch.run(&["ls", "V"]).fails(NO_VOLUME).says(&["Ann's conflicted copy", "--config"]);
}

#[test]
fn an_empty_config_has_not_arrived() {
    let scratch = Scratch::new();
    fs::write(scratch.path("V/.encfs6.xml"), b"").unwrap();
    scratch.run(&["ls", "V"]).fails(NO_VOLUME).says(&["empty", "syncing"]);
}

#[test]
fn damaged_configs() {
    let scratch = Scratch::new();
    let path = scratch.path("V/.encfs6.xml");
    let good = fs::read_to_string(&path).unwrap();
    let bomb = "<?xml version=\"1.0\"?><!DOCTYPE b [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]>";
    let bad = [
        "no XML at all".to_string(),
        good.replacen("<?xml", &format!("{bomb}<?xml"), 1),
        format!("{bomb}<boost_serialization><cfg><creator>&b;</creator></cfg></boost_serialization>"),
        good.replace("<blockSize>4096<", "<blockSize>1073741824<"),
        good.replace("<blockSize>4096<", "<blockSize>0<"),
        good.replace("<keySize>256<", "<keySize>130<"),
        good.replace("<kdfIterations>1000<", "<kdfIterations>2147483647<"),
        good.replace("<kdfIterations>1000<", "<kdfIterations>0<"),
        good.replace("<saltLen>20<", "<saltLen>2000000000<"),
        good.replace("<encodedKeySize>52<", "<encodedKeySize>-1<"),
        good.replace("<blockMACBytes>8<", "<blockMACBytes>9<"),
    ];
    for config in bad {
        assert_ne!(config, good);
        fs::write(&path, &config).unwrap();
        for command in ["info", "ls"] {
            scratch.run(&[command, "V"]).fails(BAD_CONFIG).says(&[".encfs6.xml", "hint: "]);
        }
    }
}

#[test]
fn unknown_algorithms() {
    let scratch = Scratch::new();
    let path = scratch.path("V/.encfs6.xml");
    let good = fs::read_to_string(&path).unwrap();
    for (known, unknown) in [("ssl/aes", "ssl/rot13"), ("nameio/block", "nameio/foo")] {
        fs::write(&path, good.replace(known, unknown)).unwrap();
        scratch.run(&["ls", "V"]).fails(UNSUPPORTED).says(&[unknown]);
    }
    fs::remove_file(&path).unwrap();
    fs::write(scratch.path("V/.encfs7"), b"\x00").unwrap();
    scratch.run(&["ls", "V"]).fails(UNSUPPORTED);
}

#[test]
fn names_that_do_not_decode() {
    let scratch = Scratch::new();
    scratch.add("/note", b"text");
    scratch.write("V/desktop.ini", b"");
    scratch.write("V/AAAAAAAAAAAAAAAAAAAAAAAAA", b"");
    scratch.run(&["decode", "V", "desktop.ini"]).fails(DAMAGED).says(&["desktop.ini", "does not decode"]);
    assert_eq!(scratch.run(&["ls", "V"]).ok().text(), "note\n");
    scratch.run(&["ls", "-a", "V"]).ok().says(&["2 more files"]);
}

#[test]
fn files_cut_short() {
    let scratch = Scratch::new();
    let content = bytes(10_000);
    for (len, expected) in [(5, 0), (8 + 4096 + 3, 4088)] {
        scratch.run(&["rm", "-f", "V", "/f"]).ok();
        scratch.add("/f", &content);
        fs::OpenOptions::new().write(true).open(scratch.cipher("/f")).unwrap().set_len(len).unwrap();
        let run = scratch.run(&["cat", "V", "/f"]).fails(DAMAGED).says(&["f: ", "cut", "hint: "]);
        assert_eq!(run.stdout, content[..expected]);
        scratch.run(&["export", "V", "/f", "out"]).fails(DAMAGED);
        assert_eq!(names(scratch.folder()), ["V", "password", "state"]);
    }
}

#[test]
fn damage_ends_the_output_where_it_begins() {
    let scratch = Scratch::new();
    let content = bytes(3 * 4088 + 5);
    scratch.add("/dir/f", &content);
    let cipher = scratch.cipher("/dir/f");
    let mut bytes = fs::read(&cipher).unwrap();
    bytes[8 + 4096 + 100] ^= 1;
    fs::write(&cipher, bytes).unwrap();
    let run = scratch.run(&["cat", "V", "/dir/f"]).fails(DAMAGED).says(&["dir/f", "MAC mismatch in block 1"]);
    assert_eq!(run.stdout, content[..4088]);
    // What is not damaged can be had.
    let run = scratch.run(&["cat", "--range", "8176-", "V", "/dir/f"]).ok();
    assert_eq!(run.stdout, content[8176..]);
    scratch.run(&["export", "V", "/dir/f", "out"]).fails(DAMAGED);
    assert!(!scratch.path("out").exists());
    scratch.run(&["export", "V", "/dir", "out"]).partly().says(&["dir/f", "MAC mismatch"]);
    assert_eq!(names(&scratch.path("out")), [""; 0]);
}

#[test]
fn a_directory_where_a_file_is_expected() {
    let scratch = Scratch::new();
    scratch.run(&["mkdir", "V", "/d"]).ok();
    scratch.add("/f", b"");
    scratch.run(&["cat", "V", "/d"]).fails(WRONG_KIND).says(&["d: is a directory"]);
    scratch.run(&["cat", "V", "/"]).fails(WRONG_KIND);
    scratch.run(&["export", "V", "/d", "-"]).fails(WRONG_KIND);
    scratch.run(&["cat", "V", "/f/x"]).fails(WRONG_KIND).says(&["not a directory"]);
    scratch.run(&["tree", "V", "/f"]).fails(WRONG_KIND);
    scratch.run(&["rm", "V", "/d"]).fails(WRONG_KIND).says(&["-r"]);
    scratch.run(&["import", "V", "password", "/f/x"]).fails(WRONG_KIND);
}

#[test]
fn a_full_disk_takes_nothing_half() {
    let scratch = Scratch::new();
    let Some(_disk) = Disk::new(scratch.path("disk"), "size=64k") else { return };
    scratch.write("large", &bytes(200_000));
    scratch.add("/large", &bytes(200_000));
    scratch.run(&["export", "V", "/large", "disk"]).fails(FULL).says(&["hint: "]);
    assert_eq!(names(&scratch.path("disk")), [""; 0]);
    let options = ["--iterations", "1000"];
    scratch.run(&[&["new", "-q", "disk/W"][..], &options].concat()).ok();
    scratch.feed(&["import", "disk/W", "-", "/small"], b"small").ok();
    scratch.run(&["import", "disk/W", "large", "/"]).fails(FULL);
    scratch.run(&["import", "--force", "disk/W", "large", "/small"]).fails(FULL);
    assert_eq!(scratch.run(&["ls", "-a", "disk/W"]).ok().text(), "small\n");
    assert_eq!(scratch.run(&["cat", "disk/W", "/small"]).ok().text(), "small");
}

#[test]
fn a_read_only_folder() {
    let scratch = Scratch::empty();
    let Some(disk) = Disk::new(scratch.path("disk"), "size=1m") else { return };
    scratch.run(&["new", "-q", "--iterations", "1000", "disk/V"]).ok();
    scratch.feed(&["import", "disk/V", "-", "/f"], b"text").ok();
    disk.make_read_only();
    assert_eq!(scratch.run(&["cat", "disk/V", "/f"]).ok().text(), "text");
    for arguments in [
        &["import", "disk/V", "password", "/"][..],
        &["mkdir", "disk/V", "/d"],
        &["rm", "disk/V", "/f"],
        &["mv", "disk/V", "/f", "/g"],
        &["passwd", "disk/V", "--iterations", "1000", "--new-password-file", "password"],
        &["new", "disk/W", "--iterations", "1000"],
        &["export", "disk/V", "/f", "disk/out"],
    ] {
        scratch.run(arguments).fails(REFUSED).says(&["ead-only"]);
    }
}

#[test]
fn paths_outside_the_volume() {
    let scratch = Scratch::new();
    scratch.write("secret", b"not in the volume");
    scratch.run(&["cat", "V", "../secret"]).fails(NOT_FOUND).says(&["../secret: leads outside", "hint: "]);
    scratch.run(&["export", "V", "/a/../../secret", "out"]).fails(NOT_FOUND);
    symlink("../../secret", scratch.path("up")).unwrap();
    symlink(scratch.path("secret"), scratch.path("absolute")).unwrap();
    scratch.run(&["import", "V", "up", "absolute", "/"]).ok();
    for link in ["/up", "/absolute"] {
        let run = scratch.run(&["cat", "V", link]).fails(NOT_FOUND).says(&["outside"]);
        assert_eq!(run.text(), "");
    }
}

#[test]
fn what_does_not_exist() {
    let scratch = Scratch::new();
    for arguments in [
        &["cat", "V", "/nothing"][..],
        &["ls", "V", "/nothing"],
        &["tree", "V", "/nothing"],
        &["export", "V", "/nothing", "out"],
        &["rm", "V", "/nothing"],
        &["mv", "V", "/nothing", "/x"],
        &["import", "V", "nothing", "/"],
        &["mkdir", "V", "/nothing/below"],
    ] {
        scratch.run(arguments).fails(NOT_FOUND).says(&["nothing"]);
    }
    assert!(!scratch.path("out").exists());
}

#[test]
fn names_that_are_too_long() {
    let scratch = Scratch::new();
    let name = format!("/{}", "n".repeat(250));
    scratch.run(&["mkdir", "V", &name]).fails(BAD_NAME).says(&["too long", "hint: "]);
}

#[test]
fn passwords_of_every_length() {
    let scratch = Scratch::empty();
    scratch.write("password", b"\n");
    scratch.run(&["new", "V"]).fails(NO_PASSWORD).says(&["empty"]);
    assert!(!scratch.path("V").exists());
    scratch.write("password", &[b'x'; 10_000]);
    scratch.run(&["new", "-q", "--iterations", "1000", "V"]).ok();
    scratch.run(&["ls", "V"]).ok();
    scratch.write("password", &[b'x'; 9_999]);
    scratch.run(&["ls", "V"]).fails(WRONG_PASSWORD);
    scratch.write("password", &[b'x'; 100_000]);
    scratch.run(&["ls", "V"]).fails(NO_PASSWORD).says(&["longer"]);
}

#[test]
fn no_terminal_to_ask_on() {
    if !has("setsid") {
        return;
    }
    let scratch = Scratch::new();
    let mut command = scratch.bare_command("setsid");
    command.args(["--wait", PROGRAM, "ls", "V"]);
    run(command, b"").fails(NO_PASSWORD).says(&["no terminal", "--password-stdin", "ENCBOX_PASSWORD_FILE"]);
}

#[test]
fn a_closed_pipe_is_quiet() {
    let scratch = Scratch::new();
    scratch.add("/f", &bytes(1_000_000));
    let mut shell = scratch.bare_command("sh");
    shell.args(["-c", &format!("{PROGRAM} cat --password-file password V /f | head -c 10 | wc -c")]);
    let run = run(shell, b"").ok();
    assert_eq!(run.text().trim(), "10");
    assert_eq!(run.stderr, "");
}

#[test]
fn command_lines_that_make_no_sense() {
    let scratch = Scratch::new();
    for arguments in [
        &["ls"][..],
        &["lsx", "V"],
        &["cat", "--range", "5-1", "V", "/f"],
        &["ls", "V", "--password-stdin", "--password-file", "password"],
        &["export", "--tar", "V", "out"],
        &["export", "V", "-"],
        &["import", "V", "-", "password", "/"],
        &["new", "W", "--key-bits", "130"],
        &["new", "W", "--names", "blok"],
        &["new", "W", "--external-iv"],
    ] {
        let run = scratch.run(arguments);
        assert_eq!(run.code, 2, "{arguments:?}: {}", run.stderr);
    }
    assert!(!scratch.path("W").exists());
}
