//! Markdown as GitHub writes it: tables, task lists, footnotes, strikethrough; front matter in YAML or TOML.

use super::kind::Type;
use super::limits::Limits;
use super::model::{Body, Draft};
use super::safe;
use super::source::Source;
use super::{code, encoding, html};
use pulldown_cmark::{CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// Events that are put into HTML: a table may claim as many cells as the square of its length.
const EVENTS: usize = 100_000;
/// Bytes of front matter.
const FRONT_LEN: usize = 16 * 1024;
/// Bytes of code blocks that are marked, in all.
const CODE_LEN: usize = 48 * 1024;

pub(super) fn preview(source: &Source<'_>, _: &Type, limits: &Limits) -> Option<Draft> {
    let bytes = &source.bytes[..source.bytes.len().min(limits.body_len)];
    let text = safe::text(&encoding::decode(bytes)?.text);
    let mut draft = Draft { partial: bytes.len() < source.bytes.len(), ..Draft::default() };
    let (front, text) = split_front(&text);
    let mut title = None;
    for (key, value) in front.iter().flat_map(|front| front_fields(front)) {
        match key.to_lowercase().as_str() {
            "title" => title = Some(value),
            "date" => draft.fact("date", value),
            "author" | "authors" => draft.fact("author", value),
            "tags" | "keywords" | "categories" => draft.fact("tags", value),
            "description" | "summary" => draft.fact("description", value),
            _ => {}
        }
    }
    let mut rendering = Rendering { marks_len: CODE_LEN.min(limits.marked_len), ..Rendering::default() };
    let mut raw = String::new();
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_WIKILINKS
        | Options::ENABLE_DEFINITION_LIST;
    let events = Parser::new_ext(text, options).take(EVENTS).filter_map(|event| rendering.event(event));
    // `push_html` writes as it reads, so that what comes out is bounded by the events that go in
    pulldown_cmark::html::push_html(&mut raw, events);
    let page = html::sanitise(&raw, limits);
    let (searchable, full) = page.text.end();
    draft.partial |= full || page.partial || rendering.count >= EVENTS;
    draft.title = title.or(rendering.title);
    draft.text = searchable;
    draft.body = Some(Body::Html(page.html));
    Some(draft)
}

/// Takes the front matter off, which stands between lines of `---` or `+++`.
fn split_front(text: &str) -> (Option<&str>, &str) {
    for mark in ["---", "+++"] {
        let Some(rest) = text.strip_prefix(mark).and_then(|rest| rest.strip_prefix('\n')) else { continue };
        let mut at = 0;
        for line in rest.split_inclusive('\n') {
            if line.trim_end() == mark || mark == "---" && line.trim_end() == "..." {
                return (Some(&rest[..at]), &rest[at + line.len()..]);
            }
            at += line.len();
            if at > FRONT_LEN {
                break;
            }
        }
    }
    (None, text)
}

/// The fields of the uppermost level: `key: value` or `key = value`, and lists on one line or on one line each.
fn front_fields(front: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in front.lines() {
        if let Some(item) = line.trim_start().strip_prefix("- ") {
            if let Some((_, value)) = fields.last_mut() {
                value.push_str(if value.is_empty() { "" } else { ", " });
                value.push_str(unquoted(item));
            }
            continue;
        }
        if line.starts_with([' ', '\t', '#', '[']) {
            continue;
        }
        if let Some((key, value)) = line.split_once([':', '=']) {
            let value = value.trim();
            let list = value.strip_prefix('[').and_then(|list| list.strip_suffix(']'));
            let value = match list {
                Some(list) => list.split(',').map(unquoted).collect::<Vec<_>>().join(", "),
                None => unquoted(value).to_owned(),
            };
            fields.push((key.trim().to_owned(), value));
        }
    }
    fields
}

fn unquoted(value: &str) -> &str {
    let value = value.trim();
    for quote in ['"', '\''] {
        if let Some(inside) = value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inside;
        }
    }
    value
}

/// What is noticed and changed between the parser and the HTML.
#[derive(Default)]
struct Rendering {
    count: usize,
    /// The first heading of the highest level.
    title: Option<String>,
    title_level: Option<HeadingLevel>,
    heading: Option<(HeadingLevel, String)>,
    /// The block of code that is open: its language and its text.
    block: Option<(String, String)>,
    marked_len: usize,
    /// Bytes of code that are marked at the most.
    marks_len: usize,
}

impl Rendering {
    fn event<'a>(&mut self, event: Event<'a>) -> Option<Event<'a>> {
        self.count += 1;
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                let language = match kind {
                    CodeBlockKind::Fenced(info) => {
                        info.split([' ', ',', '{']).next().unwrap_or_default().to_owned()
                    }
                    CodeBlockKind::Indented => String::new(),
                };
                self.block = Some((language, String::new()));
                None
            }
            Event::End(TagEnd::CodeBlock) => {
                let (language, text) = self.block.take()?;
                self.marked_len += text.len();
                let language = if self.marked_len > self.marks_len { "" } else { &language };
                let html = format!("<pre><code>{}</code></pre>\n", code::fragment(&text, language));
                Some(Event::Html(CowStr::from(html)))
            }
            Event::Text(text) if self.block.is_some() => {
                if let Some((_, block)) = &mut self.block {
                    block.push_str(&text);
                }
                None
            }
            Event::TaskListMarker(done) => Some(Event::Text(if done { "☑ " } else { "☐ " }.into())),
            Event::Start(Tag::Heading { level, .. }) => {
                self.heading = Some((level, String::new()));
                Some(event)
            }
            Event::End(TagEnd::Heading(_)) => {
                if let Some((level, text)) = self.heading.take()
                    && self.title_level.is_none_or(|highest| level < highest)
                    && !text.trim().is_empty()
                {
                    (self.title, self.title_level) = (Some(text), Some(level));
                }
                Some(event)
            }
            Event::Text(ref text) | Event::Code(ref text) => {
                if let Some((_, heading)) = &mut self.heading {
                    heading.push_str(text);
                }
                Some(event)
            }
            event => Some(event),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_matter() {
        let (front, rest) =
            split_front("---\ntitle: \"A: b\"\ntags: [x, 'y']\nlist:\n  - one\n  - two\n---\n# Text\n");
        assert_eq!(rest, "# Text\n");
        let fields = front_fields(front.unwrap());
        let field =
            |key: &str| fields.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str());
        assert_eq!(
            (field("title"), field("tags"), field("list")),
            (Some("A: b"), Some("x, y"), Some("one, two"))
        );
        assert_eq!(split_front("+++\ntitle = 'T'\n+++\nx").0, Some("title = 'T'\n"));
        assert_eq!(split_front("---\nno end").0, None);
        assert_eq!(split_front("a\n---\nb\n---\n").0, None);
    }
}
