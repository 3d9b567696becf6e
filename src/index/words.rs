//! What counts as a word, in texts and in questions alike.
//!
//! Letters and digits make words, in lower case and without Latin accents: `Über-Größe` is `uber` and `grosse`. Where
//! people write without blanks (Chinese, Japanese, Thai, ...) every two neighbours are a word, and the last character of a
//! run by itself, so that any part of a run is found: most words there have two characters, for which three would be too
//! many. Names are cut into every three neighbours besides, so that any part of a name is found.

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Characters of the longest word; what is longer is no word but data.
const WORD_LEN_MAX: usize = 64;

/// Cuts texts into words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words;

/// Cuts names into every three neighbours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grams;

/// Characters of a gram.
pub(super) const GRAM_LEN: usize = 3;

impl Tokenizer for Words {
    type TokenStream<'a> = WordStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream<'a> {
        words(text)
    }
}

impl Tokenizer for Grams {
    type TokenStream<'a> = GramStream;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> GramStream {
        GramStream { grams: grams(text).into_iter(), token: before_first() }
    }
}

/// The words of a text, one by one.
pub(super) fn words(text: &str) -> WordStream<'_> {
    WordStream { text, at: 0, in_run: false, token: before_first() }
}

/// Every three neighbours of a name; none of a shorter one.
pub(super) fn grams(name: &str) -> Vec<String> {
    let mut folded = String::new();
    fold(name, &mut folded);
    let chars: Vec<char> = folded.chars().collect();
    chars.windows(GRAM_LEN).map(|gram| gram.iter().collect()).collect()
}

/// A word, or a path, as it is compared.
pub(super) fn folded(text: &str) -> String {
    let mut folded = String::new();
    fold(text, &mut folded);
    folded
}

fn before_first() -> Token {
    Token { position: usize::MAX, ..Token::default() }
}

/// See [`words`].
pub(super) struct WordStream<'a> {
    text: &'a str,
    at: usize,
    /// The character before was one of a script without blanks.
    in_run: bool,
    token: Token,
}

impl WordStream<'_> {
    /// Where a character ends that begins at `at`, with the sound mark that may stand behind a Kana.
    fn end_of_character(&self, at: usize) -> usize {
        let mut rest = self.text[at..].chars();
        let len = rest.next().map_or(0, char::len_utf8);
        at + len + rest.next().filter(|c| is_sound_mark(*c)).map_or(0, char::len_utf8)
    }

    fn take(&mut self, to: usize, next: usize) -> bool {
        self.token.text.clear();
        fold(&self.text[self.at..to], &mut self.token.text);
        (self.token.offset_from, self.token.offset_to) = (self.at, to);
        self.token.position = self.token.position.wrapping_add(1);
        self.at = next;
        !self.token.text.is_empty()
    }
}

impl TokenStream for WordStream<'_> {
    fn advance(&mut self) -> bool {
        loop {
            let Some(first) = self.text[self.at..].chars().next() else { return false };
            if is_dense(first) {
                let next = self.end_of_character(self.at);
                let has_neighbour = self.text[next..].starts_with(is_dense);
                let to = if has_neighbour { self.end_of_character(next) } else { next };
                self.in_run = has_neighbour;
                if self.take(to, next) {
                    return true;
                }
            } else if is_of_word(first) {
                let more = self.text[self.at..].char_indices().find(|(_, c)| !is_of_word(*c) || is_dense(*c));
                let to = more.map_or(self.text.len(), |(at, _)| self.at + at);
                if self.text[self.at..to].chars().nth(WORD_LEN_MAX).is_some() {
                    self.at = to;
                    self.token.position = self.token.position.wrapping_add(1);
                } else if self.take(to, to) {
                    return true;
                }
            } else {
                self.at += first.len_utf8();
            }
        }
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

/// See [`grams`].
pub(super) struct GramStream {
    grams: std::vec::IntoIter<String>,
    token: Token,
}

impl TokenStream for GramStream {
    fn advance(&mut self) -> bool {
        let Some(gram) = self.grams.next() else { return false };
        self.token.text = gram;
        self.token.position = self.token.position.wrapping_add(1);
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

/// The words of a question: like those of a text, less the last character of a run, which the pair before it has.
pub(super) fn words_of_question(text: &str) -> Vec<String> {
    let mut stream = words(text);
    let mut found = Vec::new();
    let mut was_in_run = false;
    while stream.advance() {
        let ends_run = was_in_run && !stream.in_run && stream.token.text.chars().count() == 1;
        was_in_run = stream.in_run;
        if !ends_run {
            found.push(stream.token.text.clone());
        }
    }
    found
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || !c.is_ascii() && is_combining_mark(c)
}

/// Whether a character belongs to a script that is written without blanks between words.
fn is_dense(c: char) -> bool {
    matches!(u32::from(c),
        0x0e00..=0x0eff            // Thai, Lao
        | 0x1000..=0x109f          // Myanmar
        | 0x1780..=0x17ff          // Khmer
        | 0x3005..=0x3007          // 々〆〇
        | 0x3040..=0x30ff          // Hiragana, Katakana
        | 0x31f0..=0x31ff
        | 0x3400..=0x4dbf          // Han
        | 0x4e00..=0x9fff
        | 0xf900..=0xfaff
        | 0xff66..=0xff9d          // half-width Katakana
        | 0x20000..=0x323af)
        && is_of_word(c)
        && !is_sound_mark(c)
}

/// What makes か to が where the two are not one character, as in names that macOS wrote.
fn is_sound_mark(c: char) -> bool {
    matches!(c, '\u{3099}' | '\u{309a}')
}

/// Lower case, compatibility forms resolved, Latin, Greek and Cyrillic accents gone.
fn fold(text: &str, folded: &mut String) {
    if text.is_ascii() {
        folded.extend(text.chars().map(|c| c.to_ascii_lowercase()));
        return;
    }
    let is_accent = |c: &char| ('\u{300}'..='\u{36f}').contains(c);
    for c in text.nfkd().filter(|c| !is_accent(c)).nfc().flat_map(char::to_lowercase) {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'þ' => folded.push_str("th"),
            'ı' => folded.push('i'),
            'ς' => folded.push('σ'),
            c if is_accent(&c) => {} // of the small form of İ
            c => folded.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        let mut stream = words(text);
        let mut found = Vec::new();
        while stream.advance() {
            found.push(stream.token().text.clone());
        }
        found
    }

    #[test]
    fn words_of_languages_with_blanks() {
        assert_eq!(
            of("Über-Größe, 2024_05: naïve CAFÉ’s"),
            ["uber", "grosse", "2024", "05", "naive", "cafe", "s"]
        );
        assert_eq!(
            of("ÎLE Łódź Ångström İstanbul ΟΔΟΣ Ёлка"),
            ["ile", "lodz", "angstrom", "istanbul", "οδοσ", "елка"]
        );
        assert_eq!(of("हिन्दी भाषा"), ["हिन्दी", "भाषा"]);
        assert_eq!(of("서울에서"), ["서울에서"]);
        assert!(of(" \n-_.").is_empty() && of("").is_empty());
    }

    #[test]
    fn words_of_languages_without() {
        assert_eq!(of("東京都 iPhone手机"), ["東京", "京都", "都", "iphone", "手机", "机"]);
        assert_eq!(words_of_question("東京都"), ["東京", "京都"]);
        assert_eq!(words_of_question("都"), ["都"]);
        assert_eq!(words_of_question("a 都 b"), ["a", "都", "b"]);
    }

    #[test]
    fn composed_or_not_is_the_same() {
        assert_eq!(of("cafe\u{301}"), of("café"));
        assert_eq!(of("ガ"), of("カ\u{3099}"));
        assert_eq!(of("ガラス"), of("カ\u{3099}ラス"));
    }

    #[test]
    fn offsets_are_those_of_the_text() {
        let text = "Größe: 東京都.";
        let mut stream = words(text);
        let mut seen = Vec::new();
        while stream.advance() {
            let token = stream.token();
            seen.push((&text[token.offset_from..token.offset_to], token.position));
        }
        assert_eq!(seen, [("Größe", 0), ("東京", 1), ("京都", 2), ("都", 3)]);
    }

    #[test]
    fn what_is_too_long_is_no_word() {
        let long = "x".repeat(WORD_LEN_MAX + 1);
        assert_eq!(of(&format!("a {long} b")), ["a", "b"]);
        // 27 letters and marks, of three bytes each
        let word = "अन्तर्राष्ट्रीयकरणवादियोंसे";
        assert_eq!(of(word), [word]);
    }

    #[test]
    fn grams_of_names() {
        assert_eq!(grams("Ärger"), ["arg", "rge", "ger"]);
        assert!(grams("ab").is_empty());
    }
}
