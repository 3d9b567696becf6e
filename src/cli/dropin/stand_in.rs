//! What `encbox mount` does differently in the place of encfs(1). Hidden options, since the background process gets
//! them by its command line.

use super::say;
use crate::cli::Error;
use crate::cli::exit::Code;
use crate::mount::MountOptions;
use crate::volume::OpenOptions;
use std::ffi::OsString;
use std::time::Duration;

/// The differences; none by default.
#[derive(Debug, Clone, Default, clap::Args)]
pub(in crate::cli) struct StandIn {
    /// Look like EncFS in the list of mounts, and fail in its words
    #[arg(long, hide = true)]
    pub(super) as_encfs: bool,
    #[arg(long, hide = true)]
    pub(super) fs_name: Option<String>,
    /// Take every password for right
    #[arg(long, hide = true)]
    pub(super) any_key: bool,
    /// Read damaged blocks
    #[arg(long, hide = true)]
    pub(super) force_decode: bool,
    /// How long the kernel keeps attributes
    #[arg(long, hide = true)]
    pub(super) attributes_ms: Option<u64>,
    /// How long the kernel keeps names
    #[arg(long, hide = true)]
    pub(super) names_ms: Option<u64>,
    /// The kernel forgets the contents of a file with its last close
    #[arg(long, hide = true)]
    pub(super) no_pages: bool,
}

impl StandIn {
    /// How the volume is opened.
    pub(in crate::cli) fn opening(&self, options: OpenOptions) -> OpenOptions {
        let exact_names = options.exact_names || self.as_encfs;
        OpenOptions { any_key: self.any_key, force_decode: self.force_decode, exact_names, ..options }
    }

    /// How it is mounted.
    pub(in crate::cli) fn mounting(&self, mut options: MountOptions) -> MountOptions {
        options.as_encfs = self.as_encfs;
        options.fs_name.clone_from(&self.fs_name);
        let caching = &mut options.caching;
        // somebody who says how long wants exactly that, watched or not
        if let Some(ms) = self.attributes_ms.into_iter().chain(self.names_ms).min() {
            caching.unwatched = Duration::from_millis(ms);
            caching.watched = caching.unwatched;
        }
        caching.pages &= !self.no_pages;
        caching.write_back &= !self.no_pages;
        options
    }

    /// The same for another process.
    pub(in crate::cli) fn arguments(&self) -> Vec<OsString> {
        let switches = [
            (self.as_encfs, "--as-encfs"),
            (self.any_key, "--any-key"),
            (self.force_decode, "--force-decode"),
            (self.no_pages, "--no-pages"),
        ];
        let mut arguments: Vec<OsString> =
            switches.iter().filter(|(on, _)| *on).map(|(_, switch)| switch.into()).collect();
        // in one word: a name may begin with a dash
        arguments.extend(self.fs_name.as_ref().map(|name| format!("--fs-name={name}").into()));
        for (option, ms) in [("--attributes-ms", self.attributes_ms), ("--names-ms", self.names_ms)] {
            arguments.extend(ms.map(|ms| format!("{option}={ms}").into()));
        }
        arguments
    }

    /// In the background process, whose standard output leads to its parent: says what went wrong, unless the
    /// parent does.
    pub(in crate::cli) fn report(&self, error: Error) -> Error {
        if !self.as_encfs {
            return error;
        }
        if error.is_wrong_password() {
            return Error::Background(Code::WrongPassword as u8);
        }
        say::report("encfs", &error);
        Error::Background(Code::Failed as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct CommandLine {
        #[command(flatten)]
        stand_in: StandIn,
    }

    #[test]
    fn another_process_gets_all_of_it() {
        let stand_in = StandIn {
            as_encfs: true,
            fs_name: Some("-odd name".into()),
            any_key: true,
            force_decode: true,
            attributes_ms: Some(0),
            names_ms: Some(1500),
            no_pages: true,
        };
        let words = [vec!["encbox".into()], stand_in.arguments()].concat();
        let parsed = CommandLine::parse_from(words).stand_in;
        assert_eq!(format!("{parsed:?}"), format!("{stand_in:?}"));
        assert!(StandIn::default().arguments().is_empty());
    }
}
