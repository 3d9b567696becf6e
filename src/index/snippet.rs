//! The part of a text that answers a question, with the words that do marked.

use super::words::words;
use tantivy::tokenizer::TokenStream;

/// Characters of a snippet, about.
const SNIPPET_LEN: usize = 180;
/// Characters before the first mark.
const LEAD_LEN: usize = 50;
/// Marks that are looked at; a text that has more of them has its best part among these.
const MARKS_MAX: usize = 1000;

/// A part of a snippet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// On one line.
    pub text: String,
    /// Whether it is one of the words that were looked for.
    pub marked: bool,
}

/// A word that is looked for, as it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) word: String,
    /// Longer words that begin so count, too.
    pub(super) prefix: bool,
}

impl Mark {
    fn fits(&self, word: &str) -> bool {
        if self.prefix { word.starts_with(&self.word) } else { word == self.word }
    }
}

/// A place in the text that fits: bytes from and to, and which mark.
type Place = (usize, usize, usize);

/// The best part of `text`; `None` if nothing in it fits.
pub(super) fn snippet(text: &str, marks: &[Mark]) -> Option<Vec<Piece>> {
    let places = places(text, marks);
    let best = best(&places, text)?;
    let start = start(text, places[best].0);
    let mut pieces = Vec::new();
    if start > 0 {
        push(&mut pieces, "… ", false);
    }
    let end = end(text, start, places[best].1);
    let mut at = start;
    for (from, to, _) in places[best..].iter().filter(|(_, to, _)| *to <= end) {
        if *to <= at {
            continue; // within the one before, as pairs of characters are
        }
        push(&mut pieces, &text[at..(*from).max(at)], false);
        push(&mut pieces, &text[(*from).max(at)..*to], true);
        at = *to;
    }
    push(&mut pieces, &text[at..end], false);
    if end < text.trim_end().len() {
        push(&mut pieces, " …", false);
    }
    Some(pieces)
}

/// All of a text, marked: for names and titles.
pub(super) fn marked(text: &str, marks: &[Mark]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = 0;
    for (from, to, _) in places(text, marks) {
        if to > at {
            push(&mut pieces, &text[at..from.max(at)], false);
            push(&mut pieces, &text[from.max(at)..to], true);
            at = to;
        }
    }
    push(&mut pieces, &text[at..], false);
    pieces
}

fn places(text: &str, marks: &[Mark]) -> Vec<Place> {
    let mut places = Vec::new();
    let mut stream = words(text);
    while places.len() < MARKS_MAX && stream.advance() {
        let token = stream.token();
        if let Some(mark) = marks.iter().position(|mark| mark.fits(&token.text)) {
            places.push((token.offset_from, token.offset_to, mark));
        }
    }
    places
}

/// The first of the places that have the most different words near them.
fn best(places: &[Place], text: &str) -> Option<usize> {
    let reach = SNIPPET_LEN - LEAD_LEN;
    let score = |first: usize| {
        let near = places[first..].iter().take_while(|place| place.0 - places[first].0 <= reach);
        let mut seen: Vec<usize> = near.map(|place| place.2).collect();
        seen.sort_unstable();
        seen.dedup();
        seen.len()
    };
    debug_assert!(places.iter().all(|place| place.1 <= text.len()));
    (0..places.len()).max_by_key(|&first| (score(first), std::cmp::Reverse(first)))
}

/// A little before a mark, where a word begins.
fn start(text: &str, mark: usize) -> usize {
    let before: Vec<(usize, char)> = text[..mark].char_indices().rev().take(LEAD_LEN).collect();
    match before.last() {
        None | Some((0, _)) => 0,
        Some((earliest, _)) => {
            let blank = text[*earliest..mark].find(char::is_whitespace).map(|at| earliest + at);
            let begin = blank.unwrap_or(*earliest);
            begin + text[begin..mark].len() - text[begin..mark].trim_start().len()
        }
    }
}

/// Where a snippet ends that begins at `start` and holds at least what precedes `least`.
fn end(text: &str, start: usize, least: usize) -> usize {
    let full = text[start..].char_indices().nth(SNIPPET_LEN).map(|(at, _)| start + at);
    let Some(full) = full else { return text.trim_end().len().max(least) };
    let full = full.max(least);
    let blank = text[least..full].rfind(char::is_whitespace).map(|at| least + at);
    blank.unwrap_or(full)
}

/// Adds to the last piece, or begins one; blanks and line ends become one blank.
fn push(pieces: &mut Vec<Piece>, text: &str, marked: bool) {
    if text.is_empty() {
        return;
    }
    if pieces.last().is_none_or(|piece| piece.marked != marked) {
        pieces.push(Piece { text: String::new(), marked });
    }
    let mut after_blank = match pieces.iter().rev().find_map(|piece| piece.text.chars().last()) {
        Some(last) => last.is_whitespace(),
        None => true,
    };
    let Some(piece) = pieces.last_mut() else { return };
    for c in text.chars() {
        let is_blank = c.is_whitespace();
        if !(is_blank && after_blank) {
            piece.text.push(if is_blank { ' ' } else { c });
        }
        after_blank = is_blank;
    }
    if piece.text.is_empty() {
        pieces.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(words: &[&str]) -> Vec<Mark> {
        let mark = |word: &&str| match word.strip_suffix('*') {
            Some(word) => Mark { word: word.into(), prefix: true },
            None => Mark { word: (*word).into(), prefix: false },
        };
        words.iter().map(mark).collect()
    }

    fn shown(pieces: &[Piece]) -> String {
        let show =
            |piece: &Piece| if piece.marked { format!("[{}]", piece.text) } else { piece.text.clone() };
        pieces.iter().map(show).collect()
    }

    fn of(text: &str, words: &[&str]) -> Option<String> {
        snippet(text, &marks(words)).map(|pieces| shown(&pieces))
    }

    #[test]
    fn words_are_marked_as_they_are_written() {
        assert_eq!(of("Die  Größe\nzählt.", &["grosse"]).as_deref(), Some("Die [Größe] zählt."));
        assert_eq!(of("a letter, letters", &["letter*"]).as_deref(), Some("a [letter], [letters]"));
        assert_eq!(of("昨日東京都へ", &["東京", "京都"]).as_deref(), Some("昨日[東京都]へ"));
        assert_eq!(of("nothing here", &["else"]), None);
        assert_eq!(of("", &["else"]), None);
    }

    #[test]
    fn the_part_with_most_of_the_words_is_shown() {
        let filler = "and so on and on ".repeat(40);
        let text = format!("one {filler}two {filler}one two three {filler}");
        let shown = of(&text, &["one", "two", "three"]).expect("found");
        assert!(shown.starts_with("… ") && shown.ends_with(" …"), "{shown}");
        assert!(shown.contains("[one] [two] [three]"), "{shown}");
        assert!(shown.chars().count() < SNIPPET_LEN + 30, "{shown}");
    }

    #[test]
    fn text_without_blanks_is_cut_anywhere_but_within_a_character() {
        let text = format!("{}東京{}", "字".repeat(500), "字".repeat(500));
        let shown = of(&text, &["東京"]).expect("found");
        assert!(shown.contains("[東京]") && shown.chars().count() < SNIPPET_LEN + 30, "{shown}");
        let text = format!("{} end", "x".repeat(5000));
        assert!(of(&text, &["end"]).is_some_and(|shown| shown.ends_with("[end]")));
    }

    #[test]
    fn names_are_shown_whole() {
        assert_eq!(shown(&marked("Plan for May.md", &marks(&["may", "plan"]))), "[Plan] for [May].md");
        assert_eq!(shown(&marked("Plan", &[])), "Plan");
    }
}
