//! What stands for the wide ones where there are none: types without a value.

use super::HASH_LANES;
use crate::crypto::hmac::{CHUNK_LEN, HmacKey, State};
use crate::crypto::ivec::Ivec;

#[derive(Clone, Copy)]
pub(in crate::crypto) enum WideSha1 {}

impl WideSha1 {
    pub(in crate::crypto) fn detect() -> Option<WideSha1> {
        None
    }

    pub(in crate::crypto) fn is_worth_ivecs(self, _: usize) -> bool {
        match self {}
    }

    pub(in crate::crypto) fn is_worth_messages(self, _: usize) -> bool {
        match self {}
    }

    pub(in crate::crypto) fn digest_chunks(
        self,
        _: &HmacKey,
        _: &[u8; CHUNK_LEN],
        _: usize,
        _: &[u64; HASH_LANES],
    ) -> [[u32; HASH_LANES]; 5] {
        match self {}
    }

    pub(in crate::crypto) fn digests(
        self,
        _: &HmacKey,
        _: [&[u8]; HASH_LANES],
        _: usize,
    ) -> [[u32; HASH_LANES]; 5] {
        match self {}
    }
}

pub(in crate::crypto) enum WideAes {}

impl WideAes {
    pub(in crate::crypto) fn new(_: &[u8]) -> Option<WideAes> {
        None
    }

    pub(in crate::crypto) fn encrypt(&self, _: &mut [u8], _: usize, _: &[Ivec]) {
        match *self {}
    }

    pub(in crate::crypto) fn decrypt(&self, _: &mut [u8], _: usize, _: &[Ivec]) {
        match *self {}
    }
}

#[derive(Debug, Clone, Copy)]
pub(in crate::crypto) enum WideChains {}

impl WideChains {
    pub(in crate::crypto) fn detect() -> Option<WideChains> {
        None
    }

    #[cfg(test)]
    pub(in crate::crypto) fn all() -> Vec<WideChains> {
        Vec::new()
    }

    pub(in crate::crypto) fn is_worth(self, _: usize) -> bool {
        match self {}
    }

    pub(in crate::crypto) fn run(self, _: &HmacKey, _: &mut [State], _: u32) {
        match self {}
    }
}
