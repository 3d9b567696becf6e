//! `encbox recover-key`: a volume without its config, opened with its key.

use super::open::keep_config;
use super::out::Out;
use super::password::{self, PasswordOptions};
use super::secret::Secret;
use super::{Error, Global, exit, iterations, keyring, state, text, words};
use crate::check::{self, PARAMETERS, Parameter, Recovered};
use crate::config::{Config, Kdf};
use crate::crypto::Password;
use crate::volume::{self, FoundConfig, OpenError};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::fs;
use std::io::{self, IsTerminal};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// How long the new password should take to become a key, on this machine.
const TARGET: Duration = Duration::from_millis(500);

/// Open a volume again whose config file or password is lost, with its key
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The key is what `encbox key --show` showed: words, four letters of each being enough, in capitals or small letters. They \
are read from the terminal, from the first line of standard input, or from a file.\n\n\
What the volume was made with is found out by trying: names have checksums that fit one coding only, contents have MACs, \
or look like what their names promise. What does not show is taken from the likeliest profile, and marked as assumed. Then \
a new config file is written, under a new password. No other file is touched.\n\n\
Where there is a config file already, because it is damaged or its password is forgotten, --replace puts the new one in \
its place; the old one is kept outside the volume.\n\n\
Examples:\n  \
encbox recover-key --dry-run ~/Dropbox/Private\n  \
encbox recover-key ~/Dropbox/Private")]
pub(super) struct RecoverKey {
    /// The folder that holds the encrypted files
    volume: PathBuf,
    #[command(flatten)]
    password: PasswordOptions,
    /// Read the words of the key from FILE
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Show what the volume was made with, and write nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Replace the config file that is there
    #[arg(long)]
    replace: bool,
    /// Go on though nothing in the contents shows how they are coded: as in the likeliest profile
    #[arg(long)]
    guess: bool,
    /// PBKDF2 iterations; without, as many as take half a second on this machine
    #[arg(long, value_name = "NUMBER")]
    iterations: Option<u32>,
    /// Show what was found out as JSON
    #[arg(long)]
    json: bool,
}

/// What there is of a config.
enum Old {
    None,
    /// One that can be read: its parameters hold, only the password changes.
    Sound(FoundConfig),
    Damaged(PathBuf),
}

impl RecoverKey {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        if global.config.is_some() {
            return Err(Error::Usage(
                "`recover-key` writes the config into the folder of the volume: leave out --config".into(),
            ));
        }
        let old = self.old()?;
        let key = words::key_of(&self.words()?).map_err(Error::Words)?;
        let known = match &old {
            Old::Sound(found) => Some(found.config.parameters()),
            Old::None | Old::Damaged(_) => None,
        };
        let found = check::recover(&self.volume, &key, known)?;
        // any password does for showing what the config would hold
        let sketch = Config::around(&found.parameters, &found.key, &no_password(), 1, volume::fill_random);
        self.show(&found, &sketch.map_err(Error::Parameters)?)?;
        if found.is_blind() && !self.guess {
            return Err(Error::Usage(
                "nothing in the contents shows how they are coded; --guess takes them for what the names suggest".into(),
            ));
        }
        if self.dry_run { Ok(()) } else { self.write(global, &found, &old) }
    }

    fn old(&self) -> Result<Old, Error> {
        let old = match volume::find_config(&self.volume) {
            Ok(found) => Old::Sound(found),
            Err(OpenError::NoConfig { .. }) => Old::None,
            Err(OpenError::Config { path, .. } | OpenError::EmptyConfig { path }) => Old::Damaged(path),
            Err(error) => return Err(error.into()),
        };
        match &old {
            Old::Sound(FoundConfig { path, .. }) | Old::Damaged(path) if !self.replace && !self.dry_run => {
                Err(Error::Usage(format!("{} is there: --replace puts another in its place", path.display())))
            }
            _ => Ok(old),
        }
    }

    /// The words, from wherever they come.
    fn words(&self) -> Result<Zeroizing<String>, Error> {
        if let Some(path) = &self.key_file {
            let file = fs::File::open(path).map_err(Error::local("read", path))?;
            let wrong = |source| password::Error::File { path: path.clone(), source };
            let secret = Secret::all(&mut &file).map_err(|error| error.into_error(wrong))?;
            return Ok(text_of(secret.bytes()));
        }
        let mut stdin = password::unbuffered_stdin().map_err(Error::Output)?;
        let mut line = || {
            let line = Secret::line(&mut stdin).map_err(|error| error.into_error(password::Error::Stdin))?;
            Ok::<_, Error>(line.map(|line| text_of(&line)))
        };
        if !io::stdin().is_terminal() {
            return Ok(line()?.unwrap_or_default());
        }
        exit::tell("The words of the key, in as many lines as you like; an empty line ends them:");
        let mut all = Zeroizing::new(String::with_capacity(4096));
        while let Some(line) = line()? {
            if line.trim().is_empty() {
                break;
            }
            all.push_str(&line);
            all.push('\n');
            if words::key_of(&all).is_ok() {
                break;
            }
        }
        Ok(all)
    }

    fn show(&self, found: &Recovered, config: &Config) -> Result<(), Error> {
        let mut out = Out::new();
        let shown =
            PARAMETERS.iter().filter(|parameter| !matches!(parameter, Parameter::Config | Parameter::Kdf));
        if self.json {
            let mut facts = json!({
                "names": found.names, "names_tried": found.names_tried,
                "files": found.files, "files_tried": found.files_tried,
                "assumed": found.assumed.iter().map(|parameter| parameter.word()).collect::<Vec<_>>(),
            });
            for parameter in shown {
                facts[parameter.word()] = Value::String(parameter.value(config));
            }
            out.json(&json!({ "recovered": facts }))?;
            return out.end();
        }
        for parameter in shown {
            let assumed = if found.assumed.contains(parameter) { "  (assumed)" } else { "" };
            out.line(&format!("{:<13} {}{assumed}", parameter.word(), parameter.value(config)))?;
        }
        out.line(&format!(
            "{} of {} fit, and the contents of {} of {}",
            found.names,
            text::count(found.names_tried, "name"),
            found.files,
            text::count(found.files_tried, "file")
        ))?;
        out.end()
    }

    fn write(&self, global: &Global, found: &Recovered, old: &Old) -> Result<(), Error> {
        let question = format!("New password of {}", self.volume.display());
        let secret = self.password.source().read_new(&self.volume, &question)?;
        let password = secret.password();
        let iterations = match (self.iterations, old) {
            (Some(iterations), _) => iterations,
            (None, Old::Sound(FoundConfig { config, .. })) if *config.kdf() == Kdf::Legacy => 0,
            (None, _) => iterations::timed(&found.parameters, TARGET)?,
        };
        let around = || {
            Config::around(&found.parameters, &found.key, &password, iterations, volume::fill_random)
                .map_err(Error::Parameters)
        };
        let config = match old {
            Old::None => {
                let config = around()?;
                volume::create(&self.volume, &config, true)?;
                config
            }
            Old::Sound(old) => {
                let config = old.config.with_password(&found.key, &password, iterations, volume::fill_random);
                let config = config.map_err(Error::Parameters)?;
                keep(global, &old.path)?;
                volume::replace_config(old, &config)?;
                config
            }
            Old::Damaged(path) => {
                let config = around()?;
                if path.file_name().is_none_or(|name| name != config.format().file_name()) {
                    return Err(Error::Usage(format!("move {} out of the way first", path.display())));
                }
                keep(global, path)?;
                let in_place_of = FoundConfig { config: config.clone(), path: path.clone() };
                volume::replace_config(&in_place_of, &config)?;
                config
            }
        };
        keep_config(&self.volume, &config, &found.key);
        if self.password.keyring_save {
            keyring::save(&self.volume, &secret)?;
        }
        global.note("the volume has a config again; `encbox check` looks whether all is well");
        Ok(())
    }
}

/// Keeps an old config outside the volume.
fn keep(global: &Global, path: &Path) -> Result<(), Error> {
    let state = state::folder();
    let folder = state.ok_or_else(|| {
        Error::Usage("nothing says where the old config could be kept: ENCBOX_STATE_DIR".into())
    })?;
    let folder = folder.join("replaced");
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .map_err(Error::local("make", &folder))?;
    let now = Timestamp::now().strftime("%Y%m%d-%H%M%S");
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let kept = folder.join(format!("{now}-{}", name.trim_start_matches('.')));
    fs::copy(path, &kept).map_err(Error::local("write", &kept))?;
    global.note(&format!("the old config is kept as {}", kept.display()));
    Ok(())
}

fn no_password() -> Password {
    Password::new(b"none".to_vec()).expect("four bytes")
}

fn text_of(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(String::from_utf8_lossy(bytes).into_owned())
}
