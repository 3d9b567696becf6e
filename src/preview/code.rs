//! Source code, and data that is written like it, with its syntax marked.
//!
//! syntect knows the languages; its scopes, of which there are hundreds, become a dozen classes.

use super::kind::{Kind, Type};
use super::limits::Limits;
use super::model::{Body, Draft};
use super::source::Source;
use super::{encoding, safe};
use std::sync::LazyLock;
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

/// The classes of the marks in code, with what they mean.
pub const CLASSES: &[(&str, &str)] = &[
    ("cc", "comment"),
    ("cs", "string"),
    ("cn", "number or constant"),
    ("ck", "keyword"),
    ("cf", "function"),
    ("ct", "type"),
    ("cg", "tag"),
    ("ca", "attribute or key"),
    ("cv", "built in"),
    ("ch", "heading"),
    ("ci", "inserted"),
    ("cd", "deleted"),
];

/// Scopes and their classes. The innermost scope that is listed decides; of two that fit, the first.
const SCOPES: &[(&str, &str)] = &[
    ("comment", "cc"),
    ("string.unquoted", ""),
    ("string", "cs"),
    ("constant", "cn"),
    ("keyword.operator", ""),
    ("keyword", "ck"),
    ("storage.type.function", "ck"),
    ("storage.type.class", "ck"),
    ("storage", "ck"),
    ("entity.name.function", "cf"),
    ("variable.function", "cf"),
    ("support.function", "cv"),
    ("entity.name.tag", "cg"),
    ("entity.name.section", "ch"),
    ("entity.name", "ct"),
    ("entity.other.attribute-name", "ca"),
    ("support.type.property-name", "ca"),
    ("support", "cv"),
    ("markup.heading", "ch"),
    ("markup.inserted", "ci"),
    ("markup.deleted", "cd"),
];

/// Languages that syntect does not bring, and what they look like enough.
const ALIKE: &[(&str, &str)] = &[
    ("ts", "js"),
    ("tsx", "js"),
    ("mts", "js"),
    ("jsx", "js"),
    ("mjs", "js"),
    ("cjs", "js"),
    ("vue", "html"),
    ("kt", "java"),
    ("kts", "java"),
    ("swift", "scala"),
    ("zig", "rs"),
    ("fish", "sh"),
    ("zsh", "sh"),
    ("ksh", "sh"),
    ("scss", "css"),
    ("sass", "css"),
    ("less", "css"),
    ("svg", "xml"),
    ("rss", "xml"),
    ("atom", "xml"),
    ("gpx", "xml"),
    ("kml", "xml"),
    ("plist", "xml"),
    ("xsd", "xml"),
    ("geojson", "json"),
    ("ipynb", "json"),
    ("ndjson", "json"),
    ("jsonl", "json"),
    ("jsonld", "json"),
    ("webmanifest", "json"),
    ("toml", "ini"),
    ("ini", "properties"),
    ("cfg", "properties"),
    ("conf", "properties"),
    ("env", "properties"),
    ("service", "properties"),
    ("desktop", "properties"),
    ("cs", "cs"),
    ("ps1", "sh"),
    ("nix", "hs"),
    ("ex", "rb"),
    ("exs", "rb"),
    ("graphql", "js"),
    ("proto", "java"),
    ("scm", "lisp"),
    ("el", "lisp"),
    ("rust", "rs"),
    ("shell", "sh"),
    ("console", "sh"),
    ("typescript", "js"),
    ("kotlin", "java"),
    ("mk", "sh"),
    ("mak", "sh"),
    ("make", "sh"),
    ("makefile", "sh"),
];
/// Grammars that take a second for a dozen lines of brackets.
const SLOW: &[&str] = &["Makefile"];

/// Longer lines are not marked: they were not written by people.
const LINE_LEN: usize = 500;
/// What is marked at the most, in squares of the lengths of lines: grammars read from each place to the end of the line,
/// and back. Lines that people write take a tenth of it.
const MARKED_SQUARES: usize = 4_000_000;

static SYNTAXES: LazyLock<SyntaxSet> = LazyLock::new(SyntaxSet::load_defaults_newlines);
static MEANINGS: LazyLock<Vec<(Scope, &str)>> = LazyLock::new(|| {
    SCOPES.iter().filter_map(|(scope, class)| Some((Scope::new(scope).ok()?, *class))).collect()
});

pub(super) fn preview(source: &Source<'_>, found: &Type, extension: &str, limits: &Limits) -> Option<Draft> {
    let bytes = source.first(limits.body_len);
    let decoded = encoding::decode(bytes)?;
    let text = safe::text(&decoded.text);
    let mut draft = of_text(&text, extension, limits);
    let cut = bytes.len() < source.bytes.len();
    draft.partial |= cut;
    // of what is cut nobody has counted the rest
    if found.kind == Kind::Code && !cut && source.is_whole() {
        draft.fact("lines", text.lines().count().to_string());
    }
    Some(draft)
}

/// How much may still be marked: the bytes of all code in one file, and the squares of the lengths of its lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marks {
    len: usize,
    squares: usize,
}

impl Marks {
    /// Of `len` bytes.
    pub(super) fn new(len: usize) -> Marks {
        Marks { len, squares: MARKED_SQUARES }
    }
}

/// The same for text that is there already, and safe.
pub(super) fn of_text(text: &str, extension: &str, limits: &Limits) -> Draft {
    // who wants no marks does not wait until the languages are unpacked either
    let syntax = if limits.marked_len > 0 { syntax(extension) } else { None };
    let (language, html) = match syntax {
        Some(syntax) => (syntax.name.clone(), highlighted(text, syntax, &mut Marks::new(limits.marked_len))),
        None => (String::new(), safe::html(text)),
    };
    let searchable = safe::head(text, limits.text_len);
    Draft {
        text: searchable.to_owned(),
        body: Some(Body::Code { language, html }),
        partial: searchable.len() < text.len(),
        ..Draft::default()
    }
}

/// Code within something else, by the name of its language; escaped, and marked where it can be and `marks` allows.
pub(super) fn fragment(text: &str, language: &str, marks: &mut Marks) -> String {
    let language = if text.len() <= marks.len { language } else { "" };
    match syntax(language) {
        Some(syntax) => highlighted(text, syntax, marks),
        None => safe::html(text),
    }
}

fn syntax(language: &str) -> Option<&'static SyntaxReference> {
    if language.is_empty() || language.len() > 32 {
        return None;
    }
    let language = language.to_lowercase();
    let find = |name: &str| {
        SYNTAXES.find_syntax_by_token(name).filter(|syntax| !SLOW.contains(&syntax.name.as_str()))
    };
    let alike = || ALIKE.iter().find(|(name, _)| *name == language).and_then(|(_, alike)| find(alike));
    find(&language).or_else(alike).filter(|syntax| syntax.name != "Plain Text")
}

/// Marks as much as may be marked; the rest stays plain.
fn highlighted(text: &str, syntax: &SyntaxReference, marks: &mut Marks) -> String {
    let mut out = Marked::default();
    let mut state = ParseState::new(syntax);
    let mut stack = ScopeStack::new();
    let mut rest = text;
    while let Some(len) = next_line(rest) {
        let (line, after) = rest.split_at(len);
        let Some(len_left) = marks.len.checked_sub(line.len()) else { break };
        marks.len = len_left;
        if line.len() > LINE_LEN {
            out.push(line, "");
            rest = after;
            continue;
        }
        let Some(squares_left) = marks.squares.checked_sub(line.len() * line.len()) else { break };
        marks.squares = squares_left;
        rest = after;
        let Ok(changes) = state.parse_line(line, &SYNTAXES) else {
            out.push(line, "");
            break;
        };
        let mut at = 0;
        for (until, change) in changes {
            let until = safe::boundary(line, until.max(at));
            out.push(&line[at..until], class_of(&stack));
            at = until;
            // a change that does not fit the stack costs the colour, no more
            let _ = stack.apply(&change);
        }
        out.push(&line[at..], class_of(&stack));
    }
    out.push(rest, "");
    out.end()
}

/// Bytes of the first line with its end.
fn next_line(text: &str) -> Option<usize> {
    (!text.is_empty()).then(|| text.find('\n').map_or(text.len(), |at| at + 1))
}

fn class_of(stack: &ScopeStack) -> &'static str {
    for scope in stack.as_slice().iter().rev() {
        if let Some((_, class)) = MEANINGS.iter().find(|(known, _)| known.is_prefix_of(*scope)) {
            return class;
        }
    }
    ""
}

/// HTML that changes class where it has to.
#[derive(Default)]
struct Marked {
    html: String,
    class: &'static str,
}

impl Marked {
    fn push(&mut self, text: &str, class: &'static str) {
        if text.is_empty() {
            return;
        }
        // blanks look the same in any class
        let class = if text.trim().is_empty() { self.class } else { class };
        if class != self.class {
            self.close();
            if !class.is_empty() {
                self.html.push_str("<span class=\"");
                self.html.push_str(class);
                self.html.push_str("\">");
            }
            self.class = class;
        }
        safe::push_html(&mut self.html, text);
    }

    fn close(&mut self) {
        if !self.class.is_empty() {
            self.html.push_str("</span>");
        }
    }

    fn end(mut self) -> String {
        self.close();
        self.html
    }
}
