//! Where a config can be had that is missing or will not do.

use super::{state, text};
use crate::volume::{self, ConfigKeeper, KeptConfig};
use std::path::Path;

/// Names so many files that may be the config; more would fill the screen.
const SHOWN: usize = 5;

/// What encbox kept of the config of the volume in this folder.
pub(super) fn kept(root: &Path) -> Option<KeptConfig> {
    ConfigKeeper::new(&state::folder()?, root).ok()?.kept()
}

/// The ways to a config for the volume in this folder, in words; none if there is none.
pub(super) fn for_config_of(root: &Path) -> Option<String> {
    // in an empty path the folder is this one
    let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
    let mut ways = Vec::new();
    if let Some(kept) = kept(root) {
        ways.push(format!(
            "`encbox config restore {}` puts back the one that encbox keeps since {}",
            root.display(),
            text::local_time(kept.since)
        ));
    }
    let names: Vec<String> =
        volume::candidates(root).iter().map(|candidate| candidate.path.display().to_string()).collect();
    if !names.is_empty() {
        let more = names.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        ways.push(format!(
            "These may be the config under another name: {}{more}; `encbox config show {}` compares them, --config \
             FILE opens the volume with one of them",
            names[..names.len().min(SHOWN)].join(", "),
            root.display()
        ));
    }
    (!ways.is_empty()).then(|| ways.join(". "))
}
