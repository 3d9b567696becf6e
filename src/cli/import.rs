//! `encbox import`: into a volume.

use super::bulk::{self, BulkOptions};
use super::open::{VolumeArgs, plain_path};
use super::password::unbuffered_stdin;
use super::progress::Watch;
use super::{Error, Global, system, text};
use crate::transfer::{self, ImportOptions, Summary};
use crate::volume::{Follow, Kind, PlainPath, Volume};
use std::ffi::OsString;
use std::path::PathBuf;

/// Copy files into a volume
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "encbox import [OPTIONS] <VOLUME> <SRC>... <PATH>",
    after_long_help = "\
PATH is what it is for cp: a directory of the volume that the files go into, or the new name of the only one. Times, \
modes, links and holes are kept. A file of the volume is replaced as a whole, and only with --force. A file appears \
under its name when it is complete; --resume relies on that, and passes over a file that has the right size and time. \
An import to a new name goes on with --resume -T, for by then the directory is there; given from the start, -T means \
the same.\n\n\
With --tar, PATH is a directory that the stream is unpacked to; it is made if it is not there. Members that would reach \
beyond it are refused: each is named, the rest is unpacked, and the exit code is not 0. Links are kept as they are, and \
none is followed.\n\n\
Examples:\n  \
encbox import ~/Dropbox/Private ~/letter.odt /Letters\n  \
encbox import ~/Dropbox/Private ~/Photos/2026 /\n  \
encbox import --resume ~/Dropbox/Private ~/Photos/2026 /\n  \
mysqldump shop | encbox import ~/Dropbox/Private - /shop.sql\n  \
xz -dc backup.tar.xz | encbox import --tar ~/Dropbox/Private - /Backup"
)]
pub(super) struct Import {
    #[command(flatten)]
    volume: VolumeArgs,
    /// Files and folders (`-` is standard input), and the path in the volume to put them
    #[arg(required = true, num_args = 2.., value_names = ["SRC... PATH"])]
    sources: Vec<OsString>,
    /// Unpack a tar stream (SRC must be -)
    #[arg(long, conflicts_with = "no_target_directory")]
    tar: bool,
    #[command(flatten)]
    bulk: BulkOptions,
}

impl Import {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        let (dest, sources) = self.sources.split_last().expect("clap asks for two at least");
        let dest = plain_path(dest)?;
        let from_stdin = sources.iter().any(|source| source == "-");
        self.check(from_stdin, sources.len())?;
        let BulkOptions { force, resume, fail_fast, no_target_directory, jobs, json } = self.bulk;
        let options = ImportOptions { force, fail_fast, resume, no_target_directory, jobs };
        let mode = 0o666 & !system::umask();
        let volume = self.volume.read_write(global)?;
        let sources: Vec<PathBuf> = sources.iter().map(PathBuf::from).collect();
        let survey = || (!from_stdin).then(|| transfer::survey_outside(&sources));
        let mut watch = Watch::new(global, json, survey);
        let summary = if from_stdin {
            let mut stdin = unbuffered_stdin().map_err(Error::local("read", "-"))?;
            if self.tar {
                transfer::import_tar(&volume, &mut stdin, &dest, options, &mut watch)
                    .map_err(|error| bulk::stopped(error, false))?
            } else {
                transfer::import_stream(&volume, &mut stdin, &dest, mode, options, &mut watch)?
            }
        } else {
            let new_name = sources.len() == 1 && !is_dir(&volume, &dest);
            transfer::import(&volume, &sources, &dest, options, &mut watch)
                .map_err(|error| bulk::stopped(error, new_name))?
        };
        let Summary { copies, .. } = summary;
        if copies > 0 {
            let files = text::count(copies, "file");
            global.note(&format!("copied instead of linked: {files}; this volume can have no hard links"));
        }
        watch.end(global, "imported", summary)
    }

    fn check(&self, from_stdin: bool, source_count: usize) -> Result<(), Error> {
        let usage = |text: &str| Err(Error::Usage(text.into()));
        match (from_stdin, self.tar) {
            (true, _) if source_count > 1 => usage("standard input makes one source: import it by itself"),
            (true, false) if self.bulk.resume => usage("a stream cannot be resumed"),
            (true, false) if self.bulk.no_target_directory => usage("a stream has no name but the new one"),
            (false, true) => usage("--tar reads standard input: give - for SRC, and redirect it"),
            (false, false) if self.bulk.no_target_directory && source_count > 1 => {
                usage("-T gives one thing its new name, and there are many")
            }
            _ => Ok(()),
        }
    }
}

/// Whether a path of the volume leads to a directory.
fn is_dir(volume: &Volume, path: &PlainPath) -> bool {
    let place = volume.walk(path, Follow::Yes);
    place.and_then(|place| volume.stat(place.target())).is_ok_and(|stat| stat.kind == Kind::Dir)
}
