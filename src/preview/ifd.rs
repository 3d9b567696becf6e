//! The directories of TIFF, which Exif is made of too: whether what they list is little enough to be read into memory.
//!
//! An entry has twelve bytes and may claim millions of values, and many entries may claim the same ones; in memory a
//! value can take twenty times its bytes.

use std::collections::HashSet;

/// Entries of all directories.
const ENTRIES: usize = 20_000;
/// Bytes that all values take in memory, about.
const MEMORY: u64 = 16 * 1024 * 1024;
const VALUE_LEN: u64 = 32;
/// Entries that lead to a further directory: Exif, places, interoperability.
const POINTERS: [u64; 3] = [0x8769, 0x8825, 0xa005];
/// Types whose values are single bytes.
const BYTES: [u64; 3] = [1, 6, 7];

/// `II` or `MM` for the order of bytes, 42, and where the first directory is. Each has the number of its entries in two
/// bytes, the entries, and where the next one is. An entry is a tag and a type of two bytes each, a number of values,
/// and the values or where they are.
pub(super) fn is_bounded(tiff: &[u8]) -> bool {
    let little = match tiff.get(..4) {
        Some(b"II*\0") => true,
        Some(b"MM\0*") => false,
        _ => return false,
    };
    let number = |at: usize, len: usize| -> Option<u64> {
        let bytes = tiff.get(at..at.checked_add(len)?)?.iter();
        let push = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        Some(if little { bytes.rev().fold(0, push) } else { bytes.fold(0, push) })
    };
    let mut wanted: Vec<u64> = number(4, 4).into_iter().collect();
    let mut seen = HashSet::new();
    let (mut entries, mut memory) = (0, 0);
    while let Some(start) = wanted.pop() {
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let Some(count) = number(start, 2).and_then(|count| usize::try_from(count).ok()) else { continue };
        if !seen.insert(start) {
            continue;
        }
        entries += count + 1;
        if entries > ENTRIES {
            return false;
        }
        for at in (0..count).map(|entry| start + 2 + entry * 12) {
            let (Some(tag), Some(form), Some(values)) = (number(at, 2), number(at + 2, 2), number(at + 4, 4))
            else {
                break;
            };
            memory += if BYTES.contains(&form) { values } else { values * VALUE_LEN };
            if POINTERS.contains(&tag) {
                wanted.extend(number(at + 8, 4));
            }
        }
        wanted.extend(number(start + 2 + count * 12, 4).filter(|next| *next != 0));
    }
    memory <= MEMORY
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with one directory of these entries: tag, type, number of values, values or where they are.
    fn tiff(entries: &[(u16, u16, u32, u32)], next: u32) -> Vec<u8> {
        let mut bytes = b"II*\0\x08\0\0\0".to_vec();
        bytes.extend((entries.len() as u16).to_le_bytes());
        for (tag, form, count, value) in entries {
            bytes.extend(tag.to_le_bytes().into_iter().chain(form.to_le_bytes()));
            bytes.extend(count.to_le_bytes().into_iter().chain(value.to_le_bytes()));
        }
        bytes.extend(next.to_le_bytes());
        bytes
    }

    #[test]
    fn values_are_counted_wherever_they_are_claimed() {
        assert!(is_bounded(&tiff(&[(256, 4, 1, 10), (273, 4, 1000, 200)], 0)));
        assert!(is_bounded(&tiff(&[(700, 1, 4_000_000, 200)], 0)), "bytes stay bytes");
        assert!(!is_bounded(&tiff(&[(273, 4, 6_000_000, 200)], 0)));
        assert!(!is_bounded(&tiff(&[(271, 2, 300_000, 200), (272, 2, 300_000, 200)], 0)), "twice the same");
        assert!(!is_bounded(b"II+\0\x08\0\0\0\0\0\0\0\0\0\0\0"), "BigTIFF");
        let mut behind = tiff(&[(0x8769, 4, 1, 26)], 0);
        behind.extend(&tiff(&[(271, 2, 600_000, 0)], 0)[8..]);
        assert!(!is_bounded(&behind), "in the directory of Exif");
    }

    #[test]
    fn directories_that_follow_themselves_end() {
        assert!(is_bounded(&tiff(&[(0x8769, 4, 1, 8)], 8)));
        assert!(is_bounded(&tiff(&[], u32::MAX)));
    }
}
