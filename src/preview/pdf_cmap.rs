//! What the codes of a font mean where a PDF says so itself: in a stream called `ToUnicode` (ISO 32000-1, 9.10.3).
//!
//! Ranges of codes stay ranges here. lopdf would write out every code of every range, of which a line of the file can
//! claim four thousand million.

use super::pdf_objects::{Budget, Parser};
use lopdf::Object;

/// Bytes of a code.
const CODE_LEN: usize = 4;
/// UTF-16 units that one code may mean.
const UNITS: usize = 256;
/// Statements of which codes there are.
const SPACES: usize = 100;
/// Ranges that are looked at for one code, since they may overlap.
const OVERLAPPING: usize = 8;
/// What stands for a code without a meaning.
const UNKNOWN: u16 = 0xfffd;

/// Codes of one length, from `first` to `last`.
#[derive(Debug, Clone, Copy)]
struct Range {
    len: u8,
    first: u32,
    last: u32,
    /// Where in `units` the meaning of `first` is, and how long it is. The last unit of it grows with the code.
    start: u32,
    count: u16,
}

/// A map from codes to text.
#[derive(Debug, Default)]
pub(super) struct CMap {
    /// By length and first code; of two that begin alike the later one counts.
    ranges: Vec<Range>,
    units: Vec<u16>,
    /// Which codes there are: length, lowest and highest of each byte.
    spaces: Vec<(u8, u32, u32)>,
    /// The length of the shortest codes.
    shortest: u8,
}

/// What is listed.
#[derive(Clone, Copy)]
enum Section {
    Spaces,
    Chars,
    Ranges,
}

impl CMap {
    /// Reads a map, as far as the budget goes; `None` if there is none in it.
    pub(super) fn of(content: &[u8], budget: &mut Budget) -> Option<CMap> {
        let mut map = CMap::default();
        let mut parser = Parser::new(content, 0, budget);
        let mut section = None;
        let mut row = Vec::new();
        while let Some(next) = parser.next_byte() {
            if next.is_ascii_alphabetic() {
                section = match parser.word() {
                    b"begincodespacerange" => Some(Section::Spaces),
                    b"beginbfchar" => Some(Section::Chars),
                    b"beginbfrange" => Some(Section::Ranges),
                    _ => None,
                };
                row.clear();
                continue;
            }
            let at = parser.at;
            let object = parser.object();
            if parser.at == at {
                // what begins nothing
                parser.at += 1;
            }
            let (Some(section), Some(object)) = (section, object) else { continue };
            row.push(object);
            map.row(section, &mut row);
        }
        map.ranges.sort_by_key(|range| (range.len, range.first));
        let lens = map.spaces.iter().map(|space| space.0);
        map.shortest = lens.chain(map.ranges.iter().map(|range| range.len)).min()?;
        (!map.ranges.is_empty()).then_some(map)
    }

    /// Takes what has been read of a row, once it is all there.
    fn row(&mut self, section: Section, row: &mut Vec<Object>) {
        match (section, row.as_slice()) {
            (Section::Spaces, [low, high]) => {
                if let (Some((len, low)), Some((_, high))) = (code(low), code(high))
                    && self.spaces.len() < SPACES
                {
                    self.spaces.push((len, low, high));
                }
            }
            (Section::Chars, [from, to]) => {
                if let Some((len, code)) = code(from) {
                    self.range(len, code, code, to);
                }
            }
            (Section::Ranges, [first, last, Object::Array(targets)]) => {
                if let (Some((len, first)), Some((_, last))) = (code(first), code(last)) {
                    for (code, target) in (first..=last).zip(targets) {
                        self.range(len, code, code, target);
                    }
                }
            }
            (Section::Ranges, [first, last, target]) => {
                if let (Some((len, first)), Some((_, last))) = (code(first), code(last)) {
                    self.range(len, first, last, target);
                }
            }
            _ => return,
        }
        row.clear();
    }

    fn range(&mut self, len: u8, first: u32, last: u32, target: &Object) {
        let Ok(target) = target.as_str() else { return };
        let (Ok(start), Ok(count)) =
            (u32::try_from(self.units.len()), u16::try_from(target.len().div_ceil(2).min(UNITS)))
        else {
            return;
        };
        if first > last || count == 0 {
            return;
        }
        let units = target.chunks(2).map(|unit| unit.iter().fold(0, |sum, byte| sum << 8 | u16::from(*byte)));
        self.units.extend(units.take(UNITS));
        self.ranges.push(Range { len, first, last, start, count });
    }

    /// The text of a string, until there are about `most` UTF-16 units of it.
    pub(super) fn text(&self, bytes: &[u8], most: usize) -> String {
        let mut units = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() && units.len() < most {
            let len = self.push_next(rest, &mut units);
            rest = rest.get(len..).unwrap_or_default();
        }
        String::from_utf16_lossy(&units)
    }

    /// Appends what the first code means, and returns its length.
    fn push_next(&self, bytes: &[u8], units: &mut Vec<u16>) -> usize {
        let mut code = 0;
        for (len, byte) in (1..).zip(bytes.iter().take(CODE_LEN)) {
            code = code << 8 | u32::from(*byte);
            let found = self.find(len, code);
            if self.spaces.iter().any(|space| is_in_space(*space, len, code))
                || self.spaces.is_empty() && found.is_some()
            {
                match found {
                    Some(range) => self.push_meaning(range, code, units),
                    None => units.push(UNKNOWN),
                }
                return usize::from(len);
            }
        }
        units.push(UNKNOWN);
        usize::from(self.shortest)
    }

    fn find(&self, len: u8, code: u32) -> Option<Range> {
        let end = self.ranges.partition_point(|range| (range.len, range.first) <= (len, code));
        let before = self.ranges[..end].iter().rev().take(OVERLAPPING);
        before.take_while(|range| range.len == len).find(|range| range.last >= code).copied()
    }

    fn push_meaning(&self, range: Range, code: u32, units: &mut Vec<u16>) {
        let meaning = self.units.iter().skip(range.start as usize).take(usize::from(range.count));
        units.extend(meaning);
        if let Some(last) = units.last_mut() {
            *last = last.wrapping_add((code - range.first) as u16);
        }
    }
}

/// Each byte has bounds of its own.
fn is_in_space((space_len, low, high): (u8, u32, u32), len: u8, code: u32) -> bool {
    let byte = |number: u32, at: u8| number >> (8 * at) & 0xff;
    space_len == len && (0..len).all(|at| (byte(low, at)..=byte(high, at)).contains(&byte(code, at)))
}

/// A code of one to four bytes: its length and its number.
fn code(object: &Object) -> Option<(u8, u32)> {
    let bytes = object.as_str().ok().filter(|bytes| (1..=CODE_LEN).contains(&bytes.len()))?;
    let number = bytes.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
    Some((u8::try_from(bytes.len()).ok()?, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<CMap> {
        CMap::of(text.as_bytes(), &mut Budget { objects: 100, bytes: 10_000 })
    }

    fn map(text: &str) -> CMap {
        read(text).expect("a map")
    }

    #[test]
    fn codes_of_two_bytes() {
        let map = map("/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def\n\
             1 begincodespacerange <0000> <FFFF> endcodespacerange\n\
             2 beginbfchar <0003> <0020> <0010> <00660069> endbfchar\n\
             3 beginbfrange\n<0024> <0026> <0041>\n<0030><0031>[<0061> <D83DDE00>]\n<0050> <0051> <D83DDE00>\nendbfrange endcmap");
        let text = |codes: &[u16]| {
            map.text(&codes.iter().flat_map(|code| code.to_be_bytes()).collect::<Vec<_>>(), 100)
        };
        assert_eq!(text(&[0x24, 0x25, 0x26, 3, 0x10]), "ABC fi");
        assert_eq!(text(&[0x30, 0x31, 0x50, 0x51]), "a😀😀😁");
        assert_eq!(text(&[0x99, 0x24]), "\u{fffd}A", "without a meaning, and no more than that is lost");
        assert_eq!(map.text(&[0, 0x24, 0], 100), "A\u{fffd}", "cut within a code");
    }

    #[test]
    fn codes_of_several_lengths() {
        let spaces = map("2 begincodespacerange <00> <7F> <8140> <9FFC> endcodespacerange\n\
             1 beginbfrange <20> <7F> <0020> endbfrange 1 beginbfchar <8140> <3000> endbfchar");
        assert_eq!(spaces.text(b"a\x81\x40b", 100), "a\u{3000}b");
        let without = map("1 beginbfchar <41> <0042> <4141> <0043> endbfchar");
        assert_eq!(without.text(b"AA", 100), "BB", "the shorter one comes first");
    }

    #[test]
    fn ranges_are_not_written_out() {
        let map = map("1 beginbfrange <00000000> <FFFFFFFF> <0041> <00> <FF> <0041> endbfrange");
        assert_eq!(map.ranges.len(), 2);
        assert_eq!(map.text(b"\x01\x02", 100), "BC");
        assert_eq!(map.text(&[1; 1000], 10).len(), 10, "no more than is wanted");
    }

    #[test]
    fn what_is_no_map() {
        for text in
            ["", "1 beginbfchar endbfchar", "beginbfrange <02> <01> <0041>", "<<>>)]}>", "beginbfchar <4"]
        {
            assert!(read(text).is_none(), "{text}");
        }
    }
}
