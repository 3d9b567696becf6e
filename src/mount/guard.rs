//! A second process that clears the mount point if the first is killed.
//!
//! Linux leaves a dead mount where a FUSE program ended without unmounting (macOS does not). `fuser` can have fusermount watch
//! over that, but only for mounts that other users may enter. So the daemon starts this program once more, with
//! the hidden command `guard` and a pipe as its standard input that nobody writes to: when the pipe ends, the
//! daemon has ended. The guard knows neither password nor key.

use super::error::Error;
use super::mounts::is_alive;
use super::mounts::mounted_on;
use super::unmount::unmount;
use signal_hook::consts::SIGHUP;
use signal_hook::consts::SIGINT;
use signal_hook::consts::SIGTERM;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

/// The command that [`spawn`] gives to the new process; it has to lead to [`watch`].
pub const COMMAND: &str = "guard";

/// How often, and after what pause, the guard looks whether the kernel has noticed the daemon's end.
const LOOKS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);

/// A guard on duty. Dropping it lets the guard go.
#[derive(Debug)]
pub struct Guard {
    process: Child,
}

/// Sets a guard over the mount point, an absolute path.
pub fn spawn(mountpoint: &Path) -> io::Result<Guard> {
    // the program that runs, even if its file was replaced by a newer one
    let program = if cfg!(target_os = "linux") { "/proc/self/exe".into() } else { std::env::current_exe()? };
    let process = Command::new(program)
        .arg0(env!("CARGO_PKG_NAME"))
        .arg(COMMAND)
        .arg(mountpoint)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    Ok(Guard { process })
}

impl Drop for Guard {
    fn drop(&mut self) {
        // its input ends
        drop(self.process.stdin.take());
        drop(self.process.wait());
    }
}

/// What the guard does: waits for the end of its input, then unmounts what is dead.
pub fn watch(mountpoint: &Path) -> Result<(), Error> {
    let system = |source| Error::System { path: mountpoint.into(), source };
    // whoever ends the daemon by its process group or terminal does not end the guard
    let heard = Arc::new(AtomicBool::new(false));
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&heard)).map_err(system)?;
    }
    // fails for the leader of a group, which is on its own already
    rustix::process::setsid().ok();
    io::copy(&mut io::stdin().lock(), &mut io::sink()).map_err(system)?;
    for _ in 0..LOOKS {
        match mounted_on(mountpoint)? {
            Some(line) if line.is_ours() && is_alive(mountpoint) => thread::sleep(PAUSE),
            Some(line) if line.is_ours() => return unmount(mountpoint, true),
            _ => break,
        }
    }
    Ok(())
}
