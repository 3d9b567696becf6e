//! The first pages of a PDF file, and all that their words depend on: contents and fonts.

use super::pdf_file::PdfFile;
use lopdf::{Dictionary, Object, ObjectId};
use std::collections::HashSet;

/// Pages whose words are read.
pub(super) const PAGES: usize = 20;
/// Fonts of one page, and of all pages.
pub(super) const FONTS: usize = 32;
pub(super) const ALL_FONTS: usize = 100;
/// Bytes of the tables of one font.
pub(super) const FONT_LEN: usize = 256 * 1024;
/// Pieces that the contents of a page may come in.
pub(super) const PIECES: usize = 256;
/// Nodes above a page.
pub(super) const PARENTS: usize = 32;
/// Nodes of the tree of pages that are looked at for the first pages, and what they list in all: many nodes may have one
/// list in common.
const NODES: usize = 10_000;
const KIDS: usize = 200_000;
/// Objects that are looked at for pages where the list of pages is missing.
const LOOSE: usize = 2000;

/// The first pages in order, with what they need in the document; and how many there are, if the file says so.
pub(super) fn load(file: &mut PdfFile<'_>) -> (Vec<ObjectId>, Option<usize>) {
    let (mut pages, count) = listed(file).unwrap_or_default();
    if pages.is_empty() {
        pages = loose(file);
    }
    let mut fonts = Fonts { seen: HashSet::new(), left: ALL_FONTS };
    for page in &pages {
        contents(file, *page);
        resources(file, *page, &mut fonts);
    }
    (pages, count)
}

fn listed(file: &mut PdfFile<'_>) -> Option<(Vec<ObjectId>, Option<usize>)> {
    let root = reference(&file.document.trailer, b"Root")?;
    let top = reference(dictionary(file, root)?, b"Pages")?;
    let count = dictionary(file, top)?.get(b"Count").and_then(Object::as_i64).ok();
    let mut pages = Vec::new();
    let mut wanted = vec![top];
    let mut seen = HashSet::new();
    let mut kids_left = KIDS;
    while let Some(id) = wanted.pop().filter(|_| pages.len() < PAGES) {
        if seen.len() >= NODES {
            file.partial = true;
            break;
        }
        if !seen.insert(id) {
            continue;
        }
        let Some(node) = dictionary(file, id) else { continue };
        let kids = match node.get(b"Kids") {
            Ok(Object::Reference(kids)) => {
                let kids = *kids;
                file.load(kids).map(|kids| references(kids, kids_left)).unwrap_or_default()
            }
            Ok(kids) => references(kids, kids_left),
            Err(_) => {
                pages.push(id);
                continue;
            }
        };
        kids_left -= kids.len();
        file.partial |= kids_left == 0;
        wanted.extend(kids.into_iter().rev());
    }
    Some((pages, count.and_then(|count| usize::try_from(count).ok())))
}

/// Pages of a file whose end is missing.
fn loose(file: &mut PdfFile<'_>) -> Vec<ObjectId> {
    let is_page =
        |file: &mut PdfFile<'_>, id| dictionary(file, id).is_some_and(|found| found.has_type(b"Page"));
    let first = file.first_ids(LOOSE);
    first.into_iter().filter(|id| is_page(file, *id)).take(PAGES).collect()
}

fn dictionary<'f>(file: &'f mut PdfFile<'_>, id: ObjectId) -> Option<&'f Dictionary> {
    file.load(id)?.as_dict().ok()
}

fn reference(dictionary: &Dictionary, key: &[u8]) -> Option<ObjectId> {
    dictionary.get(key).and_then(Object::as_reference).ok()
}

/// The references that an object is or lists, of a list those among the first `most` items.
pub(super) fn references(object: &Object, most: usize) -> Vec<ObjectId> {
    match object {
        Object::Reference(id) => vec![*id; most.min(1)],
        Object::Array(list) => list.iter().take(most).filter_map(|item| item.as_reference().ok()).collect(),
        _ => Vec::new(),
    }
}

/// Loads the streams that a page is drawn by.
fn contents(file: &mut PdfFile<'_>, page: ObjectId) -> Option<()> {
    let mut left = PIECES;
    for id in references(dictionary(file, page)?.get(b"Contents").ok()?, PIECES) {
        let further = match file.load(id) {
            Some(list @ Object::Array(_)) => references(list, left),
            _ => Vec::new(),
        };
        left -= further.len();
        for id in further {
            file.load(id);
        }
    }
    Some(())
}

/// What has been loaded, so that nothing is loaded for every page anew.
struct Fonts {
    seen: HashSet<ObjectId>,
    left: usize,
}

/// Loads the fonts of a page, which may stand in any node above it.
fn resources(file: &mut PdfFile<'_>, page: ObjectId, fonts: &mut Fonts) -> Option<()> {
    let mut node = page;
    for _ in 0..PARENTS {
        if !fonts.seen.insert(node) {
            break;
        }
        let found = dictionary(file, node)?;
        let parent = reference(found, b"Parent");
        if let Some(resources) = found.get(b"Resources").ok().cloned() {
            fonts_of(file, &resources, fonts);
        }
        node = parent?;
    }
    Some(())
}

fn fonts_of(file: &mut PdfFile<'_>, resources: &Object, fonts: &mut Fonts) -> Option<()> {
    let list = match resources {
        Object::Reference(id) if !fonts.seen.insert(*id) => return None,
        Object::Reference(id) => dictionary(file, *id)?.get(b"Font").ok()?.clone(),
        resources => resources.as_dict().ok()?.get(b"Font").ok()?.clone(),
    };
    let list = match list {
        Object::Reference(id) if !fonts.seen.insert(id) => return None,
        Object::Reference(id) => dictionary(file, id)?.clone(),
        list => list.as_dict().ok()?.clone(),
    };
    for (_, font) in list.iter().take(FONTS) {
        fonts.left = fonts.left.checked_sub(1)?;
        let parts = match font {
            Object::Reference(id) => dictionary(file, *id).map(parts).unwrap_or_default(),
            Object::Dictionary(font) => parts(font),
            _ => continue,
        };
        for id in parts {
            let is_large =
                matches!(file.load(id), Some(Object::Stream(stream)) if stream.content.len() > FONT_LEN);
            if is_large {
                file.document.objects.remove(&id);
                continue;
            }
            let differences = dictionary(file, id).and_then(|part| reference(part, b"Differences"));
            differences.and_then(|id| file.load(id));
        }
    }
    Some(())
}

/// What of a font its words depend on.
fn parts(font: &Dictionary) -> Vec<ObjectId> {
    [&b"Encoding"[..], b"ToUnicode", b"Widths"].into_iter().filter_map(|key| reference(font, key)).collect()
}
