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
const CHAPTERS: usize = 100;

/// A file of the book, as its package lists it.
struct Part {
    id: String,
    path: String,
    is_cover: bool,
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
    for piece in Xml::new(&package, XML_DEPTH) {
        let Piece::Open(tag) = piece else { continue };
        match tag.name.as_str() {
            "item" if parts.len() < limits.entries => {
                if let (Some(id), Some(href)) = (tag.attribute("id"), tag.attribute("href")) {
                    let is_cover =
                        tag.attribute("properties").is_some_and(|words| words.contains("cover-image"));
                    parts.push(Part { id: id.to_owned(), path: beside(&package_path, href), is_cover });
                }
            }
            "itemref" if order.len() < CHAPTERS => order.extend(tag.attribute("idref").map(str::to_owned)),
            "meta" if tag.attribute("name") == Some("cover") => {
                cover_id = tag.attribute("content").map(str::to_owned);
            }
            _ => {}
        }
    }
    let mut draft = Draft::default();
    properties(&package, &mut draft);
    let named = parts.iter().find(|part| Some(&part.id) == cover_id.as_ref());
    let cover = parts.iter().find(|part| part.is_cover).or(named);
    draft.thumbnail = cover.and_then(|part| image::thumbnail(&zip.read(&part.path)?, limits));

    let mut words = Bounded::new(limits.text_len);
    let mut body = String::new();
    for id in &order {
        let Some(part) = parts.iter().find(|part| part.id == *id) else { continue };
        let Some(chapter) = zip.text(&part.path) else { continue };
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
        draft.partial |= page.partial;
    }
    let (text, full) = words.end();
    draft.text = text;
    draft.partial |= full || zip.partial;
    draft.fact("chapters", order.len().to_string());
    draft.body = Some(Body::Html(body));
    Some(draft)
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
