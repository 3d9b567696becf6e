//! HTML that can be shown: what is foreign in it is taken apart, bounded, and put together again without anything
//! that acts or loads.
//!
//! Two steps. A pass over the tokens (html5ever's) keeps a list of harmless elements, closes what is open, and bounds
//! depth and length; in what comes out, building the tree costs no more than reading it, which is not so for HTML at
//! large (a few hundred open `<b>` are opened anew in every paragraph). What it leaves then goes through ammonia,
//! which has the last word on what is safe.

use super::flat::{BLOCKS, Flat, INLINE, VOID};
use super::kind::Type;
use super::limits::Limits;
use super::model::{Body, Draft};
use super::safe::{self, Bounded};
use super::source::Source;
use super::{code, encoding};
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, Tokenizer, TokenizerOpts};
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// A sanitised page.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) html: String,
    pub(super) text: Bounded,
    pub(super) title: Option<String>,
    /// Whether something did not fit.
    pub(super) partial: bool,
}

pub(super) fn preview(source: &Source<'_>, _: &Type, limits: &Limits) -> Option<Draft> {
    let bytes = source.first(limits.body_len);
    let text = encoding::decode_declared(bytes, declared(bytes).as_deref())?.text;
    let page = sanitise(&text, limits);
    let (text, full) = page.text.end();
    Some(Draft {
        title: page.title,
        text,
        body: Some(Body::Html(page.html)),
        partial: page.partial || full || bytes.len() < source.bytes.len(),
        ..Draft::default()
    })
}

/// The encoding that a page or an XML file names in its head.
pub(super) fn declared(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]).to_ascii_lowercase();
    let after = head.split_once("charset=").or_else(|| head.split_once("encoding="))?.1;
    let label: String = after
        .trim_start_matches(['"', '\'', ' '])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_:".contains(*c))
        .collect();
    (!label.is_empty()).then_some(label)
}

/// What of `html` can be shown, and its text.
pub(super) fn sanitise(html: &str, limits: &Limits) -> Page {
    let tokenizer = Tokenizer::new(Flat::new(limits), TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(html));
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    let mut flat = tokenizer.sink.state.into_inner();
    flat.close_to(0);
    let clean = AMMONIA.clean(&flat.out).to_string();
    let title = flat.title.or(flat.heading).filter(|title| !safe::line(title).is_empty());
    Page { html: clean, text: flat.text, title, partial: flat.full }
}

/// What is allowed in the end; the same list as that of the first step.
static AMMONIA: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let tags = BLOCKS.iter().chain(INLINE).chain(VOID).copied().collect();
    let attributes = HashMap::from([
        ("a", HashSet::from(["href"])),
        ("img", HashSet::from(["src", "alt", "width", "height"])),
        ("td", HashSet::from(["colspan", "rowspan"])),
        ("th", HashSet::from(["colspan", "rowspan"])),
        ("ol", HashSet::from(["start"])),
    ]);
    let classes = HashMap::from([("span", code::CLASSES.iter().map(|(class, _)| *class).collect())]);
    let mut builder = ammonia::Builder::empty();
    builder
        .tags(tags)
        .tag_attributes(attributes)
        .generic_attributes(HashSet::from(["title", "dir", "lang"]))
        .allowed_classes(classes)
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel", "data", "cid"]))
        .attribute_filter(|element, attribute, value| match (element, attribute) {
            ("img", "src") => is_local_picture(value).then(|| value.into()),
            ("a", "href") => is_link(value).then(|| value.into()),
            _ => Some(value.into()),
        })
        .link_rel(Some("noopener noreferrer"));
    builder
});

/// A picture beside the file, in the message, or in the URL itself; one on the web would tell that it is looked at.
pub(super) fn is_local_picture(url: &str) -> bool {
    let lower = url.trim().get(..16).unwrap_or(url.trim()).to_ascii_lowercase();
    let embedded = ["data:image/png", "data:image/jpeg", "data:image/gif", "data:image/webp", "cid:"];
    embedded.iter().any(|start| lower.starts_with(start)) || is_relative(url)
}

fn is_link(url: &str) -> bool {
    let lower = url.trim().get(..8).unwrap_or(url.trim()).to_ascii_lowercase();
    ["http:", "https:", "mailto:", "tel:"].iter().any(|scheme| lower.starts_with(scheme)) || is_relative(url)
}

/// A path, with no scheme and no host.
fn is_relative(url: &str) -> bool {
    let url = url.trim();
    let before_path = url.split(['/', '?', '#']).next().unwrap_or_default();
    !before_path.contains(':')
        && !url.starts_with("//")
        && !url.contains('\\')
        && !url.contains(char::is_control)
}
