//! Words to the two streams, whole and at once: prompts are waited for by programs at the other end of a pipe.

use super::{Ended, FAILED};
use crate::cli::Error;
use crate::cli::exit::{tell, verdict};
use crate::mount;
use std::io::{self, Write};

/// To standard output, as it is. A reader that has gone away is no reason to stop.
pub(super) fn out(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// To standard error, as it is.
pub(super) fn err(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// A line to standard error, what a terminal would obey spelt out; and the end.
pub(super) fn fail(line: &str) -> Ended {
    tell(line);
    FAILED
}

/// What stopped us, in the words of `encbox` where EncFS has none for it.
pub(super) fn report(program: &str, error: &Error) -> Ended {
    if error.is_wrong_password() {
        // front ends look for this on standard output
        out("Error decoding volume key, password incorrect\n");
        return FAILED;
    }
    match error {
        // the background process has said why
        Error::Background(_) => return FAILED,
        Error::Mount(mount::Error::NotEmpty { .. } | mount::Error::AlreadyMounted { .. }) => {
            // and for 'nonempty' on standard error
            err("fuse: mountpoint is not empty\n\
                 fuse: if you are sure this is safe, use the 'nonempty' mount option\n");
        }
        _ => {}
    }
    tell(&format!("{program}: {error}"));
    let (_, hint) = verdict(error);
    if !hint.is_empty() {
        tell(&format!("hint: {hint}"));
    }
    FAILED
}
