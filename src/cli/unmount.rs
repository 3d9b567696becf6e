//! `encbox unmount`.

use super::Error;
use std::path::PathBuf;

/// Unmount a volume
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:\n  encbox unmount ~/Private")]
pub(super) struct Unmount {
    /// Where it is mounted
    mountpoint: PathBuf,
    /// Take it out of sight now, and end when the last file in it is closed
    #[arg(short, long)]
    lazy: bool,
}

impl Unmount {
    pub(super) fn run(&self) -> Result<(), Error> {
        Ok(crate::mount::unmount(&self.mountpoint, self.lazy)?)
    }
}
