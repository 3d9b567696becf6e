//! PDF: the words of the first pages, in the order in which the file draws them.
//!
//! lopdf knows how streams are packed, how files are encrypted, and the encodings that fonts have by name. Which objects
//! of a file it gets to see is decided here (`pdf_file`, `pdf_pages`), since it would take all there are; what codes mean
//! where a file says so itself is read here too (`pdf_cmap`).

use super::kind::Type;
use super::limits::Limits;
use super::model::{Body, Draft};
use super::pdf_cmap::CMap;
use super::pdf_file::PdfFile;
use super::pdf_objects::Budget;
use super::pdf_pages::{self, ALL_FONTS, FONT_LEN, FONTS, PAGES, PARENTS, PIECES, references};
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
/// Codes and names that a font may give meanings of its own to: there are 256 codes.
const DIFFERENCES: usize = 1024;
/// Encodings with names that lopdf decodes itself.
const SIMPLE: &[&[u8]] = &[b"WinAnsiEncoding", b"UniGB-UCS2-H", b"UniGB-UTF16-H"];
/// Objects of the maps of all fonts, and bytes that are looked at for them.
const MAPS: Budget = Budget { objects: 300_000, bytes: 8 * 1024 * 1024 };
/// Bytes of a title, an author, keywords.
const INFORMATION_LEN: usize = 4000;

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
        maps: MAPS,
        unread: false,
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
    let is_all = is_all && !reader.unread && !reader.maps.is_spent();
    let (text, full) = words.end();
    draft.partial = full || file.partial || file.is_spent() || !is_all || !source.is_whole();
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
            Object::Reference(id) => text_string(file.load(*id)?),
            value => text_string(value),
        };
        value.filter(|value| !value.trim().is_empty())
    };
    draft.title = value(b"Title");
    for (name, key) in [("author", "Author"), ("subject", "Subject"), ("keywords", "Keywords")] {
        draft.fact(name, value(key.as_bytes()).unwrap_or_default());
    }
}

/// The text of a string, of a very long one the beginning.
fn text_string(object: &Object) -> Option<String> {
    let (Object::String(bytes, format), most) = (object, INFORMATION_LEN) else { return None };
    if bytes.len() <= most {
        return decode_text_string(object).ok();
    }
    // a character may be cut
    (most - 3..=most)
        .rev()
        .find_map(|len| decode_text_string(&Object::String(bytes[..len].to_vec(), *format)).ok())
}

/// What reads pages, and what may still be read.
struct Reader<'a> {
    document: &'a Document,
    /// Those that make sense, by where they are in the document.
    fonts: HashMap<*const Dictionary, Option<Rc<Font<'a>>>>,
    packed: usize,
    operations: usize,
    maps: Budget,
    /// Whether there are words in a font whose codes mean nothing here, or contents that do not unpack or make no sense.
    unread: bool,
}

impl<'a> Reader<'a> {
    fn page(&mut self, page: ObjectId, words: &mut Bounded) -> Option<()> {
        let fonts = self.fonts_of(page);
        let content = self.content(page);
        let mut font = None;
        let mut line = Line { size: 1.0, scale: 1.0, ..Line::default() };
        for operation in Content::decode_iter(&content) {
            self.operations = self.operations.checked_sub(1)?;
            let Ok(operation) = operation else {
                self.unread = true;
                break;
            };
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
                    match font {
                        Some(font) => {
                            line.about_to_write(words);
                            operands.iter().for_each(|operand| line.write(words, font, operand));
                        }
                        None => self.unread = true,
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

    /// The fonts of a page, by what they are called there; those of nodes above it count where it has none of the name.
    fn fonts_of(&mut self, page: ObjectId) -> BTreeMap<Vec<u8>, Rc<Font<'a>>> {
        let document = self.document;
        let inner = |outer: &'a Dictionary, key: &[u8]| {
            outer.get(key).ok().and_then(|inner| document.dereference(inner).ok()?.1.as_dict().ok())
        };
        let mut found: BTreeMap<&[u8], &Dictionary> = BTreeMap::new();
        let mut node = document.get_dictionary(page).ok();
        for _ in 0..PARENTS {
            let Some(here) = node else { break };
            let list = inner(here, b"Resources").and_then(|resources| inner(resources, b"Font"));
            for (name, font) in list.into_iter().flat_map(|list| list.iter()).take(FONTS) {
                let font = document.dereference(font).ok().and_then(|(_, font)| font.as_dict().ok());
                if let Some(font) = font.filter(|_| found.len() < FONTS) {
                    found.entry(name).or_insert(font);
                }
            }
            node = inner(here, b"Parent");
        }
        found.into_iter().filter_map(|(name, font)| Some((name.to_vec(), self.font(font)?))).collect()
    }

    fn font(&mut self, font: &'a Dictionary) -> Option<Rc<Font<'a>>> {
        let document = self.document;
        let place = std::ptr::from_ref(font);
        if let Some(known) = self.fonts.get(&place) {
            return known.clone();
        }
        (self.fonts.len() < ALL_FONTS).then_some(())?;
        let font = Font::new(document, font, &mut self.maps).map(Rc::new);
        self.fonts.insert(place, font.clone());
        font
    }

    /// The instructions that draw a page, as far as they make sense.
    fn content(&mut self, page: ObjectId) -> Vec<u8> {
        let mut content = Vec::new();
        let contents = self.document.get_dictionary(page).and_then(|page| page.get(b"Contents"));
        let pieces = contents.map(|contents| references(contents, PIECES)).unwrap_or_default();
        let list = |id| match self.document.get_object(id) {
            Ok(Object::Stream(_)) => vec![id],
            Ok(other) => references(other, PIECES),
            Err(_) => Vec::new(),
        };
        for id in pieces.into_iter().flat_map(list).take(PIECES).collect::<Vec<_>>() {
            let Ok(Object::Stream(stream)) = self.document.get_object(id) else { continue };
            let Some(left) = self.packed.checked_sub(stream.content.len()) else {
                self.unread = true;
                break;
            };
            self.packed = left;
            let Ok(piece) = stream.decompressed_content_with_limit(PAGE_LEN - content.len()) else {
                self.unread = true;
                continue;
            };
            content.extend(piece);
            content.truncate(PAGE_LEN - 1);
            content.push(b'\n');
        }
        content
    }
}

/// What the codes of a font mean.
enum Meaning<'a> {
    /// What the file says.
    Map(CMap),
    Encoding(Encoding<'a>),
}

impl<'a> Meaning<'a> {
    /// As lopdf has it, which is asked for all but maps. Codes that are numbers of glyphs have nothing else.
    fn of(document: &'a Document, font: &'a Dictionary, maps: &mut Budget) -> Option<Meaning<'a>> {
        let mut map = || {
            let (_, stream) = document.dereference(font.get(b"ToUnicode").ok()?).ok()?;
            let content = stream.as_stream().ok()?.get_plain_content_with_limit(FONT_LEN).ok()?;
            CMap::of(&content, maps).map(Meaning::Map)
        };
        let Ok(encoding) = font.get(b"Encoding") else {
            return map().or(Some(Meaning::Encoding(Encoding::SimpleEncoding(b"WinAnsiEncoding"))));
        };
        let (_, encoding) = document.dereference(encoding).ok()?;
        let within = |key: &[u8]| encoding.as_dict().ok().and_then(|encoding| encoding.get(key).ok());
        let numbers = |name: &Object| matches!(name.as_name(), Ok(b"Identity-H" | b"Identity-V"));
        if numbers(encoding) || within(b"BaseEncoding").is_some_and(numbers) {
            return map();
        }
        let differences = within(b"Differences").and_then(|differences| differences.as_array().ok());
        if differences.is_some_and(|differences| differences.len() > DIFFERENCES) {
            return map();
        }
        let encoding = font.get_font_encoding_with_limit(document, FONT_LEN).ok()?;
        match encoding {
            // of all others it knows nothing but the name
            Encoding::SimpleEncoding(name) if !SIMPLE.contains(&name) => map(),
            encoding => Some(Meaning::Encoding(encoding)),
        }
    }

    /// The text of a string, of about `most` characters.
    fn text(&self, bytes: &[u8], most: usize) -> Option<String> {
        match self {
            Meaning::Map(map) => Some(map.text(bytes, most)),
            Meaning::Encoding(encoding) => Document::decode_text(encoding, bytes).ok(),
        }
    }
}

/// How the bytes of a font read, and how wide they are.
struct Font<'a> {
    meaning: Meaning<'a>,
    first: usize,
    /// In thousandths of the size; empty for fonts that every reader has, and for those of many thousand characters.
    widths: Vec<f32>,
}

impl<'a> Font<'a> {
    fn new(document: &'a Document, font: &'a Dictionary, maps: &mut Budget) -> Option<Font<'a>> {
        let meaning = Meaning::of(document, font, maps)?;
        let first = font
            .get(b"FirstChar")
            .and_then(Object::as_i64)
            .ok()
            .and_then(|first| usize::try_from(first).ok());
        let widths =
            font.get(b"Widths").ok().and_then(|widths| document.dereference(widths).ok()?.1.as_array().ok());
        let widths =
            widths.into_iter().flatten().take(256).map(|width| width.as_float().unwrap_or(0.0)).collect();
        Some(Font { meaning, first: first.unwrap_or(0), widths })
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
                // one more than there is room for, so that it is known that something is left out
                if let Some(text) = font.meaning.text(bytes, words.room() + 1) {
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
