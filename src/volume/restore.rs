//! Files that may be the config of a volume under another name, and putting one in its place.

use super::open::{OpenError, read_config, resemble, root_error, write_whole};
use crate::config::{CONFIG_FILES, Config};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file beside the config that may be one: a conflicted copy, one that is just arriving, a backup.
#[derive(Debug)]
pub struct Candidate {
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub len: u64,
    /// When it was written, as far as the disk knows.
    pub modified: Option<SystemTime>,
    /// What it says, or why it cannot be read.
    pub config: Result<Config, OpenError>,
}

/// More are not looked at: whoever can write to the folder can put any number there.
const MAX_CANDIDATES: usize = 100;

/// What every config is called, whatever a sync client puts before and after it.
const STEM: &str = "encfs";

/// The files in `root` that may be a config which a sync client or a person gave another name, by name. Whatever mark
/// it got, before the ending or behind it (`.encfs6 (pc's conflicted copy 2026-11-22).xml`,
/// `.encfs6.sync-conflict-20261122-101500-ABCDEFG.xml`, `.encfs6.xml.bak`, `.syncthing..encfs6.xml.tmp`), the stem stays.
pub fn candidates(root: &Path) -> Vec<Candidate> {
    let Ok(entries) = fs::read_dir(root) else { return Vec::new() };
    let mut named: Vec<_> = entries.flatten().filter(|entry| could_be_config(&entry.file_name())).collect();
    named.sort_by_key(fs::DirEntry::file_name);
    let files = named.into_iter().filter_map(|entry| {
        let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
        let path = entry.path();
        let config = read_config(&path).map(|found| found.config);
        Some(Candidate { config, path, len: metadata.len(), modified: metadata.modified().ok() })
    });
    files.take(MAX_CANDIDATES).collect()
}

fn could_be_config(name: &OsStr) -> bool {
    let is_config = CONFIG_FILES.iter().any(|file| name == file.name);
    !is_config && name.to_string_lossy().to_lowercase().contains(STEM)
}

/// Makes `bytes` the config of the volume in `root`, at `path`. Nothing is overwritten: a config that is there, and any
/// that a reader would look for before it, gets a name that shows, with `stamp` in it; these are returned.
pub fn restore_config(
    root: &Path,
    path: &Path,
    bytes: &[u8],
    stamp: &str,
) -> Result<Vec<PathBuf>, OpenError> {
    let mut aside = Vec::new();
    // a link to it stays one
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let before = fs::metadata(&target).ok().filter(fs::Metadata::is_file);
    match &before {
        Some(_) => aside.push(copy_aside(root, path, stamp)?),
        None if path.symlink_metadata().is_ok() => aside.push(move_aside(root, path, stamp)?),
        None => {}
    }
    let put = match &before {
        Some(before) => write_whole(&target, bytes, 0o600, |file| resemble(file, before)),
        None => write_whole(path, bytes, 0o640, |_| Ok(())),
    };
    put.map_err(root_error(path))?;
    let before_it = CONFIG_FILES.iter().map(|file| root.join(file.name)).take_while(|other| other != path);
    for other in before_it.filter(|other| other.symlink_metadata().is_ok()) {
        aside.push(move_aside(root, &other, stamp)?);
    }
    Ok(aside)
}

fn copy_aside(root: &Path, path: &Path, stamp: &str) -> Result<PathBuf, OpenError> {
    let bytes = fs::read(path).map_err(root_error(path))?;
    with_free_name(root, path, stamp, |aside| {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(aside)?;
        file.write_all(&bytes)?;
        file.sync_all()
    })
}

fn move_aside(root: &Path, path: &Path, stamp: &str) -> Result<PathBuf, OpenError> {
    with_free_name(root, path, stamp, |aside| {
        if aside.symlink_metadata().is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        fs::rename(path, aside)
    })
}

fn with_free_name(
    root: &Path,
    path: &Path,
    stamp: &str,
    mut put: impl FnMut(&Path) -> io::Result<()>,
) -> Result<PathBuf, OpenError> {
    let name = path.file_name().unwrap_or(OsStr::new("config")).as_bytes();
    let mut number = 1;
    loop {
        let aside = root.join(OsStr::from_bytes(&name_aside(name, stamp, number)));
        match put(&aside) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            done => return done.map(|()| aside).map_err(root_error(path)),
        }
    }
}

/// `.encfs6.xml` put aside is `encfs6 (replaced STAMP).xml`: without the dot in front, so that it shows.
fn name_aside(name: &[u8], stamp: &str, number: u32) -> Vec<u8> {
    let name = name.strip_prefix(b".").unwrap_or(name);
    let dot = name.iter().rposition(|&byte| byte == b'.').filter(|&at| at > 0);
    let (base, extension) = name.split_at(dot.unwrap_or(name.len()));
    let number = if number > 1 { format!(", {number}") } else { String::new() };
    [base, format!(" (replaced {stamp}{number})").as_bytes(), extension].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_aside_shows() {
        let name = |name: &str, number| {
            String::from_utf8(name_aside(name.as_bytes(), "2026-11-22 101500", number)).expect("text")
        };
        assert_eq!(name(".encfs6.xml", 1), "encfs6 (replaced 2026-11-22 101500).xml");
        assert_eq!(name(".encfs5", 2), "encfs5 (replaced 2026-11-22 101500, 2)");
        assert_eq!(name(".encfs.txt", 1), "encfs (replaced 2026-11-22 101500).txt");
    }

    /// As Dropbox, Google Drive, OneDrive, Syncthing, Nextcloud, rsync and people call them.
    #[test]
    fn every_clients_marks_are_found() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let names = [
            "..encfs6.xml.kJ3d9x",
            "..encfs6.xml.~1a2b",
            ".encfs5 (1)",
            ".encfs6 (Case Conflict).xml",
            ".encfs6 (conflicted copy 2026-11-22 101500).xml",
            ".encfs6 (pc's conflicted copy 2026-11-22).xml",
            ".encfs6 (pcs i konflikt stående kopia 2026-11-22).xml",
            ".encfs6(1).xml",
            ".encfs6-LAPTOP.xml",
            ".encfs6.sync-conflict-20261122-101500-ABCDEFG.xml",
            ".encfs6.xml.bak",
            ".encfs6_conf(1).xml",
            ".syncthing..encfs6.xml.tmp",
            "encfs6.xml",
        ];
        for name in names {
            fs::write(folder.path().join(name), "").expect("written");
        }
        for name in [".encfs6.xml", "q3T,x7YbK", "notes.md"] {
            fs::write(folder.path().join(name), "").expect("written");
        }
        fs::create_dir(folder.path().join("encfs")).expect("made");
        let found = candidates(folder.path());
        let found: Vec<_> = found
            .iter()
            .map(|found| found.path.file_name().expect("a name").to_str().expect("UTF-8"))
            .collect();
        assert_eq!(found, names);
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let config = folder.path().join(".encfs6.xml");
        for (bytes, count) in [("one", 0), ("two", 1), ("three", 1)] {
            let aside = restore_config(folder.path(), &config, bytes.as_bytes(), "now").expect("restored");
            assert_eq!(aside.len(), count, "{aside:?}");
            assert_eq!(fs::read_to_string(&config).expect("there"), bytes);
        }
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("there");
        assert_eq!(
            (read("encfs6 (replaced now).xml"), read("encfs6 (replaced now, 2).xml")),
            ("one".into(), "two".into())
        );
        // an older generation does not count while a newer one is there
        let old = folder.path().join(".encfs5");
        let aside = restore_config(folder.path(), &old, b"old", "then").expect("restored");
        assert_eq!(aside, [folder.path().join("encfs6 (replaced then).xml")]);
        assert!(!config.exists());
        // a pipe or a folder is in the way
        fs::remove_file(&old).expect("there");
        fs::create_dir(&old).expect("made");
        let aside = restore_config(folder.path(), &old, b"old", "later").expect("restored");
        assert_eq!(aside, [folder.path().join("encfs5 (replaced later)")]);
        assert!(aside[0].is_dir());
    }

    #[test]
    fn a_link_to_the_config_stays_one() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let (real, link) = (folder.path().join("real"), folder.path().join(".encfs6.xml"));
        fs::write(&real, "before").expect("written");
        std::os::unix::fs::symlink(&real, &link).expect("linked");
        restore_config(folder.path(), &link, b"after", "now").expect("restored");
        assert!(link.symlink_metadata().expect("there").is_symlink());
        assert_eq!(fs::read_to_string(&real).expect("there"), "after");
        // one that leads nowhere
        fs::remove_file(&real).expect("there");
        let aside = restore_config(folder.path(), &link, b"again", "now").expect("restored");
        assert!(aside[0].symlink_metadata().expect("there").is_symlink());
        assert_eq!(fs::read_to_string(&link).expect("there"), "again");
    }
}
