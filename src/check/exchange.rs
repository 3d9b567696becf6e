//! Files that were exchanged.

use super::action::{Action, Plan};
use super::repair::split;
use crate::volume::Volume;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A file whose header was found to be for another path.
pub(super) struct FoundUnder {
    pub(super) path: PathBuf,
    pub(super) path_iv: u64,
    pub(super) written_under: u64,
}

/// Two files that were each written under the other's path were exchanged: they get their names back, not new headers.
pub(super) fn exchange(volume: &Volume, plan: &mut Plan, found: &[FoundUnder]) {
    let by_iv: HashMap<u64, &FoundUnder> = found.iter().map(|found| (found.path_iv, found)).collect();
    for one in found {
        let Some(other) = by_iv.get(&one.written_under) else { continue };
        if other.written_under != one.path_iv || one.path >= other.path {
            continue;
        }
        let at = |path: &Path| plan.repairs.iter().position(|repair| repair.path == path);
        let (Some(first), Some(second)) = (at(&one.path), at(&other.path)) else { continue };
        let ((dir, name), (other_dir, other_name)) = (split(&one.path), split(&other.path));
        let mut beside = name.to_vec();
        while volume.raw_dir(dir).and_then(|dir| dir.stat_if_there(&beside)).is_ok_and(|stat| stat.is_some())
        {
            beside.extend_from_slice(b".encbox-exchange");
        }
        let step = |dir: &Path, from: &[u8], to_dir: &Path, to: &[u8]| Action::Rename {
            dir: dir.to_owned(),
            from: from.to_vec(),
            to_dir: to_dir.to_owned(),
            to: to.to_vec(),
        };
        plan.repairs[first].actions = vec![
            step(dir, name, dir, &beside),
            step(other_dir, other_name, dir, name),
            step(dir, &beside, other_dir, other_name),
        ];
        plan.repairs[first].what =
            format!("it was exchanged with [{}]; both get their names back", other.path.display());
        plan.repairs.remove(second);
    }
}
