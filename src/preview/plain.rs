//! Text without markup, and whatever else turns out to be printable.

use super::limits::Limits;
use super::model::{Body, Draft};
use super::source::Source;
use super::{encoding, safe};

pub(super) fn preview(source: &Source<'_>, limits: &Limits) -> Option<Draft> {
    let bytes = source.first(limits.body_len);
    let decoded = encoding::decode(bytes)?;
    let text = safe::text(&decoded.text);
    let searchable = safe::head(&text, limits.text_len).to_owned();
    let mut draft = Draft {
        partial: bytes.len() < source.bytes.len() || searchable.len() < text.len(),
        text: searchable,
        body: Some(Body::Text(text)),
        ..Draft::default()
    };
    if decoded.encoding != "UTF-8" {
        draft.fact("encoding", decoded.encoding);
    }
    Some(draft)
}
