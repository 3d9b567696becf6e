//! Is a volume sound, will others open it, and if not, what can be done?
//!
//! [`check`] walks everything and changes nothing.
//!
//! What is wrong is a [`Finding`]: where, what, how bad, and what can be done. Findings are told as they are made, to a
//! [`Progress`]; nothing here prints or knows a command line.
//!
//! Where things live: `examine.rs` the walk; `folder.rs`, `naming.rs` names; `content.rs`, `blocks.rs` files; `sniff.rs`
//! guesses; `tree.rs` where a walk is; `pool.rs` threads; `report.rs` findings.

mod blocks;
mod content;
mod examine;
mod folder;
mod naming;
mod pool;
mod report;
mod sniff;
mod tree;

pub use examine::{Options, check};
pub use report::{Error, Finding, Kind, Progress, Severity, Summary};
