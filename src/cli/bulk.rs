//! What `export` and `import` have in common on a command line.

use super::{Error, text};
use crate::transfer;
use std::ffi::OsString;
use std::num::NonZeroUsize;

/// What to do about obstacles, and how to report.
#[derive(Debug, clap::Args)]
pub(super) struct BulkOptions {
    /// Replace files that exist
    #[arg(short, long)]
    pub(super) force: bool,
    /// Go on where an earlier one ended: pass over files that have the right size and time (to the nanosecond)
    #[arg(long)]
    pub(super) resume: bool,
    /// The destination is the new name, even if it is a folder that is there; that goes on in it
    #[arg(short = 'T', long)]
    pub(super) no_target_directory: bool,
    /// Stop at the first item that fails, rather than leave it out and go on
    #[arg(long)]
    pub(super) fail_fast: bool,
    /// Work with N threads (default: as many as the machine runs at once, 16 at the most)
    #[arg(short, long, value_name = "N")]
    pub(super) jobs: Option<NonZeroUsize>,
    /// Report progress and result as JSON, a line each
    #[arg(long)]
    pub(super) json: bool,
}

/// Tells how to go on where a transfer was stopped: with the same command line, and the options that make it mean the
/// same. `new_name`: the destination was none that is gone into.
pub(super) fn stopped(error: transfer::Error, new_name: bool) -> Error {
    if !matches!(error, transfer::Error::Interrupted) && !error.is_full() {
        return error.into();
    }
    Error::Stopped { source: error, again: again(std::env::args_os().collect(), new_name) }
}

fn again(mut arguments: Vec<OsString>, new_name: bool) -> String {
    let end = arguments.iter().position(|argument| argument == "--").unwrap_or(arguments.len());
    let options: Vec<_> = [("--resume", "--resume", true), ("-T", "--no-target-directory", new_name)]
        .into_iter()
        .filter(|(short, long, wanted)| {
            *wanted && !arguments[..end].iter().any(|given| given == short || given == long)
        })
        .map(|(short, _, _)| OsString::from(short))
        .collect();
    arguments.splice(end..end, options);
    arguments.iter().map(|argument| text::shell_word(argument)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_command_goes_on() {
        let again = |line: &str, new_name| again(line.split(' ').map(OsString::from).collect(), new_name);
        assert_eq!(again("encbox export V /a b", true), "encbox export V /a b --resume -T");
        assert_eq!(again("encbox export -T --resume V /a b", true), "encbox export -T --resume V /a b");
        assert_eq!(again("encbox import V -- -a /b", false), "encbox import V --resume -- -a /b");
        assert_eq!(again("encbox import V it's$x /", false), r"encbox import V 'it'\''s$x' / --resume");
    }
}
