//! Other machines, which write into the same folder.
//!
//! A sync client puts files into the ciphertext folder at any moment. Here is who notices ([`watcher`]); what it
//! means is said in the words of [`crate::volume::Change`], so that nobody who listens has to know this room.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod inotify;

use crate::volume::Watch;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// A watcher of the folder that holds a volume; it watches nothing yet. Fails where the system has none to offer,
/// or would tell of changes by this machine only.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn watcher(folder: &Path) -> io::Result<Arc<dyn Watch>> {
    if is_remote(rustix::fs::statfs(folder)?.f_type) {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "the folder is on a network file system"));
    }
    Ok(Arc::new(inotify::Watcher::new()?))
}

/// There is none for this system yet.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn watcher(_folder: &Path) -> io::Result<Arc<dyn Watch>> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "no watching on this system yet"))
}

/// Whether other machines write to a file system behind this one's back, by its number in statfs(2).
#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_remote(file_system: rustix::fs::FsWord) -> bool {
    const REMOTE: [u32; 9] = [
        0x0000_6969, // NFS
        0xff53_4d42, // CIFS
        0xfe53_4d42, // SMB2
        0x0000_517b, // SMB
        0x6573_5546, // FUSE: rclone, sshfs, Google Drive
        0x0102_1997, // 9P
        0x5346_414f, // AFS
        0x00c3_6400, // Ceph
        0x7372_7279, // VirtualBox shared folder
    ];
    REMOTE.contains(&(file_system as u32))
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use crate::sync::is_remote;
    use crate::sync::watcher;

    #[test]
    fn a_network_file_system_is_not_watched() {
        assert!(is_remote(0x6969) && is_remote(0x6573_5546));
        assert!(!is_remote(0xef53), "ext4");
    }

    #[test]
    fn a_local_folder_is_watched_and_the_waiting_ends_when_closed() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let watcher = watcher(folder.path()).expect("inotify");
        let waiting = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| watcher.next().is_none());
            watcher.close();
            waiting.join().expect("no panic")
        });
        assert!(waiting);
    }
}
