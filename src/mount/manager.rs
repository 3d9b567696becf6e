//! What the service manager is told: that the mount is in place, how it is, that it ends (sd_notify(3)).

use std::path::Path;

/// Whether there is a service manager to speak to, and what about.
#[derive(Debug, Clone)]
pub(super) struct Manager {
    listens: bool,
    what: String,
}

impl Manager {
    /// `listens`: whether this is the process that the manager has started.
    pub(super) fn new(listens: bool, volume: &Path, mountpoint: &Path) -> Manager {
        Manager { listens, what: format!("{} on {}", volume.display(), mountpoint.display()) }
    }

    /// The mount can be used.
    pub(super) fn ready(&self, locked: bool) {
        let state = if locked { "locked, to be unlocked at the first access" } else { "serving" };
        self.tell(Notice::Ready, state);
    }

    /// The volume was locked, for lack of use.
    pub(super) fn locked(&self) {
        self.tell(Notice::Status, "locked, to be unlocked at the next access");
    }

    /// The volume is being unlocked.
    pub(super) fn unlocked(&self) {
        self.tell(Notice::Status, "serving");
    }

    /// The mount is about to end; `state` says how.
    pub(super) fn stopping(&self, state: &str) {
        self.tell(Notice::Stopping, state);
    }

    fn tell(&self, notice: Notice, state: &str) {
        if self.listens {
            send(notice, &format!("{}: {state}", self.what));
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Notice {
    Ready,
    Status,
    Stopping,
}

#[cfg(target_os = "linux")]
fn send(notice: Notice, status: &str) {
    let notice = match notice {
        Notice::Ready => "READY=1\n",
        Notice::Stopping => "STOPPING=1\n",
        Notice::Status => "",
    };
    // a line is what the manager takes
    let message = format!("{notice}STATUS={}\n", status.replace('\n', " "));
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return };
    if let Err(error) = datagram(&name, message.as_bytes()) {
        tracing::warn!("the service manager does not listen: {error}");
    }
}

/// Sends a datagram to the socket of this path, or of the abstract name behind an `@`.
#[cfg(target_os = "linux")]
fn datagram(name: &std::ffi::OsStr, message: &[u8]) -> std::io::Result<()> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::SocketAddr;
    use std::os::unix::net::UnixDatagram;
    let address = match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(name)?,
    };
    UnixDatagram::unbound()?.send_to_addr(message, &address)?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn send(_: Notice, _: &str) {}
