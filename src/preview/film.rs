//! How long and how large a film is, and what it calls itself, from the heads of its container: MP4 and QuickTime
//! (ISO/IEC 14496-12), Matroska and WebM (RFC 9559), AVI.
//!
//! Each is boxes within boxes: a name, a length, contents. They are walked without going deeper than needed.

use super::media::clock;
use super::model::Draft;
use std::time::Duration;

/// Boxes of one file that are looked at; those of a film come early, or are few.
const BOXES: usize = 10_000;
/// Bytes of a title or a name.
const WORDS_LEN: usize = 500;
/// Longer than this is a mistake.
const MAX_SECONDS: f64 = 1e6;

pub(super) fn facts(bytes: &[u8], draft: &mut Draft) {
    let mut found = Found::default();
    if bytes.starts_with(b"\x1a\x45\xdf\xa3") {
        matroska(bytes, &mut found);
    } else if bytes.starts_with(b"RIFF") {
        avi(bytes, &mut found);
    } else {
        mp4(bytes, &mut found);
    }
    if let Some((width, height)) = found.size.filter(|(width, height)| *width > 0 && *height > 0) {
        draft.fact("size", format!("{width} × {height}"));
    }
    if let Some(seconds) = found.seconds.filter(|seconds| (0.0..MAX_SECONDS).contains(seconds)) {
        draft.fact("length", clock(Duration::from_secs_f64(seconds)));
    }
    draft.title = found.title;
    draft.fact("author", found.author.unwrap_or_default());
}

#[derive(Default)]
struct Found {
    size: Option<(u64, u64)>,
    seconds: Option<f64>,
    title: Option<String>,
    author: Option<String>,
}

/// A number of up to eight bytes.
fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

fn little_endian(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?)))
}

fn mp4(bytes: &[u8], found: &mut Found) {
    let mut left = BOXES;
    mp4_boxes(bytes, 0, &mut left, found);
}

/// Each box: four bytes of length, of which 1 means eight more after the name and 0 the rest; four of name.
fn mp4_boxes(mut bytes: &[u8], depth: usize, left: &mut usize, found: &mut Found) {
    while bytes.len() >= 8 && *left > 0 {
        *left -= 1;
        let (len, head) = match big_endian(&bytes[..4]) {
            0 => (bytes.len() as u64, 8),
            1 if bytes.len() >= 16 => (big_endian(&bytes[8..16]), 16),
            len => (len, 8),
        };
        let end = usize::try_from(len).unwrap_or(usize::MAX).min(bytes.len());
        if end < head {
            return;
        }
        let (name, inside) = (&bytes[4..8], &bytes[head..end]);
        match name {
            b"moov" | b"trak" | b"udta" if depth < 2 => mp4_boxes(inside, depth + 1, left, found),
            b"mvhd" => {
                let (scale, duration) = match inside.first() {
                    Some(1) => (inside.get(20..24), inside.get(24..32)),
                    _ => (inside.get(12..16), inside.get(16..20)),
                };
                if let (Some(scale), Some(duration)) = (scale, duration) {
                    let scale = big_endian(scale).max(1);
                    found.seconds = Some(big_endian(duration) as f64 / scale as f64);
                }
            }
            // QuickTime's own: a length and a language of two bytes each
            b"\xa9nam" => found.title = quicktime_words(inside).or(found.title.take()),
            b"\xa9ART" => found.author = quicktime_words(inside).or(found.author.take()),
            // the last eight bytes: width and height in 16.16
            b"tkhd" if inside.len() >= 84 => {
                let at = inside.len() - 8;
                let size = (big_endian(&inside[at..at + 2]), big_endian(&inside[at + 4..at + 6]));
                found.size = found.size.max(Some(size));
            }
            _ => {}
        }
        bytes = &bytes[end..];
    }
}

fn quicktime_words(inside: &[u8]) -> Option<String> {
    let len = big_endian(inside.get(..2)?) as usize;
    inside.get(4..4 + len).map(words)
}

/// The beginning of a text, without the zeros at its end.
fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(WORDS_LEN)]).trim_end_matches('\0').to_owned()
}

/// What is said on the way: nanoseconds of a unit of time, the length in units, the name of the tag that is open.
struct Matroska {
    unit: f64,
    duration: Option<f64>,
    tag: String,
}

fn matroska(bytes: &[u8], found: &mut Found) {
    let mut left = BOXES;
    let mut said = Matroska { unit: 1_000_000.0, duration: None, tag: String::new() };
    elements(bytes, 0, &mut left, found, &mut said);
    found.seconds = said.duration.map(|duration| duration * said.unit / 1e9);
}

/// Each element: an identifier and a length, both numbers that tell their own length by their first bits.
fn elements(mut bytes: &[u8], depth: usize, left: &mut usize, found: &mut Found, said: &mut Matroska) {
    while *left > 0 {
        *left -= 1;
        let Some((id, after)) = vint(bytes, false) else { return };
        let Some((len, after)) = vint(after, true) else { return };
        // all bits set: not known when it was written, so it is the rest
        let len = len.and_then(|len| usize::try_from(len).ok()).unwrap_or(usize::MAX).min(after.len());
        let (inside, rest) = after.split_at(len);
        match id {
            // segment, information, tracks, one track, its picture; tags, one of them
            Some(0x1853_8067 | 0x1549_a966 | 0x1654_ae6b | 0xae | 0xe0 | 0x1254_c367) if depth < 5 => {
                elements(inside, depth + 1, left, found, said);
            }
            // tags of one track say who wrote the program
            Some(0x7373) if depth < 5 && !is_of_one_track(inside) => {
                elements(inside, depth + 1, left, found, said);
            }
            Some(0x67c8) if depth < 5 => {
                said.tag.clear();
                elements(inside, depth + 1, left, found, said);
            }
            Some(0x45a3) => said.tag = words(inside).to_ascii_uppercase(),
            Some(0x4487) if matches!(said.tag.as_str(), "ARTIST" | "DIRECTOR") => {
                found.author.get_or_insert_with(|| words(inside));
            }
            Some(0x2a_d7b1) => said.unit = big_endian(inside) as f64,
            Some(0x4489) => {
                said.duration = match inside.len() {
                    4 => Some(f64::from(f32::from_bits(big_endian(inside) as u32))),
                    8 => Some(f64::from_bits(big_endian(inside))),
                    _ => None,
                };
            }
            Some(0x7ba9) => found.title = Some(words(inside)),
            Some(0xb0) => found.size = Some((big_endian(inside), found.size.map_or(0, |(_, height)| height))),
            Some(0xba) => found.size = Some((found.size.map_or(0, |(width, _)| width), big_endian(inside))),
            _ => {}
        }
        bytes = rest;
    }
}

/// Whether a tag begins with targets, and these with the number of a track: `63c0`, a length of one byte, `63c5`.
fn is_of_one_track(tag: &[u8]) -> bool {
    tag.starts_with(b"\x63\xc0") && tag.get(3..5) == Some(b"\x63\xc5")
}

/// A number whose first set bit tells how many bytes it has; of a length (`is_len`) that bit is no part. `None` in it
/// when a length is not known.
fn vint(bytes: &[u8], is_len: bool) -> Option<(Option<u64>, &[u8])> {
    let first = *bytes.first()?;
    let len = first.leading_zeros() as usize + 1;
    if len > 8 || bytes.len() < len {
        return None;
    }
    let (number, rest) = bytes.split_at(len);
    let value = big_endian(number);
    let mask = (1u64 << (7 * len)) - 1;
    let value = match is_len {
        true if value & mask == mask => None,
        true => Some(value & mask),
        false => Some(value),
    };
    Some((value, rest))
}

/// `RIFF`: four bytes of name, four of length, low byte first, contents; `LIST` holds a name and more of them.
fn avi(bytes: &[u8], found: &mut Found) {
    let mut left = BOXES;
    avi_chunks(bytes.get(12..).unwrap_or_default(), 0, &mut left, found);
}

fn avi_chunks(mut bytes: &[u8], depth: usize, left: &mut usize, found: &mut Found) {
    while bytes.len() >= 8 && *left > 0 {
        *left -= 1;
        let len = little_endian(bytes, 4).and_then(|len| usize::try_from(len).ok()).unwrap_or(0);
        let end = len.saturating_add(8).min(bytes.len());
        let (name, inside) = (&bytes[..4], &bytes[8..end]);
        match name {
            b"LIST" if depth < 2 && (inside.starts_with(b"hdrl") || inside.starts_with(b"INFO")) => {
                avi_chunks(&inside[4..], depth + 1, left, found);
            }
            b"avih" => {
                if let (Some(time), Some(frames)) = (little_endian(inside, 0), little_endian(inside, 16)) {
                    found.seconds = Some(time as f64 * frames as f64 / 1e6);
                }
                found.size = little_endian(inside, 32).zip(little_endian(inside, 36));
            }
            b"INAM" => found.title = Some(words(inside)),
            b"IART" => found.author = Some(words(inside)),
            _ => {}
        }
        // contents of odd length are followed by one byte of nothing
        bytes = bytes.get(end + (len & 1)..).unwrap_or_default();
    }
}
