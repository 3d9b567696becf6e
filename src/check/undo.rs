//! Taking a repair back.

use super::apply::{RepairError, holds, replace};
use super::quarantine::Quarantine;
use super::record::Record;
use super::repair::split;
use crate::volume::{Kind, Volume};
use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Takes back what the log in a quarantine folder says, the last step first. What is no longer as the repair left it is
/// told, and stays. Gives the number of steps that were taken back.
pub fn undo(
    volume: &Volume,
    quarantine: &Path,
    failed: &mut dyn FnMut(&RepairError),
) -> Result<u64, RepairError> {
    let mut quarantine = Quarantine::open(quarantine)?;
    let mut count = 0;
    for (number, record) in quarantine.steps()?.into_iter().rev() {
        match take_back(volume, &record, &quarantine.kept(number)) {
            Ok(()) => {
                quarantine.note(number, "undone")?;
                count += 1;
            }
            Err(error) => failed(&error),
        }
    }
    Ok(count)
}

/// Makes what was done undone; does nothing if it was never done.
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
        }
        Record::Bytes { path, offset, before, after, to_end, times } => {
            if !holds(volume, path, *offset, before, *to_end)? {
                replace(volume, path, *offset, after, before, *to_end, *times)?;
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
        }
        Record::File { path, mode, times, dir_times } => {
            let (dir, name) = split(path);
            let dir = volume.raw_dir(dir)?;
            if dir.stat_if_there(name)?.is_none() {
                let fail = |source| RepairError::Quarantine { path: kept.to_owned(), source };
                let mut from = fs::File::open(kept).map_err(fail)?;
                let to = dir.create_file(name, *mode)?;
                let mut buffer = vec![0; 1 << 16];
                let mut offset = 0;
                loop {
                    let len = from.read(&mut buffer).map_err(fail)?;
                    if len == 0 {
                        break;
                    }
                    to.write_at(&buffer[..len], offset)?;
                    offset += len as u64;
                }
                to.sync()?;
                to.restore_times(times.0, times.1);
            }
            dir.restore_times(dir_times.0, dir_times.1);
        }
    }
    Ok(())
}
