//! A check that was interrupted goes on.

use crate::sample::{self, FILES, kinds};
use crate::scratch::Scratch;
use crate::{Found, findings};
use encbox::check::{Error, Finding, Options, Passed, Progress, Summary, check};
use std::fs;
use std::io::ErrorKind;
use std::num::NonZeroUsize;

/// Has enough after some entries.
struct Impatient(u32);

impl Progress for Impatient {
    fn item(&mut self) {
        self.0 = self.0.saturating_sub(1);
    }

    fn stopped(&self) -> bool {
        self.0 == 0
    }
}

const ONE_BY_ONE: Options = Options { contents: true, guess: true, jobs: NonZeroUsize::new(1) };

fn resumed(scratch: &Scratch, passed: &Passed) -> (Vec<Finding>, Summary) {
    let mut found = Found::default();
    let summary = check(&scratch.volume, ONE_BY_ONE, Some(passed), &mut found).unwrap();
    found.0.sort_by(|one, other| (&one.path, one.kind).cmp(&(&other.path, other.kind)));
    (found.0, summary)
}

#[test]
fn what_was_sound_is_not_read_again_and_what_was_not_is() {
    for (name, parameters) in kinds() {
        let scratch = Scratch::new(&parameters);
        sample::fill(&scratch);
        let damaged = scratch.on_disk("Letters/2019/bank.txt");
        fs::write(&damaged, vec![7; 3000]).unwrap();
        let expected = findings(&scratch.volume);
        let state = tempfile::tempdir().unwrap();
        let path = state.path().join("checks/one");
        let passed = Passed::open(&scratch.volume, &path, false).unwrap();
        let interrupted = check(&scratch.volume, ONE_BY_ONE, Some(&passed), &mut Impatient(15));
        assert!(matches!(interrupted, Err(Error::Interrupted)));
        drop(passed);
        let noted = fs::metadata(&path).unwrap().len() / 8;
        assert!(noted > 0 && noted < FILES.len() as u64, "{name}: {noted}");

        let passed = Passed::open(&scratch.volume, &path, true).unwrap();
        let (found, summary) = resumed(&scratch, &passed);
        assert_eq!(found, expected, "{name}");
        assert_eq!((summary.passed_before, summary.files), (noted, FILES.len() as u64), "{name}");
        drop(passed);

        // once more: all that is sound is known, and what changes is not
        let changed = scratch.on_disk("Work/data.bin");
        let passed = Passed::open(&scratch.volume, &path, true).unwrap();
        let before = resumed(&scratch, &passed).1;
        fs::write(&changed, fs::read(&changed).unwrap()).unwrap();
        let after = resumed(&scratch, &passed).1;
        assert_eq!(before.passed_before - after.passed_before, 1, "{name}");
        passed.forget().unwrap();
        assert!(!path.exists());
    }
}

#[test]
fn notes_that_were_cut_are_used_as_far_as_they_go() {
    let scratch = Scratch::new(&kinds()[0].1);
    sample::fill(&scratch);
    let state = tempfile::tempdir().unwrap();
    let path = state.path().join("one");
    resumed(&scratch, &Passed::open(&scratch.volume, &path, false).unwrap());
    let mut bytes = fs::read(&path).unwrap();
    let noted = bytes.len() / 8;
    bytes.truncate(bytes.len() - 3);
    fs::write(&path, bytes).unwrap();
    for known in [noted - 1, noted] {
        let passed = Passed::open(&scratch.volume, &path, true).unwrap();
        assert_eq!(resumed(&scratch, &passed).1.passed_before, known as u64);
    }
    // without `resume` nothing is known
    let passed = Passed::open(&scratch.volume, &path, false).unwrap();
    assert_eq!(resumed(&scratch, &passed).1.passed_before, 0);
}

#[test]
fn notes_inside_the_volume_are_refused() {
    let scratch = Scratch::new(&kinds()[0].1);
    let refused = Passed::open(&scratch.volume, &scratch.folder.path().join("checks/one"), false);
    assert!(refused.is_err_and(|error| error.kind() == ErrorKind::InvalidInput));
    assert_eq!(fs::read_dir(scratch.folder.path()).unwrap().count(), 1);
}
