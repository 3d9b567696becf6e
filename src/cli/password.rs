//! Where a password comes from: the terminal, standard input, a file, a command, the keyring, the environment.
//! Never the command line itself, which everybody on the machine can read.

use super::secret::{ReadError, Secret};
use super::{keyring, prompt};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// Where the password comes from; the terminal if nothing else is said.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct PasswordOptions {
    /// Read it from the first line of standard input
    #[arg(
        help_heading = "Password",
        short = 'S',
        long,
        visible_alias = "stdinpass",
        group = "password_source"
    )]
    pub(super) password_stdin: bool,
    /// Read it from the first line of FILE [environment: ENCBOX_PASSWORD_FILE]
    #[arg(help_heading = "Password", long, value_name = "FILE", group = "password_source")]
    pub(super) password_file: Option<PathBuf>,
    /// Take it from the output of COMMAND, which `sh` runs [environment: ENCBOX_PASSWORD_COMMAND]
    #[arg(
        help_heading = "Password",
        long,
        visible_alias = "extpass",
        value_name = "COMMAND",
        group = "password_source"
    )]
    pub(super) password_command: Option<OsString>,
    /// Look it up in the keyring of the desktop; ask on the terminal if it is not there
    #[arg(help_heading = "Password", long, group = "password_source")]
    pub(super) keyring: bool,
    /// Save it in the keyring once it has opened the volume
    #[arg(help_heading = "Password", long)]
    pub(super) keyring_save: bool,
}

/// One way to a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Stdin,
    File(PathBuf),
    Command(OsString),
    Keyring,
    Terminal,
}

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("no terminal to ask for the password on")]
    NoTerminal,
    #[error("the terminal: {0}")]
    Terminal(io::Error),
    #[error("the password is empty")]
    Empty,
    #[error("the password is longer than 65536 bytes")]
    TooLong,
    #[error("the two passwords differ")]
    Mismatch,
    #[error("the password file {}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("the password on standard input: {0}")]
    Stdin(io::Error),
    #[error("the password command `{}`: {source}", command.to_string_lossy())]
    Program { command: OsString, source: io::Error },
    #[error("the password command `{}` failed: {status}", command.to_string_lossy())]
    Status { command: OsString, status: ExitStatus },
    #[error("the keyring has no password for {}", .0.display())]
    NotInKeyring(PathBuf),
    #[error("{0} gets no password from the terminal or standard input: nobody is there to type it")]
    Unattended(&'static str),
}

impl PasswordOptions {
    /// Options win over the environment, the environment over the terminal.
    pub(super) fn source(&self) -> Source {
        if self.password_stdin {
            Source::Stdin
        } else if self.keyring {
            Source::Keyring
        } else {
            source(self.password_file.as_deref(), self.password_command.as_deref())
                .or_else(from_environment)
                .unwrap_or(Source::Terminal)
        }
    }
}

/// A file, or else a command.
pub(super) fn source(file: Option<&Path>, command: Option<&OsStr>) -> Option<Source> {
    let file = file.map(|file| Source::File(file.to_path_buf()));
    file.or_else(|| command.map(|command| Source::Command(command.to_os_string())))
}

fn from_environment() -> Option<Source> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    source(
        variable("ENCBOX_PASSWORD_FILE").map(PathBuf::from).as_deref(),
        variable("ENCBOX_PASSWORD_COMMAND").as_deref(),
    )
}

impl Source {
    /// Fetches the password of the volume at `root`; `question` is for the terminal.
    pub(super) fn read(&self, root: &Path, question: &str) -> Result<Secret, super::Error> {
        Ok(match self {
            Source::Keyring => match keyring::look_up(root)? {
                Some(secret) => secret,
                None => prompt::ask(question)?,
            },
            Source::Terminal => prompt::ask(question)?,
            Source::Stdin => from_stdin()?,
            Source::File(path) => from_file(path)?,
            Source::Command(command) => from_command(command)?,
        })
    }

    /// The source itself, if it needs nobody who types; `who` cannot wait for somebody.
    pub(super) fn unattended(self, who: &'static str) -> Result<Source, Error> {
        match self {
            Source::Stdin | Source::Terminal => Err(Error::Unattended(who)),
            Source::File(_) | Source::Command(_) | Source::Keyring => Ok(self),
        }
    }

    /// Fetches the password of the volume at `root` where nobody can be asked.
    pub(super) fn read_unattended(&self, root: &Path) -> Result<Secret, super::Error> {
        match self {
            Source::Keyring => {
                keyring::look_up(root)?.ok_or_else(|| Error::NotInKeyring(root.to_path_buf()).into())
            }
            source => source.read(root, ""),
        }
    }

    /// The source as options for another process, whose folder is another. Secrets are none of them.
    pub(super) fn arguments(&self) -> Result<Vec<OsString>, super::Error> {
        Ok(match self {
            Source::Stdin => vec!["--password-stdin".into()],
            Source::File(path) => {
                let path = std::path::absolute(path).map_err(super::Error::local("find", path))?;
                vec!["--password-file".into(), path.into()]
            }
            Source::Command(command) => vec!["--password-command".into(), command.clone()],
            Source::Keyring => vec!["--keyring".into()],
            Source::Terminal => Vec::new(),
        })
    }

    /// Fetches a password to be; on the terminal it is asked for twice.
    pub(super) fn read_new(&self, root: &Path, question: &str) -> Result<Secret, super::Error> {
        match self {
            Source::Terminal | Source::Keyring => Ok(prompt::ask_new(question)?),
            Source::Stdin | Source::File(_) | Source::Command(_) => self.read(root, question),
        }
    }
}

/// Standard input without a buffer, so that what follows the password is still there for others.
pub(super) fn unbuffered_stdin() -> io::Result<File> {
    io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

fn from_stdin() -> Result<Secret, Error> {
    let mut stdin = unbuffered_stdin().map_err(Error::Stdin)?;
    Secret::first_line(&mut stdin).map_err(|error| error.into_error(Error::Stdin))
}

fn from_file(path: &Path) -> Result<Secret, Error> {
    let wrong = |source| Error::File { path: path.to_path_buf(), source };
    let mut file = File::open(path).map_err(wrong)?;
    Secret::first_line(&mut file).map_err(|error| error.into_error(wrong))
}

fn from_command(command: &OsStr) -> Result<Secret, Error> {
    let wrong = |source| Error::Program { command: command.to_os_string(), source };
    let mut child =
        Command::new("sh").arg("-c").arg(command).stdout(Stdio::piped()).spawn().map_err(wrong)?;
    let mut stdout = child.stdout.take().expect("standard output was piped");
    let secret = Secret::all(&mut stdout);
    // Closed first: a command with more to say must not wait for us while we wait for it.
    drop(stdout);
    let status = child.wait().map_err(wrong)?;
    if !status.success() {
        return Err(Error::Status { command: command.to_os_string(), status });
    }
    secret.map_err(|error| error.into_error(wrong))
}

impl ReadError {
    pub(super) fn into_error(self, wrong: impl FnOnce(io::Error) -> Error) -> Error {
        match self {
            ReadError::Io(source) => wrong(source),
            ReadError::Password(error) => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_win_over_the_terminal() {
        let options = PasswordOptions { password_file: Some("f".into()), ..PasswordOptions::default() };
        assert_eq!(options.source(), Source::File("f".into()));
        let options = PasswordOptions { password_stdin: true, ..PasswordOptions::default() };
        assert_eq!(options.source(), Source::Stdin);
    }

    #[test]
    fn a_command_gives_its_output() {
        assert_eq!(from_command(OsStr::new("printf 'two words\\n'")).unwrap().bytes(), b"two words");
        assert!(matches!(from_command(OsStr::new("echo x; exit 3")), Err(Error::Status { .. })));
        assert!(matches!(from_command(OsStr::new("true")), Err(Error::Empty)));
        assert!(matches!(from_command(OsStr::new("yes")), Err(Error::Status { .. } | Error::TooLong)));
    }

    #[test]
    fn a_file_gives_its_first_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "first\nsecond\n").unwrap();
        assert_eq!(from_file(file.path()).unwrap().bytes(), b"first");
        assert!(matches!(from_file(Path::new("/nonexistent")), Err(Error::File { .. })));
    }
}
