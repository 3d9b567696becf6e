//! `ssl/aes`: AES (FIPS 197) with 128, 192 and 256 bit keys.

use super::cipher::{Cipher, Family};
use super::key::KeyPair;
use super::keyed::Keyed;
use super::wide::WideAes;
use aes::{Aes128, Aes192, Aes256};
use cbc::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use std::sync::Arc;

pub(super) const FAMILY: Family = Family {
    name: "ssl/aes",
    block_len: 16,
    key_bits: &[128, 192, 256],
    majors: 1..=3,
    open: |pair, major| match pair.key().len() {
        16 => open::<Aes128>(pair, major),
        24 => open::<Aes192>(pair, major),
        _ => open::<Aes256>(pair, major),
    },
};

fn open<C>(pair: &KeyPair, major: u32) -> Arc<dyn Cipher>
where
    C: KeyInit + BlockCipherEncrypt + BlockCipherDecrypt + Send + Sync + 'static,
{
    Arc::new(Keyed::<C>::new(pair, major).with_wide(WideAes::new(pair.key())))
}
