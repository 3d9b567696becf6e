//! `encbox speed`: that it measures, not how fast

use crate::support::*;

#[test]
fn every_row_has_a_figure() {
    let facts = Scratch::empty().run(&["speed", "--json", "--seconds", "0.1"]).ok().json();
    let is_positive = |value: &serde_json::Value| value.as_f64().is_some_and(|n| n > 0.0 && n.is_finite());
    assert!(facts["instructions"].is_array());
    let contents = facts["contents"].as_array().unwrap();
    let kinds = contents
        .iter()
        .map(|row| ["key_bits", "block_size", "mac_bytes"].map(|key| row[key].as_u64().unwrap()));
    let expected =
        [256, 192].map(|bits| [[bits, 1024, 0], [bits, 1024, 8], [bits, 4096, 0], [bits, 4096, 8]]);
    assert_eq!(kinds.collect::<Vec<_>>(), expected.concat());
    for row in contents {
        for way in ["encrypt", "decrypt"] {
            for figure in ["gb_per_second", "percent_of_copy"] {
                assert!(is_positive(&row[format!("{way}_{figure}")]), "{row}");
            }
        }
    }
    for path in [
        "/copy_gb_per_second",
        "/names/encode_per_second",
        "/names/decode_per_second",
        "/pbkdf2/iterations_per_second",
        "/pbkdf2/unlock_iterations",
        "/pbkdf2/unlock_seconds",
    ] {
        assert!(facts.pointer(path).is_some_and(is_positive), "{path}: {facts}");
    }
}

#[test]
fn the_same_as_a_table() {
    let run = Scratch::empty().run(&["speed", "--seconds", "0.1"]).ok();
    for text in
        ["Instructions ", "Memory ", "AES-256, 1024, no MAC", "AES-192, 4096, MAC of 8 bytes", "Unlocking "]
    {
        assert!(run.text().contains(text), "{text}: {}", run.text());
    }
}

#[test]
fn a_time_that_is_none_is_refused() {
    let run = Scratch::empty().run(&["speed", "--seconds", "many"]);
    assert_eq!(run.code, 2, "{}", run.stderr);
}
