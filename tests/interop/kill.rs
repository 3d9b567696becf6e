//! The mount is killed while programs write and rename in it: what was synced before is there afterwards, every rename
//! is as before or as after, and EncFS reads the same.
//!
//! `ENCBOX_TEST_KILLS` is the number of kills for each of the first two profiles, the others get a quarter.

use std::collections::BTreeMap;
use std::fs;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use encbox::config::Parameters;
use encbox::config::Profile;
use rustix::fs::CWD;
use rustix::fs::RenameFlags;
use rustix::fs::renameat_with;

use crate::support::rng::Rng;
use crate::support::scratch::ScratchVolume;

const KILLS: u64 = 24;

#[test]
fn standard() {
    killed_over_and_over(&Profile::Standard.parameters(), 1, 1);
}

#[test]
fn paranoia() {
    killed_over_and_over(&Profile::Paranoia.parameters(), 2, 1);
}

#[test]
fn sync() {
    killed_over_and_over(&Profile::Sync.parameters(), 3, 4);
}

#[test]
fn boxcryptor() {
    killed_over_and_over(&Profile::Boxcryptor.parameters(), 4, 4);
}

/// What is known of a tree, and what may have become of it when the mount was killed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Model {
    dirs: Vec<String>,
    /// Contents that were synced.
    files: BTreeMap<String, Vec<u8>>,
}

/// What a program does.
#[derive(Debug, Clone)]
enum Step {
    /// A new file, synced, with its directory.
    Write {
        path: String,
        contents: Vec<u8>,
    },
    /// Synced contents in the place of others, by way of a new file, as editors save.
    Save {
        path: String,
        contents: Vec<u8>,
    },
    /// Of a file or a directory; of two with `exchange`.
    Rename {
        from: String,
        to: String,
        exchange: bool,
    },
    MakeDir {
        path: String,
    },
    Remove {
        path: String,
    },
}

/// What the one who works and the one who kills tell each other.
#[derive(Debug, Default)]
struct Signs {
    /// A directory is being renamed.
    renaming: AtomicBool,
    killed: AtomicBool,
}

#[allow(clippy::print_stdout, reason = "the numbers are there for who wants them")]
fn killed_over_and_over(parameters: &Parameters, seed: u64, part: u64) {
    if super::encfs_is_missing() {
        return;
    }
    let wanted = std::env::var("ENCBOX_TEST_KILLS").ok().and_then(|kills| kills.parse().ok());
    let kills: u64 = wanted.unwrap_or(KILLS).div_ceil(part);
    let volume = ScratchVolume::create(parameters);
    let mut rng = Rng::new(seed);
    let mut model = Model::default();
    let mount = volume.mount_with_encbox();
    plant(mount.path(), &mut model, &mut rng);
    mount.unmount();
    let (mut steps, mut put_right) = (0, 0);
    for kill in 0..kills {
        let mut mount = volume.mount_with_encbox();
        let what = format!("seed {seed}, kill {kill}");
        model = settle(mount.path(), &model, None, &what);
        let signs = Signs::default();
        let root = File::open(mount.path()).expect("a mount");
        let worker_seed = rng.next();
        let after = Duration::from_micros(rng.below(40_000));
        // most of them in the middle of a directory's rename
        let into_it = (rng.below(4) > 0).then(|| Duration::from_micros(rng.below(3_000)));
        let (done, achieved, last) = thread::scope(|scope| {
            let (signs, model) = (&signs, model.clone());
            let worker = scope.spawn(move || work(&root, model, Rng::new(worker_seed), signs));
            thread::sleep(after);
            if let Some(into_it) = into_it {
                let start = Instant::now();
                while !signs.renaming.load(Ordering::SeqCst) && start.elapsed() < Duration::from_secs(1) {
                    thread::yield_now();
                }
                thread::sleep(into_it);
            }
            signs.killed.store(true, Ordering::SeqCst);
            mount.kill();
            worker.join().expect("the worker ends when the mount does")
        });
        steps += achieved;
        let mount = volume.mount_with_encbox();
        put_right += u64::from(mount.log().contains("put right"));
        model = settle(mount.path(), &done, Some(&last), &what);
        mount.unmount();
        if kill % 8 == 7 || kill + 1 == kills {
            let mount = volume.mount_with_encfs();
            assert_eq!(settle(mount.path(), &model, None, &format!("{what}, read by encfs")), model);
            mount.unmount();
        }
    }
    println!("{kills} kills, {put_right} of them in the middle of a rename, {steps} steps");
}

/// Directories that are large enough for a rename to take its time.
fn plant(root: &Path, model: &mut Model, rng: &mut Rng) {
    for dir in ["first", "first/inner", "second", "third"] {
        let mut steps = vec![Step::MakeDir { path: dir.to_owned() }];
        steps.extend((0..80).map(|number| {
            let len = rng.below(200);
            Step::Write { path: format!("{dir}/{number}"), contents: rng.bytes(len) }
        }));
        for step in steps {
            apply(root, &step).unwrap_or_else(|error| panic!("{step:?}: {error}"));
            update(model, &step);
        }
    }
}

/// Works until the mount is gone. Gives what was achieved, in how many steps, and the step that was not finished.
fn work(handle: &File, mut model: Model, mut rng: Rng, signs: &Signs) -> (Model, u64, Step) {
    // by its descriptor: when the mount is gone, its path leads to the folder below it
    let root = PathBuf::from(format!("/proc/self/fd/{}", handle.as_raw_fd()));
    let mut steps = 0;
    loop {
        let step = next_step(&model, &mut rng);
        let of_dir = matches!(&step, Step::Rename { from, .. } if model.dirs.contains(from));
        signs.renaming.store(of_dir, Ordering::SeqCst);
        match apply(&root, &step) {
            Ok(()) => {
                update(&mut model, &step);
                steps += 1;
            }
            Err(error) => {
                assert!(signs.killed.load(Ordering::SeqCst), "{step:?}: {error}");
                return (model, steps, step);
            }
        }
    }
}

fn next_step(model: &Model, rng: &mut Rng) -> Step {
    let name = format!("{} {}", rng.pick(&["note", "a longer name of a file", "x"]), rng.below(1_000_000));
    let parent = if model.dirs.is_empty() || rng.below(4) == 0 { "" } else { rng.pick(&model.dirs).as_str() };
    let fresh = if parent.is_empty() { name } else { format!("{parent}/{name}") };
    let files: Vec<&String> = model.files.keys().collect();
    let len = rng.below(5000);
    match rng.below(16) {
        0 | 1 if model.dirs.len() < 12 => Step::MakeDir { path: fresh },
        2 | 3 if !files.is_empty() => {
            Step::Rename { from: (*rng.pick(&files)).clone(), to: fresh, exchange: false }
        }
        4 | 5 if !files.is_empty() => {
            Step::Save { path: (*rng.pick(&files)).clone(), contents: rng.bytes(len) }
        }
        6..=8 | 12..=15 if !model.dirs.is_empty() => {
            let from = rng.pick(&model.dirs).clone();
            let other = rng.pick(&model.dirs).clone();
            let apart = |one: &str, other: &str| !format!("{other}/").starts_with(&format!("{one}/"));
            if rng.below(4) == 0 && apart(&from, &other) && apart(&other, &from) {
                return Step::Rename { from, to: other, exchange: true };
            }
            if apart(&from, parent) {
                return Step::Rename { from, to: fresh, exchange: false };
            }
            Step::Write { path: fresh, contents: rng.bytes(len) }
        }
        9 if files.len() > 400 => Step::Remove { path: (*rng.pick(&files)).clone() },
        10 if files.len() > 1 => {
            let (from, to) = ((*rng.pick(&files)).clone(), (*rng.pick(&files)).clone());
            if from == to {
                return Step::Write { path: fresh, contents: rng.bytes(len) };
            }
            Step::Rename { from, to, exchange: rng.below(2) == 0 }
        }
        _ => Step::Write { path: fresh, contents: rng.bytes(len) },
    }
}

fn apply(root: &Path, step: &Step) -> std::io::Result<()> {
    match step {
        Step::Write { path, contents } => write_synced(&root.join(path), contents),
        Step::Save { path, contents } => {
            let beside = root.join(format!("{path}~"));
            write_synced(&beside, contents)?;
            fs::rename(&beside, root.join(path))
        }
        Step::Rename { from, to, exchange } => {
            let flags = if *exchange { RenameFlags::EXCHANGE } else { RenameFlags::empty() };
            Ok(renameat_with(CWD, root.join(from), CWD, root.join(to), flags)?)
        }
        Step::MakeDir { path } => fs::create_dir(root.join(path)),
        Step::Remove { path } => fs::remove_file(root.join(path)),
    }
}

fn write_synced(path: &Path, contents: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    let half = contents.len() / 2;
    file.write_all(&contents[..half])?;
    file.write_all_at(&contents[half..], half as u64)?;
    file.sync_all()
}

fn update(model: &mut Model, step: &Step) {
    match step {
        Step::Write { path, contents } | Step::Save { path, contents } => {
            model.files.insert(path.clone(), contents.clone());
        }
        Step::Rename { from, to, exchange } => {
            let moved = |path: &str| {
                let replaced = |from: &str, to: &str| {
                    let rest = path.strip_prefix(from)?;
                    (rest.is_empty() || rest.starts_with('/')).then(|| format!("{to}{rest}"))
                };
                let back = if *exchange { replaced(to, from) } else { None };
                replaced(from, to).or(back).unwrap_or_else(|| path.to_owned())
            };
            if !exchange {
                model.files.remove(to);
            }
            model.files =
                model.files.iter().map(|(path, contents)| (moved(path), contents.clone())).collect();
            model.dirs = model.dirs.iter().map(|path| moved(path)).collect();
        }
        Step::MakeDir { path } => model.dirs.push(path.clone()),
        Step::Remove { path } => drop(model.files.remove(path)),
    }
}

/// Compares a mount with what has to be there, before or after the step that was not finished; takes away what that
/// step left of a file that nobody had synced.
fn settle(root: &Path, model: &Model, last: Option<&Step>, what: &str) -> Model {
    let half_written = last.and_then(|step| match step {
        Step::Write { path, .. } => Some(path.clone()),
        Step::Save { path, .. } => Some(format!("{path}~")),
        _ => None,
    });
    let mut after = model.clone();
    if let Some(step) = last {
        update(&mut after, step);
    }
    let mut found = look(root);
    if let Some(path) = half_written
        && found.files.contains_key(&path)
        && found.files.get(&path) != after.files.get(&path)
    {
        fs::remove_file(root.join(&path)).unwrap_or_else(|error| panic!("{what}: {path}: {error}"));
        found.files.remove(&path);
    }
    for possible in [model, &after] {
        let mut possible = possible.clone();
        possible.dirs.sort();
        if found == possible {
            return found;
        }
    }
    let wrong: Vec<_> =
        found.files.iter().filter(|(path, contents)| model.files.get(*path) != Some(contents)).collect();
    let missing: Vec<_> = model.files.keys().filter(|path| !found.files.contains_key(*path)).collect();
    panic!(
        "{what}: neither before nor after {last:?}\nfound {:?}\nmissing {missing:?}\ndirs {:?}\nnot {:?}",
        wrong.iter().map(|(path, contents)| (path, contents.len())).collect::<Vec<_>>(),
        found.dirs,
        model.dirs
    );
}

/// Everything in a mount; it must be readable.
fn look(root: &Path) -> Model {
    let mut found = Model::default();
    let mut todo: Vec<PathBuf> = vec![root.to_owned()];
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display())) {
            let path = entry.expect("a readable directory").path();
            let name = path.strip_prefix(root).expect("below the root").to_str().expect("UTF-8").to_owned();
            if path.is_dir() {
                found.dirs.push(name);
                todo.push(path);
            } else {
                let contents = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                found.files.insert(name, contents);
            }
        }
    }
    found.dirs.sort();
    found
}
