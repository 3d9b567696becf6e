//! Comparing a volume with known truth: every name, size, link and byte.
//!
//! Truth is a folder that holds what the volume should hold, or a list of digests (`manifest.rs`).

use super::manifest::{Entry, Manifest};
use super::pool::Pool;
use super::report::{Error, Finding, Kind, Progress, Severity, Summary};
use crate::volume;
use crate::volume::{Dir, DirEntry, File, OpenFile, PlainPath, Volume};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes that are compared at a time.
const BUFFER_LEN: usize = 1 << 20;

/// What a volume should hold.
#[derive(Debug)]
pub enum Truth<'a> {
    /// What this folder holds.
    Folder(&'a Path),
    /// What this list says.
    Manifest(&'a Manifest),
}

/// Compares the whole volume, and tells `progress` what differs.
pub fn compare(
    volume: &Volume,
    truth: &Truth<'_>,
    jobs: Option<NonZeroUsize>,
    progress: &mut dyn Progress,
) -> Result<Summary, Error> {
    volume.list(&volume.root())?; // can it be read at all?
    let report = Mutex::new(Report { progress, summary: Summary::default() });
    let comparison = Comparison { volume, truth, report };
    let first = Job::Folder(volume.root(), PlainPath::default());
    Pool::run(jobs, first, |pool, job, buffers: &mut Buffers| {
        if pool.stopped() || comparison.report().progress.stopped() {
            return pool.stop();
        }
        match job {
            Job::Folder(dir, path) => comparison.folder(pool, &dir, &path, buffers),
            Job::File(dir, entry, path, expected) => {
                comparison.file(pool, &dir, &entry, &path, &expected, buffers)
            }
        }
    });
    let report = comparison.report.into_inner().unwrap_or_else(PoisonError::into_inner);
    if report.progress.stopped() { Err(Error::Interrupted) } else { Ok(report.summary) }
}

enum Job {
    Folder(Dir, PlainPath),
    File(Dir, DirEntry, PlainPath, Expected),
}

/// What an entry should be.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Expected {
    Folder,
    /// The contents of this file.
    Bytes(PathBuf),
    /// Contents with this length, if it is known, and this SHA-256.
    Digest(Option<u64>, [u8; 32]),
    Link(OsString),
    /// Pipes, sockets, devices: only that they are there.
    Special,
}

#[derive(Default)]
struct Buffers {
    ours: Vec<u8>,
    theirs: Vec<u8>,
}

struct Report<'a> {
    progress: &'a mut dyn Progress,
    summary: Summary,
}

struct Comparison<'a> {
    volume: &'a Volume,
    truth: &'a Truth<'a>,
    report: Mutex<Report<'a>>,
}

impl<'a> Comparison<'a> {
    fn report(&self) -> MutexGuard<'_, Report<'a>> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn folder(&self, pool: &Pool<Job>, dir: &Dir, path: &PlainPath, buffers: &mut Buffers) {
        let entries = match self.volume.list(dir) {
            Ok(entries) => entries,
            Err(error) => return self.found(path, Kind::Unreadable, error.fault.to_string()),
        };
        let mut expected = match self.expected_in(path) {
            Ok(expected) => expected,
            Err(error) => return self.found(path, Kind::Unreadable, format!("what it should hold: {error}")),
        };
        for entry in entries {
            if self.stopped(pool) {
                return;
            }
            let path = path.join(&entry.name);
            let expected = expected.remove(entry.name.as_os_str());
            self.count(|summary| match entry.kind {
                volume::Kind::File => summary.files += 1,
                volume::Kind::Dir => summary.folders += 1,
                volume::Kind::Symlink => summary.links += 1,
                _ => {}
            });
            match (expected, entry.kind) {
                (None, volume::Kind::Dir) if self.says_nothing_of_folders() => {
                    self.descend(pool, dir, &entry, path);
                }
                (None, volume::Kind::Symlink) if self.says_nothing_of_folders() => {}
                (None, _) => self.found(&path, Kind::Extra, "is in the volume, and should not be".into()),
                (Some(Expected::Folder), volume::Kind::Dir) => self.descend(pool, dir, &entry, path),
                (Some(expected @ (Expected::Bytes(_) | Expected::Digest(..))), volume::Kind::File) => {
                    if pool.is_full() {
                        self.file(pool, dir, &entry, &path, &expected, buffers);
                    } else {
                        pool.add(Job::File(dir.clone(), entry, path, expected));
                    }
                }
                (Some(Expected::Link(target)), volume::Kind::Symlink) => {
                    self.link(dir, &entry, &path, &target)
                }
                (Some(Expected::Special), kind) if is_special(kind) => {}
                (Some(_), kind) => {
                    self.found(&path, Kind::Differs, format!("is a {kind:?}, and should not be"))
                }
            }
            self.report().progress.item();
        }
        let mut missing: Vec<_> = expected.into_keys().collect();
        missing.sort();
        for name in missing {
            self.found(&path.join(&name), Kind::Missing, "is not in the volume".into());
        }
    }

    fn descend(&self, pool: &Pool<Job>, dir: &Dir, entry: &DirEntry, path: PlainPath) {
        match self.volume.open_dir(dir, &entry.name) {
            Ok(below) => pool.add(Job::Folder(below, path)),
            Err(error) => self.found(&path, Kind::Unreadable, error.fault.to_string()),
        }
    }

    fn says_nothing_of_folders(&self) -> bool {
        matches!(self.truth, Truth::Manifest(manifest) if manifest.files_only())
    }

    fn expected_in(&self, path: &PlainPath) -> io::Result<HashMap<OsString, Expected>> {
        match self.truth {
            Truth::Folder(root) => in_folder(&root.join(path.to_path())),
            Truth::Manifest(manifest) => {
                let entries = manifest.below(path).map(|(name, entry)| (name.to_owned(), expected(entry)));
                Ok(entries.collect())
            }
        }
    }

    fn link(&self, dir: &Dir, entry: &DirEntry, path: &PlainPath, expected: &OsStr) {
        match self.volume.readlink(dir, &entry.name) {
            Ok(target) if target == expected => {}
            Ok(target) => {
                let (target, expected) = (target.to_string_lossy(), expected.to_string_lossy());
                self.found(path, Kind::Differs, format!("leads to {target}, and should lead to {expected}"));
            }
            Err(error) => self.found(path, Kind::LinkTarget, error.fault.to_string()),
        }
    }

    fn file(
        &self,
        pool: &Pool<Job>,
        dir: &Dir,
        entry: &DirEntry,
        path: &PlainPath,
        expected: &Expected,
        buffers: &mut Buffers,
    ) {
        let how = OpenFile { read: true, ..OpenFile::default() };
        let compared = self.volume.open_file(dir, &entry.name, how).and_then(|file| {
            buffers.ours.resize(BUFFER_LEN, 0);
            match expected {
                Expected::Bytes(local) => self.with_file(pool, &file, local, buffers),
                Expected::Digest(len, digest) => self.with_digest(pool, &file, *len, digest, buffers),
                Expected::Folder | Expected::Link(_) | Expected::Special => Ok(None),
            }
        });
        match compared {
            Ok(None) => {}
            Ok(Some(difference)) => self.found(path, Kind::Differs, difference),
            Err(error) => self.found(path, Kind::Unreadable, error.fault.to_string()),
        }
    }

    /// The first difference from a file of this machine, in words.
    fn with_file(
        &self,
        pool: &Pool<Job>,
        file: &File,
        local: &Path,
        buffers: &mut Buffers,
    ) -> Result<Option<String>, volume::Error> {
        let unreadable = |error: io::Error| Some(format!("cannot be compared: {}: {error}", local.display()));
        let mut theirs = match fs::File::open(local) {
            Ok(theirs) => theirs,
            Err(error) => return Ok(unreadable(error)),
        };
        let size = file.stat()?.size;
        match theirs.metadata() {
            Ok(metadata) if metadata.len() != size => {
                return Ok(Some(format!("has {size} bytes, and should have {}", metadata.len())));
            }
            Ok(_) => {}
            Err(error) => return Ok(unreadable(error)),
        }
        buffers.theirs.resize(BUFFER_LEN, 0);
        let mut offset = 0;
        while !self.stopped(pool) {
            let len = file.read_at(&mut buffers.ours, offset)?;
            if len == 0 {
                break;
            }
            let (ours, theirs_part) = (&buffers.ours[..len], &mut buffers.theirs[..len]);
            if let Err(error) = theirs.read_exact(theirs_part) {
                return Ok(unreadable(error));
            }
            if let Some(at) = ours.iter().zip(&*theirs_part).position(|(our, their)| our != their) {
                return Ok(Some(format!("differs from byte {} on", offset + at as u64)));
            }
            self.bytes(len as u64);
            offset += len as u64;
        }
        Ok(None)
    }

    fn with_digest(
        &self,
        pool: &Pool<Job>,
        file: &File,
        len: Option<u64>,
        digest: &[u8; 32],
        buffers: &mut Buffers,
    ) -> Result<Option<String>, volume::Error> {
        let size = file.stat()?.size;
        if let Some(len) = len.filter(|len| *len != size) {
            return Ok(Some(format!("has {size} bytes, and should have {len}")));
        }
        let mut hash = Sha256::new();
        let mut offset = 0;
        loop {
            let len = file.read_at(&mut buffers.ours, offset)?;
            if len == 0 || self.stopped(pool) {
                break;
            }
            hash.update(&buffers.ours[..len]);
            self.bytes(len as u64);
            offset += len as u64;
        }
        let same = self.stopped(pool) || hash.finalize()[..] == digest[..];
        Ok((!same).then(|| "has another SHA-256".to_owned()))
    }

    fn stopped(&self, pool: &Pool<Job>) -> bool {
        pool.stopped() || self.report().progress.stopped()
    }

    fn bytes(&self, count: u64) {
        let mut report = self.report();
        report.summary.bytes += count;
        report.progress.bytes(count);
    }

    fn count(&self, count: impl FnOnce(&mut Summary)) {
        count(&mut self.report().summary);
    }

    fn found(&self, path: &PlainPath, kind: Kind, what: String) {
        let severity = if kind == Kind::Extra { Severity::Warning } else { Severity::Damage };
        let cipher_path = self.volume.encode_path(path).unwrap_or_default();
        let plain = Some(path.to_path().into_os_string());
        let finding = Finding { what, ..Finding::new(severity, kind, cipher_path, plain) };
        let mut report = self.report();
        report.summary.count(severity);
        report.progress.found(&finding);
    }
}

fn is_special(kind: volume::Kind) -> bool {
    !matches!(kind, volume::Kind::File | volume::Kind::Dir | volume::Kind::Symlink)
}

fn in_folder(folder: &Path) -> io::Result<HashMap<OsString, Expected>> {
    let mut entries = HashMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let expected = if kind.is_dir() {
            Expected::Folder
        } else if kind.is_symlink() {
            Expected::Link(fs::read_link(entry.path())?.into_os_string())
        } else if kind.is_file() {
            Expected::Bytes(entry.path())
        } else {
            Expected::Special
        };
        entries.insert(entry.file_name(), expected);
    }
    Ok(entries)
}

fn expected(entry: &Entry) -> Expected {
    match entry {
        Entry::Folder => Expected::Folder,
        Entry::File { len, sha256 } => Expected::Digest(*len, *sha256),
        Entry::Link { target } => Expected::Link(target.clone()),
    }
}
