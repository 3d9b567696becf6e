//! Values separated by commas, semicolons, tabs or bars.

use super::kind::Type;
use super::limits::Limits;
use super::model::{Body, Draft, Sheet};
use super::safe::Bounded;
use super::sheets::COLUMNS;
use super::source::Source;
use super::{encoding, safe};

pub(super) fn preview(source: &Source<'_>, found: &Type, limits: &Limits) -> Option<Draft> {
    let bytes = source.first(limits.body_len);
    let text = safe::text(&encoding::decode(bytes)?.text);
    let delimiter = if found.mime == "text/tab-separated-values" { b'\t' } else { delimiter(&text) };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let mut rows = Vec::new();
    let mut searchable = Bounded::new(limits.text_len);
    let mut partial = bytes.len() < source.bytes.len() || !source.is_whole();
    let mut widest = 0;
    // the text is UTF-8 and rows may differ in length: there is nothing left to fail
    for record in reader.records().flatten() {
        if rows.len() >= limits.entries {
            partial = true;
            break;
        }
        partial |= record.len() > COLUMNS;
        widest = widest.max(record.len());
        searchable.line(&record.iter().take(COLUMNS).collect::<Vec<_>>().join("\t"));
        rows.push(record.iter().take(COLUMNS).map(str::to_owned).collect::<Vec<_>>());
    }
    let (text, full) = searchable.end();
    let mut draft = Draft { text, partial: partial || full, ..Draft::default() };
    // of what is cut nobody has counted the rest
    if !partial {
        draft.fact("rows", rows.len().to_string());
    }
    draft.fact("columns", widest.to_string());
    draft.body = Some(Body::Table(vec![Sheet { name: String::new(), rows }]));
    Some(draft)
}

/// What divides the first lines most evenly.
fn delimiter(text: &str) -> u8 {
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).take(10).collect();
    let even = |delimiter: u8| {
        let counts = lines.iter().map(|line| line.bytes().filter(|byte| *byte == delimiter).count());
        counts.min().unwrap_or(0)
    };
    [b'\t', b';', b'|']
        .into_iter()
        .fold(b',', |best, other| if even(other) > even(best) { other } else { best })
}
