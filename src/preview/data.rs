//! JSON and XML: what people read of them is their text, laid out in lines.

use super::kind::Type;
use super::limits::Limits;
use super::model::Draft;
use super::safe::{self, Bounded};
use super::source::Source;
use super::xml::{Piece, Xml};
use super::{code, encoding, html};

/// A line longer than this was not written for people.
const LONG_LINE: usize = 400;
/// Indentation stops here.
const INDENT_DEPTH: usize = 20;

pub(super) fn json(source: &Source<'_>, _: &Type, extension: &str, limits: &Limits) -> Option<Draft> {
    let bytes = source.first(limits.body_len);
    let text = safe::text(&encoding::decode(bytes)?.text);
    let laid_out = has_long_lines(&text).then(|| laid_out(&text, limits.body_len));
    let mut draft = code::of_text(laid_out.as_deref().unwrap_or(&text), extension, limits);
    draft.partial |= bytes.len() < source.bytes.len();
    Some(draft)
}

pub(super) fn xml(source: &Source<'_>, _: &Type, extension: &str, limits: &Limits) -> Option<Draft> {
    let bytes = source.first(limits.body_len);
    let text = safe::text(&encoding::decode_declared(bytes, html::declared(bytes).as_deref())?.text);
    let mut draft = code::of_text(&text, extension, limits);
    let mut words = Bounded::new(limits.text_len);
    let mut title = None;
    let mut inside = String::new();
    let mut pieces = Xml::new(&text, limits.depth);
    for piece in pieces.by_ref() {
        match piece {
            Piece::Open(tag) => {
                tag.attributes()
                    .filter(|(name, _)| *name != "xmlns" && !name.starts_with("xmlns:"))
                    .for_each(|(_, value)| words.line(value));
                inside = tag.name;
            }
            Piece::Close(_) => inside.clear(),
            Piece::Text(text) => {
                if inside == "title" && title.is_none() && !text.trim().is_empty() {
                    title = Some(text.clone());
                }
                words.line(&text);
            }
        }
    }
    let (words, full) = words.end();
    // what is not XML after all, or not to the end, is searched as it stands
    if !words.trim().is_empty() && !pieces.broken {
        draft.text = words;
        draft.partial |= full;
    }
    draft.title = title;
    draft.partial |= bytes.len() < source.bytes.len();
    Some(draft)
}

fn has_long_lines(text: &str) -> bool {
    text.lines().any(|line| line.len() > LONG_LINE)
}

/// JSON with line ends and indentation, order and numbers untouched; bad JSON comes out as bad as it was.
fn laid_out(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = 0usize;
    let mut in_string = false;
    let mut escaped = false;
    let new_line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth.min(INDENT_DEPTH)));
    };
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if out.len() >= max {
            break;
        }
        if in_string {
            out.push(c);
            in_string = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            continue;
        }
        match c {
            '"' => {
                in_string = true;
                out.push(c);
            }
            '{' | '[' => {
                out.push(c);
                while chars.next_if(|next| next.is_whitespace()).is_some() {}
                if let Some(end) = chars.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c if c.is_whitespace() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_laid_out_without_being_changed() {
        assert_eq!(
            laid_out(r#"{"b":[1,2.50],"a":{},"c":"x, \"y\": z"}"#, 1000),
            "{\n  \"b\": [\n    1,\n    2.50\n  ],\n  \"a\": {},\n  \"c\": \"x, \\\"y\\\": z\"\n}"
        );
        assert!(laid_out(&"[".repeat(100_000), 10_000).len() < 11_000);
    }
}
