//! The file that is previewed: a name, and bytes from its beginning.

/// A file, or as much of it as somebody has.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    pub(super) name: &'a str,
    pub(super) bytes: &'a [u8],
    len: u64,
}

impl<'a> Source<'a> {
    /// A whole file.
    pub fn new(name: &'a str, bytes: &'a [u8]) -> Source<'a> {
        Source { name, bytes, len: bytes.len() as u64 }
    }

    /// The beginning of a file that is `len` bytes long.
    pub fn head(name: &'a str, bytes: &'a [u8], len: u64) -> Source<'a> {
        Source { name, bytes, len: len.max(bytes.len() as u64) }
    }

    /// Whether these are all the bytes that there are.
    pub(super) fn is_whole(&self) -> bool {
        self.len == self.bytes.len() as u64
    }

    /// The first `max` bytes, or all there are.
    pub(super) fn first(&self, max: usize) -> &'a [u8] {
        &self.bytes[..self.bytes.len().min(max)]
    }

    /// The extension, in lower case; empty if there is none. Of an absurdly long one nothing is known.
    pub(super) fn extension(&self) -> String {
        match self.file_name().rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() && extension.len() <= 16 => extension.to_lowercase(),
            _ => String::new(),
        }
    }

    /// The name without folders.
    pub(super) fn file_name(&self) -> &'a str {
        self.name.rsplit('/').next().unwrap_or_default()
    }
}
