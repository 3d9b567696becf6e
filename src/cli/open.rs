//! From the command line to an open volume.

use super::password::{PasswordOptions, Source};
use super::secret::Secret;
use super::{Error, Global, keyring, state};
use crate::config::{Config, Weight};
use crate::crypto::{Password, VolumeKey};
use crate::volume::{self, ConfigKeeper, FoundConfig, OpenError, OpenOptions, PlainPath, Volume};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// How often somebody at a terminal may try.
const TRIES: u32 = 3;

/// A volume, and the password that opens it.
#[derive(Debug, clap::Args)]
pub(super) struct VolumeArgs {
    /// The folder that holds the encrypted files
    pub(super) volume: PathBuf,
    #[command(flatten)]
    pub(super) password: PasswordOptions,
}

impl VolumeArgs {
    pub(super) fn read_only(&self, global: &Global) -> Result<Volume, Error> {
        self.open(global, OpenOptions { read_only: true, ..OpenOptions::default() })
    }

    pub(super) fn read_write(&self, global: &Global) -> Result<Volume, Error> {
        self.open(global, OpenOptions::default())
    }

    fn open(&self, global: &Global, options: OpenOptions) -> Result<Volume, Error> {
        // Before any password is asked for: is there something to open?
        let found = find(global, &self.volume)?;
        self.unlock(global, |secret| open(global, &self.volume, &found, secret, options.clone()))
    }

    /// Fetches the password and unlocks the volume key with it.
    pub(super) fn key(&self, global: &Global, found: &FoundConfig) -> Result<VolumeKey, Error> {
        let options = OpenOptions { state: state::folder(), ..OpenOptions::default() };
        self.unlock(global, |secret| unlock(global, &self.volume, found, secret, &options))
    }

    /// Fetches the password and tries it; somebody at a terminal may try again.
    pub(super) fn unlock<T>(
        &self,
        global: &Global,
        mut attempt: impl FnMut(&Secret) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let source = self.password.source();
        let mut tries = if source == Source::Terminal { TRIES } else { 1 };
        loop {
            let secret = source.read(&self.volume, &format!("Password of {}", self.volume.display()))?;
            tries -= 1;
            match attempt(&secret) {
                Err(error) if error.is_wrong_password() && tries > 0 => {
                    global.note("that is not the password; try again");
                }
                Ok(opened) => {
                    if self.password.keyring_save {
                        keyring::save(&self.volume, &secret)?;
                    }
                    return Ok(opened);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// Opens a volume whose config was found, with the folder that encbox keeps its state in.
pub(super) fn open(
    global: &Global,
    root: &Path,
    found: &FoundConfig,
    secret: &Secret,
    options: OpenOptions,
) -> Result<Volume, Error> {
    let options = OpenOptions { state: state::folder(), ..options };
    let key = unlock(global, root, found, secret, &options)?;
    Ok(Volume::with_key(root, &found.config, &key, options)?)
}

/// The key of a volume whose config was found, if that is still the one that it was. Somebody else may have changed the
/// password.
pub(super) fn unlock(
    global: &Global,
    root: &Path,
    found: &FoundConfig,
    secret: &Secret,
    options: &OpenOptions,
) -> Result<VolumeKey, Error> {
    let unlocked = in_code_pages(global, secret, |password| volume::unlock(root, found, password, options))?;
    if unlocked.another_volume {
        global.note("the volume in this folder is another one than when it was opened here last");
    } else if !options.accept_config && unlocked.news.iter().any(|news| news.weight == Weight::Password) {
        global.note("the password of this volume was changed since it was opened here last");
    }
    Ok(unlocked.key)
}

/// Keeps a config that was made or changed here, so that nobody is told of it as of somebody else's doing.
pub(super) fn keep_config(root: &Path, config: &Config, key: &VolumeKey) {
    let Some(state) = state::folder() else { return };
    let kept = ConfigKeeper::new(&state, root).and_then(|keeper| keeper.keep(config, key));
    if let Err(error) = kept {
        tracing::warn!(%error, "the config cannot be kept outside the volume");
    }
}

/// Tries the password as it is, then as a Windows program may have written it.
pub(super) fn in_code_pages<T>(
    global: &Global,
    secret: &Secret,
    attempt: impl Fn(&Password) -> Result<T, OpenError>,
) -> Result<T, Error> {
    match (attempt(&secret.password()), secret.in_windows_1252()) {
        (Err(OpenError::Password | OpenError::OtherPassword { .. }), Some(password)) => {
            let opened = attempt(&password)?;
            global.note(
                "the password fits in the encoding Windows-1252; `encbox passwd` sets it anew in UTF-8",
            );
            Ok(opened)
        }
        (result, _) => Ok(result?),
    }
}

/// The config: where `--config` says, or in the folder of the volume.
pub(super) fn find(global: &Global, root: &Path) -> Result<FoundConfig, Error> {
    Ok(match &global.config {
        Some(path) => volume::read_config(path)?,
        None => volume::find_config(root)?,
    })
}

/// A path in the volume as somebody typed it.
pub(super) fn plain_path(text: &OsStr) -> Result<PlainPath, Error> {
    PlainPath::parse(text).ok_or_else(|| Error::Outside(text.to_os_string()))
}

/// The same for many.
pub(super) fn plain_paths<T: AsRef<OsStr>>(texts: &[T]) -> Result<Vec<PlainPath>, Error> {
    texts.iter().map(|text| plain_path(text.as_ref())).collect()
}
