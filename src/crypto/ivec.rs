//! From a 64 bit seed to a cipher IV (encfs-format 5.2 and 5.3).
//!
//! Interface version 3 takes HMAC-SHA1\[key\](iv || LE64(seed)); versions 1 and 2 mix the low 32 bits of the
//! seed into the IV by a linear rule that anybody can compute, kept for volumes of old.

use super::cipher::Seeds;
use super::hmac::{CHUNK_LEN, HmacKey, bytes_of, padded_tail};
use super::key::KeyPair;
use super::wide::{HASH_LANES, WideSha1};
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// The longest cipher block of any family.
const MAX_IV_LEN: usize = 16;

/// An IV; a cipher with shorter blocks takes what it needs from its start.
pub(super) type Ivec = [u8; MAX_IV_LEN];

/// Makes the IVs of one key.
pub(super) enum IvSource {
    Hmac(Message),
    Linear(Zeroizing<Ivec>),
}

/// What is hashed for an IV: one chunk, the same for every IV but for its seed.
#[derive(ZeroizeOnDrop)]
pub(super) struct Message {
    hmac: HmacKey,
    chunk: [u8; CHUNK_LEN],
    seed_at: usize,
    #[zeroize(skip)]
    wide: Option<WideSha1>,
}

impl IvSource {
    pub(super) fn new(pair: &KeyPair, major: u32) -> IvSource {
        if major < 3 {
            let mut iv = Zeroizing::new(Ivec::default());
            iv[..pair.iv().len()].copy_from_slice(pair.iv());
            return IvSource::Linear(iv);
        }
        let seed_at = pair.iv().len();
        let ([chunk, _], _) = padded_tail(pair.iv(), &[0; 8], seed_at + 8);
        IvSource::Hmac(Message { hmac: HmacKey::new(pair.key()), chunk, seed_at, wide: WideSha1::detect() })
    }

    /// The IV of one seed.
    pub(super) fn ivec(&self, seed: u64) -> Ivec {
        match self {
            IvSource::Hmac(message) => message.ivec(seed),
            IvSource::Linear(iv) => {
                let mut ivec = linear_pattern(seed as u32);
                ivec.iter_mut().zip(iv.iter()).for_each(|(byte, iv)| *byte ^= iv);
                ivec
            }
        }
    }

    /// The IVs of the seeds from the first on.
    pub(super) fn fill(&self, ivecs: &mut [Ivec], seeds: Seeds) {
        for (group, ivecs) in ivecs.chunks_mut(HASH_LANES).enumerate() {
            let seeds = seeds.skip(group * HASH_LANES);
            if let IvSource::Hmac(message @ Message { wide: Some(wide), .. }) = self
                && wide.is_worth_ivecs(ivecs.len())
            {
                message.fill(*wide, ivecs, seeds);
            } else {
                ivecs.iter_mut().enumerate().for_each(|(index, ivec)| *ivec = self.ivec(seeds.at(index)));
            }
        }
    }
}

impl Message {
    fn ivec(&self, seed: u64) -> Ivec {
        let mut chunk = self.chunk;
        chunk[self.seed_at..][..8].copy_from_slice(&seed.to_le_bytes());
        let [ivec @ .., _, _, _, _] = bytes_of(&self.hmac.digest_chunk(&chunk));
        ivec
    }

    fn fill(&self, wide: WideSha1, ivecs: &mut [Ivec], seeds: Seeds) {
        let seeds = std::array::from_fn(|index| seeds.at(index));
        let digests = wide.digest_chunks(&self.hmac, &self.chunk, self.seed_at, &seeds);
        for (index, ivec) in ivecs.iter_mut().enumerate() {
            for (bytes, words) in ivec.as_chunks_mut().0.iter_mut().zip(&digests) {
                *bytes = words[index].to_be_bytes();
            }
        }
    }
}

/// The 16 bytes that versions 1 and 2 combine with the IV.
fn linear_pattern(seed: u32) -> Ivec {
    let a = 0x060a_4011_u32.wrapping_mul(seed).to_be_bytes();
    let b = 0x0221_040d_u32.wrapping_mul(seed ^ 0xD3FE_A11C).to_be_bytes();
    [a[0], b[1], a[2], b[3], b[0], a[1], b[2], a[3], a[3], b[2], a[1], b[0], a[0], b[1], a[2], b[3]]
}

#[cfg(test)]
mod tests {
    use super::super::test_keys::*;
    use super::*;

    /// encfs-format 15.3.
    #[test]
    fn worked_examples() {
        let current = IvSource::new(&volume_key(), 3);
        let old = IvSource::new(&volume_key(), 2);
        for (source, seed, expected) in [
            (&current, 0, "5b7c415d573bc3e5c292904d64b707c6"),
            (&current, 1, "af1dde27260f94ca420d04d1b6b4a1a5"),
            (&current, 0x0123_4567_89ab_cdef, "6cc653298b656b819e89a7348377e346"),
            (&current, 0x0123_4567_89ab_cdee, "277a4b446ab666191393d2c5c7a06439"),
            (&old, 0, "a0afa2cf1fa538a7a837aa10aca3aec3"),
            (&old, 0x1234_5678, "dbb11fb70b62865f50896d04d7bd13bb"),
            (&old, 0xffff_ffff_1234_5678, "dbb11fb70b62865f50896d04d7bd13bb"),
        ] {
            assert_eq!(source.ivec(seed).to_vec(), unhex(expected), "seed {seed:x}");
        }
    }
}
