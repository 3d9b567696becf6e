//! `encbox rm`: out of a volume for good.

use super::open::{VolumeArgs, plain_paths};
use super::{Error, Global};
use crate::transfer::{Step, Walk};
use crate::volume::{Dir, Fault, Follow, Kind, Place, PlainPath, Volume};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};

/// Remove files and directories from a volume
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Links are removed, not what they lead to.\n\nExample:\n  \
    encbox rm -r ~/Dropbox/Private /Letters/2019")]
pub(super) struct Rm {
    #[command(flatten)]
    volume: VolumeArgs,
    /// What to remove
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<OsString>,
    /// Directories too, with everything in them
    #[arg(short, long)]
    recursive: bool,
    /// Do not mind what does not exist
    #[arg(short, long)]
    force: bool,
}

impl Rm {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        let paths = plain_paths(&self.paths)?;
        let volume = self.volume.read_write(global)?;
        for path in &paths {
            match self.remove(&volume, path) {
                Err(Error::At { source, .. })
                    if self.force && matches!(source.fault, Fault::Sys(Errno::NOENT)) => {}
                done => done?,
            }
        }
        Ok(())
    }

    fn remove(&self, volume: &Volume, path: &PlainPath) -> Result<(), Error> {
        let Place::Entry(dir, name) = volume.walk(path, Follow::No).map_err(Error::at(path))? else {
            return Err(Error::WholeVolume);
        };
        match volume.stat((&dir, name.as_os_str())).map_err(Error::at(path))?.kind {
            Kind::Dir if self.recursive => remove_tree(volume, &dir, &name, path),
            Kind::Dir => Err(Error::Directory(path.clone())),
            _ => volume.unlink(&dir, &name).map_err(Error::at(path)),
        }
    }
}

fn remove_tree(volume: &Volume, parent: &Dir, name: &OsStr, path: &PlainPath) -> Result<(), Error> {
    let dir = volume.open_dir(parent, name).map_err(Error::at(path))?;
    for step in Walk::new(volume, dir, path.clone())? {
        match step? {
            Step::Enter(..) => {}
            Step::Leaf(item) => volume.unlink(&item.parent, &item.name).map_err(Error::at(&item.path))?,
            Step::Leave(item, _) => remove_dir(volume, &item.parent, &item.name, &item.path)?,
        }
    }
    remove_dir(volume, parent, name, path)
}

/// Whatever is left in a directory now has a name that does not decode, and is not ours to remove.
fn remove_dir(volume: &Volume, parent: &Dir, name: &OsStr, path: &PlainPath) -> Result<(), Error> {
    match volume.rmdir(parent, name) {
        Err(error) if matches!(error.fault, Fault::Sys(Errno::NOTEMPTY)) => Err(Error::Foreign(path.clone())),
        done => done.map_err(Error::at(path)),
    }
}
