//! In what two files of a volume differ.

use crate::volume::{Dir, Error, File, Kind, OpenFile, Volume};
use serde_json::{Value, json};
use similar::TextDiff;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::time::Duration;

/// Longer texts are compared as bytes: nobody reads so long a difference.
const MAX_TEXT_LEN: u64 = 4 << 20;
/// When this has passed, the difference that is found need not be the shortest.
const PATIENCE: Duration = Duration::from_secs(2);
/// Lines of text around a change.
const CONTEXT: usize = 3;
/// Bytes read at a time.
const BUFFER_LEN: usize = 1 << 18;

/// In what the second of two entries differs from the first.
pub(super) enum Comparison {
    /// Byte for byte the same.
    Same,
    /// A unified diff.
    Text(String),
    /// The first byte that differs, or where the shorter one ends.
    Bytes(u64),
    /// Folders: how many names are in both, and the names that one has alone.
    Folders { both: usize, first: Vec<OsString>, second: Vec<OsString> },
    /// Links: whether they lead to the same place is all there is to say.
    Links,
    /// They are not of one kind.
    Kinds,
}

/// Compares two entries; `labels` are what a diff calls them.
pub(super) fn compare(
    volume: &Volume,
    dir: &Dir,
    [first, second]: [&OsStr; 2],
    labels: [&str; 2],
) -> Result<Comparison, Error> {
    let (kind, other) = (volume.stat((dir, first))?.kind, volume.stat((dir, second))?.kind);
    match kind {
        _ if kind != other => Ok(Comparison::Kinds),
        Kind::Dir => {
            let names = |name| -> Result<BTreeSet<OsString>, Error> {
                let entries = volume.list(&volume.open_dir(dir, name)?)?;
                Ok(entries.into_iter().map(|entry| entry.name).collect())
            };
            let (first, second) = (names(first)?, names(second)?);
            Ok(Comparison::Folders {
                both: first.intersection(&second).count(),
                first: first.difference(&second).cloned().collect(),
                second: second.difference(&first).cloned().collect(),
            })
        }
        Kind::File => {
            let how = OpenFile { read: true, ..OpenFile::default() };
            files(&volume.open_file(dir, first, how)?, &volume.open_file(dir, second, how)?, labels)
        }
        Kind::Symlink if volume.readlink(dir, first)? == volume.readlink(dir, second)? => {
            Ok(Comparison::Same)
        }
        _ => Ok(Comparison::Links),
    }
}

fn files(first: &File, second: &File, labels: [&str; 2]) -> Result<Comparison, Error> {
    let lens = (first.stat()?.size, second.stat()?.size);
    if lens.0.max(lens.1) <= MAX_TEXT_LEN
        && let (Some(first), Some(second)) = (text(first, lens.0)?, text(second, lens.1)?)
    {
        if first == second {
            return Ok(Comparison::Same);
        }
        let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(&first, &second);
        let text = diff.unified_diff().context_radius(CONTEXT).header(labels[0], labels[1]).to_string();
        return Ok(Comparison::Text(text));
    }
    let mut buffers = [vec![0; BUFFER_LEN], vec![0; BUFFER_LEN]];
    let mut at = 0;
    loop {
        let lens = [first.read_at(&mut buffers[0], at)?, second.read_at(&mut buffers[1], at)?];
        let (one, other) = (&buffers[0][..lens[0]], &buffers[1][..lens[1]]);
        if let Some(differs) = one.iter().zip(other).position(|(a, b)| a != b) {
            return Ok(Comparison::Bytes(at + differs as u64));
        }
        if lens[0] != lens[1] {
            return Ok(Comparison::Bytes(at + lens[0].min(lens[1]) as u64));
        }
        if lens[0] == 0 {
            return Ok(Comparison::Same);
        }
        at += lens[0] as u64;
    }
}

/// The whole file, if it is text.
fn text(file: &File, len: u64) -> Result<Option<String>, Error> {
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
    let mut at = 0;
    while at < bytes.len() {
        match file.read_at(&mut bytes[at..], at as u64)? {
            0 => break,
            len => at += len,
        }
    }
    bytes.truncate(at);
    Ok(String::from_utf8(bytes).ok().filter(|text| !text.contains('\0')))
}

impl Comparison {
    /// In a word or two; a diff speaks for itself.
    pub(super) fn words(&self) -> String {
        match self {
            Comparison::Same => "the same contents".to_owned(),
            Comparison::Text(_) => "texts that differ".to_owned(),
            Comparison::Bytes(at) => format!("contents differ from byte {at} on"),
            Comparison::Folders { both, first, second } => format!(
                "folders with {both} names in both, {} in the copy alone, {} in the original alone",
                second.len(),
                first.len()
            ),
            Comparison::Links => "links or special files that differ".to_owned(),
            Comparison::Kinds => "not of the same kind".to_owned(),
        }
    }

    pub(super) fn json(&self) -> Value {
        let names = |names: &[OsString]| -> Vec<String> {
            names.iter().map(|name| name.to_string_lossy().into_owned()).collect()
        };
        match self {
            Comparison::Same => json!({ "same": true }),
            Comparison::Text(diff) => json!({ "same": false, "diff": diff }),
            Comparison::Bytes(at) => json!({ "same": false, "first_difference": at }),
            Comparison::Folders { both, first, second } => json!({
                "names_in_both": both,
                "only_in_original": names(first),
                "only_in_copy": names(second),
            }),
            Comparison::Links | Comparison::Kinds => json!({ "same": false }),
        }
    }
}
