//! What a mount shows: a volume that is open, or one that is unlocked when somebody comes and locked when nobody
//! has come for a while.
//!
//! Locked, there is no key and no cipher in this process. What stays is what the kernel may still ask about: the
//! nodes it knows, with their names, and the directories that lead to them ([`Outline`]).

use super::announce::Announcements;
use super::caching::Caching;
use super::fuse::Fuse;
use super::inode::Inodes;
use super::manager::Manager;
use super::tree::Tree;
use crate::volume::Outline;
use crate::volume::Volume;
use crate::volume::Watch;
use fuser::Errno;
use std::fmt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::RwLockReadGuard;
use std::thread;
use std::time::Duration;
use std::time::Instant;
use tracing::info;
use tracing::warn;

/// After a failure nobody is asked for the password again for so long.
const PAUSE: Duration = Duration::from_secs(5);

/// How long a request waits for the volume to be unlocked; somebody may have to confirm it on a screen.
const PATIENCE: Duration = Duration::from_secs(120);

/// More than the calls below a request need.
const STACK_LEN: usize = 64 << 10;

/// What is to be mounted.
#[derive(Debug)]
pub enum Source {
    /// An open volume.
    Volume(Arc<Volume>),
    /// A volume that is unlocked when it is needed.
    OnDemand(OnDemand),
}

impl From<Arc<Volume>> for Source {
    fn from(volume: Arc<Volume>) -> Source {
        Source::Volume(volume)
    }
}

impl From<OnDemand> for Source {
    fn from(volume: OnDemand) -> Source {
        Source::OnDemand(volume)
    }
}

/// A volume that is unlocked when somebody looks into its mount.
pub struct OnDemand {
    /// The ciphertext folder.
    pub root: PathBuf,
    /// Whether every change is refused.
    pub read_only: bool,
    /// Opens the volume, without anybody to ask; called on a thread of its own, never twice at once.
    pub unlock: Box<Unlock>,
}

/// See [`OnDemand::unlock`].
pub type Unlock = dyn Fn() -> Result<Volume, Box<dyn std::error::Error + Send + Sync>> + Send + Sync;

impl fmt::Debug for OnDemand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnDemand").field("root", &self.root).finish_non_exhaustive()
    }
}

impl Source {
    pub(super) fn root(&self) -> &Path {
        match self {
            Source::Volume(volume) => volume.root_path(),
            Source::OnDemand(volume) => &volume.root,
        }
    }

    pub(super) fn read_only(&self) -> bool {
        match self {
            Source::Volume(volume) => volume.read_only(),
            Source::OnDemand(volume) => volume.read_only,
        }
    }
}

/// The file system behind a mount, if it is unlocked.
#[derive(Debug)]
pub(super) enum Vault {
    Open(Box<Fuse>),
    OnDemand(Arc<Door>),
}

/// The door of a volume that is unlocked on demand.
#[derive(Debug)]
pub(super) struct Door {
    volume: OnDemand,
    caching: Caching,
    watch: Option<Arc<dyn Watch>>,
    announcements: Arc<Announcements>,
    /// Held for reading by every request, for writing while the door opens or closes.
    contents: RwLock<Contents>,
    attempt: Mutex<Attempt>,
    attempted: Condvar,
    /// Told of every change, once the mount has one.
    manager: OnceLock<Manager>,
}

#[derive(Debug)]
enum Contents {
    Open(Box<Fuse>),
    /// With what is known from before, once it was open.
    Locked(Option<Memory>),
}

/// What outlives the keys.
#[derive(Debug)]
struct Memory {
    inodes: Inodes,
    outline: Outline,
}

#[derive(Debug, Clone, Copy)]
enum Attempt {
    None,
    UnderWay,
    Failed(Instant),
}

impl Vault {
    pub(super) fn new(
        source: Source,
        caching: Caching,
        watch: Option<Arc<dyn Watch>>,
        announcements: Arc<Announcements>,
    ) -> Vault {
        match source {
            Source::Volume(volume) => Vault::Open(Box::new(Fuse::new(volume, caching, watch, announcements))),
            Source::OnDemand(volume) => Vault::OnDemand(Arc::new(Door {
                volume,
                caching,
                watch,
                announcements,
                contents: RwLock::new(Contents::Locked(None)),
                attempt: Mutex::new(Attempt::None),
                attempted: Condvar::new(),
                manager: OnceLock::new(),
            })),
        }
    }

    /// Has a request served; unlocks the volume for it if need be, `EACCES` if that fails.
    pub(super) fn with(&self, serve: impl FnOnce(Result<&Fuse, Errno>)) {
        match self {
            Vault::Open(fuse) => serve(Ok(fuse)),
            Vault::OnDemand(door) => door.with(serve),
        }
    }

    /// The same without unlocking anything; says whether it was served.
    pub(super) fn with_open(&self, serve: impl FnOnce(&Fuse)) -> bool {
        match self {
            Vault::Open(fuse) => serve(fuse),
            Vault::OnDemand(door) => match &*door.contents() {
                Contents::Open(fuse) => serve(fuse),
                Contents::Locked(_) => return false,
            },
        }
        true
    }

    /// The ciphertext folder, if the volume is locked.
    pub(super) fn locked(&self) -> Option<&Path> {
        match self {
            Vault::Open(_) => None,
            Vault::OnDemand(door) => match *door.contents() {
                Contents::Open(_) => None,
                Contents::Locked(_) => Some(&door.volume.root),
            },
        }
    }

    /// The nodes that the kernel knows; `None` before the first unlocking.
    pub(super) fn with_inodes<T>(&self, ask: impl FnOnce(&Inodes) -> T) -> Option<T> {
        match self {
            Vault::Open(fuse) => Some(ask(&fuse.tree.inodes)),
            Vault::OnDemand(door) => match &*door.contents() {
                Contents::Open(fuse) => Some(ask(&fuse.tree.inodes)),
                Contents::Locked(memory) => memory.as_ref().map(|memory| ask(&memory.inodes)),
            },
        }
    }

    /// Whether a file or directory is open.
    pub(super) fn in_use(&self) -> bool {
        let mut in_use = false;
        self.with_open(|fuse| in_use = !fuse.tree.files.is_empty() || !fuse.tree.dirs.is_empty());
        in_use
    }

    /// Whether this is a volume that can be locked, and unlocked again.
    pub(super) fn can_be_locked(&self) -> bool {
        matches!(self, Vault::OnDemand(_))
    }

    /// Locks the volume unless it is in use at this moment; whether it was unlocked and is locked now.
    pub(super) fn lock(&self) -> bool {
        match self {
            Vault::Open(_) => false,
            Vault::OnDemand(door) => door.lock(),
        }
    }

    /// Has the service manager told of every locking and unlocking.
    pub(super) fn tell(&self, manager: &Manager) {
        if let Vault::OnDemand(door) = self {
            door.manager.get_or_init(|| manager.clone());
        }
    }
}

impl Door {
    fn with(self: &Arc<Self>, serve: impl FnOnce(Result<&Fuse, Errno>)) {
        loop {
            if let Contents::Open(fuse) = &*self.contents() {
                serve(Ok(fuse));
                return scrub_stack();
            }
            if let Err(errno) = self.unlock() {
                return serve(Err(errno));
            }
            // and if it was locked again in this instant, once more
        }
    }

    /// Waits until the volume is unlocked, and sees to it that somebody does that.
    fn unlock(self: &Arc<Self>) -> Result<(), Errno> {
        let mut attempt = self.attempt();
        match *attempt {
            Attempt::Failed(at) if at.elapsed() < PAUSE => return Err(Errno::EACCES),
            Attempt::UnderWay => {}
            Attempt::None | Attempt::Failed(_) => {
                let door = Arc::clone(self);
                let opener = thread::Builder::new().name("unlock".to_owned());
                if let Err(error) = opener.spawn(move || door.open()) {
                    warn!("cannot unlock {}: {error}", self.volume.root.display());
                    return Err(Errno::EACCES);
                }
                *attempt = Attempt::UnderWay;
            }
        }
        let under_way = |attempt: &mut Attempt| matches!(attempt, Attempt::UnderWay);
        let waited = self.attempted.wait_timeout_while(attempt, PATIENCE, under_way);
        let (attempt, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if matches!(*attempt, Attempt::None) { Ok(()) } else { Err(Errno::EACCES) }
    }

    fn open(&self) {
        // a request that came late may find the work done
        let is_open = matches!(*self.contents(), Contents::Open(_));
        let opened =
            if is_open { Ok(()) } else { (self.volume.unlock)().and_then(|volume| self.enter(volume)) };
        *self.attempt() = match opened {
            Ok(()) => Attempt::None,
            Err(error) => {
                warn!("cannot unlock {}: {error}", self.volume.root.display());
                Attempt::Failed(Instant::now())
            }
        };
        self.attempted.notify_all();
        scrub_stack();
    }

    fn enter(&self, volume: Volume) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let mut contents = self.contents.write().unwrap_or_else(PoisonError::into_inner);
        let Contents::Locked(memory) = &mut *contents else { return Ok(()) };
        let volume = match memory {
            Some(memory) => volume.resume(&memory.outline)?,
            None => volume,
        };
        let mut fuse =
            Fuse::new(Arc::new(volume), self.caching, self.watch.clone(), Arc::clone(&self.announcements));
        if let Some(memory) = memory.take() {
            fuse.tree.inodes = memory.inodes;
        }
        *contents = Contents::Open(Box::new(fuse));
        info!("unlocked {}", self.volume.root.display());
        self.manager.get().inspect(|manager| manager.unlocked());
        Ok(())
    }

    fn lock(&self) -> bool {
        // a request under way is use
        let Ok(mut contents) = self.contents.try_write() else { return false };
        let in_use = |tree: &Tree| !tree.files.is_empty() || !tree.dirs.is_empty();
        match std::mem::replace(&mut *contents, Contents::Locked(None)) {
            Contents::Open(fuse) if !in_use(&fuse.tree) => {
                let Tree { volume, inodes, .. } = fuse.tree;
                // without keys nobody could say which name has changed
                for dir in inodes.unwatch_all() {
                    self.watch.iter().for_each(|watch| watch.unwatch(dir));
                }
                let outline = volume.outline();
                *contents = Contents::Locked(Some(Memory { inodes, outline }));
            }
            other => {
                *contents = other;
                return false;
            }
        }
        scrub_stack();
        info!("locked {}", self.volume.root.display());
        self.manager.get().inspect(|manager| manager.locked());
        true
    }

    fn contents(&self) -> RwLockReadGuard<'_, Contents> {
        self.contents.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn attempt(&self) -> MutexGuard<'_, Attempt> {
        self.attempt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ciphers leave round keys on the stack of the thread that they worked on. This overwrites what calls that have
/// returned left there, as far down as they go; about a microsecond.
#[inline(never)]
fn scrub_stack() {
    std::hint::black_box(&mut [0_u8; STACK_LEN]);
}
