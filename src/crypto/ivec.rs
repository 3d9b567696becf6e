//! From a 64 bit seed to a cipher IV (encfs-format 5.2 and 5.3).
//!
//! Interface version 3 takes HMAC-SHA1\[key\](iv || LE64(seed)); versions 1 and 2 mix the low 32 bits of the
//! seed into the IV by a linear rule that anybody can compute, kept for volumes of old.

use super::key::KeyPair;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use zeroize::Zeroizing;

/// The longest cipher block of any family.
const MAX_IV_LEN: usize = 16;

/// An IV of one cipher block.
pub(super) struct Ivec {
    bytes: [u8; MAX_IV_LEN],
    len: usize,
}

impl Ivec {
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Makes the IVs of one key.
pub(super) struct IvSource {
    rule: Rule,
    len: usize,
}

enum Rule {
    /// The HMAC that has taken the key and the key's IV already; boxed, for it is large beside the other.
    Hmac(Box<Hmac<Sha1>>),
    Linear(Zeroizing<[u8; MAX_IV_LEN]>),
}

impl IvSource {
    pub(super) fn new(pair: &KeyPair, major: u32) -> IvSource {
        let rule = if major >= 3 {
            let mut hmac = Hmac::new_from_slice(pair.key()).expect("HMAC takes any key");
            hmac.update(pair.iv());
            Rule::Hmac(Box::new(hmac))
        } else {
            let mut iv = Zeroizing::new([0; MAX_IV_LEN]);
            iv[..pair.iv().len()].copy_from_slice(pair.iv());
            Rule::Linear(iv)
        };
        IvSource { rule, len: pair.iv().len() }
    }

    pub(super) fn ivec(&self, seed: u64) -> Ivec {
        let mut bytes = [0; MAX_IV_LEN];
        match &self.rule {
            Rule::Hmac(hmac) => {
                let mut hmac = hmac.as_ref().clone();
                hmac.update(&seed.to_le_bytes());
                bytes.copy_from_slice(&hmac.finalize().into_bytes()[..MAX_IV_LEN]);
            }
            Rule::Linear(iv) => {
                let pattern = linear_pattern(seed as u32);
                for (out, (a, b)) in bytes.iter_mut().zip(iv.iter().zip(pattern)) {
                    *out = a ^ b;
                }
            }
        }
        Ivec { bytes, len: self.len }
    }
}

/// The 16 bytes that versions 1 and 2 combine with the IV.
fn linear_pattern(seed: u32) -> [u8; MAX_IV_LEN] {
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
            assert_eq!(source.ivec(seed).as_slice(), unhex(expected), "seed {seed:x}");
        }
    }
}
