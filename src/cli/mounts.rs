//! `encbox mounts`: what is mounted.

use super::Error;
use super::dropin::served_by_encfs;
use super::out::{Out, put_name};
use crate::mount::{Mounted, State, Status, mounts};
use serde_json::{Value, json};
use std::ffi::OsStr;

/// List mounted volumes and how they are
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
What a mount has done and which files are open is told to its own user only.\n\n\
Examples:\n  \
encbox mounts --files\n  \
encbox mounts --json")]
pub(super) struct Mounts {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Name the files that are open
    #[arg(long)]
    files: bool,
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
            return out.end();
        }
        for mount in &mounts {
            out.name(mount.volume.as_os_str())?;
            out.bytes(b" on ")?;
            out.name(mount.mountpoint.as_os_str())?;
            out.line(&format!(" ({})", description(mount)))?;
            let files = mount.status.iter().filter(|_| self.files).flat_map(|status| &status.open_files);
            for file in files {
                out.bytes(b"  ")?;
                out.name(file)?;
                out.line("")?;
            }
        }
        out.end()
    }
}

fn description(mount: &Mounted) -> String {
    let mut words = vec![
        state(mount.state).to_owned(),
        if mount.read_only { "read-only" } else { "read-write" }.to_owned(),
    ];
    if mount.state == State::Dead {
        words.push("`encbox unmount` clears it".to_owned());
    }
    if let Some(Status { pid, uptime_seconds, requests, open_files, .. }) = &mount.status {
        words.push(format!("process {pid}"));
        words.push(format!("for {}", uptime(*uptime_seconds)));
        words.push(format!("{requests} requests"));
        words.push(match open_files.len() {
            1 => "1 file open".to_owned(),
            count => format!("{count} files open"),
        });
    }
    words.join(", ")
}

fn state(state: State) -> &'static str {
    match state {
        State::Serving => "serving",
        State::Locked => "locked",
        State::OutOfSight => "out of sight",
        State::Dead => "dead",
    }
}

/// The two largest units.
fn uptime(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

fn facts(mount: &Mounted) -> Value {
    let mut facts =
        json!({ "read_only": mount.read_only, "alive": mount.alive(), "state": state(mount.state) });
    put_name(&mut facts, "volume", mount.volume.as_os_str());
    put_name(&mut facts, "mountpoint", mount.mountpoint.as_os_str());
    if let Some(status) = &mount.status {
        facts["pid"] = status.pid.into();
        facts["uptime_seconds"] = status.uptime_seconds.into();
        facts["requests"] = status.requests.into();
        facts["bytes_read"] = status.bytes_read.into();
        facts["bytes_written"] = status.bytes_written.into();
        facts["nodes"] = status.nodes.into();
        facts["open_files"] = status.open_files.iter().map(|path| file(path)).collect();
        facts["open_directories"] = status.open_directories.into();
    }
    facts
}

fn file(path: &OsStr) -> Value {
    let mut file = json!({});
    put_name(&mut file, "path", path);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_largest_units() {
        let texts = [(59, "59 s"), (61, "1 min 1 s"), (3660, "1 h 1 min"), (90000, "1 d 1 h")];
        assert!(texts.iter().all(|(seconds, text)| uptime(*seconds) == *text));
    }
}
