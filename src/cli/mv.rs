//! `encbox mv`: new names and places within a volume.

use super::open::{VolumeArgs, plain_paths};
use super::{Error, Global};
use crate::volume::{Dir, Fault, Follow, Kind, Place, PlainPath, RenameMode, Volume};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};

/// Rename or move files and directories within a volume
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "encbox mv [OPTIONS] <VOLUME> <PATH>... <DEST>",
    after_long_help = "DEST is what it is for mv: a directory to move into, or the new name of the only one.\n\n\
    Examples:\n  \
    encbox mv ~/Dropbox/Private /notes.md /old-notes.md\n  \
    encbox mv ~/Dropbox/Private /a.txt /b.txt /Letters"
)]
pub(super) struct Mv {
    #[command(flatten)]
    volume: VolumeArgs,
    /// Paths in the volume, and where they shall be
    #[arg(required = true, num_args = 2.., value_names = ["PATH... DEST"])]
    paths: Vec<OsString>,
    /// Replace a file that exists
    #[arg(short, long)]
    force: bool,
}

impl Mv {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        let paths = plain_paths(&self.paths)?;
        let (dest, sources) = paths.split_last().expect("clap asks for two at least");
        let volume = self.volume.read_write(global)?;
        let place = volume.walk(dest, Follow::Yes).map_err(Error::at(dest))?;
        let into = match volume.stat(place.target()) {
            Ok(stat) if stat.kind == Kind::Dir => Some(place.dir(&volume).map_err(Error::at(dest))?),
            Err(error) if !matches!(error.fault, Fault::Sys(Errno::NOENT)) => {
                return Err(Error::at(dest)(error));
            }
            _ if sources.len() > 1 => {
                return Err(Error::Usage(format!("{}: is no directory", dest.display())));
            }
            _ => None,
        };
        for source in sources {
            let Place::Entry(dir, name) = volume.walk(source, Follow::No).map_err(Error::at(source))? else {
                return Err(Error::WholeVolume);
            };
            match (&into, &place) {
                (Some(into), _) => {
                    self.rename(&volume, (&dir, &name), (into, &name), source, &dest.join(&name))?
                }
                (None, Place::Entry(to, new)) => {
                    self.rename(&volume, (&dir, &name), (to, new), source, dest)?
                }
                (None, Place::Root(_)) => return Err(Error::WholeVolume),
            }
        }
        Ok(())
    }

    fn rename(
        &self,
        volume: &Volume,
        (dir, name): (&Dir, &OsStr),
        (to, new_name): (&Dir, &OsStr),
        source: &PlainPath,
        dest: &PlainPath,
    ) -> Result<(), Error> {
        let mode = if self.force { RenameMode::Replace } else { RenameMode::NoReplace };
        match volume.rename(dir, name, to, new_name, mode) {
            Err(error) if matches!(error.fault, Fault::Sys(Errno::EXIST)) => Err(Error::Exists(dest.clone())),
            done => done.map_err(Error::at(source)),
        }
    }
}
