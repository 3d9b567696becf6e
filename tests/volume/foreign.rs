//! Other programs, other users and full tables: nothing is lost, and nothing ends the process.

use crate::scratch::*;
use encbox::config::{Config, Parameters, Profile};
use encbox::crypto::AlgorithmId;
use encbox::volume::{self, Fault, OpenOptions, Owner, RenameMode, SetAttr};
use std::ffi::OsStr;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Command, ExitStatus, Stdio};

fn n(name: &str) -> &OsStr {
    OsStr::new(name)
}

/// Runs one test of this program in a process of its own: some of them end it.
fn in_child(prefix: &[&str], test: &str, envs: &[(&str, &str)]) -> (ExitStatus, String) {
    let exe = std::env::current_exe().expect("running");
    let copy = tempfile::Builder::new().permissions(PermissionsExt::from_mode(0o755)).tempdir().expect("dir");
    let path = copy.path().join("test");
    std::fs::copy(exe, &path).expect("copied");
    let args: Vec<&str> = prefix.iter().copied().chain([path.to_str().expect("UTF-8")]).collect();
    let mut command = Command::new(args[0]);
    command.args(&args[1..]).args(["--exact", &format!("foreign::{test}"), "--nocapture", "--ignored"]);
    command.envs(envs.iter().copied()).stdin(Stdio::null());
    let output = command.output().expect("runs");
    (output.status, String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// The same as somebody else; `None` where that takes rights that we lack.
fn as_nobody(test: &str, envs: &[(&str, &str)]) -> Option<(ExitStatus, String)> {
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: acting as another user needs root");
        return None;
    }
    Some(in_child(&["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"], test, envs))
}

#[test]
fn a_taken_name_below_a_renamed_directory_costs_no_header() {
    let scratch = Scratch::new(&Profile::Paranoia.parameters());
    scratch.mkdir("top");
    scratch.write("top/one", b"precious");
    // left by a crash or a sync client: the name that `one` will have below `moved`
    let future = scratch.on_disk("moved/one");
    let taken = scratch.on_disk("top").join(future.file_name().expect("a name"));
    std::fs::write(&taken, b"cruft").expect("written");
    let ((dir, name), (to, new)) = (scratch.entry("top"), scratch.entry("moved"));
    scratch.volume.rename(&dir, n(&name), &to, n(&new), RenameMode::Replace).expect_err("taken");
    let scratch = scratch.reopened();
    let (dir, name) = scratch.entry("top/one");
    let mut got = [0; 8];
    let len = scratch.volume.open_file(&dir, n(&name), READ).and_then(|file| file.read_at(&mut got, 0));
    assert!(matches!(len, Ok(8)) && &got == b"precious", "{len:?} {got:?}");
}

#[test]
fn who_may_write_a_file_but_does_not_own_it_can_rename_it() {
    let scratch = Scratch::new(&Profile::Paranoia.parameters());
    scratch.write("one", b"precious");
    open_up(&scratch);
    let folder = scratch.folder.path().to_str().expect("UTF-8").to_owned();
    let Some((status, text)) = as_nobody("child_renames_a_file", &[("FOLDER", &folder)]) else { return };
    println!("{text}");
    assert!(status.success());
    let scratch = scratch.reopened();
    let left: Vec<String> = scratch.names(&scratch.root());
    let (dir, name) = scratch.entry(&left[0]);
    let mut got = [0; 8];
    let read = scratch.volume.open_file(&dir, n(&name), READ).and_then(|file| file.read_at(&mut got, 0));
    assert!(read.is_ok() && &got == b"precious", "{left:?} {read:?}");
}

#[test]
#[ignore = "run in a process of its own by the test above"]
fn child_renames_a_file() {
    let Some(folder) = std::env::var_os("FOLDER") else { return };
    let volume = open(folder.as_ref(), OpenOptions::default());
    let root = volume.root();
    println!("RENAME: {:?}", volume.rename(&root, n("one"), &root, n("two"), RenameMode::Replace));
}

#[test]
fn a_tree_with_a_directory_of_somebody_else_can_be_renamed() {
    let scratch = Scratch::new(&Profile::Standard.parameters());
    scratch.mkdir("top");
    scratch.mkdir("top/sub");
    scratch.write("top/sub/file", b"x");
    open_up(&scratch);
    let folder = scratch.folder.path().to_str().expect("UTF-8").to_owned();
    let Some((status, text)) = as_nobody("child_renames_a_tree", &[("FOLDER", &folder)]) else { return };
    println!("{text}");
    assert!(status.success());
}

#[test]
#[ignore = "run in a process of its own by the test above"]
fn child_renames_a_tree() {
    let Some(folder) = std::env::var_os("FOLDER") else { return };
    let volume = open(folder.as_ref(), OpenOptions::default());
    let root = volume.root();
    volume.rename(&root, n("top"), &root, n("new"), RenameMode::Replace).expect("rename(2) would allow it");
}

/// As a group shares a folder: everybody may write everything.
fn open_up(scratch: &Scratch) {
    let mut todo = vec![scratch.folder.path().to_owned()];
    while let Some(path) = todo.pop() {
        let dir = path.is_dir();
        let mode = if dir { 0o777 } else { 0o666 };
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("ours");
        if dir {
            todo.extend(std::fs::read_dir(path).expect("there").flatten().map(|entry| entry.path()));
        }
    }
}

#[test]
fn directories_that_were_put_into_each_other_do_not_end_the_process() {
    let (status, text) =
        in_child(&["prlimit", "--as=4000000000"], "child_sees_directories_change_places", &[]);
    assert!(status.success(), "{status} {}", text.chars().take(600).collect::<String>());
}

#[test]
#[ignore = "run in a process of its own by the test above"]
fn child_sees_directories_change_places() {
    let scratch = Scratch::new(&Profile::Sync.parameters());
    let x = scratch.mkdir("x");
    let y = scratch.mkdir("x/y");
    // another machine: y out of x, then x into y
    let (x_disk, y_disk) = (scratch.on_disk("x"), scratch.on_disk("x/y"));
    std::fs::rename(&y_disk, scratch.on_disk("y")).expect("moved");
    std::fs::rename(&x_disk, scratch.on_disk("y/x")).expect("moved");
    // a program that works in y looks around
    let again = scratch.volume.open_dir(&y, n("x")).expect("there");
    assert_eq!(again.id(), x.id());
    let _ = scratch.volume.stat((&y, n("nothing")));
}

#[test]
fn a_file_rewritten_by_another_program_is_read_and_written_with_its_new_iv() {
    for profile in [Profile::Sync, Profile::Standard] {
        let scratch = Scratch::new(&profile.parameters());
        let file = scratch.create("file");
        file.write_at(&[1; 5000], 0).expect("written");
        {
            // another encbox on the same folder: `encbox import` beside a mount
            let other = open(scratch.folder.path(), OpenOptions::default());
            let root = other.root();
            let how = volume::OpenFile { truncate: true, ..READ_WRITE };
            other
                .open_file(&root, n("file"), how)
                .expect("emptied")
                .write_at(&[2; 5000], 0)
                .expect("written");
        }
        let _ = file.append(&[3; 5000]); // may fail; must not destroy
        let scratch = scratch.reopened();
        let (dir, name) = scratch.entry("file");
        let mut data = [0; 10_000];
        let file = scratch.volume.open_file(&dir, n(&name), READ).expect("there");
        let read = file.read_at(&mut data, 0);
        assert!(read.is_ok_and(|len| len >= 5000) && data[..5000] == [2; 5000], "{profile:?}");
    }
}

#[test]
fn a_write_into_a_hole_that_does_not_fit_leaves_holes_or_data() {
    for profile in [Profile::Standard, Profile::Paranoia] {
        let folder = tempfile::tempdir().expect("dir");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(folder.path())
            .status()
            .is_ok_and(|status| status.success());
        if !mounted {
            return;
        }
        let bad = {
            let config = Config::create(&profile.parameters(), &password(), 10, fill_random).expect("valid");
            volume::create(folder.path(), &config, true).expect("made");
            let volume = open(folder.path(), Default::default());
            let root = volume.root();
            let file = volume.create_file(&root, n("f"), 0o644, true, READ_WRITE, None).expect("created");
            file.truncate(4 << 20).expect("holes take no room");
            assert!(file.write_at(&vec![7; 3 << 20], 0).is_err(), "the disk is full");
            let mut block = vec![0; 1016];
            let payload = profile.parameters().layout().payload_len();
            block.resize(payload, 0);
            (0..(4 << 20) / payload as u64)
                .filter(|at| match file.read_at(&mut block, at * payload as u64) {
                    Ok(len) => {
                        !(block[..len].iter().all(|&b| b == 0) || block[..len].iter().all(|&b| b == 7))
                    }
                    Err(_) => true,
                })
                .collect::<Vec<_>>()
        };
        let _ = Command::new("umount").arg("-l").arg(folder.path()).status();
        assert_eq!(bad, Vec::<u64>::new(), "{profile:?}: neither zeros nor what was written");
    }
}

#[test]
fn a_twin_in_another_case_does_not_nail_a_directory_down() {
    let block32 = Parameters {
        name_coding: AlgorithmId::new("nameio/block32", 4, 0),
        ..Profile::Standard.parameters()
    };
    let scratch = Scratch::new(&block32);
    scratch.mkdir("top");
    scratch.write("top/one", b"x");
    let on_disk = scratch.on_disk("top/one");
    let lower = on_disk.file_name().expect("a name").to_ascii_lowercase();
    std::fs::copy(&on_disk, on_disk.with_file_name(lower)).expect("copied");
    let ((dir, name), (to, new)) = (scratch.entry("top"), scratch.entry("moved"));
    scratch.volume.rename(&dir, n(&name), &to, n(&new), RenameMode::Replace).expect("renamed");
}

#[test]
fn a_file_with_a_damaged_header_can_be_cut_to_nothing() {
    let scratch = Scratch::new(&Profile::Sync.parameters());
    scratch.write("file", b"x");
    std::fs::write(scratch.on_disk("file"), b"12345").expect("cut");
    let attr = SetAttr { size: Some(0), ..SetAttr::default() };
    scratch.volume.set_attr((&scratch.root(), n("file")), &attr).expect("truncate -s 0, or > file");
}

#[test]
fn a_create_that_fails_leaves_nothing() {
    let scratch = Scratch::new(&Profile::Sync.parameters());
    open_up(&scratch);
    let folder = scratch.folder.path().to_str().expect("UTF-8").to_owned();
    let Some((status, text)) = as_nobody("child_creates_for_others", &[("FOLDER", &folder)]) else { return };
    println!("{text}");
    assert!(status.success());
}

#[test]
#[ignore = "run in a process of its own by the test above"]
fn child_creates_for_others() {
    let Some(folder) = std::env::var_os("FOLDER") else { return };
    let volume = open(folder.as_ref(), OpenOptions::default());
    let root = volume.root();
    let owner = Some(Owner { uid: 12, gid: 12 });
    volume.create_file(&root, n("file"), 0o644, true, READ_WRITE, owner).expect_err("not ours to give");
    volume.mkdir(&root, n("dir"), 0o755, owner).expect_err("not ours to give");
    let left = volume.list(&root).expect("listed");
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn too_many_open_files_is_called_that() {
    let (status, text) = in_child(&["prlimit", "--nofile=600"], "child_opens_too_many_files", &[]);
    println!("{text}");
    assert!(status.success());
}

#[test]
#[ignore = "run in a process of its own by the test above"]
fn child_opens_too_many_files() {
    let scratch = Scratch::new(&Profile::Sync.parameters());
    let dirs: Vec<_> = (0..300).map(|index| scratch.mkdir(&format!("{index}"))).collect();
    let mut files = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        files.push(file);
    }
    for dir in &dirs {
        if let Err(error) = scratch.volume.stat(dir) {
            drop(files);
            assert!(!matches!(error.fault, Fault::Stale), "{error}");
            return;
        }
    }
    panic!("nothing was closed");
}

#[test]
fn a_rename_beside_does_not_make_directories_stale() {
    let scratch = Scratch::new(&Profile::Sync.parameters());
    scratch.mkdir("a");
    let sub = scratch.mkdir("a/sub");
    let others: Vec<_> = (0..600).map(|index| scratch.mkdir(&format!("{index}"))).collect();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let failed = std::thread::scope(|scope| {
        scope.spawn(|| {
            let root = scratch.root();
            let (mut from, mut to) = ("a", "b");
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                scratch.volume.rename(&root, n(from), &root, n(to), RenameMode::Replace).expect("renamed");
                (from, to) = (to, from);
            }
        });
        let mut failed = None;
        let start = std::time::Instant::now();
        while failed.is_none() && start.elapsed().as_secs() < 2 {
            for other in &others {
                scratch.volume.stat(other).expect("there"); // drives `sub` and `a` out of the pool
            }
            failed = scratch.volume.stat(&sub).err();
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        failed
    });
    assert!(failed.is_none(), "{}", failed.expect("failed"));
}

#[test]
fn a_tree_deeper_than_a_stack_survives_a_rename_elsewhere() {
    let (status, text) = in_child(&["env"], "child_builds_a_deep_tree", &[]);
    assert!(status.success(), "{status} {}", text.chars().take(600).collect::<String>());
}

#[test]
#[ignore = "run in a process of its own by the test above"]
fn child_builds_a_deep_tree() {
    let scratch = Scratch::new(&Profile::Sync.parameters());
    let mut dir = scratch.root();
    for _ in 0..12_000 {
        scratch.volume.mkdir(&dir, n("d"), 0o755, None).expect("made");
        dir = scratch.volume.open_dir(&dir, n("d")).expect("there");
    }
    let held = scratch.mkdir("held");
    let root = scratch.root();
    scratch.volume.rename(&root, n("held"), &root, n("moved"), RenameMode::Replace).expect("renamed");
    drop(held);
    let _ = scratch.volume.stat((&dir, n("nothing")));
}

#[test]
fn an_undone_rename_leaves_the_times_below() {
    let scratch = Scratch::new(&Profile::Standard.parameters());
    scratch.mkdir("top");
    scratch.mkdir("top/sub");
    scratch.write("top/sub/one", b"x");
    scratch.write("top/sub/two", b"x");
    for file in ["one", "two"] {
        let future = scratch.on_disk(&format!("moved/sub/{file}"));
        let taken = scratch.on_disk("top/sub").join(future.file_name().expect("a name"));
        std::fs::write(&taken, b"cruft").expect("written");
        let times = |path: &str| {
            let metadata = std::fs::metadata(scratch.on_disk(path)).expect("there");
            (metadata.mtime(), metadata.mtime_nsec())
        };
        let before = (times("top"), times("top/sub"));
        std::thread::sleep(std::time::Duration::from_millis(20));
        let ((dir, name), (to, new)) = (scratch.entry("top"), scratch.entry("moved"));
        scratch.volume.rename(&dir, n(&name), &to, n(&new), RenameMode::Replace).expect_err("taken");
        assert_eq!((times("top"), times("top/sub")), before);
        std::fs::remove_file(&taken).expect("there");
    }
}

#[test]
fn a_directory_made_again_has_its_mode() {
    let scratch = Scratch::new(&Profile::Standard.parameters());
    scratch.mkdir("top");
    scratch.write("top/one", b"x");
    let future = scratch.on_disk("target/one");
    std::fs::write(scratch.on_disk("top").join(future.file_name().expect("a name")), b"c").expect("written");
    scratch.mkdir("target");
    let target = scratch.on_disk("target");
    std::fs::set_permissions(&target, PermissionsExt::from_mode(0o777)).expect("ours");
    let before = std::fs::metadata(&target).expect("there");
    let ((dir, name), (to, new)) = (scratch.entry("top"), scratch.entry("target"));
    scratch.volume.rename(&dir, n(&name), &to, n(&new), RenameMode::Replace).expect_err("taken");
    let after = std::fs::metadata(&target).expect("there");
    assert_eq!(format!("{:o}", after.mode()), format!("{:o}", before.mode()));
}

#[test]
fn many_directories_need_few_descriptors() {
    let (status, text) = in_child(&["prlimit", "--nofile=400"], "child_holds_many_directories", &[]);
    assert!(status.success(), "{text}");
}

#[test]
#[ignore = "run in a process of its own by the test above"]
fn child_holds_many_directories() {
    let scratch = Scratch::new(&Profile::Sync.parameters());
    let dirs: Vec<_> = (0..2000).map(|index| scratch.mkdir(&format!("dir {index}"))).collect();
    for (index, dir) in dirs.iter().enumerate() {
        let name = format!("file {index}");
        scratch.volume.create_file(dir, n(&name), 0o644, true, READ_WRITE, None).expect("created");
        assert_eq!(scratch.names(dir), [name]);
    }
}
