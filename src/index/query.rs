//! A question as somebody types it (docs/index.md, "Asking").
//!
//! ```text
//! lake "ice cold" -draft type:pdf path:/Letters after:2024-05 size:>1M
//! ```

use super::entry::nanoseconds;
use super::words::folded;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan, Zoned};
use std::ops::Bound;
use std::time::SystemTime;

/// A question, understood.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// What must be there, or must not.
    pub(super) wanted: Vec<Wanted>,
    /// Kinds or extensions, as they are compared: one of them.
    pub(super) types: Vec<String>,
    /// Folders, as they are compared: below one of them. With a slash in front, from the root; otherwise by name.
    pub(super) folders: Vec<String>,
    /// Nanoseconds since 1970.
    pub(super) mtime: Range<i64>,
    pub(super) size: Range<u64>,
}

/// Words that are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) text: String,
    /// Word for word, in this order.
    pub(super) exact: bool,
    pub(super) negated: bool,
    /// In names alone.
    pub(super) name_only: bool,
}

/// From one bound to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range<T> {
    pub(super) from: Bound<T>,
    pub(super) to: Bound<T>,
}

impl<T> Default for Range<T> {
    fn default() -> Range<T> {
        Range { from: Bound::Unbounded, to: Bound::Unbounded }
    }
}

impl<T> Range<T> {
    pub(super) fn is_everything(&self) -> bool {
        matches!((&self.from, &self.to), (Bound::Unbounded, Bound::Unbounded))
    }
}

/// Why a question makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// A filter with nothing that it understands behind the colon.
    #[error("{filter}:{value}: {expected}")]
    Filter {
        /// Which filter.
        filter: String,
        /// What stands behind the colon.
        value: String,
        /// What it would understand.
        expected: &'static str,
    },
    /// A minus in front of a filter other than `name:`.
    #[error("-{filter}:{value}: only words and name: can be excluded")]
    Excluded {
        /// Which filter.
        filter: String,
        /// What stands behind the colon.
        value: String,
    },
    /// Nothing to look for.
    #[error("a question needs a word or a filter")]
    Empty,
}

impl Query {
    /// Understands what was typed. Days are those of this machine's time zone.
    pub fn parse(text: &str) -> Result<Query, QueryError> {
        Query::parse_at(text, &Zoned::now())
    }

    fn parse_at(text: &str, now: &Zoned) -> Result<Query, QueryError> {
        let mut query = Query::default();
        for piece in pieces(text) {
            let Piece { filter, negated, text, quoted } = piece;
            match (filter, negated) {
                (None, _) => query.want(text, quoted, negated, false),
                (Some("name"), _) => query.want(text, quoted, negated, true),
                (Some("type"), false) => query.types.push(folded(text.trim_start_matches('.'))),
                (Some("path"), false) => query.folders.push(folder(&text)),
                (Some("after"), false) => {
                    query.mtime.from =
                        Bound::Included(start(&text, now).ok_or_else(|| date("after", &text))?);
                }
                (Some("before"), false) => {
                    query.mtime.to = Bound::Excluded(start(&text, now).ok_or_else(|| date("before", &text))?);
                }
                (Some("size"), false) => query.size = sizes(&text).ok_or_else(|| size(&text))?,
                (Some(filter), _) => {
                    return Err(QueryError::Excluded { filter: filter.into(), value: text });
                }
            }
        }
        query.types.retain(|name| !name.is_empty());
        query.folders.retain(|name| !name.is_empty());
        let filtered = !(query.types.is_empty()
            && query.folders.is_empty()
            && query.mtime.is_everything()
            && query.size.is_everything());
        let asks = query.wanted.iter().any(|wanted| !wanted.negated);
        if asks || filtered { Ok(query) } else { Err(QueryError::Empty) }
    }

    fn want(&mut self, text: String, exact: bool, negated: bool, name_only: bool) {
        if text.chars().any(char::is_alphanumeric) {
            self.wanted.push(Wanted { text, exact, negated, name_only });
        }
    }
}

struct Piece<'a> {
    filter: Option<&'a str>,
    negated: bool,
    text: String,
    quoted: bool,
}

const FILTERS: [&str; 6] = ["name", "type", "path", "after", "before", "size"];

/// Words, things in quotes, and filters with either behind their colon.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut rest = text.trim_start();
    let mut found = Vec::new();
    while !rest.is_empty() {
        let negated = rest.starts_with('-');
        rest = if negated { &rest[1..] } else { rest };
        let filter = rest.split_once(':').map(|(name, _)| name).filter(|name| FILTERS.contains(name));
        if let Some(filter) = filter {
            rest = &rest[filter.len() + 1..];
        }
        let (text, quoted, after) = match rest.strip_prefix('"') {
            Some(inside) => match inside.split_once('"') {
                Some((text, after)) => (text, true, after),
                None => (inside, true, ""),
            },
            None => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                (&rest[..end], false, &rest[end..])
            }
        };
        found.push(Piece { filter, negated, text: text.to_owned(), quoted });
        rest = after.trim_start();
    }
    found
}

/// `/Letters/` as `/letters`, `Letters` as `letters`, `a/b` as `/a/b`.
fn folder(text: &str) -> String {
    let names: Vec<String> = text.split('/').filter(|name| !name.is_empty()).map(folded).collect();
    match names.as_slice() {
        [] => String::new(),
        [name] if !text.starts_with('/') => name.clone(),
        names => format!("/{}", names.join("/")),
    }
}

fn date(filter: &str, value: &str) -> QueryError {
    let expected =
        "a date such as 2024, 2024-05, 2024-05-17, today, yesterday, or an age such as 7d, 2w, 3m, 1y";
    QueryError::Filter { filter: filter.into(), value: value.into(), expected }
}

fn size(value: &str) -> QueryError {
    let expected = "a size such as >10M, <4k or 1M..2G";
    QueryError::Filter { filter: "size".into(), value: value.into(), expected }
}

/// The first instant of a day, month or year, in nanoseconds since 1970.
fn start(text: &str, now: &Zoned) -> Option<i64> {
    let date = match text {
        "today" => now.date(),
        "yesterday" => now.date().yesterday().ok()?,
        _ => match age(text) {
            Some(age) => now.date().checked_sub(age).ok()?,
            None => first_day(text)?,
        },
    };
    let start: Timestamp = date.to_zoned(zone(now)).ok()?.timestamp();
    Some(nanoseconds(SystemTime::from(start)))
}

fn zone(now: &Zoned) -> TimeZone {
    now.time_zone().clone()
}

/// `7d`, `2w`, `3m`, `1y`.
fn age(text: &str) -> Option<Span> {
    let unit = text.chars().last()?;
    let number: i32 =
        text[..text.len() - unit.len_utf8()].parse().ok().filter(|number| (0..=9999).contains(number))?;
    match unit {
        'd' => Some(number.days()),
        'w' => Some(number.weeks()),
        'm' => Some(number.months()),
        'y' => Some(number.years()),
        _ => None,
    }
}

/// `2024`, `2024-05`, `2024-05-17`.
fn first_day(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let year = parts.next().filter(|year| year.len() == 4)?.parse().ok()?;
    let mut next = || parts.next().map_or(Some(1), |part| part.parse().ok());
    let (month, day) = (next()?, next()?);
    if parts.next().is_some() {
        return None;
    }
    Date::new(year, month, day).ok()
}

/// `>10M`, `>=10M`, `<4k`, `<=4k`, `1M..2G`.
fn sizes(text: &str) -> Option<Range<u64>> {
    let everything = Range::default();
    if let Some((from, to)) = text.split_once("..") {
        return Some(Range { from: Bound::Included(bytes(from)?), to: Bound::Included(bytes(to)?) });
    }
    if let Some(number) = text.strip_prefix(">=") {
        return Some(Range { from: Bound::Included(bytes(number)?), ..everything });
    }
    if let Some(number) = text.strip_prefix("<=") {
        return Some(Range { to: Bound::Included(bytes(number)?), ..everything });
    }
    if let Some(number) = text.strip_prefix('>') {
        return Some(Range { from: Bound::Excluded(bytes(number)?), ..everything });
    }
    Some(Range { to: Bound::Excluded(bytes(text.strip_prefix('<')?)?), ..everything })
}

/// `10`, `4k`, `10M`, `2G`, `1T`: of 1024 each.
fn bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        "t" | "tb" | "tib" => 1_u64 << 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn parse(text: &str) -> Result<Query, QueryError> {
        let now: Zoned = "2026-03-31T12:00:00+02:00[Europe/Berlin]".parse().expect("a time");
        Query::parse_at(text, &now)
    }

    fn instant(text: &str) -> i64 {
        let time: Timestamp = text.parse().expect("a time");
        nanoseconds(SystemTime::from(time))
    }

    #[test]
    fn words_quotes_and_minuses() {
        let query = parse("lake \"ice  cold\" -draft name:plan name:\"a b\" 12:30 -").expect("a question");
        let seen: Vec<_> = query
            .wanted
            .iter()
            .map(|wanted| (wanted.text.as_str(), wanted.exact, wanted.negated, wanted.name_only))
            .collect();
        let expected = [
            ("lake", false, false, false),
            ("ice  cold", true, false, false),
            ("draft", false, true, false),
            ("plan", false, false, true),
            ("a b", true, false, true),
            ("12:30", false, false, false),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn filters() {
        let query = parse("type:PDF type:.md path:/Letters/Ärzte/ path:Summer path:a/b size:1k..2M")
            .expect("filters");
        assert_eq!(query.types, ["pdf", "md"]);
        assert_eq!(query.folders, ["/letters/arzte", "summer", "/a/b"]);
        assert_eq!(query.size, Range { from: Bound::Included(1024), to: Bound::Included(2 << 20) });
        assert_eq!(parse("size:>10M").expect("a size").size.from, Bound::Excluded(10 << 20));
        assert_eq!(parse("size:<4k").expect("a size").size.to, Bound::Excluded(4096));
    }

    #[test]
    fn dates_are_those_of_the_time_zone() {
        let from = |text: &str| parse(text).expect("a date").mtime.from;
        assert_eq!(from("after:2024-05-17"), Bound::Included(instant("2024-05-16T22:00:00Z")));
        assert_eq!(from("after:2024"), Bound::Included(instant("2023-12-31T23:00:00Z")));
        assert_eq!(from("after:today"), Bound::Included(instant("2026-03-30T22:00:00Z")));
        assert_eq!(from("after:1m"), Bound::Included(instant("2026-02-27T23:00:00Z")));
        let query = parse("after:2024-05 before:2024-06").expect("dates");
        assert_eq!(query.mtime.to, Bound::Excluded(instant("2024-05-31T22:00:00Z")));
        assert!(UNIX_EPOCH + Duration::from_secs(1) > UNIX_EPOCH);
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        for text in [
            "size:10M",
            "size:>",
            "size:>10x",
            "size:",
            "after:2024-13",
            "after:soon",
            "before:2024-1-1-1",
            "after:",
        ] {
            assert!(matches!(parse(text), Err(QueryError::Filter { .. })), "{text}");
        }
        for text in ["", "  ", "-", "\"", "-word", "type:", "path:/", "..."] {
            assert_eq!(parse(text), Err(QueryError::Empty), "{text}");
        }
        assert!(parse("size:>99999999999999T").is_err());
    }

    #[test]
    fn filters_cannot_be_excluded() {
        for text in ["-type:pdf", "lake -path:/x", "lake -after:2024", "lake -before:2024", "lake -size:>1M"]
        {
            assert!(matches!(parse(text), Err(QueryError::Excluded { .. })), "{text}");
        }
        assert!(parse("lake -name:draft -\"type:pdf\"").is_ok());
    }
}
