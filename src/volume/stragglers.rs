//! What a sync client brought into a directory while that was being renamed, after the plan was made: it moved along
//! with the directory, under the name and with the header for where this was.

use super::attr::Kind;
use super::core::Core;
use super::error::Fault;
use super::header;
use super::plan::{Above, Plan};
use super::spot::Spot;
use super::sys;
use crate::names::IvChain;
use rustix::fd::OwnedFd;
use std::collections::HashMap;
use std::sync::Arc;

/// How names in a directory were chained, and how they are now.
type Chains = (IvChain, IvChain);

/// Gives everything that is not in the plan, and goes by the old chain, its new name and header. Trees were renamed from
/// one spot to the other. Whatever cannot be done is left, and said in the log.
pub(super) fn bring_along(core: &Core, plan: &Plan, trees: &[(&Spot<'_>, &Spot<'_>)]) {
    let mut folders: Vec<Option<(Arc<OwnedFd>, Chains)>> = Vec::with_capacity(plan.folder_count());
    for number in 0..plan.folder_count() {
        let folder = plan.folder(number);
        let opened = match folder.above {
            Above::Top(tree) => trees.get(tree).and_then(|(from, into)| {
                let handle = sys::open_dir_handle(&into.handle, &into.cipher_name).ok()?;
                Some((Arc::new(handle), (from.chain, into.chain)))
            }),
            Above::Folder(above) => folders[above].as_ref().and_then(|(handle, chains)| {
                let below = names(core, folder.before, *chains).ok()?.chains;
                Some((Arc::new(sys::open_dir_handle(handle, folder.after).ok()?), below))
            }),
        };
        if let Some((handle, chains)) = &opened {
            let planned = folder.entries().map(|entry| (entry.after, entry.header.is_some())).collect();
            rename_all(core, handle, *chains, &planned);
        }
        folders.push(opened);
    }
}

fn rename_all(core: &Core, handle: &OwnedFd, chains: Chains, planned: &HashMap<&[u8], bool>) {
    let Ok(entries) = sys::read_dir(handle) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        let adopted = match planned.get(name) {
            Some(true) => Ok(()),
            // what had no header then, being empty, was written since, or replaced, for where it was
            Some(false) if core.external_ivs() => fit(core, handle, name, chains),
            Some(false) => Ok(()),
            None if core.names.decode_entry(name, chains.1).is_ok() => Ok(()),
            None => rename(core, handle, name, chains),
        };
        if let Err(fault) = adopted {
            let name = String::from_utf8_lossy(name);
            tracing::warn!(%name, %fault, "arrived while its folder was being renamed, and does not fit in");
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

fn rename(core: &Core, dir: &OwnedFd, name: &[u8], chains: Chains) -> Result<(), Fault> {
    let Ok(Names { after, chains: below }) = names(core, name, chains) else { return Ok(()) };
    let stat = sys::stat_at(dir, name)?;
    if stat.kind == Kind::File && core.external_ivs() {
        header::fit(core, dir, name, below.0.path_iv(), below.1.path_iv())?;
    }
    sys::rename_noreplace(dir, name, dir, &after)?;
    if stat.kind == Kind::Dir {
        rename_all(core, &sys::open_dir_handle(dir, &after)?, below, &HashMap::new());
    }
    Ok(())
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
