//! Standard output: facts as text or as JSON, and an error instead of a panic when nobody reads them.

use super::{Error, text};
use serde::Serialize;
use serde_json::Value;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

/// Buffered standard output; call [`Out::end`] when all is said.
pub(super) struct Out {
    stream: BufWriter<StdoutLock<'static>>,
    is_terminal: bool,
    is_empty: bool,
}

impl Out {
    pub(super) fn new() -> Out {
        let stdout = io::stdout();
        let is_terminal = stdout.is_terminal();
        Out { stream: BufWriter::new(stdout.lock()), is_terminal, is_empty: true }
    }

    /// A line of text, made safe for a terminal by whoever made it.
    pub(super) fn line(&mut self, text: &str) -> Result<(), Error> {
        self.bytes(text.as_bytes())?;
        self.bytes(b"\n")
    }

    /// A name: escaped on a terminal, byte for byte elsewhere.
    pub(super) fn name(&mut self, name: &OsStr) -> Result<(), Error> {
        if self.is_terminal { self.bytes(text::escape(name).as_bytes()) } else { self.bytes(name.as_bytes()) }
    }

    /// Lines of the contents of files: escaped on a terminal, as they are elsewhere.
    pub(super) fn text(&mut self, text: &str) -> Result<(), Error> {
        if !self.is_terminal {
            return self.bytes(text.as_bytes());
        }
        text.split_inclusive(['\n', '\t']).try_for_each(|piece| {
            let end = piece.len() - usize::from(piece.ends_with(['\n', '\t']));
            self.bytes(text::escape_str(&piece[..end]).as_bytes())?;
            self.bytes(&piece.as_bytes()[end..])
        })
    }

    /// Whether nothing was written yet.
    pub(super) fn is_empty(&self) -> bool {
        self.is_empty
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.is_empty &= bytes.is_empty();
        self.stream.write_all(bytes).map_err(Error::Output)
    }

    /// One JSON document on one line.
    pub(super) fn json(&mut self, value: &impl Serialize) -> Result<(), Error> {
        serde_json::to_writer(&mut self.stream, value).map_err(|error| Error::Output(error.into()))?;
        self.bytes(b"\n")
    }

    pub(super) fn end(mut self) -> Result<(), Error> {
        self.stream.flush().map_err(Error::Output)
    }
}

/// Standard output without a buffer, for bytes in large pieces from any thread.
pub(super) fn unbuffered_stdout() -> Result<File, Error> {
    io::stdout().as_fd().try_clone_to_owned().map(File::from).map_err(Error::Output)
}

/// Puts a name into a JSON object. JSON holds no bytes that are not Unicode: then `KEY_hex` has them all.
pub(super) fn put_name(object: &mut Value, key: &str, name: &OsStr) {
    object[key] = name.to_string_lossy().into();
    if name.to_str().is_none() {
        let hex: String = name.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        object[format!("{key}_hex")] = hex.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_strings_and_those_that_are_not_unicode_come_in_hex_too() {
        let mut object = json!({});
        put_name(&mut object, "path", OsStr::new("a"));
        put_name(&mut object, "target", OsStr::from_bytes(b"b\xff"));
        assert_eq!(object, json!({ "path": "a", "target": "b\u{fffd}", "target_hex": "62ff" }));
    }
}
