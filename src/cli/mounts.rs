//! `encbox mounts`: what is mounted.

use super::Error;
use super::dropin::served_by_encfs;
use super::out::{Out, put_name};
use crate::mount::{Mounted, mounts};
use serde_json::json;

/// List mounted volumes
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:\n  encbox mounts --json")]
pub(super) struct Mounts {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Mounts {
    pub(super) fn run(&self) -> Result<(), Error> {
        let mut mounts = mounts()?;
        for mount in mounts.iter_mut().filter(|mount| mount.volume.is_relative()) {
            // of type `fuse.encfs`, where the table of mounts has another word for the source
            if let Some(volume) = served_by_encfs(&mount.mountpoint) {
                mount.volume = volume;
            }
        }
        let mut out = Out::new();
        if self.json {
            out.json(&mounts.iter().map(facts).collect::<Vec<_>>())?;
        } else {
            for mount in &mounts {
                out.name(mount.volume.as_os_str())?;
                out.bytes(b" on ")?;
                out.name(mount.mountpoint.as_os_str())?;
                out.line(match (mount.alive, mount.read_only) {
                    (false, _) => " (dead: `encbox unmount` clears it)",
                    (true, true) => " (read-only)",
                    (true, false) => "",
                })?;
            }
        }
        out.end()
    }
}

fn facts(mount: &Mounted) -> serde_json::Value {
    let mut facts = json!({ "read_only": mount.read_only, "alive": mount.alive });
    put_name(&mut facts, "volume", mount.volume.as_os_str());
    put_name(&mut facts, "mountpoint", mount.mountpoint.as_os_str());
    facts
}
