//! Renames that are interrupted at every step, by the end of the program or of the machine: when the volume was opened
//! again, the tree is as before or as after.

use super::fate::scripted::decided_by;
use super::journal::is_half_done;
use super::open::journal_key;
use super::sys;
use super::{Error, Kind, OpenOptions, PlainPath, RenameMode, SetAttr, SetTime, Volume};
use crate::config::{Parameters, Profile};
use crate::crypto::AlgorithmId;
use scratch::{READ, Scratch, open, read_all};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};
use tempfile::TempDir;

#[path = "../../tests/support/volumes.rs"]
#[allow(unreachable_pub)]
pub(super) mod scratch;

/// Every path with its contents or target, and the time of what is not the directory of something renamed.
type Tree = BTreeMap<String, (Vec<u8>, u64)>;

/// A volume, and the folder for its journal.
struct World {
    /// Taken while the volume is opened anew.
    scratch: Option<Scratch>,
    state: TempDir,
}

#[derive(Debug, Clone, Copy)]
struct Case {
    from: &'static str,
    to: &'static str,
    mode: RenameMode,
}

const fn case(from: &'static str, to: &'static str, mode: RenameMode) -> Case {
    Case { from, to, mode }
}

const CASES: [Case; 11] = [
    case("a", "moved", RenameMode::Replace),
    case("a", "moved", RenameMode::NoReplace),
    case("a", "b/sub/moved", RenameMode::Replace),
    case("a/sub", "sub", RenameMode::NoReplace),
    case("a", "b/empty", RenameMode::Replace),
    case("a", "b", RenameMode::Exchange),
    case("a/sub/two", "b", RenameMode::Exchange),
    case("a/one", "renamed", RenameMode::NoReplace),
    case("a/one", "b/sub/two", RenameMode::Replace),
    case("a/one", "b/sub/deeper/three", RenameMode::Exchange),
    case("a/sub/link", "b/sub/link", RenameMode::Exchange),
];

fn parameter_sets() -> [Parameters; 4] {
    let small = |profile: Profile| Parameters { block_len: 64, ..profile.parameters() };
    let stream = AlgorithmId::new("nameio/stream", 2, 1);
    [
        small(Profile::Standard),
        small(Profile::Paranoia),
        Parameters { name_coding: stream.clone(), ..small(Profile::Standard) },
        Parameters { name_coding: stream, ..small(Profile::Paranoia) },
    ]
}

impl World {
    fn new(parameters: &Parameters) -> World {
        let scratch = Scratch::new_in(quick_folder(), parameters);
        let mut world = World { scratch: Some(scratch), state: quick_folder() };
        let scratch = world.scratch();
        for top in ["a", "b"] {
            for dir in ["", "/sub", "/sub/deeper", "/empty"] {
                scratch.mkdir(&format!("{top}{dir}"));
            }
            for path in ["one", "sub/two", "sub/deeper/three"] {
                let path = format!("{top}/{path}");
                scratch.write(&path, path.repeat(30).as_bytes());
            }
            scratch.write(&format!("{top}/sub/nothing"), b"");
            let (dir, name) = scratch.entry(&format!("{top}/sub/link"));
            scratch.volume.symlink(OsStr::new(top), &dir, OsStr::new(&name), None).expect("made");
        }
        for (seconds, path) in world.tree().keys().enumerate() {
            let (dir, name) = scratch.entry(path);
            let time = SetTime::At(UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds as u64));
            let attr = SetAttr { mtime: Some(time), ..SetAttr::default() };
            scratch.volume.set_attr((&dir, OsStr::new(&name)), &attr).expect("ours");
        }
        world.reopen();
        world
    }

    fn scratch(&self) -> &Scratch {
        self.scratch.as_ref().expect("only taken while it is opened")
    }

    /// The end of the program that has the volume open, without a chance to clear up if it is dead, and a new one.
    fn reopen(&mut self) {
        let Scratch { folder, volume } = self.scratch.take().expect("only taken here");
        let closed = catch_unwind(AssertUnwindSafe(|| drop(volume)));
        assert!(closed.is_ok() || is_dead());
        decided_by(None);
        let volume = open(folder.path(), self.options(false));
        self.scratch = Some(Scratch { folder, volume });
    }

    fn options(&self, read_only: bool) -> OpenOptions {
        OpenOptions { read_only, state: Some(self.state.path().join("state")), ..OpenOptions::default() }
    }

    fn rename(&self, case: Case) -> Result<(), Error> {
        let ((dir, name), (to, new)) = (self.scratch().entry(case.from), self.scratch().entry(case.to));
        self.scratch().volume.rename(&dir, OsStr::new(&name), &to, OsStr::new(&new), case.mode)
    }

    fn tree(&self) -> Tree {
        let volume = &self.scratch().volume;
        let mut tree = Tree::new();
        let mut todo = vec![(volume.root(), String::new())];
        while let Some((dir, prefix)) = todo.pop() {
            assert_eq!(volume.list_undecodable(&dir).expect("a directory"), [""; 0], "in {prefix}");
            for entry in volume.list(&dir).expect("a directory") {
                let path = format!("{prefix}{}", entry.name.to_str().expect("UTF-8"));
                let content = match entry.kind {
                    Kind::Dir => {
                        todo.push((volume.open_dir(&dir, &entry.name).expect("there"), format!("{path}/")));
                        Vec::new()
                    }
                    Kind::Symlink => volume.readlink(&dir, &entry.name).expect("ours").into_encoded_bytes(),
                    _ => read_all(&volume.open_file(&dir, &entry.name, READ).expect("sound")),
                };
                let mtime = volume.stat((&dir, entry.name.as_os_str())).expect("there").mtime;
                // the system's clock is far from the times that were set
                let seconds = mtime.duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
                tree.insert(path, (content, if seconds < 2_000_000 { seconds } else { 0 }));
            }
        }
        tree
    }

    /// What whoever opens the volume read-only is warned of.
    fn is_half_done(&self, volume: &Volume) -> bool {
        let root = sys::open_root_handle(volume.root_path()).expect("a folder");
        let state = self.state.path().join("state");
        is_half_done(Some(&state), &root, volume.root().id(), journal_key(&*volume.core.cipher))
    }

    /// The journals that are left.
    fn journals(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.state.path().join("state/renames")) else { return Vec::new() };
        entries.map(|entry| entry.expect("readable").file_name().into_string().expect("ASCII")).collect()
    }
}

/// Everything here is made durable many times, which takes no time in memory.
fn quick_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    folder.expect("a scratch folder")
}

/// What a panic carries that stands for the end of the program.
struct Death;

fn is_dead() -> bool {
    catch_unwind(super::fate::happens).is_err()
}

/// Dies at the change after `steps`, and at every change that a dead program would make.
fn dies_after(steps: usize) {
    let mut left = steps;
    decided_by(Some(Box::new(move || {
        if left == 0 && std::thread::panicking() {
            return false;
        }
        if left == 0 {
            resume_unwind(Box::new(Death));
        }
        left -= 1;
        true
    })));
}

/// How many changes there are.
fn count(act: impl FnOnce()) -> usize {
    let count = Rc::new(Cell::new(0));
    let counter = Rc::clone(&count);
    decided_by(Some(Box::new(move || {
        counter.set(counter.get() + 1);
        true
    })));
    act();
    decided_by(None);
    count.get()
}

/// For every parameter set and case: how many changes it takes, and the trees before and after.
fn for_every_case(mut test: impl FnMut(&Parameters, Case, usize, [&Tree; 2])) {
    for parameters in parameter_sets() {
        for case in CASES {
            let world = World::new(&parameters);
            let before = world.tree();
            let steps = count(|| world.rename(case).expect("it can be renamed"));
            let after = world.tree();
            assert_ne!(before, after);
            test(&parameters, case, steps, [&before, &after]);
        }
    }
}

fn assert_one_of(world: &World, trees: [&Tree; 2], what: &dyn std::fmt::Debug) {
    let tree = world.tree();
    assert!(same(&tree, trees[0]) || same(&tree, trees[1]), "{what:?}: {tree:#?}");
}

/// The same but for times of directories in which something was renamed, which are those of the clock.
fn same(one: &Tree, other: &Tree) -> bool {
    one.len() == other.len()
        && one.iter().zip(other).all(
            |((path, (content, time)), (other_path, (other_content, other_time)))| {
                path == other_path
                    && content == other_content
                    && (time == other_time || *time == 0 || *other_time == 0)
            },
        )
}

#[test]
fn killed_at_every_step() {
    let mut kills = 0;
    for_every_case(|parameters, case, steps, trees| {
        for step in 0..steps {
            let mut world = World::new(parameters);
            dies_after(step);
            let end = catch_unwind(AssertUnwindSafe(|| world.rename(case)));
            assert!(end.is_err_and(|end| end.is::<Death>()), "{case:?} {step}");
            world.reopen();
            assert_one_of(&world, trees, &(case, step));
            world.reopen();
            assert_eq!(world.journals(), [""; 0], "{case:?} {step}");
            kills += 1;
        }
    });
    assert!(kills > 300, "{kills}");
}

/// Putting right is interrupted, too.
#[test]
fn killed_again_while_it_is_put_right() {
    for_every_case(|parameters, case, steps, trees| {
        for step in (1..steps).step_by(5) {
            for second in (0..steps + 2).step_by(3) {
                let mut world = World::new(parameters);
                dies_after(step);
                let end = catch_unwind(AssertUnwindSafe(|| world.rename(case)));
                assert!(end.is_err());
                let Scratch { folder, volume } = world.scratch.take().expect("it was there");
                assert!(catch_unwind(AssertUnwindSafe(|| drop(volume))).is_err() || is_dead());
                dies_after(second);
                drop(catch_unwind(AssertUnwindSafe(|| drop(open(folder.path(), world.options(false))))));
                decided_by(None);
                let volume = open(folder.path(), world.options(false));
                world.scratch = Some(Scratch { folder, volume });
                assert_one_of(&world, trees, &(case, step, second));
            }
        }
    });
}

/// Power cuts: of all changes since the journal was written any may have reached the disk, or not.
#[test]
fn any_part_of_the_changes_reached_the_disk() {
    let mut seed = 1_u64;
    for_every_case(|parameters, case, steps, trees| {
        // of a directory the journal is cleared at once, which begins with the last change but one
        let of_a_file = case.from.contains("/one");
        let changes = if of_a_file || steps == 1 { steps } else { steps - 2 };
        for round in 0..24 {
            let mut world = World::new(parameters);
            seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            let (mut nth, mut random) = (0, seed);
            decided_by(Some(Box::new(move || {
                nth += 1;
                random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                if nth > changes {
                    resume_unwind(Box::new(Death));
                }
                nth <= 2 || (random >> 40) % 24 >= round // the journal is durable before anything else
            })));
            drop(catch_unwind(AssertUnwindSafe(|| world.rename(case))));
            world.reopen();
            assert_one_of(&world, trees, &(case, round));
        }
    });
}

/// A living program that renames is not disturbed by another one that opens the volume.
#[test]
fn what_a_living_program_is_doing_is_left_alone() {
    let mut world = World::new(&Profile::Paranoia.parameters());
    let before = world.tree();
    dies_after(9);
    assert!(catch_unwind(AssertUnwindSafe(|| world.rename(CASES[0]))).is_err());
    let half = names_on_disk(world.scratch().folder.path());
    decided_by(None);
    let folder = world.scratch().folder.path();
    drop(open(folder, world.options(false)));
    drop(open(folder, world.options(true)));
    assert_eq!(names_on_disk(folder), half, "the journal is locked");
    assert_eq!(world.journals().len(), 1);

    decided_by(Some(Box::new(|| false))); // so that it cannot clear up
    world.reopen();
    assert_eq!(world.tree(), before);
}

#[test]
fn reading_changes_nothing() {
    let mut world = World::new(&Profile::Standard.parameters());
    let before = world.tree();
    dies_after(9);
    assert!(catch_unwind(AssertUnwindSafe(|| world.rename(CASES[0]))).is_err());
    let Scratch { folder, volume } = world.scratch.take().expect("it was there");
    drop(catch_unwind(AssertUnwindSafe(|| drop(volume))));
    decided_by(None);
    let half = names_on_disk(folder.path());
    let volume = open(folder.path(), world.options(true));
    assert!(world.is_half_done(&volume), "which is what the warning says");
    assert_eq!((names_on_disk(folder.path()), world.journals().len()), (half, 1));
    world.scratch = Some(Scratch { folder, volume });
    world.reopen();
    assert_eq!(world.tree(), before);
    assert!(!world.is_half_done(&world.scratch().volume));
}

/// Many entries are renamed by two threads; one that fails has everything taken back.
#[test]
fn large_trees() {
    for parameters in parameter_sets() {
        let mut world = World::new(&parameters);
        let scratch = world.scratch();
        for dir in 0..4 {
            scratch.mkdir(&format!("a/{dir}"));
            for file in 0..400 {
                scratch.write(&format!("a/{dir}/a file with a name {file}"), b"x");
            }
        }
        let before = world.tree();
        world.rename(case("a", "b/moved", RenameMode::NoReplace)).expect("it can be renamed");
        let after = world.tree();
        assert_eq!(before.len(), after.len());
        assert!(after.contains_key("b/moved/3/a file with a name 399"));
        world.rename(case("b/moved", "a", RenameMode::NoReplace)).expect("it can be renamed");
        assert!(same(&world.tree(), &before));

        // the name that the last entry will get is taken
        let scratch = world.scratch();
        let path = PlainPath::parse(OsStr::new("moved/1/a file with a name 7")).expect("inside");
        let taken = scratch.volume.encode_path(&path).expect("possible");
        let taken = scratch.on_disk("a/1").join(taken.file_name().expect("it has one"));
        fs::write(&taken, "cruft").expect("a fresh file");
        let renamed = world.rename(case("a", "moved", RenameMode::NoReplace));
        assert!(renamed.is_err());
        fs::remove_file(taken).expect("nobody touched it");
        assert!(same(&world.tree(), &before));
        world.reopen();
        assert!(same(&world.tree(), &before));
    }
}

/// What is not a journal is set aside; the volume opens.
#[test]
fn damaged_journals() {
    let mut world = World::new(&Profile::Standard.parameters());
    let before = world.tree();
    dies_after(9);
    assert!(catch_unwind(AssertUnwindSafe(|| world.rename(CASES[0]))).is_err());
    let name = world.journals().pop().expect("there is one");
    let path = world.state.path().join("state/renames").join(&name);
    let journal = fs::read(&path).expect("it is there");
    fs::write(path.with_file_name(name.replace(".renames", "0.renames")), "garbage").expect("a fresh file");
    fs::write(path.with_file_name(name.replace(".renames", "1.renames")), &journal[..journal.len() / 2])
        .expect("a fresh file");
    fs::write(path.with_file_name(name.replace(".renames", "2.renames")), "").expect("a fresh file");
    world.reopen();
    assert_eq!(world.tree(), before);
    assert_eq!(world.journals(), [name.replace(".renames", "0.renames.damaged")]);
}

/// Every path on disk.
fn names_on_disk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(next) = todo.pop() {
        for entry in fs::read_dir(next).expect("a folder") {
            let path = entry.expect("readable").path();
            if path.is_dir() && !path.is_symlink() {
                todo.push(path.clone());
            }
            found.push(path);
        }
    }
    found.sort();
    found
}
