//! The attributes of drawings: which are harmless, and those that styles stand for.

use super::safe;
use super::xml::Tag;
use std::cell::Cell;
use std::collections::HashMap;

/// Attributes of shapes and of what they are filled with.
#[rustfmt::skip]
const ATTRIBUTES: &[&str] = &[
    "id", "href", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "fx", "fy", "fr", "dx", "dy", "d",
    "points", "width", "height", "viewBox", "preserveAspectRatio", "transform", "pathLength", "rotate", "textLength",
    "lengthAdjust", "startOffset", "gradientUnits", "gradientTransform", "spreadMethod", "offset", "patternUnits",
    "patternContentUnits", "patternTransform", "clipPathUnits", "maskUnits", "maskContentUnits", "markerUnits",
    "markerWidth", "markerHeight", "refX", "refY", "orient", "filterUnits", "primitiveUnits", "stdDeviation", "in",
    "in2", "result", "mode", "operator", "k1", "k2", "k3", "k4", "type", "values", "systemLanguage",
];
/// Attributes that may stand in styles as well.
#[rustfmt::skip]
const STYLES: &[&str] = &[
    "fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-linecap", "stroke-linejoin",
    "stroke-miterlimit", "stroke-dasharray", "stroke-dashoffset", "stroke-opacity", "opacity", "color", "display",
    "visibility", "overflow", "font-family", "font-size", "font-style", "font-weight", "font-variant", "font-stretch",
    "text-anchor", "text-decoration", "letter-spacing", "word-spacing", "dominant-baseline", "alignment-baseline",
    "baseline-shift", "writing-mode", "stop-color", "stop-opacity", "clip-path", "clip-rule", "mask", "mask-type",
    "filter", "marker-start", "marker-mid", "marker-end", "flood-color", "flood-opacity", "paint-order",
    "vector-effect", "shape-rendering", "color-interpolation-filters",
];
/// What may be called in a value, besides `url(#…)`.
#[rustfmt::skip]
const FUNCTIONS: &[&str] = &[
    "rgb", "rgba", "hsl", "hsla", "matrix", "translate", "scale", "rotate", "skewx", "skewy",
];
/// Classes of one element that are looked up.
const CLASSES: usize = 8;
/// Bytes that all elements may get from their classes, and what a value costs beside its own: a few lines of a style
/// sheet stand for as much in every element.
const CLASSES_LEN: usize = 16 * 1024 * 1024;
const VALUE_COST: usize = 16;
/// Bytes of what `url(…)` refers to.
const ID_LEN: usize = 256;

/// The classes that a drawing's style sheets describe; other rules are passed over.
#[derive(Debug)]
pub(super) struct Classes {
    styles: HashMap<String, Vec<(&'static str, String)>>,
    /// Bytes that elements may still get.
    left: Cell<usize>,
}

impl Default for Classes {
    fn default() -> Classes {
        Classes { styles: HashMap::new(), left: Cell::new(CLASSES_LEN) }
    }
}

impl Classes {
    pub(super) fn of(sheet: &str) -> Classes {
        let mut classes = Classes::default();
        let mut rest = sheet;
        let mut plain = String::new();
        while let Some((before, comment)) = rest.split_once("/*") {
            plain.push_str(before);
            rest = comment.split_once("*/").map_or("", |(_, after)| after);
        }
        plain.push_str(rest);
        for rule in plain.split('}') {
            let Some((selectors, declarations)) = rule.split_once('{') else { continue };
            let names = selectors.split(',').filter_map(|selector| selector.trim().strip_prefix('.'));
            let single = |name: &&str| !name.contains([' ', '.', ':', '>', '[', '#', '+', '~']);
            for name in names.filter(single).take(CLASSES) {
                styles(declarations, classes.styles.entry(name.to_owned()).or_default());
            }
        }
        classes
    }

    /// Whether elements were left without what their classes stand for.
    pub(super) fn is_spent(&self) -> bool {
        self.left.get() == 0
    }

    /// The attributes that an element is to have, each once: its own, those of its classes, those of its style.
    pub(super) fn attributes(&self, tag: &Tag) -> Vec<(&'static str, String)> {
        let mut found: Vec<(&'static str, String)> = Vec::new();
        let (mut classes, mut style) = ("", "");
        for (name, value) in tag.attributes() {
            match name {
                "class" => classes = value,
                "style" => style = value,
                _ => {
                    let name = if name == "xlink:href" { "href" } else { name };
                    let known = ATTRIBUTES.iter().chain(STYLES).find(|known| **known == name);
                    if let Some(known) = known
                        && !found.iter().any(|(name, _)| name == known)
                    {
                        found.push((known, safe::text(value)));
                    }
                }
            }
        }
        for class in classes.split_whitespace().take(CLASSES) {
            for (name, value) in self.styles.get(class).into_iter().flatten() {
                self.left.set(self.left.get().saturating_sub(value.len() + VALUE_COST));
                if !self.is_spent() {
                    set(&mut found, name, value.clone());
                }
            }
        }
        styles(style, &mut found);
        found
    }
}

/// Reads `name: value; name: value`, of which the last of a name counts.
fn styles(declarations: &str, found: &mut Vec<(&'static str, String)>) {
    for declaration in declarations.split(';') {
        let Some((name, value)) = declaration.split_once(':') else { continue };
        let value = value.trim();
        let value = value.strip_suffix("!important").unwrap_or(value).trim();
        let known = STYLES.iter().find(|known| **known == name.trim());
        if let Some(known) = known.filter(|_| is_value(value)) {
            set(found, known, safe::text(value));
        }
    }
}

fn set(found: &mut Vec<(&'static str, String)>, name: &'static str, value: String) {
    match found.iter_mut().find(|(known, _)| *known == name) {
        Some((_, old)) => *old = value,
        None => found.push((name, value)),
    }
}

/// Whether an attribute of an element acts and loads nothing.
pub(super) fn is_harmless(element: &str, name: &str, value: &str) -> bool {
    if name != "href" {
        return is_value(value);
    }
    if element == "image" {
        // a picture that is part of the drawing
        return ["data:image/png;base64,", "data:image/jpeg;base64,"]
            .iter()
            .any(|start| value.starts_with(start));
    }
    value.strip_prefix('#').is_some_and(is_plain_id)
}

/// Parts are found by what stands there, so that nothing may stand there that a browser reads as something else.
fn is_plain_id(id: &str) -> bool {
    !id.is_empty() && !id.contains(|c: char| "%\\\"'()".contains(c) || c.is_whitespace() || c.is_control())
}

/// Whether a value calls nothing but what is harmless, and refers to parts of the drawing itself.
fn is_value(value: &str) -> bool {
    !value.contains('\\')
        && value.match_indices('(').all(|(at, _)| {
            let name = function(&value[..at]);
            if name == "url" {
                target(&value[at + 1..]).is_some_and(is_plain_id)
            } else {
                FUNCTIONS.contains(&name.as_str())
            }
        })
}

/// The name that ends there, in lower case.
fn function(before: &str) -> String {
    let before = before.trim_end();
    let start = before
        .rfind(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    before[start..].to_ascii_lowercase()
}

/// What `#…)` refers to; a quote goes on to its like, whatever stands between, as browsers read it.
fn target(inside: &str) -> Option<&str> {
    let inside = safe::head(inside, ID_LEN).trim_start();
    let quoted = ['"', '\''].iter().find_map(|quote| inside.strip_prefix(*quote)?.split_once(*quote));
    let id = match quoted {
        Some((id, after)) => after.trim_start().starts_with(')').then_some(id)?,
        None => inside.split_once(')')?.0.trim_end(),
    };
    id.strip_prefix('#')
}

/// The parts of the drawing that a value refers to.
pub(super) fn references(value: &str) -> Vec<&str> {
    let calls = value.match_indices('(').filter(|(at, _)| function(&value[..*at]) == "url");
    calls.filter_map(|(at, _)| target(&value[at + 1..])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_end_where_browsers_end_them() {
        assert_eq!(references("url(#a) url( '#b' ) URL(\"#c\")"), ["a", "b", "c"]);
        for foreign in ["url(\"#a)b\")", "url('#a)", "url(#a", "url(\"#a\"x)", "url(a)"] {
            assert!(references(foreign).iter().all(|id| !is_plain_id(id)), "{foreign}");
            assert!(!is_value(foreign), "{foreign}");
        }
        assert!(is_value("url(\"#a\")") && is_value("url(#a) none") && !is_value("url(#a'b)"));
    }
}
