//! What a sync client brought into a directory while that was being renamed, after the plan was made: it moved along
//! with the directory, under the name and with the header for where this was.

use super::attr::Kind;
use super::core::Core;
use super::error::Fault;
use super::fate;
use super::handles::Handles;
use super::header;
use super::plan::{Above, Plan};
use super::spot::Spot;
use super::sys;
use crate::names::IvChain;
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use std::collections::HashMap;

/// How names in a directory were chained, and how they are now.
type Chains = (IvChain, IvChain);

/// Entries of the plan by the names that they have now, and whether each was given a header.
type Planned<'a> = HashMap<&'a [u8], bool>;

/// Gives everything that is not in the plan, and goes by the old chain, its new name and header. Trees were renamed from
/// one spot to the other. Whatever cannot be done is left, and said in the log.
pub(super) fn bring_along(core: &Core, plan: &Plan, trees: &[(&Spot<'_>, &Spot<'_>)]) {
    if !fate::forgot_nothing() {
        return;
    }
    let mut handles = Handles::default();
    for (_, into) in trees {
        handles.add_top(sys::open_dir_handle(&into.handle, &into.cipher_name).ok());
    }
    let mut known: Vec<Option<Chains>> = Vec::with_capacity(plan.folder_count());
    for number in 0..plan.folder_count() {
        let folder = plan.folder(number);
        let chains = match folder.above {
            Above::Top(tree) => trees.get(tree).map(|(from, into)| (from.chain, into.chain)),
            Above::Folder(above) => {
                known[above].and_then(|above| Some(names(core, folder.before, above).ok()?.chains))
            }
        };
        known.push(chains);
        let Some(chains) = chains else { continue };
        match handles.folder(plan, number) {
            Ok(handle) => {
                let planned = folder.entries().map(|entry| (entry.after, entry.header.is_some())).collect();
                adopt_all(core, &handle, chains, &planned);
            }
            Err(Errno::NOENT) => {} // somebody removed it
            Err(errno) => warn(folder.after, &errno.into()),
        }
    }
}

fn warn(name: &[u8], fault: &Fault) {
    let name = String::from_utf8_lossy(name);
    tracing::warn!(%name, %fault, "what arrived while its folder was being renamed may not fit in");
}

fn adopt_all(core: &Core, dir: &OwnedFd, chains: Chains, planned: &Planned<'_>) {
    let Ok(entries) = sys::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        let adopted = match planned.get(name) {
            Some(true) => Ok(()),
            // what had no header then, being empty, was written since, or replaced, for where it was
            Some(false) if core.external_ivs() => fit(core, dir, name, chains),
            Some(false) => Ok(()),
            None if core.names.decode_entry(name, chains.1).is_ok() => Ok(()),
            None => adopt(core, dir, name, chains),
        };
        if let Err(fault) = adopted {
            warn(name, &fault);
        }
    }
}

/// Gives a file whose name was renamed already the header that goes with it.
fn fit(core: &Core, dir: &OwnedFd, name: &[u8], (old, new): Chains) -> Result<(), Fault> {
    if sys::stat_at(dir, name)?.kind != Kind::File {
        return Ok(());
    }
    let (plain, below_new) = core.names.decode_entry(name, new)?;
    let (_, below_old) = core.names.encode_entry(&plain, old)?;
    header::fit(core, dir, name, below_old.path_iv(), below_new.path_iv())
}

/// Gives an entry the name and the header for where it is now. One that does not decode is none of ours.
fn adopt(core: &Core, dir: &OwnedFd, name: &[u8], chains: Chains) -> Result<(), Fault> {
    let Ok(Names { after, chains: below }) = names(core, name, chains) else { return Ok(()) };
    let stat = sys::stat_at(dir, name)?;
    if stat.kind == Kind::File && core.external_ivs() {
        header::fit(core, dir, name, below.0.path_iv(), below.1.path_iv())?;
    }
    let after = rename_beside(dir, name, after)?;
    if stat.kind == Kind::Dir {
        adopt_all(core, &sys::open_dir_handle(dir, &after)?, below, &Planned::new());
    }
    Ok(())
}

/// Renames an entry. Should something have the name, it becomes a conflicted copy of that, with a mark of ours.
fn rename_beside(dir: &OwnedFd, name: &[u8], after: Vec<u8>) -> Result<Vec<u8>, Errno> {
    let mut free = after.clone();
    let mut number = 1;
    while let Err(errno) = sys::rename_noreplace(dir, name, dir, &free) {
        if errno != Errno::EXIST {
            return Err(errno);
        }
        free = [&after[..], format!(" (arrived meanwhile {number})").as_bytes()].concat();
        number += 1;
    }
    Ok(free)
}

/// The name of an entry where it is now, and the chains below it.
struct Names {
    after: Vec<u8>,
    chains: Chains,
}

fn names(core: &Core, before: &[u8], (old, new): Chains) -> Result<Names, Fault> {
    let (name, below_old) = core.names.decode_entry(before, old)?;
    let (after, below_new) = core.names.encode_entry(&name, new)?;
    Ok(Names { after, chains: (below_old, below_new) })
}
