//! A mounted volume: a daemon in the foreground, unmounted and waited for however the test ends.

use std::fs;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use tempfile::TempDir;

use super::process;

/// To be mounted, or to be gone after unmounting.
const PATIENCE: Duration = Duration::from_secs(60);
/// A mount that is needed for longer has hung: its daemon is killed, so that the test fails instead of
/// waiting.
const LONGEST_USE: Duration = Duration::from_secs(600);

pub(crate) struct Mount {
    program: &'static str,
    point: PathBuf,
    daemon: Option<Child>,
    log: PathBuf,
    _folder: TempDir,
    /// Dropped with the mount, which ends the thread that watches the time.
    _watchdog: mpsc::Sender<()>,
}

impl Mount {
    /// Starts `command` with the mount point as its last argument.
    pub(crate) fn start(program: &'static str, mut command: Command, stdin: Option<&str>) -> Mount {
        let folder = tempfile::Builder::new().prefix("encbox-mount-").tempdir().expect("a scratch folder");
        // Its real path, for that is what the mount table holds.
        let point = folder.path().canonicalize().expect("the scratch folder exists").join("mount");
        let log = folder.path().join("log");
        fs::create_dir(&point).expect("a mount point");
        let log_file = File::create(&log).expect("a log file");
        command.arg(&point).stdin(Stdio::piped());
        command.stdout(log_file.try_clone().expect("a log file")).stderr(log_file);
        let mut daemon = command.spawn().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        let mut pipe = daemon.stdin.take().expect("standard input is a pipe");
        if let Some(line) = stdin {
            writeln!(pipe, "{line}").unwrap_or_else(|error| panic!("{program} takes no password: {error}"));
        }
        drop(pipe);
        let watchdog = watch(daemon.id(), point.clone());
        let mut mount =
            Mount { program, point, daemon: Some(daemon), log, _folder: folder, _watchdog: watchdog };
        mount.wait_until_mounted();
        mount
    }

    pub(crate) fn path(&self) -> &Path {
        &self.point
    }

    /// Unmounts and waits for the daemon, whose exit must be a good one.
    pub(crate) fn unmount(mut self) {
        let start = Instant::now();
        loop {
            let mut command = unmount_command(self.program, &self.point);
            let output = process::output(&mut command);
            if output.status.success() {
                break;
            }
            // A file system watcher or a late close may hold it for a moment.
            let reason = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(start.elapsed() < PATIENCE, "{command:?}: {reason}\n{}", self.said());
            thread::sleep(Duration::from_millis(50));
        }
        let status = self.wait_for_daemon().unwrap_or_else(|| panic!("{} does not end", self.program));
        assert!(status.success(), "{} ended with {status}\n{}", self.program, self.said());
        assert!(!is_mounted(&self.point), "{} is still mounted", self.point.display());
    }

    /// Kills the daemon, and takes the dead mount away.
    pub(crate) fn kill(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.kill().expect("the daemon is a child of ours");
            daemon.wait().expect("the daemon is a child of ours");
            let start = Instant::now();
            while is_mounted(&self.point) {
                detach(&self.point);
                assert!(start.elapsed() < PATIENCE, "{} stays mounted", self.point.display());
            }
        }
    }

    fn wait_until_mounted(&mut self) {
        let start = Instant::now();
        while !is_mounted(&self.point) {
            let daemon = self.daemon.as_mut().expect("the daemon was just started");
            if let Some(status) = daemon.try_wait().expect("the daemon is a child of ours") {
                panic!("{} ended with {status} instead of mounting\n{}", self.program, self.said());
            }
            assert!(start.elapsed() < PATIENCE, "{} does not mount\n{}", self.program, self.said());
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn wait_for_daemon(&mut self) -> Option<ExitStatus> {
        let start = Instant::now();
        let daemon = self.daemon.as_mut()?;
        while start.elapsed() < PATIENCE {
            if let Some(status) = daemon.try_wait().expect("the daemon is a child of ours") {
                self.daemon = None;
                return Some(status);
            }
            thread::sleep(Duration::from_millis(5));
        }
        None
    }

    /// What the daemon said so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn said(&self) -> String {
        format!("--- {} said\n{}", self.program, self.log())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            detach(&self.point);
            daemon.kill().ok();
            daemon.wait().ok();
        }
    }
}

fn unmount_command(program: &str, point: &Path) -> Command {
    let mut command;
    if program == "encbox" {
        command = process::encbox();
        command.arg("unmount");
    } else {
        command = Command::new("fusermount");
        command.arg("-u");
    }
    command.arg("--").arg(point);
    command
}

/// The last resort: takes the mount out of the tree whoever still uses it.
fn detach(point: &Path) {
    Command::new("fusermount").args(["-u", "-z", "--"]).arg(point).stderr(Stdio::null()).status().ok();
}

fn watch(daemon: u32, point: PathBuf) -> mpsc::Sender<()> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        if receiver.recv_timeout(LONGEST_USE) == Err(mpsc::RecvTimeoutError::Timeout) {
            detach(&point);
            Command::new("kill").args(["-9", &daemon.to_string()]).status().ok();
        }
    });
    sender
}

fn is_mounted(point: &Path) -> bool {
    let table = fs::read_to_string("/proc/self/mountinfo").expect("Linux has a mount table");
    table.lines().any(|line| line.split(' ').nth(4).is_some_and(|mounted| Path::new(mounted) == point))
}
