//! Stream coding: two passes of CFB with a shuffle between them, so that a byte depends on those before
//! it and on the 64 around it (encfs-format 5.4). Used for short last blocks, stream names, file headers and wrapped keys.

use super::ivec::IvSource;
use cfb_mode::cipher::{BlockCipherEncrypt, InnerIvInit};

/// Bytes are reversed inside pieces of this size, whatever the block size of the volume.
const FLIP_LEN: usize = 64;

pub(super) fn encode<C: BlockCipherEncrypt>(cipher: &C, ivs: &IvSource, data: &mut [u8], seed: u64) {
    shuffle(data);
    cfb_encrypt(cipher, ivs, data, seed);
    flip(data);
    shuffle(data);
    cfb_encrypt(cipher, ivs, data, seed.wrapping_add(1));
}

pub(super) fn decode<C: BlockCipherEncrypt>(cipher: &C, ivs: &IvSource, data: &mut [u8], seed: u64) {
    cfb_decrypt(cipher, ivs, data, seed.wrapping_add(1));
    unshuffle(data);
    flip(data);
    cfb_decrypt(cipher, ivs, data, seed);
    unshuffle(data);
}

fn cfb_encrypt<C: BlockCipherEncrypt>(cipher: &C, ivs: &IvSource, data: &mut [u8], seed: u64) {
    cfb_mode::Encryptor::inner_iv_slice_init(cipher, &ivs.ivec(seed)[..C::block_size()])
        .expect("an IV has one cipher block")
        .encrypt(data);
}

fn cfb_decrypt<C: BlockCipherEncrypt>(cipher: &C, ivs: &IvSource, data: &mut [u8], seed: u64) {
    cfb_mode::Decryptor::inner_iv_slice_init(cipher, &ivs.ivec(seed)[..C::block_size()])
        .expect("an IV has one cipher block")
        .decrypt(data);
}

/// Running exclusive or, ascending.
fn shuffle(data: &mut [u8]) {
    let mut last = 0;
    for byte in data {
        *byte ^= last;
        last = *byte;
    }
}

/// The inverse of [`shuffle`].
fn unshuffle(data: &mut [u8]) {
    let mut last = 0;
    for byte in data {
        (last, *byte) = (*byte, *byte ^ last);
    }
}

fn flip(data: &mut [u8]) {
    data.chunks_mut(FLIP_LEN).for_each(<[u8]>::reverse);
}

#[cfg(test)]
mod tests {
    use super::super::test_keys::*;

    /// encfs-format 15.1, last paragraph: over one flip piece, and a single byte.
    #[test]
    fn worked_examples() {
        let cipher = spec().open(&volume_key()).expect("it fits");
        for (plain, coded) in [
            (
                (0..70).collect::<Vec<u8>>(),
                "25a4f780f69c78241e7d80ab80183b277e09788e6341e5695a5ce90ae140103da95177f539c069fdee5acb4d9d1cab76\
                 276f4e01be44fa6ab68335876312cfcfb35a621ea3ad",
            ),
            (b"\x41".to_vec(), "70"),
        ] {
            let mut data = plain.clone();
            cipher.encode_stream(&mut data, 0);
            assert_eq!(data, unhex(coded));
            cipher.decode_stream(&mut data, 0);
            assert_eq!(data, plain);
        }
    }
}
