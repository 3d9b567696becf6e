//! Drawings in SVG, written anew from a list of harmless elements and attributes: no script, no event, no style sheet,
//! nothing from elsewhere. What comes out is meant to be shown as an image, where none of that would act either.
//!
//! Styles become attributes. What is drawn again elsewhere (`use`, patterns, masks) may not draw something again
//! itself: a few lines of that would keep a browser busy for ever.

use super::kind::Type;
use super::limits::Limits;
use super::model::{Body, Draft};
use super::outline::document;
use super::safe::{self, Bounded};
use super::source::Source;
use super::svg_style::{Classes, is_harmless, references};
use super::xml::{Piece, Tag, Xml};
use std::collections::{HashMap, HashSet};

#[rustfmt::skip]
const ELEMENTS: &[&str] = &[
    "svg", "g", "defs", "symbol", "use", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text",
    "tspan", "textPath", "title", "desc", "linearGradient", "radialGradient", "stop", "clipPath", "mask", "pattern",
    "marker", "filter", "feGaussianBlur", "feOffset", "feMerge", "feMergeNode", "feBlend", "feColorMatrix", "feFlood",
    "feComposite", "image", "switch",
];
/// Elements whose characters are shown or read out.
const WORDS: &[&str] = &["title", "desc", "text", "tspan", "textPath"];
/// Elements that are drawn wherever something refers to them.
const DRAWN_AGAIN: &[&str] = &["symbol", "pattern", "marker", "mask", "clipPath"];
const GRADIENTS: &[&str] = &["linearGradient", "radialGradient"];
/// Elements that all references together may draw.
const COPIES: usize = 100_000;

pub(super) fn preview(source: &Source<'_>, _: &Type, limits: &Limits) -> Option<Draft> {
    let text = document(source, limits)?;
    let mut drawing = Drawing {
        plan: Plan::of(&text, limits.depth),
        out: String::new(),
        words: Bounded::new(limits.text_len),
        title: String::new(),
        open: Vec::new(),
        dropped: 0,
        copies: COPIES,
        max_len: limits.body_len,
    };
    let mut draft = Draft::default();
    let mut xml = Xml::new(&text, limits.depth);
    for piece in xml.by_ref() {
        if drawing.out.len() > limits.body_len * 4 {
            draft.partial = true;
            break;
        }
        match piece {
            Piece::Open(tag) => {
                if drawing.out.is_empty() {
                    size(&tag, &mut draft);
                }
                drawing.open(&tag);
            }
            Piece::Close(_) => drawing.close(),
            Piece::Text(text) => drawing.text(&text),
        }
    }
    drawing.dropped = 0;
    (0..drawing.open.len()).for_each(|_| drawing.close());
    if drawing.out.is_empty() {
        return None;
    }
    let (text, full) = drawing.words.end();
    draft.partial |= drawing.plan.classes.is_spent();
    draft.partial |= full || xml.broken || source.bytes.len() > limits.body_len * 4;
    draft.title = Some(drawing.title).filter(|title| !title.trim().is_empty());
    draft.text = text;
    draft.body = Some(Body::Svg(drawing.out));
    Some(draft)
}

fn size(tag: &Tag, draft: &mut Draft) {
    let view = tag.attribute("viewBox").and_then(|view| {
        let mut numbers = view.split([' ', ',']).filter(|number| !number.is_empty()).skip(2);
        Some((numbers.next()?.to_owned(), numbers.next()?.to_owned()))
    });
    let sides = tag.attribute("width").zip(tag.attribute("height"));
    if let Some((width, height)) = sides.map(|(w, h)| (w.to_owned(), h.to_owned())).or(view) {
        draft.fact("size", format!("{width} × {height}"));
    }
}

/// The name that an element gets: links are shown as what they are around.
fn name_of(tag: &Tag) -> Option<&'static str> {
    let name = if tag.name == "a" { "g" } else { &tag.name };
    ELEMENTS.iter().find(|known| **known == name).copied()
}

/// What has to be known of a drawing before it is written: how much each reference to a part would draw.
#[derive(Default)]
struct Plan {
    /// Elements in parts with an `id`, themselves included.
    sizes: HashMap<String, usize>,
    /// Parts that a `use` draws again.
    used: HashSet<String>,
    gradients: HashSet<String>,
    classes: Classes,
}

impl Plan {
    fn of(text: &str, depth: usize) -> Plan {
        let mut plan = Plan::default();
        let mut open: Vec<(Option<String>, usize)> = Vec::new();
        let mut count = 0;
        let mut in_style = false;
        let mut style = String::new();
        for piece in Xml::new(text, depth) {
            match piece {
                Piece::Open(tag) => {
                    in_style = tag.name == "style";
                    let attributes = Classes::default().attributes(&tag);
                    let value = |name: &str| {
                        attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
                    };
                    let id = value("id");
                    if tag.name == "use" {
                        let target = value("href").and_then(|href| href.strip_prefix('#').map(str::to_owned));
                        plan.used.extend(target);
                    }
                    if GRADIENTS.contains(&tag.name.as_str()) {
                        plan.gradients.extend(id.clone());
                    }
                    open.push((id, count));
                    count += 1;
                }
                Piece::Close(_) => {
                    in_style = false;
                    plan.note(open.pop(), count);
                }
                Piece::Text(text) if in_style => style.push_str(&text),
                Piece::Text(_) => {}
            }
        }
        while let Some(part) = open.pop() {
            plan.note(Some(part), count);
        }
        plan.classes = Classes::of(&style);
        plan
    }

    fn note(&mut self, part: Option<(Option<String>, usize)>, count: usize) {
        if let Some((Some(id), before)) = part {
            let size = self.sizes.entry(id).or_default();
            *size = count.saturating_sub(before).max(*size);
        }
    }
}

/// An element that is open in what is written.
struct Open {
    name: &'static str,
    /// Whether it is drawn again elsewhere.
    again: bool,
}

struct Drawing {
    plan: Plan,
    out: String,
    words: Bounded,
    title: String,
    open: Vec<Open>,
    /// How many elements that are left out are open.
    dropped: usize,
    /// Elements that references may still draw.
    copies: usize,
    /// Bytes of one piece of text.
    max_len: usize,
}

impl Drawing {
    fn open(&mut self, tag: &Tag) {
        let name = name_of(tag).filter(|name| !self.open.is_empty() || *name == "svg");
        let Some(name) = name.filter(|_| self.dropped == 0) else {
            self.dropped += 1;
            return;
        };
        let attributes = self.plan.classes.attributes(tag);
        let id = attributes.iter().find(|(name, _)| *name == "id").map(|(_, id)| id.as_str());
        let again = self.open.last().is_some_and(|parent| parent.again)
            || DRAWN_AGAIN.contains(&name)
            || id.is_some_and(|id| self.plan.used.contains(id));
        if name == "use" {
            let href = attributes.iter().find(|(name, _)| *name == "href").map(|(_, href)| href.as_str());
            let target = href.filter(|href| is_harmless(name, "href", href)).and_then(|href| href.get(1..));
            if again || !target.is_some_and(|target| self.may_draw(target)) {
                self.dropped += 1;
                return;
            }
        }
        self.out.push('<');
        self.out.push_str(name);
        if self.open.is_empty() {
            self.out.push_str(
                " xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\"",
            );
        }
        for (key, value) in &attributes {
            if !is_harmless(name, key, value) {
                continue;
            }
            let refers = if *key == "href" { Vec::new() } else { references(value) };
            let drawn = |id: &&str| !self.plan.gradients.contains(*id);
            let draws: Vec<&str> = refers.into_iter().filter(drawn).collect();
            if again && !draws.is_empty() || !draws.iter().all(|id| self.may_draw(id)) {
                continue;
            }
            self.out.push(' ');
            self.out.push_str(if *key == "href" { "xlink:href" } else { key });
            self.out.push_str("=\"");
            safe::push_html(&mut self.out, value);
            self.out.push('"');
        }
        self.out.push('>');
        self.open.push(Open { name, again });
    }

    /// Takes what a reference draws from what all of them may draw.
    fn may_draw(&mut self, id: &str) -> bool {
        match self.copies.checked_sub(self.plan.sizes.get(id).copied().unwrap_or(1)) {
            Some(left) => {
                self.copies = left;
                true
            }
            None => false,
        }
    }

    fn close(&mut self) {
        if self.dropped > 0 {
            self.dropped -= 1;
        } else if let Some(open) = self.open.pop() {
            self.out.push_str("</");
            self.out.push_str(open.name);
            self.out.push('>');
        }
    }

    fn text(&mut self, text: &str) {
        let Some(open) = self.open.last().filter(|open| self.dropped == 0 && WORDS.contains(&open.name))
        else {
            return;
        };
        if self.open.len() == 2 && open.name == "title" {
            self.title.push_str(text);
        } else {
            self.words.line(text);
        }
        safe::push_html(&mut self.out, &safe::text(safe::head(text, self.max_len)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(inside: &str) -> String {
        let text = format!(
            "<svg xmlns='http://www.w3.org/2000/svg' xmlns:inkscape='http://ink' inkscape:version='1' version='1.1'>\
             {inside}</svg>"
        );
        let source = Source::new("a.svg", text.as_bytes());
        let draft = preview(&source, &super::super::kind::PLAIN, &Limits::default());
        let Some(Body::Svg(svg)) = draft.and_then(|draft| draft.body) else { panic!("no drawing") };
        let start = svg.find('>').map_or(0, |at| at + 1);
        svg[start..].trim_end_matches("</svg>").to_owned()
    }

    #[test]
    fn styles_become_attributes() {
        assert_eq!(
            drawn(
                "<path d='M0 0' fill='red' style='fill: #00f !important; -inkscape-x: y; stroke:url(#a)'/>"
            ),
            "<path d=\"M0 0\" fill=\"#00f\" stroke=\"url(#a)\"></path>"
        );
        let classes = "<style>/* .x{} */ .a, .b { fill: red; stroke: url(http://b) } rect{x:1}</style>";
        assert_eq!(
            drawn(&format!("{classes}<rect class='b' style='stroke:blue'/><rect class='a'/>")),
            "<rect fill=\"red\" stroke=\"blue\"></rect><rect fill=\"red\"></rect>"
        );
    }

    #[test]
    fn attributes_stand_once_and_without_foreign_prefixes() {
        assert_eq!(
            drawn("<g id='a' xml:id='b' ID='c' inkscape:x='d' HREF='http://t' onLoad='e' ONLOAD='f'/>"),
            "<g id=\"a\"></g>"
        );
        assert_eq!(
            drawn("<image href='data:image/png;base64,AA' xlink:href='data:image/png;base64,BB'/>"),
            "<image xlink:href=\"data:image/png;base64,AA\"></image>"
        );
    }

    #[test]
    fn links_are_shown_as_what_they_are_around() {
        assert_eq!(drawn("<a xlink:href='http://t'><text>x</text></a>"), "<g><text>x</text></g>");
    }

    #[test]
    fn what_is_drawn_again_draws_nothing_again() {
        let levels: String = (1..50)
            .map(|i| format!("<g id='a{i}'>{}</g>", format!("<use href='#a{}'/>", i - 1).repeat(2)))
            .collect();
        let svg = drawn(&format!("<defs><g id='a0'><path/></g>{levels}</defs><use href='#a49'/>"));
        assert_eq!(svg.matches("<use").count(), 1, "only the last: the others are in what is drawn again");

        let escaped = drawn("<g id='a'><use href='#%61'/></g><use href='#a&#x202e; '/>");
        assert!(!escaped.contains("<use"), "{escaped}");
        let patterns = drawn("<pattern id='p'><rect fill='url(#q)'/></pattern><rect fill='url(#p)'/>");
        assert_eq!(patterns, "<pattern id=\"p\"><rect></rect></pattern><rect fill=\"url(#p)\"></rect>");
        let kept = drawn("<linearGradient id='l'/><g id='a'><rect fill='url(#l)'/></g><use href='#a'/>");
        assert!(kept.contains("fill=\"url(#l)\"") && kept.contains("<use"), "{kept}");
    }

    #[test]
    fn copies_have_an_end() {
        let svg =
            drawn(&format!("<g id='a'>{}</g>{}", "<path/>".repeat(999), "<use href='#a'/>".repeat(200)));
        assert_eq!(svg.matches("<use").count(), COPIES / 1000);
    }
}
