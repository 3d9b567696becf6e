//! Is a volume sound, will others open it, and if not, what can be done?
//!
//! [`check`] walks everything and changes nothing. [`Program`] says what other programs make of a volume, [`compare`]
//! holds it against known truth. [`plan`] says what could be mended and how; [`apply`] does it, and [`undo`] takes it
//! back: the only place that changes a volume which is not sound. [`recover`] finds out what a volume without a config was
//! made with.
//!
//! What is wrong is a [`Finding`]: where, what, how bad, and what can be done. Findings are told as they are made, to a
//! [`Progress`]; nothing here prints or knows a command line.
//!
//! Where things live: `examine.rs` the walk; `folder.rs`, `naming.rs` names; `content.rs`, `blocks.rs` files; `links.rs`
//! links that became files; `sniff.rs` guesses; `tree.rs` where a walk is; `pool.rs` threads; `passed.rs` what
//! was found sound; `report.rs` findings.
//! `program.rs`, `judging.rs`, `shown.rs` other programs; `against.rs`, `manifest.rs` known truth. `repair.rs` the plan, made of
//! `action.rs`; `renames.rs`, `exchange.rs` names; `places.rs`, `headers.rs`, `witness.rs`, `tails.rs` what something
//! was; `reencode.rs` trees; `apply.rs`, `undo.rs`, `quarantine.rs`, `record.rs`, `standing.rs` doing and
//! undoing. `recover.rs`, `samples.rs`, `trials.rs` volumes without a config.

mod action;
mod against;
mod apply;
mod blocks;
mod content;
mod examine;
mod exchange;
mod folder;
mod headers;
mod judging;
mod links;
mod manifest;
mod naming;
mod passed;
mod places;
mod pool;
mod program;
mod quarantine;
mod record;
mod recover;
mod reencode;
mod renames;
mod repair;
mod report;
mod samples;
mod shown;
mod sniff;
mod standing;
mod tails;
mod tree;
mod trials;
mod undo;
mod witness;

pub use action::{Action, Plan, Repair};
pub use against::{Truth, compare};
pub use apply::{RepairError, apply};
pub use examine::{Options, check};
pub use manifest::{Entry, Manifest, ManifestError};
pub use passed::Passed;
pub use program::{Judgement, PARAMETERS, PROGRAMS, Parameter, Program, Verdict};
pub use recover::{RecoverError, Recovered, recover};
pub use repair::plan;
pub use report::{Error, Finding, Kind, Progress, Severity, Summary};
pub use shown::{Hidden, hidden};
pub use standing::Standing;
pub use undo::undo;
