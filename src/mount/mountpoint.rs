//! Is this a place to mount on? Asked before anything is mounted.
//!
//! Folders are compared by device and inode number, so links, bind mounts and file systems that ignore case
//! hide nothing.

use super::error::Error;
use super::mounts::absolute;
use super::mounts::is_alive;
use super::mounts::mounted_on;
use super::synced::same;
use super::synced::synced_folder;
use super::unmount::unmount;
use crate::config::CONFIG_FILES;
use crate::config::ConfigFile;
use crate::config::FileKind;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

/// Checks the mount point and clears a dead mount of ours away; gives its absolute path.
pub(super) fn prepare(
    volume: &Path,
    mountpoint: &Path,
    nonempty: bool,
    even_if_synced: bool,
) -> Result<PathBuf, Error> {
    clear_dead(mountpoint)?;
    let path = mountpoint.canonicalize().map_err(|source| missing(mountpoint, source))?;
    let metadata = fs::metadata(&path).map_err(|source| missing(mountpoint, source))?;
    if !metadata.is_dir() {
        return Err(Error::NotAFolder { path });
    }
    refuse_danger(volume, &path, even_if_synced)?;
    let mut entries = fs::read_dir(&path).map_err(|source| Error::System { path: path.clone(), source })?;
    if !nonempty && entries.next().is_some() {
        return Err(Error::NotEmpty { path });
    }
    Ok(path)
}

fn missing(path: &Path, source: io::Error) -> Error {
    let path = path.into();
    match source.kind() {
        io::ErrorKind::NotFound => Error::NoMountPoint { path },
        _ => Error::System { path, source },
    }
}

/// A daemon that was killed together with its guard leaves a mount behind that answers nobody.
fn clear_dead(mountpoint: &Path) -> Result<(), Error> {
    if cfg!(not(target_os = "linux")) {
        return Ok(()); // macOS clears up by itself
    }
    let path = absolute(mountpoint).map_err(|source| missing(mountpoint, source))?;
    while let Some(line) = mounted_on(&path)? {
        match (line.is_ours(), is_alive(&path)) {
            (true, true) => return Err(Error::AlreadyMounted { path, volume: line.source }),
            (true, false) => unmount(&path, true)?,
            (false, true) => break,
            (false, false) => return Err(Error::DeadMount { path, kind: line.kind }),
        }
    }
    Ok(())
}

/// Refuses a place where the clear view would hide the ciphertext, or end up among it, or be uploaded.
fn refuse_danger(volume: &Path, path: &Path, even_if_synced: bool) -> Result<(), Error> {
    let volume = &volume.canonicalize().map_err(|source| Error::System { path: volume.into(), source })?;
    if path.ancestors().any(|folder| same(folder, volume)) {
        return Err(Error::InsideVolume { path: path.into(), volume: volume.into() });
    }
    if volume.ancestors().any(|folder| same(folder, path)) {
        return Err(Error::HidesVolume { path: path.into(), volume: volume.into() });
    }
    if even_if_synced {
        return Ok(());
    }
    if let Some(folder) = synced_folder(path) {
        return Err(Error::InsideSyncedFolder { path: path.into(), folder });
    }
    match path.ancestors().find(|folder| is_volume(folder)) {
        Some(other) => Err(Error::InsideAnotherVolume { path: path.into(), volume: other.into() }),
        None => Ok(()),
    }
}

/// Whether a folder holds the config of a volume. In a home directory it may be that of a volume elsewhere
/// (`ENCFS6_CONFIG`).
fn is_volume(folder: &Path) -> bool {
    let is_home = std::env::var_os("HOME").is_some_and(|home| same(Path::new(&home), folder));
    let is_config = |file: &&ConfigFile| match file.kind {
        FileKind::V6 | FileKind::V5 | FileKind::V4 => folder.join(file.name).is_file(),
        FileKind::Unsupported(_) => false,
    };
    !is_home && CONFIG_FILES.iter().any(|file| is_config(&file))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with `volume`, `mount` and `synced/volume` in it.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a scratch folder");
        for name in ["volume/inner", "mount", "synced/volume", "synced/mount"] {
            fs::create_dir_all(folder.path().join(name)).expect("a fresh folder");
        }
        folder
    }

    fn check(folder: &tempfile::TempDir, volume: &str, mountpoint: &str) -> Result<PathBuf, Error> {
        prepare(&folder.path().join(volume), &folder.path().join(mountpoint), false, false)
    }

    #[test]
    fn an_empty_folder_elsewhere() {
        let folder = folder();
        let path = check(&folder, "volume", "mount").expect("nothing wrong with it");
        assert_eq!(path, folder.path().join("mount").canonicalize().expect("it exists"));
    }

    #[test]
    fn missing_or_no_folder_or_not_empty() {
        let folder = folder();
        assert!(matches!(check(&folder, "volume", "nowhere"), Err(Error::NoMountPoint { .. })));
        assert!(matches!(check(&folder, "volume", "nowhere/at/all"), Err(Error::NoMountPoint { .. })));
        fs::write(folder.path().join("file"), "").expect("a scratch file");
        assert!(matches!(check(&folder, "volume", "file"), Err(Error::NotAFolder { .. })));
        fs::write(folder.path().join("mount/file"), "").expect("a scratch file");
        assert!(matches!(check(&folder, "volume", "mount"), Err(Error::NotEmpty { .. })));
        let (volume, mount) = (folder.path().join("volume"), folder.path().join("mount"));
        assert!(prepare(&volume, &mount, true, false).is_ok());
    }

    #[test]
    fn inside_the_volume_or_over_it() {
        let folder = folder();
        assert!(matches!(check(&folder, "volume", "volume"), Err(Error::InsideVolume { .. })));
        assert!(matches!(check(&folder, "volume", "volume/inner"), Err(Error::InsideVolume { .. })));
        assert!(matches!(check(&folder, "volume/inner", "volume"), Err(Error::HidesVolume { .. })));
    }

    #[test]
    fn a_link_hides_nothing() {
        let folder = folder();
        std::os::unix::fs::symlink("volume", folder.path().join("link")).expect("a fresh link");
        assert!(matches!(check(&folder, "volume", "link/inner"), Err(Error::InsideVolume { .. })));
        assert!(matches!(check(&folder, "link", "volume"), Err(Error::InsideVolume { .. })));
    }

    #[test]
    fn inside_a_synced_folder_with_the_volume_in_it_or_not() {
        let folder = folder();
        assert!(check(&folder, "volume", "synced/mount").is_ok());
        fs::create_dir(folder.path().join("synced/.stfolder")).expect("a fresh marker");
        for volume in ["synced/volume", "volume"] {
            let refused = check(&folder, volume, "synced/mount");
            assert!(matches!(refused, Err(Error::InsideSyncedFolder { .. })), "{refused:?}");
            assert!(check(&folder, volume, "mount").is_ok());
            let (volume, mount) = (folder.path().join(volume), folder.path().join("synced/mount"));
            assert!(prepare(&volume, &mount, false, true).is_ok(), "told to");
        }
    }

    #[test]
    fn inside_another_volume() {
        let folder = folder();
        fs::write(folder.path().join("synced/.encfs6.xml"), "").expect("a scratch file");
        assert!(matches!(check(&folder, "volume", "synced/mount"), Err(Error::InsideAnotherVolume { .. })));
        let (volume, mount) = (folder.path().join("volume"), folder.path().join("synced/mount"));
        assert!(prepare(&volume, &mount, false, true).is_ok(), "told to");
        // its own is another matter
        assert!(matches!(
            prepare(&volume, &volume.join("inner"), false, true),
            Err(Error::InsideVolume { .. })
        ));
    }
}
