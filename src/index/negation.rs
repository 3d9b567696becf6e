//! What is not to be found, for the search engine.
//!
//! tantivy 0.27 leaves rows out by asking what is not wanted about rows that it is past already, which a phrase does not
//! stand: it panics, or takes one row for another. Here such a question is answered without moving.

use tantivy::query::{EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::{DocId, DocSet, Score, SegmentReader, Term};

/// A query whose rows can be asked about in any order that goes up, wherever it is itself.
#[derive(Debug)]
pub(super) struct Unwanted(pub(super) Box<dyn Query>);

impl Clone for Unwanted {
    fn clone(&self) -> Unwanted {
        Unwanted(self.0.box_clone())
    }
}

impl Query for Unwanted {
    fn weight(&self, scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(UnwantedWeight(self.0.weight(scoring)?)))
    }

    fn query_terms<'a>(&'a self, visitor: &mut dyn FnMut(&'a Term, bool)) {
        self.0.query_terms(visitor);
    }
}

struct UnwantedWeight(Box<dyn Weight>);

impl Weight for UnwantedWeight {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        Ok(Box::new(UnwantedScorer(self.0.scorer(reader, boost)?)))
    }

    fn explain(&self, reader: &SegmentReader, row: DocId) -> tantivy::Result<Explanation> {
        self.0.explain(reader, row)
    }
}

/// Leaves `seek_danger` to the trait, which looks where it is before it seeks.
struct UnwantedScorer(Box<dyn Scorer>);

impl DocSet for UnwantedScorer {
    fn advance(&mut self) -> DocId {
        self.0.advance()
    }

    fn seek(&mut self, target: DocId) -> DocId {
        self.0.seek(target)
    }

    fn doc(&self) -> DocId {
        self.0.doc()
    }

    fn size_hint(&self) -> u32 {
        self.0.size_hint()
    }
}

impl Scorer for UnwantedScorer {
    fn score(&mut self) -> Score {
        self.0.score()
    }
}
