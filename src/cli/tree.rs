//! `encbox tree`: a volume as a drawing.

use super::ls::is_shown;
use super::open::{VolumeArgs, plain_path};
use super::out::Out;
use super::record::Record;
use super::{Error, Global, exit, text};
use crate::transfer::{Item, Step, Walk};
use crate::volume::{Follow, Kind, Volume};
use std::ffi::{OsStr, OsString};

/// Show a directory of a volume with everything below it
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:\n  encbox tree ~/Dropbox/Private /Letters")]
pub(super) struct Tree {
    #[command(flatten)]
    volume: VolumeArgs,
    /// A path in the volume
    #[arg(default_value = "/")]
    path: OsString,
    /// Also names that begin with a dot
    #[arg(short, long)]
    all: bool,
    /// Print JSON: a list of everything, with its path
    #[arg(long)]
    json: bool,
}

impl Tree {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        let path = plain_path(&self.path)?;
        let volume = self.volume.read_only(global)?;
        let place = volume.walk(&path, Follow::Yes).map_err(Error::at(&path))?;
        let dir = place.dir(&volume).map_err(Error::at(&path))?;
        let wanted = if self.all { |_: &_| true } else { is_shown };
        let mut drawing = Drawing::new(self.json);
        drawing.title(&text::path(&path))?;
        for step in Walk::filtered(&volume, dir, path, wanted)? {
            match step {
                Ok(Step::Enter(item, _)) => {
                    drawing.item(&volume, &item)?;
                    drawing.bars.push(!item.last);
                }
                Ok(Step::Leave(..)) => drop(drawing.bars.pop()),
                Ok(Step::Leaf(item)) => drawing.item(&volume, &item)?,
                Err(error) => drawing.complain(&error.into()),
            }
        }
        drawing.end(global)
    }
}

struct Drawing {
    out: Out,
    json: Option<Vec<serde_json::Value>>,
    /// For each folder we are in: is there more to come beside it?
    bars: Vec<bool>,
    folders: u64,
    files: u64,
    failed: u64,
}

impl Drawing {
    fn new(json: bool) -> Drawing {
        let json = json.then(Vec::new);
        Drawing { out: Out::new(), json, bars: Vec::new(), folders: 0, files: 0, failed: 0 }
    }

    fn title(&mut self, path: &OsStr) -> Result<(), Error> {
        if self.json.is_some() {
            return Ok(());
        }
        self.out.name(path)?;
        self.out.line("")
    }

    fn item(&mut self, volume: &Volume, item: &Item) -> Result<(), Error> {
        match item.kind {
            Kind::Dir => self.folders += 1,
            _ => self.files += 1,
        }
        if self.json.is_some() {
            self.record(volume, item);
            return Ok(());
        }
        for more in &self.bars {
            self.out.bytes(if *more { "│   " } else { "    " }.as_bytes())?;
        }
        self.out.bytes(if item.last { "└── " } else { "├── " }.as_bytes())?;
        self.out.name(&item.name)?;
        if item.kind == Kind::Symlink {
            self.out.bytes(b" -> ")?;
            match volume.readlink(&item.parent, &item.name) {
                Ok(target) => self.out.name(&target)?,
                Err(error) => self.complain(&Error::at(&item.path)(error)),
            }
        }
        self.out.line("")
    }

    fn record(&mut self, volume: &Volume, item: &Item) {
        match Record::new(volume, &item.parent, &item.name, item.path.clone()) {
            Ok(record) => self.json.get_or_insert_default().push(record.json()),
            Err(error) => self.complain(&Error::at(&item.path)(error)),
        }
    }

    fn complain(&mut self, error: &Error) {
        self.failed += 1;
        exit::complain(error);
    }

    fn end(mut self, global: &Global) -> Result<(), Error> {
        match &self.json {
            Some(records) => self.out.json(records)?,
            None => {
                let (folders, files) = (text::count(self.folders, "folder"), text::count(self.files, "file"));
                global.note_on_terminal(&format!("{folders}, {files}"));
            }
        }
        self.out.end()?;
        if self.failed == 0 { Ok(()) } else { Err(Error::Incomplete(self.failed)) }
    }
}
