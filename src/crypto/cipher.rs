//! The `Cipher` trait, and the list of families that give one.

use super::key::KeyPair;
use super::{AlgorithmId, Error, aes, blowfish, camellia, null};
use std::fmt::Debug;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The seeds of a run of blocks: block i of the run has the seed `(first + i) ^ mask`.
///
/// Contents use the block number for `first` and the file IV for `mask` (encfs-format 9.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seeds {
    /// Number of the run's first block.
    pub first: u64,
    /// What every number is combined with.
    pub mask: u64,
}

impl Seeds {
    /// The seed of block `index` of the run.
    pub fn at(self, index: usize) -> u64 {
        self.first.wrapping_add(index as u64) ^ self.mask
    }

    /// The seeds of what is left of the run from block `index` on.
    pub fn skip(self, index: usize) -> Seeds {
        Seeds { first: self.first.wrapping_add(index as u64), mask: self.mask }
    }
}

/// A cipher with its key in place, ready for any number of operations from any number of threads.
///
/// All key schedules, those of the HMAC included, are made when it is made.
pub trait Cipher: Debug + Send + Sync {
    /// Bytes of one cipher block: 16, 8 for Blowfish, 1 for the null cipher.
    fn block_len(&self) -> usize;

    /// Encrypts a run of pieces in place, each CBC from the IV of its own seed (encfs-format 5.1).
    ///
    /// `run` is a whole number of pieces, `piece_len` a whole number of cipher blocks.
    fn encrypt_run(&self, run: &mut [u8], piece_len: usize, seeds: Seeds);

    /// The inverse of [`Cipher::encrypt_run`].
    fn decrypt_run(&self, run: &mut [u8], piece_len: usize, seeds: Seeds);

    /// Stream coding in place, for any length (encfs-format 5.4).
    fn encode_stream(&self, data: &mut [u8], seed: u64);

    /// The inverse of [`Cipher::encode_stream`].
    fn decode_stream(&self, data: &mut [u8], seed: u64);

    /// MAC_64 of `data`, with the chain value behind it if there is one (encfs-format 5.5).
    fn mac64(&self, data: &[u8], chain: Option<u64>) -> u64;

    /// MAC_64 of every piece of a run, each from its byte `skip` on: one for each of `macs`.
    fn mac64_run(&self, run: &[u8], piece_len: usize, skip: usize, macs: &mut [u64]);
}

/// A cipher by its interface name, with all key sizes and versions it comes in.
#[derive(Debug)]
pub struct Family {
    /// As configs spell it.
    pub name: &'static str,
    /// Bytes of a cipher block, and of an IV.
    pub block_len: usize,
    /// Key sizes in bits, in ascending order.
    pub key_bits: &'static [u32],
    /// Major versions.
    pub majors: RangeInclusive<u32>,
    pub(super) open: fn(&KeyPair, major: u32) -> Arc<dyn Cipher>,
}

static FAMILIES: &[Family] = &[aes::FAMILY, blowfish::FAMILY, camellia::FAMILY, null::FAMILY];

/// Every cipher there is.
pub fn families() -> &'static [Family] {
    FAMILIES
}

/// A cipher, version and key size that exist together.
#[derive(Debug, Clone, Copy)]
pub struct CipherSpec {
    family: &'static Family,
    major: u32,
    key_len: usize,
}

impl CipherSpec {
    /// Looks the cipher up; fails on an unknown name, version or key size.
    pub fn new(id: &AlgorithmId, key_bits: u32) -> Result<CipherSpec, Error> {
        let family = FAMILIES
            .iter()
            .find(|family| family.name == id.name && family.majors.contains(&id.major))
            .ok_or_else(|| Error::UnknownCipher(id.clone()))?;
        if !family.key_bits.contains(&key_bits) {
            return Err(Error::KeySize { cipher: family.name, bits: key_bits });
        }
        Ok(CipherSpec { family, major: id.major, key_len: key_bits as usize / 8 })
    }

    /// Bytes of the key.
    pub fn key_len(&self) -> usize {
        self.key_len
    }

    /// Bytes of the IV that belongs to the key: one cipher block.
    pub fn iv_len(&self) -> usize {
        self.family.block_len
    }

    /// Bytes of a wrapped key: checksum, key, IV; none at all for the null cipher.
    pub fn wrapped_len(&self) -> usize {
        if self.is_null() { 0 } else { 4 + self.key_len + self.iv_len() }
    }

    /// Whether this is the cipher that does nothing.
    pub fn is_null(&self) -> bool {
        self.key_len == 0
    }

    /// Bytes that the old key derivation makes for the key: all of it, but 16 for Blowfish version 1, whose
    /// key is padded with zeros (encfs-format 6.2).
    pub(super) fn legacy_key_len(&self) -> usize {
        if self.family.name == blowfish::FAMILY.name && self.major == 1 { 16 } else { self.key_len }
    }

    /// Puts a key in; fails on one of another length.
    pub fn open(&self, key: &KeyPair) -> Result<Arc<dyn Cipher>, Error> {
        self.check(key)?;
        Ok((self.family.open)(key, self.major))
    }

    /// Whether a key is as long as the cipher's; the null cipher has none, and no IV either.
    pub(super) fn check(&self, key: &KeyPair) -> Result<(), Error> {
        let (key_len, iv_len) = (key.key().len(), key.iv().len());
        if (key_len, iv_len) == (self.key_len, if self.is_null() { 0 } else { self.iv_len() }) {
            return Ok(());
        }
        Err(Error::KeyLen { cipher: self.family.name, key_len, iv_len })
    }
}

/// The cipher that does nothing, for the contents of volumes with `plainData`.
pub fn null_cipher() -> Arc<dyn Cipher> {
    Arc::new(null::Null)
}

#[cfg(test)]
mod tests {
    use super::super::test_keys::*;
    use super::*;

    #[test]
    fn a_key_of_another_length_is_refused() {
        let bytes = [7; 64];
        for (len, key_len) in [(0, 0), (32, 32), (47, 32), (48, 24), (49, 32), (16, 32)] {
            let refused = spec().open(&KeyPair::split(&bytes[..len], key_len)).map(drop);
            assert!(matches!(refused, Err(Error::KeyLen { cipher: "ssl/aes", .. })), "{len} {key_len}");
        }
        let null = CipherSpec::new(&AlgorithmId::new("nullCipher", 1, 0), 0).expect("exists");
        assert!(null.open(&KeyPair::split(&bytes[..1], 0)).is_err());
    }
}
