//! Fonts: what they are called and who made them (OpenType 1.9, table `name`).

use super::kind::Type;
use super::limits::Limits;
use super::model::{Body, Draft};
use super::safe;
use super::source::Source;
use encoding_rs::{MACINTOSH, UTF_16BE};

/// Tables of a font, and names in one, that are looked at.
const TABLES: usize = 100;
const NAMES: usize = 1000;
/// Bytes of a name.
const NAME_LEN: usize = 2000;
/// English, as Microsoft numbers languages.
const ENGLISH: u16 = 0x409;

pub(super) fn preview(source: &Source<'_>, _: &Type, _: &Limits) -> Option<Draft> {
    let names = Names::of(source.bytes)?;
    let mut draft = Draft { body: Some(Body::Original), partial: !source.is_whole(), ..Draft::default() };
    let or = |first: u16, second: u16| names.get(first).or_else(|| names.get(second)).unwrap_or_default();
    draft.title = names.get(4);
    draft.text = draft.title.clone().unwrap_or_default();
    draft.fact("family", or(16, 1));
    draft.fact("style", or(17, 2));
    draft.fact("version", or(5, 5));
    draft.fact("author", or(9, 8));
    draft.fact("rights", or(0, 0));
    Some(draft)
}

/// The table of names: two bytes of version, two that tell how many names there are, two of where the strings begin;
/// for each name platform, encoding, language, meaning, length and place of the string, two bytes each.
struct Names<'a> {
    table: &'a [u8],
}

impl<'a> Names<'a> {
    /// Of a collection, the first font counts.
    fn of(bytes: &'a [u8]) -> Option<Names<'a>> {
        let start = if bytes.starts_with(b"ttcf") { long(bytes, 12)? } else { 0 };
        let count = usize::from(short(bytes, start.checked_add(4)?)?).min(TABLES);
        (0..count).find_map(|at| {
            let record = bytes.get(start + 12 + at * 16..start + 28 + at * 16)?;
            record.starts_with(b"name").then_some(())?;
            Some(Names { table: bytes.get(long(record, 8)?..)? })
        })
    }

    /// The name with this meaning; the English one, if there is one.
    fn get(&self, meaning: u16) -> Option<String> {
        let count = usize::from(short(self.table, 2)?).min(NAMES);
        let strings = usize::from(short(self.table, 4)?);
        let field = |record: usize, at: usize| short(self.table, 6 + record * 12 + at * 2);
        let fitting = (0..count).filter(|record| field(*record, 3) == Some(meaning));
        let record = fitting
            .max_by_key(|record| (field(*record, 2) == Some(ENGLISH), field(*record, 0) == Some(3)))?;
        let (len, at) = (usize::from(field(record, 4)?), usize::from(field(record, 5)?));
        let string = self.table.get(strings + at..strings + at + len.min(NAME_LEN))?;
        // 1 is the Macintosh, whose names are Roman for the most part; the others write UTF-16
        let encoding = if field(record, 0)? == 1 { MACINTOSH } else { UTF_16BE };
        let name = encoding.decode_without_bom_handling(string).0;
        (!safe::line(&name).is_empty()).then(|| name.into_owned())
    }
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<usize> {
    let number = u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?);
    usize::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_the_right_language() {
        let mut table = vec![0, 0, 0, 3, 0, 6 + 36];
        for record in [[1u16, 0, 0, 4, 3, 0], [3, 1, 0x407, 4, 6, 3], [3, 1, ENGLISH, 4, 6, 9]] {
            table.extend(record.iter().flat_map(|number| number.to_be_bytes()));
        }
        table.extend(b"Old\0A\0l\0t\0N\0e\0w");
        let mut font = b"\0\x01\0\0\0\x01\0\0\0\0\0\0name\0\0\0\0\0\0\0\x1c\0\0\0\x99".to_vec();
        font.extend(&table);
        assert_eq!(Names::of(&font).and_then(|names| names.get(4)).as_deref(), Some("New"));
        for len in 0..font.len() {
            let _ = Names::of(&font[..len]).and_then(|names| names.get(4));
        }
        assert!(Names::of(b"ttcf\0\0\0\0\0\0\0\0\xff\xff\xff\xff").is_none());
    }
}
