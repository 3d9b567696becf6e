//! Names, sizes and times as people read them.

use crate::volume::PlainPath;
use jiff::{Timestamp, tz::TimeZone};
use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::time::SystemTime;

/// A name that a terminal shows and does not obey: control characters and bytes that are no UTF-8 as `\xNN`,
/// characters that reorder the line as `\u{NNNN}`.
pub(super) fn escape(name: &OsStr) -> String {
    let mut text = String::with_capacity(name.len());
    for chunk in name.as_bytes().utf8_chunks() {
        text.push_str(&escape_str(chunk.valid()));
        for byte in chunk.invalid() {
            push(&mut text, format_args!("\\x{byte:02x}"));
        }
    }
    text
}

/// The same for what is UTF-8 already.
pub(super) fn escape_str(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '\0'..='\x1f' | '\x7f'..='\u{9f}' => push(&mut text, format_args!("\\x{:02x}", u32::from(c))),
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                push(&mut text, format_args!("\\u{{{:04x}}}", u32::from(c)));
            }
            c => text.push(c),
        }
    }
    text
}

fn push(text: &mut String, part: std::fmt::Arguments<'_>) {
    text.write_fmt(part).expect("a string takes everything");
}

/// Date and time of day in the time zone of this machine.
pub(super) fn local_time(time: SystemTime) -> String {
    zoned(time, TimeZone::system(), "%Y-%m-%d %H:%M")
}

/// The same to the second.
#[cfg(feature = "mount")]
pub(super) fn local_time_to_the_second(time: SystemTime) -> String {
    zoned(time, TimeZone::system(), "%Y-%m-%d %H:%M:%S")
}

/// Date, time and nanoseconds, as RFC 3339 has them.
pub(super) fn utc_time(time: SystemTime) -> String {
    zoned(time, TimeZone::UTC, "%Y-%m-%dT%H:%M:%S.%9fZ")
}

/// A time that no calendar reaches is a question mark: file systems hold any number.
fn zoned(time: SystemTime, zone: TimeZone, format: &str) -> String {
    Timestamp::try_from(time)
        .map_or_else(|_| "?".into(), |time| time.to_zoned(zone).strftime(format).to_string())
}

/// `drwxr-xr-x`, from the letter of the kind and the permission bits.
pub(super) fn mode(kind: char, mode: u32) -> String {
    let mut text = String::from(kind);
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (bits & 1 != 0, mode & special != 0) {
            (true, true) => letter,
            (false, true) => letter.to_ascii_uppercase(),
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    text
}

/// A path of the volume, byte for byte: `a/b`, or `/` for the root.
pub(super) fn path(path: &PlainPath) -> OsString {
    if path.is_root() { OsString::from("/") } else { path.to_path().into_os_string() }
}

/// A word of a command line, quoted where a shell would not take it as it is.
pub(super) fn shell_word(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let is_plain = |c: char| c.is_alphanumeric() || "_./=:,@%+-".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.into_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// `1 file`, `2 files`.
pub(super) fn count(number: u64, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_spelt_out() {
        let name = OsStr::from_bytes(b"a\x1b[31m\n\xff\xc3\xa9\xe2\x80\xaegpj");
        assert_eq!(escape(name), "a\\x1b[31m\\x0a\\xffé\\u{202e}gpj");
        assert_eq!(escape(OsStr::new("Müller ✓ notes.md")), "Müller ✓ notes.md");
    }

    #[test]
    fn modes_read_as_ls_prints_them() {
        assert_eq!(mode('d', 0o755), "drwxr-xr-x");
        assert_eq!(mode('-', 0o4640), "-rwSr-----");
        assert_eq!(mode('d', 0o1777), "drwxrwxrwt");
    }

    #[test]
    fn times_beyond_the_calendar_do_not_panic() {
        let far = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1 << 50);
        assert_eq!(utc_time(far), "?");
        assert_eq!(utc_time(SystemTime::UNIX_EPOCH), "1970-01-01T00:00:00.000000000Z");
    }
}
