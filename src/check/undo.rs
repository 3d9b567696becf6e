//! Taking a repair back.

use super::apply::{RepairError, open};
use super::quarantine::Quarantine;
use super::record::{Record, Times};
use super::repair::split;
use crate::volume::{Kind, RawDir, RawFile, Volume, partial_name};
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Bytes that are copied or compared at a time.
const BUFFER_LEN: usize = 1 << 16;

/// Takes back what the log in a quarantine folder says, the last step first. What is no longer as the repair left it is
/// told, and stays. Gives the number of steps that were taken back.
pub fn undo(
    volume: &Volume,
    quarantine: &Path,
    failed: &mut dyn FnMut(&RepairError),
) -> Result<u64, RepairError> {
    let (mut quarantine, steps) = Quarantine::open(volume, quarantine)?;
    let mut count = 0;
    for (number, record) in steps.into_iter().rev() {
        match take_back(volume, &record, &quarantine.kept(number)) {
            Ok(()) => {
                count += 1;
                // without the note it is taken back once more another time, which does nothing
                quarantine.note(number, "undone").unwrap_or_else(|error| failed(&error));
            }
            Err(error) => failed(&error),
        }
    }
    Ok(count)
}

/// Makes what was done undone, durably; does nothing if it was never done.
pub(super) fn take_back(volume: &Volume, record: &Record, kept: &Path) -> Result<(), RepairError> {
    match record {
        Record::Rename { dir: from_dir, from, to_dir, to, dir_times, to_dir_times } => {
            let (dir, into) = (volume.raw_dir(from_dir)?, volume.raw_dir(to_dir)?);
            match (dir.stat_if_there(from)?, into.stat_if_there(to)?) {
                (None, Some(_)) => into.rename(to, &dir, from)?,
                (Some(_), None) => {}
                _ => return Err(RepairError::Changed { path: to_dir.join(OsStr::from_bytes(to)) }),
            }
            dir.restore_times(dir_times.0, dir_times.1);
            into.restore_times(to_dir_times.0, to_dir_times.1);
            into.sync()?;
            dir.sync()?;
        }
        Record::Bytes { path, offset, before, after, to_end, times } => {
            let file = open(volume, path, true)?;
            let place = Place { offset: *offset, before, after, to_end: *to_end };
            if !place.put_back(&file, *times)? {
                return Err(RepairError::Changed { path: path.clone() });
            }
        }
        Record::Link { path, target, dir_times } => {
            let (dir, name) = split(path);
            let dir = volume.raw_dir(dir)?;
            match dir.stat_if_there(name)? {
                None => {}
                Some(stat) if stat.kind == Kind::Symlink && dir.read_link(name)? == *target => {
                    dir.remove(name)?
                }
                Some(_) => return Err(RepairError::Changed { path: path.clone() }),
            }
            dir.restore_times(dir_times.0, dir_times.1);
            dir.sync()?;
        }
        Record::File { path, mode, times, dir_times } => {
            let (dir, name) = split(path);
            let dir = volume.raw_dir(dir)?;
            let changed = || RepairError::Changed { path: path.clone() };
            let from = match fs::File::open(kept) {
                Ok(from) => Some(from),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(source) => return Err(RepairError::Quarantine { path: kept.to_owned(), source }),
            };
            match (dir.stat_if_there(name)?, from) {
                (None, Some(from)) => Kept { from, path: kept }.put_back(&dir, name, *mode, *times)?,
                (Some(stat), Some(from)) => {
                    if stat.kind != Kind::File || !(Kept { from, path: kept }).holds_what_is_in(&dir, name)? {
                        return Err(changed());
                    }
                }
                // it is removed only after it was kept
                (Some(_), None) => return Ok(()),
                (None, None) => return Err(changed()),
            }
            dir.restore_times(dir_times.0, dir_times.1);
            dir.sync()?;
        }
    }
    Ok(())
}

/// Bytes of a file that became others.
struct Place<'a> {
    offset: u64,
    before: &'a [u8],
    after: &'a [u8],
    /// The file ends behind them.
    to_end: bool,
}

impl Place<'_> {
    /// Makes them what they were; gives `false` if they are neither these nor those, nor on the way from one to the other.
    fn put_back(&self, file: &RawFile, times: Times) -> Result<bool, RepairError> {
        let Place { offset, before, after, to_end } = *self;
        let mut found = vec![0; before.len().max(after.len()) + usize::from(to_end)];
        let len = file.read_at(&mut found, offset)?;
        let found = &found[..len];
        let lens = [before.len(), after.len()];
        let (shortest, longest) = (lens[0].min(lens[1]), lens[0].max(lens[1]));
        let is_either =
            |(at, byte): (usize, &u8)| [before, after].iter().any(|bytes| bytes.get(at) == Some(byte));
        if !(shortest..=longest).contains(&len) || !found.iter().enumerate().all(is_either) {
            return Ok(false);
        }
        if found != before {
            file.write_at(before, offset)?;
            if to_end {
                file.set_len(offset + before.len() as u64)?;
            }
            file.restore_times(times.0, times.1);
        }
        file.sync()?;
        Ok(true)
    }
}

/// A file in quarantine.
struct Kept<'a> {
    from: fs::File,
    path: &'a Path,
}

impl Kept<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, RepairError> {
        let mut len = 0;
        while len < buffer.len() {
            match self.from.read(&mut buffer[len..]) {
                Ok(0) => break,
                Ok(more) => len += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(RepairError::Quarantine { path: self.path.to_owned(), source }),
            }
        }
        Ok(len)
    }

    /// Brings it back under its name when it is whole and on disk, never in place of another.
    fn put_back(mut self, dir: &RawDir, name: &[u8], mode: u32, times: Times) -> Result<(), RepairError> {
        let beside = partial_name();
        let to = dir.create_file(beside.as_bytes(), mode)?;
        let mut copy = || {
            let mut buffer = vec![0; BUFFER_LEN];
            let mut offset = 0;
            loop {
                let len = self.read(&mut buffer)?;
                if len == 0 {
                    break;
                }
                to.write_at(&buffer[..len], offset)?;
                offset += len as u64;
            }
            to.restore_times(times.0, times.1);
            to.sync()?;
            Ok(dir.rename(beside.as_bytes(), dir, name)?)
        };
        copy().inspect_err(|_| drop(dir.remove(beside.as_bytes())))
    }

    /// Whether a file holds the same.
    fn holds_what_is_in(mut self, dir: &RawDir, name: &[u8]) -> Result<bool, RepairError> {
        let there = dir.open_file(name, false)?;
        let (mut ours, mut theirs) = (vec![0; BUFFER_LEN], vec![0; BUFFER_LEN]);
        let mut offset = 0;
        loop {
            let len = self.read(&mut ours)?;
            if there.read_at(&mut theirs, offset)? != len || ours[..len] != theirs[..len] {
                return Ok(false);
            }
            if len < BUFFER_LEN {
                return Ok(true);
            }
            offset += len as u64;
        }
    }
}
