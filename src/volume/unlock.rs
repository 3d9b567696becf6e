//! From a config that was found to the volume key, unless somebody exchanged the config (docs/decisions/0012).

use super::Volume;
use super::kept::{ConfigKeeper, KeptConfig};
use super::open::{FoundConfig, OpenError, OpenOptions};
use crate::config;
use crate::config::{Difference, Weight};
use crate::crypto::{Password, VolumeKey};
use std::path::Path;

/// A volume key, and what is new about its config.
#[derive(Debug)]
pub struct Unlocked {
    /// The key.
    pub key: VolumeKey,
    /// In what the config differs from the one with which the volume was opened before: harmless things, another
    /// password, or whatever was accepted.
    pub news: Vec<Difference>,
    /// There was another volume in this folder before.
    pub another_volume: bool,
}

/// Unlocks a config with the password. Takes the time that the volume's creator chose.
///
/// If there is a folder for state, the config is compared with the one that was kept there: what can be compared without
/// the key beforehand, whether it leads to the same key afterwards. One that differs in more than a password can
/// change is refused, unless it is to be accepted or belongs to another volume, files and all; any other is kept.
pub fn unlock(
    root: &Path,
    found: &FoundConfig,
    password: &Password,
    options: &OpenOptions,
) -> Result<Unlocked, OpenError> {
    let keeper = options.state.as_deref().and_then(|state| keeper(state, root));
    let kept = keeper.as_ref().and_then(ConfigKeeper::kept);
    let mut news = kept.as_ref().map_or_else(Vec::new, |kept| found.config.differences(&kept.config));
    // with another wrapped key, whoever wrote the config knew a key and a password: the key tells more
    if kept.as_ref().is_some_and(|kept| found.config.has_wrapped_key_of(&kept.config)) {
        refuse(found, &news, options)?;
    }
    let key = match options.any_key {
        true => found.config.unlock_any(password),
        false => found.config.unlock(password),
    };
    let key = key.map_err(|source| match source {
        config::Error::Password if news.iter().any(|found| found.weight == Weight::Password) => {
            OpenError::OtherPassword { path: found.path.clone() }
        }
        config::Error::Password => OpenError::Password,
        source => OpenError::Config { path: found.path.clone(), source },
    })?;
    // of a folder with the files of several keys there is not one key to compare with
    let Some(keeper) = keeper.filter(|_| !options.any_key) else {
        return Ok(Unlocked { key, news, another_volume: false });
    };

    let moved = if kept.is_some() { None } else { keeper.moved_here(&key) };
    let mut another_volume = false;
    if let Some(kept) = kept.as_ref().or(moved.as_ref()) {
        news = found.config.differences(&kept.config);
        if kept.is_of(&key) {
            if !kept.is_genuine(&key) && !options.accept_config {
                return Err(OpenError::Forged { path: kept.path.clone() });
            }
        } else if is_another_volume(root, found, &key, kept) {
            another_volume = true;
            news.clear();
        } else {
            news.push(Difference::another_key());
        }
        refuse(found, &news, options)?;
    }
    let is_kept = kept
        .as_ref()
        .is_some_and(|kept| !another_volume && news.is_empty() && kept.bytes() == found.config.to_bytes());
    if !is_kept && let Err(error) = keeper.keep(&found.config, &key) {
        tracing::warn!(%error, "the config cannot be kept outside the volume: nobody will notice if it is exchanged");
    }
    if let Some(moved) = moved {
        keeper.forget(&moved);
    }
    Ok(Unlocked { key, news, another_volume })
}

/// Whether not only the config in a folder is that of another volume: the folder was made since the other one was kept,
/// there is nothing in it, or a name in it fits the key.
fn is_another_volume(root: &Path, found: &FoundConfig, key: &VolumeKey, kept: &KeptConfig) -> bool {
    let made = root.metadata().and_then(|metadata| metadata.created());
    if made.is_ok_and(|made| made > kept.since) {
        return true;
    }
    let options = OpenOptions { read_only: true, ..OpenOptions::default() };
    let Ok(volume) = Volume::with_key(root, &found.config, key, options) else { return false };
    volume.list_all(&volume.root()).is_ok_and(|(entries, cruft)| !entries.is_empty() || cruft.is_empty())
}

fn keeper(state: &Path, root: &Path) -> Option<ConfigKeeper> {
    let keeper = ConfigKeeper::new(state, root);
    let warn = |error| tracing::warn!(%error, state = %state.display(), "the folder for state is not used");
    keeper.map_err(warn).ok()
}

fn refuse(found: &FoundConfig, news: &[Difference], options: &OpenOptions) -> Result<(), OpenError> {
    if options.accept_config || !news.iter().any(|found| found.weight == Weight::Security) {
        return Ok(());
    }
    Err(OpenError::OtherConfig { path: found.path.clone(), differences: news.to_vec() })
}
