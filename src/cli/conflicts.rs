//! `encbox conflicts`: two versions of one file, seen side by side and brought back to one.

use super::difference::{Comparison, compare};
use super::open::{VolumeArgs, plain_paths};
use super::out::{Out, put_name};
use super::record::Record;
use super::trash::{Trash, is_trash};
use super::{Error, Global, exit, text};
use crate::names::{numbered, original_of};
use crate::volume::{Dir, DirEntry, Fault, Follow, Kind, Place, PlainPath, RenameMode, Volume};
use clap::ValueEnum;
use rustix::io::Errno;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// List conflicted copies with the files that they are copies of, compare them, keep one or both
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "encbox conflicts [OPTIONS] <VOLUME> [PATH]...",
    after_long_help = "\
When two machines change one file, the version that arrives first keeps the name, and a sync client gives the other one \
a mark, as in `report (laptop's conflicted copy 2026-11-22).md`. So does encbox with an edit whose file was replaced \
while it was being written. Listed are all copies at and below PATH, or in the whole volume; the exit code is 0 whether \
there are any or none.\n\n\
--keep brings the two back to one, for a PATH that is a copy, or a file with just one copy:\n  \
mine    the copy: what the machine in its mark wrote. It takes the name of the file (also: copy)\n  \
theirs  the file under the name without mark: what arrived first (also: original)\n  \
both    the copy gets a plain name that is free, `report 2.md`\n\
On the machine in the mark, the copy is what you wrote there; on any other machine it is the other way round: --diff \
shows which is which. What is not kept is not deleted: it goes to the trash of the volume, /.Trash-UID/files, which \
file managers know in a mount, and from which `encbox mv` takes it back. --all does so with every copy at and below \
PATH; files with several copies are left alone by `mine`, since only one can have the name.\n\n\
Examples:\n  \
encbox conflicts ~/Dropbox/Private\n  \
encbox conflicts --diff ~/Dropbox/Private /notes\n  \
encbox conflicts --keep mine ~/Dropbox/Private \"/report (laptop's conflicted copy 2026-11-22).md\"\n  \
encbox conflicts --keep both --all ~/Dropbox/Private"
)]
pub(super) struct Conflicts {
    #[command(flatten)]
    volume: VolumeArgs,
    /// Paths in the volume: folders, copies, or files that have copies
    #[arg(value_name = "PATH")]
    paths: Vec<OsString>,
    /// Show in what the two differ: texts line by line
    #[arg(short, long, conflicts_with = "keep")]
    diff: bool,
    /// Keep the copy (mine), the file that has the name (theirs), or both
    #[arg(long, value_enum, value_name = "WHICH")]
    keep: Option<Keep>,
    /// With --keep: everything at and below PATH
    #[arg(long, requires = "keep")]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Which of two versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Keep {
    /// The copy
    #[value(alias = "copy")]
    Mine,
    /// The file that has the name
    #[value(alias = "original")]
    Theirs,
    /// The copy under a plain name that is free
    Both,
}

/// A conflicted copy.
struct Conflict {
    dir: Dir,
    /// The directory's path.
    path: PlainPath,
    name: OsString,
    /// What it is a copy of, in the same directory.
    original: OsString,
    /// The mark stands on disk behind the encrypted name: a sync client made the copy.
    marked: bool,
}

impl Conflict {
    fn path(&self) -> PlainPath {
        self.path.join(&self.name)
    }

    fn original_path(&self) -> PlainPath {
        self.path.join(&self.original)
    }
}

impl Conflicts {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        let mut paths = plain_paths(&self.paths)?;
        let is_all = self.all || self.keep.is_none();
        if paths.is_empty() {
            if !is_all {
                return Err(Error::Usage(
                    "--keep takes a PATH, or --all for every copy in the volume".into(),
                ));
            }
            paths.push(PlainPath::default());
        }
        let volume = match self.keep {
            Some(_) => self.volume.read_write(global)?,
            None => self.volume.read_only(global)?,
        };
        let mut work = Work { volume: &volume, out: Out::new(), json: self.json.then(Vec::new), failed: 0 };
        let mut found = Vec::new();
        for path in &paths {
            let here = work.search(path)?;
            let here = if is_all { here } else { vec![the_one(here, path)?] };
            found.extend(here);
        }
        match self.keep {
            None => found.iter().try_for_each(|conflict| work.show(conflict, self.diff))?,
            Some(keep) => work.resolve(found, keep)?,
        }
        work.end(global, self.keep.is_none())
    }
}

struct Work<'a> {
    volume: &'a Volume,
    out: Out,
    json: Option<Vec<Value>>,
    failed: u64,
}

impl Work<'_> {
    /// The copies at and below a path, folders before what is in them.
    fn search(&mut self, path: &PlainPath) -> Result<Vec<Conflict>, Error> {
        let place = self.volume.walk(path, Follow::No).map_err(Error::at(path))?;
        let (dir, name) = match &place {
            Place::Root(dir) => return Ok(self.below(dir.clone(), path.clone())),
            Place::Entry(dir, name) => (dir, name),
        };
        // a copy may be all that there is
        let above = path.parent().unwrap_or_default();
        let beside = self.in_dir(dir, &above, &self.volume.list(dir).map_err(Error::at(&above))?);
        let mut found: Vec<Conflict> =
            beside.into_iter().filter(|found| found.name == *name || found.original == *name).collect();
        match self.volume.stat((dir, name.as_os_str())) {
            Ok(stat) if stat.kind == Kind::Dir => {
                let dir = self.volume.open_dir(dir, name).map_err(Error::at(path))?;
                found.extend(self.below(dir, path.clone()));
            }
            Ok(_) => {}
            Err(error) if matches!(error.fault, Fault::Sys(Errno::NOENT)) && !found.is_empty() => {}
            Err(error) => return Err(Error::at(path)(error)),
        }
        Ok(found)
    }

    fn below(&mut self, dir: Dir, path: PlainPath) -> Vec<Conflict> {
        let mut found = Vec::new();
        let mut waiting = vec![(dir, path)];
        while let Some((dir, path)) = waiting.pop() {
            let mut entries = match self.volume.list(&dir).map_err(Error::at(&path)) {
                Ok(entries) => entries,
                Err(error) => {
                    self.complain(&error);
                    continue;
                }
            };
            entries.retain(|entry| !(path.is_root() && is_trash(&entry.name)));
            entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
            found.extend(self.in_dir(&dir, &path, &entries));
            // the last to wait is the first to be looked into
            for entry in entries.iter().rev().filter(|entry| entry.kind == Kind::Dir) {
                let below = path.join(&entry.name);
                match self.volume.open_dir(&dir, &entry.name) {
                    Ok(dir) => waiting.push((dir, below)),
                    Err(error) => self.complain(&Error::at(&below)(error)),
                }
            }
        }
        found
    }

    fn in_dir(&self, dir: &Dir, path: &PlainPath, entries: &[DirEntry]) -> Vec<Conflict> {
        let names: HashSet<&OsStr> = entries.iter().map(|entry| entry.name.as_os_str()).collect();
        let conflict = |entry: &DirEntry| {
            Some(Conflict {
                dir: dir.clone(),
                path: path.clone(),
                name: entry.name.clone(),
                original: original(entry, &names)?,
                marked: entry.copy_of.is_some(),
            })
        };
        entries.iter().filter_map(conflict).collect()
    }

    fn show(&mut self, conflict: &Conflict, diff: bool) -> Result<(), Error> {
        let Conflict { dir, name, original, .. } = conflict;
        let path = conflict.path();
        let copy = match Record::new(self.volume, dir, name, path.clone()) {
            Ok(record) => record,
            Err(error) => {
                self.complain(&Error::at(&path)(error));
                return Ok(());
            }
        };
        // the file may be gone, and the copy all that is left
        let original_path = conflict.original_path();
        let file = Record::new(self.volume, dir, original, original_path.clone()).ok();
        let labels = [original_path.display(), path.display()];
        let compared = (diff && file.is_some()).then(|| {
            compare(self.volume, dir, [original, name], [&labels[0], &labels[1]]).map_err(Error::at(&path))
        });
        let compared = match compared {
            Some(Err(error)) => {
                self.complain(&error);
                None
            }
            Some(Ok(comparison)) => Some(comparison),
            None => None,
        };
        match &mut self.json {
            Some(list) => list.push(facts(conflict, &copy, file.as_ref(), compared.as_ref())),
            None => self.print(conflict, &copy, file.as_ref(), compared.as_ref())?,
        }
        Ok(())
    }

    fn print(
        &mut self,
        conflict: &Conflict,
        copy: &Record,
        file: Option<&Record>,
        compared: Option<&Comparison>,
    ) -> Result<(), Error> {
        self.out.name(&text::path(&conflict.path()))?;
        self.out.line("")?;
        self.out.line(&format!("    copy      {}", size_and_time(copy)))?;
        match file {
            Some(file) => self.out.bytes(format!("    original  {}  ", size_and_time(file)).as_bytes())?,
            None => self.out.bytes(b"    original  is gone: ")?,
        }
        self.out.name(&conflict.original)?;
        self.out.line("")?;
        match compared {
            Some(Comparison::Text(diff)) => self.out.text(diff),
            Some(comparison) => self.out.line(&format!("    {}", comparison.words())),
            None => Ok(()),
        }
    }

    fn resolve(&mut self, mut found: Vec<Conflict>, keep: Keep) -> Result<(), Error> {
        // what is in a folder comes before the folder, which may move; and no copy twice
        let mut seen = HashSet::new();
        found.retain(|conflict| seen.insert(conflict.path()));
        let several: HashSet<PlainPath> = {
            let mut once = HashSet::new();
            found.iter().map(Conflict::original_path).filter(|path| !once.insert(path.clone())).collect()
        };
        for conflict in found.iter().rev() {
            let path = conflict.original_path();
            if keep == Keep::Mine && several.contains(&path) {
                self.complain(&Error::SeveralCopies(conflict.path()));
                continue;
            }
            match self.bring_together(conflict, keep) {
                Ok(()) => {}
                Err(error) if found.len() == 1 => return Err(error),
                Err(error) => self.complain(&error),
            }
        }
        Ok(())
    }

    fn bring_together(&mut self, conflict: &Conflict, keep: Keep) -> Result<(), Error> {
        let Conflict { dir, name, original, .. } = conflict;
        let (path, original_path) = (conflict.path(), conflict.original_path());
        let (now, discarded) = match keep {
            Keep::Theirs => {
                // without the original there is nothing else to keep
                self.volume.stat((dir, original.as_os_str())).map_err(Error::at(&original_path))?;
                (original_path, Some(Trash::open(self.volume)?.discard(dir, name, &path)?.path))
            }
            Keep::Mine => {
                let there = self.volume.stat((dir, original.as_os_str())).is_ok();
                let trash = there.then(|| Trash::open(self.volume)).transpose()?;
                let discarded = match &trash {
                    Some(trash) => Some(trash.discard(dir, original, &original_path)?),
                    None => None,
                };
                let renamed = self.volume.rename(dir, name, dir, original, RenameMode::NoReplace);
                if let Err(error) = renamed {
                    if let (Some(trash), Some(discarded)) = (&trash, &discarded) {
                        trash.take_back(discarded, dir, original)?;
                    }
                    return Err(Error::at(&path)(error));
                }
                (original_path, discarded.map(|discarded| discarded.path))
            }
            Keep::Both => (conflict.path.join(&self.free_name(conflict)?), None),
        };
        self.report(&path, &now, discarded.as_ref())
    }

    /// Gives a copy a name that is free and has no mark.
    fn free_name(&self, conflict: &Conflict) -> Result<OsString, Error> {
        let Conflict { dir, name, original, .. } = conflict;
        let mut number = 2;
        loop {
            let free = numbered(original.as_bytes(), number, self.volume.max_name_len());
            let free = OsString::from_vec(free);
            match self.volume.rename(dir, name, dir, &free, RenameMode::NoReplace) {
                Err(error) if matches!(error.fault, Fault::Sys(Errno::EXIST)) => number += 1,
                renamed => return renamed.map(|()| free).map_err(Error::at(&conflict.path())),
            }
        }
    }

    fn report(
        &mut self,
        copy: &PlainPath,
        now: &PlainPath,
        discarded: Option<&PlainPath>,
    ) -> Result<(), Error> {
        if let Some(list) = &mut self.json {
            let mut object = json!({ "discarded": null });
            put_name(&mut object, "path", &text::path(copy));
            put_name(&mut object, "kept", &text::path(now));
            if let Some(discarded) = discarded {
                put_name(&mut object, "discarded", &text::path(discarded));
            }
            list.push(object);
            return Ok(());
        }
        self.out.bytes(b"kept ")?;
        self.out.name(&text::path(now))?;
        if let Some(discarded) = discarded {
            self.out.bytes(b"; the other is ")?;
            self.out.name(&text::path(discarded))?;
        }
        self.out.line("")
    }

    fn complain(&mut self, error: &Error) {
        self.failed += 1;
        exit::complain(error);
    }

    fn end(mut self, global: &Global, listing: bool) -> Result<(), Error> {
        if let Some(list) = &self.json {
            self.out.json(list)?;
        } else if listing && self.out.is_empty() && self.failed == 0 {
            global.note_on_terminal("no conflicted copies");
        }
        self.out.end()?;
        if self.failed == 0 { Ok(()) } else { Err(Error::Incomplete(self.failed)) }
    }
}

/// The copy at a path, or the only one of the file there.
fn the_one(found: Vec<Conflict>, path: &PlainPath) -> Result<Conflict, Error> {
    let (mut at_path, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|copy| copy.path() == *path);
    let mut copies: Vec<_> = others.into_iter().filter(|copy| copy.original_path() == *path).collect();
    let count = at_path.len() + copies.len();
    match at_path.pop().or_else(|| copies.pop().filter(|_| count == 1)) {
        Some(conflict) => Ok(conflict),
        None => Err(Error::Ambiguous { path: path.clone(), count }),
    }
}

/// What an entry is a copy of, if it is one: of copies of copies the nearest that is there.
fn original(entry: &DirEntry, names: &HashSet<&OsStr>) -> Option<OsString> {
    let further = |name: &OsStr| original_of(name.as_bytes()).map(OsString::from_vec);
    let mut original = entry.copy_of.clone().or_else(|| further(&entry.name))?;
    while !names.contains(original.as_os_str())
        && let Some(name) = further(&original)
    {
        original = name;
    }
    Some(original)
}

fn size_and_time(record: &Record) -> String {
    let time = text::local_time(record.stat.mtime);
    match record.kind {
        Kind::File => format!("{:>12} bytes  {time}", record.stat.size),
        Kind::Dir => format!("{:>18}  {time}", "folder"),
        _ => format!("{:>18}  {time}", "link or device"),
    }
}

fn facts(conflict: &Conflict, copy: &Record, file: Option<&Record>, compared: Option<&Comparison>) -> Value {
    let mut object = json!({
        "marked": conflict.marked,
        "copy": copy.json(),
        "original": file.map(Record::json),
    });
    put_name(&mut object, "path", &text::path(&conflict.path()));
    put_name(&mut object, "copy_of", &text::path(&conflict.original_path()));
    if let Some(comparison) = compared {
        object["difference"] = comparison.json();
    }
    object
}
