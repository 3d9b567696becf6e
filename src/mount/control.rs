//! A small socket for each mount, where its own user can ask how it is: one JSON object ([`Status`]) for each
//! connection, nothing read from it. No secret ever passes.
//!
//! The sockets are called `PID.sock` and lie in a folder that only their user may enter: `$XDG_RUNTIME_DIR/encbox`,
//! else `/run/encbox` for root and `encbox-UID` in the folder for temporary files for others. Who connects is
//! looked at all the same.

use super::status::Reporter;
use super::status::Status;
use rustix::io::Errno;
use std::fs;
use std::io;
use std::io::Read;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use tracing::warn;

/// Whoever takes longer to speak or to listen is given up.
const PATIENCE: Duration = Duration::from_secs(2);

/// No status is longer.
const MAX_STATUS_LEN: u64 = 64 << 20;

/// A socket that is served. Dropping it takes the socket away.
#[derive(Debug)]
pub(super) struct Control {
    path: PathBuf,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Opens the socket of this process.
pub(super) fn serve(reporter: Reporter) -> io::Result<Control> {
    let folder = folder()?;
    make(&folder)?;
    let path = folder.join(format!("{}.sock", std::process::id()));
    // of a process that had this number before
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    let ended = Arc::new(AtomicBool::new(false));
    let end = Arc::clone(&ended);
    let thread = thread::Builder::new().name("control".to_owned()).spawn(move || {
        for stream in listener.incoming() {
            if end.load(Relaxed) {
                break;
            }
            // somebody who went away is no trouble
            let _ = stream.and_then(|stream| answer(&stream, &reporter));
        }
    })?;
    Ok(Control { path, ended, thread: Some(thread) })
}

impl Drop for Control {
    fn drop(&mut self) {
        self.ended.store(true, Relaxed);
        // wakes the thread, so that it sees the end
        let woken = UnixStream::connect(&self.path);
        if let Err(error) = fs::remove_file(&self.path) {
            warn!("{}: {error}", self.path.display());
        }
        if let Some(thread) = self.thread.take().filter(|_| woken.is_ok()) {
            drop(thread.join());
        }
    }
}

fn answer(mut stream: &UnixStream, reporter: &Reporter) -> io::Result<()> {
    if !is_own(stream)? {
        return Ok(());
    }
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut answer = serde_json::to_vec(&reporter.status())?;
    answer.push(b'\n');
    stream.write_all(&answer)
}

/// Whether this user is at the other end.
#[cfg(target_os = "linux")]
fn is_own(stream: &UnixStream) -> io::Result<bool> {
    let peer = rustix::net::sockopt::socket_peercred(stream)?;
    Ok(peer.uid == rustix::process::geteuid())
}

/// The permissions of folder and socket keep others out.
#[cfg(not(target_os = "linux"))]
fn is_own(_: &UnixStream) -> io::Result<bool> {
    Ok(true)
}

/// Asks every mount of this user, and clears away sockets that nobody serves any more.
pub(super) fn ask_all() -> Vec<Status> {
    let Ok(folder) = folder() else { return Vec::new() };
    // what lies in somebody else's folder is not asked
    if check(&folder).is_err() {
        return Vec::new();
    }
    let sockets = fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let sockets = sockets.filter(|path| path.extension().is_some_and(|extension| extension == "sock"));
    let mut told: Vec<Status> = sockets.filter_map(|path| ask(&path)).collect();
    told.sort_by_key(|status| status.pid);
    told
}

fn ask(path: &Path) -> Option<Status> {
    let stream = match UnixStream::connect(path) {
        Err(error) if Errno::from_io_error(&error) == Some(Errno::CONNREFUSED) => {
            // its process was killed
            drop(fs::remove_file(path));
            return None;
        }
        stream => stream.ok()?,
    };
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut answer = Vec::new();
    (&stream).take(MAX_STATUS_LEN).read_to_end(&mut answer).ok()?;
    serde_json::from_slice(&answer).ok()
}

fn folder() -> io::Result<PathBuf> {
    if let Some(runtime) = std::env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty()) {
        return Ok(Path::new(&runtime).join("encbox"));
    }
    let user = rustix::process::geteuid();
    if user.is_root() && Path::new("/run").is_dir() {
        return Ok("/run/encbox".into());
    }
    Ok(std::env::temp_dir().join(format!("encbox-{}", user.as_raw())))
}

fn make(folder: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    check(folder)
}

/// Whether a folder is this user's alone. Others can make one of any name among the temporary files.
fn check(folder: &Path) -> io::Result<()> {
    let found = folder.symlink_metadata()?;
    let own =
        found.is_dir() && found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o077 == 0;
    if own { Ok(()) } else { Err(io::Error::other(format!("{} is not this user's alone", folder.display()))) }
}
