//! Any block cipher with its key in place: CBC for whole pieces, EncFS's stream coding for the rest.

use super::cipher::{Cipher, Seeds};
use super::ivec::{IvSource, Ivec};
use super::key::KeyPair;
use super::mac::Mac;
use super::wide::WideAes;
use super::{lanes, stream};
use cbc::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use std::fmt;

/// Pieces whose IVs are made at a time.
const GROUP: usize = 64;

pub(super) struct Keyed<C> {
    cipher: C,
    /// The same cipher on wide vectors, if it is AES and the processor has them.
    wide: Option<WideAes>,
    ivs: IvSource,
    mac: Mac,
}

impl<C: KeyInit> Keyed<C> {
    /// Makes the key schedules. `pair` has a key size of the cipher and an IV of one cipher block.
    pub(super) fn new(pair: &KeyPair, major: u32) -> Keyed<C> {
        let cipher = C::new_from_slice(pair.key()).expect("the family lists the key sizes of its cipher");
        Keyed { cipher, wide: None, ivs: IvSource::new(pair, major), mac: Mac::new(pair.key()) }
    }

    pub(super) fn with_wide(self, wide: Option<WideAes>) -> Keyed<C> {
        Keyed { wide, ..self }
    }
}

impl<C> Keyed<C> {
    /// Makes the IVs of a run, and hands it on group by group.
    fn for_groups(
        &self,
        run: &mut [u8],
        piece_len: usize,
        seeds: Seeds,
        mut code: impl FnMut(&mut [u8], &[Ivec]),
    ) {
        let mut ivecs = [Ivec::default(); GROUP];
        for (index, pieces) in run.chunks_mut(GROUP * piece_len).enumerate() {
            let ivecs = &mut ivecs[..pieces.len() / piece_len];
            self.ivs.fill(ivecs, seeds.skip(index * GROUP));
            code(pieces, ivecs);
        }
    }
}

impl<C> fmt::Debug for Keyed<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyed(…)")
    }
}

impl<C> Cipher for Keyed<C>
where
    C: BlockCipherEncrypt + BlockCipherDecrypt + Send + Sync,
{
    fn block_len(&self) -> usize {
        C::block_size()
    }

    fn encrypt_run(&self, run: &mut [u8], piece_len: usize, seeds: Seeds) {
        self.for_groups(run, piece_len, seeds, |pieces, ivecs| match &self.wide {
            Some(wide) => wide.encrypt(pieces, piece_len, ivecs),
            None => lanes::encrypt(&self.cipher, pieces, piece_len, ivecs),
        });
    }

    fn decrypt_run(&self, run: &mut [u8], piece_len: usize, seeds: Seeds) {
        self.for_groups(run, piece_len, seeds, |pieces, ivecs| match &self.wide {
            Some(wide) => wide.decrypt(pieces, piece_len, ivecs),
            None => lanes::decrypt(&self.cipher, pieces, piece_len, ivecs),
        });
    }

    fn encode_stream(&self, data: &mut [u8], seed: u64) {
        stream::encode(&self.cipher, &self.ivs, data, seed);
    }

    fn decode_stream(&self, data: &mut [u8], seed: u64) {
        stream::decode(&self.cipher, &self.ivs, data, seed);
    }

    fn mac64(&self, data: &[u8], chain: Option<u64>) -> u64 {
        self.mac.mac64(data, chain)
    }

    fn mac64_run(&self, run: &[u8], piece_len: usize, skip: usize, macs: &mut [u64]) {
        self.mac.fill(macs, run, piece_len, skip);
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_keys::*;
    use super::super::{AlgorithmId, CipherSpec, families};
    use super::*;
    use ::aes::{Aes128, Aes192, Aes256};

    /// A run codes every piece as if it stood alone, and decoding undoes encoding, for every cipher there is.
    #[test]
    fn runs_are_pieces_side_by_side_for_every_cipher() {
        for family in families() {
            for (&bits, major) in family.key_bits.iter().zip(family.majors.clone().cycle()) {
                let spec = CipherSpec::new(&AlgorithmId::new(family.name, major, 0), bits).expect("listed");
                let cipher = spec.open(&counting_pair(&spec)).expect("it fits");
                let seeds = Seeds { first: 7, mask: 0x0123_4567_89ab_cdef };
                let plain: Vec<u8> = (0..64 * 5).map(|i| i as u8).collect();

                let mut run = plain.clone();
                cipher.encrypt_run(&mut run, 64, seeds);
                for (index, piece) in plain.chunks(64).enumerate() {
                    let mut alone = piece.to_vec();
                    cipher.encrypt_run(&mut alone, 64, seeds.skip(index));
                    assert_eq!(alone, run[index * 64..][..64], "{} {bits} {major}", family.name);
                }
                cipher.decrypt_run(&mut run, 64, seeds);
                assert_eq!(run, plain);

                for len in [1, 2, 15, 16, 17, 63, 64, 65, 200] {
                    let mut data = plain[..len].to_vec();
                    cipher.encode_stream(&mut data, 42);
                    assert!(spec.is_null() || len < 8 || data != plain[..len]);
                    cipher.decode_stream(&mut data, 42);
                    assert_eq!(data, plain[..len]);
                }
            }
        }
    }

    /// On wide vectors and in the lanes of the crate, whichever this processor would take.
    #[test]
    fn wide_and_narrow_agree() {
        fn check<C>(key_bits: u32)
        where
            C: KeyInit + BlockCipherEncrypt + BlockCipherDecrypt + Send + Sync,
        {
            let spec = CipherSpec::new(&AlgorithmId::new("ssl/aes", 3, 0), key_bits).expect("exists");
            let pair = counting_pair(&spec);
            let narrow = Keyed::<C>::new(&pair, 3);
            let wide = Keyed::<C>::new(&pair, 3).with_wide(WideAes::new(pair.key()));
            let seeds = Seeds { first: (1 << 32) - 2, mask: 0x0123_4567_89ab_cdef };
            for (piece_len, count) in
                (1..=70).map(|count| (208, count)).chain((16..1200).step_by(16).map(|len| (len, 6)))
            {
                let plain: Vec<u8> = (0..piece_len * count).map(|i| (i * 7 / 5) as u8).collect();
                let (mut a, mut b) = (plain.clone(), plain.clone());
                narrow.encrypt_run(&mut a, piece_len, seeds);
                wide.encrypt_run(&mut b, piece_len, seeds);
                assert!(a == b, "{key_bits} {piece_len} {count}");
                narrow.decrypt_run(&mut a, piece_len, seeds);
                wide.decrypt_run(&mut b, piece_len, seeds);
                assert!(a == plain && b == plain, "{key_bits} {piece_len} {count}");
            }
        }
        check::<Aes128>(128);
        check::<Aes192>(192);
        check::<Aes256>(256);
    }
}
