//! Just enough XML for a config: the elements below the root's first `cfg` or `config`, by path.
//!
//! Entities are never expanded beyond the five of XML itself; a document that declares any is refused.

use super::Error;
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::errors::SyntaxError;
use quick_xml::events::{BytesRef, BytesStart, Event};

/// Bounds on what is kept of an untrusted file; real configs have about 30 elements, nested 4 deep, and no text
/// of 2 KiB.
const MAX_DEPTH: usize = 16;
const MAX_ELEMENTS: usize = 1000;
const MAX_NAME_LEN: usize = 64;
const MAX_TEXT_LEN: usize = 16 * 1024;

const ENDS_EARLY: Error = Error::Unfinished("it ends too early");

/// The elements of a config, each with the path below `cfg` (`cipherAlg/name`), and `cfg`'s own version.
#[derive(Debug, Default)]
pub(super) struct Document {
    elements: Vec<(String, String)>,
    /// The attribute `version` of the `cfg` element.
    pub(super) cfg_version: Option<String>,
}

impl Document {
    /// The text of the first element at `path`, trimmed.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.elements.iter().find(|(found, _)| found == path).map(|(_, text)| text.trim())
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Document, Error> {
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            return Err(syntax("it is UTF-16; EncFS configs are UTF-8"));
        }
        // what a sync client has not written yet is zeros on many file systems
        if bytes.last() == Some(&0) {
            return Err(Error::Unfinished("it ends in zeros"));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| match error.error_len() {
            None => ENDS_EARLY,
            Some(_) => syntax("it is not UTF-8 text"),
        })?;
        let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
        let mut walk = Walk::default();
        loop {
            match reader.read_event().map_err(unreadable)? {
                Event::Start(tag) => walk.enter(&tag)?,
                Event::Empty(tag) => {
                    walk.enter(&tag)?;
                    walk.leave();
                }
                Event::End(_) => walk.leave(),
                Event::Text(text) => walk.take(&text)?,
                Event::CData(text) => walk.take(&text)?,
                Event::GeneralRef(entity) => {
                    let meant = known_entity(&entity)
                        .ok_or_else(|| syntax(format!("unknown entity &{};", shorten(&entity))))?;
                    walk.take(meant.encode_utf8(&mut [0; 4]))?;
                }
                Event::DocType(text) if text.contains('[') => {
                    return Err(syntax("it declares entities, which no EncFS program does"));
                }
                Event::DocType(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
                Event::Eof if walk.stack.is_empty() => break,
                Event::Eof => return Err(ENDS_EARLY),
            }
        }
        if walk.element_count == 0 && text.trim_start_matches('\u{feff}').starts_with("<?xml") {
            return Err(ENDS_EARLY);
        }
        if !walk.inside_was_seen {
            return Err(syntax("it has no cfg element"));
        }
        Ok(walk.document)
    }
}

/// The place in the document while it is read.
#[derive(Default)]
struct Walk {
    stack: Vec<String>,
    text: String,
    element_count: usize,
    inside_was_seen: bool,
    /// Whether the `cfg` element that counts, the first, is open.
    inside: bool,
    document: Document,
}

impl Walk {
    fn enter(&mut self, tag: &BytesStart<'_>) -> Result<(), Error> {
        let name = tag.local_name();
        let name = name.as_ref();
        if self.stack.len() == MAX_DEPTH {
            return Err(syntax("its elements nest too deep"));
        }
        if name.len() > MAX_NAME_LEN {
            return Err(syntax("an element's name is absurdly long"));
        }
        self.element_count += 1;
        if self.element_count > MAX_ELEMENTS {
            return Err(syntax("it has far too many elements"));
        }
        if self.stack.len() == 1 && matches!(name, "cfg" | "config") && !self.inside_was_seen {
            (self.inside, self.inside_was_seen) = (true, true);
            self.document.cfg_version = attribute(tag, "version");
        }
        self.stack.push(name.to_owned());
        self.text.clear();
        Ok(())
    }

    /// Text of the element that is open.
    fn take(&mut self, text: &str) -> Result<(), Error> {
        if self.text.len() + text.len() > MAX_TEXT_LEN {
            return Err(syntax("an element's text is absurdly long"));
        }
        self.text.push_str(text);
        Ok(())
    }

    fn leave(&mut self) {
        match self.stack.len() {
            0 | 1 => {}
            2 => self.inside = false,
            _ if self.inside => {
                let path = self.stack[2..].join("/");
                self.document.elements.push((path, std::mem::take(&mut self.text)));
            }
            _ => {}
        }
        self.stack.pop();
        self.text.clear();
    }
}

/// What quick-xml calls a fault of syntax is an end where none can be, with one exception.
fn unreadable(error: quick_xml::Error) -> Error {
    match error {
        quick_xml::Error::Syntax(SyntaxError::InvalidBangMarkup) => syntax(format!("XML: {error}")),
        quick_xml::Error::Syntax(_) => ENDS_EARLY,
        error => syntax(format!("XML: {error}")),
    }
}

fn syntax(problem: impl Into<String>) -> Error {
    Error::Syntax(problem.into())
}

/// A foreign text, short enough for a message.
pub(super) fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = tag.try_get_attribute(name).ok().flatten()?;
    Some(attribute.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned())
}

fn known_entity(entity: &BytesRef<'_>) -> Option<char> {
    match &**entity {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => entity.resolve_char_ref().ok().flatten(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(inside: &str) -> Result<Document, Error> {
        Document::parse(format!("<root><cfg>{inside}</cfg></root>").as_bytes())
    }

    #[test]
    fn what_would_take_memory_without_end_is_refused() {
        let element = |name_len: usize, inside: &str| {
            let name = "n".repeat(name_len);
            format!("<{name}>{inside}</{name}>")
        };
        assert!(parse(&element(MAX_NAME_LEN, "")).is_ok());
        assert!(parse(&element(MAX_NAME_LEN + 1, "")).is_err());
        // the path to each of them would have the long name in it
        assert!(parse(&element(300_000, &"<a/>".repeat(100_000))).is_err());
        assert!(parse(&"<a/>".repeat(MAX_ELEMENTS - 2)).is_ok());
        assert!(parse(&"<a/>".repeat(MAX_ELEMENTS - 1)).is_err());
        assert!(parse(&element(1, &" ".repeat(MAX_TEXT_LEN))).is_ok());
        for text in [" ", "<![CDATA[ ]]>", "&#32;"] {
            assert!(parse(&element(1, &(" ".repeat(MAX_TEXT_LEN) + text))).is_err(), "{text}");
        }
        assert!(parse(&"<a>".repeat(MAX_DEPTH)).is_err());
    }
}
