//! The config of a volume that is mounted: a mount goes on with the key that it has, whatever becomes of the file, and
//! says so in the log.

use crate::config;
use crate::config::Weight;
use crate::config::is_config_name;
use crate::volume;
use crate::volume::Change;
use crate::volume::Volume;
use std::os::unix::ffi::OsStrExt;
use tracing::info;
use tracing::warn;

/// What was said of the config last.
#[derive(Debug, Default)]
pub(super) struct ConfigWatch {
    said: Option<String>,
}

impl ConfigWatch {
    /// Looks at the config if one of the changes is about it.
    pub(super) fn look(&mut self, volume: &Volume, changes: &[Change]) {
        let root = volume.root().id();
        let is_about_config = |change: &Change| match change {
            Change::Entry(dir, name) => dir.id() == root && is_config_name(name.as_bytes()),
            Change::Unknown => true,
            Change::Attributes(_) => false,
        };
        if !changes.iter().any(is_about_config) {
            return;
        }
        let verdict = verdict(volume);
        if verdict == self.said {
            return;
        }
        match &verdict {
            Some(text) => warn!("{text}; the mount goes on with the key that it has"),
            None => info!("the config file is as it was when the volume was opened"),
        }
        self.said = verdict;
    }
}

/// What is wrong with the config file, if anything is.
fn verdict(volume: &Volume) -> Option<String> {
    let found = match volume::find_config(volume.root_path()) {
        Ok(found) => found,
        Err(error) => return Some(format!("the config file is missing or damaged: {error}")),
    };
    let differences = found.config.differences(volume.config());
    let path = found.path.display();
    match differences.iter().map(|difference| difference.weight).max() {
        None | Some(Weight::Harmless) => None,
        Some(Weight::Password) => Some(format!("{path}: the password was changed")),
        Some(Weight::Security) => {
            Some(format!("{path}: the config was exchanged: {}", config::of_concern(&differences)))
        }
    }
}
