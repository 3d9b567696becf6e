//! `encfsctl`: the commands around volumes that are not mounted.

use super::getopt::{self, Known, long};
use super::passwords::Passwords;
use super::{ENCFS_VERSION, Ended, FAILED, ctl_files, ctl_names, ctl_passwd, describe, say};
use crate::cli;
use crate::cli::open::open;
use crate::cli::{Error, Global, state, system, text};
use crate::volume;
use crate::volume::{FoundConfig, OpenError, OpenOptions, Volume};
use std::ffi::{OsStr, OsString};
use std::ops::RangeInclusive;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A command with how many arguments it takes, options included.
type Command = (&'static str, RangeInclusive<usize>, fn(&[OsString]) -> Result<(), Ended>);

static COMMANDS: &[Command] = &[
    ("info", 1..=1, info),
    ("showKey", 1..=1, ctl_names::show_key),
    ("passwd", 1..=1, ctl_passwd::passwd),
    ("autopasswd", 1..=1, ctl_passwd::auto_passwd),
    ("autocheckpasswd", 1..=1, ctl_passwd::auto_check_passwd),
    ("ls", 1..=2, ctl_files::ls),
    ("showcruft", 1..=1, ctl_files::show_cruft),
    ("cat", 2..=4, ctl_files::cat),
    ("decode", 1..=100, ctl_names::decode),
    ("encode", 1..=100, ctl_names::encode),
    ("export", 2..=2, ctl_files::export),
    ("--version", 0..=0, version),
];

const USAGE: &str = "\
Usage:
encfsctl (root dir)
  -- what a volume is made with, or:
encfsctl info (root dir)
  -- the same
encfsctl showKey (root dir)
  -- the volume key, wrapped in itself
encfsctl passwd (root dir)
  -- change the password
encfsctl autopasswd (root dir)
  -- change the password; both come from standard input
encfsctl autocheckpasswd (root dir)
  -- check the password that comes from standard input
encfsctl showcruft (root dir)
  -- list the names in the volume that do not decode
encfsctl cat [--extpass=prog] (root dir) path
  -- write a file to standard output
encfsctl decode [--extpass=prog] (root dir) [encoded-name ...]
  -- what encrypted names stand for
encfsctl encode [--extpass=prog] (root dir) [plaintext-name ...]
  -- what names are called in the encrypted folder
encfsctl export (root dir) path
  -- decrypt a volume into a folder
encfsctl --version
  -- print version number and exit

Example: 
encfsctl info ~/.crypt

";

/// Runs the program.
pub(super) fn run(arguments: &[OsString]) -> Result<(), Ended> {
    system::forbid_core_dumps();
    system::start_log(0);
    let mut rest = arguments;
    // EncFS has options of its logger there
    while rest.len() > 1 && rest[0].as_bytes().starts_with(b"-") {
        rest = &rest[1..];
    }
    match rest {
        [] => {
            say::err(&format!("encfsctl version {ENCFS_VERSION}\n{USAGE}"));
            Err(FAILED)
        }
        [root] if !root.as_bytes().starts_with(b"--") => info(std::slice::from_ref(root)),
        [name, arguments @ ..] => {
            let shown = text::escape(name);
            let Some((_, count, run)) = COMMANDS.iter().find(|(known, ..)| name == known) else {
                return Err(say::fail(&format!("invalid command: \"{shown}\"")));
            };
            if !count.contains(&arguments.len()) {
                return Err(say::fail(&format!("Incorrect number of arguments for command \"{shown}\"")));
            }
            run(arguments)
        }
    }
}

fn version(_: &[OsString]) -> Result<(), Ended> {
    say::err(&format!("encfsctl version {ENCFS_VERSION}\n"));
    Ok(())
}

fn info(arguments: &[OsString]) -> Result<(), Ended> {
    let found = find(Path::new(&arguments[0]))?;
    say::out(&describe::volume(&found.config));
    Ok(())
}

/// The config of the volume in this folder; has complained where there is none.
pub(super) fn find(root: &Path) -> Result<FoundConfig, Ended> {
    look_for_config(root).inspect_err(|_| {
        if root.is_dir() {
            say::out("Unable to load or parse config file\n");
        }
    })
}

fn look_for_config(root: &Path) -> Result<FoundConfig, Ended> {
    check_folder(root)?;
    volume::find_config(root).map_err(|error| match error {
        OpenError::NoConfig { .. } => FAILED,
        error => say::report("encfsctl", &Error::Open(error)),
    })
}

pub(super) fn check_folder(folder: &Path) -> Result<(), Ended> {
    if folder.is_dir() {
        return Ok(());
    }
    Err(say::fail(&format!("directory {} does not exist.", folder.display())))
}

/// Opens the volume that a command line begins with; gives it with what follows it there.
pub(super) fn open_volume(arguments: &[OsString]) -> Result<(Volume, Vec<OsString>), Ended> {
    static KNOWN: &[Known] = &[long("extpass").with_argument(), long("reverse")];
    let parsed = getopt::parse(KNOWN, arguments);
    parsed.complain("encfsctl");
    let mut passwords = Passwords::default();
    for (name, argument) in parsed.options {
        match name {
            "extpass" => passwords.program = argument,
            _ => return Err(say::fail("encfsctl: encbox has no reverse mode (--reverse)")),
        }
    }
    let mut operands = parsed.operands.into_iter();
    let Some(root) = operands.next() else { return Err(say::fail("Incorrect number of arguments")) };
    let volume = unlock(&PathBuf::from(root), &passwords).inspect_err(|_| {
        say::fail("Unable to initialize encrypted filesystem - check path.");
    })?;
    Ok((volume, operands.collect()))
}

fn unlock(root: &Path, passwords: &Passwords) -> Result<Volume, Ended> {
    let found = look_for_config(root)?;
    let secret = passwords.read(root, false)?;
    let options = OpenOptions { read_only: true, ..OpenOptions::default() };
    open(&global(), root, &found, &secret, options).map_err(|error| say::report("encfsctl", &error))
}

/// The key of a volume whose password is known.
pub(super) fn volume_key(
    root: &Path,
    found: &FoundConfig,
    secret: &crate::cli::secret::Secret,
) -> Result<crate::crypto::VolumeKey, Error> {
    let options = OpenOptions { state: state::folder(), ..OpenOptions::default() };
    cli::open::unlock(&global(), root, found, secret, &options)
}

fn global() -> Global {
    Global { config: None, quiet: false, verbose: 0 }
}

/// A line of bytes to standard output.
pub(super) fn print(line: &OsStr) -> Result<(), Ended> {
    use std::io::Write;
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(line.as_bytes()).and_then(|()| stdout.write_all(b"\n"));
    written.map_err(|_| FAILED)
}
