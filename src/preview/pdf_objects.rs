//! The objects of PDF (ISO 32000-1, 7.3) from their bytes: numbers, strings, names, lists, dictionaries, references.
//!
//! In memory an object takes a hundred times the bytes that it may have in a file, so that there is a budget of them.
//! There is one of bytes as well: whatever is looked at counts, also what is looked at to no avail or looked at again.

use lopdf::{Dictionary, Object, StringFormat};

/// How deep objects may stand in others.
const DEPTH: usize = 32;

/// What may still be read of one file, however often something in it is referred to.
#[derive(Debug)]
pub(super) struct Budget {
    /// Objects, those within others included.
    pub(super) objects: usize,
    /// Bytes that are looked at.
    pub(super) bytes: usize,
}

impl Budget {
    /// Whether nothing more can be read.
    pub(super) fn is_spent(&self) -> bool {
        self.objects == 0 || self.bytes == 0
    }
}

/// Bytes, and how far they have been read.
pub(super) struct Parser<'a, 'b> {
    bytes: &'a [u8],
    pub(super) at: usize,
    budget: &'b mut Budget,
}

/// What divides words beside blanks.
fn is_delimiter(byte: u8) -> bool {
    b"()<>[]{}/%".contains(&byte)
}

pub(super) fn is_blank(byte: u8) -> bool {
    b"\0\t\n\x0c\r ".contains(&byte)
}

impl<'a, 'b> Parser<'a, 'b> {
    pub(super) fn new(bytes: &'a [u8], at: usize, budget: &'b mut Budget) -> Parser<'a, 'b> {
        Parser { bytes, at, budget }
    }

    /// The object that comes next; `None` if there is none, or the budget is used up.
    pub(super) fn object(&mut self) -> Option<Object> {
        self.nested(0)
    }

    /// A whole number that comes next, in digits alone.
    pub(super) fn number(&mut self) -> Option<usize> {
        self.blanks();
        let word = self.word();
        std::str::from_utf8(word)
            .ok()
            .filter(|word| word.bytes().all(|byte| byte.is_ascii_digit()))?
            .parse()
            .ok()
    }

    /// What comes next, as far as it may be looked at.
    fn rest(&self) -> &'a [u8] {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        &rest[..rest.len().min(self.budget.bytes)]
    }

    /// Goes on by bytes of `rest`, which are used up, even if it is gone back behind them.
    fn pass(&mut self, len: usize) {
        self.at += len;
        self.budget.bytes = self.budget.bytes.saturating_sub(len);
    }

    /// Passes over blanks and comments.
    pub(super) fn blanks(&mut self) {
        while let Some(byte) = self.rest().first() {
            match byte {
                b'%' => {
                    let rest = self.rest();
                    self.pass(rest.iter().position(|byte| b"\r\n".contains(byte)).unwrap_or(rest.len()));
                }
                byte if is_blank(*byte) => self.pass(1),
                _ => return,
            }
        }
    }

    /// Passes over `mark`, if that is next.
    pub(super) fn takes(&mut self, mark: &[u8]) -> bool {
        let next = self.rest().starts_with(mark);
        self.pass(if next { mark.len() } else { 0 });
        next
    }

    /// The byte behind blanks and comments.
    pub(super) fn next_byte(&mut self) -> Option<u8> {
        self.blanks();
        self.rest().first().copied()
    }

    /// Letters and digits up to what divides words.
    pub(super) fn word(&mut self) -> &'a [u8] {
        let rest = self.rest();
        let len = rest.iter().position(|byte| is_blank(*byte) || is_delimiter(*byte)).unwrap_or(rest.len());
        self.pass(len);
        &rest[..len]
    }

    fn nested(&mut self, depth: usize) -> Option<Object> {
        self.blanks();
        self.budget.objects = self.budget.objects.checked_sub(1)?;
        (depth < DEPTH).then_some(())?;
        if self.takes(b"<<") {
            return self.dictionary(depth).map(Object::Dictionary);
        }
        match self.rest().first()? {
            b'/' => self.name().map(Object::Name),
            b'(' => self.literal(),
            b'<' => self.hex(),
            b'[' => {
                self.pass(1);
                let mut list = Vec::new();
                loop {
                    self.blanks();
                    if self.takes(b"]") {
                        return Some(Object::Array(list));
                    }
                    list.push(self.nested(depth + 1)?);
                }
            }
            b'+' | b'-' | b'.' | b'0'..=b'9' => self.number_or_reference(),
            _ => match self.word() {
                b"true" => Some(Object::Boolean(true)),
                b"false" => Some(Object::Boolean(false)),
                b"null" => Some(Object::Null),
                _ => None,
            },
        }
    }

    /// What follows `<<`. What makes no sense ends it, and what came before counts.
    fn dictionary(&mut self, depth: usize) -> Option<Dictionary> {
        let mut dictionary = Dictionary::new();
        loop {
            self.blanks();
            if self.takes(b">>") || !self.rest().starts_with(b"/") {
                return Some(dictionary);
            }
            let key = self.name()?;
            dictionary.set(key, self.nested(depth + 1)?);
        }
    }

    /// `#` and two digits stand for any byte.
    fn name(&mut self) -> Option<Vec<u8>> {
        self.takes(b"/").then_some(())?;
        let word = self.word();
        let mut name = Vec::with_capacity(word.len());
        let mut at = 0;
        while let Some(byte) = word.get(at) {
            let escaped = word.get(at + 1..at + 3).filter(|_| *byte == b'#').and_then(two_digits);
            name.push(escaped.unwrap_or(*byte));
            at += if escaped.is_some() { 3 } else { 1 };
        }
        Some(name)
    }

    fn number_or_reference(&mut self) -> Option<Object> {
        let word = std::str::from_utf8(self.word()).ok()?;
        let Ok(number) = word.parse::<i64>() else {
            return Some(Object::Real(word.parse().unwrap_or(0.0)));
        };
        let after = self.at;
        if let Ok(id) = u32::try_from(number)
            && let Some(generation) = self.number().and_then(|generation| u16::try_from(generation).ok())
        {
            self.blanks();
            if self.word() == b"R" {
                return Some(Object::Reference((id, generation)));
            }
        }
        self.at = after;
        Some(Object::Integer(number))
    }

    fn hex(&mut self) -> Option<Object> {
        let inside = self.rest().get(1..)?;
        let Some(len) = inside.iter().position(|byte| *byte == b'>') else {
            self.pass(1 + inside.len());
            return None;
        };
        self.pass(len + 2);
        let mut digits: Vec<u8> = inside[..len].iter().copied().filter(u8::is_ascii_hexdigit).collect();
        if digits.len() % 2 == 1 {
            digits.push(b'0');
        }
        let bytes = digits.chunks(2).filter_map(two_digits).collect();
        Some(Object::String(bytes, StringFormat::Hexadecimal))
    }

    /// Brackets in pairs are part of it, others stand behind `\`.
    fn literal(&mut self) -> Option<Object> {
        let mut string = Vec::new();
        let mut open = 0usize;
        loop {
            let byte = *self.rest().first()?;
            self.pass(1);
            match byte {
                b'(' => {
                    if open > 0 {
                        string.push(byte);
                    }
                    open += 1;
                }
                b')' => {
                    open -= 1;
                    if open == 0 {
                        return Some(Object::String(string, StringFormat::Literal));
                    }
                    string.push(byte);
                }
                b'\\' => string.extend(self.escaped()),
                _ => string.push(byte),
            }
        }
    }

    /// What `\` and the bytes behind it mean.
    fn escaped(&mut self) -> Option<u8> {
        let digits = self.rest().iter().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
        if digits > 0 {
            let octal =
                self.rest()[..digits].iter().fold(0u16, |sum, digit| sum << 3 | u16::from(digit - b'0'));
            self.pass(digits);
            return Some((octal & 0xff) as u8);
        }
        let byte = *self.rest().first()?;
        self.pass(1);
        match byte {
            b'n' => Some(b'\n'),
            b'r' => Some(b'\r'),
            b't' => Some(b'\t'),
            b'b' => Some(8),
            b'f' => Some(12),
            // the line goes on
            b'\r' => {
                self.takes(b"\n");
                None
            }
            b'\n' => None,
            other => Some(other),
        }
    }
}

fn two_digits(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &[u8]) -> Option<Object> {
        Parser::new(text, 0, &mut Budget { objects: 100, bytes: 1000 }).object()
    }

    #[test]
    fn objects() {
        let Some(Object::Dictionary(found)) = parsed(
            b"<</A 1/B[2 0 R -3 4.5 .5]/C#20d(a(b)\\)\\101\\\n!)/D<4a4B5>/E<</F null/G true>>% x\n/H 7 8>>",
        ) else {
            panic!()
        };
        assert_eq!(found.get(b"A").unwrap(), &Object::Integer(1));
        let list = [Object::Reference((2, 0)), Object::Integer(-3), Object::Real(4.5), Object::Real(0.5)];
        assert_eq!(found.get(b"B").unwrap(), &Object::Array(list.to_vec()));
        assert_eq!(found.get(b"C d").unwrap().as_str().unwrap(), b"a(b))A!");
        assert_eq!(found.get(b"D").unwrap().as_str().unwrap(), b"JKP");
        assert_eq!(found.get(b"E").unwrap().as_dict().unwrap().len(), 2);
        assert_eq!(found.get(b"H").unwrap(), &Object::Integer(7), "what makes no sense ends it");
    }

    #[test]
    fn what_is_cut_or_too_much_is_none() {
        for text in ["", "(a", "<a", "[1", "<</A", "[[[[", "foo", "/"] {
            let found = parsed(text.as_bytes());
            assert!(found.is_none() || found == Some(Object::Name(Vec::new())), "{text}: {found:?}");
        }
        assert!(parsed("[".repeat(50).as_bytes()).is_none(), "too deep");
        assert!(parsed(format!("[{}]", "1 ".repeat(200)).as_bytes()).is_none(), "more than the budget");
        let mut budget = Budget { objects: 100, bytes: 14 };
        assert!(Parser::new(b"(twelve bytes)", 0, &mut budget).object().is_some());
        assert!(Parser::new(b"1", 0, &mut budget).object().is_none(), "nothing is left");
    }

    #[test]
    fn whatever_is_looked_at_counts() {
        let blanks = " ".repeat(1000);
        for (text, looked_at) in [
            // no end, no second number, no end of a comment
            (format!("<{}", "4".repeat(1000)), 1001),
            (format!("(({blanks}"), 1002),
            (format!("1{blanks}2"), 1001),
            (format!("1 2{blanks}"), 1003),
            (format!("%{blanks}"), 1001),
            (format!("[1 2{blanks}3 4{blanks}]"), 4000),
        ] {
            let mut budget = Budget { objects: 100, bytes: 10_000 };
            let _ = Parser::new(text.as_bytes(), 0, &mut budget).object();
            assert!(10_000 - budget.bytes >= looked_at, "{looked_at}, and {} are left", budget.bytes);
            let mut budget = Budget { objects: 100, bytes: 500 };
            let _ = Parser::new(text.as_bytes(), 0, &mut budget).object();
            assert_eq!(budget.bytes, 0, "{text}: no more than there may be");
        }
    }
}
