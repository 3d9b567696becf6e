//! Drawings in SVG, written anew from a list of harmless elements and attributes: no script, no event, no style sheet,
//! nothing from elsewhere. What comes out is meant to be shown as an image, where none of that would act either.

use super::kind::Type;
use super::limits::Limits;
use super::model::{Body, Draft};
use super::outline::document;
use super::safe::{self, Bounded};
use super::source::Source;
use super::xml::{Piece, Xml};

const ELEMENTS: &[&str] = &[
    "svg",
    "g",
    "defs",
    "symbol",
    "use",
    "path",
    "rect",
    "circle",
    "ellipse",
    "line",
    "polyline",
    "polygon",
    "text",
    "tspan",
    "title",
    "desc",
    "linearGradient",
    "radialGradient",
    "stop",
    "clipPath",
    "mask",
    "pattern",
    "marker",
    "filter",
    "feGaussianBlur",
    "feOffset",
    "feMerge",
    "feMergeNode",
    "feBlend",
    "feColorMatrix",
    "feFlood",
    "feComposite",
    "image",
    "switch",
];
/// Attributes with a meaning of their own; those of style and geometry are known by the characters in them.
const DANGEROUS: &[&str] = &["style", "class", "attributeName", "values", "from", "to", "begin", "onload"];
/// Times one drawing may be used in another: `use` in `use` multiplies.
const USES: usize = 200;

pub(super) fn preview(source: &Source<'_>, _: &Type, limits: &Limits) -> Option<Draft> {
    let text = document(source, limits)?;
    let mut out = String::new();
    let mut words = Bounded::new(limits.text_len);
    let mut draft = Draft::default();
    let mut title = String::new();
    let mut open: Vec<String> = Vec::new();
    // elements that were dropped, with all in them
    let mut dropped = 0usize;
    let mut uses = 0;
    let mut xml = Xml::new(&text, limits.depth);
    for piece in xml.by_ref() {
        if out.len() > limits.body_len * 4 {
            draft.partial = true;
            break;
        }
        match piece {
            Piece::Open(tag) => {
                uses += usize::from(tag.name == "use");
                let allowed = ELEMENTS.contains(&tag.name.as_str())
                    && !(tag.name == "use" && (uses > USES || open.iter().any(|name| name == "symbol")))
                    && (!open.is_empty() || tag.name == "svg");
                if dropped > 0 || !allowed {
                    dropped += 1;
                    continue;
                }
                if open.is_empty() {
                    size(&tag, &mut draft);
                    out.push_str("<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\"");
                } else {
                    out.push('<');
                    out.push_str(&tag.name);
                }
                for (name, value) in
                    tag.attributes().filter(|(name, value)| is_harmless(&tag.name, name, value))
                {
                    out.push(' ');
                    out.push_str(if name == "href" { "xlink:href" } else { name });
                    out.push_str("=\"");
                    safe::push_html(&mut out, &safe::text(value));
                    out.push('"');
                }
                out.push('>');
                open.push(tag.name);
            }
            Piece::Close(_) if dropped > 0 => dropped -= 1,
            Piece::Close(_) => {
                if let Some(name) = open.pop() {
                    out.push_str(&format!("</{name}>"));
                }
            }
            Piece::Text(text) if dropped == 0 => {
                if open.last().is_some_and(|name| ["title", "desc", "text", "tspan"].contains(&name.as_str()))
                {
                    if open.len() == 2 && open[1] == "title" {
                        title.push_str(&text);
                    } else {
                        words.line(&text);
                    }
                    safe::push_html(&mut out, &safe::text(&text));
                }
            }
            Piece::Text(_) => {}
        }
    }
    if out.is_empty() {
        return None;
    }
    for name in open.iter().rev() {
        out.push_str(&format!("</{name}>"));
    }
    draft.partial |= xml.broken || source.bytes.len() > limits.body_len * 4;
    draft.title = (!title.trim().is_empty()).then_some(title);
    let (text, full) = words.end();
    draft.text = text;
    draft.partial |= full;
    draft.body = Some(Body::Svg(out));
    Some(draft)
}

fn size(tag: &super::xml::Tag, draft: &mut Draft) {
    let view = tag.attribute("viewBox").and_then(|view| {
        let mut numbers = view.split([' ', ',']).filter(|number| !number.is_empty()).skip(2);
        Some((numbers.next()?.to_owned(), numbers.next()?.to_owned()))
    });
    let sides = tag.attribute("width").zip(tag.attribute("height"));
    if let Some((width, height)) = sides.map(|(w, h)| (w.to_owned(), h.to_owned())).or(view) {
        draft.fact("size", format!("{width} × {height}"));
    }
}

fn is_harmless(element: &str, name: &str, value: &str) -> bool {
    if name == "href" {
        // within the drawing, or a picture that is part of it
        let picture = ["data:image/png;base64,", "data:image/jpeg;base64,"];
        return if element == "image" {
            picture.iter().any(|start| value.starts_with(start))
        } else {
            value.starts_with('#')
        };
    }
    let plain_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') && name.len() < 40;
    if !plain_name || name.starts_with("on") || name == "xmlns" || DANGEROUS.contains(&name) {
        return false;
    }
    // `url(` may only lead to a part of the drawing itself
    let lower = value.to_ascii_lowercase();
    let leads = lower.matches("url").count();
    leads
        == lower.matches("url(#").count() + lower.matches("url('#").count() + lower.matches("url(\"#").count()
        && !lower.contains("javascript")
        && !value.contains('\\')
}
