//! Archives: what is inside, without unpacking more than it takes to know.

use super::kind::Type;
use super::limits::Limits;
use super::model::{Body, Draft, Item};
use super::recognise::is_tar;
use super::safe::{self, Bounded};
use super::source::Source;
use super::zipped::Zip;
use super::{image, packed_text};
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
    let mut draft = listing(items, !zip.partial, limits);
    draft.thumbnail = PICTURES.iter().find_map(|name| image::thumbnail(&zip.read(name)?, limits));
    draft.partial |= zip.partial;
    Some(draft)
}

pub(super) fn tar(source: &Source<'_>, _: &Type, limits: &Limits) -> Option<Draft> {
    tar_listing(source.bytes, source.is_whole(), source.is_whole(), limits)
}

/// A file of its own, or a tar archive, packed by gzip.
pub(super) fn gzip(source: &Source<'_>, _: &Type, limits: &Limits) -> Option<Draft> {
    let mut head = Vec::new();
    let packed = || MultiGzDecoder::new(source.bytes);
    // what comes before damage, or before the end of what is there, is taken
    let whole = packed().take(512).read_to_end(&mut head).is_ok();
    if is_tar(&head) {
        let whole = source.is_whole() && whole;
        let mut draft = tar_listing(packed().take(limits.unpacked_len as u64), false, whole, limits)?;
        draft.partial |= !whole;
        return Some(draft);
    }
    let mut content = Vec::new();
    let max = limits.body_len * 4;
    let whole = packed().take(max as u64 + 1).read_to_end(&mut content).is_ok() && content.len() <= max;
    content.truncate(max);
    let inner = unpacked_name(source.file_name());
    let len = content.len() as u64 + u64::from(!whole);
    let text = packed_text(&Source::head(&inner, &content, len), limits);
    let mut draft =
        text.unwrap_or_else(|| listing(vec![Item { path: inner.clone(), size: None }], true, limits));
    draft.partial |= !whole;
    Some(draft)
}

/// After a mark of eight bytes, for each file: 16 bytes of name, 32 of date, owner and mode, 10 of length, 2 that end
/// it; then its contents, to an even length. Names that are too long stand together in a file called `//`.
pub(super) fn ar(source: &Source<'_>, _: &Type, limits: &Limits) -> Option<Draft> {
    let mut rest = source.bytes.strip_prefix(b"!<arch>\n")?;
    let mut long_names: &[u8] = &[];
    let mut items = Vec::new();
    let mut partial = false;
    while !rest.is_empty() {
        let Some((head, after)) = rest.split_at_checked(60).filter(|_| items.len() < limits.entries) else {
            partial = true;
            break;
        };
        let Some(len) = ascii(&head[48..58]).parse::<u64>().ok().filter(|_| head.ends_with(b"`\n")) else {
            partial = true;
            break;
        };
        let end = usize::try_from(len).unwrap_or(usize::MAX).min(after.len());
        let inside = &after[..end];
        rest = after.get(end + (end & 1)..).unwrap_or_default();
        let name = ascii(&head[..16]);
        let name = match name.strip_prefix('/').map(str::parse::<usize>) {
            // an index of symbols, or of names
            Some(Err(_)) => {
                long_names = if name == "//" { inside } else { long_names };
                continue;
            }
            Some(Ok(at)) => {
                let name = long_names.get(at..).unwrap_or_default();
                let name = &name[..name.len().min(PATH_LEN)];
                String::from_utf8_lossy(name.split(|byte| *byte == b'\n').next().unwrap_or_default())
                    .into_owned()
            }
            None => name,
        };
        let name = name.strip_suffix('/').unwrap_or(&name);
        items.push(Item { path: safe::head(name, PATH_LEN).to_owned(), size: Some(len) });
    }
    let mut draft = listing(items, !partial && source.is_whole(), limits);
    draft.partial |= partial;
    Some(draft)
}

fn ascii(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.trim_ascii()).into_owned()
}

/// What a file is called when gzip has unpacked it.
fn unpacked_name(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((stem, "gz")) => stem.to_owned(),
        Some((stem, "svgz")) => format!("{stem}.svg"),
        _ => name.to_owned(),
    }
}

/// Headers are read, contents are run over. `is_whole` says that an end without the two blocks of zeros is the end,
/// `is_all` that there is nothing behind what `reader` gives.
fn tar_listing(reader: impl Read, is_whole: bool, is_all: bool, limits: &Limits) -> Option<Draft> {
    let mut archive = tar::Archive::new(reader);
    let mut items = Vec::new();
    let (mut partial, mut too_many) = (false, false);
    for entry in archive.entries().ok()? {
        if items.len() >= limits.entries {
            too_many = true;
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
    let cut = too_many || partial && !is_whole;
    let mut draft = listing(items, is_all && !cut, limits);
    draft.partial |= cut;
    Some(draft)
}

/// What is inside; counted, if these are all.
fn listing(items: Vec<Item>, is_all: bool, limits: &Limits) -> Draft {
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
    if is_all {
        draft.fact("files", (items.len() - folders).to_string());
    }
    if is_all && total > 0 {
        draft.fact("unpacked", format!("{total} bytes"));
    }
    draft.body = Some(Body::Listing(items));
    draft
}
