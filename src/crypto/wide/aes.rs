//! AES in CBC (FIPS 197, SP 800-38A) on vectors of four blocks: VAES with AVX-512.
//!
//! Encryption runs up to 32 pieces side by side, decryption 32 blocks of a piece.

use crate::crypto::ivec::Ivec;
use fearless_simd::prelude::*;
use fearless_simd::x86::Avx512;
use fearless_simd::{Level, kernel, u8x16, u8x64};
use std::arch::x86_64::*;
use std::ops::Range;
use zeroize::{ZeroizeOnDrop, Zeroizing};

const BLOCK_LEN: usize = 16;
/// Bytes of a vector, and of a piece that are fetched at a time: a cache line.
const ROW_LEN: usize = 64;
/// Blocks in a vector, and in a row.
const WIDTH: usize = 4;
/// Vectors in flight at the most: enough to hide the latency of a round.
const DEPTH: usize = 8;
/// Round keys of AES-256.
const MAX_KEYS: usize = 15;

/// The key schedules of one key.
#[derive(ZeroizeOnDrop)]
pub(in crate::crypto) struct WideAes {
    #[zeroize(skip)]
    simd: Avx512,
    key_count: usize,
    encryption: [[u8; BLOCK_LEN]; MAX_KEYS],
    decryption: [[u8; BLOCK_LEN]; MAX_KEYS],
}

impl WideAes {
    /// `None` on a processor that has no such vectors; `key` has 16, 24 or 32 bytes.
    pub(in crate::crypto) fn new(key: &[u8]) -> Option<WideAes> {
        let Level::Avx512(simd) = Level::new() else { return None };
        let mut aes = WideAes {
            simd,
            key_count: key.len() / 4 + 7,
            encryption: [[0; BLOCK_LEN]; MAX_KEYS],
            decryption: [[0; BLOCK_LEN]; MAX_KEYS],
        };
        expand(simd, key, &mut aes.encryption[..key.len() / 4 + 7]);
        invert(simd, &aes.encryption[..aes.key_count], &mut aes.decryption);
        Some(aes)
    }

    /// Encrypts pieces in place, each from its own IV.
    pub(in crate::crypto) fn encrypt(&self, run: &mut [u8], piece_len: usize, ivecs: &[Ivec]) {
        encrypt(self.simd, &self.encryption, self.key_count, run, piece_len, ivecs);
    }

    /// The inverse of [`WideAes::encrypt`].
    pub(in crate::crypto) fn decrypt(&self, run: &mut [u8], piece_len: usize, ivecs: &[Ivec]) {
        decrypt(self.simd, &self.decryption, self.key_count, run, piece_len, ivecs);
    }
}

kernel! {
    /// The key schedule (FIPS 197, 5.2): as many round keys as there is room for.
    fn expand(simd: Avx512, key: &[u8], keys: &mut [[u8; BLOCK_LEN]]) {
        let stride = key.len() / 4;
        let mut words = Zeroizing::new([0; 4 * MAX_KEYS]);
        for (word, bytes) in words.iter_mut().zip(key.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        let mut constant = 1_u8;
        for i in stride..4 * keys.len() {
            let mut word = words[i - 1];
            if i % stride == 0 {
                word = substitute(word).rotate_right(8) ^ u32::from(constant);
                constant = (constant << 1) ^ ((constant >> 7) * 0x1b);
            } else if stride > 6 && i % stride == 4 {
                word = substitute(word);
            }
            words[i] = words[i - stride] ^ word;
        }
        for (bytes, word) in keys.as_flattened_mut().as_chunks_mut().0.iter_mut().zip(words.iter()) {
            *bytes = word.to_le_bytes();
        }
    }
}

/// SubWord (FIPS 197, 5.2).
#[target_feature(enable = "aes,sse4.1")]
fn substitute(word: u32) -> u32 {
    _mm_extract_epi32::<0>(_mm_aeskeygenassist_si128::<0>(_mm_set1_epi32(word.cast_signed()))).cast_unsigned()
}

kernel! {
    /// The keys of the equivalent inverse cipher (FIPS 197, 5.3.5), in the order of their use.
    fn invert(simd: Avx512, encryption: &[[u8; BLOCK_LEN]], decryption: &mut [[u8; BLOCK_LEN]]) {
        let last = encryption.len() - 1;
        for (i, (key, out)) in encryption.iter().rev().zip(decryption).enumerate() {
            *out = *key;
            if (1..last).contains(&i) {
                let inverse: u8x16<Avx512> = _mm_aesimc_si128(u8x16::from_slice(simd, key).into()).simd_into(simd);
                inverse.store_slice(out);
            }
        }
    }
}

kernel! {
    fn encrypt(
        simd: Avx512, keys: &[[u8; BLOCK_LEN]; MAX_KEYS], key_count: usize, run: &mut [u8], piece_len: usize,
        ivecs: &[Ivec]
    ) {
        let keys = broadcast(simd, keys);
        let keys = &keys[..key_count];
        const LANES: usize = DEPTH * WIDTH;
        for (pieces, ivecs) in run.chunks_mut(LANES * piece_len).zip(ivecs.chunks(LANES)) {
            match ivecs.len().div_ceil(WIDTH) {
                0 | 1 => encrypt_group::<1>(simd, keys, pieces, piece_len, ivecs),
                2 => encrypt_group::<2>(simd, keys, pieces, piece_len, ivecs),
                3 | 4 => encrypt_group::<4>(simd, keys, pieces, piece_len, ivecs),
                _ => encrypt_group::<DEPTH>(simd, keys, pieces, piece_len, ivecs),
            }
        }
    }
}

/// Encrypts up to `N * WIDTH` pieces; a vector holds a block of each of four.
///
/// Pieces that lie a power of two apart share few places in the cache, so memory is slow here. The row before is put
/// back and the row behind is fetched while the rounds of this one are under way.
#[target_feature(enable = "avx512f,vaes")]
fn encrypt_group<const N: usize>(
    simd: Avx512,
    keys: &[__m512i],
    run: &mut [u8],
    piece_len: usize,
    ivecs: &[Ivec],
) {
    let mut pieces = Pieces { simd, run, piece_len, count: ivecs.len() };
    let mut chain = [_mm512_setzero_si512(); N];
    for (chain, ivecs) in chain.iter_mut().zip(ivecs.chunks(WIDTH)) {
        *chain = load(simd, ivecs.as_flattened());
    }
    let row_count = piece_len.div_ceil(ROW_LEN);
    let mut stages = [[[_mm512_setzero_si512(); WIDTH]; N]; 3];
    for (i, blocks) in stages[0].iter_mut().enumerate() {
        *blocks = pieces.blocks(i, 0);
    }
    for row in 0..=row_count {
        let [before, now, behind] = [row + 2, row, row + 1].map(|row| row % stages.len());
        for step in 0..WIDTH {
            let mut i = step;
            while i < N {
                if row > 0 {
                    pieces.put_back(i, row - 1, stages[before][i]);
                }
                if row + 1 < row_count {
                    stages[behind][i] = pieces.blocks(i, row + 1);
                }
                i += WIDTH;
            }
            if row * ROW_LEN + step * BLOCK_LEN < piece_len {
                for (chain, blocks) in chain.iter_mut().zip(&stages[now]) {
                    *chain = _mm512_xor_si512(*chain, blocks[step]);
                }
                chain = encrypt_blocks(keys, chain);
                for (chain, blocks) in chain.iter().zip(&mut stages[now]) {
                    blocks[step] = *chain;
                }
            }
        }
    }
}

/// Pieces side by side, in fours; what is missing of the last four reads as zeros.
struct Pieces<'a> {
    simd: Avx512,
    run: &'a mut [u8],
    piece_len: usize,
    count: usize,
}

impl Pieces<'_> {
    /// The blocks of a row of the `i`-th four: a vector holds the blocks of all four at one place.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn blocks(&self, i: usize, row: usize) -> [__m512i; WIDTH] {
        let mut rows = [_mm512_setzero_si512(); WIDTH];
        for (j, row_of_piece) in rows.iter_mut().enumerate() {
            if i * WIDTH + j < self.count {
                *row_of_piece = load(self.simd, &self.run[self.place(i * WIDTH + j, row)]);
            }
        }
        transposed(rows)
    }

    /// Puts blocks back where [`Pieces::blocks`] got them.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn put_back(&mut self, i: usize, row: usize, blocks: [__m512i; WIDTH]) {
        for (j, row_of_piece) in transposed(blocks).into_iter().enumerate() {
            if i * WIDTH + j < self.count {
                let place = self.place(i * WIDTH + j, row);
                store(self.simd, row_of_piece, &mut self.run[place]);
            }
        }
    }

    #[inline(always)]
    fn place(&self, piece: usize, row: usize) -> Range<usize> {
        let start = row * ROW_LEN;
        piece * self.piece_len + start..piece * self.piece_len + self.piece_len.min(start + ROW_LEN)
    }
}

kernel! {
    fn decrypt(
        simd: Avx512, keys: &[[u8; BLOCK_LEN]; MAX_KEYS], key_count: usize, run: &mut [u8], piece_len: usize,
        ivecs: &[Ivec]
    ) {
        let keys = broadcast(simd, keys);
        let keys = &keys[..key_count];
        for (piece, ivec) in run.chunks_exact_mut(piece_len).zip(ivecs) {
            let mut before = _mm512_broadcast_i32x4(u8x16::from_slice(simd, ivec).into());
            let mut rows = piece;
            while rows.len() >= DEPTH * ROW_LEN {
                before = decrypt_rows::<DEPTH>(simd, keys, rows.split_off_mut(..DEPTH * ROW_LEN).unwrap_or_default(), before);
            }
            while !rows.is_empty() {
                let len = rows.len().min(ROW_LEN);
                before = decrypt_rows::<1>(simd, keys, rows.split_off_mut(..len).unwrap_or_default(), before);
            }
        }
    }
}

/// Decrypts `N` vectors full of blocks, the last may be short, with the ciphertext `before` them in its last block;
/// gives the last vector of their ciphertext.
#[target_feature(enable = "avx512f,vaes")]
fn decrypt_rows<const N: usize>(
    simd: Avx512,
    keys: &[__m512i],
    bytes: &mut [u8],
    before: __m512i,
) -> __m512i {
    let mut rows = [_mm512_setzero_si512(); N];
    for (row, bytes) in rows.iter_mut().zip(bytes.chunks(ROW_LEN)) {
        *row = load(simd, bytes);
    }
    let plain = decrypt_blocks(keys, rows);
    let mut before = before;
    for ((row, plain), bytes) in rows.into_iter().zip(plain).zip(bytes.chunks_mut(ROW_LEN)) {
        let chain = _mm512_alignr_epi64::<6>(row, before);
        store(simd, _mm512_xor_si512(plain, chain), bytes);
        before = row;
    }
    before
}

#[target_feature(enable = "avx512f,vaes")]
fn encrypt_blocks<const N: usize>(keys: &[__m512i], mut blocks: [__m512i; N]) -> [__m512i; N] {
    let [first, middle @ .., last] = keys else { return blocks };
    for block in &mut blocks {
        *block = _mm512_xor_si512(*block, *first);
    }
    for key in middle {
        for block in &mut blocks {
            *block = _mm512_aesenc_epi128(*block, *key);
        }
    }
    for block in &mut blocks {
        *block = _mm512_aesenclast_epi128(*block, *last);
    }
    blocks
}

#[target_feature(enable = "avx512f,vaes")]
fn decrypt_blocks<const N: usize>(keys: &[__m512i], mut blocks: [__m512i; N]) -> [__m512i; N] {
    let [first, middle @ .., last] = keys else { return blocks };
    for block in &mut blocks {
        *block = _mm512_xor_si512(*block, *first);
    }
    for key in middle {
        for block in &mut blocks {
            *block = _mm512_aesdec_epi128(*block, *key);
        }
    }
    for block in &mut blocks {
        *block = _mm512_aesdeclast_epi128(*block, *last);
    }
    blocks
}

/// From four rows of four blocks to the blocks at each place, and back.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn transposed([a, b, c, d]: [__m512i; WIDTH]) -> [__m512i; WIDTH] {
    let ab_low = _mm512_shuffle_i32x4::<0x44>(a, b);
    let ab_high = _mm512_shuffle_i32x4::<0xee>(a, b);
    let cd_low = _mm512_shuffle_i32x4::<0x44>(c, d);
    let cd_high = _mm512_shuffle_i32x4::<0xee>(c, d);
    [
        _mm512_shuffle_i32x4::<0x88>(ab_low, cd_low),
        _mm512_shuffle_i32x4::<0xdd>(ab_low, cd_low),
        _mm512_shuffle_i32x4::<0x88>(ab_high, cd_high),
        _mm512_shuffle_i32x4::<0xdd>(ab_high, cd_high),
    ]
}

/// Every round key in all four places.
#[target_feature(enable = "avx512f")]
fn broadcast(simd: Avx512, keys: &[[u8; BLOCK_LEN]; MAX_KEYS]) -> [__m512i; MAX_KEYS] {
    let mut wide = [_mm512_setzero_si512(); MAX_KEYS];
    for (wide, key) in wide.iter_mut().zip(keys) {
        *wide = _mm512_broadcast_i32x4(u8x16::from_slice(simd, key).into());
    }
    wide
}

/// A row, with zeros behind what there is of it.
#[inline]
#[target_feature(enable = "avx512f")]
fn load(simd: Avx512, bytes: &[u8]) -> __m512i {
    match <&[u8; ROW_LEN]>::try_from(bytes).ok() {
        Some(row) => u8x64::load_array_ref(simd, row).into(),
        None => load_short(simd, bytes),
    }
}

#[cold]
#[target_feature(enable = "avx512f")]
fn load_short(simd: Avx512, bytes: &[u8]) -> __m512i {
    let mut row = [0; ROW_LEN];
    row[..bytes.len()].copy_from_slice(bytes);
    u8x64::load_array(simd, row).into()
}

/// As much of a row as there is room for.
#[inline]
#[target_feature(enable = "avx512f")]
fn store(simd: Avx512, row: __m512i, bytes: &mut [u8]) {
    let row: u8x64<Avx512> = row.simd_into(simd);
    if bytes.len() == ROW_LEN {
        return row.store_slice(bytes);
    }
    store_short(row, bytes);
}

#[cold]
#[target_feature(enable = "avx512f")]
fn store_short(row: u8x64<Avx512>, bytes: &mut [u8]) {
    bytes.copy_from_slice(&row.as_slice()[..bytes.len()]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::test_keys::unhex;

    /// FIPS 197, appendix A.1 to A.3: the last round keys.
    #[test]
    fn key_schedules_of_the_standard() {
        for (key, last) in [
            ("2b7e151628aed2a6abf7158809cf4f3c", "d014f9a8c9ee2589e13f0cc8b6630ca6"),
            ("8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", "e98ba06f448c773c8ecc720401002202"),
            (
                "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
                "fe4890d1e6188d0b046df344706c631e",
            ),
        ] {
            let Some(aes) = WideAes::new(&unhex(key)) else { return };
            assert_eq!(aes.encryption[aes.key_count - 1].to_vec(), unhex(last));
        }
    }
}
