//! Zip archives, which many formats are: a bounded list of what is inside, and single files unpacked within a budget.

use std::io::{Cursor, Read};
use zip::ZipReadOptions;
use zip::read::{Config, OwnedZipFileEntry};
// unlike `ZipArchive`, it does not begin with an index of everything that the file claims to hold
use zip::unstable::read::ZipIterable;

/// Names longer than this are passed over.
const NAME_LEN: usize = 1024;

/// An open archive.
pub(super) struct Zip<'a> {
    bytes: &'a [u8],
    entries: Vec<(String, OwnedZipFileEntry)>,
    /// Bytes that may still be unpacked.
    budget: usize,
    /// Whether there are more entries, or a file was cut at the budget.
    pub(super) partial: bool,
}

impl<'a> Zip<'a> {
    /// Reads the list of files, at most `entries` of them; `None` if there is no such list at the end of `bytes`.
    /// All that is read may unpack to `budget` bytes.
    pub(super) fn open(bytes: &'a [u8], entries: usize, budget: usize) -> Option<Zip<'a>> {
        let mut archive = ZipIterable::try_new(Cursor::new(bytes), Config::default()).ok()?;
        let mut partial = archive.len() > entries;
        let mut found = Vec::new();
        for entry in archive.files().ok()?.take(entries) {
            let Ok(entry) = entry else {
                partial = true;
                break;
            };
            match entry.name() {
                Ok(name) if name.len() <= NAME_LEN => found.push((name.into_owned(), entry.into())),
                _ => partial = true,
            }
        }
        (!found.is_empty() || !partial).then_some(Zip { bytes, entries: found, budget, partial })
    }

    /// Names and unpacked sizes, in the order of the archive.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, u64)> {
        self.entries.iter().map(|(name, entry)| (name.as_str(), entry.size()))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(known, _)| known == name)
    }

    /// Unpacks one file; what comes before damage, or before the end of the budget, is returned.
    pub(super) fn read(&mut self, name: &str) -> Option<Vec<u8>> {
        let (_, entry) = self.entries.iter().find(|(known, _)| known == name)?;
        let mut cursor = Cursor::new(self.bytes);
        let file = entry.as_ref().with_reader(&mut cursor, ZipReadOptions::new()).ok()?;
        let mut content = Vec::new();
        // an error at the end, of a checksum for one, leaves what was read
        let whole = file.take(self.budget as u64 + 1).read_to_end(&mut content).is_ok();
        if content.len() > self.budget {
            content.truncate(self.budget);
            self.partial = true;
        }
        self.partial |= !whole;
        self.budget -= content.len();
        Some(content)
    }

    /// The same as text, by default in UTF-8, as XML and JSON are.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        super::encoding::decode(&self.read(name)?).map(|decoded| decoded.text)
    }
}
