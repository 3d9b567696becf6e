//! Rich text: its words, without fonts and colours.

use super::kind::Type;
use super::limits::Limits;
use super::model::{Body, Draft};
use super::safe::Bounded;
use super::source::Source;
use encoding_rs::{Encoding, WINDOWS_1252};

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

pub(super) fn preview(source: &Source<'_>, _: &Type, limits: &Limits) -> Option<Draft> {
    let mut out = Bounded::new(limits.text_len);
    let mut rest = &source.bytes[..source.bytes.len().min(limits.body_len * 4)];
    let mut encoding = WINDOWS_1252;
    // how many groups are open; the first of those that are dropped, if any is
    let (mut depth, mut dropped) = (0usize, None::<usize>);
    // bytes outside ASCII, which may make one character together; what stands for a character to old readers
    let mut bytes: Vec<u8> = Vec::new();
    let mut stand_in = 0usize;
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
            b'{' => depth += 1,
            b'}' => {
                flush(&mut out);
                depth = depth.saturating_sub(1);
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
                    if shown {
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
                    if word != "u" {
                        flush(&mut out);
                    }
                    match word {
                        _ if DROPPED.contains(&word) => {
                            dropped.get_or_insert(depth);
                        }
                        "ansicpg" => {
                            let label = format!("windows-{}", number.unwrap_or(1252));
                            encoding = Encoding::for_label(label.as_bytes()).unwrap_or(encoding);
                        }
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
                            flush(&mut out);
                            let code = number.unwrap_or(0);
                            let code = if code < 0 { code + 0x10000 } else { code };
                            if shown && let Some(c) = u32::try_from(code).ok().and_then(char::from_u32) {
                                out.push(c.encode_utf8(&mut [0; 4]));
                            }
                            stand_in = 1;
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
