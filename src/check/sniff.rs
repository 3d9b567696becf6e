//! Guesses from the look of plaintext, for volumes without MACs: whether contents are what the name promises.
//!
//! A guess speaks up only where the extension names a format that shows itself, and what is there shows no format at
//! all. A picture that is a PNG and is called `.jpg` is whole, and no business of ours.

/// Extensions of formats that begin with something that `infer` knows.
const MAGIC: [&str; 33] = [
    "jpg", "jpeg", "png", "gif", "webp", "bmp", "tif", "tiff", "heic", "psd", "pdf", "zip", "docx", "xlsx",
    "pptx", "odt", "ods", "odp", "epub", "gz", "tgz", "bz2", "xz", "7z", "rar", "mp4", "m4a", "mov", "mkv",
    "webm", "flac", "doc", "xls",
];

/// Extensions of formats that end with something, and what that is.
const ENDS: [(&[&str], &[u8]); 3] = [
    (&["pdf"], b"%%EOF"),
    (&["png"], b"IEND\xae\x42\x60\x82"),
    (&["zip", "docx", "xlsx", "pptx", "odt", "ods", "odp", "epub"], b"PK\x05\x06"),
];

/// Extensions of text.
const TEXT: [&str; 40] = [
    "txt", "md", "markdown", "csv", "tsv", "json", "xml", "html", "htm", "css", "js", "py", "rs", "c", "h",
    "cpp", "hpp", "java", "go", "rb", "php", "pl", "sh", "bat", "yaml", "yml", "toml", "ini", "conf", "cfg",
    "tex", "rst", "opml", "svg", "sql", "srt", "ics", "vcf", "eml", "bib",
];

/// Bytes at the beginning that are looked at.
pub(super) const HEAD_LEN: usize = 4096;
/// Bytes at the end that are looked at: a zip ends in a comment of up to 64 KiB.
pub(super) const TAIL_LEN: usize = 66 * 1024;

/// Bytes that are judged together: as many as one damaged bit of ciphertext turns into noise.
const WINDOW: usize = 16;
/// Bytes of a window that no text has, from which on it is noise. Noise has eight on average.
const TOO_ODD: usize = 3;

/// What a name promises of the contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Promise {
    /// They begin in a certain way, and end with these bytes if any.
    Magic(Option<&'static [u8]>),
    /// They are text.
    Text,
}

/// What the extension of a name promises.
pub(super) fn promise(name: &[u8]) -> Option<Promise> {
    let extension = extension(name)?;
    let is = |list: &[&str]| list.contains(&extension.as_str());
    if is(&TEXT) {
        return Some(Promise::Text);
    }
    let end = ENDS.iter().find(|(extensions, _)| is(extensions)).map(|(_, end)| *end);
    is(&MAGIC).then_some(Promise::Magic(end))
}

fn extension(name: &[u8]) -> Option<String> {
    let at = name.iter().rposition(|&byte| byte == b'.').filter(|&at| at > 0)?;
    Some(std::str::from_utf8(&name[at + 1..]).ok()?.to_ascii_lowercase())
}

/// How the Office files of old begin, in all their kinds.
const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// Whether contents that begin like this show a format.
pub(super) fn shows_a_format(head: &[u8]) -> bool {
    infer::get(head).is_some() || head.starts_with(OLE) || is_text(head)
}

/// Extensions that stand for what `infer` calls otherwise.
const ALIKE: [(&str, &[&str]); 5] = [
    ("jpg", &["jpeg"]),
    ("tif", &["tiff"]),
    ("gz", &["tgz"]),
    ("zip", &["docx", "xlsx", "pptx", "odt", "ods", "odp", "epub"]),
    ("mp4", &["m4a", "mov", "m4v"]),
];

/// Whether contents that begin like this are of the very format that the name says. Two bytes, as BMP has them, are not
/// enough to tell.
pub(super) fn shows_its_format(name: &[u8], head: &[u8]) -> bool {
    let Some(found) = infer::get(head).map(|kind| kind.extension()) else { return false };
    let extension = extension(name).unwrap_or_default();
    let alike = |(of, others): &(&str, &[&str])| *of == found && others.contains(&extension.as_str());
    found != "bmp" && (found == extension || ALIKE.iter().any(alike))
}

/// Whether the end that goes with a format is there.
pub(super) fn has_end(tail: &[u8], end: &[u8]) -> bool {
    tail.windows(end.len()).any(|window| window == end)
}

fn is_text(head: &[u8]) -> bool {
    !head.is_empty() && Encoding::of(head).is_some_and(|encoding| !encoding.is_noise(head))
}

/// Whether a stretch of text is one beyond doubt: Unicode, without a byte that no text has. Letters may be cut at the ends.
pub(super) fn is_plain_text(stretch: &[u8]) -> bool {
    let cut = stretch.iter().take(3).take_while(|byte| **byte & 0xc0 == 0x80).count();
    let valid = match std::str::from_utf8(&stretch[cut..]) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    valid && !stretch.iter().any(|byte| matches!(byte, 0..=8 | 0x0b..=0x0c | 0x0e..=0x1f | 0x7f))
}

/// How text is encoded, as far as it matters for telling noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    /// One byte a letter, any but control characters.
    Bytes,
}

impl Encoding {
    /// The encoding of a text that begins like this; `None` for UTF-16 and UTF-32, which look like anything.
    pub(super) fn of(head: &[u8]) -> Option<Encoding> {
        if head.starts_with(b"\xff\xfe")
            || head.starts_with(b"\xfe\xff")
            || head.contains(&0) && looks_wide(head)
        {
            return None;
        }
        // of a text in UTF-8 with one damaged stretch, most is still valid
        let invalid: usize = head.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
        let high = head.iter().filter(|byte| !byte.is_ascii()).count();
        Some(if invalid * 2 <= high { Encoding::Utf8 } else { Encoding::Bytes })
    }

    /// Whether a stretch of text holds noise: a window of bytes with several that no text has.
    pub(super) fn is_noise(self, text: &[u8]) -> bool {
        let mut odd = vec![false; text.len()];
        for (byte, odd) in text.iter().zip(&mut odd) {
            *odd = matches!(byte, 0..=6 | 0x0e..=0x1a | 0x1c..=0x1f | 0x7f);
        }
        if self == Encoding::Utf8 {
            let mut at = 0;
            for chunk in text.utf8_chunks() {
                at += chunk.valid().len();
                let invalid = chunk.invalid().len();
                // a letter may be cut at either end of the stretch
                let cut =
                    at < 3 && text[..at].iter().all(|byte| byte & 0xc0 == 0x80) || at + invalid == text.len();
                odd[at..at + invalid].iter_mut().for_each(|odd| *odd |= !cut);
                at += invalid;
            }
        }
        odd.chunks(WINDOW).any(|window| window.iter().filter(|odd| **odd).count() >= TOO_ODD)
    }
}

/// Text in two or four bytes a letter has a zero in every second, or in most.
fn looks_wide(head: &[u8]) -> bool {
    let zeros = head.iter().filter(|byte| **byte == 0).count();
    zeros * 4 > head.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As random as it gets without a generator: what an AES block of a counter might be.
    fn noise(len: usize) -> Vec<u8> {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        (0..len).map(|_| next()).collect()
    }

    #[test]
    fn names_promise() {
        assert_eq!(promise(b"a.TXT"), Some(Promise::Text));
        assert_eq!(promise(b"a.b.pdf"), Some(Promise::Magic(Some(b"%%EOF"))));
        assert_eq!(promise(b"a.jpg"), Some(Promise::Magic(None)));
        for name in ["txt", ".txt", "a", "a.bin", "a.", "a.t\u{e9}xt"] {
            assert_eq!(promise(name.as_bytes()), None, "{name}");
        }
    }

    #[test]
    fn garbage_is_no_format_and_other_formats_are_fine() {
        assert!(!shows_a_format(&noise(4096)));
        assert!(shows_a_format(b"\x89PNG\r\n\x1a\n....IHDR"));
        assert!(shows_a_format(b"%PDF-1.7\n"));
        assert!(shows_a_format(b"just a few words"));
    }

    #[test]
    fn the_very_format_of_a_name() {
        let png = b"\x89PNG\r\n\x1a\n....IHDR";
        assert!(shows_its_format(b"a.png", png) && !shows_its_format(b"a.jpg", png));
        assert!(shows_its_format(b"a.JPEG", b"\xff\xd8\xff\xe0\0\x10JFIF\0"));
        assert!(!shows_its_format(b"a.bmp", b"BM..............") && !shows_its_format(b"a.png", &noise(64)));
    }

    #[test]
    fn sixteen_bytes_of_noise_show_in_text() {
        let text =
            "Eine längere Notiz, in der auch Größen vorkommen, damit es nicht nur ASCII ist. ".repeat(20);
        let encoding = Encoding::of(text.as_bytes()).expect("no wide text");
        assert_eq!(encoding, Encoding::Utf8);
        assert!(!encoding.is_noise(text.as_bytes()));
        let noise = noise(16 * 64);
        let found = noise.chunks(16).filter(|noise| {
            let mut text = text.clone().into_bytes();
            text[160..176].copy_from_slice(noise);
            encoding.is_noise(&text)
        });
        assert!(found.count() > 60, "of 64");
    }

    #[test]
    fn letters_cut_at_the_edges_and_old_encodings_are_no_noise() {
        let text = "ü".repeat(100).into_bytes();
        let encoding = Encoding::of(&text).expect("no wide text");
        assert!(!encoding.is_noise(&text[1..199]));
        let latin1: Vec<u8> = b"Gr\xf6\xdfe und \xc4nderung, ".repeat(50);
        let encoding = Encoding::of(&latin1).expect("no wide text");
        assert_eq!(encoding, Encoding::Bytes);
        assert!(!encoding.is_noise(&latin1));
        assert_eq!(Encoding::of(b"\xff\xfea\0b\0"), None);
    }
}
