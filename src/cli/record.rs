//! One entry of the volume as `ls` and `tree` know it.

use super::out::put_name;
use super::text;
use crate::volume::{Dir, Error, Kind, PlainPath, Stat, Volume};
use serde_json::{Value, json};
use std::ffi::{OsStr, OsString};

/// An entry with all that can be said about it.
pub(super) struct Record {
    pub(super) path: PlainPath,
    pub(super) kind: Kind,
    pub(super) stat: Stat,
    /// Where a link leads.
    pub(super) target: Option<OsString>,
}

impl Record {
    pub(super) fn new(volume: &Volume, dir: &Dir, name: &OsStr, path: PlainPath) -> Result<Record, Error> {
        let stat = volume.stat((dir, name))?;
        let target = match stat.kind {
            Kind::Symlink => Some(volume.readlink(dir, name)?),
            _ => None,
        };
        Ok(Record { path, kind: stat.kind, stat, target })
    }

    pub(super) fn json(&self) -> Value {
        let mut object = json!({
            "kind": kind_word(self.kind),
            "size": self.stat.size,
            "cipher_size": self.stat.cipher_size,
            "mode": format!("{:04o}", self.stat.mode),
            "links": self.stat.nlink,
            "uid": self.stat.uid,
            "gid": self.stat.gid,
            "modified": text::utc_time(self.stat.mtime),
        });
        put_name(&mut object, "path", &text::path(&self.path));
        if let Some(target) = &self.target {
            put_name(&mut object, "target", target);
        }
        object
    }
}

/// The letter that begins a line of `ls -l`.
pub(super) fn kind_letter(kind: Kind) -> char {
    match kind {
        Kind::File => '-',
        Kind::Dir => 'd',
        Kind::Symlink => 'l',
        Kind::Fifo => 'p',
        Kind::Socket => 's',
        Kind::CharDevice => 'c',
        Kind::BlockDevice => 'b',
    }
}

fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "file",
        Kind::Dir => "dir",
        Kind::Symlink => "symlink",
        Kind::Fifo => "pipe",
        Kind::Socket => "socket",
        Kind::CharDevice => "char-device",
        Kind::BlockDevice => "block-device",
    }
}
