//! HMAC-SHA1 of sixteen messages at once: a vector holds the same word of all of them.

use super::HASH_LANES;
use crate::crypto::hmac::{CHUNK_LEN, HmacKey, State, bit_len, padded_tail};
use fearless_simd::prelude::*;
use fearless_simd::x86::{Avx2, Avx512};
use fearless_simd::{Level, u8x64, u32x16};

/// The vectors there are. The narrower levels would be slower than the processor's own SHA-1, and every level is
/// compiled on its own.
#[derive(Clone, Copy)]
pub(in crate::crypto) enum WideSha1 {
    Avx2(Avx2),
    Avx512(Avx512),
}

/// The five words of sixteen digests.
type Digests = [[u32; HASH_LANES]; 5];

impl WideSha1 {
    pub(in crate::crypto) fn detect() -> Option<WideSha1> {
        match Level::new() {
            Level::Avx512(simd) => Some(WideSha1::Avx512(simd)),
            Level::Avx2(simd) => Some(WideSha1::Avx2(simd)),
            _ => None,
        }
    }

    /// What they are called.
    pub(in crate::crypto) fn vectors(self) -> &'static str {
        match self {
            WideSha1::Avx2(_) => "AVX2",
            WideSha1::Avx512(_) => "AVX-512",
        }
    }

    /// Whether so many IVs take less time side by side than one after the other with the processor's own SHA-1.
    pub(in crate::crypto) fn is_worth_ivecs(self, count: usize) -> bool {
        count >= if matches!(self, WideSha1::Avx512(_)) { 3 } else { 5 }
    }

    /// The same of long messages, where single ones do better.
    pub(in crate::crypto) fn is_worth_messages(self, count: usize) -> bool {
        count >= if matches!(self, WideSha1::Avx512(_)) { 6 } else { 10 }
    }

    /// HMACs of one chunk each, padding included, that differ only in a seed: the eight bytes at `seed_at`, which is
    /// a multiple of 4.
    pub(in crate::crypto) fn digest_chunks(
        self,
        key: &HmacKey,
        chunk: &[u8; CHUNK_LEN],
        seed_at: usize,
        seeds: &[u64; HASH_LANES],
    ) -> Digests {
        match self {
            WideSha1::Avx2(simd) => simd.vectorize(
                #[inline(always)]
                || digest_chunks(simd, key, chunk, seed_at, seeds),
            ),
            WideSha1::Avx512(simd) => simd.vectorize(
                #[inline(always)]
                || digest_chunks(simd, key, chunk, seed_at, seeds),
            ),
        }
    }

    /// HMACs of messages of one length.
    pub(in crate::crypto) fn digests(self, key: &HmacKey, messages: [&[u8]; HASH_LANES]) -> Digests {
        match self {
            WideSha1::Avx2(simd) => simd.vectorize(
                #[inline(always)]
                || digests(simd, key, messages),
            ),
            WideSha1::Avx512(simd) => simd.vectorize(
                #[inline(always)]
                || digests(simd, key, messages),
            ),
        }
    }
}

type Lanes<S> = u32x16<S>;

#[inline(always)]
fn digest_chunks<S: Simd>(
    simd: S,
    key: &HmacKey,
    chunk: &[u8; CHUNK_LEN],
    seed_at: usize,
    seeds: &[u64; HASH_LANES],
) -> Digests {
    let mut words = [Lanes::splat(simd, 0); 16];
    for (word, bytes) in words.iter_mut().zip(chunk.as_chunks().0) {
        *word = Lanes::splat(simd, u32::from_be_bytes(*bytes));
    }
    // little-endian bytes in big-endian words
    words[seed_at / 4] = seeds.map(|seed| (seed as u32).swap_bytes()).simd_into(simd);
    words[seed_at / 4 + 1] = seeds.map(|seed| ((seed >> 32) as u32).swap_bytes()).simd_into(simd);
    let mut state = splat(simd, &key.inner);
    compress(simd, &mut state, words);
    finish(simd, key, state)
}

#[inline(always)]
fn digests<S: Simd>(simd: S, key: &HmacKey, messages: [&[u8]; HASH_LANES]) -> Digests {
    let len = messages[0].len();
    let full_len = len - len % CHUNK_LEN;
    let mut state = splat(simd, &key.inner);
    for at in (0..full_len).step_by(CHUNK_LEN) {
        let rows = messages.map(|message| u8x64::from_slice(simd, &message[at..at + CHUNK_LEN]));
        compress(simd, &mut state, words_of(simd, rows));
    }
    let tails = messages.map(|message| padded_tail(&message[full_len..], &[], len));
    for index in 0..tails[0].1 {
        let rows = tails.each_ref().map(|(tail, _)| u8x64::from_slice(simd, &tail[index]));
        compress(simd, &mut state, words_of(simd, rows));
    }
    finish(simd, key, state)
}

/// The outer hash over the digests of the inner one.
#[inline(always)]
fn finish<S: Simd>(simd: S, key: &HmacKey, inner: [Lanes<S>; 5]) -> Digests {
    let mut state = splat(simd, &key.outer);
    compress(simd, &mut state, digest_words(simd, inner));
    state.map(Lanes::into)
}

/// Digests as messages that are hashed behind a padded key, the padding included.
#[inline(always)]
pub(super) fn digest_words<S: Simd, V: SimdBase<S, Element = u32>>(
    simd: S,
    [a, b, c, d, e]: [V; 5],
) -> [V; 16] {
    let [zero, end, len] = [0, 0x8000_0000, bit_len(20) as u32].map(|word| V::splat(simd, word));
    [a, b, c, d, e, end, zero, zero, zero, zero, zero, zero, zero, zero, zero, len]
}

/// The same state in every lane.
#[inline(always)]
pub(super) fn splat<S: Simd, V: SimdBase<S, Element = u32>>(simd: S, state: &State) -> [V; 5] {
    state.map(|word| V::splat(simd, word))
}

/// From sixteen messages' chunks to the sixteen words of a chunk, for all messages.
#[inline(always)]
fn words_of<S: Simd>(simd: S, rows: [u8x64<S>; 16]) -> [Lanes<S>; 16] {
    const SWAP: [u8; 64] = {
        let mut swap = [0; 64];
        let mut i = 0;
        while i < 64 {
            swap[i] = (i as u8 % 16) ^ 3;
            i += 1;
        }
        swap
    };
    let swap = u8x64::from_slice(simd, &SWAP);
    let mut rows = rows.map(|row| row.swizzle_dyn_within_blocks(swap).bitcast::<Lanes<S>>());
    // zipping the halves of a square turns the bits of a place by one: four times, and rows are columns
    for _ in 0..4 {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = rows;
        rows = [
            a.zip_low(i),
            a.zip_high(i),
            b.zip_low(j),
            b.zip_high(j),
            c.zip_low(k),
            c.zip_high(k),
            d.zip_low(l),
            d.zip_high(l),
            e.zip_low(m),
            e.zip_high(m),
            f.zip_low(n),
            f.zip_high(n),
            g.zip_low(o),
            g.zip_high(o),
            h.zip_low(p),
            h.zip_high(p),
        ];
    }
    rows
}

/// One compression of SHA-1 (FIPS 180-4, 6.1.2) on vectors of any width.
#[inline(always)]
pub(super) fn compress<S: Simd, V: SimdInt<S, Element = u32>>(simd: S, state: &mut [V; 5], mut w: [V; 16]) {
    let [mut a, mut b, mut c, mut d, mut e] = *state;

    macro_rules! rounds {
        ($f:expr, $k:literal: $($t:literal)*) => {{
            let k = V::splat(simd, $k);
            $(
                if $t >= 16 {
                    let mixed = w[($t + 13) % 16] ^ w[($t + 8) % 16] ^ w[($t + 2) % 16] ^ w[$t % 16];
                    w[$t % 16] = rotate::<S, V, 1>(mixed);
                }
                // what waits for the round before comes last
                let next = rotate::<S, V, 5>(a) + ($f(b, c, d) + (e + (k + w[$t % 16])));
                (e, d, c, b, a) = (d, c, rotate::<S, V, 30>(b), a, next);
            )*
        }};
    }
    let choose = |b: V, c: V, d: V| d ^ (b & (c ^ d));
    let parity = |b: V, c: V, d: V| b ^ c ^ d;
    let majority = |b: V, c: V, d: V| (b & c) | (d & (b | c));
    rounds!(choose, 0x5a82_7999: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19);
    rounds!(parity, 0x6ed9_eba1: 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39);
    rounds!(majority, 0x8f1b_bcdc: 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59);
    rounds!(parity, 0xca62_c1d6: 60 61 62 63 64 65 66 67 68 69 70 71 72 73 74 75 76 77 78 79);

    for (state, word) in state.iter_mut().zip([a, b, c, d, e]) {
        *state += word;
    }
}

#[inline(always)]
fn rotate<S: Simd, V: SimdInt<S>, const BITS: u32>(word: V) -> V {
    word << BITS | word >> (32 - BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What every level gives is what the processor's own SHA-1 gives, one message after the other.
    #[test]
    fn every_level_agrees_with_single_hashes() {
        let level = Level::new();
        let levels = [level.as_avx2().map(WideSha1::Avx2), level.as_avx512().map(WideSha1::Avx512)];
        let bytes: Vec<u8> = (0..16 * 400_u32).map(|i| ((i * i) >> 3) as u8).collect();
        let key = HmacKey::new(&bytes[..32]);
        for wide in levels.into_iter().flatten() {
            for len in (0..=200).chain([319, 320, 400]) {
                let messages = std::array::from_fn(|lane| &bytes[lane * 400..][..len]);
                let found = wide.digests(&key, messages);
                for (lane, message) in messages.into_iter().enumerate() {
                    assert_eq!(found.map(|words| words[lane]), key.digest(message, &[]), "{len}");
                }
            }
            for seed_at in [8, 16] {
                let ([chunk, _], _) = padded_tail(&bytes[..seed_at], &[0; 8], seed_at + 8);
                let seeds =
                    std::array::from_fn(|lane| 0x0123_4567_89ab_cdef_u64.rotate_left(lane as u32 * 4));
                let found = wide.digest_chunks(&key, &chunk, seed_at, &seeds);
                for (lane, seed) in seeds.into_iter().enumerate() {
                    let expected = key.digest(&bytes[..seed_at], &seed.to_le_bytes());
                    assert_eq!(found.map(|words| words[lane]), expected, "{seed_at}");
                }
            }
        }
    }
}
