//! `encbox repair`

use crate::support::*;
use std::fs;

/// A volume with a file whose name lost its capitals; gives the name that it has.
fn folded(scratch: &Scratch) -> String {
    scratch.add("/report.txt", b"x");
    let path = scratch.cipher("/report.txt");
    let name = path.file_name().unwrap().to_str().unwrap().to_lowercase();
    fs::rename(&path, path.with_file_name(&name)).unwrap();
    name
}

#[test]
fn a_plan_then_the_repair_then_back() {
    let scratch = Scratch::new();
    let name = folded(&scratch);
    let run = scratch.run(&["repair", "V"]).fails(17);
    assert!(run.text().starts_with(&format!("repair undecodable: report.txt [{name}]: ")), "{}", run.text());
    assert!(scratch.paths().is_empty(), "a plan changes nothing");

    let run = scratch.run(&["repair", "--apply", "--json", "V"]).ok();
    let lines: Vec<serde_json::Value> =
        run.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["repair"]["steps"][0]["step"], "rename");
    assert_eq!(lines[0]["repair"]["steps"][0]["from"], name.as_str());
    assert_eq!(lines[1]["done"]["repaired"], 1);
    assert_eq!(scratch.paths(), ["report.txt"]);

    let quarantine = lines[1]["done"]["quarantine"].as_str().unwrap();
    scratch.run(&["repair", "--undo", quarantine, "V"]).ok();
    assert!(scratch.paths().is_empty() && scratch.path("V").join(name).exists());
}

#[test]
fn nothing_to_do_is_fine_and_what_cannot_be_done_is_said() {
    let scratch = Scratch::new();
    scratch.add("/file", b"x");
    assert_eq!(scratch.run(&["repair", "--apply", "V"]).ok().text(), "");
    scratch.write("V/no name", b"x");
    let run = scratch.run(&["repair", "--apply", "V"]).fails(17);
    assert!(run.text().starts_with("warning undecodable: [no name]: "), "{}", run.text());
}

#[test]
fn a_quarantine_of_ones_own() {
    let scratch = Scratch::new();
    folded(&scratch);
    scratch
        .run(&["repair", "--apply", "--quarantine", "V/inside", "V"])
        .fails(10)
        .says(&["inside the volume"]);
    scratch.run(&["repair", "--apply", "--quarantine", "kept", "V"]).ok();
    assert!(scratch.path("kept/log.jsonl").exists());
    scratch.run(&["repair", "--undo", "nowhere", "V"]).fails(8);
    scratch.write("odd/log.jsonl", b"{}\n");
    scratch.run(&["repair", "--undo", "odd", "V"]).fails(10).says(&["not the log of a repair"]);
}

/// The disk is full in the middle of a repair, and of its log: what was done of it is taken back.
#[test]
fn a_repair_for_which_there_is_no_room_is_taken_back() {
    let scratch = Scratch::with_profile("standard");
    for number in 0..40 {
        scratch.add(&format!("/Letters/letter {number}.txt"), b"x");
    }
    let (from, to) = (scratch.cipher("/Letters"), scratch.cipher("/Mail"));
    fs::rename(from, &to).unwrap();
    let names = |folder: &std::path::Path| {
        let mut names = names(folder);
        names.sort();
        names
    };
    let before = names(&to);
    let limited = |kib: u32| {
        let mut limited = scratch.bare_command("bash");
        limited.env("ENCBOX_PASSWORD_FILE", scratch.path("password"));
        let program = format!(
            "trap '' XFSZ; ulimit -f {kib}; exec \"$0\" repair --was Letters --apply --quarantine kept V"
        );
        limited.args(["-c", &program, env!("CARGO_BIN_EXE_encbox")]);
        run(limited, b"")
    };
    let none = limited(0);
    assert!(none.stderr.contains("kept/log.jsonl: ") && none.code == 11, "{}: {}", none.code, none.stderr);
    assert!(!scratch.path("kept").exists() && names(&to) == before, "it was not even begun");
    limited(4).partly().says(&["kept/log.jsonl: "]);
    assert!(names(&to) == before, "nothing is half done");
    assert!(fs::metadata(scratch.path("kept/log.jsonl")).unwrap().len() > 3000, "it was begun");
    scratch.run(&["repair", "--undo", "kept", "V"]).ok();
    assert!(names(&to) == before);

    let other = Scratch::new();
    let kept = scratch.path("kept");
    let undone = other.run(&["repair", "--undo", kept.to_str().unwrap(), "V"]).fails(10);
    undone.says(&["of a repair of the volume in", "is another one", "name the volume that was repaired"]);
}

/// What is only a guess is left without --guesses, and so is the damage that it would mend.
#[test]
fn damage_that_is_left_shows_in_the_exit_code() {
    let scratch = Scratch::with_profile("sync");
    scratch.add("/noise.bin", &bytes(10_000));
    let path = scratch.cipher("/noise.bin");
    let mut on_disk = fs::read(&path).unwrap();
    *on_disk.last_mut().unwrap() ^= 1;
    fs::write(&path, on_disk).unwrap();
    scratch.run(&["check", "V"]).fails(9);
    let run = scratch.run(&["repair", "V"]).fails(9);
    assert!(run.text().starts_with("guess mac: noise.bin "), "{}", run.text());
    run.says(&["1 thing to mend", "--guesses"]);
    scratch.run(&["repair", "--apply", "V"]).fails(9).says(&["1 thing to mend"]);
    let run = scratch.run(&["repair", "--json", "V"]).fails(9);
    let line: serde_json::Value = serde_json::from_str(run.text().lines().next().unwrap()).unwrap();
    assert_eq!((&line["repair"]["severity"], &line["repair"]["sure"]), (&"damage".into(), &false.into()));
    scratch.run(&["repair", "--apply", "--guesses", "V"]).ok();
    scratch.run(&["check", "V"]).ok();
}

/// On a disk that tells no case apart, the wrong spelling is in the way of the right one.
#[test]
fn a_name_in_small_letters_where_case_makes_no_difference() {
    let scratch = Scratch::new();
    let make = ["mkfs.ext4", "-q", "-O", "casefold", "-E", "encoding_flags=strict", "image", "8M"];
    let Some(_disk) = Disk::from_image(&scratch, "disk", &make, "image") else { return };
    let folder = scratch.path("disk/V");
    fs::create_dir(&folder).unwrap();
    let folds = std::process::Command::new("chattr").arg("+F").arg(&folder).status();
    if !folds.is_ok_and(|status| status.success()) {
        return skipped("no folder that tells no case apart");
    }
    scratch.add("/report.txt", b"x");
    for entry in fs::read_dir(scratch.path("V")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let name = if name.starts_with('.') { name.to_owned() } else { name.to_lowercase() };
        fs::copy(&path, folder.join(name)).unwrap();
    }
    scratch.run(&["repair", "--apply", "--quarantine", "kept", "disk/V"]).ok();
    scratch.run(&["check", "disk/V"]).ok();
    assert_eq!(scratch.run(&["ls", "disk/V"]).ok().text(), "report.txt\n");
    scratch.run(&["repair", "--undo", "kept", "disk/V"]).ok();
    scratch.run(&["check", "disk/V"]).fails(17);
}
