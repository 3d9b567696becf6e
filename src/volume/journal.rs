//! The journal of renames: what is about to be changed, on disk before the first change.
//!
//! It lies in a folder of the user, never among the ciphertext, which others see and change. Every program that renames
//! in a volume has a file of its own there, and holds a lock on it as long as it lives; a file without a lock is what
//! a program left that was killed, or a machine that lost power ([`recover`]). The file:
//!
//! ```text
//! file   = 8 bytes MAGIC, record..., zeros
//! record = u64 length, u32 CRC-32 of the plan, plan       little endian; a record that is not whole was never begun
//! ```
//!
//! The order that survives a power cut: record durable, changes, changes durable, record cleared. After the rename of
//! a directory that is done at once; records of single files, which are frequent, gather for a while.

use super::attr::FileId;
use super::fate;
use super::mend::mend;
use super::plan::Plan;
use super::{fill_random, sys};
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::{Errno, Result};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

const MAGIC: &[u8; 8] = b"encboxR1";
/// Bytes before the plan of a record.
const RECORD_HEAD: usize = 12;
const SUFFIX: &str = ".renames";
/// What a journal that makes no sense is called from then on.
const DAMAGED: &str = ".damaged";

/// Records of single files that gather before they are cleared.
const MAX_RECORDS: usize = 1024;
/// Zeros that a new file holds. Overwriting them is made durable several times as fast as lengthening a file.
const ROOM: usize = 1 << 18;

/// Where the journals of all volumes are, below the folder for state.
const FOLDER: &str = "renames";

/// The journal of an open volume.
#[derive(Debug)]
pub(super) struct Journal(Option<Keeper>);

#[derive(Debug)]
struct Keeper {
    folder: OwnedFd,
    root: OwnedFd,
    prefix: String,
    log: Mutex<Log>,
    complained: AtomicBool,
}

/// The file of this program, made when it is first needed.
#[derive(Debug, Default)]
struct Log {
    file: Option<(OwnedFd, String)>,
    len: u64,
    records: usize,
    /// Renames that were begun and have not ended.
    active: usize,
    /// Something is to be cleared when none is active.
    due: bool,
    /// Something is half done: the records must outlive this program.
    unsound: bool,
}

/// A rename that is in the journal.
#[must_use]
pub(super) struct Begun {
    written: bool,
    clear: bool,
}

impl Journal {
    /// For volumes that need none.
    pub(super) fn none() -> Journal {
        Journal(None)
    }

    /// Finishes or takes back what an earlier program left half done, then stands ready. `key` tells volumes apart,
    /// `id` is that of the root. Without a folder that can be used there is no journal, and the log says so.
    pub(super) fn open(state: Option<&Path>, root: &OwnedFd, id: FileId, key: u64) -> Journal {
        let keeper = match state {
            None => Err("there is no folder for it".to_owned()),
            Some(state) => {
                keeper(state, root, id, key).map_err(|error| format!("{}: {error}", state.display()))
            }
        };
        let keeper = keeper.inspect_err(|reason| {
            tracing::warn!(
                "renames in this volume will not survive a crash, for want of a journal: {reason}"
            );
        });
        if let Ok(keeper) = &keeper
            && let Err(errno) = keeper.recover()
        {
            tracing::error!(%errno, "journals of interrupted renames cannot be read");
        }
        Journal(keeper.ok())
    }

    /// Puts a plan on disk. Whoever calls has the chains alone, until the changes are made.
    pub(super) fn begin(&self, plan: &Plan) -> Begun {
        let clear = plan.folder_count() > 0;
        let Some(keeper) = &self.0 else { return Begun { written: false, clear } };
        let written = keeper.begin(plan, clear);
        if let Err(errno) = written
            && !keeper.complained.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(%errno, "the journal cannot be written: renames will not survive a crash");
        }
        Begun { written: written.is_ok(), clear }
    }

    /// Notes that a rename was carried out or taken back; `sound` says whether wholly. Nobody waits for names meanwhile.
    pub(super) fn end(&self, begun: Begun, sound: bool) {
        let Some(keeper) = self.0.as_ref().filter(|_| begun.written) else { return };
        let mut log = keeper.lock();
        log.active -= 1;
        log.unsound |= !sound;
        log.due |= begun.clear || log.records >= MAX_RECORDS;
        if log.due && log.active == 0 {
            keeper.clear(&mut log);
        }
    }
}

/// Whether a rename was interrupted and something is half done. Changes nothing.
pub(super) fn is_half_done(state: Option<&Path>, root: &OwnedFd, id: FileId, key: u64) -> bool {
    let Some(folder) = state.and_then(|state| open_folder(&state.join(FOLDER)).ok()) else { return false };
    // who opens for writing now must not take our look for a program that lives
    let Ok(_others_wait) = Locked::new(&folder) else { return false };
    let Ok(journals) = abandoned(&folder, &prefix(id, key)) else { return false };
    journals.iter().any(|(file, _)| mend(&read(file).plans, root, true).changed > 0)
}

impl Keeper {
    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, plan: &Plan, clear: bool) -> Result<()> {
        let mut log = self.lock();
        if clear && log.records > 0 {
            // paths in older records are about to change; what they speak of is done, for the caller is alone
            self.clear(&mut log);
        }
        if log.file.is_none() {
            log.file = Some(self.new_file()?);
            log.len = MAGIC.len() as u64;
        }
        let Some((file, _)) = &log.file else { return Err(Errno::IO) };
        let (record, below) = record(plan);
        if fate::happens() {
            let end = log.len + record.len() as u64;
            sys::pwrite_full(file, below, end).map_err(|(_, errno)| errno)?;
            sys::pwrite_full(file, &record, log.len).map_err(|(_, errno)| errno)?;
        }
        fate::happens();
        sys::sync_data(file)?;
        log.len += (record.len() + below.len()) as u64;
        log.records += 1;
        log.active += 1;
        Ok(())
    }

    /// Makes durable what was changed, then forgets it. If that cannot be, the records stay.
    fn clear(&self, log: &mut Log) {
        let Some((file, _)) = log.file.as_ref().filter(|_| !log.unsound) else { return };
        fate::happens();
        let cleared = sys::sync_file_system(&self.root).and_then(|()| {
            fate::happens();
            wipe(file, log.len)
        });
        match cleared {
            Ok(()) => (log.len, log.records, log.due) = (MAGIC.len() as u64, 0, false),
            Err(errno) => tracing::warn!(%errno, "the journal of renames cannot be cleared"),
        }
    }

    fn new_file(&self) -> Result<(OwnedFd, String)> {
        let _others_wait = Locked::new(&self.folder)?;
        let mut random = [0; 8];
        fill_random(&mut random);
        let name = format!("{}{:016x}{SUFFIX}", self.prefix, u64::from_le_bytes(random));
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.folder, &*name, flags, Mode::RUSR | Mode::WUSR)?;
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        sys::pwrite_full(&file, &[MAGIC, &[0; ROOM][..]].concat(), 0).map_err(|(_, errno)| errno)?;
        sys::sync(&file)?;
        sys::sync(&self.folder)?;
        Ok((file, name))
    }

    /// Puts right what every abandoned journal of this volume speaks of, and removes it.
    fn recover(&self) -> Result<()> {
        let _others_wait = Locked::new(&self.folder)?;
        for (file, name) in abandoned(&self.folder, &self.prefix)? {
            let Records { plans, damaged } = read(&file);
            let mended = mend(&plans, &self.root, false);
            if mended.changed > 0 {
                tracing::warn!(names = mended.changed, "a rename had been interrupted; it was put right");
            }
            if damaged {
                let aside = format!("{name}{DAMAGED}");
                tracing::warn!(journal = %aside, "a damaged journal of renames was set aside");
                rustix::fs::renameat(&self.folder, &*name, &self.folder, &*aside)?;
            } else if mended.failed > 0 {
                tracing::warn!("not all of it could be put right; the next opening tries again");
            } else {
                sys::sync_file_system(&self.root)?;
                fate::happens();
                rustix::fs::unlinkat(&self.folder, &*name, AtFlags::empty())?;
            }
        }
        Ok(())
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let mut log = std::mem::take(&mut *self.lock());
        if log.active > 0 || !fate::happens() {
            return; // a rename ended in a panic: as good as killed
        }
        if log.records > 0 {
            self.clear(&mut log);
        }
        if log.records == 0
            && let Some((_file, name)) = &log.file
            && let Err(errno) = rustix::fs::unlinkat(&self.folder, &**name, AtFlags::empty())
        {
            tracing::debug!(%errno, "an empty journal stays behind");
        }
    }
}

/// A lock on the folder of the journals, for as long as this lives: whoever opens a volume waits for whoever is putting
/// it right.
struct Locked<'a>(&'a OwnedFd);

impl Locked<'_> {
    fn new(folder: &OwnedFd) -> Result<Locked<'_>> {
        loop {
            match rustix::fs::flock(folder, FlockOperation::LockExclusive) {
                Err(Errno::INTR) => {}
                locked => return locked.map(|()| Locked(folder)),
            }
        }
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // it goes with the descriptor at the latest
        let _ = rustix::fs::flock(self.0, FlockOperation::Unlock);
    }
}

fn keeper(state: &Path, root: &OwnedFd, id: FileId, key: u64) -> io::Result<Keeper> {
    if is_inside(state, id)? {
        return Err(io::Error::other("it lies inside the volume"));
    }
    let path = state.join(FOLDER);
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
    let folder = open_folder(&path)?;
    let root = sys::open_dir_handle(root, b".")?;
    drop(Locked::new(&folder)?); // can it be locked?
    Ok(Keeper { folder, root, prefix: prefix(id, key), log: Mutex::default(), complained: false.into() })
}

/// Whether a path that need not exist leads into the folder `id`.
pub(super) fn is_inside(path: &Path, id: FileId) -> io::Result<bool> {
    let path = std::path::absolute(path)?;
    let existing = path.ancestors().find_map(|above| above.canonicalize().ok());
    let existing = existing.ok_or(io::ErrorKind::NotFound)?;
    Ok(existing
        .ancestors()
        .any(|above| above.metadata().is_ok_and(|folder| (folder.dev(), folder.ino()) == (id.dev, id.ino))))
}

fn open_folder(path: &Path) -> Result<OwnedFd> {
    rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

/// What the names of a volume's journals begin with.
fn prefix(id: FileId, key: u64) -> String {
    format!("{key:016x}-{:x}-", id.ino)
}

/// The journals that no living program holds, with locks on them.
fn abandoned(folder: &OwnedFd, prefix: &str) -> Result<Vec<(OwnedFd, String)>> {
    let mut found = Vec::new();
    for entry in sys::read_dir(folder)? {
        let entry = entry?;
        let Some(name) = OsStr::from_bytes(entry.file_name().to_bytes()).to_str() else { continue };
        if !name.starts_with(prefix) || !name.ends_with(SUFFIX) {
            continue;
        }
        let file = match rustix::fs::openat(
            folder,
            name,
            OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::empty(),
        ) {
            Err(Errno::NOENT) => continue, // its program ended just now
            file => file?,
        };
        if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            found.push((file, name.to_owned()));
        }
    }
    Ok(found)
}

/// Makes all records zeros; `len` is where they end. The first length is what counts, the rest is durable before
/// the next rename begins.
fn wipe(file: &OwnedFd, len: u64) -> Result<()> {
    let room = (MAGIC.len() + ROOM) as u64;
    let zeros = [0; ROOM];
    let zero = |len, offset| sys::pwrite_full(file, &zeros[..len], offset).map_err(|(_, errno)| errno);
    zero(RECORD_HEAD, MAGIC.len() as u64)?;
    sys::sync_data(file)?;
    zero(len.min(room) as usize - MAGIC.len(), MAGIC.len() as u64)?;
    if len > room { rustix::fs::ftruncate(file, room) } else { Ok(()) }
}

/// A record, in two parts.
fn record(plan: &Plan) -> (Vec<u8>, &[u8]) {
    let (trees, below) = plan.bytes();
    let mut crc = crc32fast::Hasher::new();
    crc.update(&trees);
    crc.update(below);
    let len = (trees.len() + below.len()) as u64;
    ([&len.to_le_bytes()[..], &crc.finalize().to_le_bytes(), &trees].concat(), below)
}

/// What a journal holds.
#[derive(Debug, Default)]
struct Records {
    plans: Vec<Plan>,
    /// There is something in it that cannot be read, other than a record that was being written.
    damaged: bool,
}

fn read(file: &OwnedFd) -> Records {
    let mut bytes = Vec::new();
    let read = sys::stat_fd(file).and_then(|stat| {
        bytes.resize(usize::try_from(stat.len).map_err(|_| Errno::FBIG)?, 0);
        sys::pread_full(file, &mut bytes, 0)
    });
    match read {
        Ok(len) => parse(&bytes[..len]),
        Err(errno) => {
            tracing::error!(%errno, "a journal of renames cannot be read");
            Records { plans: Vec::new(), damaged: true }
        }
    }
}

fn parse(bytes: &[u8]) -> Records {
    let mut records = Records::default();
    let Some(mut rest) = bytes.strip_prefix(MAGIC) else {
        records.damaged = !MAGIC.starts_with(bytes);
        return records;
    };
    while let Some((head, after)) = rest.split_first_chunk::<RECORD_HEAD>() {
        let (len, crc) = head.split_at(8);
        let len = u64::from_le_bytes(len.try_into().expect("8 of 12 bytes"));
        let crc = u32::from_le_bytes(crc.try_into().expect("4 of 12 bytes"));
        let plan = usize::try_from(len).ok().and_then(|len| after.split_at_checked(len));
        let Some((plan, after)) = plan.filter(|_| len > 0) else { return records };
        let plan = Some(plan).filter(|plan| crc32fast::hash(plan) == crc).and_then(Plan::from_bytes);
        let Some(plan) = plan else {
            records.damaged = true;
            return records;
        };
        records.plans.push(plan);
        rest = after;
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::attr::Kind;
    use crate::volume::plan::{Above, Entry, Header, Identity, Place, Tree};
    use crate::volume::sys::{RawStat, Times};
    use proptest::prelude::*;
    use std::time::UNIX_EPOCH;

    fn stat(ino: u64) -> RawStat {
        RawStat {
            id: FileId { dev: 3, ino },
            kind: Kind::Dir,
            len: 0,
            blocks: 0,
            mode: 0o755,
            nlink: 2,
            uid: 0,
            gid: 0,
            rdev: 0,
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            btime: None,
        }
    }

    fn plan() -> Plan {
        let identity = Identity::of(&stat(7));
        let place =
            |name: &[u8]| Place { dir: b"some/where".to_vec(), dir_identity: identity, name: name.to_vec() };
        let times = Times { atime: UNIX_EPOCH, mtime: UNIX_EPOCH };
        let header = Some(Header { before: [1; 8], after: [2; 8], times });
        let mut plan = Plan::default();
        plan.trees.push(Tree { identity, before: place(b"old"), after: place(b"new"), header });
        let top = plan.add_folder(Above::Top(0), b"old", b"new", &stat(7));
        plan.add_entry(Entry { ino: 8, before: b"a", after: b"b", header: None });
        plan.add_entry(Entry { ino: 9, before: b"c", after: b"d", header });
        plan.add_folder(Above::Folder(top), b"a", b"b", &stat(8));
        plan
    }

    fn journal() -> Vec<u8> {
        let plan = plan();
        let (head, below) = record(&plan);
        [MAGIC, &head[..], below, &head, below].concat()
    }

    #[test]
    fn what_is_written_is_read() {
        let Records { plans, damaged } = parse(&journal());
        assert!(!damaged);
        assert_eq!(plans.len(), 2);
        assert_eq!(plans[0].bytes(), plan().bytes());
        assert_eq!(plans[0].folder_count(), 2);
        assert_eq!(plans[0].folder(0).entries().map(|entry| entry.ino).collect::<Vec<_>>(), [8, 9]);
    }

    /// A power cut while a record is written: it was not begun, and those before it count.
    #[test]
    fn a_cut_journal_is_read_as_far_as_it_goes() {
        let whole = journal();
        let record = (whole.len() - MAGIC.len()) / 2;
        for len in 0..whole.len() {
            let Records { plans, damaged } = parse(&whole[..len]);
            assert_eq!(plans.len(), len.saturating_sub(MAGIC.len()) / record, "{len}");
            assert!(!damaged, "{len}");
        }
        let zeros = [&whole[..], &[0; 4096]].concat();
        assert!(matches!(parse(&zeros), Records { plans, damaged: false } if plans.len() == 2));
    }

    #[test]
    fn every_flipped_bit_is_noticed_or_ends_the_journal() {
        let whole = journal();
        for at in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[at / 8] ^= 1 << (at % 8);
            let Records { plans, damaged } = parse(&bytes);
            assert!(damaged || plans.len() < 2, "bit {at}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_reading_panic(bytes: Vec<u8>, at: usize, patch: [u8; 4]) {
            parse(&bytes);
            parse(&[MAGIC, &bytes[..]].concat());
            Plan::from_bytes(&bytes);
            let plan = plan();
            let (trees, below) = plan.bytes();
            let mut plan = [&trees[..], below].concat();
            let at = at % (plan.len() - 4);
            plan[at..at + 4].copy_from_slice(&patch);
            if let Some(plan) = Plan::from_bytes(&plan) {
                let root = tempfile::tempdir().expect("a scratch folder");
                let root = sys::open_root_handle(root.path()).expect("just made");
                prop_assert_eq!(mend(&[plan], &root, false), crate::volume::mend::Mended::default());
            }
        }
    }
}
