//! Renaming: one system call where nothing depends on the path.
//!
//! With name IV chaining the names below a directory depend on it (`retree.rs` sees to them); with external
//! IV chaining a file's header does (`reheader.rs`).

use super::Volume;
use super::attr::Kind;
use super::core::Core;
use super::dir::Dir;
use super::error::Error;
use super::reheader::Headers;
use super::retree;
use super::spot::Spot;
use super::sys::{self, RawStat};
use rustix::fs::Mode;
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

pub(super) const VERB: &str = "renaming";

/// What becomes of an entry that has the new name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenameMode {
    /// It is replaced.
    Replace,
    /// It stays, and the rename fails.
    NoReplace,
    /// It gets the old name; there must be one.
    Exchange,
}

impl Volume {
    /// Renames an entry, with everything below it. On failure everything is as it was.
    pub fn rename(
        &self,
        dir: &Dir,
        name: &OsStr,
        to: &Dir,
        new_name: &OsStr,
        mode: RenameMode,
    ) -> Result<(), Error> {
        // names and headers below depend on where they are: nobody may look while they change
        let _alone = self.core.chained().then(|| self.core.change_chains());
        let (from, into) = (self.spot_to_change(VERB, dir, name)?, self.spot_to_change(VERB, to, new_name)?);
        let old = from.stat()?;
        let new = match into.stat() {
            Ok(_) if mode == RenameMode::NoReplace => return Err(into.error(Errno::EXIST)),
            Ok(new) => Some(new),
            Err(error) if mode == RenameMode::Exchange => return Err(error),
            Err(_) => None,
        };
        let _places = self.core.change_places();
        let rename = Rename { core: &self.core, from, name, into, new_name, old, new, mode };
        if self.core.chained() && !rename.is_one_file() {
            rename.chained()?
        } else {
            rename.plain()?
        }
        rename.settle();
        Ok(())
    }
}

/// A rename in progress.
struct Rename<'a> {
    core: &'a Core,
    from: Spot<'a>,
    name: &'a OsStr,
    into: Spot<'a>,
    new_name: &'a OsStr,
    /// What is renamed.
    old: RawStat,
    /// What has the new name already.
    new: Option<RawStat>,
    mode: RenameMode,
}

impl Rename<'_> {
    /// Two names of one file: the system does nothing, and so do we.
    fn is_one_file(&self) -> bool {
        self.new.as_ref().is_some_and(|new| new.id == self.old.id)
    }

    /// What goes the other way.
    fn exchanged(&self) -> Option<&RawStat> {
        self.new.as_ref().filter(|_| self.mode == RenameMode::Exchange)
    }

    fn plain(&self) -> Result<(), Error> {
        self.from.check(self.rename(&self.from, &self.into, self.mode))
    }

    /// Headers first, then the name, then the names below; what was done is undone if a later step fails.
    fn chained(&self) -> Result<(), Error> {
        let mut headers = Headers::new(self.core);
        let moved =
            headers.move_file(&self.from, &self.into, &self.old).and_then(|()| match self.exchanged() {
                Some(new) => headers.move_file(&self.into, &self.from, new),
                None => Ok(()),
            });
        let renamed = moved.and_then(|()| self.plain());
        if let Err(error) = renamed {
            headers.undo();
            return Err(error);
        }
        self.below().inspect_err(|_| {
            self.rename_back();
            headers.undo();
        })
    }

    /// Everything below a directory that was renamed, or below both.
    fn below(&self) -> Result<(), Error> {
        let (from, into) = (self.from.chain, self.into.chain);
        if self.old.kind == Kind::Dir {
            retree::rename_below(self.core, &self.into, &self.old, from, into)?;
        }
        let Some(new) = self.exchanged().filter(|new| new.kind == Kind::Dir) else { return Ok(()) };
        retree::rename_below(self.core, &self.from, new, into, from).inspect_err(|_| {
            if self.old.kind == Kind::Dir
                && let Err(error) = retree::rename_below(self.core, &self.into, &self.old, into, from)
            {
                tracing::error!(%error, "half of a failed exchange could not be undone");
            }
        })
    }

    fn rename_back(&self) {
        let mode = if self.mode == RenameMode::Exchange { self.mode } else { RenameMode::NoReplace };
        let mut undone = self.rename(&self.into, &self.from, mode);
        if self.mode == RenameMode::Replace
            && let Some(replaced) = &self.new
        {
            undone = undone.and_then(|()| make_again(&self.into, replaced));
        }
        if let Err(errno) = undone {
            tracing::error!(error = %self.into.error(errno), "a failed rename could not be undone");
        }
    }

    fn rename(&self, from: &Spot<'_>, into: &Spot<'_>, mode: RenameMode) -> rustix::io::Result<()> {
        let (old, new) = (from.cipher_name.as_slice(), into.cipher_name.as_slice());
        match mode {
            RenameMode::Replace => rustix::fs::renameat(&from.handle, old, &into.handle, new),
            RenameMode::NoReplace => sys::rename_noreplace(&from.handle, old, &into.handle, new),
            RenameMode::Exchange => sys::rename_exchange(&from.handle, old, &into.handle, new),
        }
    }

    /// Tells the states of what was moved where it hangs now.
    fn settle(&self) {
        tell(self.core, &self.old, &self.into, self.new_name);
        if let Some(new) = self.exchanged() {
            tell(self.core, new, &self.from, self.name);
        }
    }
}

/// Makes the empty directory again that a rename had replaced. (Only a directory is replaced by a directory, and
/// only below a directory can a rename fail this late.)
fn make_again(spot: &Spot<'_>, replaced: &RawStat) -> rustix::io::Result<()> {
    let name = spot.cipher_name.as_slice();
    rustix::fs::mkdirat(&spot.handle, name, Mode::RWXU)?;
    sys::chown_at(&spot.handle, name, Some(replaced.uid), Some(replaced.gid))?;
    sys::chmod_at(&spot.handle, name, replaced.mode)?;
    sys::restore_times_at(&spot.handle, name, replaced);
    Ok(())
}

fn tell(core: &Core, stat: &RawStat, spot: &Spot<'_>, name: &OsStr) {
    if stat.kind == Kind::Dir {
        if let Some(state) = core.dirs.get(stat.id) {
            Dir::from(state).moved_to(core, spot.dir, name.as_bytes(), &spot.cipher_name);
        }
    } else if let Some(state) = core.files.get(stat.id) {
        state.moved_to(spot.dir, name.as_bytes());
    }
}
