//! What a ciphertext name was before a program spelled it otherwise: in other letters, small or capital, or with
//! something else for the comma and the dash. Every letter then has two readings, and a name has millions.
//!
//! They need not all be decoded. A plaintext name is text, which shows in every block of block names by itself, one after
//! the other. Stream names of up to 16 bytes (of up to 32, for every reading of the first 16) depend on the readings of
//! the rest bit by bit, so that for ASCII a system of linear equations gives the few readings that are left. What is
//! left is decoded, and its checksum decides.

use super::alphabet::Alphabet;
use super::{IvChain, NameCodec};
use crate::crypto::{Cipher, Seeds};
use std::ops::Range;

/// Readings of a block that are tried before a name is given up, as a power of two: some seconds.
const TOO_MANY_BLOCKS: usize = 24;
/// The same for stream names, where each takes longer.
const TOO_MANY_STREAMS: usize = 23;

/// Bytes at the front of a name that are its checksum.
const MAC_LEN: usize = 2;

/// What programs put where they do not like a comma or a dash.
const INSTEAD: &[u8] = b"_;.+~= ";

/// A character with a second reading, as a change to the bits of the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Choice {
    bit: usize,
    mask: u8,
}

impl Choice {
    fn flip(self, raw: &mut [u8]) {
        let bits = u16::from(self.mask) << (self.bit % 8);
        let [low, high] = bits.to_le_bytes();
        let at = self.bit / 8;
        for (byte, change) in raw.iter_mut().skip(at).zip([low, high]) {
            *byte ^= change;
        }
    }

    fn touches(self, bits: &Range<usize>) -> bool {
        self.bit < bits.end && bits.start < self.bit + 6
    }
}

impl NameCodec {
    /// What a name that does not decode may have been spelled like, the right spelling of it included: ciphertext
    /// names that decode in a directory with this chain. Takes up to some seconds; empty where there are too many readings,
    /// and where case does not count.
    pub fn respell(&self, coded: &[u8], chain: IvChain) -> Vec<Vec<u8>> {
        if self.ignores_case() || coded.len() > 255 {
            return Vec::new();
        }
        let Some((text, choices)) = readings(&unescaped(coded)) else { return Vec::new() };
        let Ok(raw) = Alphabet::SixBit.decode(&text) else { return Vec::new() };
        let mut spelled: Vec<Vec<u8>> = (self.coding.respell(raw, &choices, chain).iter())
            .map(|raw| Alphabet::SixBit.encode(raw))
            .filter(|spelled| {
                let decoded = self.decode_name(spelled, chain);
                spelled.len() == text.len() && decoded.is_ok_and(|(plain, _)| is_text(&plain, true))
            })
            .collect();
        spelled.sort();
        spelled.dedup();
        spelled
    }
}

/// Undoes `%2C` and the like.
fn unescaped(coded: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(coded.len());
    let mut rest = coded;
    while let Some((&byte, after)) = rest.split_first() {
        let hex = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
        match after.get(..2).and_then(hex).filter(|_| byte == b'%') {
            Some(escaped) => {
                text.push(escaped);
                rest = &after[2..];
            }
            None => {
                text.push(byte);
                rest = after;
            }
        }
    }
    text
}

/// One reading of a name, and what others there are; `None` if there is none, or only this one.
fn readings(coded: &[u8]) -> Option<(Vec<u8>, Vec<Choice>)> {
    let value = |letter: u8| Alphabet::SixBit.value(letter);
    let mut text = coded.to_vec();
    let mut choices = Vec::new();
    for (index, letter) in text.iter_mut().enumerate() {
        let other = match *letter {
            b'a'..=b'z' => letter.to_ascii_uppercase(),
            b'A'..=b'Z' => letter.to_ascii_lowercase(),
            b'0'..=b'9' | b',' | b'-' => continue,
            instead if INSTEAD.contains(&instead) => {
                *letter = b',';
                b'-'
            }
            _ => return None,
        };
        choices.push(Choice { bit: index * 6, mask: value(*letter)? ^ value(other)? });
    }
    (!choices.is_empty()).then_some((text, choices))
}

/// Readings of a block name that are text, block for block.
pub(super) fn blocks(
    cipher: &dyn Cipher,
    raw: Vec<u8>,
    choices: &[Choice],
    seeds_of: &dyn Fn(u16) -> Seeds,
) -> Vec<Vec<u8>> {
    let block_len = cipher.block_len();
    if raw.len() <= MAC_LEN || !(raw.len() - MAC_LEN).is_multiple_of(block_len) || block_len < 8 {
        return Vec::new();
    }
    let count = (raw.len() - MAC_LEN) / block_len;
    let mut readings = vec![(raw, Vec::new())];
    let mut decided = 0;
    for block in 0..count {
        let at = MAC_LEN + block * block_len..MAC_LEN + (block + 1) * block_len;
        let open = choices[decided..].iter().take_while(|choice| choice.bit < at.end * 8).count();
        let here = &choices[decided..decided + open];
        if open + readings.len().ilog2() as usize > TOO_MANY_BLOCKS {
            return Vec::new();
        }
        let mut next = Vec::new();
        for (raw, text) in readings {
            one_block(cipher, raw, &text, here, at.clone(), block + 1 == count, seeds_of, &mut next);
        }
        readings = next;
        decided += open;
        if readings.is_empty() {
            break;
        }
    }
    readings.into_iter().map(|(raw, _)| raw).collect()
}

/// Tries all readings of one block behind `text`, and keeps those that go on as text.
#[allow(clippy::too_many_arguments)] // a step of the loop above
fn one_block(
    cipher: &dyn Cipher,
    mut raw: Vec<u8>,
    text: &[u8],
    choices: &[Choice],
    at: Range<usize>,
    last: bool,
    seeds_of: &dyn Fn(u16) -> Seeds,
    keep: &mut Vec<(Vec<u8>, Vec<u8>)>,
) {
    /// Readings that are decrypted in one go, as if they were blocks of one chain.
    const AT_ONCE: usize = 256;
    let block_len = cipher.block_len();
    let mut ivs: Vec<(u16, Vec<u8>)> = Vec::new();
    let mut tried: Vec<Vec<u8>> = Vec::with_capacity(AT_ONCE);
    let end = 1_u64 << choices.len();
    for number in 0..end {
        if number > 0 {
            // one more step of a Gray code: each reading differs from the one before in one character
            choices[number.trailing_zeros() as usize].flip(&mut raw);
        }
        tried.push(raw.clone());
        if tried.len() < AT_ONCE && number + 1 < end {
            continue;
        }
        let mut chain = vec![0; block_len];
        tried.iter().for_each(|raw| chain.extend_from_slice(&raw[at.clone()]));
        let coded = chain.clone();
        let len = chain.len();
        cipher.decrypt_run(&mut chain, len, Seeds { first: 0, mask: 0 });
        for (index, raw) in tried.drain(..).enumerate() {
            let here = (index + 1) * block_len..(index + 2) * block_len;
            // what the chain has mixed in, out; what the name has mixed in, out
            let mut plain: Vec<u8> = chain[here.clone()].to_vec();
            xor(&mut plain, &coded[here.start - block_len..here.start]);
            if at.start == MAC_LEN {
                let mac = u16::from_be_bytes([raw[0], raw[1]]);
                let iv = match ivs.iter().find(|(known, _)| *known == mac) {
                    Some((_, iv)) => iv,
                    None => {
                        ivs.push((mac, iv_of(cipher, seeds_of(mac))));
                        &ivs[ivs.len() - 1].1
                    }
                };
                xor(&mut plain, iv);
            } else {
                xor(&mut plain, &raw[at.start - block_len..at.start]);
            }
            let mut longer = text.to_vec();
            longer.extend_from_slice(&plain);
            if last && !unpad(&mut longer, block_len) {
                continue;
            }
            if is_text(&longer, last) {
                keep.push((raw, longer));
            }
        }
    }
}

/// The IV that goes with a seed, by way of a block that is decrypted twice.
fn iv_of(cipher: &dyn Cipher, seeds: Seeds) -> Vec<u8> {
    let block_len = cipher.block_len();
    let mut twice = vec![0; 2 * block_len];
    cipher.decrypt_run(&mut twice, 2 * block_len, seeds);
    let (first, second) = twice.split_at(block_len);
    first.iter().zip(second).map(|(one, other)| one ^ other).collect()
}

fn xor(bytes: &mut [u8], other: &[u8]) {
    bytes.iter_mut().zip(other).for_each(|(byte, other)| *byte ^= other);
}

fn unpad(text: &mut Vec<u8>, block_len: usize) -> bool {
    let padding = usize::from(text.last().copied().unwrap_or(0));
    let kept = text.len().checked_sub(padding);
    let Some(kept) = kept.filter(|_| padding > 0 && padding <= block_len) else { return false };
    let whole = text[kept..].iter().all(|byte| usize::from(*byte) == padding);
    text.truncate(kept);
    whole
}

/// Whether this begins a name that somebody could have typed; at the end, whether it is one.
fn is_text(name: &[u8], whole: bool) -> bool {
    let odd = |byte: &u8| *byte < 0x20 || matches!(byte, 0x7f | b'/');
    if name.iter().any(odd) {
        return false;
    }
    match std::str::from_utf8(name) {
        Ok(_) => true,
        // a letter may go on in the next block
        Err(error) => !whole && error.error_len().is_none(),
    }
}

/// Readings of a stream name that are ASCII; or all of them, if they are few. `body` is where the name is, the rest is
/// the checksum.
pub(super) fn streams(
    raw: &[u8],
    choices: &[Choice],
    body: Range<usize>,
    cipher_block: usize,
    decode: &dyn Fn(&[u8]) -> Vec<u8>,
) -> Vec<Vec<u8>> {
    /// As a power of two: so few readings that any text may be behind them.
    const FEW: usize = 17;
    let len = body.len();
    if len == 0 || len > 2 * cipher_block {
        return Vec::new();
    }
    if choices.len() <= FEW {
        return all(raw, choices).collect();
    }
    // the checksum is the seed of all, and the first of two blocks goes through the cipher once more
    let mixed = if len > cipher_block { body.start..body.start + cipher_block } else { 0..0 };
    let is_mixed = |choice: &Choice| {
        let of_body = choice.touches(&(body.start * 8..body.end * 8));
        let outside = choice.bit < body.start * 8 || choice.bit + 6 > body.end * 8 || !of_body;
        outside || choice.touches(&(mixed.start * 8..mixed.end * 8))
    };
    let (through, straight): (Vec<Choice>, Vec<Choice>) = choices.iter().partition(|choice| is_mixed(choice));
    if through.len() > TOO_MANY_STREAMS || straight.len() > 32 {
        return Vec::new();
    }
    let width = len.min(cipher_block);
    let high_bits = |name: &[u8]| {
        name[..width].iter().enumerate().fold(0_u64, |bits, (at, byte)| bits | u64::from(byte >> 7) << at)
    };
    let base = high_bits(&decode(raw));
    let system = System::of(straight.iter().map(|choice| {
        let mut other = raw.to_vec();
        choice.flip(&mut other);
        high_bits(&decode(&other)) ^ base
    }));
    let mut found = Vec::new();
    for raw in all(raw, &through) {
        for solution in system.solve(high_bits(&decode(&raw))) {
            let mut reading = raw.clone();
            for (_, choice) in straight.iter().enumerate().filter(|(at, _)| solution >> at & 1 == 1) {
                choice.flip(&mut reading);
            }
            if is_text(&decode(&reading), true) {
                found.push(reading);
            }
        }
    }
    found
}

/// Every reading, in the order of a Gray code.
fn all<'a>(raw: &[u8], choices: &'a [Choice]) -> impl Iterator<Item = Vec<u8>> + use<'a> {
    let mut raw = raw.to_vec();
    (0..1_u64 << choices.len()).map(move |number| {
        if number > 0 {
            choices[number.trailing_zeros() as usize].flip(&mut raw);
        }
        raw.clone()
    })
}

/// Which of some vectors over GF(2) sum up to a given one.
struct System {
    /// A vector, with a highest bit that no other has, and the columns that it is the sum of.
    rows: Vec<(u64, u64)>,
    /// Columns that sum up to nothing.
    kernel: Vec<u64>,
}

impl System {
    /// More solutions than this are as good as none.
    const KERNEL_MAX: usize = 10;

    fn of(columns: impl Iterator<Item = u64>) -> System {
        let mut system = System { rows: Vec::new(), kernel: Vec::new() };
        for (at, column) in columns.enumerate() {
            let (rest, sum) = system.reduce(column);
            let sum = sum ^ 1 << at;
            if rest == 0 {
                system.kernel.push(sum);
            } else {
                system.rows.push((rest, sum));
            }
        }
        system
    }

    /// What is left of a vector, and the columns that were taken away.
    fn reduce(&self, mut vector: u64) -> (u64, u64) {
        let mut sum = 0;
        for (row, columns) in &self.rows {
            let highest = 1 << row.ilog2();
            if vector & highest != 0 {
                vector ^= row;
                sum ^= columns;
            }
        }
        (vector, sum)
    }

    fn solve(&self, vector: u64) -> Vec<u64> {
        let (rest, solution) = self.reduce(vector);
        if rest != 0 || self.kernel.len() > System::KERNEL_MAX {
            return Vec::new();
        }
        let mut solutions = vec![solution];
        for null in &self.kernel {
            let more: Vec<u64> = solutions.iter().map(|solution| solution ^ null).collect();
            solutions.extend(more);
        }
        solutions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::AlgorithmId;
    use crate::crypto::test_keys::{spec, volume_key};

    fn codec((name, major): (&str, u32), chained: bool) -> NameCodec {
        let cipher = spec().open(&volume_key()).expect("it fits");
        NameCodec::new(&AlgorithmId::new(name, major, 0), &cipher, chained, 255).expect("exists")
    }

    fn comes_back(codec: &NameCodec, plain: &str, spoil: impl Fn(&[u8]) -> Vec<u8>) -> bool {
        let chain = codec.root_chain();
        let (coded, _) = codec.encode_name(plain.as_bytes(), chain).expect("possible");
        codec.respell(&spoil(&coded), chain).contains(&coded)
    }

    #[test]
    fn names_in_small_letters_come_back() {
        for coding in [("nameio/block", 4), ("nameio/block", 2), ("nameio/stream", 2), ("nameio/stream", 0)] {
            for chained in [true, false] {
                let codec = codec(coding, chained);
                for plain in ["a", "report.txt", "Größe.md", "exactly sixteen!"] {
                    let back = comes_back(&codec, plain, <[u8]>::to_ascii_lowercase);
                    assert!(back, "{coding:?} {chained} {plain}");
                }
            }
        }
    }

    #[test]
    fn long_names_come_back() {
        let long = "Minutes of the meeting in March.docx";
        let block = codec(("nameio/block", 4), true);
        assert!(comes_back(&block, long, <[u8]>::to_ascii_uppercase));
        assert!(comes_back(
            &block,
            "Ein längerer Name, über drei Blöcke hinweg.txt",
            <[u8]>::to_ascii_lowercase
        ));
        let stream = codec(("nameio/stream", 2), false);
        assert!(comes_back(&stream, &long[..28], <[u8]>::to_ascii_lowercase));
    }

    #[test]
    fn other_characters_for_comma_and_dash() {
        let codec = codec(("nameio/stream", 2), false);
        for plain in ["one", "two.txt", "three", "four.md", "five.jpg", "six"] {
            let spoil = |name: &[u8]| {
                let name = String::from_utf8_lossy(name).replace([',', '-'], "_").to_lowercase();
                name.into_bytes()
            };
            let (coded, _) = codec.encode_name(plain.as_bytes(), codec.root_chain()).expect("possible");
            if coded.iter().any(|byte| b",-".contains(byte)) {
                assert!(comes_back(&codec, plain, spoil), "{plain}");
            }
        }
        let escape = |name: &[u8]| String::from_utf8_lossy(name).replace(',', "%2C").into_bytes();
        assert!(comes_back(&codec, "Summary of it.md", |name| escape(&name.to_ascii_lowercase())));
    }

    #[test]
    fn names_of_others_do_not_become_ours() {
        for coding in [("nameio/block", 4), ("nameio/stream", 2)] {
            let codec = codec(coding, false);
            for name in
                ["Thumbs.db", "desktop.ini", "notes", "A", "qvmd-AZW-ZgPlRrBTipGo1JF", "x y z", "\u{fc}"]
            {
                assert_eq!(
                    codec.respell(name.as_bytes(), codec.root_chain()),
                    Vec::<Vec<u8>>::new(),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn sums_of_vectors() {
        let system = System::of([0b011, 0b110, 0b101, 0b1000].into_iter());
        assert_eq!(system.kernel, [0b0111]);
        let mut solutions = system.solve(0b1011);
        solutions.sort_unstable();
        assert_eq!(solutions, [0b1001, 0b1110]);
        assert_eq!(system.solve(0b1), Vec::<u64>::new());
    }
}
