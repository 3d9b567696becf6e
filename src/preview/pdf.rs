//! PDF: the words of the first pages, in the order in which the file draws them.
//!
//! lopdf reads the structure, decrypts what has no password, and knows the encodings of fonts. It keeps all objects in
//! memory, and bounds each packed stream by itself; the sum is bounded here, before it begins.

use super::kind::Type;
use super::limits::Limits;
use super::model::{Body, Draft};
use super::safe::Bounded;
use super::source::Source;
use flate2::read::ZlibDecoder;
use lopdf::content::Content;
use lopdf::{Dictionary, Document, Encoding, LoadOptions, Object, decode_text_string};
use std::collections::BTreeMap;
use std::io::{self, Read};

/// Longer files are not opened: all of one is in memory twice.
const FILE_LEN: usize = 24 * 1024 * 1024;
/// Bytes of packed objects and references in all, of which every one becomes several dozen in memory.
const OBJECTS_LEN: u64 = 4 * 1024 * 1024;
/// Objects that lie open in the file; in memory each takes a thousand bytes.
const OBJECTS: usize = 100_000;
/// Streams that have to be unpacked to know how large those are.
const OBJECT_STREAMS: usize = 20_000;
/// Bytes of drawing instructions of one page, and of the tables of one font.
const PAGE_LEN: usize = 1024 * 1024;
const FONT_LEN: usize = 256 * 1024;
const PAGES: usize = 20;
const FONTS: usize = 32;
/// Instructions of all pages.
const OPERATIONS: usize = 300_000;

pub(super) fn preview(source: &Source<'_>, _: &Type, limits: &Limits) -> Option<Draft> {
    let mut draft = Draft { body: Some(Body::Original), partial: true, ..Draft::default() };
    if source.bytes.len() > FILE_LEN || !source.is_whole() || !is_bounded(source.bytes) {
        return Some(draft);
    }
    let options = LoadOptions {
        max_decompressed_size: usize::try_from(OBJECTS_LEN).ok(),
        filter: Some(without_pictures),
        ..LoadOptions::default()
    };
    let Ok(document) = Document::load_mem_with_options(source.bytes, options) else { return Some(draft) };
    let pages = document.get_pages();
    let info = document.trailer.get(b"Info").ok().and_then(|info| dictionary(&document, info));
    let info = |key: &[u8]| {
        let value = document.dereference(info?.get(key).ok()?).ok()?.1;
        decode_text_string(value).ok().filter(|value| !value.trim().is_empty())
    };
    draft.title = info(b"Title");
    draft.fact("author", info(b"Author").unwrap_or_default());
    draft.fact("subject", info(b"Subject").unwrap_or_default());
    draft.fact("keywords", info(b"Keywords").unwrap_or_default());
    if document.is_encrypted() {
        draft.fact("protected", "by a password");
        return Some(draft);
    }
    draft.fact("pages", pages.len().to_string());
    let mut words = Bounded::new(limits.text_len);
    let mut operations = OPERATIONS;
    for page in pages.values().take(PAGES) {
        if words.is_full() || operations == 0 {
            break;
        }
        // a page that makes no sense is left out
        page_words(&document, *page, &mut words, &mut operations);
        words.new_line();
    }
    let (text, full) = words.end();
    draft.partial = full || pages.len() > PAGES || operations == 0;
    draft.text = text;
    Some(draft)
}

/// Pictures are most of many files, and say nothing here. What is returned is kept of packed objects only, which are
/// no streams; of others the object itself is.
fn without_pictures(id: (u32, u16), object: &mut Object) -> Option<((u32, u16), Object)> {
    match object {
        Object::Stream(stream) => {
            let is_picture =
                stream.dict.get(b"Subtype").and_then(Object::as_name).is_ok_and(|name| name == b"Image");
            (!is_picture).then_some((id, Object::Null))
        }
        object => Some((id, object.clone())),
    }
}

/// Whether all that lopdf unpacks on opening is small enough together: streams of objects and of references. A `#`
/// may hide what a stream is.
fn is_bounded(bytes: &[u8]) -> bool {
    if positions(bytes, b"obj").filter(|at| !bytes[..*at].ends_with(b"end")).count() > OBJECTS {
        return false;
    }
    let mut left = OBJECTS_LEN;
    let mut streams_left = OBJECT_STREAMS;
    let mut after_last = 0;
    for at in positions(bytes, b"stream") {
        if bytes[..at].ends_with(b"end") {
            after_last = at;
            continue;
        }
        let head = &bytes[after_last..at];
        after_last = at;
        let hidden = head.contains(&b'#');
        if !hidden && !has(head, b"ObjStm") && !has(head, b"XRef") {
            continue;
        }
        match streams_left.checked_sub(1) {
            Some(fewer) => streams_left = fewer,
            None => return false,
        }
        let data = bytes[at + b"stream".len()..].trim_ascii_start();
        let unpacked = io::copy(&mut ZlibDecoder::new(data).take(left + 1), &mut io::sink()).unwrap_or(0);
        // of damaged data the beginning may still be taken
        let unpacked = if unpacked == 0 { count(data, left + 1) } else { unpacked };
        if unpacked > left {
            return false;
        }
        left -= unpacked;
    }
    true
}

/// Bytes that come out before the data are found to be damaged.
fn count(data: &[u8], max: u64) -> u64 {
    let mut reader = ZlibDecoder::new(data).take(max);
    let mut buffer = [0; 4096];
    let mut sum = 0;
    while let Ok(len @ 1..) = reader.read(&mut buffer) {
        sum += len as u64;
    }
    sum
}

fn positions<'a>(bytes: &'a [u8], word: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    bytes.windows(word.len()).enumerate().filter(move |(_, window)| *window == word).map(|(at, _)| at)
}

fn has(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

fn dictionary<'a>(document: &'a Document, object: &'a Object) -> Option<&'a Dictionary> {
    document.dereference(object).ok()?.1.as_dict().ok()
}

fn page_words(
    document: &Document,
    page: lopdf::ObjectId,
    words: &mut Bounded,
    operations: &mut usize,
) -> Option<()> {
    let fonts = document.get_page_fonts(page).ok()?;
    let fonts: BTreeMap<Vec<u8>, Font<'_>> = fonts
        .into_iter()
        .take(FONTS)
        .filter_map(|(name, font)| Some((name, Font::new(document, font)?)))
        .collect();
    let content = document.get_page_content_with_limit(page, PAGE_LEN).ok()?;
    let mut font = None;
    let mut line = Line { size: 1.0, scale: 1.0, ..Line::default() };
    for operation in Content::decode_iter(&content) {
        *operations = operations.checked_sub(1)?;
        let operation = operation.ok()?;
        let operands = &operation.operands;
        match operation.operator.as_str() {
            "Tf" => {
                font = operands.first().and_then(|name| fonts.get(name.as_name().ok()?));
                line.size = number(operands, 1).unwrap_or(line.size).abs();
            }
            "Tj" | "TJ" | "'" | "\"" => {
                if matches!(operation.operator.as_str(), "'" | "\"") {
                    words.new_line();
                }
                if let Some(font) = font {
                    line.about_to_write(words);
                    operands.iter().for_each(|operand| line.write(words, font, operand));
                }
            }
            "Tc" => line.letter_space = number(operands, 0).unwrap_or(0.0),
            "Tw" => line.word_space = number(operands, 0).unwrap_or(0.0),
            "T*" => words.new_line(),
            "Td" | "TD" => line.moved(number(operands, 0), number(operands, 1)),
            "Tm" => line.moved_to(number(operands, 0), number(operands, 4), number(operands, 5)),
            _ => {}
        }
        if words.is_full() {
            break;
        }
    }
    Some(())
}

/// How the bytes of a font read, and how wide they are.
struct Font<'a> {
    encoding: Encoding<'a>,
    first: usize,
    /// In thousandths of the size; empty for fonts that every reader has, and for those of many thousand characters.
    widths: Vec<f32>,
}

impl<'a> Font<'a> {
    fn new(document: &'a Document, font: &'a Dictionary) -> Option<Font<'a>> {
        let encoding = font.get_font_encoding_with_limit(document, FONT_LEN).ok()?;
        let first = font
            .get(b"FirstChar")
            .and_then(Object::as_i64)
            .ok()
            .and_then(|first| usize::try_from(first).ok());
        let widths =
            font.get(b"Widths").ok().and_then(|widths| document.dereference(widths).ok()?.1.as_array().ok());
        let widths =
            widths.into_iter().flatten().take(256).map(|width| width.as_float().unwrap_or(0.0)).collect();
        Some(Font { encoding, first: first.unwrap_or(0), widths })
    }

    /// The width of a text in thousandths of the size; guessed where nothing is known.
    fn width(&self, bytes: &[u8], text: &str) -> f32 {
        if self.widths.is_empty() {
            return 500.0 * text.chars().count() as f32;
        }
        let width = |byte: &u8| usize::from(*byte).checked_sub(self.first).and_then(|at| self.widths.get(at));
        bytes.iter().filter_map(width).sum()
    }
}

/// Where text goes, as far as it tells lines and words apart. Lengths are in units of the text, before it is scaled.
#[derive(Default)]
struct Line {
    size: f32,
    scale: f32,
    /// What comes on top of the width of each letter, and of each blank.
    letter_space: f32,
    word_space: f32,
    /// Where the last piece began, as far as that was said in absolute numbers.
    at: Option<(f32, f32)>,
    /// How far writing has come since.
    advance: f32,
    /// Whether the next words stand on another line, or apart on the same.
    new_line: bool,
    apart: bool,
}

impl Line {
    fn moved(&mut self, x: Option<f32>, y: Option<f32>) {
        let (x, y) = (x.unwrap_or(0.0), y.unwrap_or(0.0));
        self.new_line |= y.abs() > 0.01;
        self.apart |= self.is_gap(x);
        self.advance = 0.0;
        self.at = self.at.map(|(left, height)| (left + x * self.scale, height + y * self.scale));
    }

    fn moved_to(&mut self, scale: Option<f32>, x: Option<f32>, y: Option<f32>) {
        let scale = scale.unwrap_or(1.0).abs().max(0.001);
        let (x, y) = (x.unwrap_or(0.0), y.unwrap_or(0.0));
        if let Some((left, height)) = self.at {
            self.new_line |= (height - y).abs() > 0.5;
            self.apart |= self.is_gap((x - left) / self.scale);
        }
        (self.at, self.scale, self.advance) = (Some((x, y)), scale, 0.0);
    }

    /// Whether somebody who sees the next piece begin `x` behind the last one sees two words.
    fn is_gap(&self, x: f32) -> bool {
        let gap = x - self.advance;
        gap > 0.15 * self.size || gap < -self.size
    }

    fn about_to_write(&mut self, words: &mut Bounded) {
        if self.new_line {
            words.new_line();
        } else if self.apart {
            blank(words);
        }
        (self.new_line, self.apart) = (false, false);
    }

    /// A string, or strings with the space to take back between them, in thousandths of the size.
    fn write(&mut self, words: &mut Bounded, font: &Font<'_>, operand: &Object) {
        match operand {
            Object::String(bytes, _) => {
                if let Ok(text) = Document::decode_text(&font.encoding, bytes) {
                    words.push(&text);
                    self.advance += font.width(bytes, &text) / 1000.0 * self.size;
                    let blanks = bytes.iter().filter(|byte| **byte == b' ').count();
                    self.advance += self.letter_space * bytes.len() as f32 + self.word_space * blanks as f32;
                }
            }
            Object::Array(parts) => {
                for part in parts {
                    match part.as_float() {
                        Ok(space) => {
                            self.advance -= space / 1000.0 * self.size;
                            if space < -180.0 {
                                blank(words);
                            }
                        }
                        // an array in an array is none
                        Err(_) if matches!(part, Object::String(..)) => self.write(words, font, part),
                        Err(_) => {}
                    }
                }
            }
            _ => {}
        }
    }
}

fn blank(words: &mut Bounded) {
    if !words.as_str().is_empty() && !words.as_str().ends_with([' ', '\n']) {
        words.push(" ");
    }
}

fn number(operands: &[Object], at: usize) -> Option<f32> {
    operands.get(at)?.as_float().ok()
}
