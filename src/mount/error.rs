//! How mounting and unmounting can fail.

use super::synced::SyncedFolder;
use std::io;
use std::path::PathBuf;

/// Why a volume was not mounted, served or unmounted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing to mount on.
    #[error("{}: the mount point does not exist", path.display())]
    NoMountPoint {
        /// As given.
        path: PathBuf,
    },
    /// The mount point is something else than a folder.
    #[error("{}: the mount point is not a folder", path.display())]
    NotAFolder {
        /// As given.
        path: PathBuf,
    },
    /// What is in the mount point would be hidden; `-o nonempty` allows it.
    #[error("{}: the mount point is not empty", path.display())]
    NotEmpty {
        /// The mount point.
        path: PathBuf,
    },
    /// A living mount of ours is there already.
    #[error("{}: already mounted here: {}", path.display(), volume.display())]
    AlreadyMounted {
        /// The mount point.
        path: PathBuf,
        /// The volume that it shows.
        volume: PathBuf,
    },
    /// A mount whose program has died, and not one of ours to clear.
    #[error("{}: a dead mount ({kind}) is in the way; unmount it first", path.display())]
    DeadMount {
        /// The mount point.
        path: PathBuf,
        /// Its file system type.
        kind: String,
    },
    /// The clear view would become part of the ciphertext.
    #[error("{}: the mount point lies inside the volume {}", path.display(), volume.display())]
    InsideVolume {
        /// The mount point.
        path: PathBuf,
        /// The ciphertext folder.
        volume: PathBuf,
    },
    /// The mount would hide the ciphertext that it shows.
    #[error("{}: mounting here would hide the volume {}", path.display(), volume.display())]
    HidesVolume {
        /// The mount point.
        path: PathBuf,
        /// The ciphertext folder.
        volume: PathBuf,
    },
    /// The sync client would upload the clear view.
    #[error("{}: the mount point lies inside {folder}: the decrypted files would be uploaded", path.display())]
    InsideSyncedFolder {
        /// The mount point.
        path: PathBuf,
        /// The synced folder.
        folder: SyncedFolder,
    },
    /// The clear view would lie among the ciphertext of another volume.
    #[error("{}: the mount point lies inside another volume, {}", path.display(), volume.display())]
    InsideAnotherVolume {
        /// The mount point.
        path: PathBuf,
        /// The other ciphertext folder.
        volume: PathBuf,
    },
    /// A mount option that cannot be honoured.
    #[error("-o {option}: {problem}")]
    Option {
        /// The option.
        option: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// No FUSE on this machine.
    #[error("/dev/fuse: {source} (is the fuse module loaded, and may you use it?)")]
    NoFuse {
        /// What opening it gave.
        source: io::Error,
    },
    /// Mounting failed.
    #[error("{}: cannot mount: {source}", path.display())]
    Mount {
        /// The mount point.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Mounting failed, and options that only the kernel can judge were among those given.
    #[error("{}: cannot mount; check -o {options}: {source}", path.display())]
    MountWithOptions {
        /// The mount point.
        path: PathBuf,
        /// The options passed on unseen.
        options: String,
        /// What the system said.
        source: io::Error,
    },
    /// The connection to the kernel failed while the volume was mounted.
    #[error("serving the mount failed: {source}")]
    Serve {
        /// What the system said.
        source: io::Error,
    },
    /// Nothing is mounted there.
    #[error("{}: nothing is mounted here", path.display())]
    NotMounted {
        /// The path given.
        path: PathBuf,
    },
    /// Something else is mounted there.
    #[error("{}: mounted by another program ({kind})", path.display())]
    NotOurs {
        /// The mount point.
        path: PathBuf,
        /// Its file system type.
        kind: String,
    },
    /// A file or folder of the mount is in use.
    #[error(
        "{}: in use; close the files that are open there and leave the folder, or unmount lazily", path.display()
    )]
    Busy {
        /// The mount point.
        path: PathBuf,
    },
    /// Unmounting failed.
    #[error("{}: cannot unmount: {reason}", path.display())]
    Unmount {
        /// The mount point.
        path: PathBuf,
        /// What the system or `fusermount` said.
        reason: String,
    },
    /// A question to the system about a path, or about this process, went unanswered.
    #[error("{}: {source}", path.display())]
    System {
        /// What was asked about.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
