//! `encbox guard`: hidden; the process that clears a mount point when the one that serves it is killed.

use super::Error;
use std::path::PathBuf;

/// Wait for the end of standard input, then clear MOUNTPOINT if it is dead
#[derive(Debug, clap::Args)]
pub(super) struct Guard {
    mountpoint: PathBuf,
}

impl Guard {
    pub(super) fn run(&self) -> Result<(), Error> {
        Ok(crate::mount::guard::watch(&self.mountpoint)?)
    }
}
