//! The quarantine folder: outside the volume, with the log of what is done (`record.rs`) and the files that are set aside.
//!
//! Whatever is in it is on disk before the step that it is for. A line of the log that was not written to its end speaks
//! of a step that was never begun.

use super::apply::RepairError;
use super::record::{self, Record};
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
        if volume.is_inside(path).map_err(fail)? {
            return Err(RepairError::Inside { path: path.to_owned() });
        }
        let path = std::path::absolute(path).map_err(fail)?;
        let missing = path.ancestors().skip(1).take_while(|above| !above.exists()).count();
        if let Some(parent) = path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(fail)?;
        }
        fs::DirBuilder::new().mode(0o700).create(&path).map_err(fail)?;
        let log = fs::OpenOptions::new().append(true).create_new(true).mode(0o600).open(path.join(LOG));
        let mut quarantine = Quarantine { log: log.map_err(fail)?, len: 0, torn: false, next: 0, path };
        quarantine.write(&record::head(&volume.key_id(), &root_of(volume))).inspect_err(|_| {
            // a folder without a log would only be in the way of the next try
            let _ =
                fs::remove_file(quarantine.path.join(LOG)).and_then(|()| fs::remove_dir(&quarantine.path));
        })?;
        let mut changed = quarantine.path.ancestors().take(missing + 2);
        changed.try_for_each(sync_folder).map_err(fail)?;
        Ok(quarantine)
    }

    /// The folder of an earlier repair of this volume, and its steps that are not taken back yet.
    pub(super) fn open(
        volume: &Volume,
        path: &Path,
    ) -> Result<(Quarantine, Vec<(u64, Record)>), RepairError> {
        let log = path.join(LOG);
        let fail = |source| RepairError::Quarantine { path: log.clone(), source };
        let bytes = fs::read(&log).map_err(fail)?;
        let read = read(&bytes).map_err(|line| RepairError::NoLog { path: log.clone(), line })?;
        if read.key_id != volume.key_id() {
            let (of, here) = (read.root, root_of(volume));
            return Err(RepairError::OtherVolume { path: path.to_owned(), of, here });
        }
        let file = fs::OpenOptions::new().append(true).open(&log).map_err(fail)?;
        let (len, torn) = (read.len as u64, read.len < bytes.len());
        Ok((Quarantine { path: path.to_owned(), log: file, len, torn, next: 0 }, read.steps))
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

/// The folder of a volume, wherever it is called from.
fn root_of(volume: &Volume) -> PathBuf {
    let root = volume.root_path();
    root.canonicalize().unwrap_or_else(|_| root.to_owned())
}

/// What a log says.
#[derive(Debug, PartialEq)]
struct Log {
    /// The key of the volume, and its folder.
    key_id: String,
    root: PathBuf,
    /// What is not taken back.
    steps: Vec<(u64, Record)>,
    /// Bytes of its whole lines.
    len: usize,
}

/// Fails with the number of a line that makes no sense, unless it is the last one and was not written to its end.
fn read(bytes: &[u8]) -> Result<Log, usize> {
    let mut lines = (1..).zip(bytes.split_inclusive(|&byte| byte == b'\n')).peekable();
    let parse = |line: &[u8]| serde_json::from_slice::<Value>(line).ok().filter(|_| line.ends_with(b"\n"));
    let (_, first) = lines.next().ok_or(1_usize)?;
    let (key_id, root) = parse(first).as_ref().and_then(record::of_head).ok_or(1_usize)?;
    let mut log = Log { key_id, root, steps: Vec::new(), len: first.len() };
    let mut undone = HashSet::new();
    while let Some((number, line)) = lines.next() {
        let value = match parse(line) {
            Some(value) => value,
            None if lines.peek().is_none() => break,
            None => return Err(number),
        };
        let step = value.get("step").and_then(Value::as_u64).ok_or(number)?;
        if let Some(record) = value.get("do") {
            log.steps.push((step, Record::from_json(record).ok_or(number)?));
        } else if value.get("undone").is_some() {
            undone.insert(step);
        }
        log.len += line.len();
    }
    log.steps.retain(|(step, _)| !undone.contains(step));
    Ok(log)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines() -> Vec<String> {
        let link = |name: &str| {
            let times = (std::time::UNIX_EPOCH, std::time::UNIX_EPOCH);
            Record::Link { path: name.into(), target: b"x".to_vec(), dir_times: times }.to_json()
        };
        let head = record::head("0123456789abcdef", Path::new("/home/ann/Private"));
        let steps = [
            json!({ "step": 0, "do": link("a") }),
            json!({ "step": 1, "do": link("b") }),
            json!({ "step": 1, "undone": true }),
            json!({ "step": 2, "do": link("c") }),
        ];
        std::iter::once(head).chain(steps).map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn a_log_that_ends_anywhere_is_read_up_to_its_last_whole_line() {
        let lines = lines();
        let all = lines.concat().into_bytes();
        let numbers = |log: &Log| log.steps.iter().map(|(number, _)| *number).collect::<Vec<_>>();
        let whole = read(&all).expect("a log");
        assert_eq!(
            (whole.key_id.as_str(), whole.root.as_path()),
            ("0123456789abcdef", "/home/ann/Private".as_ref())
        );
        assert_eq!((numbers(&whole), whole.len), (vec![0, 2], all.len()));
        for len in lines[0].len()..all.len() {
            let cut = read(&all[..len]).expect("a log");
            let ends: Vec<usize> = lines
                .iter()
                .scan(0, |end, line| {
                    *end += line.len();
                    Some(*end)
                })
                .collect();
            assert_eq!(Some(&cut.len), ends.iter().rev().find(|end| **end <= len), "{len}");
            // a disk may have made room for what it did not write
            let zeros = [&all[..cut.len], &[0; 40], b"\n"].concat();
            assert_eq!(read(&zeros), Ok(cut));
        }
    }

    #[test]
    fn what_makes_no_sense_before_the_end_is_no_log() {
        let lines = lines();
        assert_eq!(read(b""), Err(1));
        assert_eq!(read(b"{}\n"), Err(1));
        assert_eq!(read(lines[1].as_bytes()), Err(1), "it must say which volume");
        assert_eq!(read(format!("{}torn{}", lines[0], lines[1..].concat()).as_bytes()), Err(2));
        assert_eq!(read(format!("{}{{}}\n", lines[0]).as_bytes()), Err(2));
    }
}
