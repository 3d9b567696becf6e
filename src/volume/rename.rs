//! Renaming: one system call where nothing depends on the path.
//!
//! With name IV chaining the names below a directory depend on it, with external IV chaining a file's header does. Then
//! everything that will change is planned first (`survey.rs`, `plan.rs`), put into the journal (`journal.rs`), and done
//! (`steps.rs`), the rename itself last. What arrives meanwhile is brought along (`stragglers.rs`); what fails or is
//! interrupted is put right (`mend.rs`).

use super::Volume;
use super::attr::{FileId, Kind};
use super::core::Core;
use super::dir::Dir;
use super::error::Error;
use super::fate;
use super::handles::Handles;
use super::header;
use super::journal::Begun;
use super::mend::mend;
use super::plan::{Above, Plan};
use super::spot::Spot;
use super::steps::{carry_out, rewrite_header};
use super::stragglers::bring_along;
use super::survey::{Move, survey};
use super::sys::{self, RawStat};
use rustix::io::Errno;
use std::ffi::OsStr;

const VERB: &str = "renaming";

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
    /// Renames an entry, with everything below it. On failure everything is as it was; so it is, or all is done, after
    /// a crash once the volume was opened for writing again.
    pub fn rename(
        &self,
        dir: &Dir,
        name: &OsStr,
        to: &Dir,
        new_name: &OsStr,
        mode: RenameMode,
    ) -> Result<(), Error> {
        let begun = {
            // names and headers below depend on where they are: nobody may look while they change
            let _alone = self.core.chained().then(|| self.core.change_chains());
            let (from, into) =
                (self.spot_to_change(VERB, dir, name)?, self.spot_to_change(VERB, to, new_name)?);
            let old = from.stat()?;
            let new = match into.stat() {
                Ok(_) if mode == RenameMode::NoReplace => return Err(into.error(Errno::EXIST)),
                Ok(new) => Some(new),
                Err(error) if mode == RenameMode::Exchange => return Err(error),
                Err(_) => None,
            };
            let _places = self.core.change_places();
            let rename = Rename { core: &self.core, from, into, old, new, mode };
            let begun = if self.core.chained() && !rename.is_one_file() {
                rename.chained()?
            } else {
                rename.plain()?
            };
            rename.settle();
            begun
        };
        if let Some(begun) = begun {
            self.core.journal.end(begun, true);
        }
        Ok(())
    }
}

/// A rename in progress.
struct Rename<'a> {
    core: &'a Core,
    from: Spot<'a>,
    into: Spot<'a>,
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

    fn plain(&self) -> Result<Option<Begun>, Error> {
        self.from.check(self.rename())?;
        Ok(None)
    }

    /// Headers and names below first, then the name, which so can still fail without having replaced anything.
    fn chained(&self) -> Result<Option<Begun>, Error> {
        self.foresee()?;
        let mut moves = vec![Move { from: &self.from, into: &self.into, stat: &self.old }];
        moves.extend(self.exchanged().map(|stat| Move { from: &self.into, into: &self.from, stat }));
        let (plan, handles) = survey(self.core, &moves)?;
        if plan.is_trivial() {
            let begun = self.plain()?;
            self.fit_successors(&plan, &[])?;
            return Ok(begun);
        }
        let begun = self.core.journal.begin(&plan);
        match self.carry_out(&plan, handles) {
            Ok(()) => {
                self.respell(&plan);
                let trees = [(&self.from, &self.into), (&self.into, &self.from)];
                bring_along(self.core, &plan, &trees);
                Ok(Some(begun))
            }
            Err(error) => {
                self.core.journal.end(begun, self.take_back(plan));
                Err(error)
            }
        }
    }

    /// Fails where the rename is bound to fail in the end, before the work.
    fn foresee(&self) -> Result<(), Error> {
        if self.old.kind == Kind::Dir && is_within(self.into.dir, &self.old)
            || self.exchanged().is_some_and(|new| new.kind == Kind::Dir && is_within(self.from.dir, new))
        {
            return Err(self.from.error(Errno::INVAL));
        }
        if self.from.dir.id().dev != self.into.dir.id().dev {
            return Err(self.from.error(Errno::XDEV));
        }
        let Some(new) = self.new.as_ref().filter(|_| self.mode == RenameMode::Replace) else { return Ok(()) };
        if new.kind == Kind::Dir && is_within(self.from.dir, new) {
            // whatever is renamed: the system looks at this first
            return Err(self.from.error(Errno::NOTEMPTY));
        }
        match (self.old.kind, new.kind) {
            (Kind::Dir, Kind::Dir) => {
                let handle =
                    self.into.check(sys::open_dir_handle(&self.into.handle, &self.into.cipher_name))?;
                // `.` and `..` are all there may be; one that we may not read is left to the system
                let full = sys::read_dir(&handle).is_ok_and(|entries| entries.count() > 2);
                if full { Err(self.from.error(Errno::NOTEMPTY)) } else { Ok(()) }
            }
            (Kind::Dir, _) => Err(self.from.error(Errno::NOTDIR)),
            (_, Kind::Dir) => Err(self.from.error(Errno::ISDIR)),
            _ => Ok(()),
        }
    }

    fn carry_out(&self, plan: &Plan, handles: Handles) -> Result<(), Error> {
        carry_out(plan, handles).map_err(|fault| self.from.error(fault))?;
        let mut files = Vec::new();
        for (tree, (from, into)) in
            plan.trees.iter().zip([(&self.from, &self.into), (&self.into, &self.from)])
        {
            if let Some(header) = tree.header {
                let rewritten = rewrite_header(&from.handle, &from.cipher_name, header);
                files.push((rewritten.map_err(|fault| from.error(fault))?, into));
            }
        }
        let renamed = self.rename();
        let mut fitting = Vec::new();
        for (file, into) in files {
            if renamed.is_ok() && file.is_at(&into.handle, &into.cipher_name) {
                fitting.push(file.id());
            } else {
                self.from.check(file.take_back())?;
            }
        }
        self.from.check(renamed)?;
        self.fit_successors(plan, &fitting)
    }

    /// A sync client may put another version in the place of a file after the plan was made: it is this version that
    /// was renamed, and needs the header for its new name, unless it is among those that have it.
    fn fit_successors(&self, plan: &Plan, fitting: &[FileId]) -> Result<(), Error> {
        let ways = [(&self.from, &self.into), (&self.into, &self.from)];
        for (tree, (from, into)) in plan.trees.iter().zip(ways).filter(|_| self.core.external_ivs()) {
            let Ok(stat) = into.stat() else { continue };
            if stat.kind == Kind::File && !tree.identity.is(&stat) && !fitting.contains(&stat.id) {
                let (old_iv, new_iv) = (from.chain.path_iv(), into.chain.path_iv());
                let fitted = header::fit(self.core, &into.handle, &into.cipher_name, old_iv, new_iv);
                fitted.map_err(|fault| into.error(fault))?;
            }
        }
        Ok(())
    }

    /// Makes everything what it was; says whether that is so now.
    fn take_back(&self, plan: Plan) -> bool {
        let root = self.core.root.handle(self.core, VERB);
        let mended = root.map(|root| mend(&[plan], &root, false));
        let sound = mended.is_ok_and(|mended| mended.failed == 0);
        if !sound {
            tracing::error!(error = %self.from.error(Errno::IO), "a failed rename could not be undone");
        }
        sound
    }

    fn rename(&self) -> rustix::io::Result<()> {
        if !fate::happens() {
            return Ok(());
        }
        let (from, into) = (&self.from, &self.into);
        let (old, new) = (from.cipher_name.as_slice(), into.cipher_name.as_slice());
        match self.mode {
            RenameMode::Replace => rustix::fs::renameat(&from.handle, old, &into.handle, new),
            RenameMode::NoReplace => sys::rename_noreplace(&from.handle, old, &into.handle, new),
            RenameMode::Exchange => sys::rename_exchange(&from.handle, old, &into.handle, new),
        }
    }

    /// Tells the states of directories below how they are spelled now.
    fn respell(&self, plan: &Plan) {
        for number in 0..plan.folder_count() {
            let folder = plan.folder(number);
            if let (Above::Folder(_), Some(state)) = (folder.above, self.core.dirs.get(folder.id())) {
                Dir::from(state).respelled(folder.after);
            }
        }
    }

    /// Tells the states of what was moved where it hangs now.
    fn settle(&self) {
        tell(self.core, &self.old, &self.into);
        if let Some(new) = self.exchanged() {
            tell(self.core, new, &self.from);
        }
    }
}

/// Whether a directory is `stat` or lies below it.
fn is_within(dir: &Dir, stat: &RawStat) -> bool {
    std::iter::successors(Some(dir.clone()), Dir::parent).any(|dir| dir.id() == stat.id)
}

fn tell(core: &Core, stat: &RawStat, spot: &Spot<'_>) {
    if stat.kind == Kind::Dir {
        if let Some(state) = core.dirs.get(stat.id) {
            Dir::from(state).moved_to(core, spot);
        }
    } else if let Some(state) = core.files.get(stat.id) {
        state.moved_to(spot);
    }
}
