//! `encbox export`: out of a volume, into a folder or a stream.

use super::bulk::{self, BulkOptions};
use super::cat::open_file;
use super::open::{VolumeArgs, plain_paths};
use super::out::unbuffered_stdout;
use super::progress::Watch;
use super::{Error, Global};
use crate::transfer::{self, BadBlocks, CopyOptions, ExportOptions, Summary};
use crate::volume::{PlainPath, Volume};
use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal};
use std::path::Path;

/// Copy files out of a volume
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "encbox export [OPTIONS] <VOLUME> [PATH]... <DEST>",
    after_long_help = "\
Without PATH, or with /, the whole volume goes into DEST. Otherwise DEST is what it is for cp: a folder that the \
files go into, or the new name of the only one. Times, modes, links and holes are kept. A file appears under its name \
when it is complete; --resume relies on that, and passes over a file that has the right size and time. An export to a \
new name goes on with --resume -T, for by then the folder is there; given from the start, -T means the same.\n\n\
What cannot be read is reported, and the exit code is not 0. A file with a bad block is left out; --keep-going exports \
what can be read of it, with zeros in the place of bad blocks, and reports which bytes those are.\n\n\
Examples:\n  \
encbox export ~/Dropbox/Private /Letters ~/Desktop\n  \
encbox export ~/Dropbox/Private ~/everything\n  \
encbox export --resume ~/Dropbox/Private ~/everything\n  \
encbox export --resume -T ~/Dropbox/Private /Letters ~/letters\n  \
encbox export --keep-going ~/Dropbox/Private /damaged.mkv ~/rescued\n  \
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
    /// Go on past damage within a file, too: zeros take the place of bad blocks, each of which is reported
    #[arg(long, conflicts_with = "fail_fast")]
    keep_going: bool,
    /// What becomes of bad blocks [default: fail, with --keep-going: zero]
    #[arg(long, value_name = "HOW")]
    bad_blocks: Option<BadBlocksArg>,
    #[command(flatten)]
    bulk: BulkOptions,
}

/// What becomes of bad blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum BadBlocksArg {
    /// Zeros take their place
    Zero,
    /// They are left out, and the file is shorter
    Skip,
    /// The file is left out
    Fail,
}

impl Export {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        let (dest, paths) = self.paths.split_last().expect("clap asks for one at least");
        let paths = plain_paths(paths)?;
        let to_stdout = dest == "-";
        self.check(to_stdout, &paths)?;
        let volume = self.volume.read_only(global)?;
        let options = self.options();
        let mut watch = Watch::new(global, self.bulk.json, || transfer::survey(&volume, &paths).ok());
        let summary = match (to_stdout, self.tar) {
            (true, true) => to_tar(&volume, &paths, options, &mut watch)?,
            (true, false) => to_stream(&volume, &paths[0], options, &mut watch)?,
            (false, _) => {
                let dest = Path::new(dest);
                let new_name = matches!(&paths[..], [path] if !path.is_root()) && !dest.is_dir();
                transfer::export_to(&volume, &paths, dest, options, &mut watch)
                    .map_err(|error| bulk::stopped(error, new_name))?
            }
        };
        watch.end(global, "exported", summary)
    }

    fn check(&self, to_stdout: bool, paths: &[PlainPath]) -> Result<(), Error> {
        let usage = |text: &str| Err(Error::Usage(text.into()));
        match (to_stdout, self.tar) {
            (false, true) => usage("--tar writes to standard output: give - for DEST, and redirect it"),
            (true, _) if self.bulk.json => {
                usage("--json and the exported bytes cannot share standard output")
            }
            (true, _) if self.bulk.resume => usage("a stream cannot be resumed"),
            (_, _) if self.bulk.no_target_directory && paths.len() > 1 => {
                usage("-T gives one thing its new name, and there are many")
            }
            (true, true) if self.bad_blocks == Some(BadBlocksArg::Skip) => {
                usage("a tar stream tells the length of a file before its contents: no block can be skipped")
            }
            (true, true) if io::stdout().is_terminal() => {
                usage("a terminal cannot show a tar stream: redirect it")
            }
            (true, false) if paths.len() != 1 => {
                usage("standard output takes one file; for more, or a folder, add --tar")
            }
            _ => Ok(()),
        }
    }

    fn options(&self) -> ExportOptions {
        let bad_blocks = match (self.bad_blocks, self.keep_going) {
            (Some(BadBlocksArg::Zero), _) | (None, true) => BadBlocks::Zero,
            (Some(BadBlocksArg::Skip), _) => BadBlocks::Skip,
            (Some(BadBlocksArg::Fail), _) | (None, false) => BadBlocks::Fail,
        };
        let BulkOptions { force, resume, fail_fast, no_target_directory, jobs, json: _ } = self.bulk;
        ExportOptions { force, fail_fast, resume, bad_blocks, no_target_directory, jobs }
    }
}

fn to_tar(
    volume: &Volume,
    paths: &[PlainPath],
    options: ExportOptions,
    watch: &mut Watch,
) -> Result<Summary, Error> {
    let mut out = BufWriter::with_capacity(transfer::BUFFER_LEN, unbuffered_stdout()?);
    Ok(transfer::export_tar(volume, paths, &mut out, options, watch)?)
}

fn to_stream(
    volume: &Volume,
    path: &PlainPath,
    options: ExportOptions,
    watch: &mut Watch,
) -> Result<Summary, Error> {
    let file = open_file(volume, path)?;
    let ExportOptions { bad_blocks, jobs, .. } = options;
    let options = CopyOptions { bad_blocks, jobs, ..CopyOptions::default() };
    Ok(transfer::copy(volume, file, path, &mut unbuffered_stdout()?, &options, watch)?)
}
