//! A volume as a file system: FUSE on Linux, macFUSE on macOS (docs/semantics.md).
//!
//! [`run`] is the daemon: mount, serve, unmount on a signal. [`Session`] is a mount without a process around
//! it. Inside, `fuse` speaks the protocol and holds no opinion, `tree` is the volume seen by numbers, where
//! `inode` knows the nodes and `handle` what is open.
//!
//! Nothing here logs a plaintext name. `fuser` does, through the `log` crate: never bridge it to `tracing`.

mod attr;
mod caching;
mod dirs;
mod errno;
mod error;
mod files;
mod fuse;
pub mod guard;
mod handle;
mod inode;
mod mountpoint;
mod mounts;
mod options;
mod reconcile;
mod run;
#[cfg(test)]
mod testing;
mod tree;
mod unmount;

pub use caching::Caching;
pub use error::Error;
pub use mounts::{Mounted, mounts};
pub use options::MountOptions;
pub use run::{Session, run};
pub use unmount::unmount;
