//! A range of bytes on the command line.

use std::ops::Range;
use std::str::FromStr;

/// `START-END` (both included), `START+LEN`, or `START-` for all the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ByteRange(pub(super) Range<u64>);

impl FromStr for ByteRange {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<ByteRange, &'static str> {
        let wrong = "expected START-END, START+LENGTH or START-, in bytes from 0";
        let number = |digits: &str| match digits.bytes().all(|byte| byte.is_ascii_digit()) {
            true => digits.parse::<u64>().map_err(|_| wrong),
            false => Err(wrong),
        };
        let at = text.find(['-', '+']).ok_or(wrong)?;
        let (start, rest) = (number(&text[..at])?, &text[at + 1..]);
        let end = match (text.as_bytes()[at], rest) {
            (b'-', "") => u64::MAX,
            (b'-', last) => number(last)?.checked_add(1).ok_or(wrong)?,
            (_, len) => start.checked_add(number(len)?).ok_or(wrong)?,
        };
        if start <= end { Ok(ByteRange(start..end)) } else { Err("the range ends before it starts") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms() {
        let range = |text: &str| text.parse::<ByteRange>().map(|range| range.0);
        assert_eq!(range("0-99"), Ok(0..100));
        assert_eq!(range("100+28"), Ok(100..128));
        assert_eq!(range("7-"), Ok(7..u64::MAX));
        assert_eq!(range("5-4"), Ok(5..5));
        assert_eq!(range("0+0"), Ok(0..0));
    }

    #[test]
    fn anything_else_is_refused() {
        let max = u64::MAX;
        let huge = [format!("0-{max}"), format!("1+{max}"), format!("{max}0-")];
        for text in ["", "5", "-", "-5", "+5", "1-2-3", "a-b", "1 - 2", "9-3", "1+", "0x1-"] {
            assert!(text.parse::<ByteRange>().is_err(), "{text}");
        }
        for text in huge {
            assert!(text.parse::<ByteRange>().is_err(), "{text}");
        }
    }
}
