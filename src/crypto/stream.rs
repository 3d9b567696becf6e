//! Stream coding: two passes of CFB with a shuffle between them, so that a byte depends on those before
//! it and on the 64 around it (encfs-format 5.4). Used for short last blocks, stream names, file headers and wrapped keys.

use super::ivec::IvSource;
use cfb_mode::cipher::{
    Block, BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, InnerIvInit,
};
use std::marker::PhantomData;

/// Bytes are reversed inside pieces of this size, whatever the block size of the volume.
const FLIP_LEN: usize = 64;

pub(super) fn encode<C: BlockCipherEncrypt>(cipher: &C, ivs: &IvSource, data: &mut [u8], seed: u64) {
    let passes =
        [seed, seed.wrapping_add(1)].map(|seed| Pass::<C> { chain: iv_of::<C>(ivs, seed), carry: 0 });
    cipher.encrypt_with_backend(Encode { data, passes, cipher: PhantomData });
}

pub(super) fn decode<C: BlockCipherEncrypt>(cipher: &C, ivs: &IvSource, data: &mut [u8], seed: u64) {
    cfb_decrypt(cipher, ivs, data, seed.wrapping_add(1));
    unshuffle(data);
    data.chunks_mut(FLIP_LEN).for_each(<[u8]>::reverse);
    cfb_decrypt(cipher, ivs, data, seed);
    unshuffle(data);
}

fn iv_of<C: BlockSizeUser>(ivs: &IvSource, seed: u64) -> Block<C> {
    ivs.ivec(seed)[..C::block_size()].try_into().expect("no cipher block is longer")
}

fn cfb_decrypt<C: BlockCipherEncrypt>(cipher: &C, ivs: &IvSource, data: &mut [u8], seed: u64) {
    cfb_mode::Decryptor::inner_iv_init(cipher, &iv_of::<C>(ivs, seed)).decrypt(data);
}

/// Both passes of the coding. The second needs no more of the first than the piece it is at, so it follows one
/// piece behind, and the waiting of the one chain is filled with the work of the other.
struct Encode<'a, C: BlockSizeUser> {
    data: &'a mut [u8],
    passes: [Pass<C>; 2],
    cipher: PhantomData<C>,
}

/// How far a pass is.
struct Pass<C: BlockSizeUser> {
    /// The last block of ciphertext, at first the IV.
    chain: Block<C>,
    /// The last byte of the shuffle.
    carry: u8,
}

impl<C: BlockSizeUser> BlockSizeUser for Encode<'_, C> {
    type BlockSize = C::BlockSize;
}

impl<C: BlockSizeUser> BlockCipherEncClosure for Encode<'_, C> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = C::BlockSize>>(self, backend: &B) {
        let [mut first, mut second] = self.passes;
        let mut rest = self.data;
        let mut behind = <&mut [u8]>::default();
        while !(rest.is_empty() && behind.is_empty()) {
            let ahead = rest.split_off_mut(..FLIP_LEN.min(rest.len())).unwrap_or_default();
            first.shuffle(ahead);
            behind.reverse();
            second.shuffle(behind);
            for at in (0..FLIP_LEN).step_by(C::block_size()) {
                first.encrypt(backend, ahead, at);
                second.encrypt(backend, behind, at);
            }
            behind = ahead;
        }
    }
}

impl<C: BlockSizeUser> Pass<C> {
    /// Running exclusive or, ascending.
    #[inline(always)]
    fn shuffle(&mut self, data: &mut [u8]) {
        let (words, rest) = data.as_chunks_mut();
        for bytes in words {
            // of the bytes in a word at once; the last is the highest
            let mut word = u64::from_le_bytes(*bytes);
            word ^= word << 8;
            word ^= word << 16;
            word ^= word << 32;
            let last = (word >> 56) as u8;
            word ^= u64::from(self.carry) * 0x0101_0101_0101_0101;
            *bytes = word.to_le_bytes();
            self.carry ^= last;
        }
        for byte in rest {
            self.carry ^= *byte;
            *byte = self.carry;
        }
    }

    /// CFB of the block at `at`, or of as much of it as there is.
    #[inline(always)]
    fn encrypt<B: BlockCipherEncBackend<BlockSize = C::BlockSize>>(
        &mut self,
        backend: &B,
        data: &mut [u8],
        at: usize,
    ) {
        let Some(rest) = data.get_mut(at..).filter(|rest| !rest.is_empty()) else { return };
        backend.encrypt_block((&mut self.chain).into());
        if let Some(block) = rest.get_mut(..C::block_size()) {
            self.chain.iter_mut().zip(block.iter()).for_each(|(chain, byte)| *chain ^= byte);
            block.copy_from_slice(&self.chain);
        } else {
            rest.iter_mut().zip(&self.chain).for_each(|(byte, chain)| *byte ^= chain);
        }
    }
}

/// The inverse of [`Pass::shuffle`].
fn unshuffle(data: &mut [u8]) {
    let mut last = 0;
    for byte in data {
        (last, *byte) = (*byte, *byte ^ last);
    }
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
