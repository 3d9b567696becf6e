//! Strings that can be shown: no control characters, nothing that reorders a line, bounded in length.

/// Characters of a snippet.
const SNIPPET_LEN: usize = 200;
/// Characters of a title or a fact.
const LINE_LEN: usize = 500;

/// Whether a character may be shown: no control character but line feed and tab, none that reorders the text around
/// it, no line separators but `\n`, no byte order mark.
fn is_safe(c: char) -> bool {
    match c {
        '\n' | '\t' => true,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => false,
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => false,
        '\u{fdd0}'..='\u{fdef}' => false,
        c => u32::from(c) & 0xfffe != 0xfffe,
    }
}

/// Text of several lines, with line ends as `\n`.
pub(super) fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push(&mut out, text);
    out
}

/// Appends what of `text` is safe.
fn push(out: &mut String, text: &str) {
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{b}' | '\u{c}' => out.push('\n'),
            c if is_safe(c) => out.push(c),
            _ => {}
        }
    }
}

/// Text on one line, white space run together, shortened where it is absurdly long.
pub(super) fn line(text: &str) -> String {
    shortened(text, LINE_LEN).0
}

/// The same; `cut` becomes true if it was shortened.
pub(super) fn line_or_cut(text: &str, cut: &mut bool) -> String {
    let (line, shorter) = shortened(text, LINE_LEN);
    *cut |= shorter;
    line
}

/// The beginning of a text, on one line.
pub(super) fn snippet(text: &str) -> String {
    shortened(text, SNIPPET_LEN).0
}

/// Text on one line of at most `max` characters; a longer one ends after a word, in `…`, and is said to be cut.
fn shortened(text: &str, max: usize) -> (String, bool) {
    let mut out = String::new();
    let mut len = 0;
    let mut word_end = 0;
    let mut blank = false;
    for c in text.chars() {
        if c.is_whitespace() || !is_safe(c) {
            blank |= c.is_whitespace();
            continue;
        }
        if blank && len > 0 {
            word_end = out.len();
            out.push(' ');
            len += 1;
        }
        blank = false;
        if len >= max {
            // a word longer than half of what fits is cut
            let end = if word_end > out.len() / 2 { word_end } else { last_char(&out) };
            out.truncate(end);
            while len_of(&out) >= max {
                out.truncate(last_char(&out));
            }
            out.push('…');
            return (out, true);
        }
        out.push(c);
        len += 1;
    }
    (out, false)
}

fn len_of(text: &str) -> usize {
    text.chars().count()
}

fn last_char(text: &str) -> usize {
    text.char_indices().next_back().map_or(0, |(at, _)| at)
}

/// The longest beginning of `text` of at most `max` bytes.
pub(super) fn head(text: &str, max: usize) -> &str {
    &text[..boundary(text, max)]
}

/// The last boundary of a character that is not behind `at`.
pub(super) fn boundary(text: &str, at: usize) -> usize {
    if at >= text.len() {
        return text.len();
    }
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Text as HTML shows it: with what has a meaning there written as entities.
pub fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    push_html(&mut out, text);
    out
}

/// The same, appended.
pub(super) fn push_html(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}

/// One line that grows piece by piece up to a bound of bytes, safe, its white space run together.
///
/// What is full looks at nothing any more, and blanks take no room: so neither long pieces nor long blanks cost anything
/// to those who read the line again and again.
#[derive(Debug)]
pub(super) struct Line {
    text: String,
    max: usize,
    blank: bool,
    cut: bool,
}

impl Line {
    pub(super) fn new(max: usize) -> Line {
        Line { text: String::new(), max, blank: false, cut: false }
    }

    pub(super) fn push(&mut self, text: &str) {
        for c in text.chars() {
            if self.cut {
                return;
            }
            if c.is_whitespace() {
                self.blank = true;
            } else if is_safe(c) {
                let blank = usize::from(self.blank && !self.text.is_empty());
                if self.text.len() + blank + c.len_utf8() > self.max {
                    self.cut = true;
                    return;
                }
                self.text.push_str(&" "[..blank]);
                self.text.push(c);
                self.blank = false;
            }
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether something did not fit.
    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Begins anew.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        (self.blank, self.cut) = (false, false);
    }
}

/// Text that grows up to a bound, safe from the start; what does not fit is left out and remembered.
#[derive(Debug)]
pub(super) struct Bounded {
    text: String,
    max: usize,
    full: bool,
}

impl Bounded {
    pub(super) fn new(max: usize) -> Bounded {
        Bounded { text: String::new(), max, full: false }
    }

    pub(super) fn push(&mut self, text: &str) {
        let fitting = head(text, self.max.saturating_sub(self.text.len()));
        self.full |= fitting.len() < text.len();
        push(&mut self.text, fitting);
    }

    /// Begins a new line, unless at the beginning of one.
    pub(super) fn new_line(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.push("\n");
        }
    }

    /// One line, white space run together; nothing if there is nothing to say.
    pub(super) fn line(&mut self, text: &str) {
        let mut words = text.split_whitespace().peekable();
        if words.peek().is_none() {
            return;
        }
        self.new_line();
        while let Some(word) = words.next() {
            self.push(word);
            if words.peek().is_some() {
                self.push(" ");
            }
            if self.full {
                return;
            }
        }
        self.push("\n");
    }

    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// Bytes that still fit.
    pub(super) fn room(&self) -> usize {
        self.max.saturating_sub(self.text.len())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// The text, and whether something did not fit.
    pub(super) fn end(self) -> (String, bool) {
        (self.text, self.full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_go() {
        assert_eq!(text("a\u{1b}[31m\0b\r\nc\rd\te\u{202e}f\u{feff}g\u{9b}"), "a[31mb\nc\nd\tefg");
        assert_eq!(line(" a\n\n b\u{2066}\t c\u{7f} "), "a b c");
        assert_eq!(text("👩‍👩‍👧 می‌خواهم"), "👩‍👩‍👧 می‌خواهم", "joiners are part of words");
    }

    #[test]
    fn snippets_end_after_a_word() {
        let long = "wörter ".repeat(60);
        let short = snippet(&long);
        assert!(short.ends_with("wörter…"), "{short}");
        assert!(len_of(&short) <= SNIPPET_LEN && len_of(&short) > SNIPPET_LEN - 10);
        assert_eq!(len_of(&snippet(&"x".repeat(500))), SNIPPET_LEN);
        assert_eq!(len_of(&snippet(&"漢".repeat(500))), SNIPPET_LEN);
        assert_eq!(snippet(&"x".repeat(200)), "x".repeat(200));
        assert_eq!(len_of(&snippet(&format!("a {}", "x".repeat(500)))), SNIPPET_LEN);
    }

    #[test]
    fn what_was_shortened_is_told() {
        let mut cut = false;
        assert_eq!(line_or_cut(&format!(" {}  b ", "x".repeat(498)), &mut cut).len(), 500);
        assert!(!cut);
        assert!(line_or_cut(&"word ".repeat(200), &mut cut).ends_with("word…"));
        assert!(cut);
    }

    #[test]
    fn lines_grow_up_to_a_bound() {
        let mut line = Line::new(7);
        [" a", "\u{202e}b ", &" ".repeat(1000), "", "ñ\n"].iter().for_each(|piece| line.push(piece));
        assert_eq!((line.as_str(), line.is_cut()), ("ab ñ", false));
        line.push("cd");
        assert_eq!((line.as_str(), line.is_cut()), ("ab ñ c", true));
        line.clear();
        line.push("x");
        assert_eq!((line.as_str(), line.is_cut()), ("x", false));
    }

    #[test]
    fn bounded_text_stops_between_characters() {
        let mut bounded = Bounded::new(5);
        bounded.push("añb");
        bounded.push("ñ");
        assert_eq!(bounded.as_str(), "añb");
        assert!(bounded.is_full());
    }
}
