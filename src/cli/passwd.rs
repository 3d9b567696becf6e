//! `encbox passwd`: another password for the same volume.

use super::open::{VolumeArgs, find, keep_config};
use super::password::{self, Source};
use super::{Error, Global, iterations, keyring};
use crate::config::{Config, Kdf};
use crate::volume;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// How long the new password should take to become a key, on this machine.
const TARGET: Duration = Duration::from_millis(500);

/// Change the password of a volume
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Only the config file changes; no file is encrypted anew. Whoever has the old config file and the old password still \
gets at the files.\n\nWith --password-stdin the first line is the old password and the second the new one.\n\n\
Example:\n  encbox passwd ~/Dropbox/Private")]
pub(super) struct Passwd {
    #[command(flatten)]
    volume: VolumeArgs,
    /// Read the new password from the first line of FILE
    #[arg(long, value_name = "FILE", group = "new_password_source")]
    new_password_file: Option<PathBuf>,
    /// Take the new password from the output of COMMAND, which `sh` runs
    #[arg(long, value_name = "COMMAND", group = "new_password_source")]
    new_password_command: Option<OsString>,
    /// PBKDF2 iterations; without, as many as take half a second on this machine, and never fewer than now
    #[arg(long, value_name = "NUMBER")]
    iterations: Option<u32>,
}

impl Passwd {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        let root = &self.volume.volume;
        let found = find(global, root)?;
        let key = self.volume.key(global, &found)?;
        let secret = self.new_source().read_new(root, &format!("New password of {}", root.display()))?;
        let config = found
            .config
            .with_password(&key, &secret.password(), self.iterations(&found.config)?, volume::fill_random)
            .map_err(Error::Parameters)?;
        volume::replace_config(&found, &config)?;
        keep_config(root, &config, &key);
        if self.volume.password.keyring_save {
            keyring::save(root, &secret)?;
        }
        global.note_on_terminal("the password is changed");
        Ok(())
    }

    /// Where the new password comes from: from where it is said to, or from the second line of standard input.
    fn new_source(&self) -> Source {
        let said = password::source(self.new_password_file.as_deref(), self.new_password_command.as_deref());
        match (said, self.volume.password.source()) {
            (Some(source), _) => source,
            (None, Source::Stdin) => Source::Stdin,
            (None, Source::File(_) | Source::Command(_) | Source::Keyring | Source::Terminal) => {
                Source::Terminal
            }
        }
    }

    fn iterations(&self, config: &Config) -> Result<u32, Error> {
        let now = match config.kdf() {
            Kdf::Pbkdf2 { iterations, .. } => *iterations,
            Kdf::Legacy => 0,
        };
        match self.iterations {
            Some(iterations) => Ok(iterations),
            None => Ok(iterations::timed(config.parameters(), TARGET)?.max(now)),
        }
    }
}
