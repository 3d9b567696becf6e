//! The door: words in, words out, exit codes. One file per command; the list of them is `Command`.
//!
//! Only this room prints, asks, and knows a command line. Facts go to standard output, everything else to standard
//! error.

mod bulk;
mod cat;
mod check;
mod completions;
mod config;
mod conflicts;
mod decode;
mod demo;
mod difference;
mod encode;
mod error;
mod exit;
mod export;
mod findings;
mod import;
mod info;
mod iterations;
mod key;
mod keyring;
mod ls;
mod man;
mod mkdir;
mod mv;
mod new;
mod open;
mod out;
mod owner;
mod passwd;
mod password;
mod progress;
mod prompt;
mod range;
mod record;
mod recover_key;
mod remedy;
mod repair;
mod rm;
mod secret;
mod show;
mod speed;
mod state;
mod system;
mod text;
mod trash;
mod tree;
mod verify;
mod words;

#[cfg(feature = "index")]
mod cache;
#[cfg(feature = "index")]
mod index;
#[cfg(feature = "preview")]
mod preview;
#[cfg(feature = "index")]
mod scan_watch;
#[cfg(feature = "index")]
mod search;
#[cfg(feature = "index")]
mod travel;

#[cfg(feature = "mount")]
mod background;
#[cfg(feature = "mount")]
mod dropin;
#[cfg(feature = "mount")]
mod fstab;
#[cfg(feature = "mount")]
mod guard;
#[cfg(all(feature = "index", feature = "mount"))]
mod indexing;
#[cfg(feature = "mount")]
mod launchd;
#[cfg(feature = "mount")]
mod log;
#[cfg(feature = "mount")]
mod minutes;
#[cfg(feature = "mount")]
mod mount;
#[cfg(feature = "mount")]
mod mounts;
#[cfg(feature = "mount")]
mod service;
#[cfg(feature = "mount")]
mod systemd;
#[cfg(feature = "mount")]
mod unmount;

use clap::{ArgAction, Parser, Subcommand};
use error::Error;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

/// Open, mount and change EncFS and BoxCryptor Classic volumes that live in a synced folder
#[derive(Debug, Parser)]
#[command(name = "encbox", version, subcommand_required = true, arg_required_else_help = true)]
#[command(max_term_width = 100, after_long_help = exit::table())]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command knows.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Everywhere")]
struct Global {
    /// Take this config file (format V6) instead of the one in the folder of the volume
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Say nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Log what happens, by encrypted names; twice or thrice for more [environment: ENCBOX_LOG]
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
}

/// The commands.
#[derive(Debug, Subcommand)]
enum Command {
    Info(info::Info),
    Ls(ls::Ls),
    Tree(tree::Tree),
    Cat(cat::Cat),
    #[cfg(feature = "preview")]
    Preview(preview::PreviewFile),
    #[cfg(feature = "index")]
    Index(index::IndexVolume),
    #[cfg(feature = "index")]
    Search(search::Search),
    Export(export::Export),
    Import(import::Import),
    Mkdir(mkdir::Mkdir),
    Rm(rm::Rm),
    Mv(mv::Mv),
    Encode(encode::Encode),
    Decode(decode::Decode),
    New(new::New),
    Passwd(passwd::Passwd),
    Config(config::ConfigArgs),
    Conflicts(conflicts::Conflicts),
    Verify(verify::Verify),
    Check(check::Check),
    Repair(repair::Repair),
    Key(key::Key),
    RecoverKey(recover_key::RecoverKey),
    #[cfg(feature = "mount")]
    Mount(mount::Mount),
    #[cfg(feature = "mount")]
    Unmount(unmount::Unmount),
    #[cfg(feature = "mount")]
    Mounts(mounts::Mounts),
    #[cfg(feature = "mount")]
    #[command(name = crate::mount::guard::COMMAND, hide = true)]
    Guard(guard::Guard),
    Speed(speed::Speed),
    Demo(demo::Demo),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Runs the program under the name that it was called by: parses the command line, does what it says, returns the exit code.
pub fn main() -> ExitCode {
    #[cfg(feature = "mount")]
    if let Some(code) = dropin::run() {
        return code;
    }
    let arguments = std::env::args_os().collect();
    #[cfg(feature = "mount")]
    let arguments = match fstab::translate(arguments) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => return exit::report(&error),
    };
    let Cli { global, command } = Cli::parse_from::<Vec<OsString>, _>(arguments);
    system::forbid_core_dumps();
    system::start_log(global.verbose);
    match command.run(&global) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::report(&error),
    }
}

impl Command {
    fn run(&self, global: &Global) -> Result<(), Error> {
        match self {
            Command::Info(command) => command.run(global),
            Command::Ls(command) => command.run(global),
            Command::Tree(command) => command.run(global),
            Command::Cat(command) => command.run(global),
            #[cfg(feature = "preview")]
            Command::Preview(command) => command.run(global),
            #[cfg(feature = "index")]
            Command::Index(command) => command.run(global),
            #[cfg(feature = "index")]
            Command::Search(command) => command.run(global),
            Command::Export(command) => command.run(global),
            Command::Import(command) => command.run(global),
            Command::Mkdir(command) => command.run(global),
            Command::Rm(command) => command.run(global),
            Command::Mv(command) => command.run(global),
            Command::Encode(command) => command.run(global),
            Command::Decode(command) => command.run(global),
            Command::New(command) => command.run(global),
            Command::Passwd(command) => command.run(global),
            Command::Config(command) => command.run(global),
            Command::Conflicts(command) => command.run(global),
            Command::Verify(command) => command.run(global),
            Command::Check(command) => command.run(global),
            Command::Repair(command) => command.run(global),
            Command::Key(command) => command.run(global),
            Command::RecoverKey(command) => command.run(global),
            #[cfg(feature = "mount")]
            Command::Mount(command) => command.run(global),
            #[cfg(feature = "mount")]
            Command::Unmount(command) => command.run(),
            #[cfg(feature = "mount")]
            Command::Mounts(command) => command.run(),
            #[cfg(feature = "mount")]
            Command::Guard(command) => command.run(),
            Command::Speed(command) => command.run(global),
            Command::Demo(command) => command.run(),
            Command::Completions(command) => command.run(),
            Command::Man(command) => command.run(),
        }
    }
}

impl Global {
    /// Something worth knowing that is no error.
    fn note(&self, text: &str) {
        if !self.quiet {
            exit::tell(&format!("note: {text}"));
        }
    }

    /// All this for another process, whose folder is another.
    #[cfg(feature = "mount")]
    fn arguments(&self) -> Result<Vec<OsString>, Error> {
        let mut arguments: Vec<OsString> = Vec::new();
        if let Some(config) = &self.config {
            let config = std::path::absolute(config).map_err(Error::local("find", config))?;
            arguments.extend(["--config".into(), config.into()]);
        }
        arguments.extend((0..self.verbose).map(|_| OsString::from("--verbose")));
        arguments.extend(self.quiet.then(|| OsString::from("--quiet")));
        Ok(arguments)
    }

    /// Something that only a person cares about.
    fn note_on_terminal(&self, text: &str) {
        if io::stderr().is_terminal() {
            self.note(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        for command in Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
            let help = command.clone().render_long_help().to_string();
            assert!(help.contains("Example"), "{}", command.get_name());
        }
    }
}
