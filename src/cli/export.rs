//! `encbox export`: out of a volume, into a folder or a stream.

use super::cat::open_file;
use super::open::{VolumeArgs, plain_paths};
use super::progress::Watch;
use super::{Error, Global};
use crate::transfer::{self, ExportOptions, Summary};
use crate::volume::{PlainPath, Volume};
use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

/// Copy files out of a volume
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "encbox export [OPTIONS] <VOLUME> [PATH]... <DEST>",
    after_long_help = "\
Without PATH, or with /, the whole volume goes into DEST. Otherwise DEST is what it is for cp: a folder that the \
files go into, or the new name of the only one. Times, modes, links and holes are kept. A file appears under its name \
when it is complete.\n\n\
Examples:\n  \
encbox export ~/Dropbox/Private /Letters ~/Desktop\n  \
encbox export ~/Dropbox/Private ~/everything\n  \
encbox export ~/Dropbox/Private /photo.jpg - | feh -\n  \
encbox export --tar ~/Dropbox/Private - | xz > backup.tar.xz"
)]
pub(super) struct Export {
    #[command(flatten)]
    volume: VolumeArgs,
    /// Paths in the volume, and where to put them; `-` is standard output
    #[arg(required = true, value_names = ["PATH... DEST"])]
    paths: Vec<OsString>,
    /// Write a tar stream (DEST must be -)
    #[arg(long)]
    tar: bool,
    /// Replace files that exist
    #[arg(short, long)]
    force: bool,
    /// Stop at the first item that fails, rather than leave it out and go on
    #[arg(long)]
    fail_fast: bool,
    /// Report progress and result as JSON, a line each
    #[arg(long)]
    json: bool,
}

impl Export {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        let (dest, paths) = self.paths.split_last().expect("clap asks for one at least");
        let paths = plain_paths(paths)?;
        let to_stdout = dest == "-";
        self.check(to_stdout, &paths)?;
        let volume = self.volume.read_only(global)?;
        let mut watch = Watch::new(global, self.json, || transfer::survey(&volume, &paths).ok());
        let summary = match (to_stdout, self.tar) {
            (true, true) => self.to_tar(&volume, &paths, &mut watch)?,
            (true, false) => to_stream(&volume, &paths[0], &mut watch)?,
            (false, _) => {
                let options = ExportOptions { force: self.force, fail_fast: self.fail_fast };
                transfer::export_to(&volume, &paths, Path::new(dest), options, &mut watch)?
            }
        };
        watch.end(global, "exported", summary)
    }

    fn check(&self, to_stdout: bool, paths: &[PlainPath]) -> Result<(), Error> {
        let usage = |text: &str| Err(Error::Usage(text.into()));
        match (to_stdout, self.tar) {
            (false, true) => usage("--tar writes to standard output: give - for DEST, and redirect it"),
            (true, _) if self.json => usage("--json and the exported bytes cannot share standard output"),
            (true, true) if io::stdout().is_terminal() => {
                usage("a terminal cannot show a tar stream: redirect it")
            }
            (true, false) if paths.len() != 1 => {
                usage("standard output takes one file; for more, or a folder, add --tar")
            }
            _ => Ok(()),
        }
    }

    fn to_tar(&self, volume: &Volume, paths: &[PlainPath], watch: &mut Watch) -> Result<Summary, Error> {
        let mut out = BufWriter::with_capacity(transfer::BUFFER_LEN, io::stdout().lock());
        Ok(transfer::export_tar(volume, paths, &mut out, self.fail_fast, watch)?)
    }
}

fn to_stream(volume: &Volume, path: &PlainPath, watch: &mut Watch) -> Result<Summary, Error> {
    let file = open_file(volume, path)?;
    let mut out = io::stdout().lock();
    let bytes = transfer::copy(&file, path, 0..u64::MAX, &mut out, watch)?;
    out.flush().map_err(Error::Output)?;
    Ok(Summary { files: 1, bytes, ..Summary::default() })
}
