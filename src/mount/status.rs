//! What a mount says of itself when it is asked: to `encbox mounts`, and to the log on SIGUSR1.

use super::counters::Counters;
use super::front::Front;
use super::mounts::mounted_on;
use super::vault::Vault;
use serde::Deserialize;
use serde::Serialize;
use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use tracing::info;

/// The target of the lines in the log that somebody asked for with SIGUSR1.
pub const REPORT: &str = "encbox::report";

/// A mount at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The program behind it.
    pub pid: u32,
    /// The ciphertext folder.
    pub volume: OsString,
    /// Where it is, or was, mounted.
    pub mountpoint: OsString,
    /// The number of its device, as the system's table of mounts has it; empty where there is no table.
    pub device: String,
    /// Whether changes are refused.
    pub read_only: bool,
    /// Whether the volume is locked, to be unlocked at the next access.
    pub locked: bool,
    /// Seconds since it was mounted.
    pub uptime_seconds: u64,
    /// Requests served since then.
    pub requests: u64,
    /// Bytes read.
    pub bytes_read: u64,
    /// Bytes written.
    pub bytes_written: u64,
    /// Files and directories that the kernel knows.
    pub nodes: u64,
    /// Plaintext paths of open files in the volume, one for each handle.
    pub open_files: Vec<OsString>,
    /// Open directories.
    pub open_directories: u64,
}

/// What there is to know of a mount besides its file system.
#[derive(Debug)]
pub(super) struct Identity {
    volume: PathBuf,
    mountpoint: PathBuf,
    device: String,
    read_only: bool,
    since: Instant,
}

/// A mount that can be asked.
#[derive(Debug, Clone)]
pub(super) struct Reporter {
    identity: Arc<Identity>,
    vault: Arc<Vault>,
    counters: Arc<Counters>,
}

impl Reporter {
    /// For a mount that was just put in place.
    pub(super) fn new(volume: &Path, mountpoint: &Path, read_only: bool, front: &Front) -> Reporter {
        // where the table cannot be read, the mount is one without a number
        let line = mounted_on(mountpoint).ok().flatten();
        let identity = Identity {
            volume: volume.to_owned(),
            mountpoint: mountpoint.to_owned(),
            device: line.map(|line| line.device).unwrap_or_default(),
            read_only,
            since: Instant::now(),
        };
        Reporter {
            identity: Arc::new(identity),
            vault: Arc::clone(&front.vault),
            counters: Arc::clone(&front.counters),
        }
    }

    pub(super) fn status(&self) -> Status {
        let Identity { volume, mountpoint, device, read_only, since } = &*self.identity;
        let mut status = Status {
            pid: std::process::id(),
            volume: volume.clone().into(),
            mountpoint: mountpoint.clone().into(),
            device: device.clone(),
            read_only: *read_only,
            locked: self.vault.locked().is_some(),
            uptime_seconds: since.elapsed().as_secs(),
            requests: self.counters.requests(),
            bytes_read: self.counters.read_len(),
            bytes_written: self.counters.written_len(),
            nodes: self.vault.with_inodes(|nodes| nodes.len() as u64).unwrap_or(0),
            open_files: Vec::new(),
            open_directories: 0,
        };
        self.vault.with_open(|fuse| {
            let open = fuse.tree.files.all();
            status.open_files = open.iter().map(|open| open.file().plain_path().to_path().into()).collect();
            status.open_directories = fuse.tree.dirs.all().len() as u64;
        });
        status
    }

    /// Writes the counters to the log; how many files are open, not which.
    pub(super) fn report(&self) {
        let status = self.status();
        let Identity { volume, mountpoint, .. } = &*self.identity;
        let state = if status.locked { "locked" } else { "serving" };
        info!(target: REPORT, "{} on {}: {state} for {} s", volume.display(), mountpoint.display(), status.uptime_seconds);
        info!(target: REPORT, "requests: {}", self.counters.requests_by_kind());
        info!(target: REPORT, "refused: {}", self.counters.refusals_by_errno());
        info!(target: REPORT, "bytes: read {}, written {}", status.bytes_read, status.bytes_written);
        let (files, directories) = (status.open_files.len(), status.open_directories);
        info!(target: REPORT, "open: files {files}, directories {directories}; nodes known: {}", status.nodes);
        if let Some(peak) = peak_memory() {
            info!(target: REPORT, "memory at its peak: {peak}");
        }
    }
}

/// The most memory that this process had, as Linux words it: `12345 kB`.
fn peak_memory() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().to_owned())
}
