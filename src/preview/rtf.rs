//! Rich text: its words, without fonts and colours.

use super::kind::Type;
use super::limits::Limits;
use super::model::{Body, Draft};
use super::safe::Bounded;
use super::source::Source;
use encoding_rs::{BIG5, Encoding, GBK, MACINTOSH, SHIFT_JIS, UTF_8, WINDOWS_1252};

/// Groups that hold no text of the document.
const DROPPED: &[&str] = &[
    "fonttbl",
    "colortbl",
    "stylesheet",
    "info",
    "pict",
    "object",
    "header",
    "footer",
    "listtable",
    "generator",
    "listoverridetable",
    "rsidtbl",
    "themedata",
    "datastore",
    "xmlnstbl",
    "latentstyles",
    "fldinst",
];

/// Characters that may stand for one, at the most.
const STAND_INS: usize = 16;

pub(super) fn preview(source: &Source<'_>, _: &Type, limits: &Limits) -> Option<Draft> {
    let mut out = Bounded::new(limits.text_len);
    let mut rest = source.first(limits.body_len * 4);
    let mut encoding = WINDOWS_1252;
    // how many groups are open; the first of those that are dropped, if any is
    let (mut depth, mut dropped) = (0usize, None::<usize>);
    // bytes outside ASCII, which may make one character together
    let mut bytes: Vec<u8> = Vec::new();
    // how many characters behind one in Unicode stand for it to old readers, here and in the groups around; how many of
    // them are still to come; the first half of a pair
    let mut stand_ins = 1usize;
    let mut outer_stand_ins: Vec<usize> = Vec::new();
    let mut stand_in = 0usize;
    let mut high = None::<u16>;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let shown = dropped.is_none();
        let mut flush = |out: &mut Bounded| {
            if !bytes.is_empty() {
                out.push(&encoding.decode_without_bom_handling(&bytes).0);
                bytes.clear();
            }
        };
        match byte {
            b'{' => {
                depth += 1;
                outer_stand_ins.push(stand_ins);
                stand_in = 0;
            }
            b'}' => {
                flush(&mut out);
                depth = depth.saturating_sub(1);
                stand_ins = outer_stand_ins.pop().unwrap_or(1);
                stand_in = 0;
                dropped = dropped.filter(|from| *from <= depth);
            }
            b'\\' => match rest.first() {
                Some(b'\'') => {
                    let digits = rest.get(1..3).and_then(|hex| std::str::from_utf8(hex).ok());
                    let value = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                    rest = rest.get(3..).unwrap_or_default();
                    if stand_in > 0 {
                        stand_in -= 1;
                    } else if shown {
                        bytes.extend(value);
                    }
                }
                Some(b'*') => {
                    dropped.get_or_insert(depth);
                    rest = &rest[1..];
                }
                Some(escaped @ (b'{' | b'}' | b'\\' | b'~' | b'-' | b'_')) => {
                    flush(&mut out);
                    if stand_in > 0 {
                        stand_in -= 1;
                    } else if shown {
                        let text = match escaped {
                            b'~' => "\u{a0}",
                            b'-' => "",
                            b'_' => "-",
                            b'{' => "{",
                            b'}' => "}",
                            _ => "\\",
                        };
                        out.push(text);
                    }
                    rest = &rest[1..];
                }
                _ => {
                    let (word, number, after) = control_word(rest);
                    rest = after;
                    flush(&mut out);
                    // a word is obeyed, and nothing stands for a character behind it
                    stand_in = 0;
                    match word {
                        _ if DROPPED.contains(&word) => {
                            dropped.get_or_insert(depth);
                        }
                        "ansicpg" => {
                            encoding = code_page(number.unwrap_or(1252)).unwrap_or(encoding);
                        }
                        "uc" => stand_ins = usize::try_from(number.unwrap_or(1)).unwrap_or(1).min(STAND_INS),
                        "bin" => rest = rest.get(number.unwrap_or(0).max(0) as usize..).unwrap_or_default(),
                        "par" | "line" | "row" | "sect" | "page" if shown => out.push("\n"),
                        "tab" | "cell" if shown => out.push("\t"),
                        "emdash" if shown => out.push("—"),
                        "endash" if shown => out.push("–"),
                        "bullet" if shown => out.push("•"),
                        "lquote" | "rquote" if shown => out.push("’"),
                        "ldblquote" if shown => out.push("“"),
                        "rdblquote" if shown => out.push("”"),
                        "u" => {
                            // a number of 16 bits with a sign, or without
                            let unit = (number.unwrap_or(0) & 0xffff) as u16;
                            let units = [high.take().unwrap_or(unit), unit];
                            let (pair, single) = (char::decode_utf16(units).next(), u32::from(unit));
                            match pair {
                                Some(Ok(c)) if shown && u32::from(c) > 0xffff => {
                                    out.push(c.encode_utf8(&mut [0; 4]));
                                }
                                _ if (0xd800..0xdc00).contains(&unit) => high = Some(unit),
                                _ if shown => {
                                    let c = char::from_u32(single).unwrap_or(char::REPLACEMENT_CHARACTER);
                                    out.push(c.encode_utf8(&mut [0; 4]));
                                }
                                _ => {}
                            }
                            stand_in = stand_ins;
                        }
                        _ => {}
                    }
                }
            },
            b'\r' | b'\n' => {}
            _ if stand_in > 0 => stand_in -= 1,
            _ if shown => bytes.push(byte),
            _ => {}
        }
        if out.is_full() {
            break;
        }
    }
    if dropped.is_none() {
        out.push(&encoding.decode_without_bom_handling(&bytes).0);
    }
    let (text, full) = out.end();
    let text = text.trim().to_owned();
    let partial = full || source.bytes.len() > limits.body_len * 4;
    Some(Draft { body: Some(Body::Text(text.clone())), text, partial, ..Draft::default() })
}

/// The encoding that a code page of Windows, or of the Macintosh, stands for.
fn code_page(number: i32) -> Option<&'static Encoding> {
    match number {
        932 => Some(SHIFT_JIS),
        936 => Some(GBK),
        950 => Some(BIG5),
        10000 => Some(MACINTOSH),
        65001 => Some(UTF_8),
        other => Encoding::for_label(format!("windows-{other}").as_bytes()),
    }
}

/// Letters, a number, and the blank that ends both; or one other character, which is passed over.
fn control_word(rest: &[u8]) -> (&str, Option<i32>, &[u8]) {
    let letters = rest.iter().take(32).take_while(|byte| byte.is_ascii_alphabetic()).count();
    if letters == 0 {
        return ("", None, rest.get(1..).unwrap_or_default());
    }
    let (word, rest) = rest.split_at(letters);
    let digits = rest.iter().enumerate().take(10);
    let len = digits.take_while(|(at, byte)| byte.is_ascii_digit() || *at == 0 && **byte == b'-').count();
    let (number, rest) = rest.split_at(len);
    let number = std::str::from_utf8(number).ok().and_then(|number| number.parse().ok());
    let word = std::str::from_utf8(word).unwrap_or_default();
    (word, number, rest.strip_prefix(b" ").unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(words: &str) -> String {
        let file = format!("{{\\rtf1\\ansi {words}}}");
        let draft =
            preview(&Source::new("a.rtf", file.as_bytes()), &super::super::kind::PLAIN, &Limits::default());
        draft.expect("it is one").text
    }

    #[test]
    fn characters_and_what_stands_for_them() {
        assert_eq!(text(r"Stra\u223?e \u8211\'96 \u8364 Eb"), "Straße – €b");
        assert_eq!(text(r"\uc2 \u26085XY\u26412\'93\'fa\u-30050XYZ"), "日本語Z");
        assert_eq!(text(r"\uc0\u8364 E\u8364\par x"), "€E€\nx");
        assert_eq!(text(r"{\uc0\u65 B}\u67 D\u69\{F"), "ABCEF", "a group has its own, and a symbol is one");
        assert_eq!(text(r"{\u65}BC"), "ABC", "the end of a group ends it");
    }

    #[test]
    fn pairs() {
        assert_eq!(text(r"\u-10179?\u-8704? \u55357?\u56832?"), "😀 😀");
        assert_eq!(text(r"\uc0\u55357\u65 \u56832"), "A\u{fffd}");
    }

    #[test]
    fn code_pages() {
        assert_eq!(text(r"\ansicpg932 \'93\'fa\'96\'7b"), "日本");
        assert_eq!(text(r"\ansicpg1251 \'cf\'f0"), "Пр");
        assert_eq!(text(r"\ansicpg65001 \'e2\'82\'ac"), "€");
    }
}
