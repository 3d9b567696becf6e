//! `encbox config`: is the config of a volume still the one that it was? And if not, what then.

use super::open::{VolumeArgs, find, unlock};
use super::out::{Out, put_name};
use super::{Error, Global, remedy, state, text};
use crate::config::{self, Config, Difference, Weight};
use crate::volume::{self, Candidate, FoundConfig, KeptConfig, OpenError, OpenOptions};
use clap::Subcommand;
use jiff::Zoned;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Compare the config of a volume with the one of before, put it back, or accept a new one
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The config file (.encfs6.xml) says how a volume is encrypted, and without it the volume is lost. encbox keeps a copy of \
it outside the synced folder when a volume is opened, and refuses one that was exchanged for another which is weaker \
or different. A new password, which another machine may have set, is no such difference.\n\n\
Examples:\n  \
encbox config show ~/Dropbox/Private\n  \
encbox config restore ~/Dropbox/Private\n  \
encbox config accept ~/Dropbox/Private")]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Show(Show),
    Restore(Restore),
    Accept(Accept),
}

/// Show the config, the copy that encbox keeps, and files that may be the config under another name
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Needs no password.\n\nExample:\n  encbox config show ~/Dropbox/Private")]
struct Show {
    /// The folder that holds the encrypted files
    volume: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Put back the config that encbox keeps, or one that has another name now
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Needs no password. Nothing is lost: a config that is there gets another name, which is printed.\n\n\
Examples:\n  \
encbox config restore ~/Dropbox/Private\n  \
encbox config restore ~/Dropbox/Private \".encfs6 (pc's conflicted copy 2026-11-22).xml\"")]
struct Restore {
    /// The folder that holds the encrypted files
    volume: PathBuf,
    /// The file to take, in the folder or elsewhere; without, the copy that encbox keeps
    file: Option<PathBuf>,
}

/// Take a config that is not the one of before, and keep it from now on
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Shows what differs, and takes the config for good if the password opens it.\n\n\
Example:\n  encbox config accept ~/Dropbox/Private")]
struct Accept {
    #[command(flatten)]
    volume: VolumeArgs,
}

impl ConfigArgs {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        match &self.what {
            What::Show(show) => show.run(global),
            What::Restore(restore) => restore.run(global),
            What::Accept(accept) => accept.run(global),
        }
    }
}

impl Show {
    fn run(&self, global: &Global) -> Result<(), Error> {
        let found = match find(global, &self.volume) {
            Ok(found) => Ok(found),
            Err(Error::Open(error)) if is_about_the_config(&error) => Err(error),
            Err(error) => return Err(error),
        };
        let kept = remedy::kept(&self.volume);
        let candidates = volume::candidates(&self.volume);
        let mut out = Out::new();
        if self.json {
            out.json(&facts(&found, kept.as_ref(), &candidates))?;
        } else {
            for line in words(&found, kept.as_ref(), &candidates) {
                out.line(&text::escape_str(&line))?;
            }
        }
        out.end()
    }
}

/// Whether there is a folder, and only its config is missing or no good.
fn is_about_the_config(error: &OpenError) -> bool {
    matches!(error, OpenError::NoConfig { .. } | OpenError::EmptyConfig { .. } | OpenError::Config { .. })
}

fn words(
    found: &Result<FoundConfig, OpenError>,
    kept: Option<&KeptConfig>,
    candidates: &[Candidate],
) -> Vec<String> {
    let mut lines = Vec::new();
    let mut compare = |label: &str, what: String, config: Option<&Config>| {
        let differences = config.zip(kept).map(|(config, kept)| config.differences(&kept.config));
        let verdict = match &differences {
            Some(differences) => format!(": {}", verdict(differences)),
            None => String::new(),
        };
        lines.push(format!("{label:<14} {what}{verdict}"));
        lines.extend(differences.iter().flatten().map(|difference| format!("{:<16} {difference}", "")));
    };
    match found {
        Ok(found) => compare("Config", found.path.display().to_string(), Some(&found.config)),
        Err(error) => compare("Config", error.to_string(), None),
    }
    let kept_words = match kept {
        Some(kept) => format!("{}, since {}", kept.path.display(), text::local_time(kept.since)),
        None => "nothing: the volume has not been opened here".to_owned(),
    };
    compare("Kept", kept_words, None);
    for candidate in candidates {
        let modified = candidate.modified.map_or_else(|| "?".to_owned(), text::local_time);
        let path = candidate.path.display();
        match &candidate.config {
            Ok(config) => {
                compare("Another", format!("{path}, {} bytes, {modified}", candidate.len), Some(config));
            }
            // it begins with the path
            Err(error) => compare("Another", format!("{error} ({} bytes, {modified})", candidate.len), None),
        }
    }
    lines
}

/// What differences come to, in words.
fn verdict(differences: &[Difference]) -> &'static str {
    match differences.iter().map(|difference| difference.weight).max() {
        None => "as it is kept",
        Some(Weight::Harmless) => "as it is kept, but for things that do not matter",
        Some(Weight::Password) => "as it is kept, with another password",
        Some(Weight::Security) => "not as it is kept",
    }
}

fn facts(
    found: &Result<FoundConfig, OpenError>,
    kept: Option<&KeptConfig>,
    candidates: &[Candidate],
) -> Value {
    let compared = |config: &Config| match kept {
        Some(kept) => comparison(&config.differences(&kept.config)),
        None => json!({ "state": "sound" }),
    };
    let of_error = |error: &OpenError| json!({ "state": state_of(error), "error": error.to_string() });
    let mut config = match found {
        Ok(found) => compared(&found.config),
        Err(error) => of_error(error),
    };
    if let Ok(found) = found {
        put_name(&mut config, "path", found.path.as_os_str());
    }
    let candidates: Vec<Value> = candidates
        .iter()
        .map(|candidate| {
            let mut object = match &candidate.config {
                Ok(config) => compared(config),
                Err(error) => of_error(error),
            };
            put_name(&mut object, "path", candidate.path.as_os_str());
            object["size"] = candidate.len.into();
            object["modified"] = candidate.modified.map(text::utc_time).into();
            object
        })
        .collect();
    let kept = kept.map(|kept| {
        let mut object = json!({ "since": text::utc_time(kept.since) });
        put_name(&mut object, "path", kept.path.as_os_str());
        object
    });
    json!({ "config": config, "kept": kept, "candidates": candidates })
}

fn comparison(differences: &[Difference]) -> Value {
    let state = match differences.iter().map(|difference| difference.weight).max() {
        None | Some(Weight::Harmless) => "same",
        Some(Weight::Password) => "password",
        Some(Weight::Security) => "security",
    };
    let weight = |weight| match weight {
        Weight::Harmless => "harmless",
        Weight::Password => "password",
        Weight::Security => "security",
    };
    let differences: Vec<Value> = differences
        .iter()
        .map(|found| {
            json!({
                "field": found.field,
                "before": found.before,
                "now": found.now,
                "weight": weight(found.weight),
                "meaning": found.meaning,
            })
        })
        .collect();
    json!({ "state": state, "differences": differences })
}

fn state_of(error: &OpenError) -> &'static str {
    match error {
        OpenError::NoConfig { .. } => "missing",
        OpenError::EmptyConfig { .. } => "empty",
        OpenError::Config { source: config::Error::Unfinished(_), .. } => "unfinished",
        _ => "unreadable",
    }
}

impl Restore {
    fn run(&self, global: &Global) -> Result<(), Error> {
        let root = &self.volume;
        let (config, bytes, source) = match &self.file {
            Some(file) => self.read_file(file)?,
            None => match remedy::kept(root) {
                Some(kept) => (kept.config.clone(), kept.bytes().to_vec(), kept.path),
                None => return Err(Error::NothingKept(root.clone())),
            },
        };
        let target = global.config.clone().unwrap_or_else(|| root.join(config.format().file_name()));
        if volume::find_config(root).is_ok_and(|found| found.path == target)
            && std::fs::read(&target).is_ok_and(|there| there == bytes)
        {
            global.note(&format!("{} is as it was: nothing to restore", target.display()));
            return Ok(());
        }
        let stamp = Zoned::now().strftime("%Y-%m-%d %H%M%S").to_string();
        let aside = volume::restore_config(root, &target, &bytes, &stamp)?;
        global.note(&format!("{} is restored from {}", target.display(), source.display()));
        for path in aside {
            global.note(&format!("what was there is {} now", path.display()));
        }
        Ok(())
    }

    /// A file that is named by its path, or by its name in the folder.
    fn read_file(&self, file: &Path) -> Result<(Config, Vec<u8>, PathBuf), Error> {
        let in_folder = self.volume.join(file);
        let path = if !file.exists() && in_folder.exists() { &in_folder } else { file };
        let config = volume::read_config(path)?.config;
        let bytes = std::fs::read(path).map_err(Error::local("read", path))?;
        Ok((config, bytes, path.to_owned()))
    }
}

impl Accept {
    fn run(&self, global: &Global) -> Result<(), Error> {
        let root = &self.volume.volume;
        let found = find(global, root)?;
        match remedy::kept(root) {
            None => global.note("nothing is kept of this volume yet"),
            Some(kept) => {
                let differences = found.config.differences(&kept.config);
                global.note(&format!("{}: {}", found.path.display(), verdict(&differences)));
                differences.iter().for_each(|difference| global.note(&difference.to_string()));
            }
        }
        let options = OpenOptions { state: state::folder(), accept_config: true, ..OpenOptions::default() };
        self.volume.unlock(global, |secret| unlock(global, root, &found, secret, &options))?;
        global.note("it is kept from now on");
        Ok(())
    }
}
