//! Lists of what a volume should hold: the output of `sha256sum`, or JSON.
//!
//! ```text
//! sha256sum   64 hexadecimal digits, two blanks (or a blank and *), the path; a backslash in front says that \\, \n and
//!             \r in the path are escaped. Says nothing of folders and links.
//! JSON        { PATH: { "type": "file", "size": N, "sha256": HEX }, PATH: { "type": "dir" },
//!               PATH: { "type": "symlink", "target": TARGET } }, perhaps as the member "entries" of an object
//! ```

use crate::volume::PlainPath;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;

/// What a volume should hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    /// By directory, then by name.
    folders: BTreeMap<PlainPath, BTreeMap<OsString, Entry>>,
    files_only: bool,
}

/// What an entry should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A directory.
    Folder,
    /// A regular file.
    File {
        /// Bytes, if the list says.
        len: Option<u64>,
        /// Of the contents.
        sha256: [u8; 32],
    },
    /// A symbolic link.
    Link {
        /// Where it leads.
        target: OsString,
    },
}

/// Why a list cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct ManifestError {
    /// Counted from 1; 0 where there are no lines.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
}

fn problem(line: usize, problem: impl Into<String>) -> ManifestError {
    ManifestError { line, problem: problem.into() }
}

impl Manifest {
    /// Reads a list in either form.
    pub fn parse(bytes: &[u8]) -> Result<Manifest, ManifestError> {
        match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => Manifest::from_json(bytes),
            _ => Manifest::from_sums(bytes),
        }
    }

    /// Whether the list says nothing of folders and links.
    pub fn files_only(&self) -> bool {
        self.files_only
    }

    /// What should be in a directory.
    pub fn below(&self, path: &PlainPath) -> impl Iterator<Item = (&OsStr, &Entry)> {
        self.folders.get(path).into_iter().flatten().map(|(name, entry)| (name.as_os_str(), entry))
    }

    fn from_json(bytes: &[u8]) -> Result<Manifest, ManifestError> {
        let value: Value =
            serde_json::from_slice(bytes).map_err(|error| problem(error.line(), error.to_string()))?;
        let entries = value.get("entries").unwrap_or(&value);
        let entries = entries.as_object().ok_or_else(|| problem(0, "not an object of paths"))?;
        let mut manifest = Manifest::default();
        for (path, entry) in entries {
            let text = |key: &str| {
                let text = entry.get(key).and_then(Value::as_str);
                text.ok_or_else(|| problem(0, format!("{path}: no {key}")))
            };
            let entry = match text("type")? {
                "dir" => Entry::Folder,
                "file" => Entry::File {
                    len: entry.get("size").and_then(Value::as_u64),
                    sha256: digest(text("sha256")?.as_bytes())
                        .ok_or_else(|| problem(0, format!("{path}: not a SHA-256")))?,
                },
                "symlink" => Entry::Link { target: text("target")?.into() },
                other => return Err(problem(0, format!("{path}: of the unknown type {other}"))),
            };
            manifest.add(0, OsStr::new(path), entry)?;
        }
        Ok(manifest)
    }

    fn from_sums(bytes: &[u8]) -> Result<Manifest, ManifestError> {
        let mut manifest = Manifest { files_only: true, ..Manifest::default() };
        for (number, line) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let (escaped, line) = match line.strip_prefix(b"\\") {
                Some(rest) => (true, rest),
                None => (false, line),
            };
            let parts = line.split_at_checked(64).and_then(|(hex, rest)| Some((digest(hex)?, rest)));
            let (sha256, rest) = parts.ok_or_else(|| problem(number, "does not begin with a SHA-256"))?;
            let path = rest.strip_prefix(b"  ").or_else(|| rest.strip_prefix(b" *"));
            let path = path.ok_or_else(|| problem(number, "no path behind the SHA-256"))?;
            let path = if escaped { unescape(path) } else { path.to_vec() };
            manifest.add(number, &OsString::from_vec(path), Entry::File { len: None, sha256 })?;
        }
        Ok(manifest)
    }

    fn add(&mut self, line: usize, path: &OsStr, entry: Entry) -> Result<(), ManifestError> {
        let shown = path.to_string_lossy();
        let parsed = PlainPath::parse(path).filter(|path| !path.is_root());
        let parsed = parsed.ok_or_else(|| problem(line, format!("{shown}: not a path in a volume")))?;
        let mut below = parsed;
        let mut entry = Some(entry);
        while let (Some(parent), Some(name)) = (below.parent(), below.file_name()) {
            let folder = self.folders.entry(parent.clone()).or_default();
            match entry.take() {
                Some(entry) => drop(folder.insert(name.to_owned(), entry)),
                // a folder that is named only by what is in it
                None => drop(folder.entry(name.to_owned()).or_insert(Entry::Folder)),
            }
            below = parent;
        }
        Ok(())
    }
}

fn digest(hex: &[u8]) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if hex.len() != 64 {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(hex.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(digest)
}

fn unescape(path: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(path.len());
    let mut bytes = path.iter();
    while let Some(&byte) = bytes.next() {
        plain.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(&other) => other,
                None => byte,
            },
            byte => byte,
        });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn names(manifest: &Manifest, path: &str) -> Vec<String> {
        let path = PlainPath::parse(OsStr::new(path)).expect("inside");
        manifest.below(&path).map(|(name, _)| name.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn the_output_of_sha256sum() {
        let text = format!("{HEX}  ./a b\n{HEX} *d/e\n\\{HEX}  d/x\\ny\\\\z\n\n");
        let manifest = Manifest::parse(text.as_bytes()).expect("well formed");
        assert!(manifest.files_only());
        assert_eq!(names(&manifest, "/"), ["a b", "d"]);
        assert_eq!(names(&manifest, "d"), ["e", "x\ny\\z"]);
    }

    #[test]
    fn json() {
        let text = format!(
            r#"{{ "entries": {{ "d": {{ "type": "dir" }}, "d/f": {{ "type": "file", "size": 0, "sha256": "{HEX}" }},
               "l": {{ "type": "symlink", "target": "d/f" }} }} }}"#
        );
        let manifest = Manifest::parse(text.as_bytes()).expect("well formed");
        assert!(!manifest.files_only());
        assert_eq!(names(&manifest, "/"), ["d", "l"]);
        assert_eq!(names(&manifest, "d"), ["f"]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line) in
            [(format!("{HEX}  a\nxyz  b\n"), 2), (format!("{HEX}a\n"), 1), (format!("{HEX}  ../a"), 1)]
        {
            assert_eq!(Manifest::parse(text.as_bytes()).map_err(|error| error.line), Err(line), "{text}");
        }
        assert!(Manifest::parse(b"{ \"a\": { \"type\": \"file\" } }").is_err());
        assert!(Manifest::parse(b"{").is_err());
    }
}
