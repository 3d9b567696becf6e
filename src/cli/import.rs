//! `encbox import`: into a volume.

use super::open::{VolumeArgs, plain_path};
use super::password::unbuffered_stdin;
use super::progress::Watch;
use super::{Error, Global, system};
use crate::transfer::{self, ImportOptions};
use std::ffi::OsString;
use std::path::PathBuf;

/// Copy files into a volume
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "encbox import [OPTIONS] <VOLUME> <SRC>... <PATH>",
    after_long_help = "\
PATH is what it is for cp: a directory of the volume that the files go into, or the new name of the only one. Times, \
modes, links and holes are kept. A file of the volume is replaced as a whole, and only with --force.\n\n\
Examples:\n  \
encbox import ~/Dropbox/Private ~/letter.odt /Letters\n  \
encbox import ~/Dropbox/Private ~/Photos/2026 /\n  \
mysqldump shop | encbox import ~/Dropbox/Private - /shop.sql"
)]
pub(super) struct Import {
    #[command(flatten)]
    volume: VolumeArgs,
    /// Files and folders (`-` is standard input), and the path in the volume to put them
    #[arg(required = true, num_args = 2.., value_names = ["SRC... PATH"])]
    sources: Vec<OsString>,
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

impl Import {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        let (dest, sources) = self.sources.split_last().expect("clap asks for two at least");
        let dest = plain_path(dest)?;
        let from_stdin = sources.iter().any(|source| source == "-");
        if from_stdin && sources.len() > 1 {
            return Err(Error::Usage("standard input makes one file: import it by itself".into()));
        }
        let mode = 0o666 & !system::umask();
        let volume = self.volume.read_write(global)?;
        let options = ImportOptions { force: self.force, fail_fast: self.fail_fast };
        let mut watch = Watch::new(global, self.json, || None);
        let summary = if from_stdin {
            let mut stdin = unbuffered_stdin().map_err(Error::local("read", "-"))?;
            transfer::import_stream(&volume, &mut stdin, &dest, mode, options, &mut watch)?
        } else {
            let sources: Vec<PathBuf> = sources.iter().map(PathBuf::from).collect();
            transfer::import(&volume, &sources, &dest, options, &mut watch)?
        };
        watch.end(global, "imported", summary)
    }
}
