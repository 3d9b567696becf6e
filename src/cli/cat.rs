//! `encbox cat`: the contents of files, on standard output.

use super::open::{VolumeArgs, plain_paths};
use super::out::unbuffered_stdout;
use super::range::ByteRange;
use super::{Error, Global};
use crate::transfer::{self, CopyOptions, Silent};
use crate::volume::{File, Follow, OpenFile, Place, PlainPath, Volume};
use std::ffi::OsString;

/// Write the contents of files to standard output
#[derive(Debug, clap::Args)]
#[command(
    after_long_help = "What precedes damage in a file is written; nothing after it, and the exit code is 9.\n\n\
    Examples:\n  \
    encbox cat ~/Dropbox/Private /notes.md\n  \
    encbox cat --range 0-1023 ~/Dropbox/Private /film.mp4 | file -"
)]
pub(super) struct Cat {
    #[command(flatten)]
    volume: VolumeArgs,
    /// Files in the volume
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<OsString>,
    /// Only these bytes: START-END (both included), START+LENGTH or START-
    #[arg(long, value_name = "RANGE")]
    range: Option<ByteRange>,
}

impl Cat {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        let paths = plain_paths(&self.paths)?;
        let volume = self.volume.read_only(global)?;
        let range = self.range.as_ref().map_or(0..u64::MAX, |range| range.0.clone());
        let options = CopyOptions { range, ..CopyOptions::default() };
        let mut stdout = unbuffered_stdout()?;
        for path in &paths {
            let file = open_file(&volume, path)?;
            transfer::copy(&volume, file, path, &mut stdout, &options, &mut Silent)?;
        }
        Ok(())
    }
}

/// Opens a file for reading; links on the way and at its end are followed.
pub(super) fn open_file(volume: &Volume, path: &PlainPath) -> Result<File, Error> {
    match volume.walk(path, Follow::Yes).map_err(Error::at(path))? {
        Place::Root(_) => Err(Error::WholeVolume),
        Place::Entry(dir, name) => {
            let how = OpenFile { read: true, ..OpenFile::default() };
            volume.open_file(&dir, &name, how).map_err(Error::at(path))
        }
    }
}
