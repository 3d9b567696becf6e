//! The house has floors: a room uses only rooms that stand below it, and the lowest three floors are pure.
//!
//! This test reads the sources of `src/`. It relies on rustfmt's layout (`make lint` holds it): a block
//! opened on a line ends with a brace at the same indentation.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the message")]

use std::fs;
use std::path::Path;

const FLOORS: [&[&str]; 8] = [
    &["crypto"],
    &["names", "content", "preview"],
    &["config"],
    &["volume"],
    &["mount", "sync", "index", "transfer", "check"],
    &["travel"],
    &["serve"],
    &["cli"],
];
/// Floors up to this one must build for browsers and phones: no files, clock, threads or processes.
const LAST_PURE_FLOOR: usize = 2;
const IMPURE: [&str; 7] =
    ["std::fs", "std::net", "std::thread", "std::process", "std::env", "std::os", "std::time"];
const PURE_AFTER_ALL: &str = "std::time::Duration";
const IMPURE_CRATES: [&str; 2] = ["rustix", "getrandom"];
/// The front page and the program's entry: they belong to no room.
const ABOVE_ALL: [&str; 2] = ["lib.rs", "main.rs"];

#[test]
fn every_import_goes_down_and_the_lowest_rooms_are_pure() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut complaints = Vec::new();
    let mut files_read = 0;
    for entry in fs::read_dir(&src).unwrap().map(Result::unwrap) {
        let room = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            visit(&entry.path(), &mut |path, code| {
                files_read += 1;
                let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                for complaint in complaints_about(&room, file, code) {
                    complaints.push(format!("{}: {complaint}", path.strip_prefix(&src).unwrap().display()));
                }
            });
        } else if !ABOVE_ALL.contains(&room.as_str()) {
            complaints.push(format!("{room}: a file outside every room"));
        }
    }
    assert!(files_read > 0, "no sources found in {}", src.display());
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn each_kind_of_fault_is_noticed() {
    let faults = |room: &str, code: &str| complaints_about(room, "file.rs", code).len();
    assert_eq!(faults("names", "use crate::crypto::VolumeKey;\nuse std::time::Duration;\n"), 0);
    assert_eq!(faults("cli", "use crate::mount::run;\nuse std::fs;\n"), 0);
    assert_eq!(faults("cli", "#[cfg(test)]\nmod tests {\n    use super::super::run;\n}\n"), 0);
    assert_eq!(faults("names", "// not crate::volume, see [`crate::cli`]\nlet x = mycrate::volume;\n"), 0);
    assert_eq!(faults("names", "#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n"), 0);

    assert_eq!(
        faults("names", "#[cfg(test)]\nmod tests {\n}\nuse std::fs;\n"),
        1,
        "pure code after its tests"
    );
    assert_eq!(faults("names", "#[cfg(test)]\nmod tests;\nuse std::fs;\n"), 1, "tests kept in another file");
    assert_eq!(faults("names", "use crate::content::Layout;\n"), 1, "sideways");
    assert_eq!(faults("volume", "fn f() { crate::mount::run() }\n"), 1, "upwards, without `use`");
    assert_eq!(
        faults("mount", "use crate::{\n    config::Config,\n    transfer::Walk,\n};\n"),
        1,
        "in a group"
    );
    assert_eq!(faults("volume", "use super::super::cli::exit;\n"), 1, "by way of super");
    assert_eq!(complaints_about("volume", "mod.rs", "use super::cli::exit;\n").len(), 1, "by way of super");
    assert_eq!(faults("attic", "fn f() {}\n"), 1, "a room that is on no floor");
    assert_eq!(faults("config", "use std::{io, time::{Duration, Instant}};\n"), 1, "a clock in a group");
    assert_eq!(faults("config", "use std::time::*;\n"), 1, "a clock behind a star");
    assert_eq!(faults("crypto", "fn f() { getrandom::fill(b) }\n"), 1, "a crate of the system");
}

fn complaints_about(room: &str, file: &str, source: &str) -> Vec<String> {
    let Some(floor) = floor_of(room) else { return vec![format!("room `{room}` is on no floor")] };
    let mut complaints = Vec::new();
    let code = without_comments(source);
    for path in paths_from("crate", &code) {
        let other = path.split("::").nth(1).unwrap_or("");
        if other != room && floor_of(other).is_some_and(|below| below >= floor) {
            complaints.push(format!("`{room}` (floor {floor}) imports {path}"));
        }
    }
    let product = if file == "tests.rs" { String::new() } else { without_test_modules(&code) };
    let out_of_the_room = if file == "mod.rs" { "super" } else { "super::super" };
    if !paths_from(out_of_the_room, &product).is_empty() {
        complaints.push(format!("`{out_of_the_room}` hides which room is meant: write `crate::room`"));
    }
    if floor <= LAST_PURE_FLOOR {
        let used = paths_from("std", &product).into_iter().filter(|path| {
            let impure = IMPURE.iter().any(|bad| path == bad || path.starts_with(&format!("{bad}::")));
            (impure && path != PURE_AFTER_ALL) || path == "std::*"
        });
        let crates = IMPURE_CRATES.iter().flat_map(|name| paths_from(name, &product));
        complaints.extend(used.chain(crates).map(|path| format!("`{room}` must stay pure but uses {path}")));
    }
    complaints
}

fn floor_of(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// Line comments go, doc comments among them. What follows `//` in a string goes too, which hides no
/// import.
fn without_comments(source: &str) -> String {
    source.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

fn without_test_modules(code: &str) -> String {
    let mut kept = Vec::new();
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let Some(indent) = line.strip_suffix("#[cfg(test)]") else {
            kept.push(line);
            continue;
        };
        let opens_block = lines.next().is_some_and(|item| item.trim_end().ends_with('{'));
        let end = format!("{indent}}}");
        while opens_block && lines.next().is_some_and(|inside| inside.trim_end() != end) {}
    }
    kept.join("\n")
}

/// Every path in `code` that begins with `root::`, groups in braces taken apart.
fn paths_from(root: &str, code: &str) -> Vec<String> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let start = format!("{root}::");
    let mut found = Vec::new();
    for (at, _) in code.match_indices(&start) {
        if !code[..at].ends_with(is_word) && !code[..at].ends_with("::") {
            expand(root.to_owned(), &code[at + start.len()..], &mut found);
        }
    }
    found
}

/// Follows one path, or each member of a group, and returns what comes after it.
fn expand<'a>(path: String, rest: &'a str, found: &mut Vec<String>) -> &'a str {
    let mut rest = rest.trim_start();
    if let Some(group) = rest.strip_prefix('{') {
        rest = group;
        while !rest.trim_start().starts_with('}') && !rest.is_empty() {
            rest = expand(path.clone(), rest, found).trim_start();
            rest = rest.strip_prefix(',').unwrap_or(rest);
        }
        return rest.trim_start().strip_prefix('}').unwrap_or("");
    }
    let word_len = rest.find(|c: char| !(c.is_alphanumeric() || "_*".contains(c))).unwrap_or(rest.len());
    let (word, mut rest) = rest.split_at(word_len);
    let path = format!("{path}::{word}");
    if let Some(deeper) = rest.strip_prefix("::") {
        return expand(path, deeper, found);
    }
    found.push(path);
    if let Some(renamed) = rest.trim_start().strip_prefix("as ") {
        rest = renamed.trim_start().trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
    }
    rest
}

fn visit(dir: &Path, see: &mut dyn FnMut(&Path, &str)) {
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            visit(&entry.path(), see);
        } else if entry.path().extension().is_some_and(|extension| extension == "rs") {
            see(&entry.path(), &fs::read_to_string(entry.path()).unwrap());
        }
    }
}
