//! Documents of Word, Excel and PowerPoint since 2007: zip archives of XML (ECMA-376).

use super::kind::{Kind, Type};
use super::limits::Limits;
use super::model::{Body, Draft};
use super::safe::{self, Line};
use super::sheets::TableSink;
use super::source::Source;
use super::xml::{Piece, Xml};
use super::zipped::Zip;
use super::{html, image};
use std::collections::HashMap;

const XML_DEPTH: usize = 256;
const SLIDES: usize = 200;
const SHEETS: usize = 20;
/// The properties that are of use, as Dublin Core and OpenDocument call them.
const PROPERTIES: &[&str] =
    &["title", "creator", "initial-creator", "subject", "keywords", "keyword", "modified", "date"];

pub(super) fn preview(source: &Source<'_>, found: &Type, limits: &Limits) -> Option<Draft> {
    let mut zip = Zip::open(source.bytes, limits.entries, limits.unpacked_len)?;
    // small, and wanted even if the budget does not suffice for the text
    let thumbnail = ["docProps/thumbnail.jpeg", "docProps/thumbnail.jpg", "docProps/thumbnail.png"]
        .iter()
        .find_map(|name| image::thumbnail(&zip.read(name)?, limits));
    let core = zip.text("docProps/core.xml").unwrap_or_default();
    let mut draft = match found.kind {
        Kind::Spreadsheet => workbook(&mut zip, limits)?,
        Kind::Presentation => slides(&mut zip, limits)?,
        _ => {
            let (html, whole) = word(&zip.text("word/document.xml")?, limits);
            let draft = of_html(&html, limits);
            Draft { partial: draft.partial || !whole, ..draft }
        }
    };
    properties(&core, &mut draft);
    draft.thumbnail = thumbnail;
    draft.partial |= zip.partial;
    Some(draft)
}

/// Title, author and date, as Dublin Core, which OpenDocument and EPUB use too.
pub(super) fn properties(xml: &str, draft: &mut Draft) {
    let mut inside = String::new();
    let mut found: HashMap<String, String> = HashMap::new();
    for piece in Xml::new(xml, XML_DEPTH) {
        match piece {
            Piece::Open(tag) => inside = tag.name,
            Piece::Close(_) => inside.clear(),
            Piece::Text(text) if PROPERTIES.contains(&inside.as_str()) => {
                let value = found.entry(inside.clone()).or_default();
                value.push_str(safe::head(&text, 1000_usize.saturating_sub(value.len())));
            }
            Piece::Text(_) => {}
        }
    }
    let mut take = |name: &str| found.remove(name).filter(|value| !value.trim().is_empty());
    if let Some(title) = take("title") {
        draft.title = Some(title);
    }
    let author = take("creator").or_else(|| take("initial-creator"));
    draft.fact("author", author.unwrap_or_default());
    draft.fact("subject", take("subject").unwrap_or_default());
    draft.fact("keywords", take("keywords").or_else(|| take("keyword")).unwrap_or_default());
    draft.fact("changed", take("modified").or_else(|| take("date")).unwrap_or_default());
}

/// A draft of HTML that was put together here.
pub(super) fn of_html(html: &str, limits: &Limits) -> Draft {
    let page = html::sanitise(html, limits);
    let (text, full) = page.text.end();
    Draft {
        // a heading, if there is nothing better
        title: page.title,
        text,
        partial: page.partial || full,
        body: Some(Body::Html(page.html)),
        ..Draft::default()
    }
}

/// `word/document.xml` as HTML: paragraphs, headings, lists and tables; and whether that is all of it.
fn word(xml: &str, limits: &Limits) -> (String, bool) {
    let mut out = String::new();
    let mut paragraph = String::new();
    let mut tag_name = "p";
    let mut is_item = false;
    let mut in_text = false;
    let mut cut = false;
    let mut xml = Xml::new(xml, XML_DEPTH);
    for piece in xml.by_ref() {
        if out.len() + paragraph.len() > limits.body_len * 2 {
            cut = true;
            break;
        }
        match piece {
            Piece::Open(tag) => match tag.name.as_str() {
                "p" => (tag_name, is_item) = ("p", false),
                "pStyle" => tag_name = heading(tag.attribute("val").unwrap_or_default()),
                "numPr" => is_item = true,
                "t" | "delText" => in_text = tag.name == "t",
                // tab stops are called as tabs are, and come before any text
                "tab" if !paragraph.is_empty() => paragraph.push('\t'),
                "br" | "cr" => paragraph.push_str("<br>"),
                "tbl" => out.push_str("<table>"),
                "tr" => out.push_str("<tr>"),
                "tc" => out.push_str("<td>"),
                _ => {}
            },
            Piece::Close(name) => match name.as_str() {
                "t" => in_text = false,
                "p" => {
                    if !paragraph.trim().is_empty() {
                        let mark = if is_item && tag_name == "p" { "• " } else { "" };
                        out.push_str(&format!("<{tag_name}>{mark}{paragraph}</{tag_name}>"));
                    }
                    paragraph.clear();
                }
                "tbl" => out.push_str("</table>"),
                "tr" => out.push_str("</tr>"),
                "tc" => out.push_str("</td>"),
                _ => {}
            },
            Piece::Text(text) if in_text => {
                cut |= text.len() > limits.body_len;
                safe::push_html(&mut paragraph, safe::head(&text, limits.body_len));
            }
            Piece::Text(_) => {}
        }
    }
    (out + &paragraph, !cut && !xml.broken)
}

/// The HTML for a style: its name is that of the built-in one in most languages, but for a digit.
fn heading(style: &str) -> &'static str {
    let style = style.to_lowercase();
    let level = style.chars().last().filter(char::is_ascii_digit);
    let is_heading = ["heading", "berschrift", "titre", "ttulo", "titolo", "kop", "rubrik", "overskrift"]
        .iter()
        .any(|name| style.contains(name));
    match (is_heading, level) {
        _ if style == "title" || style == "titel" => "h1",
        (true, Some('1')) => "h1",
        (true, Some('2')) => "h2",
        (true, Some('3')) => "h3",
        (true, Some(_)) => "h4",
        _ => "p",
    }
}

fn slides(zip: &mut Zip<'_>, limits: &Limits) -> Option<Draft> {
    let mut numbers: Vec<usize> = zip
        .entries()
        .filter_map(|(name, _)| name.strip_prefix("ppt/slides/slide")?.strip_suffix(".xml")?.parse().ok())
        .collect();
    numbers.sort_unstable();
    let mut out = String::new();
    let mut cut = numbers.len() > SLIDES;
    for number in numbers.iter().take(SLIDES) {
        if out.len() > limits.body_len {
            cut = true;
            break;
        }
        match zip.text(&format!("ppt/slides/slide{number}.xml")) {
            Some(xml) => cut |= !slide(&xml, limits, &mut out),
            None => cut = true,
        }
    }
    let mut draft = of_html(&out, limits);
    draft.fact("slides", numbers.len().to_string());
    draft.partial |= cut;
    Some(draft)
}

/// Appends a slide; returns whether that is all of it.
fn slide(xml: &str, limits: &Limits, out: &mut String) -> bool {
    if !out.is_empty() {
        out.push_str("<hr>");
    }
    let mut tag_name = "p";
    let mut paragraph = String::new();
    let mut in_text = false;
    let mut cut = false;
    let mut xml = Xml::new(xml, XML_DEPTH);
    for piece in xml.by_ref() {
        if out.len() + paragraph.len() > limits.body_len * 2 {
            cut = true;
            break;
        }
        match piece {
            Piece::Open(tag) => match tag.name.as_str() {
                "sp" => tag_name = "p",
                "ph" if matches!(tag.attribute("type"), Some("title" | "ctrTitle")) => tag_name = "h2",
                "t" => in_text = true,
                "br" => paragraph.push_str("<br>"),
                _ => {}
            },
            Piece::Close(name) if name == "t" => in_text = false,
            Piece::Close(name) if name == "p" => {
                if !paragraph.trim().is_empty() {
                    out.push_str(&format!("<{tag_name}>{paragraph}</{tag_name}>"));
                }
                paragraph.clear();
            }
            Piece::Text(text) if in_text => {
                cut |= text.len() > limits.body_len;
                safe::push_html(&mut paragraph, safe::head(&text, limits.body_len));
            }
            _ => {}
        }
    }
    out.push_str(&paragraph);
    !cut && !xml.broken
}

fn workbook(zip: &mut Zip<'_>, limits: &Limits) -> Option<Draft> {
    let book = zip.text("xl/workbook.xml")?;
    let relations = zip.text("xl/_rels/workbook.xml.rels").unwrap_or_default();
    let targets: HashMap<String, String> = Xml::new(&relations, XML_DEPTH)
        .filter_map(|piece| match piece {
            Piece::Open(tag) => Some((tag.attribute("Id")?.to_owned(), tag.attribute("Target")?.to_owned())),
            _ => None,
        })
        .take(limits.entries)
        .collect();
    let mut table = TableSink::new(limits);
    let strings = match zip.text("xl/sharedStrings.xml") {
        Some(xml) => shared_strings(&xml, limits, &mut table),
        None => Vec::new(),
    };
    let mut count = 0;
    let mut xml = Xml::new(&book, XML_DEPTH);
    for piece in xml.by_ref() {
        let Piece::Open(tag) = piece else { continue };
        if tag.name != "sheet" {
            continue;
        }
        count += 1;
        // the attribute is `r:id`, beside `sheetId`
        let target = tag.attribute("id").and_then(|id| targets.get(id));
        let path = match target {
            Some(target) => match target.strip_prefix('/') {
                Some(from_root) => from_root.to_owned(),
                None => format!("xl/{target}"),
            },
            None => format!("xl/worksheets/sheet{count}.xml"),
        };
        // they are counted all the same
        let left_out = count > SHEETS || table.is_full();
        table.cut(left_out);
        if left_out {
            continue;
        }
        match zip.text(&path) {
            Some(xml) => {
                table.sheet(tag.attribute("name").unwrap_or_default());
                cells(&xml, &strings, limits, &mut table);
            }
            None => table.cut(true),
        }
    }
    table.cut(xml.broken);
    let mut draft = table.draft();
    draft.fact("sheets", count.to_string());
    Some(draft)
}

/// Texts that cells refer to by number, each on one line.
fn shared_strings(xml: &str, limits: &Limits, table: &mut TableSink) -> Vec<String> {
    let mut strings = Vec::new();
    let mut current = Line::new(limits.text_len);
    // phonetic guides are no part of the text
    let (mut in_text, mut in_guide) = (false, false);
    let mut xml = Xml::new(xml, XML_DEPTH);
    for piece in xml.by_ref() {
        match piece {
            Piece::Open(tag) if tag.name == "rPh" => in_guide = true,
            Piece::Close(name) if name == "rPh" => in_guide = false,
            Piece::Open(tag) if tag.name == "t" => in_text = !in_guide,
            Piece::Close(name) if name == "t" => in_text = false,
            Piece::Close(name) if name == "si" => {
                if strings.len() >= limits.entries * 20 {
                    table.cut(true);
                    break;
                }
                table.cut(current.is_cut());
                strings.push(current.as_str().to_owned());
                current.clear();
            }
            Piece::Text(text) if in_text => current.push(&text),
            _ => {}
        }
    }
    table.cut(xml.broken);
    strings
}

fn cells(xml: &str, strings: &[String], limits: &Limits, table: &mut TableSink) {
    let mut kind = String::new();
    let mut column = 0;
    let mut value = Line::new(limits.text_len);
    let mut in_value = false;
    let mut xml = Xml::new(xml, XML_DEPTH);
    for piece in xml.by_ref() {
        match piece {
            Piece::Open(tag) => match tag.name.as_str() {
                "row" => column = 0,
                "c" => {
                    kind = tag.attribute("t").unwrap_or_default().to_owned();
                    column = tag.attribute("r").and_then(column_of).unwrap_or(column);
                    value.clear();
                }
                "v" | "t" => in_value = true,
                _ => {}
            },
            Piece::Close(name) => match name.as_str() {
                "v" | "t" => in_value = false,
                "c" => {
                    let text = match kind.as_str() {
                        "s" => {
                            let number = value.as_str().parse().ok();
                            number.and_then(|at: usize| strings.get(at)).map_or("", |text| text)
                        }
                        "b" if value.as_str() == "1" => "TRUE",
                        "b" => "FALSE",
                        _ => value.as_str(),
                    };
                    table.cell(column, text);
                    table.cut(value.is_cut());
                    column += 1;
                }
                "row" => table.row(),
                _ => {}
            },
            Piece::Text(text) if in_value => value.push(&text),
            Piece::Text(_) => {}
        }
        if table.is_full() {
            return;
        }
    }
    table.cut(xml.broken);
}

/// The column of a reference such as `BC23`, from 0.
fn column_of(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_uppercase).take(4);
    let number = letters.fold(0, |sum, letter| sum * 26 + usize::from(letter - b'A') + 1);
    number.checked_sub(1)
}
