//! The log of a repair, in the quarantine folder: one JSON object a line, on disk before the step that it speaks of.
//!
//! ```text
//! {"volume": "16 hex digits", "root": "..."}   whose repair it is: the id of its key, its folder; the first line
//! {"step": N, "do": {"rename": {...}}}        what is about to be done, with all that undoing it needs
//! {"step": N, "undone": true}                 that it was taken back
//! ```
//!
//! Names are strings, or `{"hex": "..."}` where they are not Unicode; times are seconds and nanoseconds since 1970.

use serde_json::{Value, json};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Last access and last change.
pub(super) type Times = (SystemTime, SystemTime);

/// A step that was, or was to be, done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    Rename {
        dir: PathBuf,
        from: Vec<u8>,
        to_dir: PathBuf,
        to: Vec<u8>,
        dir_times: Times,
        to_dir_times: Times,
    },
    /// `bytes` from `offset` on became `after`; `to_end` if the file ends behind them, before as after.
    Bytes { path: PathBuf, offset: u64, before: Vec<u8>, after: Vec<u8>, to_end: bool, times: Times },
    /// A symbolic link was made, where nothing was.
    Link { path: PathBuf, target: Vec<u8>, dir_times: Times },
    /// A regular file whose bytes are in quarantine under the number of the step.
    File { path: PathBuf, mode: u32, times: Times, dir_times: Times },
}

pub(super) fn bytes_value(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => json!({ "hex": hex(bytes) }),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

fn bytes_of(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.clone().into_bytes()),
        other => unhex(other.get("hex")?.as_str()?),
    }
}

fn path_value(path: &Path) -> Value {
    bytes_value(path.as_os_str().as_bytes())
}

/// A path below the root, never one that leads elsewhere.
fn path_of(value: &Value) -> Option<PathBuf> {
    let bytes = bytes_of(value)?;
    let path = Path::new(OsStr::from_bytes(&bytes)).to_owned();
    let inside = path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
    inside.then_some(path)
}

/// A name, never a path.
fn name_of(value: &Value) -> Option<Vec<u8>> {
    let name = bytes_of(value)?;
    let is_name =
        !matches!(&name[..], b"" | b"." | b"..") && !name.iter().any(|byte| matches!(byte, b'/' | 0));
    is_name.then_some(name)
}

fn times_value((atime, mtime): Times) -> Value {
    json!([time_value(atime), time_value(mtime)])
}

fn time_value(time: SystemTime) -> Value {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => json!([after.as_secs(), after.subsec_nanos()]),
        // seconds before 1970, and nanoseconds that count further back
        Err(error) => {
            json!([-(error.duration().as_secs() as i64), -i64::from(error.duration().subsec_nanos())])
        }
    }
}

fn time_of(value: &Value) -> Option<SystemTime> {
    let (seconds, nanoseconds) = (value.get(0)?.as_i64()?, value.get(1)?.as_i64()?);
    let duration = Duration::new(seconds.unsigned_abs(), u32::try_from(nanoseconds.unsigned_abs()).ok()?);
    if seconds < 0 || nanoseconds < 0 {
        UNIX_EPOCH.checked_sub(duration)
    } else {
        UNIX_EPOCH.checked_add(duration)
    }
}

fn times_of(value: &Value) -> Option<Times> {
    Some((time_of(value.get(0)?)?, time_of(value.get(1)?)?))
}

/// The first line: which volume is repaired.
pub(super) fn head(key_id: &str, root: &Path) -> Value {
    json!({ "volume": key_id, "root": path_value(root) })
}

/// Reads what [`head`] wrote.
pub(super) fn of_head(value: &Value) -> Option<(String, PathBuf)> {
    let root = bytes_of(value.get("root")?)?;
    Some((value.get("volume")?.as_str()?.to_owned(), OsStr::from_bytes(&root).into()))
}

impl Record {
    pub(super) fn to_json(&self) -> Value {
        match self {
            Record::Rename { dir, from, to_dir, to, dir_times, to_dir_times } => json!({ "rename": {
                "dir": path_value(dir), "from": bytes_value(from),
                "to_dir": path_value(to_dir), "to": bytes_value(to),
                "dir_times": times_value(*dir_times), "to_dir_times": times_value(*to_dir_times),
            } }),
            Record::Bytes { path, offset, before, after, to_end, times } => json!({ "bytes": {
                "path": path_value(path), "offset": offset, "to_end": to_end,
                "before": hex(before), "after": hex(after), "times": times_value(*times),
            } }),
            Record::Link { path, target, dir_times } => json!({ "link": {
                "path": path_value(path), "target": bytes_value(target), "dir_times": times_value(*dir_times),
            } }),
            Record::File { path, mode, times, dir_times } => json!({ "file": {
                "path": path_value(path), "mode": mode,
                "times": times_value(*times), "dir_times": times_value(*dir_times),
            } }),
        }
    }

    /// Reads what [`Record::to_json`] wrote; `None` if it is something else.
    pub(super) fn from_json(value: &Value) -> Option<Record> {
        if let Some(rename) = value.get("rename") {
            return Some(Record::Rename {
                dir: path_of(rename.get("dir")?)?,
                from: name_of(rename.get("from")?)?,
                to_dir: path_of(rename.get("to_dir")?)?,
                to: name_of(rename.get("to")?)?,
                dir_times: times_of(rename.get("dir_times")?)?,
                to_dir_times: times_of(rename.get("to_dir_times")?)?,
            });
        }
        if let Some(bytes) = value.get("bytes") {
            return Some(Record::Bytes {
                path: path_of(bytes.get("path")?)?,
                offset: bytes.get("offset")?.as_u64()?,
                before: unhex(bytes.get("before")?.as_str()?)?,
                after: unhex(bytes.get("after")?.as_str()?)?,
                to_end: bytes.get("to_end")?.as_bool()?,
                times: times_of(bytes.get("times")?)?,
            });
        }
        if let Some(link) = value.get("link") {
            return Some(Record::Link {
                path: path_of(link.get("path")?)?,
                target: bytes_of(link.get("target")?)?,
                dir_times: times_of(link.get("dir_times")?)?,
            });
        }
        let file = value.get("file")?;
        Some(Record::File {
            path: path_of(file.get("path")?)?,
            mode: u32::try_from(file.get("mode")?.as_u64()?).ok()?,
            times: times_of(file.get("times")?)?,
            dir_times: times_of(file.get("dir_times")?)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let early = UNIX_EPOCH - Duration::new(5, 7);
        let times = (early, UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789));
        for record in [
            Record::Rename {
                dir: PathBuf::new(),
                from: b"a\xff".to_vec(),
                to_dir: "x/y".into(),
                to: b"b".to_vec(),
                dir_times: times,
                to_dir_times: times,
            },
            Record::Bytes {
                path: "x/y".into(),
                offset: 8,
                before: vec![0, 255],
                after: vec![],
                to_end: true,
                times,
            },
            Record::Link { path: "l".into(), target: b"+x/\xff".to_vec(), dir_times: times },
            Record::File { path: "f".into(), mode: 0o640, times, dir_times: times },
        ] {
            assert_eq!(Record::from_json(&record.to_json()), Some(record));
        }
    }

    #[test]
    fn a_log_that_leads_out_of_the_volume_is_none() {
        let times = (UNIX_EPOCH, UNIX_EPOCH);
        let file =
            |path: &str| Record::File { path: path.into(), mode: 0, times, dir_times: times }.to_json();
        assert!(Record::from_json(&file("a/b")).is_some());
        for path in ["../a", "/etc/passwd", "a/../../b"] {
            assert_eq!(Record::from_json(&file(path)), None, "{path}");
        }
    }
}
