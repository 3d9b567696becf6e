//! A mount in the background: the program starts itself once more and gives it the password on standard input; the
//! parent ends when the other has written a line to its standard output, or with its exit code. No fork: a process
//! with threads cannot, and the new one begins with a clean memory.

use super::Error;
use super::secret::Secret;
use rustix::fs::{Mode, OFlags};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// What the background process writes when the mount can be used.
const READY: &str = "ready";

/// The parent's part: starts this program with `arguments` and waits until it is ready. A volume that is unlocked
/// on demand needs no password now.
pub(super) fn start(arguments: Vec<OsString>, secret: Option<&Secret>) -> Result<(), Error> {
    let program = std::env::current_exe().map_err(Error::local("find", "encbox"))?;
    let failed = || Error::local("start", &program);
    let mut child = Command::new(&program)
        // whatever its file is called: under another name it is another program
        .arg0(env!("CARGO_PKG_NAME"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed())?;
    let mut stdin = child.stdin.take().expect("standard input was piped");
    let stdout = child.stdout.take().expect("standard output was piped");
    if let Some(secret) = secret {
        // If the other end is gone already, its exit code says why.
        let _ = stdin.write_all(secret.bytes());
    }
    drop(stdin);
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).map_err(failed())?;
    if line.trim_end() == READY {
        return Ok(());
    }
    let status = child.wait().map_err(failed())?;
    Err(Error::Background(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}

/// The other's part, to begin with: it leaves session and folder of the one who started it.
pub(super) fn enter() -> Result<(), Error> {
    // It fails for the leader of a process group, which has no terminal to leave.
    let _ = rustix::process::setsid();
    std::env::set_current_dir("/").map_err(Error::local("enter", "/"))
}

/// The other's part, when the mount is in place: tells the parent, and logs to a file from now on.
pub(super) fn is_ready(log: Option<&File>) {
    // A parent that is gone has nobody waiting for it.
    let _ = writeln!(io::stdout(), "{READY}");
    if let Err(error) = leave_streams(log) {
        tracing::warn!("standard streams stay open: {error}");
    }
}

/// Leaves the streams of the one who started us.
fn leave_streams(log: Option<&File>) -> io::Result<()> {
    let null = File::from(rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?);
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(log.unwrap_or(&null))?;
    Ok(())
}
