//! Those who look after a mount beside the threads that serve it: who answers questions about it, who notices
//! that nobody uses it, and who tells the service manager.

use super::control;
use super::control::Control;
use super::error::Error;
use super::front::Front;
use super::idle;
use super::idle::Watch;
use super::manager::Manager;
use super::options::MountOptions;
use super::reconcile::kernel_forgets;
use super::run::Session;
use super::status::Reporter;
use super::unmount::unmount;
use fuser::Notifier;
use std::path::Path;
use tracing::info;
use tracing::warn;

/// Everybody on duty. They go when this is dropped.
#[derive(Debug)]
pub(super) struct Attendants {
    pub(super) reporter: Reporter,
    pub(super) manager: Manager,
    front: Front,
    _control: Option<Control>,
    _idle: Option<Watch>,
}

impl Attendants {
    /// For a mount that is in place. Whoever cannot be had is missed in the log; the mount works without.
    pub(super) fn start(session: &Session, options: &MountOptions) -> Attendants {
        let (mountpoint, front) = (session.mountpoint(), session.front.clone());
        let missed = |what: &str| {
            let what = format!("{}: {what}", mountpoint.display());
            move |error: &std::io::Error| warn!("{what}: {error}")
        };
        let reporter = Reporter::new(&session.volume, mountpoint, session.read_only, &front);
        let manager = Manager::new(options.tell_manager, &session.volume, mountpoint);
        front.vault.tell(&manager);
        let control = control::serve(reporter.clone()).inspect_err(missed("`encbox mounts` cannot ask it"));
        let idle = options.idle.map(|after| idle::watch(after, front.clone(), rest(session)));
        let idle = idle.and_then(|watch| watch.inspect_err(missed("idle times are not noticed")).ok());
        Attendants { reporter, manager, front, _control: control.ok(), _idle: idle }
    }

    /// The mount can be used.
    pub(super) fn ready(&self) {
        self.manager.ready(self.front.vault.locked().is_some());
    }

    /// The mount has ended.
    pub(super) fn stop(self) {
        self.manager.stopping("unmounted");
    }
}

/// What is done with a mount that nobody uses: it is locked if it can be unlocked again, and ends if not.
fn rest(session: &Session) -> impl Fn() + Send + 'static {
    let (front, mountpoint) = (session.front.clone(), session.mountpoint().to_owned());
    let notifier = session.fuse.notifier();
    move || {
        if front.vault.can_be_locked() {
            if front.vault.lock() {
                forget_everything(&front, &notifier);
            }
        } else {
            leave(&mountpoint);
        }
    }
}

/// What the kernel remembers is plaintext, and nobody tells it of changes any more. What others still use is theirs
/// to keep.
fn forget_everything(front: &Front, notifier: &Notifier) {
    front.vault.with_inodes(|nodes| kernel_forgets(nodes, notifier).ok());
}

fn leave(mountpoint: &Path) {
    match unmount(mountpoint, false) {
        Ok(()) => info!("{}: unmounted for lack of use", mountpoint.display()),
        // somebody's working directory is in it; or it is out of sight already
        Err(Error::Busy { .. } | Error::NotMounted { .. } | Error::NotOurs { .. }) => {}
        Err(error) => warn!("{error}"),
    }
}
