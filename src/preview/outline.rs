//! Outlines in OPML, and mind maps of FreeMind and Freeplane, which are XML as well.

use super::kind::Type;
use super::limits::Limits;
use super::model::{Body, Draft, Node};
use super::safe::{self, Bounded};
use super::source::Source;
use super::xml::{Piece, Tag, Xml};
use super::{encoding, html};
use std::collections::HashMap;

/// Depth of elements of XML that are read; lines of an outline are bounded by `Limits::depth`.
const XML_DEPTH: usize = 256;
/// Bytes of a note.
const NOTE_LEN: usize = 4000;

/// Lines below lines, as they are gathered; whoever writes a format calls `enter` and `leave`.
#[derive(Debug)]
pub(super) struct Lines {
    nodes: Vec<Node>,
    /// The lines that are open, by number; `None` for those that were left out.
    open: Vec<Option<usize>>,
    max: usize,
    max_depth: usize,
    partial: bool,
    /// Texts of lines that were shortened to be shown, by number, and what of their notes was left out.
    long_texts: HashMap<usize, String>,
    long_notes: HashMap<usize, String>,
}

impl Lines {
    pub(super) fn new(limits: &Limits) -> Lines {
        Lines {
            nodes: Vec::new(),
            open: Vec::new(),
            max: limits.entries,
            max_depth: limits.depth,
            partial: false,
            long_texts: HashMap::new(),
            long_notes: HashMap::new(),
        }
    }

    /// Begins a line below the one that is open.
    pub(super) fn enter(&mut self, text: &str) {
        if self.nodes.len() >= self.max {
            self.partial = true;
            self.open.push(None);
            return;
        }
        let depth = self.open.len().min(self.max_depth);
        self.partial |= depth < self.open.len();
        // the bound of depth is far below that of the type
        let depth = u16::try_from(depth).unwrap_or(u16::MAX);
        self.open.push(Some(self.nodes.len()));
        self.nodes.push(Node { depth, text: String::new(), note: None, done: None });
        self.text(text);
    }

    /// Says what stands in the line that is open.
    pub(super) fn text(&mut self, text: &str) {
        let Some(Some(at)) = self.open.last().copied() else { return };
        let Some(node) = self.nodes.get_mut(at) else { return };
        let mut cut = false;
        node.text = safe::line_or_cut(text, &mut cut);
        self.partial |= cut;
        if cut {
            self.long_texts.insert(at, text.to_owned());
        }
    }

    /// Notes that something is left out.
    pub(super) fn cut(&mut self, cut: bool) {
        self.partial |= cut;
    }

    pub(super) fn leave(&mut self) {
        self.open.pop();
    }

    /// The line that is open.
    pub(super) fn current(&mut self) -> Option<&mut Node> {
        let at = (*self.open.last()?)?;
        self.nodes.get_mut(at)
    }

    /// Adds to the note of the line that is open.
    pub(super) fn note(&mut self, text: &str) {
        let Some(Some(at)) = self.open.last().copied() else { return };
        if let Some(node) = self.nodes.get_mut(at) {
            let note = node.note.get_or_insert_default();
            if !note.is_empty() && note.len() < NOTE_LEN {
                note.push('\n');
            }
            let text = text.trim();
            let fitting = safe::head(text, NOTE_LEN.saturating_sub(note.len()));
            note.push_str(&safe::text(fitting));
            if fitting.len() < text.len() {
                self.partial = true;
                let more = self.long_notes.entry(at).or_default();
                more.push_str(&text[fitting.len()..]);
                more.push('\n');
            }
            if note.is_empty() {
                node.note = None;
            }
        }
    }

    /// The whole of it, with what can be searched.
    pub(super) fn draft(self, limits: &Limits) -> Draft {
        // topics without a word carry a picture or nothing
        let mut text = Bounded::new(limits.text_len);
        for (at, node) in self.nodes.iter().enumerate() {
            text.line(self.long_texts.get(&at).unwrap_or(&node.text));
            match (&node.note, self.long_notes.get(&at)) {
                // a word may be divided
                (Some(note), Some(more)) => text.line(&format!("{note}{more}")),
                (Some(note), None) => text.line(note),
                _ => {}
            }
        }
        let (text, full) = text.end();
        Draft {
            text,
            partial: self.partial || full,
            body: Some(Body::Outline(self.nodes)),
            ..Draft::default()
        }
    }
}

pub(super) fn opml(source: &Source<'_>, _: &Type, limits: &Limits) -> Option<Draft> {
    let text = document(source, limits)?;
    let mut lines = Lines::new(limits);
    let mut title = None;
    let mut owner = String::new();
    let mut in_element = String::new();
    let mut xml = Xml::new(&text, XML_DEPTH);
    for piece in xml.by_ref() {
        match piece {
            Piece::Open(tag) if tag.name == "outline" => {
                let words = tag.attribute("text").or_else(|| tag.attribute("title")).unwrap_or_default();
                lines.enter(words);
                lines.note(
                    tag.attribute("_note").or_else(|| tag.attribute("description")).unwrap_or_default(),
                );
                for url in [tag.attribute("url"), tag.attribute("xmlUrl")].into_iter().flatten().take(1) {
                    lines.note(url);
                }
                let done = tag.attribute("_status").or_else(|| tag.attribute("_complete"));
                if let (Some(done), Some(node)) = (done, lines.current()) {
                    node.done = Some(matches!(done, "checked" | "true"));
                }
            }
            Piece::Close(name) if name == "outline" => lines.leave(),
            Piece::Open(tag) => in_element = tag.name,
            Piece::Close(_) => in_element.clear(),
            Piece::Text(text) if in_element == "title" => {
                title.get_or_insert_with(String::new).push_str(&text)
            }
            Piece::Text(text) if in_element == "ownerName" => owner.push_str(&text),
            Piece::Text(_) => {}
        }
    }
    let broken = xml.broken;
    let mut draft = lines.draft(limits);
    draft.title = title;
    draft.fact("author", owner);
    draft.partial |= broken || is_cut(source, limits);
    Some(draft)
}

pub(super) fn freemind(source: &Source<'_>, _: &Type, limits: &Limits) -> Option<Draft> {
    let text = document(source, limits)?;
    let mut lines = Lines::new(limits);
    let mut xml = Xml::new(&text, XML_DEPTH);
    // rich text is HTML within the XML; each takes some time, however short it is
    let mut rich: Option<(bool, String)> = None;
    let mut rich_left = limits.entries;
    for piece in xml.by_ref() {
        match piece {
            Piece::Open(tag) if tag.name == "node" => {
                lines.enter(tag.attribute("TEXT").unwrap_or_default());
                if let Some(link) = tag.attribute("LINK") {
                    lines.note(link);
                }
            }
            Piece::Close(name) if name == "node" => lines.leave(),
            Piece::Open(tag) if tag.name == "icon" => {
                let done = match tag.attribute("BUILTIN") {
                    Some("button_ok" | "checked") => Some(true),
                    Some("unchecked") => Some(false),
                    _ => None,
                };
                if let (Some(done), Some(node)) = (done, lines.current()) {
                    node.done = Some(done);
                }
            }
            Piece::Open(tag) if tag.name == "richcontent" => {
                rich = (rich_left > 0).then(|| (tag.attribute("TYPE") == Some("NODE"), String::new()));
                rich_left = rich_left.saturating_sub(1);
            }
            Piece::Close(name) if name == "richcontent" => {
                if let Some((is_text, html)) = rich.take() {
                    let (text, _) = html::sanitise(&html, limits).text.end();
                    if is_text { lines.text(&text) } else { lines.note(&text) }
                }
            }
            Piece::Open(tag) => markup(&mut rich, &tag),
            Piece::Close(name) => {
                if let Some((_, html)) = &mut rich {
                    html.push_str(&format!("</{name}>"));
                }
            }
            Piece::Text(text) => {
                if let Some((_, html)) = &mut rich {
                    safe::push_html(html, &text);
                }
            }
        }
    }
    let broken = xml.broken;
    let mut draft = lines.draft(limits);
    draft.title = first_line(&draft);
    draft.partial |= broken || rich_left == 0 || is_cut(source, limits);
    Some(draft)
}

fn markup(rich: &mut Option<(bool, String)>, tag: &Tag) {
    if let Some((_, html)) = rich {
        html.push_str(&format!("<{}>", tag.name));
    }
}

/// The topic in the middle of a map is its title.
pub(super) fn first_line(draft: &Draft) -> Option<String> {
    match &draft.body {
        Some(Body::Outline(nodes)) => nodes.first().map(|node| node.text.clone()),
        _ => None,
    }
}

/// The text of an XML file, in the encoding that it names.
pub(super) fn document(source: &Source<'_>, limits: &Limits) -> Option<String> {
    let bytes = source.first(limits.body_len * 4);
    Some(encoding::decode_declared(bytes, html::declared(bytes).as_deref())?.text)
}

fn is_cut(source: &Source<'_>, limits: &Limits) -> bool {
    source.bytes.len() > limits.body_len * 4
}
