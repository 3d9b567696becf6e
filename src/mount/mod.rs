//! A volume as a file system: FUSE on Linux, macFUSE on macOS (docs/semantics.md).
//!
//! [`run`] is the daemon: mount, serve, unmount on a signal. [`Session`] is a mount without a process around
//! it. Inside, `fuse` speaks the protocol and holds no opinion, `tree` is the volume seen by numbers, where
//! `inode` knows the nodes and `handle` what is open. `front` counts what passes between the kernel and `fuse`, and
//! `vault` unlocks and locks what is behind it; `attendants` are the threads beside the serving ones, `control` is
//! where others ask how the mount is. `reconcile` takes up what other machines did on disk, and `announce`, with
//! `announcer`, lets those who watch the mount hear of it.
//!
//! Nothing here logs a plaintext name. `fuser` does, through the `log` crate: never bridge it to `tracing`.

mod acl;
mod announce;
#[cfg_attr(not(target_os = "linux"), path = "no_announcer.rs")]
mod announcer;
mod attendants;
mod attr;
mod caching;
mod config_watch;
mod control;
mod counters;
mod dirs;
mod errno;
mod error;
mod files;
mod front;
mod fuse;
pub mod guard;
mod handle;
mod holders;
mod idle;
mod inode;
mod locked;
mod manager;
mod mountpoint;
mod mounts;
mod options;
mod reconcile;
mod rescue;
mod run;
mod seek;
mod status;
mod synced;
#[cfg(test)]
mod testing;
mod tree;
mod unmount;
mod vault;

pub use caching::Caching;
pub use error::Error;
pub use holders::{Holder, holders};
pub use mounts::{Mounted, State, mounts};
pub use options::MountOptions;
pub use run::{Session, run};
pub use status::{REPORT, Status};
pub use synced::{SyncedFolder, synced_folder};
pub use unmount::unmount;
pub use vault::{OnDemand, Source, Unlock};
