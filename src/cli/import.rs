//! `encbox import`: into a volume.

use super::bulk::BulkOptions;
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
encbox import --resume ~/Dropbox/Private ~/Photos/2026 /\n  \
mysqldump shop | encbox import ~/Dropbox/Private - /shop.sql"
)]
pub(super) struct Import {
    #[command(flatten)]
    volume: VolumeArgs,
    /// Files and folders (`-` is standard input), and the path in the volume to put them
    #[arg(required = true, num_args = 2.., value_names = ["SRC... PATH"])]
    sources: Vec<OsString>,
    #[command(flatten)]
    bulk: BulkOptions,
}

impl Import {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        let (dest, sources) = self.sources.split_last().expect("clap asks for two at least");
        let dest = plain_path(dest)?;
        let from_stdin = sources.iter().any(|source| source == "-");
        if from_stdin && sources.len() > 1 {
            return Err(Error::Usage("standard input makes one file: import it by itself".into()));
        }
        let BulkOptions { force, resume, fail_fast, json } = self.bulk;
        if from_stdin && resume {
            return Err(Error::Usage("a stream cannot be resumed".into()));
        }
        let mode = 0o666 & !system::umask();
        let volume = self.volume.read_write(global)?;
        let options = ImportOptions { force, fail_fast, resume };
        let mut watch = Watch::new(global, json, || None);
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
