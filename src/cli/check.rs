//! `encbox check`: is the volume sound?

use super::findings::{self, Listener};
use super::open::VolumeArgs;
use super::{Error, Global, state};
use crate::check::{self, Options, Passed};
use crate::volume::Volume;
use sha2::{Digest, Sha256};
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;

/// Look for everything that is wrong with a volume, and change nothing
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
One finding is one line: how bad it is (damage, warning or note), what kind it is, the path in the volume, the \
encrypted path in brackets, what was seen, and what can be done about it. Notes are legal and most likely meant, such as \
empty files and files of other programs; they are counted, and shown with --notes.\n\n\
Without MACs nothing in a volume tells sound contents from damaged ones. Then names promise: a text that holds noise, a \
picture that does not begin like one. Such a finding is marked as a guess.\n\n\
The exit code is 0 if there are at most notes, 17 if there are warnings, 9 if there is damage.\n\n\
Examples:\n  \
encbox check ~/Dropbox/Private\n  \
encbox check --json ~/Dropbox/Private | jq 'select(.finding.severity == \"damage\")'")]
pub(super) struct Check {
    #[command(flatten)]
    volume: VolumeArgs,
    /// Show notes, too
    #[arg(long)]
    notes: bool,
    /// Do not read contents: names, sizes and headers only
    #[arg(long)]
    names: bool,
    /// Do not judge contents by their look where there are no MACs
    #[arg(long)]
    no_guess: bool,
    /// Work with N threads (default: as many as the machine runs at once, 16 at the most)
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Go on where a check of this volume was interrupted: what was read and found sound is not read again
    #[arg(long, conflicts_with = "names")]
    resume: bool,
    /// Report findings, progress and result as JSON, a line each
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        let volume = self.volume.read_only(global)?;
        let options = Options { contents: !self.names, guess: !self.no_guess, jobs: self.jobs };
        let passed = self.passed(global, &volume);
        let mut listener = Listener::new(global, self.json, self.notes);
        let checked = check::check(&volume, options, passed.as_ref(), &mut listener);
        listener.end()?;
        let summary = match checked {
            Err(check::Error::Interrupted) if passed.is_some() => return Err(Error::CheckInterrupted),
            checked => checked?,
        };
        if let Some(passed) = passed {
            passed
                .forget()
                .unwrap_or_else(|error| tracing::warn!(%error, "what was found sound stays noted"));
        }
        findings::end(global, self.json, self.notes, summary)
    }

    /// Where it is noted which files were found sound; one that cannot be had is no reason not to check.
    fn passed(&self, global: &Global, volume: &Volume) -> Option<Passed> {
        if self.names {
            return None;
        }
        let root = volume.root_path().canonicalize().ok()?;
        // files that pass without being guessed about have not passed with it
        let name =
            Sha256::new().chain_update(root.as_os_str().as_bytes()).chain_update([u8::from(self.no_guess)]);
        let name: String = name.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let path = state::folder()?.join("checks").join(name);
        match Passed::open(volume, &path, self.resume) {
            Ok(passed) => Some(passed),
            Err(error) => {
                global.note(&format!("if this check is interrupted, it will begin anew: {error}"));
                None
            }
        }
    }
}
