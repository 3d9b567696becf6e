//! HMAC-SHA1 of sixteen messages at once: a vector holds the same word of all of them.

use super::HASH_LANES;
use super::aes::transposed as quarters_transposed;
use crate::crypto::hmac::{CHUNK_LEN, HmacKey, State, bit_len, padded_tail};
use fearless_simd::prelude::*;
use fearless_simd::x86::{Avx2, Avx512};
use fearless_simd::{Level, kernel, u8x64, u32x16};
use std::arch::x86_64::*;

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
            WideSha1::Avx2(simd) => digest_chunks_avx2(simd, key, chunk, seed_at, seeds),
            WideSha1::Avx512(simd) => digest_chunks_avx512(simd, key, chunk, seed_at, seeds),
        }
    }

    /// HMACs of pieces of one length, each from its byte `skip` on.
    pub(in crate::crypto) fn digests(
        self,
        key: &HmacKey,
        pieces: [&[u8]; HASH_LANES],
        skip: usize,
    ) -> Digests {
        match self {
            WideSha1::Avx2(simd) => digests_avx2(simd, key, &pieces, skip),
            WideSha1::Avx512(simd) if skip == SHIFT && pieces[0].len().is_multiple_of(CHUNK_LEN) => {
                shifted_digests_avx512(simd, key, &pieces)
            }
            WideSha1::Avx512(simd) => digests_avx512(simd, key, &pieces, skip),
        }
    }
}

// Whatever is called in these has to be compiled into them: a function left on its own, be it `map` of an array, is
// compiled for any processor, and hands vectors over in memory. Hence the plain loops below.

kernel! {
    fn digest_chunks_avx2(
        simd: Avx2, key: &HmacKey, chunk: &[u8; CHUNK_LEN], seed_at: usize, seeds: &[u64; HASH_LANES]
    ) -> Digests {
        digest_chunks(simd, key, chunk, seed_at, seeds)
    }
}

kernel! {
    fn digest_chunks_avx512(
        simd: Avx512, key: &HmacKey, chunk: &[u8; CHUNK_LEN], seed_at: usize, seeds: &[u64; HASH_LANES]
    ) -> Digests {
        digest_chunks(simd, key, chunk, seed_at, seeds)
    }
}

kernel! {
    fn digests_avx2(simd: Avx2, key: &HmacKey, pieces: &[&[u8]; HASH_LANES], skip: usize) -> Digests {
        digests(simd, key, pieces, skip, zipped)
    }
}

kernel! {
    fn digests_avx512(simd: Avx512, key: &HmacKey, pieces: &[&[u8]; HASH_LANES], skip: usize) -> Digests {
        digests(simd, key, pieces, skip, |rows| transposed(simd, rows))
    }
}

/// What the longest MAC leaves out of a block.
const SHIFT: usize = 8;

kernel! {
    /// The same for pieces of whole lines, less their first [`SHIFT`] bytes. Pieces that lie a power of two apart share
    /// few places in the cache, so a line is fetched once, and its last words wait for the first ones of the next.
    /// Behind the last line comes the padding, which does not fit into one chunk with it.
    fn shifted_digests_avx512(simd: Avx512, key: &HmacKey, pieces: &[&[u8]; HASH_LANES]) -> Digests {
        const WORDS: usize = SHIFT / 4;
        let len = pieces[0].len();
        let bits = bit_len(len - SHIFT);
        let mut padding = [Lanes::splat(simd, 0); 16];
        padding[0] = Lanes::splat(simd, 0x8000_0000);
        let mut state = splat(simd, &key.inner);
        let mut line = transposed(simd, load(simd, pieces, 0));
        for at in (CHUNK_LEN..=len).step_by(CHUNK_LEN) {
            let next = if at < len { transposed(simd, load(simd, pieces, at)) } else { padding };
            let mut words = next;
            words[..16 - WORDS].copy_from_slice(&line[WORDS..]);
            words[16 - WORDS..].copy_from_slice(&next[..WORDS]);
            compress(simd, &mut state, words);
            line = next;
        }
        let mut words = [Lanes::splat(simd, 0); 16];
        words[14] = Lanes::splat(simd, (bits >> 32) as u32);
        words[15] = Lanes::splat(simd, bits as u32);
        compress(simd, &mut state, words);
        finish(simd, key, state)
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
    let mut halves = [[0; HASH_LANES]; 2];
    for (i, seed) in seeds.iter().enumerate() {
        halves[0][i] = (*seed as u32).swap_bytes();
        halves[1][i] = ((seed >> 32) as u32).swap_bytes();
    }
    for (i, half) in halves.into_iter().enumerate() {
        words[seed_at / 4 + i] = half.simd_into(simd);
    }
    let mut state = splat(simd, &key.inner);
    compress(simd, &mut state, words);
    finish(simd, key, state)
}

#[inline(always)]
fn digests<S: Simd>(
    simd: S,
    key: &HmacKey,
    pieces: &[&[u8]; HASH_LANES],
    skip: usize,
    transpose: impl Fn([Lanes<S>; HASH_LANES]) -> [Lanes<S>; 16],
) -> Digests {
    let len = pieces[0].len() - skip;
    let full_len = len - len % CHUNK_LEN;
    let mut state = splat(simd, &key.inner);
    for at in (0..full_len).step_by(CHUNK_LEN) {
        compress(simd, &mut state, transpose(load(simd, pieces, skip + at)));
    }
    let tails = pieces.map(|piece| padded_tail(&piece[skip + full_len..], &[], len));
    for index in 0..tails[0].1 {
        let mut rows = [Lanes::splat(simd, 0); HASH_LANES];
        for (row, (tail, _)) in rows.iter_mut().zip(&tails) {
            *row = big_endian(simd, &tail[index]);
        }
        compress(simd, &mut state, transpose(rows));
    }
    finish(simd, key, state)
}

/// The words of sixteen chunks, each at the same place of its piece.
#[inline(always)]
fn load<S: Simd>(simd: S, pieces: &[&[u8]; HASH_LANES], at: usize) -> [Lanes<S>; HASH_LANES] {
    let mut rows = [Lanes::splat(simd, 0); HASH_LANES];
    for (row, piece) in rows.iter_mut().zip(pieces) {
        *row = big_endian(simd, &piece[at..][..CHUNK_LEN]);
    }
    rows
}

/// The outer hash over the digests of the inner one.
#[inline(always)]
fn finish<S: Simd>(simd: S, key: &HmacKey, inner: [Lanes<S>; 5]) -> Digests {
    let mut state = splat(simd, &key.outer);
    compress(simd, &mut state, digest_words(simd, inner));
    let mut digests = [[0; HASH_LANES]; 5];
    for (digests, words) in digests.iter_mut().zip(state) {
        words.store_slice(digests);
    }
    digests
}

/// Digests as messages that are hashed behind a padded key, the padding included.
#[inline(always)]
pub(super) fn digest_words<S: Simd, V: SimdBase<S, Element = u32>>(
    simd: S,
    [a, b, c, d, e]: [V; 5],
) -> [V; 16] {
    let (zero, end) = (V::splat(simd, 0), V::splat(simd, 0x8000_0000));
    let len = V::splat(simd, bit_len(20) as u32);
    [a, b, c, d, e, end, zero, zero, zero, zero, zero, zero, zero, zero, zero, len]
}

/// The same state in every lane.
#[inline(always)]
pub(super) fn splat<S: Simd, V: SimdBase<S, Element = u32>>(simd: S, state: &State) -> [V; 5] {
    let mut lanes = [V::splat(simd, 0); 5];
    for (lanes, word) in lanes.iter_mut().zip(state) {
        *lanes = V::splat(simd, *word);
    }
    lanes
}

/// The words of a chunk.
#[inline(always)]
fn big_endian<S: Simd>(simd: S, chunk: &[u8]) -> Lanes<S> {
    const SWAP: [u8; 64] = {
        let mut swap = [0; 64];
        let mut i = 0;
        while i < 64 {
            swap[i] = (i as u8 % 16) ^ 3;
            i += 1;
        }
        swap
    };
    u8x64::from_slice(simd, chunk).swizzle_dyn_within_blocks(u8x64::from_slice(simd, &SWAP)).bitcast()
}

/// From sixteen messages' chunks to the sixteen words of a chunk, for all messages.
#[inline(always)]
fn zipped<S: Simd>(mut rows: [Lanes<S>; 16]) -> [Lanes<S>; 16] {
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

/// The same, where shuffles across a whole vector cost more than those within its quarters: first the words within
/// the quarters of every four rows, then the quarters.
#[inline]
#[target_feature(enable = "avx512f")]
fn transposed(simd: Avx512, rows: [Lanes<Avx512>; 16]) -> [Lanes<Avx512>; 16] {
    let mut squares = [_mm512_setzero_si512(); 16];
    for (square, rows) in squares.as_chunks_mut().0.iter_mut().zip(rows.as_chunks().0) {
        let [a, b, c, d]: [Lanes<Avx512>; 4] = *rows;
        let (a, b, c, d) = (a.into(), b.into(), c.into(), d.into());
        let (ab_low, ab_high) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
        let (cd_low, cd_high) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
        *square = [
            _mm512_unpacklo_epi64(ab_low, cd_low),
            _mm512_unpackhi_epi64(ab_low, cd_low),
            _mm512_unpacklo_epi64(ab_high, cd_high),
            _mm512_unpackhi_epi64(ab_high, cd_high),
        ];
    }
    let mut words = rows;
    for i in 0..4 {
        let quarters = quarters_transposed([squares[i], squares[4 + i], squares[8 + i], squares[12 + i]]);
        for (j, word) in quarters.into_iter().enumerate() {
            words[4 * j + i] = word.simd_into(simd);
        }
    }
    words
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
                for skip in [0, 8, 13].into_iter().filter(|&skip| skip <= len) {
                    let pieces = std::array::from_fn(|lane| &bytes[lane * 400..][..len]);
                    let found = wide.digests(&key, pieces, skip);
                    for (lane, piece) in pieces.into_iter().enumerate() {
                        let expected = key.digest(&piece[skip..], &[]);
                        assert_eq!(found.map(|words| words[lane]), expected, "{len} {skip}");
                    }
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
