//! Files that a check found sound, so that after an interruption they need not be read again.
//!
//! ```text
//! first 8 bytes of SHA-256(ciphertext path || 0 || inode, size, last change of contents, of state)      each file
//! ```
//!
//! Whatever changes a file changes its time of state; what a disk does to it behind the back of the system does not. So
//! this is for going on, not for sparing the next check.

use crate::volume::{Stat, Volume};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Bytes of an entry.
const ENTRY_LEN: usize = 8;

/// What was found sound so far, in memory and in a file outside the volume.
#[derive(Debug)]
pub struct Passed {
    known: HashSet<u64>,
    path: PathBuf,
    log: Mutex<BufWriter<File>>,
}

impl Passed {
    /// Takes notes in a file, from the start or, with `resume`, where an earlier check ended; its folder is made if there
    /// is none. Refused inside the volume.
    pub fn open(volume: &Volume, path: &Path, resume: bool) -> io::Result<Passed> {
        if volume.is_inside(path)? {
            let why = format!("{}: lies inside the volume", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        if let Some(parent) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        }
        let known = match resume {
            true => read(path)?,
            false => HashSet::new(),
        };
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(!resume)
            .append(resume)
            .mode(0o600)
            .open(path)?;
        if resume {
            // an entry that was cut would shift all that follow
            let len = file.metadata()?.len();
            file.set_len(len - len % ENTRY_LEN as u64)?;
        }
        Ok(Passed { known, path: path.to_owned(), log: Mutex::new(BufWriter::new(file)) })
    }

    /// Removes the file: the check is done.
    pub fn forget(self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    pub(super) fn has(&self, cipher_path: &Path, stat: &Stat) -> bool {
        self.known.contains(&entry(cipher_path, stat))
    }

    /// A file that cannot be noted is read again, which is no harm.
    pub(super) fn add(&self, cipher_path: &Path, stat: &Stat) {
        let entry = entry(cipher_path, stat).to_le_bytes();
        let _ = self.log.lock().unwrap_or_else(PoisonError::into_inner).write_all(&entry);
    }
}

fn read(path: &Path) -> io::Result<HashSet<u64>> {
    let mut known = HashSet::new();
    let mut file = match File::open(path) {
        Ok(file) => BufReader::new(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(known),
        Err(error) => return Err(error),
    };
    let mut entry = [0; ENTRY_LEN];
    loop {
        match file.read_exact(&mut entry) {
            Ok(()) => drop(known.insert(u64::from_le_bytes(entry))),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(known),
            Err(error) => return Err(error),
        }
    }
}

fn entry(cipher_path: &Path, stat: &Stat) -> u64 {
    let nanoseconds = |time: SystemTime| match time.duration_since(UNIX_EPOCH) {
        Ok(after) => after.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    };
    let digest = Sha256::new()
        .chain_update(cipher_path.as_os_str().as_bytes())
        .chain_update([0])
        .chain_update(stat.id.ino.to_le_bytes())
        .chain_update(stat.cipher_size.to_le_bytes())
        .chain_update(nanoseconds(stat.mtime).to_le_bytes())
        .chain_update(nanoseconds(stat.ctime).to_le_bytes())
        .finalize();
    digest.iter().take(ENTRY_LEN).fold(0, |entry, byte| entry << 8 | u64::from(*byte))
}
