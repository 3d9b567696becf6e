//! The index reads the beginning of large files only: what is seen of that is true, and said to be partial.

use crate::corpus::files;
use encbox::preview::{Body, Kind, Limits, Preview, Source, preview};

#[test]
fn a_beginning_is_of_the_same_kind_and_partial() {
    let mut wrong = Vec::new();
    for (name, bytes) in files() {
        let whole = preview(&Source::new(&name, &bytes), &Limits::default());
        for part in [1, 2, 4, 8] {
            let head = &bytes[..bytes.len() / part / 2];
            if head.len() < 300 {
                continue;
            }
            let seen = preview(&Source::head(&name, head, bytes.len() as u64), &Limits::default());
            assert!(seen.partial, "{name}, {} of {} bytes", head.len(), bytes.len());
            let untrue = seen.facts.iter().filter(|fact| !whole.facts.contains(fact));
            wrong.extend(untrue.map(|fact| format!("{name}, {} of {}: {fact:?}", head.len(), bytes.len())));
            // a renamed archive is known by what is at its end
            if !name.starts_with("misnamed") {
                assert_eq!(seen.kind, whole.kind, "{name}, {} of {} bytes", head.len(), bytes.len());
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_prefix_of_a_small_file_is_shown() {
    for (name, bytes) in files().into_iter().filter(|(_, bytes)| bytes.len() < 1500) {
        for len in 0..bytes.len() {
            preview(&Source::new(&name, &bytes[..len]), &Limits::default());
        }
    }
}

#[test]
fn a_photo_needs_its_head_only() {
    let (name, bytes) = files().into_iter().find(|(name, _)| name == "photo.jpg").unwrap();
    let head = &bytes[..bytes.len() / 2];
    let seen = preview(&Source::head(&name, head, bytes.len() as u64), &Limits::default());
    assert!(seen.kind == Kind::Image && seen.thumbnail.is_some());
    assert_eq!(seen.facts, preview(&Source::new(&name, &bytes), &Limits::default()).facts);
}

#[test]
fn without_marks_only_the_body_is_another() {
    let plain = Limits { marked_len: 0, ..Limits::default() };
    let mut differ = 0;
    for (name, bytes) in files() {
        let marked = preview(&Source::new(&name, &bytes), &Limits::default());
        let seen = preview(&Source::new(&name, &bytes), &plain);
        let without_body = |preview: &Preview| Preview { body: Body::Original, ..preview.clone() };
        assert_eq!(without_body(&seen), without_body(&marked), "{name}");
        differ += usize::from(seen.body != marked.body);
    }
    assert!(differ > 10, "{differ}");
}

#[test]
fn limits_are_kept() {
    let limits = Limits { text_len: 1000, body_len: 2000, entries: 5, ..Limits::default() };
    for (name, bytes) in files() {
        let seen = preview(&Source::new(&name, &bytes), &limits);
        assert!(seen.text.len() <= 1000, "{name}: {}", seen.text.len());
        // marks and tags come on top
        assert!(seen.to_text().len() <= 20_000, "{name}: {}", seen.to_text().len());
    }
}
