//! `nullCipher`: does not encrypt, and its MACs are 0.

use super::cipher::{Cipher, Family, Seeds};
use std::sync::Arc;

pub(super) const FAMILY: Family =
    Family { name: "nullCipher", block_len: 1, key_bits: &[0], majors: 1..=1, open: |_, _| Arc::new(Null) };

#[derive(Debug)]
pub(super) struct Null;

impl Cipher for Null {
    fn block_len(&self) -> usize {
        1
    }
    fn encrypt_run(&self, _: &mut [u8], _: usize, _: Seeds) {}
    fn decrypt_run(&self, _: &mut [u8], _: usize, _: Seeds) {}
    fn encode_stream(&self, _: &mut [u8], _: u64) {}
    fn decode_stream(&self, _: &mut [u8], _: u64) {}
    fn mac64(&self, _: &[u8], _: Option<u64>) -> u64 {
        0
    }
    fn mac64_run(&self, _: &[u8], _: usize, _: usize, macs: &mut [u64]) {
        macs.fill(0);
    }
}
