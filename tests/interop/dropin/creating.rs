//! New volumes: the dialogue, and what the same answers lead to.

use std::fs;

use encbox::config::Format;

use super::side::{Run, Side, sides};
use crate::encfs_is_missing;

/// Command lines (before the folders) and answers, the password left out.
const DIALOGUES: &[(&[&str], &str)] = &[
    (&["--standard"], ""),
    (&["--paranoia"], ""),
    (&["--standard", "--require-macs"], ""),
    (&[], "\n"),
    (&[], "s\n"),
    (&[], "p\n"),
    (&[], "x\n1\n256\n2048\n4\ny\ny\ny\ny\n4\nn\n"),
    (&[], "x\n1\n\n\n1\n\n\n\n\n\n\n"),
    (&[], "x\n3\n192\n4096\n2\nn\ny\nn\n0\ny\n"),
    (&[], "x\n1\n128\n64\n3\ny\nn\ny\n9\n\n"),
    (&[], "x\n0\n7\n1\n256\n512\n5\n1\nyes\nn\nN\nn\nn\n\ny\n"),
    (&["--require-macs"], "x\n1\n128\n\n2\ny\ny\nn\n0\nn\n"),
    (&["--insecure"], "x\n1\n256\n1024\ny\n3\n"),
    (&["--insecure"], "x\n1\n256\n1024\nn\n4\n\n\n\n\n\n\n"),
    // sizes that do not exist
    (&[], "x\n1\n160\n1000\n1\n\n\n\n\n\n\n"),
    (&[], "x\n1\n100\n10\n1\n\n\n\n\n\n\n"),
    (&[], "x\n1\n512\n70000\n1\n\n\n\n\n\n\n"),
];

/// How lines begin that a program may wait for, or search; the others explain.
const INTERFACE: &[&str] = &[
    "Creating new encrypted volume.",
    "Please choose from one of the following options:",
    " enter \"x\"",
    " enter \"p\"",
    " anything else",
    "?> ",
    "Standard configuration selected.",
    "Paranoia configuration selected.",
    "Manual configuration mode selected.",
    "The following cipher algorithms are available:",
    "The following filename encoding algorithms are available:",
    "1. ",
    "2. ",
    "3. ",
    "4. ",
    " -- Supports",
    "Enter the number corresponding to your choice: ",
    "Selected algorithm",
    "Please select a key size",
    "supports sizes",
    "For example: ",
    "128, ",
    "Selected key size: ",
    "Using key size",
    "Select a block size",
    "Or just hit enter",
    "filesystem block size: ",
    "Using filesystem block size",
    "Disable file data encryption?",
    "plain data",
    "Enable ",
    "[y]/n: ",
    "y/[n]: ",
    "External chained IV disabled",
    "You specified --require-macs.",
    "Add random bytes",
    "Select a number of bytes",
    "Configuration finished.",
    "the following properties:",
    "Filesystem cipher: ",
    "Filename encoding: ",
    "Key Size: ",
    "Block Size: ",
    "Each file contains",
    "Filenames encoded",
    "File data IV",
    "File holes",
    "-------------------------- WARNING",
    "Now you will need to enter a password",
];

fn interface(run: &Run) -> Vec<String> {
    let lines = run.stdout.lines().filter(|line| INTERFACE.iter().any(|start| line.starts_with(start)));
    // of lists the names count, and EncFS closes a quotation mark too many
    lines
        .map(|line| match line.split_once(" : ") {
            Some((name, _)) => name.to_owned(),
            None => line.replace("\"\"", "\""),
        })
        .collect()
}

fn create(side: &Side, options: &[&str], stdin: &str) -> Run {
    let words = [&["encfs", "-S", "--annotate"], options, &["DIR/c", "DIR/m"]].concat();
    side.run(&words, stdin)
}

/// Without a password both programs stop there, when all has been said.
#[test]
fn the_same_questions_in_the_same_order() {
    if encfs_is_missing() {
        return;
    }
    for (options, answers) in DIALOGUES {
        let [theirs, ours] = sides().map(|side| create(&side, options, answers));
        assert_eq!(interface(&ours), interface(&theirs), "{options:?} {answers:?}");
        assert_eq!(ours.stderr, theirs.stderr, "{options:?} {answers:?}");
        assert_eq!((ours.code, theirs.code), (1, 1), "{options:?} {answers:?}");
    }
}

#[test]
fn the_same_answers_make_the_same_volume_and_each_program_opens_both() {
    if encfs_is_missing() {
        return;
    }
    for (options, answers) in DIALOGUES {
        let volumes = sides().map(|side| {
            let run = create(&side, options, &format!("{answers}pass word\n"));
            assert_eq!(run.code, 0, "{} {options:?} {answers:?}: {run:?}", side.name);
            fs::write(side.mountpoint().join("written by its maker"), side.name).expect("a fresh mount");
            side.unmount();
            side
        });
        let [theirs, ours] = &volumes;
        let what = format!("{options:?} {answers:?}");
        assert_eq!(ours.config().parameters(), theirs.config().parameters(), "{what}");
        assert_eq!(ours.config().format(), theirs.config().format(), "{what}");
        assert!(matches!(ours.config().format(), Format::V6 { revision: 20_100_713, .. }));
        crossed(theirs, ours, &what);
        crossed(ours, theirs, &what);
    }
}

/// `program` mounts the volume of `owner` where `owner` mounts it, too.
fn crossed(owner: &Side, program: &Side, what: &str) {
    let (cipher, point) = (owner.cipher(), owner.mountpoint());
    let paths = [cipher.to_str().expect("plain"), point.to_str().expect("plain")];
    let words = [&["encfs", "-S", "--insecure"][..], &paths].concat();
    let run = program.run(&words, "pass word\n");
    assert_eq!(run.code, 0, "{} opens what {} made, {what}: {run:?}", program.name, owner.name);
    let read = fs::read_to_string(point.join("written by its maker")).expect("the file is there");
    assert_eq!(read, owner.name, "{what}");
    owner.unmount();
}

/// Here the two differ on purpose: EncFS loses what is in the folder.
#[test]
fn no_volume_is_made_over_files_without_a_config() {
    let [_, ours] = sides();
    fs::write(ours.cipher().join("GaMu9NdBSL3gPiXUev1H1gue"), "").expect("a scratch file");
    let run = ours.run(&["encfs", "-S", "--standard", "DIR/c", "DIR/m"], "pw\n");
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert!(run.stderr.contains("GaMu9NdBSL3gPiXUev1H1gue"), "{run:?}");
    assert!(!ours.cipher().join(".encfs6.xml").exists());
    fs::rename(ours.cipher().join("GaMu9NdBSL3gPiXUev1H1gue"), ours.cipher().join(".directory"))
        .expect("a scratch file");
    let run = ours.run(&["encfs", "-S", "--standard", "DIR/c", "DIR/m"], "pw\n");
    assert_eq!(run.code, 0, "what a desktop leaves is nothing: {run:?}");
}

/// The password comes behind the answers, and from a program.
#[test]
fn a_password_for_a_new_volume() {
    if encfs_is_missing() {
        return;
    }
    for (options, stdin, opens_with) in [
        (&["--standard", "--extpass=echo from a program"][..], "", "from a program"),
        // for a new volume -S wins, for one that is there --extpass
        (&["--standard", "-S", "--extpass=echo from a program"], "from stdin\n", "from stdin"),
        (&[], "p\nsame\nsame\n", "same"),
        (&["-S"], "\nno terminal\nleft over\n", "no terminal"),
    ] {
        for side in sides() {
            let words = [&["encfs"], options, &["DIR/c", "DIR/m"]].concat();
            let run = side.run(&words, stdin);
            if side.name == "EncFS" && options.is_empty() {
                // it has read the passwords with the answers, and does not find them again
                assert_eq!(run.code, 1, "{run:?}");
                continue;
            }
            assert_eq!(run.code, 0, "{}: {run:?}", side.name);
            side.unmount();
            let run = side.run(&["encfsctl", "autocheckpasswd", "DIR/c"], &format!("{opens_with}\n"));
            assert_eq!(run.code, 0, "{}: {run:?}", side.name);
        }
    }
}

#[test]
fn folders_that_are_missing() {
    if encfs_is_missing() {
        return;
    }
    for (missing, stdin) in [
        (&["c", "m"][..], "y\nY\npw\n"),
        (&["c", "m"], "yes\nyy\npw\n"),
        (&["c"], "n\npw\n"),
        (&["c", "m"], "y\n\n"),
        (&["m"], " y\n"),
        (&["m"], ""),
    ] {
        for annotate in [&[][..], &["--annotate"]] {
            let [theirs, ours] = sides().map(|side| {
                for folder in missing {
                    fs::remove_dir(side.beside(folder)).expect("an empty folder");
                }
                let words = [&["encfs", "-S", "--standard"], annotate, &["DIR/c", "DIR/m"]].concat();
                let run = side.run(&words, stdin);
                let made = ["c", "m"].map(|folder| side.beside(folder).exists());
                if run.code == 0 {
                    side.unmount();
                }
                (run.code, run.complaints().join("\n"), made)
            });
            assert_eq!(ours, theirs, "{missing:?} {stdin:?} {annotate:?}");
        }
    }
}
