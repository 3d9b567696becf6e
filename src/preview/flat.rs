//! The first step of showing HTML: tokens are put together again, flat, closed and bounded, from a list of harmless
//! elements. On the way their text is gathered.

use super::html::is_local_picture;
use super::limits::Limits;
use super::safe::{self, Bounded};
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{Tag, TagKind, Token, TokenSink, TokenSinkResult};
use std::cell::RefCell;

/// Elements that begin a line of their own.
pub(super) const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "caption",
    "center",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tbody",
    "tfoot",
    "thead",
    "tr",
    "ul",
];
/// Elements within lines.
pub(super) const INLINE: &[&str] = &[
    "a", "abbr", "b", "bdi", "cite", "code", "del", "dfn", "em", "i", "ins", "kbd", "mark", "q", "rp", "rt",
    "ruby", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "td", "th", "tt", "u", "var",
];
/// Elements without an end.
pub(super) const VOID: &[&str] = &["br", "hr", "img", "wbr"];
/// Elements that go with all that is in them.
const DROPPED: &[&str] =
    &["applet", "audio", "canvas", "math", "object", "select", "svg", "template", "video"];
/// How many elements within a line may be open at once: browsers open them anew in every block.
const INLINE_DEPTH: usize = 8;
/// Length of an attribute; a picture in a `data:` URL may be longer.
const ATTRIBUTE_LEN: usize = 2000;
const PICTURE_LEN: usize = 200_000;

/// What takes the tokens.
pub(super) struct Flat {
    pub(super) state: RefCell<State>,
}

/// What has come out so far.
pub(super) struct State {
    pub(super) out: String,
    pub(super) text: Bounded,
    pub(super) title: Option<String>,
    /// The first heading.
    pub(super) heading: Option<String>,
    /// Elements that are open in `out`.
    open: Vec<&'static str>,
    /// The element whose contents are dropped, and how many of its name are open.
    dropped: Option<(String, usize)>,
    in_title: bool,
    in_heading: bool,
    in_pre: usize,
    max_depth: usize,
    max_len: usize,
    /// Whether something did not fit.
    pub(super) full: bool,
}

impl Flat {
    pub(super) fn new(limits: &Limits) -> Flat {
        Flat {
            state: RefCell::new(State {
                out: String::new(),
                text: Bounded::new(limits.text_len),
                title: None,
                heading: None,
                open: Vec::new(),
                dropped: None,
                in_title: false,
                in_heading: false,
                in_pre: 0,
                max_depth: limits.depth,
                max_len: limits.body_len,
                full: false,
            }),
        }
    }
}

impl TokenSink for Flat {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        let mut state = self.state.borrow_mut();
        match token {
            Token::TagToken(tag) => state.tag(&tag),
            Token::CharacterTokens(text) => {
                state.characters(&text);
                TokenSinkResult::Continue
            }
            _ => TokenSinkResult::Continue,
        }
    }
}

impl State {
    fn tag(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        let name: &str = &tag.name;
        let opens = tag.kind == TagKind::StartTag;
        if let Some((dropped, count)) = &mut self.dropped {
            if dropped == name {
                *count = if opens { *count + usize::from(!tag.self_closing) } else { *count - 1 };
                if *count == 0 {
                    self.dropped = None;
                }
            }
            return TokenSinkResult::Continue;
        }
        match name {
            "title" => {
                self.in_title = opens;
                return if opens {
                    TokenSinkResult::RawData(RawKind::Rcdata)
                } else {
                    TokenSinkResult::Continue
                };
            }
            "script" | "style" | "noscript" | "iframe" | "noembed" | "noframes" | "xmp" | "textarea"
            | "plaintext" => {
                if !opens {
                    return TokenSinkResult::Continue;
                }
                self.dropped = Some((name.to_owned(), 1));
                return match name {
                    "script" => TokenSinkResult::RawData(RawKind::ScriptData),
                    "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
                    "plaintext" => TokenSinkResult::Plaintext,
                    _ => TokenSinkResult::RawData(RawKind::Rawtext),
                };
            }
            _ => {}
        }
        if opens && DROPPED.contains(&name) && !tag.self_closing {
            self.dropped = Some((name.to_owned(), 1));
            return TokenSinkResult::Continue;
        }
        let known = BLOCKS.iter().chain(INLINE).chain(VOID).find(|known| **known == name);
        if let Some(known) = known {
            if opens { self.start(known, tag) } else { self.end(known) }
        }
        TokenSinkResult::Continue
    }

    fn start(&mut self, name: &'static str, tag: &Tag) {
        if self.out.len() > self.max_len {
            self.full = true;
            return;
        }
        let block = BLOCKS.contains(&name);
        if block || name == "br" {
            self.text.new_line();
        }
        if name == "td" || name == "th" {
            self.text.push("\t");
        }
        self.close_implied(name, block);
        if name == "img" && !shows_picture(tag) {
            self.out.push_str(&safe::html(&safe::line(attribute(tag, "alt").unwrap_or_default())));
            return;
        }
        if VOID.contains(&name) {
            self.write_start(name, tag);
            return;
        }
        let inline = INLINE.contains(&name);
        let too_many =
            inline && self.open.iter().filter(|open| INLINE.contains(open)).count() >= INLINE_DEPTH;
        if self.open.len() >= self.max_depth || too_many {
            // its contents are shown without it
            self.full |= !inline;
            return;
        }
        self.write_start(name, tag);
        self.open.push(name);
        self.in_pre += usize::from(name == "pre");
        if matches!(name, "h1" | "h2" | "h3") && self.heading.is_none() {
            self.in_heading = true;
            self.heading = Some(String::new());
        }
    }

    fn end(&mut self, name: &'static str) {
        if BLOCKS.contains(&name) {
            self.text.new_line();
        }
        if let Some(at) = self.open.iter().rposition(|open| *open == name) {
            self.close_to(at);
        }
    }

    /// What a browser closes by itself when this begins.
    fn close_implied(&mut self, name: &str, block: bool) {
        let closes: (&[&str], &[&str]) = match name {
            "li" => (&["li"], &["ul", "ol"]),
            "dt" | "dd" => (&["dt", "dd"], &["dl"]),
            "td" | "th" => (&["td", "th"], &["table", "tr"]),
            "tr" => (&["tr"], &["table"]),
            "thead" | "tbody" | "tfoot" => (&["thead", "tbody", "tfoot"], &["table"]),
            "a" => (&["a"], &["td", "th", "table"]),
            _ if block => (&["p"], &["table", "td", "th", "li", "dd", "div", "blockquote"]),
            _ => return,
        };
        for at in (0..self.open.len()).rev() {
            if closes.0.contains(&self.open[at]) {
                self.close_to(at);
                return;
            }
            if closes.1.contains(&self.open[at]) {
                return;
            }
        }
    }

    /// Closes elements until `len` are open.
    pub(super) fn close_to(&mut self, len: usize) {
        for name in self.open.drain(len..).rev() {
            self.out.push_str("</");
            self.out.push_str(name);
            self.out.push('>');
            self.in_pre -= usize::from(name == "pre");
            if matches!(name, "h1" | "h2" | "h3") {
                self.in_heading = false;
            }
        }
    }

    fn write_start(&mut self, name: &str, tag: &Tag) {
        self.out.push('<');
        self.out.push_str(name);
        for attribute in tag.attrs.iter().take(32) {
            let (key, value): (&str, &str) = (&attribute.name.local, &attribute.value);
            let max = if key == "src" { PICTURE_LEN } else { ATTRIBUTE_LEN };
            let wanted = [
                "href", "src", "alt", "width", "height", "colspan", "rowspan", "start", "title", "dir",
                "lang", "class",
            ];
            if wanted.contains(&key) && value.len() <= max {
                self.out.push(' ');
                self.out.push_str(key);
                self.out.push_str("=\"");
                safe::push_html(&mut self.out, &safe::text(value));
                self.out.push('"');
            }
        }
        self.out.push('>');
    }

    fn characters(&mut self, text: &str) {
        if self.dropped.is_some() {
            return;
        }
        if self.in_title {
            push_bounded(self.title.get_or_insert_default(), text);
            return;
        }
        if self.in_heading {
            push_bounded(self.heading.get_or_insert_default(), text);
        }
        if self.in_pre > 0 {
            self.text.push(text);
        } else {
            self.words(text);
        }
        let fitting = safe::head(text, self.max_len.saturating_sub(self.out.len()));
        self.full |= fitting.len() < text.len();
        safe::push_html(&mut self.out, &safe::text(fitting));
    }

    /// Text with white space run together, as a browser shows it.
    fn words(&mut self, text: &str) {
        let blank = |c: char| c.is_whitespace();
        let at_blank = self.text.as_str().is_empty() || self.text.as_str().ends_with(blank);
        if text.starts_with(blank) && !at_blank {
            self.text.push(" ");
        }
        let mut words = text.split_whitespace().peekable();
        let any = words.peek().is_some();
        while let Some(word) = words.next() {
            if self.text.is_full() {
                return;
            }
            self.text.push(word);
            if words.peek().is_some() {
                self.text.push(" ");
            }
        }
        if any && text.ends_with(blank) {
            self.text.push(" ");
        }
    }
}

fn attribute<'a>(tag: &'a Tag, name: &str) -> Option<&'a str> {
    tag.attrs.iter().find(|attribute| &*attribute.name.local == name).map(|attribute| &*attribute.value)
}

/// Of a picture on the web the words that stand for it are left.
fn shows_picture(tag: &Tag) -> bool {
    attribute(tag, "src").is_some_and(|url| url.len() <= PICTURE_LEN && is_local_picture(url))
}

fn push_bounded(out: &mut String, text: &str) {
    out.push_str(safe::head(text, ATTRIBUTE_LEN.saturating_sub(out.len())));
}
