//! Every row of an index, for who brings it elsewhere.

use super::entry::Entry;
use super::schema::Fields;
use super::{Error, Index};
use tantivy::{DocAddress, Searcher, TantivyDocument};

/// The rows of an index as they are at one moment.
pub struct Rows<'a> {
    searcher: Searcher,
    fields: &'a Fields,
}

/// Where a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowId(DocAddress);

impl Index {
    /// Its rows, as they are now.
    pub fn rows(&self) -> Result<Rows<'_>, Error> {
        Ok(Rows { searcher: self.searcher()?, fields: &self.fields })
    }
}

impl Rows<'_> {
    /// How many there are.
    pub fn len(&self) -> u64 {
        self.searcher.num_docs()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where they are, those that were read together one after the other.
    pub fn ids(&self) -> impl Iterator<Item = RowId> + '_ {
        let segments = self.searcher.segment_readers().iter().enumerate();
        segments.flat_map(|(segment, reader)| {
            let row = move |row| RowId(DocAddress::new(segment as u32, row));
            reader.doc_ids_alive().map(row)
        })
    }

    /// One of them.
    pub fn get(&self, id: RowId) -> Result<Entry, Error> {
        let row: TantivyDocument = self.searcher.doc(id.0)?;
        Entry::from_document(&row, self.fields).ok_or(Error::Damaged)
    }
}

impl std::fmt::Debug for Rows<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rows({})", self.len())
    }
}
