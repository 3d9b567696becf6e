//! PDF: the words of the first pages, in the order in which the file draws them.
//!
//! lopdf knows how streams are packed, how files are encrypted, and the encodings of fonts. Which objects of a file it
//! gets to see is decided here (`pdf_file`, `pdf_pages`), since it would take all there are.

use super::kind::Type;
use super::limits::Limits;
use super::model::{Body, Draft};
use super::pdf_file::PdfFile;
use super::pdf_pages::{self, FONT_LEN, FONTS, PAGES, PIECES, references};
use super::safe::Bounded;
use super::source::Source;
use lopdf::content::Content;
use lopdf::{Dictionary, Document, Encoding, Object, ObjectId, decode_text_string};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// Bytes of drawing instructions of one page.
const PAGE_LEN: usize = 1024 * 1024;
/// Bytes that the instructions of all pages are packed in.
const PACKED_LEN: usize = 16 * 1024 * 1024;
/// Instructions of all pages.
const OPERATIONS: usize = 300_000;

pub(super) fn preview(source: &Source<'_>, _: &Type, limits: &Limits) -> Option<Draft> {
    let mut draft = Draft { body: Some(Body::Original), partial: true, ..Draft::default() };
    let mut file = PdfFile::open(source.bytes);
    if file.is_locked {
        draft.fact("protected", "by a password");
        return Some(draft);
    }
    information(&mut file, &mut draft);
    let (pages, count) = pdf_pages::load(&mut file);
    if let Some(count) = count {
        draft.fact("pages", count.to_string());
    }
    let mut words = Bounded::new(limits.text_len);
    let mut reader = Reader {
        document: &file.document,
        fonts: HashMap::new(),
        packed: PACKED_LEN,
        operations: OPERATIONS,
    };
    for page in &pages {
        if words.is_full() || reader.operations == 0 {
            break;
        }
        // a page that makes no sense is left out
        reader.page(*page, &mut words);
        words.new_line();
    }
    let is_all = reader.operations > 0 && count.is_some_and(|count| count <= PAGES) && !pages.is_empty();
    let (text, full) = words.end();
    draft.partial = full || file.partial || !is_all || !source.is_whole();
    draft.text = text;
    Some(draft)
}

fn information(file: &mut PdfFile<'_>, draft: &mut Draft) {
    let found = match file.document.trailer.get(b"Info").cloned() {
        Ok(Object::Reference(id)) => file.load(id).and_then(|info| info.as_dict().ok()).cloned(),
        Ok(Object::Dictionary(found)) => Some(found),
        _ => None,
    };
    let found = found.unwrap_or_default();
    let mut value = |key: &[u8]| {
        let value = match found.get(key).ok()? {
            Object::Reference(id) => decode_text_string(file.load(*id)?),
            value => decode_text_string(value),
        };
        value.ok().filter(|value| !value.trim().is_empty())
    };
    draft.title = value(b"Title");
    for (name, key) in [("author", "Author"), ("subject", "Subject"), ("keywords", "Keywords")] {
        draft.fact(name, value(key.as_bytes()).unwrap_or_default());
    }
}

/// What reads pages, and what may still be read.
struct Reader<'a> {
    document: &'a Document,
    /// Those that make sense, by where they are in the document.
    fonts: HashMap<*const Dictionary, Option<Rc<Font<'a>>>>,
    packed: usize,
    operations: usize,
}

impl<'a> Reader<'a> {
    fn page(&mut self, page: ObjectId, words: &mut Bounded) -> Option<()> {
        let fonts = self.document.get_page_fonts(page).ok()?.into_iter().take(FONTS);
        let fonts: BTreeMap<Vec<u8>, Rc<Font<'a>>> =
            fonts.filter_map(|(name, font)| Some((name, self.font(font)?))).collect();
        let content = self.content(page);
        let mut font = None;
        let mut line = Line { size: 1.0, scale: 1.0, ..Line::default() };
        for operation in Content::decode_iter(&content) {
            self.operations = self.operations.checked_sub(1)?;
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

    fn font(&mut self, font: &'a Dictionary) -> Option<Rc<Font<'a>>> {
        let document = self.document;
        let known = self.fonts.entry(std::ptr::from_ref(font));
        known.or_insert_with(|| Font::new(document, font).map(Rc::new)).clone()
    }

    /// The instructions that draw a page, as far as they make sense.
    fn content(&mut self, page: ObjectId) -> Vec<u8> {
        let mut content = Vec::new();
        let contents = self.document.get_dictionary(page).and_then(|page| page.get(b"Contents"));
        let pieces = contents.map(references).unwrap_or_default();
        let list = |id| match self.document.get_object(id) {
            Ok(Object::Stream(_)) => vec![id],
            Ok(other) => references(other),
            Err(_) => Vec::new(),
        };
        for id in pieces.into_iter().take(PIECES).flat_map(list).take(PIECES).collect::<Vec<_>>() {
            let Ok(Object::Stream(stream)) = self.document.get_object(id) else { continue };
            let Some(left) = self.packed.checked_sub(stream.content.len()) else { break };
            self.packed = left;
            let Ok(piece) = stream.decompressed_content_with_limit(PAGE_LEN - content.len()) else {
                continue;
            };
            content.extend(piece);
            content.truncate(PAGE_LEN - 1);
            content.push(b'\n');
        }
        content
    }
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
