//! Books in EPUB: title, author, cover, and the words of the first chapters.

use super::kind::Type;
use super::limits::Limits;
use super::model::{Body, Draft};
use super::office::properties;
use super::safe::{self, Bounded};
use super::source::Source;
use super::xml::{Piece, Xml};
use super::zipped::Zip;
use super::{html, image};

const XML_DEPTH: usize = 64;
/// Files of a book that are read, in the order in which they are.
const FILES: usize = 100;

/// A file of the book, as its package lists it.
struct Part {
    id: String,
    path: String,
    is_cover: bool,
    /// Whether it is the table of contents.
    is_contents: bool,
}

pub(super) fn preview(source: &Source<'_>, _: &Type, limits: &Limits) -> Option<Draft> {
    let mut zip = Zip::open(source.bytes, limits.entries, limits.unpacked_len)?;
    let container = zip.text("META-INF/container.xml")?;
    let package_path = Xml::new(&container, XML_DEPTH).find_map(|piece| match piece {
        Piece::Open(tag) if tag.name == "rootfile" => tag.attribute("full-path").map(str::to_owned),
        _ => None,
    })?;
    let package = zip.text(&package_path)?;
    let mut parts: Vec<Part> = Vec::new();
    let mut order: Vec<String> = Vec::new();
    let mut cover_id = None;
    let mut count = 0;
    let mut xml = Xml::new(&package, XML_DEPTH);
    for piece in xml.by_ref() {
        let Piece::Open(tag) = piece else { continue };
        match tag.name.as_str() {
            "item" if parts.len() < limits.entries => {
                if let (Some(id), Some(href)) = (tag.attribute("id"), tag.attribute("href")) {
                    let properties = tag.attribute("properties").unwrap_or_default();
                    let is = |property: &str| properties.split_whitespace().any(|word| word == property);
                    let path = beside(&package_path, href);
                    let (is_cover, is_contents) = (is("cover-image"), is("nav"));
                    parts.push(Part { id: id.to_owned(), path, is_cover, is_contents });
                }
            }
            "itemref" => {
                count += 1;
                if order.len() < FILES {
                    order.extend(tag.attribute("idref").map(str::to_owned));
                }
            }
            "meta" if tag.attribute("name") == Some("cover") => {
                cover_id = tag.attribute("content").map(str::to_owned);
            }
            _ => {}
        }
    }
    let mut draft = Draft { partial: xml.broken || count > order.len(), ..Draft::default() };
    properties(&package, &mut draft);
    let named = parts.iter().find(|part| Some(&part.id) == cover_id.as_ref());
    let cover = parts.iter().find(|part| part.is_cover).or(named);
    draft.thumbnail = cover.and_then(|part| image::thumbnail(&zip.read(&part.path)?, limits));

    let mut words = Bounded::new(limits.text_len);
    let mut body = String::new();
    for id in &order {
        let part = parts.iter().find(|part| part.id == *id);
        let Some(chapter) = part.and_then(|part| zip.text(&part.path)) else {
            draft.partial = true;
            continue;
        };
        let room = limits.body_len.saturating_sub(body.len());
        if room == 0 {
            draft.partial = true;
            break;
        }
        // each within what is left, so that the sum stays within the limit
        draft.partial |= chapter.len() > limits.body_len * 2;
        let chapter = safe::head(&chapter, limits.body_len * 2);
        let page = html::sanitise(chapter, &Limits { body_len: room, ..limits.clone() });
        if !body.is_empty() {
            body.push_str("<hr>");
        }
        body.push_str(&page.html);
        words.new_line();
        words.push(page.text.as_str());
        draft.partial |= page.partial || page.text.is_full();
    }
    let contents = parts.iter().find(|part| part.is_contents).and_then(|part| zip.text(&part.path));
    let chapters = contents.map_or(0, |contents| chapters(&contents));
    let (text, full) = words.end();
    draft.text = text;
    draft.partial |= full || zip.partial;
    if chapters > 0 {
        draft.fact("chapters", chapters.to_string());
    }
    draft.body = Some(Body::Html(body));
    Some(draft)
}

/// The chapters that a table of contents lists, those within others left out.
fn chapters(contents: &str) -> usize {
    let (mut in_contents, mut depth, mut count) = (false, 0usize, 0);
    for piece in Xml::new(contents, XML_DEPTH) {
        match piece {
            // there may be lists of pages and of landmarks as well
            Piece::Open(tag) if tag.name == "nav" => {
                let words = tag.attribute("type").unwrap_or_default();
                in_contents = words.split_whitespace().any(|word| word == "toc");
            }
            Piece::Close(name) if name == "nav" => in_contents = false,
            Piece::Open(tag) if tag.name == "ol" => depth += 1,
            Piece::Close(name) if name == "ol" => depth = depth.saturating_sub(1),
            Piece::Open(tag) if tag.name == "li" => count += usize::from(in_contents && depth == 1),
            _ => {}
        }
    }
    count
}

/// A path as the package means it: relative to itself, `%20` for a blank.
fn beside(package: &str, href: &str) -> String {
    let folder = package.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut path: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    let href = href.split('#').next().unwrap_or_default();
    for part in href.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(path.pop()),
            part => path.push(part),
        }
    }
    path.join("/").replace("%20", " ")
}
