//! Messages: who, when, about what, and the words; of attachments their names.

use super::html;
use super::kind::Type;
use super::limits::Limits;
use super::model::{Body, Draft};
use super::safe::{self, Bounded};
use super::source::Source;
use mail_parser::{Address, MessageParser, MimeHeaders};

/// Addresses of one line, and attachments, that are named.
const NAMED: usize = 20;
/// Characters that divide lines, headers, addresses and parts of a message: each may be a hundred bytes in memory.
const MARKS: usize = 500_000;

pub(super) fn preview(source: &Source<'_>, _: &Type, limits: &Limits) -> Option<Draft> {
    let bytes = bounded(source.first(limits.unpacked_len));
    let message = MessageParser::default().parse(bytes)?;
    let mut draft = Draft {
        title: message.subject().map(str::to_owned),
        partial: bytes.len() < source.bytes.len() || !source.is_whole(),
        ..Draft::default()
    };
    for (name, address) in [("from", message.from()), ("to", message.to()), ("cc", message.cc())] {
        draft.fact(name, address.map(people).unwrap_or_default());
    }
    draft.fact("date", message.date().map(|date| date.to_rfc3339()).unwrap_or_default());
    // where a message breaks off, a part may look like one that is attached
    let unnamed = if draft.partial { None } else { Some("without a name") };
    let names = message.attachments().take(NAMED).filter_map(|part| part.attachment_name().or(unnamed));
    let names = names.collect::<Vec<_>>().join(", ");
    draft.fact("attachments", names);
    let of_people = [message.from(), message.to(), message.cc()];
    draft.partial |= of_people.into_iter().flatten().any(|people| people.iter().count() > NAMED)
        || message.attachments().count() > NAMED;

    let mut words = Bounded::new(limits.text_len);
    let html_part = message.html_bodies().next().filter(|part| part.is_text_html());
    if html_part.is_some()
        && let Some(body) = message.body_html(0)
    {
        let page = html::sanitise(safe::head(&body, limits.body_len), limits);
        draft.partial |= page.partial || body.len() > limits.body_len;
        words = page.text;
        draft.body = Some(Body::Html(page.html));
    } else {
        let mut text = String::new();
        draft.partial |= message.text_body_count() > NAMED;
        for at in 0..message.text_body_count().min(NAMED) {
            let part = message.body_text(at).unwrap_or_default();
            let fitting = safe::head(&part, limits.body_len.saturating_sub(text.len()));
            draft.partial |= fitting.len() < part.len();
            text.push_str(fitting);
        }
        let text = safe::text(&text);
        words.push(&text);
        draft.body = Some(Body::Text(text));
    }
    // people are searched for as well
    for fact in draft.facts.iter().filter(|fact| fact.name != "date") {
        words.line(&fact.value);
    }
    let (text, full) = words.end();
    draft.text = text;
    draft.partial |= full;
    Some(draft)
}

/// The beginning that has not more than [`MARKS`]. Of attachments, which are lines of letters and digits, most fit.
fn bounded(bytes: &[u8]) -> &[u8] {
    let marks = bytes.iter().enumerate().filter(|(_, byte)| b"\n ,;:<(\"".contains(byte));
    &bytes[..marks.map(|(at, _)| at).nth(MARKS).unwrap_or(bytes.len())]
}

fn people(address: &Address<'_>) -> String {
    let named = address.iter().take(NAMED).map(|person| match (&person.name, &person.address) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (Some(one), None) | (None, Some(one)) => one.to_string(),
        (None, None) => String::new(),
    });
    named.filter(|person| !person.is_empty()).collect::<Vec<_>>().join(", ")
}
