//! Asking an index.
//!
//! Every word has to be found, in the name, the title, the text or the facts of an entry. A word found whole counts more
//! than the beginning of one, a name more than a title, a title more than a text, and any three letters of a name least.

use super::entry::{Entry, LINK};
use super::negation::Unwanted;
use super::query::{Query, Range, Wanted};
use super::schema::{Fields, column};
use super::snippet::{Mark, Piece, marked, snippet};
use super::words::{GRAM_LEN, grams, words_of_question};
use super::{Error, Index};
use std::ops::Bound;
use tantivy::collector::{Count, TopDocs};
use tantivy::query::{
    AllQuery, BooleanQuery, BoostQuery, DisjunctionMaxQuery, FuzzyTermQuery, Occur, PhrasePrefixQuery,
    PhraseQuery, Query as EngineQuery, RangeQuery, TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocAddress, Order, Searcher, TantivyDocument, Term};

/// The answer to a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// How many entries fit, shown or not.
    pub count: usize,
    /// The best of them, best first.
    pub hits: Vec<Hit>,
}

/// An entry that fits.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// What the index knows of it, less its text; of a link, where it leads.
    pub entry: Entry,
    /// How well it fits, against others of the same answer; 0 where nothing but filters was asked for.
    pub score: f32,
    /// Its name, with the words that fit marked.
    pub name: Vec<Piece>,
    /// Where in its text they are; the beginning of it if they are elsewhere.
    pub snippet: Vec<Piece>,
}

/// How much a field counts: for a whole word, and for the beginning of one.
const NAME: (f32, f32) = (4.0, 1.5);
const TITLE: (f32, f32) = (3.0, 1.0);
const TEXT: (f32, f32) = (1.0, 0.4);
const FACTS: (f32, f32) = (1.0, 0.4);
const GRAMS: f32 = 0.3;
/// How much further fields add to the best one.
const TIE_BREAKER: f32 = 0.1;
/// Characters from which a word stands for longer ones, too; one suffices where there are no blanks between words.
const PREFIX_LEN_MIN: usize = 2;
/// Longer words than this that begin with the last word of a phrase are not all tried.
const EXPANSIONS_MAX: u32 = 200;

type Boxed = Box<dyn EngineQuery>;

impl Index {
    /// The best `limit` entries that fit, after the first `offset`. With nothing but filters, the newest.
    pub fn search(&self, query: &Query, limit: usize, offset: usize) -> Result<Found, Error> {
        let found = self.try_search(query, limit, offset);
        if matches!(found, Err(Error::Damaged)) {
            self.condemn();
        }
        found
    }

    fn try_search(&self, query: &Query, limit: usize, offset: usize) -> Result<Found, Error> {
        let searcher = self.searcher()?;
        let engine_query = to_engine(query, &self.fields);
        // the collector makes room for all of them before it looks
        let entries = usize::try_from(searcher.num_docs()).unwrap_or(usize::MAX);
        let offset = offset.min(entries);
        let limit = limit.min(entries - offset).max(1);
        let top = TopDocs::with_limit(limit).and_offset(offset);
        let marks = marks(query);
        let (count, rows): (usize, Vec<(f32, DocAddress)>) = match marks.is_empty() {
            true => {
                let newest = top.order_by_fast_field::<i64>(column::MTIME, Order::Desc);
                let (count, rows) = searcher.search(&*engine_query, &(Count, newest))?;
                (count, rows.into_iter().map(|(_, row)| (0.0, row)).collect())
            }
            false => searcher.search(&*engine_query, &(Count, top.order_by_score()))?,
        };
        let hits = rows.into_iter().map(|(score, row)| self.hit(&searcher, score, row, &marks));
        Ok(Found { count, hits: hits.collect::<Result<_, _>>()? })
    }

    fn hit(&self, searcher: &Searcher, score: f32, row: DocAddress, marks: &[Mark]) -> Result<Hit, Error> {
        let row: TantivyDocument = searcher.doc(row)?;
        let mut entry = Entry::from_document(&row, &self.fields).ok_or(Error::Damaged)?;
        let name = entry.path.file_name().unwrap_or_default().to_string_lossy();
        let name = marked(&name, marks);
        let snippet = snippet(&entry.text, marks).unwrap_or_else(|| marked(&entry.snippet, &[]));
        if entry.kind != LINK {
            entry.text = String::new(); // of thousands of hits it would fill the memory
        }
        Ok(Hit { score, name, snippet, entry })
    }
}

fn to_engine(query: &Query, fields: &Fields) -> Boxed {
    let mut clauses: Vec<(Occur, Boxed)> = Vec::new();
    for wanted in &query.wanted {
        let query = any_field(wanted, fields);
        clauses.push(match wanted.negated {
            true => (Occur::MustNot, Box::new(Unwanted(query))),
            false => (Occur::Must, query),
        });
    }
    if !query.types.is_empty() {
        let names = query.types.iter().flat_map(|name| [(fields.kind, name), (fields.extension, name)]);
        clauses.push((Occur::Must, filter(any(names))));
    }
    if !query.folders.is_empty() {
        let names = query.folders.iter().map(|name| (fields.folder, name));
        clauses.push((Occur::Must, filter(any(names))));
    }
    clauses.extend(range(query.mtime, |at| Term::from_field_i64(fields.mtime, at)));
    clauses.extend(range(query.size, |len| Term::from_field_u64(fields.size, len)));
    if clauses.iter().all(|(occur, _)| *occur == Occur::MustNot) {
        clauses.push((Occur::Must, Box::new(AllQuery)));
    }
    Box::new(BooleanQuery::new(clauses))
}

/// Counts for nothing in the order of hits.
fn filter(query: Boxed) -> Boxed {
    Box::new(BoostQuery::new(query, 0.0))
}

fn any<'a>(terms: impl Iterator<Item = (Field, &'a String)>) -> Boxed {
    let clauses = terms.map(|(field, text)| {
        let term = Term::from_field_text(field, text);
        (Occur::Should, Box::new(TermQuery::new(term, IndexRecordOption::Basic)) as Boxed)
    });
    Box::new(BooleanQuery::new(clauses.collect()))
}

fn range<T>(range: Range<T>, term: impl Fn(T) -> Term) -> Option<(Occur, Boxed)> {
    if range.is_everything() {
        return None;
    }
    let bound = |bound: Bound<T>| match bound {
        Bound::Included(value) => Bound::Included(term(value)),
        Bound::Excluded(value) => Bound::Excluded(term(value)),
        Bound::Unbounded => Bound::Unbounded,
    };
    Some((Occur::Must, filter(Box::new(RangeQuery::new(bound(range.from), bound(range.to))))))
}

/// Words that may be in one field or another; all of them in one.
fn any_field(wanted: &Wanted, fields: &Fields) -> Boxed {
    let words = words_of_question(&wanted.text);
    let mut ways: Vec<Boxed> = Vec::new();
    let places = [(fields.name, NAME), (fields.title, TITLE), (fields.text, TEXT), (fields.facts, FACTS)];
    let places = if wanted.name_only { &places[..1] } else { &places[..] };
    for (field, (whole, beginning)) in places {
        ways.push(boost(in_order(*field, &words), *whole));
        if !wanted.exact {
            ways.extend(beginning_of(*field, &words).map(|query| boost(query, *beginning)));
        }
    }
    if !wanted.exact {
        ways.extend(part_of_name(fields.name_grams, &wanted.text).map(|query| boost(query, GRAMS)));
    }
    Box::new(DisjunctionMaxQuery::with_tie_breaker(ways, TIE_BREAKER))
}

fn boost(query: Boxed, factor: f32) -> Boxed {
    Box::new(BoostQuery::new(query, factor))
}

fn terms(field: Field, words: &[String]) -> Vec<Term> {
    words.iter().map(|word| Term::from_field_text(field, word)).collect()
}

/// These words, one after the other.
fn in_order(field: Field, words: &[String]) -> Boxed {
    let mut terms = terms(field, words);
    match terms.len() {
        0 => Box::new(BooleanQuery::new(Vec::new())),
        1 => Box::new(TermQuery::new(terms.remove(0), IndexRecordOption::WithFreqs)),
        _ => Box::new(PhraseQuery::new(terms)),
    }
}

/// The same, the last of them as the beginning of a word.
fn beginning_of(field: Field, words: &[String]) -> Option<Boxed> {
    let last = words.last().filter(|word| is_prefix(word))?;
    if words.len() == 1 {
        return Some(Box::new(FuzzyTermQuery::new_prefix(Term::from_field_text(field, last), 0, false)));
    }
    let mut query = PhrasePrefixQuery::new(terms(field, words));
    query.set_max_expansions(EXPANSIONS_MAX);
    Some(Box::new(query))
}

fn is_prefix(word: &str) -> bool {
    !word.is_ascii() || word.len() >= PREFIX_LEN_MIN
}

/// Letters within a name.
fn part_of_name(field: Field, text: &str) -> Option<Boxed> {
    let text = text.trim_matches(|c: char| !c.is_alphanumeric());
    if text.chars().count() < GRAM_LEN {
        return None;
    }
    let grams = grams(text);
    (!grams.is_empty()).then(|| in_order(field, &grams))
}

/// The words to mark.
fn marks(query: &Query) -> Vec<Mark> {
    let mut marks = Vec::new();
    for wanted in query.wanted.iter().filter(|wanted| !wanted.negated) {
        let words = words_of_question(&wanted.text);
        let last = words.len().saturating_sub(1);
        for (at, word) in words.into_iter().enumerate() {
            let prefix = !wanted.exact && at == last && is_prefix(&word);
            marks.push(Mark { word, prefix });
        }
    }
    marks
}
