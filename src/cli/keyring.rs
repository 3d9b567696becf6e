//! The keyring of the desktop, through the program that each system has for it: `secret-tool` (libsecret), and
//! `security` on macOS. An entry is found by the folder of its volume.

use super::secret::Secret;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use zeroize::Zeroizing;

/// Why the keyring cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("the keyring needs the program `{0}`, which is not installed")]
    Missing(&'static str),
    #[error("`{program}` failed: {problem}")]
    Failed { program: &'static str, problem: String },
}

/// The password of the volume at `root`, if it was saved.
pub(super) fn look_up(root: &Path) -> Result<Option<Secret>, Error> {
    let output = run(look_up_command(&entry(root)), None)?;
    let mut password = Zeroizing::new(output.stdout);
    if password.last() == Some(&b'\n') {
        password.pop();
    }
    // An entry that is not there is no output, on both systems; the message is about that.
    Ok(if output.status.success() { Secret::new(password).ok() } else { None })
}

/// Saves the password of the volume at `root`.
pub(super) fn save(root: &Path, secret: &Secret) -> Result<(), Error> {
    let (command, input) = save_command(&entry(root), secret);
    let output = run(command, Some(&input))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_string();
    let problem = if said.is_empty() { output.status.to_string() } else { said };
    Err(Error::Failed { program: PROGRAM, problem })
}

/// What the entry is called: the folder, whichever way it was written this time.
fn entry(root: &Path) -> PathBuf {
    root.canonicalize().unwrap_or_else(|_| root.to_path_buf())
}

#[cfg(not(target_os = "macos"))]
const PROGRAM: &str = "secret-tool";

#[cfg(not(target_os = "macos"))]
fn look_up_command(entry: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(["lookup", "application", "encbox", "volume"]).arg(entry);
    command
}

#[cfg(not(target_os = "macos"))]
fn save_command(entry: &Path, secret: &Secret) -> (Command, Zeroizing<Vec<u8>>) {
    let mut command = Command::new(PROGRAM);
    command.arg("store").arg(format!("--label=encbox: {}", entry.display()));
    command.args(["application", "encbox", "volume"]).arg(entry);
    (command, Zeroizing::new(secret.bytes().to_vec()))
}

#[cfg(target_os = "macos")]
const PROGRAM: &str = "security";

#[cfg(target_os = "macos")]
fn look_up_command(entry: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(["find-generic-password", "-w", "-s", "encbox", "-a"]).arg(entry);
    command
}

/// The password must not be an argument, so the whole command goes in by standard input.
#[cfg(target_os = "macos")]
fn save_command(entry: &Path, secret: &Secret) -> (Command, Zeroizing<Vec<u8>>) {
    use std::os::unix::ffi::OsStrExt;
    let mut input = Zeroizing::new(b"add-generic-password -U -s encbox -a ".to_vec());
    quote(&mut input, entry.as_os_str().as_bytes());
    input.extend_from_slice(b" -w ");
    quote(&mut input, secret.bytes());
    input.push(b'\n');
    let mut command = Command::new(PROGRAM);
    command.arg("-i");
    (command, input)
}

#[cfg(target_os = "macos")]
fn quote(input: &mut Vec<u8>, text: &[u8]) {
    input.push(b'"');
    for byte in text {
        if matches!(byte, b'"' | b'\\') {
            input.push(b'\\');
        }
        input.push(*byte);
    }
    input.push(b'"');
}

fn run(mut command: Command, input: Option<&[u8]>) -> Result<Output, Error> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Error::Missing(PROGRAM),
        _ => Error::Failed { program: PROGRAM, problem: error.to_string() },
    };
    let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
    let mut child =
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(failed)?;
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        stdin.write_all(input).map_err(failed)?;
    }
    child.wait_with_output().map_err(failed)
}
