//! A password between its source and the volume: bytes that erase themselves.

use super::password::Error;
use crate::crypto::Password;
use std::io::Read;
use zeroize::Zeroizing;

/// More than any password; what is longer is a mistake, such as a disk image for a password file.
const LEN_MAX: usize = 64 * 1024;

/// The bytes of a password. Not empty.
pub(super) struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    pub(super) fn new(bytes: Zeroizing<Vec<u8>>) -> Result<Secret, Error> {
        if bytes.is_empty() { Err(Error::Empty) } else { Ok(Secret(bytes)) }
    }

    /// Reads a line, without its end, and nothing beyond it: what follows may be for somebody else. `None` at the
    /// end of the input.
    pub(super) fn line(reader: &mut dyn Read) -> Result<Option<Zeroizing<Vec<u8>>>, ReadError> {
        let mut line = Secret::room();
        let mut byte = Zeroizing::new([0]);
        loop {
            if read(reader, &mut *byte)? == 0 {
                return Ok(if line.is_empty() { None } else { Some(line) });
            }
            if byte[0] == b'\n' {
                return Ok(Some(line));
            }
            push(&mut line, &*byte)?;
        }
    }

    /// The same for a password: it does not end in the carriage return of another system's line end.
    pub(super) fn first_line(reader: &mut dyn Read) -> Result<Secret, ReadError> {
        let mut line = Secret::line(reader)?.unwrap_or_default();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Secret::new(line).map_err(ReadError::Password)
    }

    /// Reads to the end; one line feed there does not count.
    pub(super) fn all(reader: &mut dyn Read) -> Result<Secret, ReadError> {
        let mut bytes = Secret::exactly(reader)?.0;
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        Secret::new(bytes).map_err(ReadError::Password)
    }

    /// Reads to the end, where every byte counts.
    pub(super) fn exactly(reader: &mut dyn Read) -> Result<Secret, ReadError> {
        let mut bytes = Secret::room();
        let mut buffer = Zeroizing::new([0; 4096]);
        loop {
            match read(reader, &mut *buffer)? {
                0 => return Secret::new(bytes).map_err(ReadError::Password),
                len => push(&mut bytes, &buffer[..len])?,
            }
        }
    }

    /// All the room that a password can take: a buffer that grew would leave copies behind.
    pub(super) fn room() -> Zeroizing<Vec<u8>> {
        Zeroizing::new(Vec::with_capacity(LEN_MAX))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn password(&self) -> Password {
        Password::new(self.0.to_vec()).expect("a secret is not empty")
    }

    /// The same characters as Windows programs of old wrote them, in code page 1252; none if that is no different, or
    /// if a character is not in it.
    pub(super) fn in_windows_1252(&self) -> Option<Password> {
        let text = std::str::from_utf8(&self.0).ok().filter(|text| !text.is_ascii())?;
        let mut bytes = Vec::with_capacity(text.len());
        for c in text.chars() {
            bytes.push(windows_1252(c)?);
        }
        Password::new(bytes)
    }
}

/// Reading failed, or what was read is no password.
#[derive(Debug)]
pub(super) enum ReadError {
    Io(std::io::Error),
    Password(Error),
}

fn read(reader: &mut dyn Read, buffer: &mut [u8]) -> Result<usize, ReadError> {
    loop {
        match reader.read(buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            done => return done.map_err(ReadError::Io),
        }
    }
}

fn push(bytes: &mut Vec<u8>, more: &[u8]) -> Result<(), ReadError> {
    if bytes.len() + more.len() > LEN_MAX {
        return Err(ReadError::Password(Error::TooLong));
    }
    bytes.extend_from_slice(more);
    Ok(())
}

/// Code page 1252: Latin-1 but for 0x80 to 0x9f.
fn windows_1252(c: char) -> Option<u8> {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', //
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match c {
        '\0'..='\x7f' | '\u{a0}'..='\u{ff}' => u8::try_from(u32::from(c)).ok(),
        c => HIGH.iter().position(|high| *high == c).and_then(|at| u8::try_from(0x80 + at).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(mut input: &[u8]) -> (Option<Vec<u8>>, Vec<u8>) {
        let secret = Secret::first_line(&mut input).ok().map(|secret| secret.bytes().to_vec());
        (secret, input.to_vec())
    }

    #[test]
    fn the_first_line_is_taken_and_the_rest_left() {
        assert_eq!(line(b"one\ntwo\n"), (Some(b"one".to_vec()), b"two\n".to_vec()));
        assert_eq!(line(b"one\r\ntwo"), (Some(b"one".to_vec()), b"two".to_vec()));
        assert_eq!(line(b"no end"), (Some(b"no end".to_vec()), vec![]));
        assert_eq!(line(b"\n"), (None, vec![]));
        assert_eq!(line(b""), (None, vec![]));
    }

    #[test]
    fn of_all_there_is_one_line_feed_is_dropped() {
        let all = |mut input: &[u8]| Secret::all(&mut input).ok().map(|secret| secret.bytes().to_vec());
        assert_eq!(all(b"a\nb\n\n"), Some(b"a\nb\n".to_vec()));
        assert_eq!(all(b"\n"), None);
    }

    #[test]
    fn long_passwords_are_fine_and_disk_images_are_not() {
        assert_eq!(line(&[b'x'; 10_000]).0.map(|line| line.len()), Some(10_000));
        assert_eq!(line(&[b'x'; LEN_MAX + 1]).0, None);
    }

    #[test]
    fn windows_knew_the_euro() {
        assert_eq!(windows_1252('€'), Some(0x80));
        assert_eq!(windows_1252('ü'), Some(0xfc));
        assert_eq!(windows_1252('Ÿ'), Some(0x9f));
        assert_eq!(windows_1252('ł'), None);
    }
}
