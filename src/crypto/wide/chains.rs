//! The chains of PBKDF2 side by side: each value is the HMAC-SHA1 of the one before, and all are summed up.
//!
//! There are three of them at the most, for AES-256. With AVX-512 comes the processor's own SHA-1, which takes longer
//! for a step than it is busy with it: the steps of three chains fit into the waits. With AVX2, where we cannot ask
//! for that, vectors hold the same word of four chains.

use super::sha1::{compress, digest_words, splat};
use crate::crypto::hmac::{HmacKey, State, bit_len};
use fearless_simd::prelude::*;
use fearless_simd::x86::{Avx2, Avx512};
use fearless_simd::{Level, kernel, u32x4};
use std::arch::x86_64::*;

/// The ways there are.
#[derive(Debug, Clone, Copy)]
pub(in crate::crypto) enum WideChains {
    Avx2(Avx2),
    Avx512(Avx512),
}

impl WideChains {
    pub(in crate::crypto) fn detect() -> Option<WideChains> {
        match Level::new() {
            Level::Avx512(simd) => Some(WideChains::Avx512(simd)),
            Level::Avx2(simd) => Some(WideChains::Avx2(simd)),
            _ => None,
        }
    }

    /// Every way that this processor can go.
    #[cfg(test)]
    pub(in crate::crypto) fn all() -> Vec<WideChains> {
        let level = Level::new();
        let ways = [level.as_avx2().map(WideChains::Avx2), level.as_avx512().map(WideChains::Avx512)];
        ways.into_iter().flatten().collect()
    }

    /// Whether so many chains take less time side by side than one after the other.
    pub(in crate::crypto) fn is_worth(self, count: usize) -> bool {
        match self {
            WideChains::Avx2(_) => count >= if is_x86_feature_detected!("sha") { 3 } else { 2 },
            WideChains::Avx512(_) => true,
        }
    }

    /// Each of `sums` is the first value of a chain, and becomes the sum (XOR) of `iterations` of them.
    pub(in crate::crypto) fn run(self, key: &HmacKey, sums: &mut [State], iterations: u32) {
        match self {
            WideChains::Avx2(simd) => run_in_vectors(simd, key, sums, iterations),
            WideChains::Avx512(simd) => run_interleaved(simd, key, sums, iterations),
        }
    }
}

kernel! {
    fn run_in_vectors(simd: Avx2, key: &HmacKey, sums: &mut [State], iterations: u32) {
        const WIDTH: usize = 4;
        let (inner, outer) = (splat(simd, &key.inner), splat(simd, &key.outer));
        for sums in sums.chunks_mut(WIDTH) {
            // lanes without a chain of their own do somebody else's work
            let word = |i: usize| std::array::from_fn::<u32, WIDTH, _>(|lane| sums[lane.min(sums.len() - 1)][i]);
            let mut values: [u32x4<Avx2>; 5] = std::array::from_fn(|i| word(i).simd_into(simd));
            let mut totals = values;
            for _ in 1..iterations {
                for start in [inner, outer] {
                    let words = digest_words(simd, values);
                    values = start;
                    compress(simd, &mut values, words);
                }
                for (total, value) in totals.iter_mut().zip(values) {
                    *total ^= value;
                }
            }
            for (lane, sum) in sums.iter_mut().enumerate() {
                *sum = totals.map(|total| total[lane]);
            }
        }
    }
}

kernel! {
    fn run_interleaved(simd: Avx512, key: &HmacKey, sums: &mut [State], iterations: u32) {
        let key = [Sha::load(simd, &key.inner), Sha::load(simd, &key.outer)];
        for sums in sums.chunks_mut(3) {
            match sums {
                [a] => run_group(simd, key, [a], iterations),
                [a, b] => run_group(simd, key, [a, b], iterations),
                [a, b, c] => run_group(simd, key, [a, b, c], iterations),
                _ => {}
            }
        }
    }
}

/// The state of a hash as the instructions take it: the first word highest.
#[derive(Clone, Copy)]
struct Sha {
    abcd: __m128i,
    /// The fifth word, and zeros below.
    e: __m128i,
}

#[inline]
#[target_feature(enable = "avx512f,sha")]
fn run_group<const N: usize>(simd: Avx512, key: [Sha; 2], sums: [&mut State; N], iterations: u32) {
    let mut values = sums.each_ref().map(|sum| Sha::load(simd, sum));
    let mut totals = values;
    let zero = _mm_setzero_si128();
    let end: __m128i = u32x4::simd_from(simd, [0, 0, 0x8000_0000, 0]).into();
    let len: __m128i = u32x4::simd_from(simd, [bit_len(20) as u32, 0, 0, 0]).into();
    for _ in 1..iterations {
        for start in key {
            let mut words = [[zero, zero, zero, len]; N];
            for (words, value) in words.iter_mut().zip(&values) {
                words[0] = value.abcd;
                words[1] = _mm_or_si128(value.e, end);
            }
            values = compress_interleaved(start, words);
        }
        for (total, value) in totals.iter_mut().zip(&values) {
            *total = Sha { abcd: _mm_xor_si128(total.abcd, value.abcd), e: _mm_xor_si128(total.e, value.e) };
        }
    }
    for (sum, total) in sums.into_iter().zip(totals) {
        *sum = total.store(simd);
    }
}

/// One compression (FIPS 180-4, 6.1.2) of `N` messages from the same state; four rounds to a step.
#[inline]
#[target_feature(enable = "avx512f,sha")]
fn compress_interleaved<const N: usize>(start: Sha, mut w: [[__m128i; 4]; N]) -> [Sha; N] {
    let (mut abcd, mut before, mut e) = ([start.abcd; N], [start.abcd; N], [start.e; N]);
    macro_rules! steps {
        ($function:literal: $($t:literal)*) => {$(
            for w in &mut w {
                if $t >= 4 {
                    let mixed = _mm_xor_si128(_mm_sha1msg1_epu32(w[$t % 4], w[($t + 1) % 4]), w[($t + 2) % 4]);
                    w[$t % 4] = _mm_sha1msg2_epu32(mixed, w[($t + 3) % 4]);
                }
            }
            for i in 0..N {
                e[i] = match $t {
                    0 => _mm_add_epi32(e[i], w[i][0]),
                    _ => _mm_sha1nexte_epu32(before[i], w[i][$t % 4]),
                };
                before[i] = abcd[i];
                abcd[i] = _mm_sha1rnds4_epu32::<$function>(abcd[i], e[i]);
            }
        )*};
    }
    steps!(0: 0 1 2 3 4);
    steps!(1: 5 6 7 8 9);
    steps!(2: 10 11 12 13 14);
    steps!(3: 15 16 17 18 19);
    std::array::from_fn(|i| Sha {
        abcd: _mm_add_epi32(start.abcd, abcd[i]),
        e: _mm_sha1nexte_epu32(before[i], start.e),
    })
}

impl Sha {
    #[inline(always)]
    fn load(simd: Avx512, [a, b, c, d, e]: &State) -> Sha {
        let words = |words: [u32; 4]| u32x4::simd_from(simd, words).into();
        Sha { abcd: words([*d, *c, *b, *a]), e: words([0, 0, 0, *e]) }
    }

    #[inline(always)]
    fn store(self, simd: Avx512) -> State {
        let words = |vector: __m128i| -> [u32; 4] { u32x4::simd_from(simd, vector).into() };
        let ([d, c, b, a], [_, _, _, e]) = (words(self.abcd), words(self.e));
        [a, b, c, d, e]
    }
}
