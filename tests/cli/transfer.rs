//! What can go wrong with many files, on the way out and on the way in: nothing is half-written, everything that failed
//! is named, and what was interrupted goes on.

use crate::support::*;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

const FAILED: i32 = 1;
const FULL: i32 = 11;
const INTERRUPTED: i32 = 130;
const LARGE_LEN: usize = 64 << 20;

/// Makes many small files, in folders of a hundred.
fn many(scratch: &Scratch, count: usize, len: usize) {
    for number in 0..count {
        let folder = scratch.path(format!("src/{}", number / 100));
        if number % 100 == 0 {
            fs::create_dir_all(&folder).unwrap();
        }
        fs::write(folder.join(format!("{number}")), content(number, len)).unwrap();
    }
}

fn content(number: usize, len: usize) -> Vec<u8> {
    let mut content = format!("{number} ").into_bytes();
    content.resize(len, b'x');
    content
}

/// Compares what is there of `many`, and gives how much that is.
#[track_caller]
fn assert_whole(folder: &Path, len: usize) -> usize {
    let mut found = 0;
    for below in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        for file in fs::read_dir(below.path()).unwrap().map(Result::unwrap) {
            let name = file.file_name().into_string().unwrap();
            let number = name.parse().unwrap_or_else(|_| panic!("{name} should not be there"));
            assert!(fs::read(file.path()).unwrap() == content(number, len), "{name} is not whole");
            found += 1;
        }
    }
    found
}

/// Runs the command that a message says goes on.
#[track_caller]
fn go_on(scratch: &Scratch, said: &str) -> Run {
    let (_, command) = said.split_once("this goes on: ").unwrap_or_else(|| panic!("no way on in: {said}"));
    let mut shell = scratch.bare_command("sh");
    shell.args(["-c", command.lines().next().unwrap()]);
    shell.env("ENCBOX_PASSWORD_FILE", scratch.path("password"));
    run(shell, b"")
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

fn spawn(scratch: &Scratch, arguments: &[&str]) -> Child {
    scratch.command(arguments).stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Runs the program, stops it while it reads `path`, does something to that, and lets the program go on.
#[track_caller]
fn meanwhile(scratch: &Scratch, arguments: &[&str], path: &Path, change: impl Fn(&Path)) -> (i32, String) {
    let path = path.canonicalize().unwrap();
    for _ in 0..50 {
        let mut child = spawn(scratch, arguments);
        let process = Path::new("/proc").join(child.id().to_string());
        let reads = || {
            let io = fs::read_to_string(process.join("io")).unwrap_or_default();
            let read =
                io.lines().find_map(|line| line.strip_prefix("rchar: ")).map(|count| count.parse().unwrap());
            let files = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
            let open = files.filter_map(|fd| fs::read_link(fd.path()).ok()).any(|target| target == path);
            open && read.unwrap_or(0) > 2 << 20
        };
        while !reads() && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_micros(200));
        }
        if child.try_wait().unwrap().is_none() {
            signal(&child, "-STOP");
            // or has ended in the meantime
            wait_until("the program stands still", || {
                let state = fs::read_to_string(process.join("stat")).unwrap();
                state.rsplit(')').next().unwrap().trim_start().starts_with(['T', 'Z'])
            });
            if reads() {
                change(&path);
                signal(&child, "-CONT");
                let output = child.wait_with_output().unwrap();
                return (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap());
            }
            signal(&child, "-CONT");
        }
        child.wait().unwrap();
        // too late: once more, from the start
        drop(fs::remove_dir_all(scratch.path("out")));
        drop(fs::remove_file(scratch.path("out")));
        scratch.run(&["rm", "-rf", "V", "/in"]);
    }
    panic!("it was never seen reading {}", path.display());
}

fn shrink(path: &Path) {
    fs::OpenOptions::new().write(true).open(path).unwrap().set_len(4096).unwrap();
}

fn grow(path: &Path) {
    use std::io::Write;
    fs::OpenOptions::new().append(true).open(path).unwrap().write_all(&[7; 10_000]).unwrap();
}

fn rewrite(path: &Path) {
    fs::OpenOptions::new()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(std::time::SystemTime::now())
        .unwrap();
}

fn replace(path: &Path) {
    let beside = path.with_file_name("beside");
    fs::write(&beside, b"another").unwrap();
    fs::rename(beside, path).unwrap();
}

#[test]
fn a_file_that_changes_while_it_is_imported_is_left_out_and_reported() {
    let scratch = Scratch::new();
    scratch.write("src/small", b"small");
    for change in [shrink, grow, rewrite] {
        let large = scratch.write("src/large", &bytes(LARGE_LEN));
        let (code, said) = meanwhile(&scratch, &["import", "V", "src", "/in"], &large, change);
        assert_eq!(code, 15, "{said}");
        assert!(said.contains("src/large: changed while it was read"), "{said}");
        assert_eq!(scratch.paths(), ["in", "in/small"]);
        assert_eq!(fs::read_dir(scratch.cipher("/in")).unwrap().count(), 1);
        scratch.run(&["rm", "-r", "V", "/in"]).ok();
        scratch.write("src/large", &bytes(LARGE_LEN));
        let (code, said) = meanwhile(&scratch, &["import", "V", "src/large", "/in"], &large, change);
        assert_eq!(code, FAILED, "{said}");
        assert_eq!(scratch.paths(), [""; 0]);
    }
    // Replaced by a rename, it is read on as what it was.
    let large = scratch.write("src/large", &bytes(LARGE_LEN));
    let (code, said) = meanwhile(&scratch, &["import", "V", "src", "/in"], &large, replace);
    assert_eq!(code, 0, "{said}");
    assert!(scratch.run(&["cat", "V", "/in/large"]).ok().stdout == bytes(LARGE_LEN));
}

#[test]
fn a_file_that_changes_while_it_is_exported_is_left_out_and_reported() {
    let scratch = Scratch::new();
    scratch.add("/src/small", b"small");
    scratch.write("large", &bytes(LARGE_LEN));
    for change in [shrink, grow, rewrite] {
        scratch.run(&["import", "--force", "V", "large", "/src"]).ok();
        let large = scratch.cipher("/src/large");
        let (code, said) = meanwhile(&scratch, &["export", "V", "/src", "out"], &large, change);
        assert_eq!(code, 15, "{said}");
        assert!(said.contains("src/large: "), "{said}");
        assert_eq!(names(&scratch.path("out")), ["small"]);
        fs::remove_dir_all(scratch.path("out")).unwrap();
    }
    scratch.run(&["import", "--force", "V", "large", "/src"]).ok();
    let large = scratch.cipher("/src/large");
    let (code, said) = meanwhile(&scratch, &["export", "V", "/src", "out"], &large, replace);
    assert_eq!(code, 0, "{said}");
    assert!(fs::read(scratch.path("out/large")).unwrap() == bytes(LARGE_LEN));
}

#[test]
fn a_folder_that_goes_away_while_it_is_imported() {
    let scratch = Scratch::new();
    let large = scratch.write("src/a/large", &bytes(LARGE_LEN));
    scratch.write("src/b/file", b"b");
    let take_away = |path: &Path| fs::remove_dir_all(path.parent().unwrap()).unwrap();
    let (code, said) = meanwhile(&scratch, &["import", "V", "src", "/in"], &large, take_away);
    assert_eq!(code, 0, "{said}");
    assert!(scratch.run(&["cat", "V", "/in/a/large"]).ok().stdout == bytes(LARGE_LEN));
    assert_eq!(scratch.paths(), ["in", "in/a", "in/a/large", "in/b", "in/b/file"]);
}

/// The program as somebody who is not root, for whom files can be unreadable.
fn as_nobody(scratch: &Scratch, arguments: &[&str]) -> Option<Command> {
    if !rustix::process::geteuid().is_root() {
        return Some(scratch.command(arguments));
    }
    if !has("setpriv") {
        return None;
    }
    let program = scratch.path("encbox");
    if !program.exists() {
        fs::copy(PROGRAM, &program).unwrap();
    }
    let owned = Command::new("chown").args(["-R", "65534:65534"]).arg(scratch.folder()).status().unwrap();
    assert!(owned.success());
    let mut command = scratch.bare_command("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program).args(arguments);
    command.env("ENCBOX_PASSWORD_FILE", scratch.path("password"));
    Some(command)
}

#[test]
fn one_unreadable_file_among_thousands() {
    const COUNT: usize = 2000;
    let scratch = Scratch::new();
    many(&scratch, COUNT, 100);
    let unreadable = |path: &Path| fs::set_permissions(path, PermissionsExt::from_mode(0o000)).unwrap();
    unreadable(&scratch.path("src/7/777"));
    for jobs in ["1", "2", "5"] {
        let dest = format!("/in{jobs}");
        let Some(command) = as_nobody(&scratch, &["import", "--jobs", jobs, "V", "src", &dest]) else {
            return;
        };
        let run = run(command, b"").partly();
        run.says(&["src/7/777: cannot open: Permission denied", "1 of the items failed"]);
        scratch.run(&["export", "V", &dest, &format!("out{jobs}")]).ok();
        assert_eq!(assert_whole(&scratch.path(format!("out{jobs}")), 100), COUNT - 1);
        let modified = |path: String| scratch.path(path).metadata().unwrap().modified().unwrap();
        assert_eq!(modified("src/7".into()), modified(format!("out{jobs}/7")));
    }
    unreadable(&scratch.cipher("/in1/3/333"));
    let Some(command) = as_nobody(&scratch, &["export", "V", "/in1", "out"]) else { return };
    run(command, b"").partly().says(&["in1/3/333: Permission denied", "1 of the items failed"]);
    assert_eq!(assert_whole(&scratch.path("out"), 100), COUNT - 2);
}

#[test]
fn a_full_destination_keeps_what_is_whole_and_goes_on_when_there_is_room() {
    const COUNT: usize = 2000;
    const LEN: usize = 5000;
    for jobs in ["1", "4"] {
        let scratch = Scratch::new();
        many(&scratch, COUNT, LEN);
        let Some(disk) = Disk::new(scratch.path("disk"), "size=6m") else { return };
        scratch.run(&["new", "-q", "--iterations", "1000", "disk/V"]).ok();
        let run = scratch.run(&["import", "--jobs", jobs, "disk/V", "src", "/in"]).fails(FULL);
        let said = run.says(&["No space left", "make room", "--resume"]).stderr;
        scratch.run(&["export", "disk/V", "/in", "out"]).ok();
        let whole = assert_whole(&scratch.path("out"), LEN);
        assert!(0 < whole && whole < COUNT, "{whole}");
        disk.resize("64m");
        go_on(&scratch, &said).ok();
        scratch.run(&["export", "disk/V", "/in", "all"]).ok();
        assert_eq!(assert_whole(&scratch.path("all"), LEN), COUNT);
        drop(disk);

        scratch.run(&["import", "V", "src", "/in"]).ok();
        let Some(disk) = Disk::new(scratch.path("disk"), "size=6m") else { return };
        let run = scratch.run(&["export", "--jobs", jobs, "V", "/in", "disk/out"]).fails(FULL);
        let said = run.says(&["No space left", "make room", "--resume"]).stderr;
        let whole = assert_whole(&scratch.path("disk/out"), LEN);
        assert!(0 < whole && whole < COUNT, "{whole}");
        disk.resize("64m");
        go_on(&scratch, &said).ok();
        assert_eq!(assert_whole(&scratch.path("disk/out"), LEN), COUNT);
        let modified = |path: &str| scratch.path(path).metadata().unwrap().modified().unwrap();
        assert_eq!(modified("src/7"), modified("disk/out/7"));
    }
}

#[test]
fn a_large_file_that_does_not_fit() {
    let scratch = Scratch::new();
    scratch.write("src/large", &bytes(8 << 20));
    let sparse = fs::File::create(scratch.path("sparse")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    let Some(_disk) = Disk::new(scratch.path("disk"), "size=4m") else { return };
    scratch.run(&["new", "-q", "--iterations", "1000", "disk/V"]).ok();
    scratch.run(&["import", "disk/V", "src", "/in"]).fails(FULL);
    // Where no holes are allowed they would take room; this is found out before the disk is full.
    scratch.run(&["import", "disk/V", "sparse", "/"]).fails(FULL);
    scratch.feed(&["import", "disk/V", "-", "/stream"], &bytes(8 << 20)).fails(FULL);
    let paths: Vec<_> =
        scratch.run(&["tree", "-a", "disk/V"]).ok().lines().into_iter().map(String::from).collect();
    assert!(paths.iter().all(|line| !line.contains("large") && !line.contains("partial")), "{paths:?}");
    assert!(!scratch.run(&["ls", "-a", "disk/V"]).ok().text().contains("stream"));
}

#[test]
fn destinations_inside_the_volume() {
    let scratch = Scratch::new();
    scratch.add("/V/file", b"clear text");
    let before = names(&scratch.path("V"));
    // A folder of the volume that is called as the volume is, exported to where that is.
    scratch.run(&["export", "V", "/V", "."]).partly().says(&["V: lies inside the volume"]);
    scratch.run(&["export", "-T", "V", "/V", "V"]).partly().says(&["V: lies inside the volume"]);
    scratch.run(&["export", "-T", "V", "/V", "V/new"]).fails(10).says(&["inside the volume"]);
    scratch.run(&["export", "V", "V/new"]).fails(10).says(&["inside the volume"]);
    assert_eq!(names(&scratch.path("V")), before);
    // Nor is ciphertext imported into itself.
    let below = scratch.cipher("/V");
    let below = below.strip_prefix(scratch.folder()).unwrap().to_str().unwrap();
    for source in ["V", below] {
        scratch.run(&["import", "V", source, "/"]).fails(10).says(&["inside the volume"]);
        scratch.run(&["import", "-T", "V", source, "/"]).fails(10).says(&["inside the volume"]);
    }
    assert_eq!(scratch.paths(), ["V", "V/file"]);
}

#[test]
fn names_that_the_volume_cannot_hold() {
    let scratch = Scratch::new();
    let long = "n".repeat(250);
    scratch.write("src/a", b"a");
    scratch.write(&format!("src/{long}"), b"long");
    scratch.write(&format!("src/dir{long}/file"), b"long");
    scratch.write("src/z", b"z");
    let run = scratch.run(&["import", "V", "src", "/"]).partly();
    run.says(&[&format!("src/{long}: "), &format!("src/dir{long}: "), "too long", "2 of the items failed"]);
    assert_eq!(scratch.paths(), ["src", "src/a", "src/z"]);
    scratch.run(&["import", "V", &format!("src/{long}"), "/"]).fails(14);
}

#[test]
fn names_that_a_fat_file_system_cannot_hold() {
    let scratch = Scratch::new();
    for name in ["good", "b:ad", "wor?se", "LOUD", "loud", "dir/file", "d*r/file"] {
        scratch.add(&format!("/src/{name}"), name.as_bytes());
    }
    let Some(_disk) = Disk::from_image(&scratch, "disk", &["mkfs.vfat", "-C", "image", "8192"], "image")
    else {
        return;
    };
    let run = scratch.run(&["export", "V", "/src", "disk/out"]).partly();
    run.says(&["out/b:ad: ", "out/wor?se: ", "out/d*r: ", "has this name in the destination"]);
    assert_eq!(fs::read(scratch.path("disk/out/good")).unwrap(), b"good");
    assert_eq!(fs::read(scratch.path("disk/out/dir/file")).unwrap(), b"dir/file");
    assert_eq!(fs::read(scratch.path("disk/out/LOUD")).unwrap(), b"LOUD");
}

/// A file system that takes no name which is not UTF-8, and tells no case apart.
#[test]
fn names_that_a_casefolding_file_system_cannot_hold() {
    let scratch = Scratch::new();
    let src = scratch.path("src");
    fs::create_dir(&src).unwrap();
    for name in [&b"good"[..], b"LOUD", b"loud", b"odd\xff"] {
        fs::write(src.join(OsStr::from_bytes(name)), name).unwrap();
    }
    scratch.run(&["import", "V", "src", "/"]).ok();
    let make = ["mkfs.ext4", "-q", "-O", "casefold", "-E", "encoding_flags=strict", "image", "8M"];
    let Some(_disk) = Disk::from_image(&scratch, "disk", &make, "image") else { return };
    fs::create_dir(scratch.path("disk/out")).unwrap();
    if !Command::new("chattr")
        .arg("+F")
        .arg(scratch.path("disk/out"))
        .status()
        .is_ok_and(|status| status.success())
    {
        return skipped("no folder that tells no case apart");
    }
    let run = scratch.run(&["export", "V", "/src", "disk/out"]).partly();
    run.says(&["another exported item has this name in the destination", "2 of the items failed"]);
    assert_eq!(names(&scratch.path("disk/out/src")).len(), 2);
    assert_eq!(fs::read(scratch.path("disk/out/src/good")).unwrap(), b"good");
}

/// A mount of a volume, in which names are shorter, and files cannot be without one.
#[cfg(feature = "mount")]
#[test]
fn names_that_a_mounted_volume_cannot_hold() {
    let Some(mounted) = Mounted::new() else { return };
    let scratch = &mounted.0;
    scratch.run(&["new", "-q", "--iterations", "1000", "--names", "null", "W"]).ok();
    let long = "n".repeat(240);
    scratch.write("src/dir/large", &bytes(2_000_000));
    scratch.write(&format!("src/{long}"), b"long");
    scratch.write(&format!("src/dir{long}/file"), b"long");
    scratch.run(&["import", "W", "src", "/"]).ok();
    scratch.run(&["mount", "V", "M"]).ok();
    let run = scratch.run(&["export", "W", "/src", "M"]).partly();
    run.says(&[&format!("src/{long}: "), &format!("src/dir{long}: "), "2 of the items failed"]);
    assert_eq!(names(&scratch.path("M/src")), ["dir"]);
    assert_eq!(names(&scratch.path("M/src/dir")), ["large"]);
    assert!(fs::read(scratch.path("M/src/dir/large")).unwrap() == bytes(2_000_000));
}

#[test]
fn the_same_destination_twice() {
    let scratch = Scratch::new();
    scratch.write("a/x", b"first");
    scratch.write("b/x", b"second");
    scratch.write("a/d/same", b"first");
    scratch.write("a/d/one", b"1");
    scratch.write("b/d/same", b"second");
    scratch.write("b/d/two", b"2");
    scratch.run(&["mkdir", "V", "/in"]).ok();
    let run = scratch.run(&["import", "V", "a/x", "b/x", "a/d", "b/d", "/in"]).partly();
    run.says(&[
        "b/x: another imported item has this name",
        "in/d/same: exists already",
        "2 of the items failed",
    ]);
    assert_eq!(scratch.paths(), ["in", "in/d", "in/d/one", "in/d/same", "in/d/two", "in/x"]);
    for path in ["/in/x", "/in/d/same"] {
        assert_eq!(scratch.run(&["cat", "V", path]).ok().text(), "first");
    }
    scratch.run(&["import", "--force", "V", "a/x", "b/x", "/in"]).partly();
    assert_eq!(scratch.run(&["cat", "V", "/in/x"]).ok().text(), "first");
}

#[test]
fn few_descriptors_and_many_threads() {
    let scratch = Scratch::new();
    let deep = "d/".repeat(150);
    for number in 0..700 {
        scratch.write(&format!("src/{number}/{number}"), &content(number, 100));
    }
    scratch.write(&format!("deep/{deep}file"), b"deep");
    scratch.write("large", &bytes(20_000_000));
    for arguments in [
        &["import", "V", "src", "deep", "large", "/"][..],
        &["export", "V", "out"],
        &["export", "--force", "V", "out"],
    ] {
        let mut shell = scratch.bare_command("sh");
        shell.args(["-c", "ulimit -n 1024; exec \"$0\" \"$@\" --jobs 64", PROGRAM]).args(arguments);
        shell.env("ENCBOX_PASSWORD_FILE", scratch.path("password"));
        run(shell, b"").ok();
    }
    assert_eq!(assert_whole(&scratch.path("out/src"), 100), 700);
    assert_eq!(fs::read(scratch.path(format!("out/deep/{deep}file"))).unwrap(), b"deep");
}

/// Sends Ctrl-C once something is there, and gives what the program said.
#[track_caller]
fn interrupt(scratch: &Scratch, arguments: &[&str], begun: impl Fn() -> bool) -> String {
    let child = spawn(scratch, arguments);
    wait_until("something is there", begun);
    signal(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(INTERRUPTED), "{said}");
    said
}

#[test]
fn an_interrupted_transfer_leaves_what_is_whole_and_says_how_to_go_on() {
    const COUNT: usize = 20_000;
    const LEN: usize = 300;
    let scratch = Scratch::new();
    many(&scratch, COUNT, LEN);
    let in_volume = || names(&scratch.path("V")).len() > 1;
    let said = interrupt(&scratch, &["import", "V", "src", "/a new name"], in_volume);
    scratch.run(&["export", "V", "/a new name", "part"]).ok();
    let whole = assert_whole(&scratch.path("part"), LEN);
    assert!(whole < COUNT, "{whole}");
    go_on(&scratch, &said).ok();
    scratch.run(&["export", "V", "/a new name", "all"]).ok();
    assert_eq!(assert_whole(&scratch.path("all"), LEN), COUNT);
    assert_eq!(scratch.paths().iter().filter(|path| !path.starts_with("a new name")).count(), 0);

    let begun = || scratch.path("out").is_dir();
    let said = interrupt(&scratch, &["export", "V", "/a new name", "out"], begun);
    let whole = assert_whole(&scratch.path("out"), LEN);
    assert!(whole < COUNT, "{whole}");
    go_on(&scratch, &said).ok();
    assert_eq!(assert_whole(&scratch.path("out"), LEN), COUNT);
    let modified = |path: &str| scratch.path(path).metadata().unwrap().modified().unwrap();
    assert_eq!(modified("src"), modified("out"));
    assert_eq!(modified("src/99"), modified("out/99"));
}

#[test]
fn into_a_folder_that_was_there_an_interrupted_transfer_goes_on_without_a_new_name() {
    let scratch = Scratch::new();
    many(&scratch, 5000, 300);
    scratch.run(&["mkdir", "V", "/in"]).ok();
    let begun = || fs::read_dir(scratch.cipher("/in")).unwrap().count() > 0;
    let said = interrupt(&scratch, &["import", "-j1", "V", "src", "/in"], begun);
    assert!(!said.contains(" -T"), "{said}");
    go_on(&scratch, &said).ok();
    fs::create_dir(scratch.path("out")).unwrap();
    let begun = || scratch.path("out/src/0").is_dir();
    let said = interrupt(&scratch, &["export", "-j1", "V", "/in/src", "out"], begun);
    assert!(!said.contains(" -T"), "{said}");
    go_on(&scratch, &said).ok();
    assert_eq!(assert_whole(&scratch.path("out/src"), 300), 5000);
}

#[test]
fn a_destination_that_is_the_new_name_whatever_is_there() {
    let scratch = Scratch::new();
    scratch.write("src/a", b"a");
    for _ in 0..2 {
        scratch.run(&["import", "--resume", "-T", "V", "src", "/dest"]).ok();
        scratch.run(&["export", "--resume", "--no-target-directory", "V", "/dest", "out"]).ok();
    }
    assert_eq!(scratch.paths(), ["dest", "dest/a"]);
    assert_eq!(names(&scratch.path("out")), ["a"]);
    scratch.run(&["import", "-T", "V", "src", "/"]).ok();
    assert_eq!(scratch.paths(), ["a", "dest", "dest/a"]);
    scratch.run(&["import", "-T", "V", "password", "/"]).fails(10);
    scratch.run(&["import", "-T", "V", "password", "/dest"]).fails(10).says(&["dest: exists already"]);
    scratch.run(&["export", "-T", "V", "/a", "out"]).fails(10).says(&["out: exists already"]);
    for arguments in
        [&["import", "-T", "V", "src", "password", "/dest"][..], &["export", "-T", "V", "/a", "/dest", "out"]]
    {
        assert_eq!(scratch.run(arguments).code, 2);
    }
}

#[test]
fn a_damaged_block_in_the_middle_of_a_large_file() {
    const PAYLOAD: usize = 4088;
    let scratch = Scratch::new();
    let good = bytes(8_000_000);
    scratch.write("large", &good);
    scratch.run(&["import", "V", "large", "/"]).ok();
    let cipher = scratch.cipher("/large");
    let mut content = fs::read(&cipher).unwrap();
    content[8 + 1000 * 4096 + 77] ^= 1;
    fs::write(&cipher, content).unwrap();
    for jobs in ["1", "4"] {
        scratch
            .run(&["export", "--jobs", jobs, "V", "/large", "out"])
            .fails(9)
            .says(&["MAC mismatch in block 1000"]);
        assert!(!scratch.path("out").exists());
        let run = scratch.run(&["export", "--jobs", jobs, "--keep-going", "V", "/large", "out"]).partly();
        run.says(&["lost block 1000, bytes 4088000 to 4092087"]);
        let mut expected = good.clone();
        expected[1000 * PAYLOAD..1001 * PAYLOAD].fill(0);
        assert!(fs::read(scratch.path("out")).unwrap() == expected);
        fs::remove_file(scratch.path("out")).unwrap();
    }
}

#[test]
fn holes_go_in_and_out_whatever_their_place() {
    const LEN: u64 = 3_000_000;
    for profile in ["standard", "sync"] {
        let scratch = Scratch::with_profile(profile);
        for (name, at) in [("start", 0), ("middle", 1_500_000), ("end", LEN - 5), ("none", LEN)] {
            let file = fs::File::create(scratch.path(name)).unwrap();
            file.set_len(LEN).unwrap();
            if at < LEN {
                std::os::unix::fs::FileExt::write_all_at(&file, b"data!", at).unwrap();
            }
            scratch.run(&["import", "V", name, "/"]).ok();
            let run = scratch.run(&["cat", "V", &format!("/{name}")]).ok();
            assert!(run.stdout == fs::read(scratch.path(name)).unwrap(), "{name}");
            let blocks = scratch.cipher(&format!("/{name}")).metadata().unwrap().blocks();
            assert_eq!(blocks < 1000, profile == "standard", "{name}: {blocks} blocks");
        }
    }
}
