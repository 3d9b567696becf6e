//! Files made on the spot.

use encbox::preview::{Limits, Preview, Source, preview};
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;

pub(crate) fn seen(name: &str, bytes: impl AsRef<[u8]>) -> Preview {
    preview(&Source::new(name, bytes.as_ref()), &Limits::default())
}

/// A zip archive of these files, packed.
pub(crate) fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for (name, content) in files {
        archive.start_file(*name, options).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

pub(crate) fn gzipped(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn deflated(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// Everything in a preview that somebody could be shown.
pub(crate) fn all_strings(preview: &Preview) -> String {
    let json = serde_json::to_value(preview).unwrap();
    let mut strings = Vec::new();
    gather(&json, &mut strings);
    strings.push(preview.to_html());
    strings.push(preview.to_text());
    strings.join("\n")
}

fn gather(value: &serde_json::Value, strings: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => strings.push(text.clone()),
        serde_json::Value::Array(values) => values.iter().for_each(|value| gather(value, strings)),
        serde_json::Value::Object(fields) => fields.values().for_each(|value| gather(value, strings)),
        _ => {}
    }
}
