//! HMAC-SHA1 (RFC 2104) under a key that stays.
//!
//! The states that have taken the padded key are made once; a short message then costs two compressions, with
//! nothing to set up. That is what the IV of a block is.

use sha1::block_api::compress;
use sha1::{Digest, Sha1};
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// Bytes that one compression takes.
pub(super) const CHUNK_LEN: usize = 64;

/// The state of SHA-1, and its digest: five words, big-endian.
pub(super) type State = [u32; 5];

const INITIAL: State = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];

/// The two states of a key, out of which every HMAC under it starts.
#[derive(ZeroizeOnDrop)]
pub(super) struct HmacKey {
    pub(super) inner: State,
    pub(super) outer: State,
}

impl HmacKey {
    /// A key of more than [`CHUNK_LEN`] bytes is hashed first; passwords can be as long.
    pub(super) fn new(key: &[u8]) -> HmacKey {
        let mut hash = Zeroizing::new([0; 20]);
        if key.len() > CHUNK_LEN {
            Sha1::new_with_prefix(key).finalize_into((&mut *hash).into());
        }
        let key = if key.len() > CHUNK_LEN { &hash[..] } else { key };
        let padded = |pad: u8| {
            let mut chunk = Zeroizing::new([pad; CHUNK_LEN]);
            chunk.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
            let mut state = INITIAL;
            compress(&mut state, std::slice::from_ref(&*chunk));
            state
        };
        HmacKey { inner: padded(0x36), outer: padded(0x5c) }
    }

    /// HMAC\[key\](message || suffix), where `suffix` has at most 8 bytes.
    pub(super) fn digest(&self, message: &[u8], suffix: &[u8]) -> State {
        let mut state = self.inner;
        let (chunks, rest) = message.as_chunks();
        compress(&mut state, chunks);
        let (tail, count) = padded_tail(rest, suffix, message.len() + suffix.len());
        compress(&mut state, &tail[..count]);
        self.finish(&state)
    }

    /// HMAC of a message that with its padding is one chunk.
    pub(super) fn digest_chunk(&self, chunk: &[u8; CHUNK_LEN]) -> State {
        let mut state = self.inner;
        compress(&mut state, std::slice::from_ref(chunk));
        self.finish(&state)
    }

    /// The outer hash over the digest of the inner one.
    fn finish(&self, digest: &State) -> State {
        let mut state = self.outer;
        compress(&mut state, &[digest_chunk(digest)]);
        state
    }
}

/// What the inner hash ends with: less than a chunk of message, a suffix of at most 8 bytes, the padding; and how
/// many chunks that makes. `message_len` counts the whole message.
pub(super) fn padded_tail(rest: &[u8], suffix: &[u8], message_len: usize) -> ([[u8; CHUNK_LEN]; 2], usize) {
    let mut tail = [[0; CHUNK_LEN]; 2];
    let bytes = tail.as_flattened_mut();
    let len = rest.len() + suffix.len();
    bytes[..rest.len()].copy_from_slice(rest);
    bytes[rest.len()..len].copy_from_slice(suffix);
    bytes[len] = 0x80;
    let count = (len + 1 + 8).div_ceil(CHUNK_LEN);
    bytes[count * CHUNK_LEN - 8..count * CHUNK_LEN].copy_from_slice(&bit_len(message_len).to_be_bytes());
    (tail, count)
}

/// Bits hashed when `message_len` bytes and the padded key before them are.
pub(super) fn bit_len(message_len: usize) -> u64 {
    8 * (CHUNK_LEN + message_len) as u64
}

/// A digest as a message that is hashed behind a padded key, the padding included.
pub(super) fn digest_chunk(digest: &State) -> [u8; CHUNK_LEN] {
    let mut chunk = [0; CHUNK_LEN];
    chunk[..20].copy_from_slice(&bytes_of(digest));
    chunk[20] = 0x80;
    chunk[CHUNK_LEN - 8..].copy_from_slice(&bit_len(20).to_be_bytes());
    chunk
}

/// A digest as bytes.
pub(super) fn bytes_of(digest: &State) -> [u8; 20] {
    let mut bytes = [0; 20];
    for (out, word) in bytes.as_chunks_mut().0.iter_mut().zip(digest) {
        *out = word.to_be_bytes();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::hmac::{Hmac, KeyInit, Mac};
    use sha1::Sha1;

    /// Every length around the borders of a chunk, against the `hmac` crate.
    #[test]
    fn agrees_with_the_crate() {
        let data: Vec<u8> = (0..300_u16).map(|i| (i * 7) as u8).collect();
        for key_len in [0, 16, 20, 24, 32, 64, 65, 300] {
            let ours = HmacKey::new(&data[..key_len]);
            let keyed = Hmac::<Sha1>::new_from_slice(&data[..key_len]).expect("HMAC takes any key");
            for len in (0..=200).chain([299, 300]) {
                for suffix in [&b""[..], b"suffixes"] {
                    let theirs = keyed.clone().chain_update(&data[..len]).chain_update(suffix);
                    let expected: [u8; 20] = theirs.finalize().into_bytes().into();
                    assert_eq!(bytes_of(&ours.digest(&data[..len], suffix)), expected, "{key_len} {len}");
                }
            }
        }
    }
}
