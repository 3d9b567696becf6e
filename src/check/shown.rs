//! What in a volume another program would not show, or could not read.

use super::program::Program;
use crate::volume::{Dir, DirEntry, Error, Kind, PlainPath, Volume};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// UTF-16 units of a path that Windows takes, unless a program asks for more.
const WINDOWS_PATH_MAX: usize = 259;
/// Characters of a name that Windows does not take.
const WINDOWS_FORBIDDEN: &str = "<>:\"\\|?*";
/// Names that are devices on Windows, with any extension.
const WINDOWS_DEVICES: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
    "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// An entry that a program would not show as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    /// The program.
    pub program: Program,
    /// The path in the volume.
    pub path: PlainPath,
    /// The path on disk, relative to the root.
    pub cipher_path: PathBuf,
    /// Why not.
    pub reason: &'static str,
}

/// Goes through all names for what these programs would not show, and tells each.
pub fn hidden(volume: &Volume, programs: &[Program], tell: &mut dyn FnMut(&Hidden)) -> Result<(), Error> {
    let mut todo = vec![(volume.root(), PlainPath::default())];
    while let Some((dir, path)) = todo.pop() {
        for entry in volume.list(&dir)? {
            let path = path.join(&entry.name);
            let cipher_path = dir.cipher_path().join(&entry.cipher_name);
            let size = size(volume, &dir, &entry);
            for &program in programs {
                if let Some(reason) = reason(program, &entry, &cipher_path, size) {
                    tell(&Hidden { program, path: path.clone(), cipher_path: cipher_path.clone(), reason });
                }
            }
            if entry.kind == Kind::Dir {
                todo.push((volume.open_dir(&dir, &entry.name)?, path));
            }
        }
    }
    Ok(())
}

/// Bytes on disk, of files.
fn size(volume: &Volume, dir: &Dir, entry: &DirEntry) -> Option<u64> {
    let stat = if entry.kind == Kind::File { volume.stat((dir, entry.name.as_os_str())).ok() } else { None };
    stat.map(|stat| stat.cipher_size)
}

fn reason(
    program: Program,
    entry: &DirEntry,
    cipher_path: &std::path::Path,
    size: Option<u64>,
) -> Option<&'static str> {
    let name = entry.name.as_bytes();
    if entry.copy_of.is_some() {
        return Some("a conflicted copy, which it hides");
    }
    if program.is_for_windows() {
        return windows(name).or_else(|| {
            let long = cipher_path.to_string_lossy().encode_utf16().count() > WINDOWS_PATH_MAX;
            long.then_some("the encrypted path is longer than Windows takes")
        });
    }
    match program {
        Program::EncfsJava if std::str::from_utf8(name).is_err() => Some("the name is not Unicode"),
        Program::Encfs2 if entry.kind == Kind::Symlink => Some("a link, which it cannot read"),
        Program::Encfs2 if size == Some(0) => Some("a file of no bytes at all, which it cannot read"),
        _ => None,
    }
}

/// Why Windows does not take a name.
fn windows(name: &[u8]) -> Option<&'static str> {
    let Ok(text) = std::str::from_utf8(name) else { return Some("the name is not Unicode") };
    let base = text.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    if text.contains(|letter: char| letter < ' ' || WINDOWS_FORBIDDEN.contains(letter)) {
        Some("the name holds a character that Windows does not take")
    } else if text.ends_with(['.', ' ']) {
        Some("the name ends in a dot or a blank, which Windows drops")
    } else if WINDOWS_DEVICES.contains(&base.as_str()) {
        Some("the name is that of a device on Windows")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_windows_does_not_take() {
        for name in ["a:b", "tab\there", "trailing.", "trailing ", "NUL", "com1.txt", "what?"] {
            assert!(windows(name.as_bytes()).is_some(), "{name}");
        }
        for name in ["a", ".hidden", "..two dots", "comma,dash-", "console", "日本語", "a.nul"] {
            assert_eq!(windows(name.as_bytes()), None, "{name}");
        }
        assert!(windows(b"\xff").is_some());
    }
}
