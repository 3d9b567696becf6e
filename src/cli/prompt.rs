//! Asking for a password on the terminal, without showing it.

use super::password::Error;
use super::secret::Secret;
use std::io;
use zeroize::Zeroizing;

/// Asks once.
pub(super) fn ask(question: &str) -> Result<Secret, Error> {
    match rpassword::prompt_password(format!("{question}: ")) {
        Ok(answer) => Secret::new(Zeroizing::new(answer.into_bytes())),
        Err(error) if is_no_terminal(&error) => Err(Error::NoTerminal),
        Err(error) => Err(Error::Terminal(error)),
    }
}

/// Asks for a new password, twice.
pub(super) fn ask_new(question: &str) -> Result<Secret, Error> {
    let first = ask(question)?;
    let second = ask(&format!("{question} again"))?;
    if first.bytes() == second.bytes() { Ok(first) } else { Err(Error::Mismatch) }
}

/// `/dev/tty` does not open: no terminal, or none that is ours.
fn is_no_terminal(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(
        Errno::from_io_error(error),
        Some(Errno::NXIO | Errno::NOENT | Errno::NOTTY | Errno::ACCESS | Errno::NODEV | Errno::IO)
    )
}
