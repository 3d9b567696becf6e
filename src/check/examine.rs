//! Walking everything, by many threads, and changing nothing.

use super::content::{self, Scratch, Subject};
use super::folder::{self, Folder};
use super::passed::Passed;
use super::pool::Pool;
use super::report::{Error, Finding, Kind, Progress, Severity, Summary};
use super::tree::Node;
use crate::config::FileIvMode;
use crate::volume;
use crate::volume::{PlainPath, RawEntry, Volume};
use std::hash::RandomState;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is checked, and how.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Contents are read; without, names, sizes and headers only.
    pub contents: bool,
    /// The look of plaintext is taken into account where there are no MACs.
    pub guess: bool,
    /// Threads; as many as the machine runs at once if nobody says.
    pub jobs: Option<NonZeroUsize>,
}

impl Default for Options {
    fn default() -> Options {
        Options { contents: true, guess: true, jobs: None }
    }
}

/// Something for a thread to do.
pub(super) enum Job {
    /// To list a directory.
    Folder(Arc<Node>),
    /// To go through some of its names.
    Names(Arc<Folder>, Vec<RawEntry>),
    /// To check blocks of a large file that nobody else checks.
    Pieces(Arc<Subject>),
}

/// A check under way.
pub(super) struct Check<'a> {
    pub(super) volume: &'a Volume,
    pub(super) options: Options,
    pub(super) hasher: RandomState,
    /// What need not be read again, and is added to.
    pub(super) passed: Option<&'a Passed>,
    report: Mutex<Report<'a>>,
}

struct Report<'a> {
    progress: &'a mut dyn Progress,
    summary: Summary,
}

/// Checks the whole volume, and tells `progress` what it finds. The order of findings differs from run to run. Files that
/// have `passed` before are not read; those that pass now are added to them.
pub fn check(
    volume: &Volume,
    options: Options,
    passed: Option<&Passed>,
    progress: &mut dyn Progress,
) -> Result<Summary, Error> {
    drop(volume.raw_dir(Path::new(""))?.entries()?); // can it be read at all?
    let report = Mutex::new(Report { progress, summary: Summary::default() });
    let check = Check { volume, options, hasher: RandomState::new(), passed, report };
    let first = Job::Folder(Node::root(volume));
    Pool::run(options.jobs, first, |pool, job, scratch: &mut Scratch| match job {
        Job::Folder(node) => folder::list(&check, pool, node, scratch),
        Job::Names(folder, batch) => folder.look_at(&check, pool, batch, scratch),
        Job::Pieces(subject) => content::pieces(&check, pool, &subject, scratch),
    });
    let report = check.report.into_inner().unwrap_or_else(PoisonError::into_inner);
    if report.progress.stopped() { Err(Error::Interrupted) } else { Ok(report.summary) }
}

impl<'a> Check<'a> {
    pub(super) fn chained(&self) -> bool {
        self.volume.config().parameters().chained_names
    }

    pub(super) fn external_ivs(&self) -> bool {
        self.volume.config().parameters().file_iv == FileIvMode::External
    }

    pub(super) fn allow_holes(&self) -> bool {
        self.volume.config().parameters().allow_holes
    }

    pub(super) fn found(&self, finding: Finding) {
        let mut report = self.report();
        report.summary.count(finding.severity);
        report.progress.found(&finding);
    }

    /// Something that the system does not let us read.
    pub(super) fn unreadable(&self, path: PathBuf, plain: Option<PlainPath>, error: &volume::Error) {
        let plain = plain.map(|path| path.to_path().into_os_string());
        self.found(Finding {
            what: error.fault.to_string(),
            ..Finding::new(Severity::Damage, Kind::Unreadable, path, plain)
        });
    }

    pub(super) fn count(&self, count: impl FnOnce(&mut Summary)) {
        count(&mut self.report().summary);
    }

    pub(super) fn bytes(&self, count: u64) {
        self.report().progress.bytes(count);
    }

    pub(super) fn item(&self) {
        self.report().progress.item();
    }

    /// Whether the check should end, which is passed on to the other threads.
    pub(super) fn stopped(&self, pool: &Pool<Job>) -> bool {
        if pool.stopped() {
            return true;
        }
        let stopped = self.report().progress.stopped();
        if stopped {
            pool.stop();
        }
        stopped
    }

    fn report(&self) -> MutexGuard<'_, Report<'a>> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
