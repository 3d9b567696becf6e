//! The steps that take everything below a directory from one chain to another.

use super::action::Action;
use super::places::kind_of;
use super::repair::Planner;
use super::witness::Witness;
use crate::names::IvChain;
use crate::volume::{Error, Kind, Volume};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Plans for every name and header below the directory at the ciphertext path `top`: what is in a directory before the
/// directory. Names that do not decode under `old` are carried along as they are.
pub(super) fn below(
    planner: &Planner<'_>,
    top: &Path,
    old: IvChain,
    new: IvChain,
) -> Result<Vec<Action>, Error> {
    if old == new {
        return Ok(Vec::new());
    }
    let volume = planner.volume;
    let codec = volume.name_codec();
    // parents before what is in them
    let mut folders: Vec<(PathBuf, IvChain, IvChain)> = vec![(top.to_owned(), old, new)];
    let mut plans: Vec<Vec<Action>> = Vec::new();
    let mut next = 0;
    while let Some((path, old, new)) = folders.get(next).filter(|_| !(planner.stopped)()).cloned() {
        next += 1;
        let mut actions = Vec::new();
        let dir = volume.raw_dir(&path)?;
        for entry in dir.entries()? {
            let entry = entry?;
            let Ok((name, below_old)) = codec.decode_entry(&entry.name, old) else { continue };
            let Ok((to, below_new)) = codec.encode_entry(&name, new) else { continue };
            match kind_of(&dir, &entry.name, entry.kind) {
                Some(Kind::Dir) => {
                    folders.push((path.join(OsStr::from_bytes(&entry.name)), below_old, below_new));
                }
                Some(Kind::File) => {
                    let (old_iv, new_iv) = (below_old.path_iv(), below_new.path_iv());
                    let plain = name.copy_of().unwrap_or(name.shown());
                    actions.extend(header(volume, &path, &entry.name, plain, old_iv, new_iv)?);
                }
                _ => {}
            }
            if to != entry.name {
                let (dir, to_dir) = (path.clone(), path.clone());
                actions.push(Action::Rename { dir, from: entry.name, to_dir, to });
            }
        }
        plans.push(actions);
    }
    plans.reverse();
    Ok(plans.concat())
}

/// The step that gives a file the header for another path; none where headers do not depend on it, and none if the
/// header fits there already.
pub(super) fn header(
    volume: &Volume,
    dir: &Path,
    cipher_name: &[u8],
    plain: &[u8],
    old_iv: u64,
    new_iv: u64,
) -> Result<Option<Action>, Error> {
    if old_iv == new_iv || volume.layout().header_len() == 0 {
        return Ok(None);
    }
    let file = volume.raw_dir(dir)?.open_file(cipher_name, false)?;
    let Some(before) = file.header()? else { return Ok(None) };
    let Ok(file_iv) = volume.decode_header(before, old_iv) else { return Ok(None) };
    if let Some(witness) = Witness::of(volume, &file, plain)?
        && let Ok(other) = volume.decode_header(before, new_iv)
        && witness.evidence(file_iv) == 0.0
        && witness.evidence(other) > 0.0
    {
        return Ok(None);
    }
    let after = volume.encode_header(file_iv, new_iv);
    let changed = after != before;
    Ok(changed.then(|| Action::Header { path: file.path().to_owned(), before, after }))
}
