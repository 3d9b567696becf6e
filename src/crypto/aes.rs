//! `ssl/aes`: AES (FIPS 197) with 128, 192 and 256 bit keys.

use super::cipher::Family;
use super::keyed::Keyed;
use aes::{Aes128, Aes192, Aes256};
use std::sync::Arc;

pub(super) const FAMILY: Family = Family {
    name: "ssl/aes",
    block_len: 16,
    key_bits: &[128, 192, 256],
    majors: 1..=3,
    open: |pair, major| match pair.key().len() {
        16 => Arc::new(Keyed::<Aes128>::new(pair, major)),
        24 => Arc::new(Keyed::<Aes192>::new(pair, major)),
        _ => Arc::new(Keyed::<Aes256>::new(pair, major)),
    },
};
