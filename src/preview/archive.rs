//! Archives: what is inside, without unpacking more than it takes to know.

use super::kind::Type;
use super::limits::Limits;
use super::model::{Body, Draft, Item};
use super::safe::Bounded;
use super::source::Source;
use super::zipped::Zip;
use super::{encoding, image, plain};
use flate2::read::MultiGzDecoder;
use std::io::Read;

/// Bytes of a path inside.
const PATH_LEN: usize = 1024;
/// Where Pages, Numbers and Keynote keep a picture of the document; their words are in a format of their own.
const PICTURES: &[&str] = &["preview.jpg", "QuickLook/Thumbnail.jpg"];

pub(super) fn zip(source: &Source<'_>, _: &Type, limits: &Limits) -> Option<Draft> {
    let mut zip = Zip::open(source.bytes, limits.entries, limits.unpacked_len)?;
    let size_of = |path: &str, size| (!path.ends_with('/')).then_some(size);
    let items =
        zip.entries().map(|(path, size)| Item { path: path.to_owned(), size: size_of(path, size) }).collect();
    let mut draft = listing(items, limits);
    draft.thumbnail = PICTURES.iter().find_map(|name| image::thumbnail(&zip.read(name)?, limits));
    draft.partial |= zip.partial;
    Some(draft)
}

pub(super) fn tar(source: &Source<'_>, _: &Type, limits: &Limits) -> Option<Draft> {
    tar_listing(source.bytes, source.is_whole(), limits)
}

/// A file of its own, or a tar archive, packed by gzip.
pub(super) fn gzip(source: &Source<'_>, _: &Type, limits: &Limits) -> Option<Draft> {
    let mut head = Vec::new();
    let packed = || MultiGzDecoder::new(source.bytes);
    // what comes before damage, or before the end of what is there, is taken
    let whole = packed().take(512).read_to_end(&mut head).is_ok();
    if head.get(257..262) == Some(b"ustar") {
        let mut draft = tar_listing(packed().take(limits.unpacked_len as u64), false, limits)?;
        draft.partial |= !source.is_whole() || !whole;
        return Some(draft);
    }
    let mut content = Vec::new();
    let whole = packed().take(limits.body_len as u64 + 1).read_to_end(&mut content).is_ok();
    let name = source.file_name();
    let inner = name.strip_suffix(".gz").unwrap_or(name);
    let mut draft = if encoding::is_text(&content) {
        plain::preview(&Source::new(inner, &content), limits)?
    } else {
        listing(vec![Item { path: inner.to_owned(), size: None }], limits)
    };
    draft.partial |= !whole || content.len() > limits.body_len;
    Some(draft)
}

/// Headers are read, contents are run over. `is_whole` says that an end without the two blocks of zeros is the end.
fn tar_listing(reader: impl Read, is_whole: bool, limits: &Limits) -> Option<Draft> {
    let mut archive = tar::Archive::new(reader);
    let mut items = Vec::new();
    let mut partial = false;
    for entry in archive.entries().ok()? {
        if items.len() >= limits.entries {
            partial = true;
            break;
        }
        let Ok(entry) = entry else {
            partial = true;
            break;
        };
        let path = entry.path_bytes();
        let mut path = String::from_utf8_lossy(&path[..path.len().min(PATH_LEN)]).into_owned();
        let is_folder = entry.header().entry_type().is_dir();
        if is_folder && !path.ends_with('/') {
            path.push('/');
        }
        items.push(Item { path, size: (!is_folder).then(|| entry.size()) });
    }
    if items.is_empty() && partial {
        return None;
    }
    let mut draft = listing(items, limits);
    draft.partial |= partial && !is_whole;
    Some(draft)
}

fn listing(items: Vec<Item>, limits: &Limits) -> Draft {
    let mut text = Bounded::new(limits.text_len);
    let mut total = 0u64;
    let mut folders = 0;
    for item in &items {
        text.line(&item.path);
        total = total.saturating_add(item.size.unwrap_or(0));
        folders += usize::from(item.path.ends_with('/'));
    }
    let (text, full) = text.end();
    let mut draft = Draft { text, partial: full, ..Draft::default() };
    draft.fact("files", (items.len() - folders).to_string());
    if total > 0 {
        draft.fact("unpacked", format!("{total} bytes"));
    }
    draft.body = Some(Body::Listing(items));
    draft
}
