//! The fields of an entry, as the search engine keeps them.
//!
//! An index is a cache, so it has no migrations: one whose fields are not these is made anew, and so is one that was cut
//! into words by other rules ([`VERSION`]).

use super::words::{Grams, Words};
use tantivy::Index;
use tantivy::schema::{
    BytesOptions, FAST, Field, IndexRecordOption, NumericOptions, STORED, STRING, Schema, TextFieldIndexing,
    TextOptions,
};
use tantivy::tokenizer::TextAnalyzer;

/// Part of the label of the key: raise it when words, [`Fields`] or what they mean change.
pub(super) const VERSION: u32 = 2;

const WORDS: &str = "words";
const GRAMS: &str = "grams";

/// What is kept of an entry. A row may lack any but the first ten.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    /// 16 bytes that stand for the path.
    pub(super) key: Field,
    /// The same as two numbers, for reading those of all entries at once.
    pub(super) key_high: Field,
    pub(super) key_low: Field,
    /// The low half of the key of the folder that it is in.
    pub(super) parent: Field,
    /// What an entry that has not changed still has: see `known.rs`.
    pub(super) stamp: Field,
    pub(super) path: Field,
    pub(super) cipher_path: Field,
    pub(super) size: Field,
    pub(super) cipher_size: Field,
    /// Nanoseconds since 1970.
    pub(super) mtime: Field,
    pub(super) kind: Field,
    /// In lower case.
    pub(super) extension: Field,
    /// Every folder above, as it is compared: by its path with a slash in front, and by its name.
    pub(super) folder: Field,
    /// The last name of the path, by words and by grams.
    pub(super) name: Field,
    pub(super) name_grams: Field,
    pub(super) mime: Field,
    pub(super) title: Field,
    pub(super) snippet: Field,
    pub(super) text: Field,
    /// What is known of it besides: author, artist, camera.
    pub(super) facts: Field,
    /// SHA-256 of the plaintext.
    pub(super) hash: Field,
    /// Dropbox's `content_hash` of the ciphertext.
    pub(super) content_hash: Field,
    pub(super) thumbnail: Field,
    pub(super) flags: Field,
}

/// The names of the columns that are read whole.
pub(super) mod column {
    pub(in super::super) const KEY_HIGH: &str = "key_high";
    pub(in super::super) const KEY_LOW: &str = "key_low";
    pub(in super::super) const PARENT: &str = "parent";
    pub(in super::super) const STAMP: &str = "stamp";
    pub(in super::super) const MTIME: &str = "mtime";
}

/// The schema, which tantivy compares with that of an index it finds.
pub(super) fn schema() -> (Schema, Fields) {
    let text = |tokenizer, option| {
        let indexing = TextFieldIndexing::default().set_tokenizer(tokenizer).set_index_option(option);
        TextOptions::default().set_indexing_options(indexing)
    };
    let positions = IndexRecordOption::WithFreqsAndPositions;
    let number = NumericOptions::default().set_fast();
    let mut schema = Schema::builder();
    let fields = Fields {
        key: schema.add_bytes_field("key", BytesOptions::default().set_indexed()),
        key_high: schema.add_u64_field(column::KEY_HIGH, FAST),
        key_low: schema.add_u64_field(column::KEY_LOW, FAST),
        parent: schema.add_u64_field(column::PARENT, FAST),
        stamp: schema.add_u64_field(column::STAMP, FAST),
        path: schema.add_bytes_field("path", STORED),
        cipher_path: schema.add_bytes_field("cipher_path", STORED),
        size: schema.add_u64_field("size", number.clone().set_stored()),
        cipher_size: schema.add_u64_field("cipher_size", STORED),
        mtime: schema.add_i64_field(column::MTIME, number.set_stored()),
        kind: schema.add_text_field("kind", STRING | STORED),
        extension: schema.add_text_field("extension", STRING),
        folder: schema.add_text_field("folder", STRING),
        name: schema.add_text_field("name", text(WORDS, positions)),
        name_grams: schema.add_text_field("name_grams", text(GRAMS, positions)),
        mime: schema.add_text_field("mime", STORED),
        title: schema.add_text_field("title", text(WORDS, positions) | STORED),
        snippet: schema.add_text_field("snippet", STORED),
        text: schema.add_text_field("text", text(WORDS, positions) | STORED),
        facts: schema.add_text_field("facts", text(WORDS, positions)),
        hash: schema.add_bytes_field("hash", STORED),
        content_hash: schema.add_bytes_field("content_hash", STORED),
        thumbnail: schema.add_bytes_field("thumbnail", STORED),
        flags: schema.add_u64_field("flags", STORED),
    };
    (schema.build(), fields)
}

/// Teaches an index what words are.
pub(super) fn register(index: &Index) {
    index.tokenizers().register(WORDS, TextAnalyzer::from(Words));
    index.tokenizers().register(GRAMS, TextAnalyzer::from(Grams));
}
