//! Conflicted copies: names that a sync client made by adding a mark of its own to a ciphertext name.
//!
//! ```text
//! q3T,x7YbK (laptop's conflicted copy 2026-11-22)      Dropbox, in any language; Nextcloud
//! q3T,x7YbK(1)    q3T,x7YbK.sync-conflict-20261122-101500-ABCDEFG    q3T,x7YbK-LAPTOP
//! ```
//!
//! No alphabet of names holds a blank, a dot or a bracket: what comes before the first such character is the name,
//! the rest is the mark. OneDrive's mark is letters of the alphabet behind a dash; there the checksum of the name
//! decides, which takes one foreign name in 65,536 for a copy. A mark is text that somebody else chose: it is shown
//! with what could deceive the eye spelled out, as `report (laptop's conflicted copy 2026-11-22).md`.

use super::{Error, IvChain, NameCodec};
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write as _;

/// Bytes of a name that a directory can be asked for (`NAME_MAX`).
const SHOWN_MAX: usize = 255;

/// Folder settings of other systems; never copies, whatever they happen to decode to.
const FOREIGN: [&str; 3] = ["desktop.ini", "thumbs.db", "ehthumbs.db"];

/// The name of an entry: a name of the volume, and the mark if it is a conflicted copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryName {
    plain: Vec<u8>,
    mark: Option<Mark>,
}

/// What a sync client added to a name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    /// As it stands on disk, behind the ciphertext name.
    on_disk: Vec<u8>,
    /// The whole name as it is shown.
    shown: Vec<u8>,
}

impl EntryName {
    /// A name of the volume without a mark.
    pub fn unmarked(plain: &[u8]) -> EntryName {
        EntryName { plain: plain.to_vec(), mark: None }
    }

    fn marked(plain: Vec<u8>, on_disk: &[u8]) -> EntryName {
        let shown = shown(&plain, &text_of(on_disk));
        EntryName { plain, mark: Some(Mark { on_disk: on_disk.to_vec(), shown }) }
    }

    /// The name that programs see and ask for.
    pub fn shown(&self) -> &[u8] {
        self.mark.as_ref().map_or(&self.plain, |mark| &mark.shown)
    }

    /// The name of the file that this is a copy of; `None` if it is no copy.
    pub fn copy_of(&self) -> Option<&[u8]> {
        self.mark.as_ref().map(|_| self.plain.as_slice())
    }

    /// Gives a copy a name that none of `taken` has, by a number behind the mark.
    pub fn set_apart(&mut self, taken: &HashSet<Vec<u8>>) {
        let Some(mark) = &mut self.mark else { return };
        let text = text_of(&mark.on_disk);
        let mut number = 2;
        while taken.contains(&mark.shown) {
            mark.shown = shown(&self.plain, &format!("{text}, {number}"));
            number += 1;
        }
    }
}

impl NameCodec {
    /// Decodes the name of an entry on disk, which may be a conflicted copy. The chain is that of the name without
    /// its mark.
    pub fn decode_entry(&self, coded: &[u8], chain: IvChain) -> Result<(EntryName, IvChain), Error> {
        match self.decode_name(coded, chain) {
            Ok((plain, below)) => Ok((EntryName { plain, mark: None }, below)),
            Err(error) => self.split_mark(coded, chain).ok_or(error),
        }
    }

    /// Encodes the name of an entry, mark and all: the inverse of [`NameCodec::decode_entry`].
    pub fn encode_entry(&self, name: &EntryName, chain: IvChain) -> Result<(Vec<u8>, IvChain), Error> {
        let (mut coded, below) = self.encode_name(&name.plain, chain)?;
        coded.extend_from_slice(name.mark.as_ref().map_or(&[], |mark| &mark.on_disk));
        Ok((coded, below))
    }

    fn split_mark(&self, coded: &[u8], chain: IvChain) -> Option<(EntryName, IvChain)> {
        let is_foreign = |name: &&str| coded.eq_ignore_ascii_case(name.as_bytes());
        if coded.first() == Some(&b'.') || FOREIGN.iter().any(is_foreign) {
            return None;
        }
        let letters = coded.iter().take_while(|&&byte| self.coding.has_letter(byte)).count();
        let dashes = coded[..letters].iter().enumerate().rev().filter(|(_, byte)| **byte == b'-');
        let cuts = std::iter::once(letters).chain(dashes.map(|(at, _)| at));
        cuts.filter(|&cut| 0 < cut && cut < coded.len()).find_map(|cut| {
            let (name, mark) = coded.split_at(cut);
            let (plain, below) = self.decode_name(name, chain).ok()?;
            Some((EntryName::marked(plain, mark), below))
        })
    }
}

/// Whether a name could be that of a conflicted copy as it is shown.
pub fn could_be_marked(shown: &[u8]) -> bool {
    let (base, _) = split_extension(shown);
    (shown.ends_with(b")") || base.ends_with(b")")) && shown.windows(2).any(|pair| pair == b" (")
}

/// The name that a conflicted copy made here gets, as Dropbox would call it: the `number`-th of this day, from 0.
/// Encoded whole, so that every program that reads the volume shows it. At most `max_len` bytes, of which the start of
/// the name gives way.
pub fn name_for_copy(plain: &[u8], host: &str, date: &str, number: u32, max_len: usize) -> Vec<u8> {
    let again = if number > 0 { format!(" ({number})") } else { String::new() };
    // a host may be called anything, too
    let mark = format!(" ({}'s conflicted copy {date}){again}", text_of(host.as_bytes()));
    between(plain, &mark, max_len)
}

/// A text between name and extension.
fn between(plain: &[u8], text: &str, max_len: usize) -> Vec<u8> {
    let (base, extension) = split_extension(plain);
    let room = max_len.saturating_sub(text.len() + extension.len()).max(1);
    let mut end = base.len().min(room);
    while end > 1 && base.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) {
        end -= 1; // not within a letter
    }
    [&base[..end], text.as_bytes(), extension].concat()
}

/// A name with a number behind it, before the extension: `report 2.md`. At most `max_len` bytes, of which the start of
/// the name gives way.
pub fn numbered(plain: &[u8], number: u32, max_len: usize) -> Vec<u8> {
    between(plain, &format!(" {number}"), max_len)
}

/// The mark between name and extension, cut where the whole would be too long.
fn shown(plain: &[u8], text: &str) -> Vec<u8> {
    let (base, extension) = split_extension(plain);
    let room = SHOWN_MAX.saturating_sub(plain.len() + " ()".len());
    let text = match text.len() <= room {
        true => Cow::Borrowed(text),
        false => {
            // the end tells copies apart: a date, a number
            let cut = (text.len() + "…".len()).saturating_sub(room);
            let from = (cut..=text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
            Cow::Owned(format!("…{}", &text[from..]))
        }
    };
    [base, b" (", text.as_bytes(), b")", extension].concat()
}

/// Name and extension; a dot in front makes no extension.
pub(super) fn split_extension(name: &[u8]) -> (&[u8], &[u8]) {
    match name.iter().rposition(|&byte| byte == b'.') {
        Some(at) if at > 0 => name.split_at(at),
        _ => (name, &[]),
    }
}

/// A mark as text, without what brackets or separates it. Whatever is no text, or does not show as what it is, is
/// spelled out as `%` and two hexadecimal digits a byte.
fn text_of(mark: &[u8]) -> String {
    let mut text = String::new();
    for chunk in mark.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if deceives(letter) {
                spell_out(&mut text, letter.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                text.push(letter);
            }
        }
        spell_out(&mut text, chunk.invalid());
    }
    let trimmed = text.trim();
    let inner = trimmed.strip_prefix('(').and_then(|inner| inner.strip_suffix(')'));
    let bare = inner.unwrap_or_else(|| trimmed.trim_start_matches(['.', '-', '_', '~', ' ']));
    if bare.is_empty() { "copy".to_owned() } else { bare.to_owned() }
}

fn spell_out(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        write!(text, "%{byte:02X}").expect("a string takes what is written");
    }
}

/// Control characters, and those that change the direction of a line or do not show at all.
fn deceives(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '/' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::AlgorithmId;
    use crate::crypto::test_keys::{spec, volume_key};
    use proptest::prelude::*;

    const CODINGS: [(&str, u32); 3] = [("nameio/block", 4), ("nameio/block32", 4), ("nameio/stream", 2)];

    fn codec((name, major): (&str, u32), chained: bool) -> NameCodec {
        let cipher = spec().open(&volume_key()).expect("it fits");
        NameCodec::new(&AlgorithmId::new(name, major, 0), &cipher, chained, 255).expect("exists")
    }

    /// How `plain` is shown once a sync client has added `mark`, after a way through every coding and back.
    fn marked(plain: &str, mark: &[u8]) -> String {
        let mut seen = HashSet::new();
        for (coding, chained) in CODINGS.into_iter().flat_map(|coding| [(coding, true), (coding, false)]) {
            let codec = codec(coding, chained);
            let chain = codec.root_chain();
            let (coded, below) = codec.encode_name(plain.as_bytes(), chain).expect("possible");
            let on_disk = [&coded[..], mark].concat();
            let (name, marked_below) = codec.decode_entry(&on_disk, chain).expect("a copy");
            assert_eq!(name.copy_of(), Some(plain.as_bytes()), "{coding:?}");
            assert_eq!(marked_below, below, "what is below depends on the name alone");
            assert_eq!(codec.encode_entry(&name, chain), Ok((on_disk, below)));
            assert!(could_be_marked(name.shown()), "{name:?}");
            seen.insert(String::from_utf8(name.shown().to_vec()).expect("text"));
        }
        assert_eq!(seen.len(), 1, "every coding shows it the same");
        seen.into_iter().next().expect("one")
    }

    #[test]
    fn marks_of_sync_clients() {
        for (mark, expected) in [
            (" (ann's conflicted copy 2026-11-22)", "report (ann's conflicted copy 2026-11-22).md"),
            (" (ann's conflicted copy 2026-11-22) (1)", "report (ann's conflicted copy 2026-11-22) (1).md"),
            (
                " (anns i konflikt stående kopia 2026-11-22)",
                "report (anns i konflikt stående kopia 2026-11-22).md",
            ),
            (" (Case Conflict)", "report (Case Conflict).md"),
            (" (Unicode Encoding Conflict 1)", "report (Unicode Encoding Conflict 1).md"),
            (" (conflicted copy 2026-11-22 101500)", "report (conflicted copy 2026-11-22 101500).md"),
            ("(1)", "report (1).md"),
            (" (1)", "report (1).md"),
            ("_conf(1)", "report (conf(1)).md"),
            (".sync-conflict-20261122-101500-ABCDEFG", "report (sync-conflict-20261122-101500-ABCDEFG).md"),
            ("-LAPTOP-7", "report (LAPTOP-7).md"),
            (" ", "report (copy).md"),
        ] {
            assert_eq!(marked("report.md", mark.as_bytes()), expected, "{mark}");
        }
    }

    #[test]
    fn a_mark_stands_before_the_extension_if_there_is_one() {
        for (plain, expected) in [
            ("a.tar.gz", "a.tar (1).gz"),
            ("README", "README (1)"),
            (".profile", ".profile (1)"),
            ("a.", "a (1)."),
        ] {
            assert_eq!(marked(plain, b"(1)"), expected);
        }
    }

    #[test]
    fn a_mark_cannot_deceive() {
        assert_eq!(marked("a.md", b" (\x1b[2J..\n\xff)"), "a (%1B[2J..%0A%FF).md");
        assert_eq!(marked("a.md", " (\u{202e}dm.exe)".as_bytes()), "a (%E2%80%AEdm.exe).md");
    }

    #[test]
    fn what_is_shown_is_never_longer_than_a_name_may_be() {
        let mark = format!(" ({} 2026-11-22)", "ü".repeat(90));
        let shown = marked(&format!("{}.md", "n".repeat(130)), mark.as_bytes());
        assert!(shown.len() <= SHOWN_MAX && shown.ends_with(" 2026-11-22).md"), "{shown}");
    }

    #[test]
    fn copies_that_would_look_alike_are_numbered() {
        let mut name = EntryName::marked(b"a.md".to_vec(), b" (1)");
        name.set_apart(&HashSet::from([b"a (1).md".to_vec(), b"a (1, 2).md".to_vec()]));
        assert_eq!(name.shown(), b"a (1, 3).md");
        assert!(could_be_marked(name.shown()));
        let mut unmarked = EntryName::unmarked(b"a");
        unmarked.set_apart(&HashSet::from([b"a".to_vec()]));
        assert_eq!(unmarked.shown(), b"a");
    }

    #[test]
    fn copies_made_here_are_called_as_dropbox_would() {
        let name = |plain: &str, number, max_len| {
            let name = name_for_copy(plain.as_bytes(), "laptop", "2026-11-22", number, max_len);
            String::from_utf8(name).expect("text")
        };
        assert_eq!(name("report.md", 0, 143), "report (laptop's conflicted copy 2026-11-22).md");
        assert_eq!(name("README", 2, 143), "README (laptop's conflicted copy 2026-11-22) (2)");
        let long = name(&format!("{}.md", "ü".repeat(60)), 0, 143);
        assert!(long.len() <= 143 && long.ends_with("ü (laptop's conflicted copy 2026-11-22).md"), "{long}");
    }

    #[test]
    fn files_of_other_programs_are_no_copies() {
        for (coding, name) in CODINGS.into_iter().flat_map(|coding| {
            [
                ".DS_Store",
                "._report",
                "desktop.ini",
                "Desktop.ini",
                ".dropbox",
                ".dropbox.cache",
                "Thumbs.db",
                "-",
                "Icon\r",
            ]
            .map(|name| (coding, name))
        }) {
            let codec = codec(coding, true);
            assert!(codec.decode_entry(name.as_bytes(), codec.root_chain()).is_err(), "{coding:?} {name}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_decoding_panic(coded: Vec<u8>, mark: Vec<u8>, plain in "[^/\0]{1,60}") {
            prop_assume!(plain != "." && plain != "..");
            for coding in CODINGS {
                let codec = codec(coding, true);
                let chain = codec.root_chain();
                let _ = codec.decode_entry(&coded, chain);
                let Ok((name, _)) = codec.encode_name(plain.as_bytes(), chain) else { continue };
                let on_disk = [&name[..], &mark].concat();
                let Ok((entry, below)) = codec.decode_entry(&on_disk, chain) else { continue };
                prop_assert!(entry.shown().len() <= SHOWN_MAX.max(plain.len() + 10));
                prop_assert!(!entry.shown().contains(&b'/'));
                if !codec.ignores_case() {
                    prop_assert_eq!(codec.encode_entry(&entry, chain), Ok((on_disk, below)));
                }
            }
        }
    }
}
