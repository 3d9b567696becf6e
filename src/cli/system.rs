//! What this process is to its system: its umask, its log, what it leaves behind when it crashes.

use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit};
use std::io;
use tracing_subscriber::EnvFilter;

/// Keys and passwords are in this memory: it is not written to disk if the program crashes.
pub(super) fn forbid_core_dumps() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    // A system that does not let us is no reason to stop.
    let _ = rustix::process::setrlimit(Resource::Core, none);
}

/// Logs to standard error: as much as `-v` says how often, or as `ENCBOX_LOG` asks. They name ciphertext only.
pub(super) fn start_log(verbose: u8) {
    let level = ["warn", "info", "debug", "trace"][usize::from(verbose.min(3))];
    // `encbox::report` is what somebody has asked for (SIGUSR1)
    let usual = || EnvFilter::new(format!("encbox={level},encbox::report=info"));
    let filter = EnvFilter::try_from_env("ENCBOX_LOG").unwrap_or_else(|_| usual());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false).init();
}

/// The permission bits that new files do not get.
#[allow(clippy::useless_conversion, reason = "the types differ between systems")]
pub(super) fn umask() -> u32 {
    // Reading it means setting it; nothing else runs in this process yet.
    let mask = rustix::process::umask(Mode::empty());
    rustix::process::umask(mask);
    mask.bits().into()
}
