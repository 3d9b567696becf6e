//! How everything is called, and which headers files have: to know afterwards what was changed by somebody else, which
//! here is the end of an interrupted rename, when the volume is opened for writing.

use super::apply::times;
use super::record::Record;
use crate::content::HEADER_LEN;
use crate::volume::{Error, Kind, Volume};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Every entry of a volume by its inode.
#[derive(Debug, Default)]
pub struct Standing(HashMap<u64, Entry>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// The inode of its directory; 0 for the root.
    dir: u64,
    name: Vec<u8>,
    depth: usize,
    header: Option<[u8; HEADER_LEN]>,
}

impl Standing {
    /// Walks the whole volume.
    pub fn of(volume: &Volume) -> Result<Standing, Error> {
        let has_headers = volume.layout().header_len() > 0;
        let mut standing = Standing::default();
        let mut todo = vec![(PathBuf::new(), 0, 0)];
        while let Some((path, dir_ino, depth)) = todo.pop() {
            let dir = volume.raw_dir(&path)?;
            for entry in dir.entries()? {
                let entry = entry?;
                let Some(stat) = dir.stat_if_there(&entry.name)? else { continue };
                let header = match stat.kind {
                    Kind::File if has_headers => dir.open_file(&entry.name, false)?.header()?,
                    Kind::Dir => {
                        todo.push((path.join(OsStr::from_bytes(&entry.name)), stat.id.ino, depth + 1));
                        None
                    }
                    _ => None,
                };
                let entry = Entry { dir: dir_ino, name: entry.name, depth, header };
                standing.0.insert(stat.id.ino, entry);
            }
        }
        Ok(standing)
    }

    /// The path of a directory by its inode.
    fn path(&self, mut ino: u64) -> Option<PathBuf> {
        let mut names = Vec::new();
        while ino != 0 {
            let entry = self.0.get(&ino)?;
            names.push(OsStr::from_bytes(&entry.name));
            ino = entry.dir;
        }
        Some(names.iter().rev().collect())
    }

    /// The steps that led from here to how the volume stands now, as if they had been done one by one: to be taken back
    /// from the last to the first.
    pub(super) fn steps_to_now(&self, volume: &Volume) -> Result<Vec<Record>, Error> {
        let now = Standing::of(volume)?;
        let mut changed: Vec<(u64, &Entry, &Entry)> = Vec::new();
        for (ino, before) in &self.0 {
            if let Some(after) = now.0.get(ino).filter(|after| *after != before) {
                changed.push((*ino, before, after));
            }
        }
        // what is deep now is taken back last, when the directories that it goes through have their names back
        changed.sort_by_key(|(ino, _, after)| (std::cmp::Reverse(after.depth), *ino));
        let (mut headers, mut renames) = (Vec::new(), Vec::new());
        for (ino, before, after) in changed {
            let (Some(dir), Some(to_dir)) = (self.path(before.dir), self.path(after.dir)) else { continue };
            let now_in = now.path(after.dir).unwrap_or_default();
            let of_dir = times(&volume.raw_dir(&now_in)?.stat(b"")?);
            if let (Some(old), Some(new)) = (before.header, after.header)
                && old != new
            {
                let (Some(path), Some(now_at)) = (self.path(ino), now.path(ino)) else { continue };
                let times =
                    times(&volume.raw_dir(&now_in)?.stat(now_at.file_name().unwrap_or_default().as_bytes())?);
                let (before, after) = (old.to_vec(), new.to_vec());
                headers.push(Record::Bytes { path, offset: 0, before, after, to_end: false, times });
            }
            if (before.dir, &before.name) != (after.dir, &after.name) {
                let (from, to) = (before.name.clone(), after.name.clone());
                renames.push(Record::Rename {
                    dir,
                    from,
                    to_dir,
                    to,
                    dir_times: of_dir,
                    to_dir_times: of_dir,
                });
            }
        }
        headers.extend(renames);
        Ok(headers)
    }
}
