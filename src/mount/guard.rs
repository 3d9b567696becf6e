//! A second process that clears the mount point if the first is killed.
//!
//! Linux leaves a dead mount where a FUSE program ended without unmounting (macOS does not). `fuser` can have fusermount watch
//! over that, but only for mounts that other users may enter. So the daemon starts this program once more, with
//! the hidden command `guard` and a pipe as its standard input that nobody writes to: when the pipe ends, the
//! daemon has ended. The guard knows neither password nor key.
//!
//! A daemon can be dead and not gone: a thread that was telling the kernel of a change waits there for a program
//! that waits for an answer of the daemon, and keeps its descriptors open, the pipe among them. So the guard has
//! the system tell it of the death itself, and then cuts the connection: everybody who waits gets an error.

use super::error::Error;
use super::mounts::is_alive;
use super::mounts::mounted_on;
use super::unmount::unmount;
use signal_hook::consts::SIGHUP;
use signal_hook::consts::SIGINT;
use signal_hook::consts::SIGTERM;
use signal_hook::consts::SIGUSR1;
use signal_hook::iterator::Signals;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

/// The command that [`spawn`] gives to the new process; it has to lead to [`watch`].
pub const COMMAND: &str = "guard";

/// How often, and after what pause, the guard looks whether the kernel has noticed the daemon's end.
const LOOKS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);

/// How often it looks whether a daemon that is dead goes by itself.
const LOOKS_BEFORE_CUTTING: u32 = 4;

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
    let mut deaths = Signals::new([DEATH]).map_err(system)?;
    ask_to_be_told_of_death();
    // fails for the leader of a group, which is on its own already
    rustix::process::setsid().ok();
    let ended = Arc::new(AtomicBool::new(false));
    let end = Arc::clone(&ended);
    thread::spawn(move || {
        io::copy(&mut io::stdin().lock(), &mut io::sink()).ok();
        end.store(true, Ordering::Release);
        signal_hook::low_level::raise(DEATH)
    });
    deaths.forever().next();
    for look in 0..LOOKS {
        match mounted_on(mountpoint)? {
            Some(line) if line.is_ours() => {
                if !ended.load(Ordering::Acquire) {
                    if look >= LOOKS_BEFORE_CUTTING {
                        cut(mountpoint, &line.device);
                    }
                } else if !is_alive(mountpoint) {
                    return unmount(mountpoint, true);
                }
                thread::sleep(PAUSE);
            }
            _ => break,
        }
    }
    Ok(())
}

/// The signal by which the guard is told.
const DEATH: i32 = SIGUSR1;

/// The system tells of the end of the daemon's first thread, which is there as long as the daemon lives.
#[cfg(target_os = "linux")]
fn ask_to_be_told_of_death() {
    // without it there is still the pipe
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::USR1)).ok();
}

#[cfg(not(target_os = "linux"))]
fn ask_to_be_told_of_death() {}

/// Has the kernel answer everybody who waits for a daemon that is dead, with an error. The owner of the mount may
/// say so in the control file system, root also by unmounting.
#[cfg(target_os = "linux")]
fn cut(mountpoint: &Path, device: &str) {
    use rustix::mount::UnmountFlags;
    let number = device.rsplit(':').next().unwrap_or_default();
    let told = std::fs::write(format!("/sys/fs/fuse/connections/{number}/abort"), "1");
    if told.is_err() {
        // busy as it may be: the force is what counts
        rustix::mount::unmount(mountpoint, UnmountFlags::FORCE | UnmountFlags::NOFOLLOW).ok();
    }
}

#[cfg(not(target_os = "linux"))]
fn cut(_mountpoint: &Path, _device: &str) {}
