//! `encbox check`: is the volume sound?

use super::findings::{self, Listener};
use super::open::VolumeArgs;
use super::{Error, Global};
use crate::check::{self, Options};
use std::num::NonZeroUsize;

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
    /// Report findings, progress and result as JSON, a line each
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        let volume = self.volume.read_only(global)?;
        let options = Options { contents: !self.names, guess: !self.no_guess, jobs: self.jobs };
        let mut listener = Listener::new(global, self.json, self.notes);
        let checked = check::check(&volume, options, &mut listener);
        listener.end()?;
        findings::end(global, self.json, self.notes, checked?)
    }
}
