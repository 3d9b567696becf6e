//! XML in pieces, for formats that are written in it: tolerant, bounded in depth, and without entities but the five
//! of XML itself.
//!
//! Namespaces are left out: elements and attributes are known by their local names.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

/// Attributes of one element that are looked at.
const ATTRIBUTES: usize = 64;

/// One thing in a document.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Open(Tag),
    Close(String),
    Text(String),
}

/// The beginning of an element.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) name: String,
    /// Names with their prefixes, and values.
    attributes: Vec<(String, String)>,
}

impl Tag {
    /// The value of an attribute, by its local name.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let local = |known: &str| known.rsplit_once(':').map_or(known == name, |(_, local)| local == name);
        self.attributes.iter().find(|(known, _)| local(known)).map(|(_, value)| value.as_str())
    }

    /// All attributes, by their names with prefixes.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// A document that is read from its beginning. It ends where the text does, or where it stops being XML.
pub(super) struct Xml<'a> {
    reader: Reader<&'a [u8]>,
    depth: usize,
    max_depth: usize,
    /// What was read beyond a text to know where it ends.
    next: Option<Piece>,
    /// Whether it ended before its end, or something was too deep.
    pub(super) broken: bool,
}

impl<'a> Xml<'a> {
    /// Elements deeper than `max_depth` are passed over, with their text.
    pub(super) fn new(text: &'a str, max_depth: usize) -> Xml<'a> {
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        config.expand_empty_elements = true;
        Xml { reader, depth: 0, max_depth, next: None, broken: false }
    }

    fn is_too_deep(&mut self) -> bool {
        let deep = self.depth > self.max_depth;
        self.broken |= deep;
        deep
    }

    /// The next piece, of which several in a row may be text.
    fn read(&mut self) -> Option<Piece> {
        loop {
            let event = match self.reader.read_event() {
                Ok(Event::Eof) => {
                    self.broken |= self.depth > 0;
                    return None;
                }
                Ok(event) => event,
                Err(_) => {
                    self.broken = true;
                    return None;
                }
            };
            match event {
                Event::Start(tag) => {
                    self.depth += 1;
                    if !self.is_too_deep() {
                        return Some(Piece::Open(opened(&tag)));
                    }
                }
                Event::End(tag) => {
                    let deep = self.is_too_deep();
                    self.depth = self.depth.saturating_sub(1);
                    if !deep {
                        return Some(Piece::Close(tag.local_name().as_ref().to_owned()));
                    }
                }
                Event::Text(text) if !self.is_too_deep() => return Some(Piece::Text(text.to_string())),
                Event::CData(text) if !self.is_too_deep() => return Some(Piece::Text(text.to_string())),
                Event::GeneralRef(entity) if !self.is_too_deep() => {
                    let meant = match &*entity {
                        "lt" => Some('<'),
                        "gt" => Some('>'),
                        "amp" => Some('&'),
                        "quot" => Some('"'),
                        "apos" => Some('\''),
                        "nbsp" => Some('\u{a0}'),
                        _ => entity.resolve_char_ref().ok().flatten(),
                    };
                    let text = meant.map_or_else(|| format!("&{};", &*entity), String::from);
                    return Some(Piece::Text(text));
                }
                _ => {}
            }
        }
    }
}

impl Iterator for Xml<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let mut text = match self.next.take().or_else(|| self.read())? {
            Piece::Text(text) => text,
            other => return Some(other),
        };
        // an entity divides what is one text
        loop {
            match self.read() {
                Some(Piece::Text(more)) => text.push_str(&more),
                other => {
                    self.next = other;
                    return Some(Piece::Text(text));
                }
            }
        }
    }
}

fn opened(tag: &BytesStart<'_>) -> Tag {
    let mut attributes = Vec::new();
    // looking for attributes that stand twice would take the square of their number
    for attribute in tag.attributes().with_checks(false).take(ATTRIBUTES).flatten() {
        let value = match attribute.normalized_value(XmlVersion::Implicit1_0) {
            Ok(value) => value.into_owned(),
            Err(_) => attribute.value.clone().into_owned(),
        };
        attributes.push((attribute.key.as_ref().to_owned(), value));
    }
    Tag { name: tag.local_name().as_ref().to_owned(), attributes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces() {
        let mut xml = Xml::new("<?xml version='1.0'?><a:b c='1 &lt; 2' d=\"&x;\">t&amp;&#228;<e/></a:b>", 9);
        let Some(Piece::Open(tag)) = xml.next() else { panic!() };
        assert_eq!(
            (tag.name.as_str(), tag.attribute("c"), tag.attribute("d")),
            ("b", Some("1 < 2"), Some("&x;"))
        );
        let text: String = xml
            .by_ref()
            .filter_map(|piece| if let Piece::Text(text) = piece { Some(text) } else { None })
            .collect();
        assert_eq!(text, "t&ä");
        assert!(!xml.broken);
    }

    #[test]
    fn too_deep_is_passed_over() {
        let deep = "<a>".repeat(10_000) + "x" + &"</a>".repeat(10_000);
        let mut xml = Xml::new(&deep, 3);
        assert_eq!(xml.by_ref().count(), 6);
        assert!(xml.broken);
    }

    #[test]
    fn entities_are_not_expanded() {
        let bomb = "<!DOCTYPE a [<!ENTITY x 'xxxx'><!ENTITY y '&x;&x;'>]><a>&y;</a>";
        assert!(Xml::new(bomb, 3).any(|piece| matches!(piece, Piece::Text(text) if text == "&y;")));
    }
}
