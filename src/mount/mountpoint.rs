//! Is this a place to mount on? Asked before anything is mounted.
//!
//! Folders are compared by device and inode number, so links, bind mounts and file systems that ignore case
//! hide nothing.

use super::error::Error;
use super::mounts::absolute;
use super::mounts::is_alive;
use super::mounts::mounted_on;
use super::unmount::unmount;
use std::fs;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

/// Checks the mount point and clears a dead mount of ours away; gives its absolute path.
pub(super) fn prepare(volume: &Path, mountpoint: &Path, nonempty: bool) -> Result<PathBuf, Error> {
    clear_dead(mountpoint)?;
    let path = mountpoint.canonicalize().map_err(|source| missing(mountpoint, source))?;
    let metadata = fs::metadata(&path).map_err(|source| missing(mountpoint, source))?;
    if !metadata.is_dir() {
        return Err(Error::NotAFolder { path });
    }
    refuse_danger(volume, &path)?;
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
fn refuse_danger(volume: &Path, path: &Path) -> Result<(), Error> {
    let volume = &volume.canonicalize().map_err(|source| Error::System { path: volume.into(), source })?;
    if above(path).any(|folder| same(&folder, volume)) {
        return Err(Error::InsideVolume { path: path.into(), volume: volume.into() });
    }
    if above(volume).any(|folder| same(&folder, path)) {
        return Err(Error::HidesVolume { path: path.into(), volume: volume.into() });
    }
    for folder in above(volume) {
        if let Some(marker) = sync_marker(&folder).filter(|_| above(path).any(|above| same(&above, &folder)))
        {
            return Err(Error::InsideSyncedFolder { path: path.into(), folder, marker });
        }
    }
    Ok(())
}

/// A folder and every one above it.
fn above(folder: &Path) -> impl Iterator<Item = PathBuf> {
    folder.ancestors().map(Path::to_path_buf)
}

fn same(a: &Path, b: &Path) -> bool {
    let id = |path| fs::metadata(path).map(|found: Metadata| (found.dev(), found.ino()));
    matches!((id(a), id(b)), (Ok(a), Ok(b)) if a == b)
}

/// What a sync client leaves at the top of the folder that it keeps in step.
fn sync_marker(folder: &Path) -> Option<String> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let found =
        entries.filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.file_type().ok()?)));
    let mut markers = found.filter(|(name, kind)| match name.as_str() {
        // in the home directory a folder of that name holds Dropbox's settings
        ".dropbox" => kind.is_file(),
        ".dropbox.cache" => kind.is_dir(),
        ".stfolder" | ".nextcloudsync.log" | ".owncloudsync.log" => true,
        name => (name.starts_with(".sync_") || name.starts_with("._sync_")) && name.ends_with(".db"),
    });
    markers.next().map(|(name, _)| name)
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
        prepare(&folder.path().join(volume), &folder.path().join(mountpoint), false)
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
        assert!(prepare(&volume, &mount, true).is_ok());
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
    fn inside_the_synced_folder_of_the_volume() {
        let folder = folder();
        assert!(check(&folder, "synced/volume", "synced/mount").is_ok());
        for (marker, is_dir) in [(".dropbox", false), (".stfolder", true), (".sync_0a1b2c.db", false)] {
            let marker = folder.path().join("synced").join(marker);
            if is_dir { fs::create_dir(&marker) } else { fs::write(&marker, "") }.expect("a fresh marker");
            let refused = check(&folder, "synced/volume", "synced/mount");
            assert!(matches!(refused, Err(Error::InsideSyncedFolder { .. })), "{}", marker.display());
            assert!(check(&folder, "synced/volume", "mount").is_ok());
            if is_dir { fs::remove_dir(&marker) } else { fs::remove_file(&marker) }.expect("it is there");
        }
    }

    #[test]
    fn the_settings_of_dropbox_are_no_marker() {
        let folder = folder();
        fs::create_dir(folder.path().join(".dropbox")).expect("a fresh folder");
        assert!(check(&folder, "volume", "mount").is_ok());
    }
}
