//! `encbox ls`: what is in a directory.

use super::open::{VolumeArgs, plain_path};
use super::out::Out;
use super::owner::Owners;
use super::record::{Record, kind_letter};
use super::{Error, Global, exit, text};
use crate::volume::{Dir, DirEntry, Follow, Kind, Place, PlainPath, Volume};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

/// List a directory of a volume
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    encbox ls ~/Dropbox/Private\n  \
    encbox ls -lR ~/Dropbox/Private /Letters\n  \
    encbox ls --json -R ~/Dropbox/Private | jq '.[].path'")]
pub(super) struct Ls {
    #[command(flatten)]
    volume: VolumeArgs,
    /// A path in the volume
    #[arg(default_value = "/")]
    path: OsString,
    /// Show mode, links, owner, group, size, time and where links lead
    #[arg(short, long)]
    long: bool,
    /// Also everything below
    #[arg(short = 'R', long)]
    recursive: bool,
    /// Also names that begin with a dot, and how many files here do not belong to the volume
    #[arg(short, long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Ls {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        let path = plain_path(&self.path)?;
        let volume = self.volume.read_only(global)?;
        let mut listing = Listing {
            args: self,
            global,
            volume: &volume,
            owners: None,
            out: Out::new(),
            json: Vec::new(),
            failed: 0,
        };
        listing.path(&path)?;
        listing.end()
    }
}

/// Shall `entry` be shown without `--all`?
pub(super) fn is_shown(entry: &DirEntry) -> bool {
    !entry.name.as_bytes().starts_with(b".")
}

struct Listing<'a> {
    args: &'a Ls,
    global: &'a Global,
    volume: &'a Volume,
    owners: Option<Owners>,
    out: Out,
    json: Vec<serde_json::Value>,
    failed: u64,
}

impl Listing<'_> {
    /// What was asked for: a directory, or one entry.
    fn path(&mut self, path: &PlainPath) -> Result<(), Error> {
        let follow = if self.args.long { Follow::No } else { Follow::Yes };
        let place = self.volume.walk(path, follow).map_err(Error::at(path))?;
        let kind = self.volume.stat(place.target()).map_err(Error::at(path))?.kind;
        match &place {
            Place::Entry(parent, name) if kind != Kind::Dir => {
                let record = Record::new(self.volume, parent, name, path.clone()).map_err(Error::at(path))?;
                self.records(vec![(text::path(path), record)])
            }
            _ => self.tree(place.dir(self.volume).map_err(Error::at(path))?, path),
        }
    }

    /// A directory, and with `-R` all below it.
    fn tree(&mut self, dir: Dir, path: &PlainPath) -> Result<(), Error> {
        let mut waiting = vec![(dir, path.clone())];
        while let Some((dir, path)) = waiting.pop() {
            if self.args.recursive && !self.args.json {
                self.out.name(&text::path(&path))?;
                self.out.line(":")?;
            }
            let Some(entries) = self.entries(&dir, &path)? else { continue };
            if self.args.recursive {
                // The last to wait is the first to be listed.
                for entry in entries.iter().rev().filter(|entry| entry.kind == Kind::Dir) {
                    let below = path.join(&entry.name);
                    match self.volume.open_dir(&dir, &entry.name) {
                        Ok(dir) => waiting.push((dir, below)),
                        Err(error) => self.complain(&Error::at(&below)(error)),
                    }
                }
            }
            self.directory(&dir, &path, entries)?;
            if self.args.recursive && !self.args.json && !waiting.is_empty() {
                self.out.line("")?;
            }
        }
        Ok(())
    }

    /// The entries to show, sorted. With `-R` a directory that cannot be read does not end the listing.
    fn entries(&mut self, dir: &Dir, path: &PlainPath) -> Result<Option<Vec<DirEntry>>, Error> {
        let mut entries = match self.volume.list(dir).map_err(Error::at(path)) {
            Ok(entries) => entries,
            Err(error) if self.args.recursive => {
                self.complain(&error);
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        if !self.args.all {
            entries.retain(is_shown);
        }
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(Some(entries))
    }

    fn directory(&mut self, dir: &Dir, path: &PlainPath, entries: Vec<DirEntry>) -> Result<(), Error> {
        if self.args.long || self.args.json {
            let mut records = Vec::with_capacity(entries.len());
            for entry in entries {
                let below = path.join(&entry.name);
                match Record::new(self.volume, dir, &entry.name, below.clone()) {
                    Ok(record) => records.push((entry.name, record)),
                    Err(error) => self.complain(&Error::at(&below)(error)),
                }
            }
            self.records(records)?;
        } else {
            for entry in entries {
                self.out.name(&entry.name)?;
                self.out.line("")?;
            }
        }
        if self.args.all {
            let foreign = self.volume.list_undecodable(dir).map_err(Error::at(path))?.len() as u64;
            if foreign > 0 {
                let files = text::count(foreign, "more file");
                self.global.note(&format!("{}: {files} with names that do not decode", path.display()));
            }
        }
        Ok(())
    }

    fn records(&mut self, records: Vec<(OsString, Record)>) -> Result<(), Error> {
        if self.args.json {
            self.json.extend(records.iter().map(|(_, record)| record.json()));
            return Ok(());
        }
        if !self.args.long {
            for (name, _) in records {
                self.out.name(&name)?;
                self.out.line("")?;
            }
            return Ok(());
        }
        let owners = self.owners.get_or_insert_with(Owners::read);
        let columns: Vec<[String; 6]> = records.iter().map(|(_, record)| columns(record, owners)).collect();
        let width = |column: usize| columns.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..6).map(width).collect();
        for ([mode, links, user, group, size, time], (name, record)) in columns.iter().zip(&records) {
            let line = format!(
                "{mode} {links:>0$} {user:<1$} {group:<2$} {size:>3$} {time} ",
                widths[1], widths[2], widths[3], widths[4]
            );
            self.out.bytes(line.as_bytes())?;
            self.out.name(name)?;
            if let Some(target) = &record.target {
                self.out.bytes(b" -> ")?;
                self.out.name(target)?;
            }
            self.out.line("")?;
        }
        Ok(())
    }

    fn complain(&mut self, error: &Error) {
        self.failed += 1;
        exit::complain(error);
    }

    fn end(mut self) -> Result<(), Error> {
        if self.args.json {
            self.out.json(&self.json)?;
        }
        self.out.end()?;
        if self.failed == 0 { Ok(()) } else { Err(Error::Incomplete(self.failed)) }
    }
}

/// Mode, links, user, group, size, time.
fn columns(record: &Record, owners: &Owners) -> [String; 6] {
    let stat = &record.stat;
    [
        text::mode(kind_letter(record.kind), stat.mode),
        stat.nlink.to_string(),
        owners.user(stat.uid),
        owners.group(stat.gid),
        stat.size.to_string(),
        text::local_time(stat.mtime),
    ]
}
