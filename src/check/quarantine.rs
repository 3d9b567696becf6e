//! The quarantine folder: outside the volume, with the log of what is done (`record.rs`) and the files that are set aside.

use super::apply::{RepairError, is_inside};
use super::record::Record;
use super::repair::split;
use crate::volume::Volume;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The log in a quarantine folder.
const LOG: &str = "log.jsonl";

/// A quarantine folder, and the log in it.
pub(super) struct Quarantine {
    path: PathBuf,
    log: fs::File,
    next: u64,
}

impl Quarantine {
    pub(super) fn make(volume: &Volume, path: &Path) -> Result<Quarantine, RepairError> {
        let fail = |source| RepairError::Quarantine { path: path.to_owned(), source };
        if is_inside(volume, path).map_err(fail)? {
            return Err(RepairError::Inside { path: path.to_owned() });
        }
        if let Some(parent) = path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(fail)?;
        }
        fs::DirBuilder::new().mode(0o700).create(path).map_err(fail)?;
        let log = fs::OpenOptions::new().append(true).create_new(true).mode(0o600).open(path.join(LOG));
        Ok(Quarantine { path: path.to_owned(), log: log.map_err(fail)?, next: 0 })
    }

    pub(super) fn open(path: &Path) -> Result<Quarantine, RepairError> {
        let log = fs::OpenOptions::new().append(true).open(path.join(LOG));
        let log = log.map_err(|source| RepairError::Quarantine { path: path.join(LOG), source })?;
        Ok(Quarantine { path: path.to_owned(), log, next: 0 })
    }

    /// Where the bytes of a file lie that a step has set aside.
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
        let written = self.log.write_all(format!("{line}\n").as_bytes()).and_then(|()| self.log.sync_data());
        written.map_err(|source| RepairError::Quarantine { path: self.path.join(LOG), source })
    }

    /// The steps that are not taken back yet.
    pub(super) fn steps(&self) -> Result<Vec<(u64, Record)>, RepairError> {
        let path = self.path.join(LOG);
        let fail = |source| RepairError::Quarantine { path: path.clone(), source };
        let lines = BufReader::new(fs::File::open(&path).map_err(fail)?).lines();
        let (mut steps, mut undone) = (Vec::new(), HashSet::new());
        for (line, text) in (1..).zip(lines) {
            let text = text.map_err(fail)?;
            let no_log = || RepairError::NoLog { path: path.clone(), line };
            let value: Value = serde_json::from_str(&text).map_err(|_| no_log())?;
            let number = value.get("step").and_then(Value::as_u64).ok_or_else(no_log)?;
            if let Some(record) = value.get("do") {
                steps.push((number, Record::from_json(record).ok_or_else(no_log)?));
            } else if value.get("undone").is_some() {
                undone.insert(number);
            }
        }
        steps.retain(|(number, _)| !undone.contains(number));
        Ok(steps)
    }

    /// Copies a file into quarantine, durably.
    pub(super) fn keep(&self, volume: &Volume, path: &Path, number: u64) -> Result<(), RepairError> {
        let (dir, name) = split(path);
        let mut from = volume.raw_dir(dir)?.open_file(name, false)?.try_clone()?;
        let kept = self.kept(number);
        let copied =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&kept).and_then(|mut to| {
                io::copy(&mut from, &mut to)?;
                to.sync_all()
            });
        copied.map_err(|source| RepairError::Quarantine { path: kept, source })
    }
}
