//! Where EncFS takes passwords from, with its prompts and its limits.

use super::{Ended, say};
use crate::cli::password::unbuffered_stdin;
use crate::cli::secret::Secret;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use zeroize::Zeroizing;

/// EncFS reads a line into 512 bytes, the last of which ends a C string: of a longer password the rest never
/// counted.
const LINE_MAX: usize = 511;

/// Where passwords come from; the terminal if nothing else is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Passwords {
    /// `-S`.
    pub(super) stdin: bool,
    /// `--extpass`; for an existing volume it wins over `stdin`, for a new one it does not.
    pub(super) program: Option<OsString>,
}

impl Passwords {
    /// The password of the volume at `root`.
    pub(super) fn read(&self, root: &Path, annotate: bool) -> Result<Secret, Ended> {
        if let Some(program) = &self.program {
            return from_program(program, root);
        }
        announce(annotate, "passwd");
        if self.stdin { from_stdin() } else { ask("EncFS Password: ") }
    }

    /// A password to be.
    pub(super) fn read_new(&self, root: &Path, annotate: bool) -> Result<Secret, Ended> {
        match &self.program {
            _ if self.stdin => {
                announce(annotate, "new_passwd");
                from_stdin()
            }
            Some(program) => from_program(program, root),
            None => ask_new(),
        }
    }
}

/// Tells a front end which question comes.
pub(super) fn announce(annotate: bool, question: &str) {
    if annotate {
        say::err(&format!("$PROMPT$ {question}\n"));
    }
}

/// A new password from the terminal, until two agree.
fn ask_new() -> Result<Secret, Ended> {
    loop {
        let first = ask("New Encfs Password: ")?;
        let second = ask("Verify Encfs Password: ")?;
        if first.bytes() == second.bytes() {
            return Ok(first);
        }
        say::err("Passwords did not match, please try again\n");
    }
}

/// Asks on the terminal; where there is none, on standard error, and the answer comes from standard input.
fn ask(prompt: &str) -> Result<Secret, Ended> {
    if File::options().read(true).write(true).open("/dev/tty").is_ok() {
        return match rpassword::prompt_password(prompt) {
            Ok(answer) => secret(Zeroizing::new(answer.into_bytes())),
            Err(error) => Err(say::fail(&format!("fatal: error reading password: {error}"))),
        };
    }
    say::err(prompt);
    let line = line_of_stdin();
    say::err("\n");
    secret(line?.unwrap_or_default())
}

fn from_stdin() -> Result<Secret, Ended> {
    match line_of_stdin()? {
        Some(line) => secret(line),
        None => Err(say::fail("fatal: error reading password")),
    }
}

/// A line without its end; nothing at the end of the input.
fn line_of_stdin() -> Result<Option<Zeroizing<Vec<u8>>>, Ended> {
    let line =
        unbuffered_stdin().map_err(|_| ()).and_then(|mut stdin| Secret::line(&mut stdin).map_err(|_| ()));
    line.map_err(|()| say::fail("fatal: error reading password"))
}

/// A line as a C program takes it.
fn secret(mut line: Zeroizing<Vec<u8>>) -> Result<Secret, Ended> {
    line.truncate(LINE_MAX);
    if let Some(end) = line.iter().position(|&byte| byte == 0) {
        line.truncate(end);
    }
    not_empty(line)
}

fn not_empty(bytes: Zeroizing<Vec<u8>>) -> Result<Secret, Ended> {
    Secret::new(bytes).map_err(|_| say::fail("fatal: zero-length passwords are not allowed"))
}

/// What a program prints, less a line feed at its end; whether it succeeds does not matter to EncFS.
fn from_program(program: &OsString, root: &Path) -> Result<Secret, Ended> {
    let failed = |error: io::Error| say::fail(&format!("encfs: cannot run the password program: {error}"));
    let mut child = Command::new("/bin/sh")
        .arg("-c")
        .arg(program)
        // the manual's word, and the one that EncFS really has
        .env("RootDir", root)
        .env("encfs_root", root)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let mut stdout = child.stdout.take().expect("standard output was piped");
    let mut bytes = Secret::room();
    let read = stdout.by_ref().take(bytes.capacity() as u64).read_to_end(&mut bytes);
    drop(stdout);
    child.wait().map_err(failed)?;
    read.map_err(failed)?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    not_empty(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_as_far_as_a_c_string_in_encfs_reaches() {
        let secret =
            |line: &[u8]| secret(Zeroizing::new(line.to_vec())).map(|secret| secret.bytes().to_vec());
        assert_eq!(secret(b"pw\r"), Ok(b"pw\r".to_vec()));
        assert_eq!(secret(b"a\0b"), Ok(b"a".to_vec()));
        assert_eq!(secret(&[b'x'; 600]), Ok(vec![b'x'; 511]));
        assert_eq!(secret(b""), Err(Ended(1)));
    }

    #[test]
    fn a_program_may_fail_as_long_as_it_prints() {
        let from = |program: &str| from_program(&program.into(), Path::new("/vault/"));
        let bytes = |program| from(program).map(|secret| secret.bytes().to_vec());
        assert_eq!(bytes("echo two words; exit 3"), Ok(b"two words".to_vec()));
        assert_eq!(bytes("printf '%s' \"$RootDir:$encfs_root\""), Ok(b"/vault/:/vault/".to_vec()));
        assert_eq!(bytes("head -c 600 /dev/zero | tr '\\0' x"), Ok(vec![b'x'; 600]));
        assert_eq!(bytes("true"), Err(Ended(1)));
    }
}
