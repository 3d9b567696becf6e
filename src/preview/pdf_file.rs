//! The objects of a PDF file, read when they are asked for.
//!
//! The table at the end of a file says where its objects are; it may say so of millions, all in the same place. So the
//! file is run over once instead, from mark to mark (`7 0 obj`), past the contents of streams; which also opens what
//! is damaged, or the beginning of a file. Streams that hold objects are unpacked, up to a bound on all of them.

use super::pdf_objects::{Budget, Parser, is_blank};
use lopdf::encryption::decrypt_object;
use lopdf::{Dictionary, Document, EncryptionState, Object, ObjectId, Stream};
use std::collections::HashMap;

/// Objects whose places are remembered.
const PLACES: usize = 300_000;
/// Objects that are read, and bytes that are looked at for them.
const OBJECTS: usize = 200_000;
const BYTES: usize = 64 * 1024 * 1024;
/// Bytes that all streams of objects may be unpacked to.
const UNPACKED_LEN: usize = 16 * 1024 * 1024;
/// Bytes of streams that are copied, as packed as they are.
const COPIED_LEN: usize = 16 * 1024 * 1024;
/// Times that a stream may be packed.
const FILTERS: usize = 4;
/// Trailers that are read: a file has one for each time it was changed.
const TRAILERS: usize = 100;
/// Streams of objects that are unpacked; a file has one for every hundred objects or so.
const PACKED: usize = 20_000;

/// Where an object is.
#[derive(Debug, Clone, Copy)]
struct Place {
    generation: u16,
    /// The unpacked stream that it is in, by number; or it is in the file.
    within: Option<usize>,
    at: usize,
    /// What is written later in a file replaces what was there.
    age: usize,
}

/// A file, and what has been read of it.
pub(super) struct PdfFile<'a> {
    bytes: &'a [u8],
    places: HashMap<u32, Place>,
    unpacked: Vec<Vec<u8>>,
    /// The objects read so far.
    pub(super) document: Document,
    key: Option<EncryptionState>,
    /// Whether it opens with a password only.
    pub(super) is_locked: bool,
    /// Whether a limit left something out.
    pub(super) partial: bool,
    budget: Budget,
    copies_left: usize,
}

impl<'a> PdfFile<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> PdfFile<'a> {
        let mut file = PdfFile {
            bytes,
            places: HashMap::new(),
            unpacked: Vec::new(),
            document: Document::new(),
            key: None,
            is_locked: false,
            partial: false,
            budget: Budget { objects: OBJECTS, bytes: BYTES },
            copies_left: COPIED_LEN,
        };
        let packed = file.scan();
        if let Ok(encrypt) = file.document.trailer.get(b"Encrypt").cloned() {
            if let Object::Reference(id) = encrypt {
                file.load(id);
            }
            file.key = EncryptionState::decode(&file.document, "").ok();
            file.is_locked = file.key.is_none();
        }
        if !file.is_locked {
            file.unpack(&packed);
        }
        file
    }

    /// Notes where objects are, reads the trailers, and returns the places of streams that hold objects.
    fn scan(&mut self) -> Vec<(u32, Place)> {
        let mut packed = Vec::new();
        // the object that has begun: its number and place
        let mut open: Option<(u32, Place)> = None;
        let mut trailers_left = TRAILERS;
        let mut has_ends = true;
        let mut at = 0;
        while let Some((hit, word)) = keyword(self.bytes, at) {
            let (before, behind) = (&self.bytes[..hit], hit + word.len());
            at = behind;
            match word {
                b"trailer" => {
                    self.trailer(behind, &mut trailers_left);
                }
                _ if before.ends_with(b"end") => open = None,
                b"obj" => {
                    open = numbers_before(before).map(|(number, generation)| {
                        (number, Place { generation, within: None, at: behind, age: hit })
                    });
                    if let Some((number, place)) = open {
                        self.note(number, place);
                    }
                }
                _ => {
                    let Some((number, place)) = open.take() else { continue };
                    let head = &self.bytes[place.at..hit];
                    if contains(head, b"/ObjStm") {
                        self.partial |= packed.len() >= PACKED;
                        if packed.len() < PACKED {
                            packed.push((number, place));
                        }
                    } else if contains(head, b"/XRef") {
                        self.trailer(place.at, &mut trailers_left);
                    }
                    let data = data_start(self.bytes, behind);
                    at = match plain_length(head).and_then(|len| end_of(self.bytes, data, len)) {
                        Some(end) => end,
                        None if has_ends => match find(&self.bytes[data..], b"endstream") {
                            Some(len) => data + len,
                            None => {
                                has_ends = false;
                                data
                            }
                        },
                        None => data,
                    };
                }
            }
        }
        packed
    }

    /// Takes what is of use from a trailer, or from the dictionary that stands for one.
    fn trailer(&mut self, at: usize, left: &mut usize) -> Option<()> {
        *left = left.checked_sub(1)?;
        let Object::Dictionary(found) = Parser::new(self.bytes, at, &mut self.budget).object()? else {
            return None;
        };
        for key in ["Root", "Info", "Encrypt", "ID"] {
            if let Ok(value) = found.get(key.as_bytes()) {
                self.document.trailer.set(key, value.clone());
            }
        }
        Some(())
    }

    fn note(&mut self, number: u32, place: Place) {
        if self.places.len() >= PLACES && !self.places.contains_key(&number) {
            self.partial = true;
            return;
        }
        let known = self.places.entry(number).or_insert(place);
        if known.age < place.age {
            *known = place;
        }
    }

    /// A stream of objects begins with pairs of numbers: which object, and where behind `First` it is.
    fn unpack(&mut self, packed: &[(u32, Place)]) {
        let mut left = UNPACKED_LEN;
        for (number, place) in packed {
            let Some(Object::Stream(stream)) = self.read(*number, *place) else { continue };
            let Ok(content) = stream.decompressed_content_with_limit(left) else {
                self.partial = true;
                continue;
            };
            left = left.saturating_sub(content.len());
            let count = |key: &[u8]| {
                stream
                    .dict
                    .get(key)
                    .and_then(Object::as_i64)
                    .ok()
                    .and_then(|count| usize::try_from(count).ok())
            };
            let (count, first) = (count(b"N").unwrap_or(0), count(b"First").unwrap_or(0));
            let within = Some(self.unpacked.len());
            let mut found = Vec::new();
            let mut numbers = Parser::new(&content, 0, &mut self.budget);
            for _ in 0..count.min(PLACES) {
                let Some((number, at)) = numbers.number().zip(numbers.number()) else { break };
                found.push((number, first.saturating_add(at)));
            }
            for (number, at) in found {
                if let Ok(number) = u32::try_from(number) {
                    self.note(number, Place { generation: 0, within, at, age: place.age });
                }
            }
            self.unpacked.push(content);
        }
    }

    /// Objects by their place in the file, the first ones.
    pub(super) fn first_ids(&self, count: usize) -> Vec<ObjectId> {
        let mut places: Vec<_> =
            self.places.iter().map(|(number, place)| (place.age, *number, place.generation)).collect();
        places.sort_unstable();
        places.into_iter().take(count).map(|(_, number, generation)| (number, generation)).collect()
    }

    /// Whether all that may be read of a file has been read.
    pub(super) fn is_spent(&self) -> bool {
        self.budget.is_spent()
    }

    /// Reads an object into the document, unless it is there.
    pub(super) fn load(&mut self, id: ObjectId) -> Option<&Object> {
        if !self.document.objects.contains_key(&id) {
            let place = *self.places.get(&id.0)?;
            let object = self.read(id.0, place)?;
            self.document.objects.insert(id, object);
        }
        self.document.objects.get(&id)
    }

    fn read(&mut self, number: u32, place: Place) -> Option<Object> {
        if let Some(within) = place.within {
            return Parser::new(self.unpacked.get(within)?, place.at, &mut self.budget).object();
        }
        let mut parser = Parser::new(self.bytes, place.at, &mut self.budget);
        let mut object = parser.object()?;
        parser.blanks();
        let is_stream = parser.takes(b"stream");
        let behind = parser.at;
        if is_stream && let Object::Dictionary(dictionary) = object {
            object = Object::Stream(self.stream(dictionary, data_start(self.bytes, behind))?);
        }
        if let Some(key) = &self.key {
            decrypt_object(key, (number, place.generation), &mut object).ok()?;
        }
        Some(object)
    }

    fn stream(&mut self, dictionary: Dictionary, data: usize) -> Option<Stream> {
        let said = match dictionary.get(b"Length").ok()? {
            Object::Integer(len) => Some(*len),
            Object::Reference((number, _)) => self.places.get(number).copied().and_then(|place| {
                // a number, and no stream whose length would have to be known
                let bytes = match place.within {
                    Some(within) => self.unpacked.get(within)?,
                    None => self.bytes,
                };
                Parser::new(bytes, place.at, &mut self.budget).object()?.as_i64().ok()
            }),
            _ => None,
        };
        let said =
            said.and_then(|len| usize::try_from(len).ok()).and_then(|len| end_of(self.bytes, data, len));
        let end = match said {
            Some(end) => end,
            None => {
                (self.budget.bytes > 0).then_some(())?;
                let rest = &self.bytes[data..];
                let rest = &rest[..rest.len().min(self.budget.bytes)];
                let len = find(rest, b"endstream").unwrap_or(rest.len());
                self.budget.bytes = self.budget.bytes.saturating_sub(len);
                data + len
            }
        };
        // packed over and over
        if dictionary.get(b"Filter").and_then(Object::as_array).is_ok_and(|filters| filters.len() > FILTERS) {
            return None;
        }
        let content = &self.bytes[data..end];
        match self.copies_left.checked_sub(content.len()) {
            Some(left) => self.copies_left = left,
            None => {
                self.partial = true;
                return None;
            }
        }
        Some(Stream::new(dictionary, content.to_vec()))
    }
}

/// The next word that says what is where, and its place.
fn keyword(bytes: &[u8], from: usize) -> Option<(usize, &'static [u8])> {
    let rest = bytes.get(from..)?;
    rest.iter().enumerate().find_map(|(at, byte)| {
        let words: &[&'static [u8]] = match byte {
            b'o' => &[b"obj"],
            b's' => &[b"stream"],
            b't' => &[b"trailer"],
            _ => return None,
        };
        words.iter().find(|word| rest[at..].starts_with(word)).map(|word| (from + at, *word))
    })
}

/// The number and generation at the end of `before`, which make `obj` a mark.
fn numbers_before(before: &[u8]) -> Option<(u32, u16)> {
    let (before, generation) = last_number(before)?;
    let (_, number) = last_number(before)?;
    Some((number, u16::try_from(generation).ok()?))
}

fn last_number(bytes: &[u8]) -> Option<(&[u8], u32)> {
    let blanks = bytes.iter().rev().take(16).take_while(|byte| is_blank(**byte)).count();
    let bytes = &bytes[..bytes.len() - blanks];
    let digits = bytes.iter().rev().take(10).take_while(|byte| byte.is_ascii_digit()).count();
    let (before, number) = bytes.split_at(bytes.len() - digits);
    Some((before, std::str::from_utf8(number).ok()?.parse().ok()?))
}

/// Where contents begin after the word `stream`.
fn data_start(bytes: &[u8], behind: usize) -> usize {
    match bytes.get(behind..) {
        Some([b'\r', b'\n', ..]) => behind + 2,
        Some([b'\r' | b'\n', ..]) => behind + 1,
        _ => behind.min(bytes.len()),
    }
}

/// The end of contents of this length, if they end there.
fn end_of(bytes: &[u8], data: usize, len: usize) -> Option<usize> {
    let end = data.checked_add(len)?;
    let rest = bytes.get(end..)?;
    rest[..rest.len().min(16)].trim_ascii_start().starts_with(b"endstr").then_some(end)
}

/// The length that a dictionary has as a number, and not as a reference to one.
fn plain_length(head: &[u8]) -> Option<usize> {
    let value = head[find(head, b"/Length")? + b"/Length".len()..].trim_ascii_start();
    let digits = value.iter().take(10).take_while(|byte| byte.is_ascii_digit()).count();
    let len = std::str::from_utf8(&value[..digits]).ok()?.parse().ok()?;
    let after = value[digits..].trim_ascii_start();
    (!after.first().is_some_and(u8::is_ascii_digit)).then_some(len)
}

fn find(bytes: &[u8], word: &[u8]) -> Option<usize> {
    bytes.windows(word.len()).position(|window| window == word)
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    find(bytes, word).is_some()
}
