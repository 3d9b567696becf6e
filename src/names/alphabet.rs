//! Encodings that are legal in file names (encfs-format 7.1).
//!
//! Like base64 and base32, but with other letters and the *least* significant bits first: bytes are put on top
//! of an accumulator, characters are taken from its bottom.

use super::Error;

/// Six bits a character, or five where case does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alphabet {
    SixBit,
    FiveBit,
}

const SIX_BIT: &[u8; 64] = b",-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const FIVE_BIT: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const NOT_THERE: u8 = 0xff;
const SIX_BIT_VALUES: [u8; 256] = values(SIX_BIT);
const FIVE_BIT_VALUES: [u8; 256] = lower_case_too(values(FIVE_BIT));

const fn values(letters: &[u8]) -> [u8; 256] {
    let mut table = [NOT_THERE; 256];
    let mut i = 0;
    while i < letters.len() {
        table[letters[i] as usize] = i as u8;
        i += 1;
    }
    table
}

const fn lower_case_too(mut table: [u8; 256]) -> [u8; 256] {
    let mut letter = b'A';
    while letter <= b'Z' {
        table[letter.to_ascii_lowercase() as usize] = table[letter as usize];
        letter += 1;
    }
    table
}

impl Alphabet {
    fn width(self) -> u32 {
        match self {
            Alphabet::SixBit => 6,
            Alphabet::FiveBit => 5,
        }
    }

    /// Characters for `raw_len` bytes.
    pub(super) fn encoded_len(self, raw_len: usize) -> usize {
        (raw_len * 8).div_ceil(self.width() as usize)
    }

    pub(super) fn encode(self, raw: &[u8]) -> Vec<u8> {
        let letters: &[u8] = match self {
            Alphabet::SixBit => SIX_BIT,
            Alphabet::FiveBit => FIVE_BIT,
        };
        let (width, mask) = (self.width(), (1_u32 << self.width()) - 1);
        let mut text = Vec::with_capacity(self.encoded_len(raw.len()));
        let (mut bits, mut bit_count) = (0_u32, 0);
        for &byte in raw {
            bits |= u32::from(byte) << bit_count;
            bit_count += 8;
            while bit_count >= width {
                text.push(letters[(bits & mask) as usize]);
                bits >>= width;
                bit_count -= width;
            }
        }
        if bit_count > 0 {
            text.push(letters[bits as usize]);
        }
        text
    }

    fn values(self) -> &'static [u8; 256] {
        match self {
            Alphabet::SixBit => &SIX_BIT_VALUES,
            Alphabet::FiveBit => &FIVE_BIT_VALUES,
        }
    }

    /// What a letter stands for; `None` if it is none of the alphabet.
    pub(super) fn value(self, letter: u8) -> Option<u8> {
        Some(self.values()[usize::from(letter)]).filter(|value| *value != NOT_THERE)
    }

    /// Whether a letter is one of the alphabet.
    pub(super) fn has(self, letter: u8) -> bool {
        self.values()[usize::from(letter)] != NOT_THERE
    }

    /// Left-over bits at the end are dropped, as EncFS does; the codec refuses names that have any.
    pub(super) fn decode(self, text: &[u8]) -> Result<Vec<u8>, Error> {
        let table = self.values();
        let width = self.width();
        let mut raw = Vec::with_capacity(text.len() * width as usize / 8);
        let (mut bits, mut bit_count) = (0_u32, 0);
        for &letter in text {
            let value = table[usize::from(letter)];
            if value == NOT_THERE {
                return Err(Error::Undecodable("a character outside the alphabet"));
            }
            bits |= u32::from(value) << bit_count;
            bit_count += width;
            if bit_count >= 8 {
                raw.push(bits as u8);
                bits >>= 8;
                bit_count -= 8;
            }
        }
        Ok(raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn least_significant_bits_come_first() {
        assert_eq!(Alphabet::SixBit.encode(&[0x01]), b"-,");
        assert_eq!(Alphabet::FiveBit.encode(&[0x01]), b"BA");
        assert_eq!(Alphabet::FiveBit.decode(b"ba"), Ok(vec![0x01]));
        assert!(Alphabet::SixBit.decode(b"a b").is_err());
        assert!(Alphabet::FiveBit.decode(b"a1").is_err());
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding(raw: Vec<u8>) {
            for alphabet in [Alphabet::SixBit, Alphabet::FiveBit] {
                let text = alphabet.encode(&raw);
                prop_assert_eq!(text.len(), alphabet.encoded_len(raw.len()));
                prop_assert_eq!(alphabet.decode(&text), Ok(raw.clone()));
            }
        }
    }
}
