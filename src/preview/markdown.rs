//! Markdown as GitHub writes it: tables, task lists, footnotes, strikethrough; front matter in YAML or TOML.

use super::code::Marks;
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
    let bytes = source.first(limits.body_len);
    let text = safe::text(&encoding::decode(bytes)?.text);
    let mut draft = Draft { partial: bytes.len() < source.bytes.len(), ..Draft::default() };
    let (front, text) = split_front(&text);
    let mut title = None;
    let mut others = Vec::new();
    for (key, value) in front.iter().flat_map(|front| front_fields(front)) {
        match key.to_lowercase().as_str() {
            "title" => title = Some(value),
            "date" => draft.fact("date", value),
            "author" | "authors" => draft.fact("author", value),
            "tags" | "keywords" | "categories" => draft.fact("tags", value),
            "description" | "summary" => draft.fact("description", value),
            _ => others.push(format!("{key}: {value}")),
        }
    }
    let mut rendering = Rendering::new(limits);
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
    let mut page = html::sanitise(&raw, limits);
    // fields that are not shown can be searched
    others.iter().for_each(|field| page.text.line(field));
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

/// A field of front matter, and what divides its value from what else belongs to it.
struct Field {
    key: String,
    value: String,
    divider: &'static str,
}

impl Field {
    fn append(&mut self, text: &str, divider: &str) {
        if !text.is_empty() {
            self.value.push_str(if self.value.is_empty() { "" } else { divider });
            self.value.push_str(text);
        }
    }
}

/// The fields of the uppermost level: `key: value` or `key = value`; lists on one line or on several; texts that go on
/// below their key, by themselves or as `>` and `|` say. What is within a table or a field has the name of that.
fn front_fields(front: &str) -> Vec<(String, String)> {
    let mut fields: Vec<Field> = Vec::new();
    let mut table = String::new();
    let mut in_list = false;
    for line in front.lines() {
        let words = line.trim();
        let is_below = line.starts_with([' ', '\t']);
        if let Some(field) = fields.last_mut() {
            if in_list {
                in_list = !words.ends_with(']');
                let items = words.strip_suffix(']').unwrap_or(words).split(',');
                items.map(unquoted).for_each(|item| field.append(item, ", "));
                continue;
            }
            if let Some(item) = words.strip_prefix("- ") {
                field.append(unquoted(item), ", ");
                continue;
            }
            if is_below && (field.divider == " " || !words.starts_with('#')) {
                field.append(words, field.divider);
                continue;
            }
        }
        if let Some(name) = line.strip_prefix('[') {
            table = name.trim_matches(['[', ']', ' ']).to_owned() + ".";
            continue;
        }
        if is_below || line.starts_with('#') {
            continue;
        }
        if let Some((key, value)) = line.split_once([':', '=']) {
            let value = without_remark(value.trim());
            let mut field = Field { key: table.clone() + key.trim(), value: String::new(), divider: " " };
            if let Some(list) = value.strip_prefix('[') {
                in_list = !list.ends_with(']');
                let items = list.strip_suffix(']').unwrap_or(list).split(',');
                items.map(unquoted).for_each(|item| field.append(item, ", "));
            } else if value.is_empty() {
                field.divider = ", ";
            } else if !value.trim_start_matches(['>', '|']).chars().all(|c| "+-123456789".contains(c))
                || !value.starts_with(['>', '|'])
            {
                field.value = value.to_owned();
            }
            fields.push(field);
        }
    }
    fields.into_iter().map(|field| (field.key, unquoted(&field.value).to_owned())).collect()
}

/// A value without what `#` says of it.
fn without_remark(value: &str) -> &str {
    let is_quoted = value.starts_with(['"', '\'']);
    match value.find(" #").filter(|_| !is_quoted) {
        Some(at) => value[..at].trim_end(),
        None => value,
    }
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
struct Rendering<'l> {
    limits: &'l Limits,
    count: usize,
    /// The first heading of the highest level.
    title: Option<String>,
    title_level: Option<HeadingLevel>,
    /// The heading that is open, in HTML.
    heading: Option<(HeadingLevel, String)>,
    /// The block of code that is open: its language and its text.
    block: Option<(String, String)>,
    /// What of code may still be marked.
    marks: Marks,
}

impl Rendering<'_> {
    fn new(limits: &Limits) -> Rendering<'_> {
        let marks = Marks::new(CODE_LEN.min(limits.marked_len));
        Rendering { limits, count: 0, title: None, title_level: None, heading: None, block: None, marks }
    }

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
                let code = code::fragment(&text, &language, &mut self.marks);
                let html = format!("<pre><code>{code}</code></pre>\n");
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
                if let Some((level, heading)) = self.heading.take()
                    && self.title_level.is_none_or(|highest| level < highest)
                {
                    // what is not shown is no part of it
                    let (text, _) = html::sanitise(&heading, self.limits).text.end();
                    if !text.trim().is_empty() {
                        (self.title, self.title_level) = (Some(text), Some(level));
                    }
                }
                Some(event)
            }
            Event::Text(ref text) | Event::Code(ref text) => {
                if let Some((_, heading)) = &mut self.heading {
                    safe::push_html(heading, text);
                }
                Some(event)
            }
            Event::InlineHtml(ref html) => {
                if let Some((_, heading)) = &mut self.heading {
                    heading.push_str(html);
                }
                Some(event)
            }
            Event::SoftBreak | Event::HardBreak => {
                if let Some((_, heading)) = &mut self.heading {
                    heading.push(' ');
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
        let fields = front_fields(
            "title: >-\n  A title\n  of two lines\nsummary: |\n  one # two\n\n  three\nsubtitle: goes\n  on # here\n\
             author:\n  name: Ada\n  # a remark\n  place: Lake\nempty:\n# remark: none\ndate: 2024-07-14 # in summer\n\
             tags = [\n  \"a\",\n  'b'\n]\nquoted: \"x # y\"\nlink: https://example.org/#a\nless: > 3\n[params]\ntitle = 'inner'\n",
        );
        let expected = [
            ("title", "A title of two lines"),
            ("summary", "one # two three"),
            ("subtitle", "goes on # here"),
            ("author", "name: Ada, place: Lake"),
            ("empty", ""),
            ("date", "2024-07-14"),
            ("tags", "a, b"),
            ("quoted", "x # y"),
            ("link", "https://example.org/#a"),
            ("less", "> 3"),
            ("params.title", "inner"),
        ];
        let found: Vec<_> = fields.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(found, expected);
        assert_eq!(split_front("+++\ntitle = 'T'\n+++\nx").0, Some("title = 'T'\n"));
        assert_eq!(split_front("---\nno end").0, None);
        assert_eq!(split_front("a\n---\nb\n---\n").0, None);
    }
}
