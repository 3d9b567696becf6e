//! CBC of many pieces side by side.
//!
//! Within a piece a block waits for the one before it, but pieces do not wait for each other: as many of them as the
//! cipher takes at a time advance by a block each.

use super::ivec::Ivec;
use cbc::cipher::array::Array;
use cbc::cipher::typenum::Unsigned;
use cbc::cipher::{
    Block, BlockCipherDecrypt, BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt,
    BlockModeDecrypt, BlockModeEncrypt, BlockSizeUser, InnerIvInit, ParBlocks,
};
use std::marker::PhantomData;

/// Bytes of a piece that are fetched at a time: one cache line, since lanes a power of two apart share so few places
/// in a cache that no line would live through several fetches.
const FETCH_LEN: usize = 64;

/// Encrypts pieces in place, each from its own IV.
pub(super) fn encrypt<C: BlockCipherEncrypt>(cipher: &C, run: &mut [u8], piece_len: usize, ivecs: &[Ivec]) {
    if run.len() > piece_len {
        return cipher.encrypt_with_backend(Encrypt { run, piece_len, ivecs, cipher: PhantomData::<C> });
    }
    if let Some(ivec) = ivecs.first() {
        cbc::Encryptor::inner_iv_init(cipher, block_iv::<C>(ivec)).encrypt_blocks(blocks_of::<C>(run));
    }
}

/// The inverse of [`encrypt`]; the blocks of one piece already are independent.
pub(super) fn decrypt<C: BlockCipherDecrypt>(cipher: &C, run: &mut [u8], piece_len: usize, ivecs: &[Ivec]) {
    for (piece, ivec) in run.chunks_exact_mut(piece_len).zip(ivecs) {
        cbc::Decryptor::inner_iv_init(cipher, block_iv::<C>(ivec)).decrypt_blocks(blocks_of::<C>(piece));
    }
}

fn block_iv<C: BlockSizeUser>(ivec: &Ivec) -> &Block<C> {
    ivec[..C::block_size()].try_into().expect("no cipher block is longer")
}

fn blocks_of<C: BlockSizeUser>(bytes: &mut [u8]) -> &mut [Block<C>] {
    Array::slice_as_chunks_mut(bytes).0
}

struct Encrypt<'a, C> {
    run: &'a mut [u8],
    piece_len: usize,
    ivecs: &'a [Ivec],
    cipher: PhantomData<C>,
}

impl<C: BlockSizeUser> BlockSizeUser for Encrypt<'_, C> {
    type BlockSize = C::BlockSize;
}

impl<C: BlockSizeUser> BlockCipherEncClosure for Encrypt<'_, C> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = C::BlockSize>>(self, backend: &B) {
        let lane_count = B::ParBlocksSize::USIZE;
        let pieces = self.run.chunks_mut(lane_count * self.piece_len);
        for (pieces, ivecs) in pieces.zip(self.ivecs.chunks(lane_count)) {
            encrypt_group(backend, pieces, self.piece_len, ivecs);
        }
    }
}

/// Encrypts no more pieces than the cipher takes blocks at a time.
#[inline(always)]
fn encrypt_group<B: BlockCipherEncBackend>(backend: &B, pieces: &mut [u8], piece_len: usize, ivecs: &[Ivec]) {
    let block_len = B::BlockSize::USIZE;
    let mut chain = ParBlocks::<B>::default();
    for (chain, ivec) in chain.iter_mut().zip(ivecs) {
        chain.copy_from_slice(&ivec[..block_len]);
    }
    // a batch costs the same however few lanes are in use
    let in_batch = ivecs.len() * 2 >= chain.len();
    let mut fetched = Array::<[u8; FETCH_LEN], B::ParBlocksSize>::from_fn(|_| [0; FETCH_LEN]);
    for at in (0..piece_len).step_by(FETCH_LEN) {
        let len = FETCH_LEN.min(piece_len - at);
        for (fetched, piece) in fetched.iter_mut().zip(pieces.chunks_exact(piece_len)) {
            fetched[..len].copy_from_slice(&piece[at..at + len]);
        }
        for at in (0..len).step_by(block_len) {
            for (chain, fetched) in chain.iter_mut().zip(&fetched) {
                let plain = &fetched[at..at + block_len];
                chain.iter_mut().zip(plain).for_each(|(chain, plain)| *chain ^= plain);
            }
            if in_batch {
                backend.encrypt_par_blocks((&mut chain).into());
            } else {
                chain[..ivecs.len()].iter_mut().for_each(|block| backend.encrypt_block(block.into()));
            }
            for (chain, fetched) in chain.iter().zip(&mut fetched) {
                fetched[at..at + block_len].copy_from_slice(chain);
            }
        }
        for (fetched, piece) in fetched.iter().zip(pieces.chunks_exact_mut(piece_len)) {
            piece[at..at + len].copy_from_slice(&fetched[..len]);
        }
    }
}
