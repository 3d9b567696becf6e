//! The program under the names `encfs` and `encfsctl`: what scripts and front ends of EncFS 1.9.5 rely on, with
//! encbox behind it (docs/dropin.md).
//!
//! `encfs.rs` and `encfsctl.rs` are the two programs. `getopt.rs`, `options.rs` and `fuse_words.rs` read a command line,
//! `questions.rs` asks what a new volume should be like, `describe.rs` says what a volume is like, `passwords.rs`
//! fetches passwords; `stand_in.rs` is what `encbox mount` does differently on their behalf.
//!
//! What EncFS prints is part of its interface only where programs wait for it or read it: those lines are the same
//! here, to the stream that they go to. What only explains is said in our own words.

mod create;
mod ctl_files;
mod ctl_names;
mod ctl_passwd;
mod describe;
mod encfs;
mod encfsctl;
mod fuse_words;
mod getopt;
mod options;
mod passwords;
mod questions;
mod say;
mod served;
mod stand_in;
mod usage;

pub(super) use served::served_by_encfs;
pub(super) use stand_in::StandIn;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// The version of EncFS whose place is taken; front ends ask for it.
const ENCFS_VERSION: &str = "1.9.5";

/// The program has ended early, has said why, and leaves with this code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ended(u8);

/// With EncFS every failure is 1.
const FAILED: Ended = Ended(1);

/// Runs as `encfs` or `encfsctl` if that is what the program was called; gives its exit code.
pub(super) fn run() -> Option<ExitCode> {
    let mut arguments = std::env::args_os();
    let name = arguments.next()?;
    let arguments: Vec<OsString> = arguments.collect();
    let ended = match Path::new(&name).file_name()?.to_str()? {
        "encfs" => encfs::run(&arguments),
        "encfsctl" => encfsctl::run(&arguments),
        _ => return None,
    };
    Some(match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(Ended(code)) => ExitCode::from(code),
    })
}
