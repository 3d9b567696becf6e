//! OpenDocument: text, spreadsheets and slides of LibreOffice and others (ISO/IEC 26300).

use super::image;
use super::kind::{Kind, Type};
use super::limits::Limits;
use super::model::Draft;
use super::office::{of_html, properties};
use super::safe::{self, Line};
use super::sheets::TableSink;
use super::source::Source;
use super::xml::{Piece, Tag, Xml};
use super::zipped::Zip;

const XML_DEPTH: usize = 256;
/// A blank, a cell or a row may claim to stand there many times.
const REPEATED: usize = 256;

pub(super) fn preview(source: &Source<'_>, found: &Type, limits: &Limits) -> Option<Draft> {
    let mut zip = Zip::open(source.bytes, limits.entries, limits.unpacked_len)?;
    let thumbnail = zip.read("Thumbnails/thumbnail.png").and_then(|png| image::thumbnail(&png, limits));
    let meta = zip.text("meta.xml").unwrap_or_default();
    let content = zip.text("content.xml")?;
    let mut draft = match found.kind {
        Kind::Spreadsheet => spreadsheet(&content, limits),
        _ => {
            let (html, whole) = text(&content, limits);
            let draft = of_html(&html, limits);
            Draft { partial: draft.partial || !whole, ..draft }
        }
    };
    properties(&meta, &mut draft);
    draft.thumbnail = thumbnail;
    draft.partial |= zip.partial;
    Some(draft)
}

fn repeated(tag: &Tag, attribute: &str) -> usize {
    let count = tag.attribute(attribute).and_then(|count| count.parse().ok()).unwrap_or(1);
    count.min(REPEATED)
}

/// Blanks and tabs, which are elements here.
fn space(tag: &Tag) -> Option<String> {
    match tag.name.as_str() {
        "s" => Some(" ".repeat(repeated(tag, "c"))),
        "tab" => Some("\t".into()),
        _ => None,
    }
}

/// `content.xml` as HTML, and whether that is all of it.
fn text(xml: &str, limits: &Limits) -> (String, bool) {
    let mut out = String::new();
    let mut pages = 0;
    // text stands in paragraphs only; notes and changes that were undone are left out
    let (mut paragraphs, mut skipped) = (0usize, 0usize);
    let mut cut = false;
    let mut xml = Xml::new(xml, XML_DEPTH);
    for piece in xml.by_ref() {
        if out.len() > limits.body_len * 2 {
            cut = true;
            break;
        }
        match piece {
            Piece::Open(tag)
                if skipped > 0 || matches!(tag.name.as_str(), "tracked-changes" | "annotation" | "notes") =>
            {
                skipped += 1;
            }
            Piece::Close(_) if skipped > 0 => skipped -= 1,
            Piece::Open(tag) => match tag.name.as_str() {
                "p" => {
                    paragraphs += 1;
                    out.push_str("<p>");
                }
                "h" => {
                    paragraphs += 1;
                    out.push_str(match tag.attribute("outline-level") {
                        Some("1") | None => "<h1>",
                        Some("2") => "<h2>",
                        Some("3") => "<h3>",
                        Some(_) => "<h4>",
                    });
                }
                "list" => out.push_str("<ul>"),
                "list-item" => out.push_str("<li>"),
                "table" => out.push_str("<table>"),
                "table-row" => out.push_str("<tr>"),
                "table-cell" => out.push_str("<td>"),
                "line-break" => out.push_str("<br>"),
                "page" => {
                    out.push_str(if pages > 0 { "<hr>" } else { "" });
                    pages += 1;
                }
                _ => out.push_str(&space(&tag).unwrap_or_default()),
            },
            Piece::Close(name) => match name.as_str() {
                "p" | "h" => {
                    paragraphs = paragraphs.saturating_sub(1);
                    // any level closes, and the browser's rules are kept by who sanitises
                    out.push_str(if name == "p" { "</p>" } else { "</h1></h2></h3></h4>" });
                }
                "list" => out.push_str("</ul>"),
                "list-item" => out.push_str("</li>"),
                "table" => out.push_str("</table>"),
                "table-row" => out.push_str("</tr>"),
                "table-cell" => out.push_str("</td>"),
                _ => {}
            },
            Piece::Text(text) if paragraphs > 0 && skipped == 0 => {
                cut |= text.len() > limits.body_len;
                safe::push_html(&mut out, safe::head(&text, limits.body_len));
            }
            Piece::Text(_) => {}
        }
    }
    (out, !cut && !xml.broken)
}

fn spreadsheet(xml: &str, limits: &Limits) -> Draft {
    let mut table = TableSink::new(limits);
    let mut sheets = 0;
    let (mut column, mut count) = (0, 1);
    let mut value = Line::new(limits.text_len);
    let (mut in_cell, mut skipped) = (false, 0usize);
    let mut xml = Xml::new(xml, XML_DEPTH);
    for piece in xml.by_ref() {
        if table.is_full() {
            // the other sheets are counted all the same
            sheets += usize::from(matches!(piece, Piece::Open(tag) if tag.name == "table"));
            continue;
        }
        match piece {
            Piece::Open(tag) if skipped > 0 || tag.name == "annotation" => skipped += 1,
            Piece::Close(_) if skipped > 0 => skipped -= 1,
            Piece::Open(tag) => match tag.name.as_str() {
                "table" => {
                    sheets += 1;
                    table.sheet(tag.attribute("name").unwrap_or_default());
                }
                "table-row" => column = 0,
                "table-cell" | "covered-table-cell" => {
                    count = repeated(&tag, "number-columns-repeated");
                    in_cell = true;
                    value.clear();
                }
                // however many there are, blanks run together
                "p" | "s" | "tab" if in_cell => value.push(" "),
                _ => {}
            },
            Piece::Close(name) => match name.as_str() {
                "table-cell" | "covered-table-cell" => {
                    (0..count).for_each(|at| table.cell(column + at, value.as_str()));
                    table.cut(value.is_cut());
                    column += count;
                    in_cell = false;
                }
                "table-row" => table.row(),
                _ => {}
            },
            Piece::Text(text) if in_cell => value.push(&text),
            Piece::Text(_) => {}
        }
    }
    table.cut(xml.broken);
    let mut draft = table.draft();
    draft.fact("sheets", sheets.to_string());
    draft
}
