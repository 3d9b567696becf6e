//! Bytes to text, in whatever encoding they are.
//!
//! In this order: a byte order mark; UTF-16 without a mark, known by its zeros; ISO-2022-JP, known by what it switches
//! with; UTF-8, which hardly anything else passes for; what the format declares; and what the frequency of letters
//! suggests. Bytes that would make a mess on a screen are no text.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE};

/// Bytes that are enough to guess an encoding by.
const GUESSED_BY: usize = 64 * 1024;
/// One control character in so many is too much for text.
const CONTROLS_ONE_IN: usize = 50;

/// Text, and the encoding that it was in.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) text: String,
    /// As WHATWG calls it: `UTF-8`, `windows-1252`.
    pub(super) encoding: &'static str,
}

/// Decodes text; `None` if this is not text. The end may be cut within a character.
pub(super) fn decode(bytes: &[u8]) -> Option<Decoded> {
    decode_declared(bytes, None)
}

/// The same, with the encoding that the format has declared.
pub(super) fn decode_declared(bytes: &[u8], declared: Option<&str>) -> Option<Decoded> {
    let encoding = encoding_of(bytes, declared)?;
    let (text, _) = encoding.decode_with_bom_removal(whole_characters(bytes, encoding));
    // mojibake in a file of the wrong encoding is still worth reading; what never was text is not
    let (mut odd, mut all) = (0, 0);
    for c in text.chars().take(GUESSED_BY) {
        all += 1;
        odd += usize::from(is_odd(c));
    }
    (odd * CONTROLS_ONE_IN <= all).then(|| Decoded { text: text.into_owned(), encoding: encoding.name() })
}

/// Whether the bytes are text.
pub(super) fn is_text(head: &[u8]) -> bool {
    decode(&head[..head.len().min(4096)]).is_some()
}

fn encoding_of(bytes: &[u8], declared: Option<&str>) -> Option<&'static Encoding> {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return Some(encoding);
    }
    if let Some(encoding) = utf_16(bytes) {
        return Some(encoding);
    }
    if bytes.contains(&0) {
        return None;
    }
    // seven bits, so that it would be UTF-8 as well
    if is_iso_2022_jp(bytes) {
        return Some(ISO_2022_JP);
    }
    if is_utf_8(bytes) {
        return Some(UTF_8);
    }
    let declared = declared.and_then(|label| Encoding::for_label(label.as_bytes()));
    // what says UTF-16 and has no zeros is not
    if let Some(encoding) = declared.filter(|encoding| ![UTF_8, UTF_16LE, UTF_16BE].contains(encoding)) {
        return Some(encoding);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(&bytes[..bytes.len().min(GUESSED_BY)], true);
    Some(detector.guess(None, Utf8Detection::Allow))
}

/// UTF-8 whose last character may be cut, and in which a stray byte in a thousand is forgiven.
fn is_utf_8(bytes: &[u8]) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) if error.error_len().is_none() => true,
        Err(_) => {
            let bad: usize = bytes.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
            let good = bytes.utf8_chunks().filter(|chunk| !chunk.valid().is_ascii()).count();
            bad * 1000 <= bytes.len() && good > bad
        }
    }
}

/// Japanese mail of old: switches between ASCII and pairs of seven bits, and is in order. The end may be cut.
fn is_iso_2022_jp(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(GUESSED_BY)];
    let switches = |window: &[u8]| window == b"\x1b$B" || window == b"\x1b$@";
    head.is_ascii()
        && head.windows(3).any(switches)
        && ISO_2022_JP.decode_without_bom_handling(head).0.matches('\u{fffd}').count() <= 1
}

/// UTF-16 without a mark: mostly Latin letters, so that every other byte is zero, always on the same side.
fn utf_16(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(1024)];
    if head.len() < 4 {
        return None;
    }
    let zeros = |side: usize| head.iter().skip(side).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, half) = (zeros(0), zeros(1), head.len() / 2);
    if even == 0 && odd * 2 > half {
        Some(UTF_16LE)
    } else if odd == 0 && even * 2 > half {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// Without a character that the end has cut.
fn whole_characters<'a>(bytes: &'a [u8], encoding: &'static Encoding) -> &'a [u8] {
    if encoding == UTF_8 {
        if let Err(error) = std::str::from_utf8(bytes) {
            let cut = error.error_len().is_none();
            return if cut { &bytes[..error.valid_up_to()] } else { bytes };
        }
    } else if encoding == ISO_2022_JP {
        let is_cut = encoding.decode_without_bom_handling(bytes).0.ends_with('\u{fffd}');
        return &bytes[..bytes.len() - usize::from(is_cut)];
    } else if encoding == UTF_16LE || encoding == UTF_16BE {
        return &bytes[..bytes.len() / 2 * 2];
    }
    bytes
}

/// Control characters that no text has, and what stands for bytes that do not decode.
fn is_odd(c: char) -> bool {
    matches!(c, '\0'..='\x08' | '\x0e'..='\x1a' | '\x1c'..='\x1f' | '\x7f'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffd}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> (String, &'static str) {
        let Decoded { text, encoding } = decode(bytes).expect("it is text");
        (text, encoding)
    }

    #[test]
    fn the_usual_encodings() {
        assert_eq!(decoded("plain".as_bytes()), ("plain".into(), "UTF-8"));
        assert_eq!(decoded("\u{feff}möglich".as_bytes()), ("möglich".into(), "UTF-8"));
        let little: Vec<u8> = "Grüße\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decoded(&little), ("Grüße\n".into(), "UTF-16LE"));
        let big: Vec<u8> = "\u{feff}Grüße".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decoded(&big), ("Grüße".into(), "UTF-16BE"));
        let latin = b"Die gr\xfc\xdfte M\xfche war f\xfcr die K\xfcche n\xf6tig";
        assert_eq!(decoded(latin).0, "Die grüßte Mühe war für die Küche nötig");
        let (japanese, ..) = encoding_rs::SHIFT_JIS.encode("これは日本語の文章です。とても短いです。");
        assert_eq!(decoded(&japanese), ("これは日本語の文章です。とても短いです。".into(), "Shift_JIS"));
        let mail = b"Subject: \x1b$BF|K\\8l\x1b(B and more";
        assert_eq!(decoded(mail), ("Subject: 日本語 and more".into(), "ISO-2022-JP"));
        assert_eq!(decoded(&mail[..15]), ("Subject: 日".into(), "ISO-2022-JP"), "cut within a character");
        assert_eq!(decoded(b"\x1b[31mred\x1b[0m $B").1, "UTF-8", "colours of a terminal switch nothing");
        let (russian, ..) =
            encoding_rs::KOI8_R.encode("Это простой текст на русском языке, в старой кодировке.");
        assert_eq!(decoded(&russian).1, "KOI8-U", "a superset of KOI8-R");
    }

    #[test]
    fn a_cut_character_at_the_end_is_left_out() {
        assert_eq!(decoded(&"aü".as_bytes()[..2]).0, "a");
    }

    #[test]
    fn other_bytes_are_no_text() {
        let noise: Vec<u8> = (0..2000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        assert!(decode(&noise).is_none());
        assert!(decode(b"\x7fELF\x02\x01\x01\0\0\0\0").is_none());
        let without_zeros: Vec<u8> = noise.iter().map(|byte| byte.max(&1)).copied().collect();
        assert!(decode(&without_zeros).is_none());
    }
}
