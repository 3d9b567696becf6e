//! Mind maps of XMind and MindManager: zip archives with a document and a picture of the map.

use super::image;
use super::kind::{Form, Type};
use super::limits::Limits;
use super::model::Draft;
use super::outline::{Lines, first_line};
use super::source::Source;
use super::xml::{Piece, Xml};
use super::zipped::Zip;
use serde_json::Value;

const XML_DEPTH: usize = 256;
/// Objects, and values in all, of JSON that is taken apart: each costs far more than the bytes it takes.
const OBJECTS: usize = 100_000;
const VALUES: usize = 1_000_000;

pub(super) fn preview(source: &Source<'_>, found: &Type, limits: &Limits) -> Option<Draft> {
    let mut zip = Zip::open(source.bytes, limits.entries, limits.unpacked_len)?;
    let mut lines = Lines::new(limits);
    let pictures: &[&str] = match found.form {
        Form::MindManager => {
            mindmanager(&zip.text("Document.xml")?, &mut lines);
            &["Preview.png", "preview.png", "Thumbnail.png"]
        }
        _ => {
            match zip.text("content.json") {
                Some(json) => xmind_json(&json, &mut lines)?,
                None => xmind_xml(&zip.text("content.xml")?, &mut lines),
            }
            &["Thumbnails/thumbnail.png", "Thumbnails/thumbnail.jpg"]
        }
    };
    let mut draft = lines.draft(limits);
    draft.title = first_line(&draft);
    draft.thumbnail = pictures.iter().find_map(|name| image::thumbnail(&zip.read(name)?, limits));
    draft.partial |= zip.partial;
    Some(draft)
}

/// A list of sheets, each with its root topic. serde_json bounds how deep it goes.
fn xmind_json(json: &str, lines: &mut Lines) -> Option<()> {
    let count = |marks: &[u8]| json.bytes().filter(|byte| marks.contains(byte)).count();
    if count(b"{") > OBJECTS || count(b",[") > VALUES {
        return None;
    }
    let sheets: Vec<Value> = serde_json::from_str(json).ok()?;
    for sheet in &sheets {
        topic(&sheet["rootTopic"], lines);
    }
    Some(())
}

fn topic(value: &Value, lines: &mut Lines) {
    lines.enter(value["title"].as_str().unwrap_or_default());
    if let Some(note) = value["notes"]["plain"]["content"].as_str() {
        lines.note(note);
    }
    if let Some(link) = value["href"].as_str() {
        lines.note(link);
    }
    for label in value["labels"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        lines.note(label);
    }
    for children in ["attached", "detached", "summary", "callout"] {
        for child in value["children"][children].as_array().into_iter().flatten() {
            topic(child, lines);
        }
    }
    lines.leave();
}

/// XMind up to version 8: the same in XML, titles and notes as elements.
fn xmind_xml(text: &str, lines: &mut Lines) {
    let mut inside = Vec::new();
    let mut xml = Xml::new(text, XML_DEPTH);
    for piece in xml.by_ref() {
        match piece {
            Piece::Open(tag) => {
                if tag.name == "topic" {
                    lines.enter("");
                    if let Some(link) = tag.attribute("href") {
                        lines.note(link);
                    }
                }
                inside.push(tag.name);
            }
            Piece::Close(name) => {
                if name == "topic" {
                    lines.leave();
                }
                inside.pop();
            }
            Piece::Text(text) => match inside.as_slice() {
                [.., topic, title] if topic == "topic" && title == "title" => {
                    let before = lines.current().map(|node| node.text.clone()).unwrap_or_default();
                    lines.text(&(before + &text));
                }
                [.., plain] if plain == "plain" && !text.trim().is_empty() => lines.note(&text),
                [.., label] if label == "label" => lines.note(&text),
                _ => {}
            },
        }
    }
    lines.cut(xml.broken);
}

/// `Document.xml`: topics within topics; texts stand in attributes, and behind the topics below.
fn mindmanager(text: &str, lines: &mut Lines) {
    let mut xml = Xml::new(text, XML_DEPTH);
    for piece in xml.by_ref() {
        match piece {
            Piece::Open(tag) => match tag.name.as_str() {
                "Topic" => lines.enter(""),
                "Text" => {
                    if let Some(text) = tag.attribute("PlainText") {
                        lines.text(text);
                    }
                }
                "NotesXhtmlData" => lines.note(tag.attribute("PreviewPlainText").unwrap_or_default()),
                "Hyperlink" => lines.note(tag.attribute("Url").unwrap_or_default()),
                "Task" => {
                    if let (Some(done), Some(node)) = (tag.attribute("TaskPercentage"), lines.current()) {
                        node.done = Some(done == "100");
                    }
                }
                _ => {}
            },
            Piece::Close(name) if name == "Topic" => lines.leave(),
            _ => {}
        }
    }
    lines.cut(xml.broken);
}
