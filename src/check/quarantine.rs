//! The quarantine folder: outside the volume, with the log of what is done (`record.rs`) and the files that are set aside.
//!
//! Whatever is in it is on disk before the step that it is for. A line of the log that was not written to its end speaks
//! of a step that was never begun.

use super::apply::{RepairError, is_inside};
use super::record::Record;
use super::repair::split;
use crate::volume::Volume;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The log in a quarantine folder.
const LOG: &str = "log.jsonl";

/// A quarantine folder, and the log in it.
pub(super) struct Quarantine {
    path: PathBuf,
    log: fs::File,
    /// Bytes of the log up to its last whole line.
    len: u64,
    /// There may be the rest of a line behind these.
    torn: bool,
    next: u64,
}

impl Quarantine {
    pub(super) fn make(volume: &Volume, path: &Path) -> Result<Quarantine, RepairError> {
        let fail = |source| RepairError::Quarantine { path: path.to_owned(), source };
        if is_inside(volume, path).map_err(fail)? {
            return Err(RepairError::Inside { path: path.to_owned() });
        }
        let path = std::path::absolute(path).map_err(fail)?;
        let missing = path.ancestors().skip(1).take_while(|above| !above.exists()).count();
        if let Some(parent) = path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(fail)?;
        }
        fs::DirBuilder::new().mode(0o700).create(&path).map_err(fail)?;
        let log = fs::OpenOptions::new().append(true).create_new(true).mode(0o600).open(path.join(LOG));
        let quarantine = Quarantine { log: log.map_err(fail)?, len: 0, torn: false, next: 0, path };
        let mut changed = quarantine.path.ancestors().take(missing + 2);
        changed.try_for_each(sync_folder).map_err(fail)?;
        Ok(quarantine)
    }

    /// The folder of an earlier repair, and its steps that are not taken back yet.
    pub(super) fn open(path: &Path) -> Result<(Quarantine, Vec<(u64, Record)>), RepairError> {
        let log = path.join(LOG);
        let fail = |source| RepairError::Quarantine { path: log.clone(), source };
        let bytes = fs::read(&log).map_err(fail)?;
        let (steps, len) = steps(&bytes).map_err(|line| RepairError::NoLog { path: log.clone(), line })?;
        let file = fs::OpenOptions::new().append(true).open(&log).map_err(fail)?;
        let (len, torn) = (len as u64, len < bytes.len());
        Ok((Quarantine { path: path.to_owned(), log: file, len, torn, next: 0 }, steps))
    }

    /// Where the bytes of a file lie that a step has set aside; it is there only if they are all there.
    pub(super) fn kept(&self, number: u64) -> PathBuf {
        self.path.join(format!("{number}.file"))
    }

    /// Puts down what is about to be done, durably.
    pub(super) fn log(&mut self, record: &Record) -> Result<u64, RepairError> {
        let number = self.next;
        self.next += 1;
        self.write(&json!({ "step": number, "do": record.to_json() }))?;
        Ok(number)
    }

    pub(super) fn note(&mut self, number: u64, what: &str) -> Result<(), RepairError> {
        self.write(&json!({ "step": number, what: true }))
    }

    fn write(&mut self, line: &Value) -> Result<(), RepairError> {
        let line = format!("{line}\n");
        let write = |log: &mut Quarantine| {
            log.cut_back()?;
            log.torn = true;
            log.log.write_all(line.as_bytes())?;
            log.log.sync_data()
        };
        match write(self) {
            Ok(()) => (self.len, self.torn) = (self.len + line.len() as u64, false),
            Err(source) => {
                // if this fails, too, it is tried again before the next line
                let _ = self.cut_back();
                return Err(RepairError::Quarantine { path: self.path.join(LOG), source });
            }
        }
        Ok(())
    }

    /// Removes what there is of a line that was not written to its end.
    fn cut_back(&mut self) -> io::Result<()> {
        if self.torn {
            self.log.set_len(self.len)?;
            self.torn = false;
        }
        Ok(())
    }

    /// Copies a file into quarantine, durably, and under its name only when it is whole.
    pub(super) fn keep(&self, volume: &Volume, path: &Path, number: u64) -> Result<(), RepairError> {
        let (dir, name) = split(path);
        let mut from = volume.raw_dir(dir)?.open_file(name, false)?.try_clone()?;
        let kept = self.kept(number);
        let partial = kept.with_extension("partial");
        let mut copy = || {
            let mut to = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial)?;
            io::copy(&mut from, &mut to)?;
            to.sync_all()?;
            fs::rename(&partial, &kept)?;
            sync_folder(&self.path)
        };
        copy().map_err(|source| RepairError::Quarantine { path: kept.clone(), source })
    }
}

/// Makes the entries of a folder durable, where its file system can do that.
fn sync_folder(path: &Path) -> io::Result<()> {
    match fs::File::open(path)?.sync_all() {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            tracing::debug!(%error, path = %path.display(), "the folder cannot be made durable");
            Ok(())
        }
        synced => synced,
    }
}

/// The steps that a log speaks of and that are not taken back, and the length of its whole lines. Fails with the number of
/// a line that makes no sense, unless it is the last one and was not written to its end.
fn steps(log: &[u8]) -> Result<(Vec<(u64, Record)>, usize), usize> {
    let (mut steps, mut undone) = (Vec::new(), HashSet::new());
    let mut whole = 0;
    let mut lines = (1..).zip(log.split_inclusive(|&byte| byte == b'\n')).peekable();
    while let Some((number, line)) = lines.next() {
        let value = match serde_json::from_slice::<Value>(line) {
            Ok(value) if line.ends_with(b"\n") => value,
            _ if number > 1 && lines.peek().is_none() => break,
            _ => return Err(number),
        };
        let step = value.get("step").and_then(Value::as_u64).ok_or(number)?;
        if let Some(record) = value.get("do") {
            steps.push((step, Record::from_json(record).ok_or(number)?));
        } else if value.get("undone").is_some() {
            undone.insert(step);
        }
        whole += line.len();
    }
    steps.retain(|(step, _)| !undone.contains(step));
    Ok((steps, whole))
}
