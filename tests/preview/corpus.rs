//! Every file of the corpus looks as `expected.json` says.
//!
//! A new file is a file in `corpus/` and an entry; `ENCBOX_WRITE_EXPECTED=1` writes what there is to see now, to be read
//! by somebody before it is kept.

use crate::samples::all_strings;
use encbox::preview::{Body, CLASSES, Limits, Preview, Source, preview};
use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Characters of the beginning of the body that are frozen.
const BODY_LEN: usize = 400;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/preview")
}

/// The files of the corpus, by name.
pub(crate) fn files() -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder().join("corpus")).unwrap().map(Result::unwrap);
    let mut files: Vec<_> = entries
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn every_file_looks_as_expected() {
    let path = folder().join("expected.json");
    let found: Map<String, Value> = files()
        .into_iter()
        .map(|(name, bytes)| {
            let seen = preview(&Source::new(&name, &bytes), &Limits::default());
            (name, facts(&seen))
        })
        .collect();
    if std::env::var_os("ENCBOX_WRITE_EXPECTED").is_some() {
        fs::write(&path, serde_json::to_string_pretty(&found).unwrap() + "\n").unwrap();
    }
    let expected: Map<String, Value> = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let names = |map: &Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(&expected), "files and entries");
    assert!(found.len() >= 60, "{} files", found.len());
    let mut wrong = Vec::new();
    for (name, found) in &found {
        for (key, value) in found.as_object().unwrap() {
            if &expected[name][key] != value {
                wrong.push(format!("{name}: {key} is {value}\n    and should be {}", expected[name][key]));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// All that is expected of a file: everything, but of long texts the beginning, and of pictures the size.
fn facts(seen: &Preview) -> Value {
    let facts: Map<String, Value> =
        seen.facts.iter().map(|fact| (fact.name.to_owned(), fact.value.clone().into())).collect();
    let body = match &seen.body {
        Body::Text(_) => "text",
        Body::Html(_) => "html",
        Body::Code { .. } => "code",
        Body::Outline(_) => "outline",
        Body::Table(_) => "table",
        Body::Svg(_) => "svg",
        Body::Original => "original",
        Body::Listing(_) => "listing",
        Body::Hex(_) => "hex",
    };
    let html = match &seen.body {
        Body::Svg(svg) => svg.clone(),
        // the packed pixels are the business of whoever packs them
        Body::Original => String::new(),
        _ => seen.to_html(),
    };
    json!({
        "kind": seen.kind,
        "mime": seen.mime,
        "uti": seen.uti,
        "title": seen.title,
        "snippet": seen.snippet,
        "facts": facts,
        "thumbnail": seen.thumbnail.as_ref().map(|picture| format!("{}x{}", picture.width, picture.height)),
        "partial": seen.partial,
        "body": body,
        "begins": html.chars().take(BODY_LEN).collect::<String>(),
    })
}

#[test]
fn every_class_in_code_is_described() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/preview.md")).unwrap();
    for (class, meaning) in CLASSES {
        assert!(page.replace('\n', " ").contains(&format!("`{class}` {meaning}")), "{class} {meaning}");
    }
}

#[test]
fn nothing_that_is_shown_has_control_characters() {
    for (name, bytes) in files() {
        let seen = preview(&Source::new(&name, &bytes), &Limits::default());
        let bad = |c: &char| c.is_control() && !"\n\t".contains(*c) || ('\u{202a}'..='\u{202e}').contains(c);
        let found: Vec<char> = all_strings(&seen).chars().filter(bad).collect();
        assert!(found.is_empty(), "{name}: {found:?}");
        assert!(seen.snippet.chars().count() <= 200, "{name}");
        assert!(!seen.snippet.contains('\n'), "{name}");
    }
}

#[test]
fn contents_tell_what_a_name_does_not() {
    for (name, bytes) in files() {
        let named = preview(&Source::new(&name, &bytes), &Limits::default());
        // of text in many languages the name alone tells which; so it does of what was cut
        let told_by_name =
            ["code", "data", "table", "text", "markdown", "other"].contains(&named.kind.name());
        if told_by_name || ["old.xmind", "hostile.html"].contains(&name.as_str()) || name.contains("damaged")
        {
            continue;
        }
        let unnamed = preview(&Source::new("file", &bytes), &Limits::default());
        assert_eq!(unnamed.kind, named.kind, "{name}");
        let misnamed = preview(&Source::new("file.png", &bytes), &Limits::default());
        assert_eq!(misnamed.kind, named.kind, "{name}");
    }
}
