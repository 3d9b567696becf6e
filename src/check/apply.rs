//! Carrying a plan out.
//!
//! Whatever a step changes is kept first, in a quarantine folder outside the volume: the log says what was renamed and
//! which bytes were replaced, files that are set aside lie beside it. Times of files and directories stay what they
//! were, so that taking a repair back leaves the folder as it was, to the nanosecond.

use super::action::{Action, Repair};
use super::quarantine::Quarantine;
use super::record::{Record, Times};
use super::repair::split;
use super::standing::Standing;
use super::undo::take_back;
use crate::volume;
use crate::volume::{RawFile, Stat, Volume};
use std::io;
use std::path::{Path, PathBuf};

/// A repair could not be begun, or the quarantine cannot be used.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the fields say where, or what the system said
pub enum RepairError {
    /// The folder lies in the volume that is to be repaired.
    #[error("{}: lies inside the volume", path.display())]
    Inside { path: PathBuf },
    /// A file of this machine.
    #[error("{}: {source}", path.display())]
    Quarantine { path: PathBuf, source: io::Error },
    /// What is in the folder is no log of a repair.
    #[error("{}: not the log of a repair (line {line})", path.display())]
    NoLog { path: PathBuf, line: usize },
    /// The log is that of a repair of another volume, whose folder was `of`.
    #[error("{}: of a repair of the volume in {}, and {} is another one", path.display(), of.display(), here.display())]
    OtherVolume { path: PathBuf, of: PathBuf, here: PathBuf },
    /// On the volume.
    #[error(transparent)]
    Volume(#[from] volume::Error),
    /// Something is no longer as it was when the repair was planned, or as the repair left it.
    #[error("{}: changed meanwhile, and left as it is", path.display())]
    Changed { path: PathBuf },
}

/// Carries repairs out, one after the other; one that fails is taken back, and told with its error. The quarantine
/// folder must not exist yet. If something else was changed since `before` (an interrupted rename was finished), that can
/// be undone, too. Gives the number of repairs that were carried out.
pub fn apply(
    volume: &Volume,
    repairs: &[Repair],
    quarantine: &Path,
    before: Option<&Standing>,
    failed: &mut dyn FnMut(&Repair, &RepairError),
) -> Result<u64, RepairError> {
    let mut quarantine = Quarantine::make(volume, quarantine)?;
    let earlier = before.map_or(Ok(Vec::new()), |before| before.steps_to_now(volume))?;
    for record in earlier {
        quarantine.log(&record)?;
    }
    let mut done = 0;
    for repair in repairs {
        let mut steps = Vec::new();
        let carried_out = repair.actions.iter().try_for_each(|action| {
            let record = prepared(volume, action)?;
            let number = quarantine.log(&record)?;
            if let Record::File { path, .. } = &record {
                quarantine.keep(volume, path, number)?;
            }
            steps.push((number, record.clone()));
            carry_out(volume, &record)
        });
        match carried_out {
            Ok(()) => done += 1,
            Err(error) => {
                failed(repair, &error);
                for (number, record) in steps.iter().rev() {
                    let taken_back = take_back(volume, record, &quarantine.kept(*number))
                        .and_then(|()| quarantine.note(*number, "undone"));
                    taken_back.unwrap_or_else(|error| failed(repair, &error));
                }
            }
        }
    }
    Ok(done)
}

/// A step with all that undoing it needs.
fn prepared(volume: &Volume, action: &Action) -> Result<Record, RepairError> {
    let dir_times = |path: &Path| Ok::<_, volume::Error>(times(&volume.raw_dir(path)?.stat(b"")?));
    Ok(match action {
        Action::Rename { dir, from, to_dir, to } => Record::Rename {
            dir_times: dir_times(dir)?,
            to_dir_times: dir_times(to_dir)?,
            dir: dir.clone(),
            from: from.clone(),
            to_dir: to_dir.clone(),
            to: to.clone(),
        },
        Action::Header { path, before, after } => {
            let times = times(&open(volume, path, false)?.stat()?);
            let (before, after) = (before.to_vec(), after.to_vec());
            Record::Bytes { path: path.clone(), offset: 0, before, after, to_end: false, times }
        }
        Action::Tail { path, offset, before, after } => {
            if !holds(volume, path, *offset, before, true)? {
                return Err(RepairError::Changed { path: path.clone() });
            }
            let times = times(&open(volume, path, false)?.stat()?);
            let (before, after) = (before.clone(), after.clone());
            Record::Bytes { path: path.clone(), offset: *offset, before, after, to_end: true, times }
        }
        Action::Link { path, target } => {
            let dir_times = dir_times(split(path).0)?;
            Record::Link { path: path.clone(), target: target.clone(), dir_times }
        }
        Action::SetAside { path, len, mtime } => {
            let (dir, _) = split(path);
            let stat = open(volume, path, false)?.stat()?;
            if (stat.cipher_size, stat.mtime) != (*len, *mtime) {
                return Err(RepairError::Changed { path: path.clone() });
            }
            let dir_times = dir_times(dir)?;
            Record::File { path: path.clone(), mode: stat.mode, times: times(&stat), dir_times }
        }
    })
}

pub(super) fn open(volume: &Volume, path: &Path, to_write: bool) -> Result<RawFile, volume::Error> {
    let (dir, name) = split(path);
    volume.raw_dir(dir)?.open_file(name, to_write)
}

pub(super) fn times(stat: &Stat) -> Times {
    (stat.atime, stat.mtime)
}

fn carry_out(volume: &Volume, record: &Record) -> Result<(), RepairError> {
    match record {
        Record::Rename { dir, from, to_dir, to, dir_times, to_dir_times } => {
            let (dir, to_dir) = (volume.raw_dir(dir)?, volume.raw_dir(to_dir)?);
            dir.rename(from, &to_dir, to)?;
            dir.restore_times(dir_times.0, dir_times.1);
            to_dir.restore_times(to_dir_times.0, to_dir_times.1);
        }
        Record::Bytes { path, offset, before, after, to_end, times } => {
            replace(volume, path, *offset, before, after, *to_end, *times)?;
        }
        Record::Link { path, target, dir_times } => {
            let (dir, name) = split(path);
            let dir = volume.raw_dir(dir)?;
            dir.create_link(name, target)?;
            dir.restore_times(dir_times.0, dir_times.1);
        }
        Record::File { path, dir_times, .. } => {
            let (dir, name) = split(path);
            let dir = volume.raw_dir(dir)?;
            dir.remove(name)?;
            dir.restore_times(dir_times.0, dir_times.1);
            // whatever comes in its place is not begun before
            dir.sync()?;
        }
    }
    Ok(())
}

/// Whether a file holds these bytes there.
fn holds(volume: &Volume, path: &Path, offset: u64, bytes: &[u8], to_end: bool) -> Result<bool, RepairError> {
    let file = open(volume, path, false)?;
    let mut found = vec![0; bytes.len()];
    let len = file.read_at(&mut found, offset)?;
    let ends = !to_end || file.stat()?.cipher_size == offset + bytes.len() as u64;
    Ok(ends && found[..len] == *bytes)
}

fn replace(
    volume: &Volume,
    path: &Path,
    offset: u64,
    before: &[u8],
    after: &[u8],
    to_end: bool,
    times: Times,
) -> Result<(), RepairError> {
    if !holds(volume, path, offset, before, to_end)? {
        return Err(RepairError::Changed { path: path.to_owned() });
    }
    let file = open(volume, path, true)?;
    file.write_at(after, offset)?;
    if to_end {
        file.set_len(offset + after.len() as u64)?;
    }
    file.restore_times(times.0, times.1);
    file.sync()?;
    Ok(())
}
