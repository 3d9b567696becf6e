//! What can be mended is, and every repair can be taken back, to the last nanosecond.

use crate::sample;
use crate::scratch::*;
use crate::support::tree::{self, Tree};
use crate::{Found, serious};
use encbox::check::{
    Error, Kind, Options, Plan, Progress, Repair, RepairError, Standing, apply, check, plan, undo,
};
use encbox::config::{Parameters, Profile};
use encbox::crypto::AlgorithmId;
use encbox::volume::{OpenOptions, RenameMode, Volume};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// All that can be seen of a folder of ciphertext.
#[derive(Debug, PartialEq)]
pub(crate) struct Snapshot(BTreeMap<PathBuf, Vec<u8>>, BTreeMap<PathBuf, (u32, i64, i64)>, Tree);

pub(crate) fn snapshot(folder: &Path) -> Snapshot {
    let (mut bytes, attributes) = (tree::bytes_of_folder(folder), tree::attributes_of_folder(folder));
    bytes.retain(|path, _| path.to_str() != Some(".encfs6.xml"));
    Snapshot(bytes, attributes, tree::of_folder(folder))
}

pub(crate) fn plan_of(volume: &Volume, hints: &[&str]) -> Plan {
    let hints: Vec<OsString> = hints.iter().map(Into::into).collect();
    plan(volume, Options::default(), &hints, &mut Found::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// Mends everything, looks at the result, and takes it back.
#[track_caller]
pub(crate) fn mend(folder: &Path, hints: &[&str], look: impl FnOnce(&Volume, &Plan)) {
    mend_opened(folder, || open(folder, OpenOptions::default()), hints, look);
}

/// The same for a volume with a password of its own.
#[track_caller]
pub(crate) fn mend_opened(
    folder: &Path,
    open: impl Fn() -> Volume,
    hints: &[&str],
    look: impl FnOnce(&Volume, &Plan),
) {
    let before = snapshot(folder);
    let quarantine = tempfile::tempdir().unwrap();
    let quarantine = quarantine.path().join("quarantine");
    let volume = open();
    let plan = plan_of(&volume, hints);
    assert!(snapshot(folder) == before, "planning changes nothing");
    let mut failed = |repair: &Repair, error: &RepairError| panic!("{repair:?}: {error}");
    let done = apply(&volume, &plan.repairs, &quarantine, None, &mut failed).unwrap();
    assert_eq!(done, plan.repairs.len() as u64);
    drop(volume);
    look(&open(), &plan);
    let volume = open();
    undo(&volume, &quarantine, &mut |error| panic!("{error}")).unwrap();
    drop(volume);
    let after = snapshot(folder);
    assert!(after == before, "taken back, it is not what it was: {before:#?} {after:#?}");
}

/// The sample in a volume of these parameters.
pub(crate) fn filled(parameters: &Parameters) -> (Scratch, Tree) {
    let scratch = Scratch::new(parameters);
    sample::fill(&scratch);
    let tree = tree::of_volume(&scratch.volume).tree;
    (scratch, tree)
}

/// Spoils a volume, mends it, and expects to find what was there.
#[track_caller]
fn comes_back(parameters: &Parameters, hints: &[&str], kind: Kind, spoil: impl FnOnce(&Scratch)) {
    let (scratch, tree) = filled(parameters);
    spoil(&scratch);
    let scratch = scratch.reopened();
    assert!(
        serious(&scratch.volume).iter().any(|(found, _)| *found == kind),
        "{:?}",
        serious(&scratch.volume)
    );
    mend(scratch.folder.path(), hints, |volume, plan| {
        assert_eq!(plan.hopeless, []);
        assert!(plan.repairs.iter().all(|repair| repair.sure), "{plan:#?}");
        assert_eq!(serious(volume), []);
        tree::assert_same("mended", &tree, &tree::of_volume(volume).tree);
    });
}

fn rename_on_disk(scratch: &Scratch, path: &str, spoil: impl FnOnce(&str) -> String) {
    let on_disk = scratch.on_disk(path);
    let name = on_disk.file_name().unwrap().to_str().unwrap();
    fs::rename(&on_disk, on_disk.with_file_name(spoil(name))).unwrap();
}

#[test]
fn names_in_small_letters() {
    for (kind, parameters) in sample::kinds() {
        for path in ["readme.txt", "Letters/2020/landlord.txt", "Photos", "Work/Plans/2020/Pläne.txt"] {
            println!("{kind}: {path}");
            comes_back(&parameters, &[], Kind::Undecodable, |scratch| {
                rename_on_disk(scratch, path, str::to_ascii_lowercase);
            });
        }
    }
}

#[test]
fn files_and_folders_that_were_moved() {
    let chained = sample::kinds().into_iter().filter(|(_, parameters)| parameters.chained_names);
    for (kind, parameters) in chained {
        for (from, to) in
            [("Letters/2020/landlord.txt", "Photos"), ("Work/Plans/2021", "Letters"), ("Letters", "Work")]
        {
            println!("{kind}: {from} to {to}");
            let (scratch, before) = filled(&parameters);
            let (old, into) = (scratch.on_disk(from), scratch.on_disk(to));
            fs::rename(&old, into.join(old.file_name().unwrap())).unwrap();
            let scratch = scratch.reopened();
            mend(scratch.folder.path(), &[], |volume, plan| {
                assert_eq!(plan.repairs.len(), 1, "{plan:#?}");
                assert!(plan.repairs[0].sure, "{plan:#?}");
                assert_eq!(serious(volume), []);
                let name = Path::new(from).file_name().unwrap();
                let moved = |path: &Path| match path.strip_prefix(from) {
                    Ok(rest) if rest.as_os_str().is_empty() => Path::new(to).join(name),
                    Ok(rest) => Path::new(to).join(name).join(rest),
                    Err(_) => path.to_owned(),
                };
                let expected: Tree = before.iter().map(|(path, node)| (moved(path), node.clone())).collect();
                tree::assert_same("where it was moved to", &expected, &tree::of_volume(volume).tree);
            });
        }
    }
}

/// What the other machine sees of a rename that it cannot follow: the new name, and everything below as it was.
#[test]
fn folders_whose_old_name_is_known() {
    for (kind, parameters) in sample::kinds().into_iter().filter(|(_, parameters)| parameters.chained_names) {
        for (from, to, hints) in
            [("Letters/2020", "Letters/Old", &[][..]), ("Work/Plans", "Work/Ideas", &["Plans"][..])]
        {
            println!("{kind}: {from} to {to}");
            let (scratch, before) = filled(&parameters);
            fs::rename(scratch.on_disk(from), scratch.on_disk(to)).unwrap();
            let scratch = scratch.reopened();
            assert!(serious(&scratch.volume).iter().any(|(kind, _)| *kind == Kind::BrokenChain));
            mend(scratch.folder.path(), hints, |volume, plan| {
                assert_eq!((plan.repairs.len(), plan.hopeless.len()), (1, 0), "{plan:#?}");
                assert_eq!(serious(volume), []);
                let renamed = |path: &Path| match path.strip_prefix(from) {
                    Ok(rest) if rest.as_os_str().is_empty() => PathBuf::from(to),
                    Ok(rest) => Path::new(to).join(rest),
                    Err(_) => path.to_owned(),
                };
                let expected: Tree =
                    before.iter().map(|(path, node)| (renamed(path), node.clone())).collect();
                tree::assert_same("under its new name", &expected, &tree::of_volume(volume).tree);
            });
        }
    }
}

/// Its name is gone for good, but what is in it tells, once somebody remembers the name.
#[test]
fn a_folder_with_a_foreign_name() {
    let parameters = Profile::Paranoia.parameters();
    let (scratch, before) = filled(&parameters);
    rename_on_disk(&scratch, "Work", |_| "New folder".to_owned());
    let scratch = scratch.reopened();
    let nothing = plan_of(&scratch.volume, &[]);
    assert_eq!((nothing.repairs.len(), nothing.hopeless.len()), (0, 1), "{nothing:#?}");
    mend(scratch.folder.path(), &["something", "Work"], |volume, _| {
        assert_eq!(serious(volume), []);
        tree::assert_same("mended", &before, &tree::of_volume(volume).tree);
    });
}

/// A rename under external IV chaining changes the header; here only the name arrived.
#[test]
fn files_with_the_header_of_another_path() {
    let parameters = Profile::Paranoia.parameters();
    for (from, to) in [
        ("Letters/2020/landlord.txt", "Photos/2020/landlord.txt"),
        ("Letters/2020/bank.txt", "Letters/2020/plan.txt"),
        ("Work/data.bin", "Letters/budget.csv"),
    ] {
        let (scratch, mut tree) = filled(&parameters);
        fs::rename(scratch.on_disk(from), scratch.on_disk(to)).unwrap();
        // what the file is called now is what it was meant to be called
        let node = tree.remove(Path::new(from)).unwrap();
        tree.insert(to.into(), node);
        let scratch = scratch.reopened();
        assert_eq!(serious(&scratch.volume).iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), [Kind::Moved]);
        let hints: &[&str] = if from == "Work/data.bin" { &["data.bin"] } else { &["bank.txt"] };
        mend(scratch.folder.path(), hints, |volume, plan| {
            assert_eq!(plan.hopeless, []);
            assert_eq!(serious(volume), []);
            tree::assert_same("mended", &tree, &tree::of_volume(volume).tree);
        });
    }
}

#[test]
fn files_that_were_exchanged() {
    comes_back(&Profile::Paranoia.parameters(), &[], Kind::Moved, |scratch| {
        let (one, other) = (scratch.on_disk("Work/data.bin"), scratch.on_disk("Letters/2019/bank.txt"));
        let beside = scratch.folder.path().join("beside");
        fs::rename(&one, &beside).unwrap();
        fs::rename(&other, &one).unwrap();
        fs::rename(&beside, &other).unwrap();
    });
}

pub(crate) fn headers_exchanged(scratch: &Scratch) {
    let paths = [scratch.on_disk("Work/data.bin"), scratch.on_disk("Letters/2019/bank.txt")];
    let [mut one, mut other] = paths.clone().map(|path| fs::read(path).unwrap());
    one[..8].swap_with_slice(&mut other[..8]);
    fs::write(&paths[0], one).unwrap();
    fs::write(&paths[1], other).unwrap();
}

#[test]
fn headers_that_were_mixed_up_or_lost_a_bit() {
    for (profile, kind) in [(Profile::Sync, Kind::Header), (Profile::Paranoia, Kind::Moved)] {
        let parameters = profile.parameters();
        comes_back(&parameters, &[], kind, headers_exchanged);
        for damage in [[0, 0, 0x10, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0x80], [0, 0xff, 0, 0, 0, 0, 0, 0]]
        {
            comes_back(&parameters, &[], kind, |scratch| {
                let path = scratch.on_disk("big.bin");
                let mut bytes = fs::read(&path).unwrap();
                bytes.iter_mut().zip(damage).for_each(|(byte, change)| *byte ^= change);
                fs::write(path, bytes).unwrap();
            });
        }
    }
}

/// Has enough after being asked so many times.
struct Impatient {
    asked: AtomicU64,
    limit: u64,
}

impl Progress for Impatient {
    fn stopped(&self) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed) >= self.limit
    }
}

/// Planning takes longer than checking where much is to be tried, and whoever waits for it may have enough of that.
#[test]
fn a_plan_can_be_interrupted_at_any_time() {
    let (scratch, _) = filled(&Profile::Paranoia.parameters());
    headers_exchanged(&scratch);
    rename_on_disk(&scratch, "Work", |_| "New folder".to_owned());
    fs::rename(scratch.on_disk("Letters/2020"), scratch.on_disk("Letters/Old")).unwrap();
    let scratch = scratch.reopened();
    let options = Options { jobs: std::num::NonZeroUsize::new(1), ..Options::default() };
    let impatient = |limit| Impatient { asked: AtomicU64::new(0), limit };
    let (mut checking, mut planning) = (impatient(u64::MAX), impatient(u64::MAX));
    check(&scratch.volume, options, None, &mut checking).unwrap();
    let whole = plan(&scratch.volume, options, &[], &mut planning).unwrap();
    assert!(!whole.repairs.is_empty() && !whole.hopeless.is_empty());
    let [checking, planning] = [checking, planning].map(|counted| counted.asked.into_inner());
    assert!(planning > checking + 100, "{checking} {planning}");
    for limit in (checking..planning).step_by(((planning - checking) / 20) as usize) {
        let mut progress = impatient(limit);
        let ended = plan(&scratch.volume, options, &[], &mut progress);
        assert!(matches!(ended, Err(Error::Interrupted)), "after {limit} of {planning}");
        let more = progress.asked.into_inner() - limit;
        assert!(more < 20, "asked {more} times more after {limit}");
    }
}

#[test]
fn a_header_that_is_lost_cannot_be_found() {
    let (scratch, _) = filled(&Profile::Sync.parameters());
    let path = scratch.on_disk("big.bin");
    let mut bytes = fs::read(&path).unwrap();
    bytes[..8].copy_from_slice(b"8 random");
    fs::write(path, bytes).unwrap();
    let plan = plan_of(&scratch.volume, &[]);
    assert_eq!((plan.repairs.len(), plan.hopeless.len()), (0, 1), "{plan:#?}");
}

/// Another spelling of a stream name of three letters.
fn alias_of(on_disk: &Path) -> String {
    let name = on_disk.file_name().unwrap().to_str().unwrap();
    let digits = ",-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let last = digits.find(name.chars().next_back().unwrap()).unwrap();
    format!("{}{}", &name[..6], digits.chars().nth(last + 32).unwrap())
}

#[test]
fn second_spellings() {
    let parameters = Profile::Boxcryptor.parameters();
    for (content, kept) in [(&b"the same"[..], 1), (b"something else", 2)] {
        let scratch = Scratch::new(&parameters);
        scratch.write("one", b"the same");
        let alias = alias_of(&scratch.on_disk("one"));
        scratch.write("two", content);
        fs::rename(scratch.on_disk("two"), scratch.folder.path().join(alias)).unwrap();
        let scratch = scratch.reopened();
        mend(scratch.folder.path(), &[], |volume, plan| {
            assert_eq!(plan.repairs.len(), 1);
            assert_eq!(volume.list(&volume.root()).unwrap().len(), kept);
            assert!(serious(volume).iter().all(|(kind, _)| *kind == Kind::ConflictedCopy));
        });
        // where the right one is gone, the other takes its place
        fs::remove_file(scratch.on_disk("one")).unwrap();
        mend(scratch.folder.path(), &[], |volume, _| {
            assert_eq!(serious(volume), []);
            assert_eq!(tree::of_volume(volume).tree[Path::new("one")], tree::Node::file(content));
        });
    }
}

/// On a disk that ignores case both spellings are the one file there is.
#[test]
fn two_spellings_of_one_and_the_same_file_stay() {
    let scratch = Scratch::new(&Profile::Boxcryptor.parameters());
    scratch.write("one", b"the only copy");
    let right = scratch.on_disk("one");
    fs::hard_link(&right, scratch.folder.path().join(alias_of(&right))).unwrap();
    let plan = plan_of(&scratch.volume, &[]);
    assert_eq!((plan.repairs.len(), plan.hopeless.len()), (0, 1), "{plan:#?}");
}

#[test]
fn ends_that_hold_nothing_are_cut_off_and_text_is_kept() {
    let parameters = Profile::Paranoia.parameters();
    let (scratch, _) = filled(&parameters);
    let (text, data) = (scratch.read("readme.txt"), scratch.read("big.bin"));
    let cut = |path: &str, len: u64| {
        fs::File::options().write(true).open(scratch.on_disk(path)).unwrap().set_len(len).unwrap();
    };
    cut("readme.txt", 8 + 1024 + 500);
    cut("big.bin", 8 + 3 * 1024 + 5);
    mend(scratch.folder.path(), &[], |volume, plan| {
        assert!(plan.repairs.iter().all(|repair| repair.sure), "{plan:#?}");
        assert_eq!(serious(volume), []);
        let tree = tree::of_volume(volume).tree;
        // of 500 bytes on disk 496 are whole cipher blocks, 8 of them the MAC
        assert_eq!(tree[Path::new("readme.txt")], tree::Node::file(&text[..1016 + 488]));
        assert_eq!(tree[Path::new("big.bin")], tree::Node::file(&data[..3 * 1016]));
    });
}

/// Under a MAC a flipped bit makes noise of a short block, and noise is not what is left of a longer text.
#[test]
fn damage_in_a_short_text_is_never_taken_for_its_proper_end() {
    let scratch = Scratch::new(&Profile::Sync.parameters());
    let text = b"A note of forty letters, neither more...";
    scratch.write("note.txt", text);
    let path = scratch.on_disk("note.txt");
    let sound = fs::read(&path).unwrap();
    assert_eq!(sound.len(), 8 + 8 + text.len());
    let mut rng = crate::support::rng::Rng::new(1);
    for _ in 0..100 {
        let bit = 8 * 8 + rng.below(8 * (sound.len() as u64 - 8)) as usize;
        let mut bytes = sound.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, bytes).unwrap();
        let plan = plan_of(&scratch.volume, &[]);
        assert!(!plan.repairs.iter().any(|repair| repair.sure), "bit {bit}: {plan:#?}");
    }
}

/// It is whole, and only its header is another path's.
#[test]
fn a_short_text_that_was_moved_from_nobody_knows_where_stays_as_it_is() {
    for turn in 0..20 {
        let scratch = Scratch::new(&Profile::Paranoia.parameters());
        scratch.mkdir("gone");
        scratch
            .write("gone/first.txt", format!("A note of forty letters, neither more {turn:02}").as_bytes());
        fs::rename(scratch.on_disk("gone/first.txt"), scratch.on_disk("note.txt")).unwrap();
        scratch.volume.rmdir(&scratch.root(), "gone".as_ref()).unwrap();
        let scratch = scratch.reopened();
        let plan = plan_of(&scratch.volume, &[]);
        assert!(!plan.repairs.iter().any(|repair| repair.sure), "{plan:#?}");
        assert_eq!(plan.hopeless.len(), 1, "{plan:#?}");
    }
}

#[test]
fn text_that_was_cut_in_a_volume_without_macs() {
    let (scratch, _) = filled(&Profile::Boxcryptor.parameters());
    let text = scratch.read("Letters/2019/bank.txt");
    assert!(text.len() > 2100, "the sample has longer texts");
    let file = fs::File::options().write(true).open(scratch.on_disk("Letters/2019/bank.txt")).unwrap();
    file.set_len(2000).unwrap();
    mend(scratch.folder.path(), &[], |volume, plan| {
        // a text of less than a block was short before: that its end was one of a full block is then wrong
        let full = text.len() >= 4096;
        assert_eq!(plan.repairs.len(), usize::from(full), "{plan:#?}");
        if full {
            let tree = tree::of_volume(volume).tree;
            assert_eq!(tree[Path::new("Letters/2019/bank.txt")], tree::Node::file(&text[..2000]));
        }
    });
}

#[test]
fn a_quarantine_inside_the_volume_is_refused() {
    let (scratch, _) = filled(&Profile::Sync.parameters());
    let inside = scratch.folder.path().join("quarantine/deeper");
    let refused = apply(&scratch.volume, &[], &inside, None, &mut |_, _| {});
    assert!(matches!(refused, Err(RepairError::Inside { .. })), "{refused:?}");
    assert!(!inside.exists() && !scratch.folder.path().join("quarantine").exists());
}

/// A step that cannot be done, after others that were: all of that repair is taken back.
#[test]
fn a_repair_that_fails_leaves_nothing_half_done() {
    let (scratch, _) = filled(&Profile::Paranoia.parameters());
    fs::rename(scratch.on_disk("Letters/2020"), scratch.on_disk("Letters/Old")).unwrap();
    let scratch = scratch.reopened();
    let mut plan = plan_of(&scratch.volume, &["2020"]);
    let steps = &mut plan.repairs[0].actions;
    let again = steps[0].clone();
    steps.push(again); // what it speaks of is gone by then
    let before = snapshot(scratch.folder.path());
    let folder = tempfile::tempdir().unwrap();
    let mut failures = 0;
    let done =
        apply(&scratch.volume, &plan.repairs, &folder.path().join("q"), None, &mut |_, _| failures += 1)
            .unwrap();
    assert_eq!((done, failures), (0, 1));
    assert!(snapshot(scratch.folder.path()) == before);
}

#[test]
fn what_somebody_changed_since_is_left_alone() {
    let (scratch, _) = filled(&Profile::Paranoia.parameters());
    headers_exchanged(&scratch);
    let folder = tempfile::tempdir().unwrap();
    let quarantine = folder.path().join("q");
    let plan = plan_of(&scratch.volume, &[]);
    assert_eq!(plan.repairs.len(), 2, "{plan:#?}");
    apply(&scratch.volume, &plan.repairs, &quarantine, None, &mut |_, error| panic!("{error}")).unwrap();
    let scratch = scratch.reopened();
    scratch.volume.unlink(&scratch.volume.root(), "readme.txt".as_ref()).unwrap();
    fs::write(scratch.on_disk("Work/data.bin"), b"written since").unwrap();
    let mut failures = Vec::new();
    let count = undo(&scratch.volume, &quarantine, &mut |error| failures.push(error.to_string())).unwrap();
    assert_eq!((count, failures.len()), (1, 1), "{failures:?}");
    assert_eq!(fs::read(scratch.on_disk("Work/data.bin")).unwrap(), b"written since");
}

#[test]
fn names_of_any_coding() {
    let parameters =
        Parameters { name_coding: AlgorithmId::new("nameio/stream", 0, 0), ..Profile::Standard.parameters() };
    comes_back(&parameters, &[], Kind::Undecodable, |scratch| {
        rename_on_disk(scratch, "Letters/2020/tax.csv", |name| name.to_ascii_uppercase());
    });
}

/// The end of an interrupted rename is a change that nobody asked for: it is undone with the rest.
#[test]
fn what_happened_while_the_volume_was_opened_is_undone_too() {
    let (scratch, _) = filled(&Profile::Paranoia.parameters());
    let before = snapshot(scratch.folder.path());
    let standing = Standing::of(&scratch.volume).unwrap();
    for (from, to) in [
        ("Work", "Letters/Work in progress"),
        ("Photos", "Pictures"),
        ("readme.txt", "Letters/readme.txt"),
        ("Letters", "Mail"),
    ] {
        let ((dir, name), (into, new)) = (scratch.entry(from), scratch.entry(to));
        scratch.volume.rename(&dir, name.as_ref(), &into, new.as_ref(), RenameMode::NoReplace).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let quarantine = folder.path().join("q");
    let mut failed = |_: &Repair, error: &RepairError| panic!("{error}");
    assert_eq!(apply(&scratch.volume, &[], &quarantine, Some(&standing), &mut failed).unwrap(), 0);
    let scratch = scratch.reopened();
    undo(&scratch.volume, &quarantine, &mut |error| panic!("{error}")).unwrap();
    let after = snapshot(scratch.folder.path());
    // times of directories are not those of before: the renames above were whole ones, which change them
    assert!(before.0 == after.0 && before.2 == after.2);
}
