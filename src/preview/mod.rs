//! Something to look at, from a name and bytes: for the index, the web app and the phone (docs/preview.md).
//!
//! Pure: no file, clock or thread. [`preview`] is the door, and never refuses: what cannot be understood is shown as
//! text, or as the first bytes in hex. Files are foreign and hostile, so [`Limits`] bound every loop, and nothing in a
//! [`Preview`] can act or load when it is shown.
//!
//! To add a type: a row in `kind.rs`; for a form of its own also a previewer in a file of its own, and an arm in
//! `of_form`.

mod archive;
mod code;
mod data;
mod encoding;
mod epub;
mod film;
mod flat;
mod font;
mod html;
mod ifd;
mod image;
mod kind;
mod limits;
mod mail;
mod markdown;
mod media;
mod mindmap;
mod model;
mod odf;
mod office;
mod outline;
mod pdf;
mod pdf_cmap;
mod pdf_file;
mod pdf_objects;
mod pdf_pages;
mod plain;
mod recognise;
mod rtf;
mod safe;
mod sheets;
mod show;
mod source;
mod svg;
mod svg_style;
mod table;
mod xml;
mod zipped;

pub use code::CLASSES;
pub use kind::Kind;
pub use limits::Limits;
pub use model::{Body, Fact, Item, Node, Picture, Preview, Sheet};
pub use safe::html as escape_html;
pub use source::Source;

use kind::{Form, Type};
use model::Draft;

/// Bytes that are shown of a file about which nothing else can be said.
const HEX_LEN: usize = 512;

/// What there is to see of a file.
pub fn preview(source: &Source<'_>, limits: &Limits) -> Preview {
    let (found, extension) = recognise::recognise(source);
    if let Some(draft) = of_form(source, &found, &extension, limits) {
        return finish(source, &found, draft);
    }
    // what was taken for text, or for nothing, by its beginning may be otherwise as a whole
    match plain::preview(source, limits) {
        Some(draft) => finish(source, if found == kind::UNKNOWN { &kind::PLAIN } else { &found }, draft),
        None => finish(source, if found.form.is_text() { &kind::UNKNOWN } else { &found }, Draft::default()),
    }
}

/// What can be said of a file by its name and first bytes, with no work that a file could draw out: for those who do
/// not want to wait for [`preview`] any longer.
pub fn first_bytes(source: &Source<'_>) -> Preview {
    let named = kind::by_extension(&source.extension()).copied().unwrap_or(kind::UNKNOWN);
    let seen = finish(source, &named, Draft::default());
    Preview { partial: true, ..seen }
}

/// The kind that a file of this name is most likely of, for those who have not read it.
pub fn kind_by_name(name: &str) -> Kind {
    recognise::by_name(name)
}

/// One arm for each form that bytes can have.
fn of_form(source: &Source<'_>, found: &Type, extension: &str, limits: &Limits) -> Option<Draft> {
    match found.form {
        Form::Markdown => markdown::preview(source, found, limits),
        Form::Plain => plain::preview(source, limits),
        Form::Code => code::preview(source, found, extension, limits),
        Form::Json => data::json(source, found, extension, limits),
        Form::Xml => data::xml(source, found, extension, limits),
        Form::Opml => outline::opml(source, found, limits),
        Form::FreeMind => outline::freemind(source, found, limits),
        Form::Html => html::preview(source, found, limits),
        Form::Svg => svg::preview(source, found, limits),
        Form::Mail => mail::preview(source, found, limits),
        Form::Rtf => rtf::preview(source, found, limits),
        Form::Separated => table::preview(source, found, limits),
        Form::Raster | Form::Heif => image::preview(source, found, limits),
        Form::Pdf => pdf::preview(source, found, limits),
        Form::Media => media::preview(source, found, limits),
        Form::Zip => archive::zip(source, found, limits),
        Form::Ooxml => office::preview(source, found, limits),
        Form::OpenDocument => odf::preview(source, found, limits),
        Form::Epub => epub::preview(source, found, limits),
        // of an archive whose meaning is not there, or too much, the names are left
        Form::XMind | Form::MindManager => mindmap::preview(source, found, limits).or_else(|| {
            let draft = archive::zip(source, found, limits)?;
            Some(Draft { partial: true, ..draft })
        }),
        Form::Tar => archive::tar(source, found, limits),
        Form::Gzip => archive::gzip(source, found, limits),
        Form::Ar => archive::ar(source, found, limits),
        Form::Font => font::preview(source, found, limits),
        Form::Opaque => None,
    }
}

/// The preview of what was packed by itself, if it is text of any form: nothing in text is unpacked again.
fn packed_text(source: &Source<'_>, limits: &Limits) -> Option<Draft> {
    let (found, extension) = recognise::recognise(source);
    let draft = found.form.is_text().then(|| of_form(source, &found, &extension, limits))?;
    draft.or_else(|| plain::preview(source, limits))
}

/// Makes strings safe, and the snippet.
fn finish(source: &Source<'_>, found: &Type, draft: Draft) -> Preview {
    // lines that are shortened to be shown are not all there is
    let mut cut = false;
    let title =
        draft.title.map(|title| safe::line_or_cut(&title, &mut cut)).filter(|title| !title.is_empty());
    let text = safe::text(&draft.text);
    let mut facts = draft.facts;
    for fact in &mut facts {
        fact.value = safe::line_or_cut(&fact.value, &mut cut);
    }
    facts.retain(|fact| !fact.value.is_empty());
    let (body, hex_only) = match draft.body {
        Some(body) => (safe_body(body, &mut cut), false),
        None => (Body::Hex(source.first(HEX_LEN).to_vec()), true),
    };
    let partial = draft.partial || cut || !source.is_whole() || hex_only && source.bytes.len() > HEX_LEN;
    Preview {
        kind: found.kind,
        mime: found.mime,
        uti: found.uti,
        snippet: safe::snippet(without_title(&text, title.as_deref())),
        title,
        text,
        facts,
        thumbnail: draft.thumbnail,
        body,
        partial,
    }
}

/// A snippet that repeats the title above it tells nothing.
fn without_title<'a>(text: &'a str, title: Option<&str>) -> &'a str {
    let start = text.trim_start();
    let Some(title) = title else { return start };
    let (first, rest) = start.split_once('\n').unwrap_or((start, ""));
    let repeats = safe::line(first).trim_start_matches(['#', ' ']) == title;
    if repeats && !rest.trim().is_empty() { rest } else { start }
}

/// The strings of bodies that previewers hand over as they found them; `cut` tells if one was shortened.
fn safe_body(mut body: Body, cut: &mut bool) -> Body {
    match &mut body {
        Body::Table(sheets) => {
            for cell in sheets.iter_mut().flat_map(|sheet| &mut sheet.rows).flatten() {
                *cell = safe::line_or_cut(cell, cut);
            }
        }
        Body::Listing(items) => {
            for item in items {
                item.path = safe::line_or_cut(&item.path, cut);
            }
        }
        // safe from the start, or made of nothing but what is
        Body::Text(_) | Body::Html(_) | Body::Code { .. } | Body::Outline(_) | Body::Svg(_) => {}
        Body::Original | Body::Hex(_) => {}
    }
    body
}
