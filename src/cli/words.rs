//! A volume key as words for paper, and back: those of BIP-39, with its checksum, but for keys of all lengths that there
//! are (BIP-39 ends at 32 bytes, and a key with its IV has up to 48).
//!
//! ```text
//! key || the first bits of SHA-256(key), one for every four bytes of the key      in pieces of 11 bits, each a word
//! ```

use bip39::Language;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Bits of a word.
const WORD_BITS: usize = 11;
/// Letters by which each word of the list can be told from all others.
const ENOUGH_LETTERS: usize = 4;
/// Three words hold four bytes, with their bit of the checksum.
const BYTES: usize = 4;
const WORDS: usize = 3;
/// More than any key: what is longer is something else.
const BYTES_MAX: usize = 128;

/// Why words are no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Error {
    /// Counted from 1. The word itself is as secret as the key.
    #[error("word {0} is not in the list")]
    NotAWord(usize),
    #[error("{0} words make no key: some are missing, or too many")]
    Count(usize),
    #[error("the checksum does not match: a word is wrong, or two are exchanged")]
    Checksum,
}

/// The words of a key, in small letters, with blanks between them. Its length is a multiple of four bytes, as of all
/// keys.
pub(super) fn words_of(key: &[u8]) -> Zeroizing<String> {
    let checksum = Sha256::digest(key);
    let bit = |at: usize| {
        let byte = if at < 8 * key.len() { key[at / 8] } else { checksum[at / 8 - key.len()] };
        usize::from(byte >> (7 - at % 8) & 1)
    };
    let mut text = Zeroizing::new(String::with_capacity(key.len() * 8));
    for word in 0..key.len() / BYTES * WORDS {
        let index = (0..WORD_BITS).fold(0, |index, at| index << 1 | bit(word * WORD_BITS + at));
        if word > 0 {
            text.push(' ');
        }
        text.push_str(Language::English.word_list()[index]);
    }
    text
}

/// The key that words stand for, however they are set: four letters of each are enough.
pub(super) fn key_of(text: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let count = text.split_whitespace().count();
    let len = count / WORDS * BYTES;
    if count == 0 || !count.is_multiple_of(WORDS) || len > BYTES_MAX {
        return Err(Error::Count(count));
    }
    let mut bits = Zeroizing::new(Vec::with_capacity(count * WORD_BITS));
    for (number, word) in (1..).zip(text.split_whitespace()) {
        let index = index_of(word).ok_or(Error::NotAWord(number))?;
        bits.extend((0..WORD_BITS).rev().map(|bit| (index >> bit & 1) as u8));
    }
    let byte = |bits: &[u8]| bits.iter().fold(0, |byte, bit| byte << 1 | bit);
    let key: Zeroizing<Vec<u8>> = Zeroizing::new(bits[..8 * len].chunks(8).map(byte).collect());
    // the one spelling of it, checksum included
    let (ours, theirs) = (words_of(&key), bits);
    let same = ours.split(' ').zip(theirs.chunks(WORD_BITS)).all(|(word, bits)| {
        index_of(word) == Some(bits.iter().fold(0, |index, bit| index << 1 | usize::from(*bit)))
    });
    if same { Ok(key) } else { Err(Error::Checksum) }
}

fn index_of(word: &str) -> Option<usize> {
    let word = Zeroizing::new(word.to_ascii_lowercase());
    let list = Language::English.word_list();
    let exact = list.binary_search(&word.as_str()).ok();
    let begins_so = || {
        let mut all = (0..list.len()).filter(|at| list[*at].starts_with(word.as_str()));
        all.next().filter(|_| word.len() >= ENOUGH_LETTERS && all.next().is_none())
    };
    exact.or_else(begins_so)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Test vectors of BIP-39, for keys of 16 to 32 bytes.
    #[test]
    fn as_bip_39_has_it() {
        for (key, words) in [
            (
                [0; 16].as_slice(),
                "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
            ),
            (&[0x7f; 16], "legal winner thank year wave sausage worth useful legal winner thank yellow"),
            (
                &[0xff; 32],
                "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo vote",
            ),
        ] {
            assert_eq!(words_of(key).as_str(), words);
            assert_eq!(key_of(words).as_deref(), Ok(&key.to_vec()));
        }
    }

    #[test]
    fn how_words_are_set_does_not_matter() {
        let text = "LEGAL winn  thank\nyear wave saus worth usef legal winner than yell";
        assert_eq!(key_of(text).as_deref(), Ok(&vec![0x7f; 16]));
    }

    #[test]
    fn mistakes_are_noticed() {
        let words = words_of(&[0x7f; 16]);
        assert_eq!(key_of(&words.replace("thank year", "year thank")), Err(Error::Checksum));
        assert_eq!(key_of(&words.replace("thank", "thanks")), Err(Error::NotAWord(3)));
        assert_eq!(key_of(&words.replacen("thank ", "", 1)), Err(Error::Count(11)));
        assert_eq!(key_of(""), Err(Error::Count(0)));
        assert_eq!(key_of(&"zoo ".repeat(3000)), Err(Error::Count(3000)));
    }

    proptest! {
        #[test]
        fn there_and_back(key in prop::collection::vec(any::<u8>(), 4..=48)) {
            let key = &key[..key.len() / 4 * 4];
            let words = words_of(key);
            prop_assert_eq!(words.split(' ').count(), key.len() / 4 * 3);
            let back = key_of(&words);
            prop_assert_eq!(back.as_deref(), Ok(&key.to_vec()));
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = key_of(&text);
        }
    }
}
