//! Checking and mending: frozen volumes, single kinds of damage, and a thousand seeded ones.
#![cfg(all(unix, feature = "cli"))]
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the message")]
#![allow(clippy::print_stdout)] // tables, for who asks for them
#![allow(unreachable_pub)] // what tests share has no other way to be shared

mod compare;
mod damage;
mod frozen;
mod mutations;
mod names;
mod recover;
mod repairs;
mod resume;
mod sample;
#[path = "../support/volumes.rs"]
mod scratch;
#[path = "../support/mod.rs"]
mod support;
mod undoing;

use encbox::check::{Finding, Kind, Options, Progress, Severity, Summary, check};
use encbox::volume::Volume;
use std::path::PathBuf;

/// What a check found, sorted.
#[derive(Default)]
pub(crate) struct Found(pub(crate) Vec<Finding>);

impl Progress for Found {
    fn found(&mut self, finding: &Finding) {
        self.0.push(finding.clone());
    }
}

/// Everything that a check of the volume finds.
pub(crate) fn findings(volume: &Volume) -> Vec<Finding> {
    findings_and_summary(volume).0
}

pub(crate) fn findings_and_summary(volume: &Volume) -> (Vec<Finding>, Summary) {
    let mut found = Found::default();
    let summary =
        check(volume, Options::default(), None, &mut found).unwrap_or_else(|error| panic!("{error}"));
    let counted = |severity| found.0.iter().filter(|finding| finding.severity == severity).count() as u64;
    assert_eq!(
        (summary.notes, summary.warnings, summary.damage),
        (counted(Severity::Note), counted(Severity::Warning), counted(Severity::Damage))
    );
    found.0.sort_by(|one, other| (&one.path, one.kind).cmp(&(&other.path, other.kind)));
    (found.0, summary)
}

/// What was found that is more than a note: what, and where.
pub(crate) fn serious(volume: &Volume) -> Vec<(Kind, PathBuf)> {
    let findings = findings(volume).into_iter();
    findings
        .filter(|finding| finding.severity > Severity::Note)
        .map(|finding| (finding.kind, finding.path))
        .collect()
}
