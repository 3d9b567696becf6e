//! `encbox mkdir`: new directories in a volume.

use super::open::{VolumeArgs, plain_paths};
use super::{Error, Global, system};
use crate::volume::{Dir, Fault, Follow, Kind, Place, PlainPath, Volume};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};

/// Make directories in a volume
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:\n  encbox mkdir -p ~/Dropbox/Private /Letters/2026")]
pub(super) struct Mkdir {
    #[command(flatten)]
    volume: VolumeArgs,
    /// Directories to make
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<OsString>,
    /// Make those above as needed, and do not mind what exists
    #[arg(short, long)]
    parents: bool,
}

impl Mkdir {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        let paths = plain_paths(&self.paths)?;
        let mode = 0o777 & !system::umask();
        let volume = self.volume.read_write(global)?;
        for path in &paths {
            if self.parents { make_all(&volume, path, mode)? } else { make(&volume, path, mode)? }
        }
        Ok(())
    }
}

fn make(volume: &Volume, path: &PlainPath, mode: u32) -> Result<(), Error> {
    match volume.walk(path, Follow::No).map_err(Error::at(path))? {
        Place::Root(_) => Err(Error::WholeVolume),
        Place::Entry(dir, name) => mkdir(volume, &dir, &name, path, mode),
    }
}

/// Makes what is missing of the path; fails where something that is no directory is in the way.
fn make_all(volume: &Volume, path: &PlainPath, mode: u32) -> Result<(), Error> {
    let mut here = PlainPath::default();
    for name in path.components() {
        here = here.join(name);
        let place = volume.walk(&here, Follow::Yes).map_err(Error::at(&here))?;
        match (volume.stat(place.target()), place) {
            (Ok(stat), _) if stat.kind == Kind::Dir => {}
            (Err(error), Place::Entry(dir, name)) if matches!(error.fault, Fault::Sys(Errno::NOENT)) => {
                mkdir(volume, &dir, &name, &here, mode)?;
            }
            (Ok(_), _) => return Err(Error::Exists(here)),
            (Err(error), _) => return Err(Error::at(&here)(error)),
        }
    }
    Ok(())
}

fn mkdir(volume: &Volume, dir: &Dir, name: &OsStr, path: &PlainPath, mode: u32) -> Result<(), Error> {
    match volume.mkdir(dir, name, mode, None) {
        Ok(_) => Ok(()),
        Err(error) if matches!(error.fault, Fault::Sys(Errno::EXIST)) => Err(Error::Exists(path.clone())),
        Err(error) => Err(Error::at(path)(error)),
    }
}
