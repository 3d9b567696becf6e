//! Is a volume sound, will others open it, and if not, what can be done?
//!
//! [`check`] walks everything and changes nothing. [`Program`] says what other programs make of a volume, [`compare`]
//! holds it against known truth.
//!
//! What is wrong is a [`Finding`]: where, what, how bad, and what can be done. Findings are told as they are made, to a
//! [`Progress`]; nothing here prints or knows a command line.
//!
//! Where things live: `examine.rs` the walk; `folder.rs`, `naming.rs` names; `content.rs`, `blocks.rs` files; `sniff.rs`
//! guesses; `tree.rs` where a walk is; `pool.rs` threads; `report.rs` findings. `program.rs`, `shown.rs` other programs;
//! `against.rs`, `manifest.rs` known truth.

mod against;
mod blocks;
mod content;
mod examine;
mod folder;
mod manifest;
mod naming;
mod pool;
mod program;
mod report;
mod shown;
mod sniff;
mod tree;

pub use against::{Truth, compare};
pub use examine::{Options, check};
pub use manifest::{Entry, Manifest, ManifestError};
pub use program::{Judgement, PARAMETERS, PROGRAMS, Parameter, Program, Verdict};
pub use report::{Error, Finding, Kind, Progress, Severity, Summary};
pub use shown::{Hidden, hidden};
