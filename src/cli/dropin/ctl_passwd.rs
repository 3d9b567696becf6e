//! `encfsctl passwd`, `autopasswd`, `autocheckpasswd`.

use super::encfsctl::{find, volume_key};
use super::passwords::Passwords;
use super::{Ended, FAILED, say};
use crate::cli::Error;
use crate::cli::iterations;
use crate::cli::open::keep_config;
use crate::config::{Config, Format, Kdf};
use crate::volume;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// Asks for both on the terminal.
pub(super) fn passwd(arguments: &[OsString]) -> Result<(), Ended> {
    change(Path::new(&arguments[0]), &Passwords::default(), false)
}

/// Takes both from standard input.
pub(super) fn auto_passwd(arguments: &[OsString]) -> Result<(), Ended> {
    change(Path::new(&arguments[0]), &from_stdin(), false)
}

/// Takes one from standard input and changes nothing.
pub(super) fn auto_check_passwd(arguments: &[OsString]) -> Result<(), Ended> {
    change(Path::new(&arguments[0]), &from_stdin(), true)
}

fn from_stdin() -> Passwords {
    Passwords { stdin: true, program: None }
}

fn change(root: &Path, passwords: &Passwords, only_check: bool) -> Result<(), Ended> {
    let found = find(root)?;
    say::out("Enter current Encfs password\n");
    let secret = passwords.read(root, false)?;
    let key = volume_key(root, &found, &secret).map_err(|error| {
        if error.is_wrong_password() {
            say::out("Invalid password\n");
            return FAILED;
        }
        say::report("encfsctl", &error)
    })?;
    if only_check {
        say::out("Password is correct\n");
        return Ok(());
    }
    say::out("Enter new Encfs password\n");
    let secret = passwords.read_new(root, false)?;
    let changed = || -> Result<(), Error> {
        let iterations = strength(&found.config)?;
        let changed = found.config.with_password(&key, &secret.password(), iterations, volume::fill_random);
        let changed = changed.map_err(Error::Parameters)?;
        volume::replace_config(&found, &changed)?;
        keep_config(root, &changed, &key);
        Ok(())
    };
    changed().map_err(|error| {
        say::out("Error saving modified config file.\n");
        say::report("encfsctl", &error)
    })?;
    say::out("Volume Key successfully updated.\n");
    Ok(())
}

/// Iterations that take the time the volume's creator wanted; never fewer than now.
fn strength(config: &Config) -> Result<u32, Error> {
    let ms = match config.format() {
        Format::V6 { kdf_duration_ms, .. } => *kdf_duration_ms,
        Format::V5 { .. } | Format::V4 { .. } => 500,
    };
    let now = match config.kdf() {
        Kdf::Pbkdf2 { iterations, .. } => *iterations,
        Kdf::Legacy => 0,
    };
    Ok(iterations::timed(config.parameters(), Duration::from_millis(ms.into()))?.max(now))
}
