//! A row in the making: what is known of an entry without reading it, and what a look at it adds.

use super::entry::{Entry, FOLDER, Flags, Key, LINK, SPECIAL};
use super::known::{self, STALE};
use super::look::Look;
use super::schema::Fields;
use crate::preview::{self, Fact};
use crate::volume::{Error, Kind, PlainPath, Stat};
use std::path::PathBuf;
use tantivy::TantivyDocument;

/// Bytes of a row besides its texts and pictures, about.
const BARE_LEN: usize = 1024;

/// An entry, and what else the index keeps of it.
pub(super) struct Row {
    pub(super) entry: Entry,
    stamp: u64,
    facts: Vec<Fact>,
}

impl Row {
    /// What is known without reading it.
    pub(super) fn new(path: PlainPath, cipher_path: PathBuf, stat: &Stat, stamp: u64) -> Row {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let kind = match stat.kind {
            Kind::File => preview::kind_by_name(&name).name(),
            Kind::Dir => FOLDER,
            Kind::Symlink => LINK,
            Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice => SPECIAL,
        };
        let entry = Entry {
            cipher_path,
            size: if stat.kind == Kind::File { stat.size } else { 0 },
            cipher_size: stat.cipher_size,
            mtime: stat.mtime,
            kind: kind.to_owned(),
            path,
            mime: None,
            title: None,
            snippet: String::new(),
            text: String::new(),
            hash: None,
            content_hash: None,
            thumbnail: None,
            flags: Flags::default(),
        };
        Row { entry, stamp, facts: Vec::new() }
    }

    /// Adds what a look at the file gave, and says what could not be read.
    pub(super) fn take(&mut self, look: Look) -> Option<Error> {
        let Look { preview, hash, content_hash, damage, read_len: _, began, before, after } = look;
        let same = |a: &Stat, b: &Stat| (a.cipher_size, a.mtime, a.id) == (b.cipher_size, b.mtime, b.id);
        if !same(&before, &after) || known::may_hide_a_change(&before, began) {
            self.read_again();
        }
        let entry = &mut self.entry;
        entry.kind = preview.kind.name().to_owned();
        entry.mime = Some(preview.mime.to_owned());
        entry.title = preview.title;
        entry.snippet = preview.snippet;
        entry.text = preview.text;
        entry.thumbnail = preview.thumbnail.map(|picture| picture.bytes);
        entry.flags.partial = preview.partial;
        (entry.hash, entry.content_hash) = (hash, content_hash);
        self.facts = preview.facts;
        damage
    }

    /// The next scan reads the entry by all means.
    pub(super) fn read_again(&mut self) {
        self.stamp = STALE;
    }

    /// Bytes that it takes in memory, about.
    pub(super) fn len(&self) -> usize {
        let Entry { title, snippet, text, thumbnail, .. } = &self.entry;
        let facts: usize = self.facts.iter().map(|fact| fact.value.len()).sum();
        let title = title.as_ref().map_or(0, String::len);
        let thumbnail = thumbnail.as_ref().map_or(0, Vec::len);
        BARE_LEN + title + snippet.len() + text.len() + thumbnail + facts
    }

    /// For the search engine.
    pub(super) fn to_document(&self, fields: &Fields, key: Key) -> TantivyDocument {
        self.entry.to_document(fields, key, self.stamp, &self.facts)
    }
}
