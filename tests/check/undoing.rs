//! Repairs that were interrupted, or met by somebody else's changes: what is taken back is whole, and nothing is lost.

use crate::repairs::{filled, headers_exchanged, plan_of, snapshot};
use crate::scratch::*;
use encbox::check::{Plan, Repair, RepairError, apply, undo};
use encbox::config::{Parameters, Profile};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A volume with a repair done, and the folder of that.
struct Done {
    scratch: Scratch,
    plan: Plan,
    folder: TempDir,
}

impl Done {
    fn new(parameters: &Parameters, spoil: impl FnOnce(&Scratch)) -> Done {
        let (scratch, _) = filled(parameters);
        spoil(&scratch);
        let scratch = scratch.reopened();
        let plan = plan_of(&scratch.volume, &[]);
        let folder = tempfile::tempdir().unwrap();
        let mut failed = |repair: &Repair, error: &RepairError| panic!("{repair:?}: {error}");
        let done =
            apply(&scratch.volume, &plan.repairs, &folder.path().join("q"), None, &mut failed).unwrap();
        assert!(done > 0 && done == plan.repairs.len() as u64, "{plan:#?}");
        Done { scratch, plan, folder }
    }

    fn quarantine(&self) -> PathBuf {
        self.folder.path().join("q")
    }

    /// The steps that were taken back, and what could not be.
    fn undo(&self) -> (u64, Vec<String>) {
        let mut failures = Vec::new();
        let mut failed = |error: &RepairError| failures.push(error.to_string());
        let count = undo(&self.scratch.volume, &self.quarantine(), &mut failed).unwrap();
        (count, failures)
    }
}

/// A link that a client stored as a file, which is set aside for the link.
fn link_became_a_file(scratch: &Scratch) -> PathBuf {
    let root = scratch.root();
    scratch.volume.symlink("Letters/2019/bank.txt".as_ref(), &root, "link".as_ref(), None).unwrap();
    let on_disk = scratch.on_disk("link");
    let target = fs::read_link(&on_disk).unwrap();
    fs::remove_file(&on_disk).unwrap();
    fs::write(&on_disk, target.to_str().unwrap()).unwrap();
    on_disk
}

#[test]
fn a_file_that_somebody_else_put_there_is_not_taken_for_the_one_that_was_set_aside() {
    let done = Done::new(&Profile::Standard.parameters(), |scratch| drop(link_became_a_file(scratch)));
    let path = done.scratch.on_disk("link");
    for foreign in [&b"of somebody else"[..], b""] {
        fs::remove_file(&path).unwrap();
        fs::write(&path, foreign).unwrap();
        let (count, failures) = done.undo();
        assert_eq!((count, failures.len()), (0, 2), "{failures:?}");
        assert_eq!(fs::read(&path).unwrap(), foreign);
    }
    // once it is out of the way, all comes back
    fs::remove_file(&path).unwrap();
    assert_eq!(done.undo(), (2, vec![]));
    assert!(fs::symlink_metadata(&path).unwrap().is_file());
}

#[test]
fn a_file_is_set_aside_only_when_it_is_kept_whole() {
    let done = Done::new(&Profile::Standard.parameters(), |scratch| drop(link_became_a_file(scratch)));
    let (path, kept) = (done.scratch.on_disk("link"), done.quarantine().join("0.file"));
    let bytes = fs::read(&kept).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, &bytes).unwrap();
    // the power failed before the file was removed, so that nobody has begun to make the link
    let log = done.quarantine().join("log.jsonl");
    let text = fs::read_to_string(&log).unwrap();
    let begun: String = text.split_inclusive('\n').take(2).collect();
    assert!(
        begun.ends_with("}\n") && begun.contains("\"step\":0") && !begun.contains("\"step\":1"),
        "{text}"
    );
    fs::write(&log, &begun).unwrap();
    assert_eq!(done.undo(), (1, vec![]));
    assert_eq!(fs::read(&path).unwrap(), bytes);
    // and even before it was kept
    fs::rename(&kept, kept.with_extension("partial")).unwrap();
    fs::write(&log, &begun).unwrap();
    assert_eq!(done.undo(), (1, vec![]));
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_header_that_was_replaced_by_half_is_taken_back() {
    for profile in [Profile::Sync, Profile::Paranoia] {
        let before = |scratch: &Scratch| fs::read(scratch.on_disk("Work/data.bin")).unwrap();
        let mut damaged = Vec::new();
        let done = Done::new(&profile.parameters(), |scratch| {
            headers_exchanged(scratch);
            damaged = before(scratch);
        });
        let mut half = before(&done.scratch);
        half[4..8].copy_from_slice(&damaged[4..8]);
        fs::write(done.scratch.on_disk("Work/data.bin"), &half).unwrap();
        assert_eq!(done.undo(), (2, vec![]));
        assert!(before(&done.scratch) == damaged);
    }
}

/// A text ends within a block.
fn cut(scratch: &Scratch) {
    let file = fs::File::options().write(true).open(scratch.on_disk("readme.txt")).unwrap();
    file.set_len(8 + 1024 + 500).unwrap();
}

#[test]
fn an_end_that_was_replaced_by_half_is_taken_back() {
    let mut damaged = Vec::new();
    let done = Done::new(&Profile::Paranoia.parameters(), |scratch| {
        cut(scratch);
        damaged = fs::read(scratch.on_disk("readme.txt")).unwrap();
    });
    let path = done.scratch.on_disk("readme.txt");
    let mended = fs::read(&path).unwrap();
    assert!(mended.len() < damaged.len() && mended[1032..] != damaged[1032..mended.len()]);
    for (new, len) in [(mended.len(), damaged.len()), (1100, damaged.len()), (mended.len(), mended.len() + 2)]
    {
        // written up to `new`, and not cut yet; or put back, and not to the end
        let mut half = damaged[..len].to_vec();
        half[..new].copy_from_slice(&mended[..new]);
        fs::write(&path, half).unwrap();
        fs::copy(done.quarantine().join("log.jsonl"), done.folder.path().join("log")).unwrap();
        assert_eq!(done.undo(), (1, vec![]), "{new} {len}");
        assert!(fs::read(&path).unwrap() == damaged, "{new} {len}");
        fs::copy(done.folder.path().join("log"), done.quarantine().join("log.jsonl")).unwrap();
    }
    // what is neither is somebody else's
    fs::write(&path, [&damaged[..], b"more"].concat()).unwrap();
    let (count, failures) = done.undo();
    assert_eq!((count, failures.len()), (0, 1), "{failures:?}");
}

#[test]
fn a_torn_line_at_the_end_of_the_log_stands_in_nobodys_way() {
    let done = Done::new(&Profile::Paranoia.parameters(), headers_exchanged);
    let log = done.quarantine().join("log.jsonl");
    let mut file = fs::File::options().append(true).open(&log).unwrap();
    file.write_all(b"{\"step\":2,\"do\":{\"rename\":{\"dir\":\"").unwrap();
    drop(file);
    assert_eq!(done.undo(), (2, vec![]));
    let text = fs::read_to_string(&log).unwrap();
    assert!(text.ends_with("{\"step\":0,\"undone\":true}\n") && !text.contains("\"step\":2"), "{text}");
    assert_eq!(done.undo(), (0, vec![]), "nothing is taken back twice");
}

#[test]
fn a_log_is_of_one_volume() {
    let done = Done::new(&Profile::Sync.parameters(), headers_exchanged);
    let (other, _) = filled(&Profile::Sync.parameters());
    let before = snapshot(other.folder.path());
    let refused = undo(&other.volume, &done.quarantine(), &mut |error| panic!("{error}"));
    let Err(RepairError::OtherVolume { of, here, .. }) = refused else { panic!("{refused:?}") };
    let folder = |scratch: &Scratch| scratch.folder.path().canonicalize().unwrap();
    assert_eq!((of, here), (folder(&done.scratch), folder(&other)));
    assert!(snapshot(other.folder.path()) == before);
    assert_eq!(done.undo(), (2, vec![]));
}

/// The sync client went on between the plan and the repair.
#[test]
fn what_changed_since_the_plan_is_left_alone() {
    let tried = |spoil: &dyn Fn(&Scratch), path: &str, change: &dyn Fn(&Path)| {
        let (scratch, _) = filled(&Profile::Paranoia.parameters());
        spoil(&scratch);
        let scratch = scratch.reopened();
        let plan = plan_of(&scratch.volume, &[]);
        assert_eq!(plan.repairs.len(), 1, "{plan:#?}");
        change(&scratch.on_disk(path));
        let before = snapshot(scratch.folder.path());
        let folder = tempfile::tempdir().unwrap();
        let mut failures = Vec::new();
        let mut failed = |_: &Repair, error: &RepairError| failures.push(error.to_string());
        let done =
            apply(&scratch.volume, &plan.repairs, &folder.path().join("q"), None, &mut failed).unwrap();
        assert_eq!((done, failures.len()), (0, 1), "{path}: {failures:?}");
        assert!(failures[0].contains("changed meanwhile"), "{failures:?}");
        assert!(snapshot(scratch.folder.path()) == before, "{path}");
    };
    let add = |path: &Path| {
        fs::File::options().append(true).open(path).unwrap().write_all(b"the rest of it").unwrap();
    };
    tried(&cut, "readme.txt", &add);
    tried(&|scratch| drop(link_became_a_file(scratch)), "link", &add);
    let same_len = |path: &Path| {
        let len = fs::read(path).unwrap().len();
        fs::write(path, vec![b'x'; len]).unwrap();
    };
    tried(&cut, "readme.txt", &same_len);
    tried(&|scratch| drop(link_became_a_file(scratch)), "link", &same_len);
}

#[test]
fn a_name_that_went_since_is_told() {
    let done = Done::new(&Profile::Paranoia.parameters(), |scratch| {
        let path = scratch.on_disk("readme.txt");
        let folded = path.file_name().unwrap().to_str().unwrap().to_ascii_lowercase();
        fs::rename(&path, path.with_file_name(folded)).unwrap();
    });
    assert_eq!(done.plan.repairs.len(), 1);
    done.scratch.volume.unlink(&done.scratch.root(), "readme.txt".as_ref()).unwrap();
    let (count, failures) = done.undo();
    assert_eq!((count, failures.len()), (0, 1), "{failures:?}");
}
