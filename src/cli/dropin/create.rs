//! A new volume where `encfs` finds none.

use super::options::Options;
use super::questions::{Dialogue, Wishes};
use super::{Ended, describe, say};
use crate::cli::open::keep_config;
use crate::cli::password::unbuffered_stdin;
use crate::cli::secret::Secret;
use crate::cli::{Error, iterations};
use crate::config::{Config, FileIvMode};
use crate::volume;
use crate::volume::{FoundConfig, OpenError};
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

/// What desktops and file systems put into a folder that is empty all the same.
const HARMLESS: &[&str] = &[".directory", ".DS_Store", "desktop.ini", "lost+found"];
/// So many names show what a folder is about.
const SHOWN: usize = 3;

/// Asks for everything, makes the volume in the empty folder of `options`, gives it with its password.
pub(super) fn create(options: &Options) -> Result<(FoundConfig, Secret), Ended> {
    refuse_what_is_not_empty(&options.root)?;
    let wishes = Wishes {
        new_volume: options.new_volume,
        require_macs: options.require_macs,
        insecure: options.insecure,
        annotate: options.annotate,
    };
    let failed = |error: io::Error| say::fail(&format!("encfs: no volume was made: {error}"));
    let mut stdin = unbuffered_stdin().map_err(failed)?;
    let mut stdout = io::stdout();
    let choice = Dialogue { answers: &mut stdin, questions: &mut stdout }.choose(wishes).map_err(failed)?;
    let parameters = choice.parameters;
    say::out(&format!(
        "\nConfiguration finished.  The filesystem to be created has\nthe following properties:\n{}",
        describe::new_volume(&parameters)
    ));
    if parameters.file_iv == FileIvMode::External {
        say::out(
            "-------------------------- WARNING --------------------------\n\
             With external IV chaining there are no hard links, and programs that need them fail.\n\
             Press CTRL-C now to start over.\n\n",
        );
    }
    say::out(
        "Now you will need to enter a password for your filesystem.\n\
         Nobody can recover it for you. It can be changed later with encfsctl.\n\n",
    );
    let secret = options.passwords.read_new(&options.root, options.annotate)?;
    let made = || -> Result<FoundConfig, Error> {
        let iterations = iterations::timed(&parameters, Duration::from_millis(choice.kdf_ms.into()))?;
        let made = Config::create_with_key(&parameters, &secret.password(), iterations, volume::fill_random);
        let (config, key) = made.map_err(Error::Parameters)?;
        let config = config.with_kdf_duration(choice.kdf_ms);
        volume::create(&options.root, &config, true)?;
        keep_config(&options.root, &config, &key);
        Ok(volume::find_config(&options.root)?)
    };
    let found = made().map_err(|error| say::report("encfs", &error))?;
    Ok((found, secret))
}

/// EncFS makes a new volume among whatever there is. But a folder with files and no config is a volume whose config
/// is lost or has not arrived yet; with a new one, the files in it were lost for good.
fn refuse_what_is_not_empty(root: &Path) -> Result<(), Ended> {
    let failed = |source| {
        let error = OpenError::Root { path: root.into(), source };
        say::report("encfs", &Error::Open(error))
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(root).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if !HARMLESS.contains(&name.as_str()) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    names.sort();
    let more = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    say::fail(&format!(
        "encfs: {}: there is no config file here (.encfs6.xml), but there are {}{more}: no new volume is made over \
         them",
        root.display(),
        names.join(", ")
    ));
    Err(say::fail(
        "hint: if these are encrypted files, wait for the config to arrive, or restore it; for a new volume take an \
         empty folder",
    ))
}
