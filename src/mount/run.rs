//! Mounting and serving, and the daemon's life around it.

use super::attendants::Attendants;
use super::error::Error;
use super::front::Front;
use super::guard;
use super::guard::Guard;
use super::mountpoint;
use super::options::MountOptions;
use super::options::Plan;
use super::reconcile::reconcile;
use super::unmount::unmount;
use super::vault::Source;
use crate::volume::Watch;
use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::process::Resource;
use rustix::process::Rlimit;
use signal_hook::consts::SIGHUP;
use signal_hook::consts::SIGINT;
use signal_hook::consts::SIGTERM;
use signal_hook::consts::SIGUSR1;
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use std::fs::File;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use tracing::warn;

/// `OPEN_MAX` of macOS.
const MACOS_OPEN_MAX: u64 = 10_240;

/// As much as one request can bring, several times.
#[cfg(target_os = "linux")]
const READ_AHEAD_KIB: u32 = 2048;

/// A mounted volume. Requests wait until [`serve`](Session::serve) takes them up; dropping it unmounts.
#[derive(Debug)]
pub struct Session {
    pub(super) fuse: fuser::Session<Front>,
    pub(super) front: Front,
    pub(super) volume: PathBuf,
    mountpoint: PathBuf,
    watch: Option<Arc<dyn Watch>>,
    pub(super) read_only: bool,
}

impl Session {
    /// Mounts. When this returns, the mount is in place and the kernel has agreed on the protocol.
    pub fn mount(source: impl Into<Source>, options: &MountOptions) -> Result<Session, Error> {
        let source = source.into();
        let root = source.root();
        let volume = root.canonicalize().map_err(|source| Error::System { path: root.into(), source })?;
        let mut plan = options.plan(&volume)?;
        plan.read_only |= source.read_only();
        let mountpoint =
            mountpoint::prepare(&volume, &options.mountpoint, plan.nonempty, plan.even_if_synced)?;
        let front = Front::new(source, options.caching, options.watch.clone());
        match fuser::Session::new(front.clone(), &mountpoint, &plan.config()) {
            Ok(fuse) => Ok(Session {
                fuse,
                front,
                volume,
                mountpoint,
                watch: options.watch.clone(),
                read_only: plan.read_only,
            }),
            Err(source) => Err(refusal(mountpoint, &plan, source)),
        }
    }

    /// The absolute path of the mount point.
    pub fn mountpoint(&self) -> &Path {
        &self.mountpoint
    }

    /// Serves until somebody unmounts.
    pub fn serve(self) -> Result<(), Error> {
        let Session { fuse, front, watch, mountpoint, .. } = self;
        let kernel = front.kernel.get_or_init(|| fuse.notifier());
        let served = thread::scope(|scope| {
            if let Some(watch) = &watch {
                scope.spawn(|| reconcile(&front, &**watch, kernel, &mountpoint));
            }
            // looking at the mount is a request, too
            scope.spawn(|| read_further_ahead(&mountpoint));
            let served = run_to_its_end(fuse);
            if let Some(watch) = &watch {
                watch.close();
            }
            served
        });
        match served {
            // unmounted just as a thread was being handed a request; nobody waits for an answer to it
            Err(error) if Errno::from_io_error(&error) == Some(Errno::CONNABORTED) => Ok(()),
            served => served.map_err(|source| Error::Serve { source }),
        }
    }
}

/// `fuser` takes a session that was unmounted for one that is mounted still, and unmounts by path when it drops it:
/// whoever has been mounted in the same place meanwhile. So one that has ended is not dropped.
fn run_to_its_end(session: fuser::Session<Front>) -> io::Result<()> {
    let mut running = session.spawn()?;
    let thread = std::mem::replace(&mut running.guard, thread::spawn(|| Ok(())));
    let served = thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread that serves panicked")));
    if served.is_ok() {
        std::mem::forget(running);
    }
    served
}

/// What a failure to mount means.
fn refusal(path: PathBuf, plan: &Plan, source: io::Error) -> Error {
    if cfg!(target_os = "linux")
        && let Err(source) = File::options().read(true).write(true).open("/dev/fuse")
    {
        return Error::NoFuse { source };
    }
    let source = match source.kind() {
        io::ErrorKind::NotFound => io::Error::other("fusermount3 is not installed (package fuse3)"),
        // fusermount's own words end with the line
        kind => io::Error::new(kind, source.to_string().trim_end()),
    };
    match plan.unknown.join(",") {
        options if options.is_empty() => Error::Mount { path, source },
        options => Error::MountWithOptions { path, options, source },
    }
}

/// The daemon: mounts, calls `on_ready`, serves until unmounted, idle for too long, or told to end by SIGINT, SIGTERM
/// or SIGHUP. On SIGUSR1 it writes its counters to the log.
///
/// Changes this process: no umask, as many open files as allowed, handlers for these signals, and a guard (see
/// [`guard`]) as its child.
pub fn run(source: impl Into<Source>, options: &MountOptions, on_ready: impl FnOnce()) -> Result<(), Error> {
    // the kernel has applied the mask of whoever makes a file
    rustix::process::umask(Mode::empty());
    raise_open_files_limit();
    // from here on signals wait until there is something to unmount
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM, SIGUSR1])
        .map_err(|source| Error::System { path: options.mountpoint.clone(), source })?;
    let session = Session::mount(source, options)?;
    let attendants = Attendants::start(&session, options);
    let (reporter, manager) = (attendants.reporter.clone(), attendants.manager.clone());
    let mountpoint = session.mountpoint().to_owned();
    let guard = cfg!(target_os = "linux").then(|| set_guard(&mountpoint));
    let heard = signals.handle();
    let listener = thread::spawn(move || {
        for signal in signals.forever() {
            if signal == SIGUSR1 {
                reporter.report();
                continue;
            }
            manager.stopping("told to end");
            if let Err(error) = end(&mountpoint, signal) {
                warn!("signal {signal} has no effect: {error}");
            }
        }
    });
    on_ready();
    attendants.ready();
    let served = session.serve();
    attendants.stop();
    heard.close();
    if listener.join().is_err() {
        warn!("the thread that listens to signals panicked");
    }
    drop(guard);
    served
}

/// Makes the kernel read further ahead than it would by itself; only root can, and nothing depends on it.
#[cfg(target_os = "linux")]
fn read_further_ahead(mountpoint: &Path) {
    let device = match rustix::fs::stat(mountpoint) {
        Ok(stat) => stat.st_dev,
        Err(error) => return tracing::debug!(%error, "the mount cannot be looked at"),
    };
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let setting = format!("/sys/class/bdi/{major}:{minor}/read_ahead_kb");
    if let Err(error) = std::fs::write(setting, READ_AHEAD_KIB.to_string()) {
        tracing::debug!(%error, "the kernel reads ahead as it does by itself");
    }
}

#[cfg(not(target_os = "linux"))]
fn read_further_ahead(_: &Path) {}

fn set_guard(mountpoint: &Path) -> Option<Guard> {
    guard::spawn(mountpoint)
        .inspect_err(|error| warn!("{}: will stay behind if encbox is killed: {error}", mountpoint.display()))
        .ok()
}

/// Unmounts, so that serving ends. Files in use keep the daemon alive, out of sight, until the next signal.
fn end(mountpoint: &Path, signal: i32) -> io::Result<()> {
    let unmounted = unmount(mountpoint, false).or_else(|error| match error {
        Error::Busy { .. } => {
            warn!("{}: in use; served out of sight until the last file is closed", mountpoint.display());
            unmount(mountpoint, true)
        }
        error => Err(error),
    });
    match unmounted {
        Ok(()) => Ok(()),
        // out of sight already, or cannot be unmounted: the signal does what it does to any program, and the guard
        // clears up
        Err(_) => emulate_default_handler(signal),
    }
}

/// Every file that is open in the mount is open here too, and directories beside.
fn raise_open_files_limit() {
    let maximum = rustix::process::getrlimit(Resource::Nofile).maximum;
    // macOS speaks of no limit, and has one
    let raised = Rlimit { current: maximum.or(Some(MACOS_OPEN_MAX)), maximum };
    if let Err(error) = rustix::process::setrlimit(Resource::Nofile, raised) {
        warn!("the limit of open files stays as it is: {error}");
    }
}
