//! `ssl/blowfish`: Blowfish (Schneier 1993) with keys of 128 to 256 bits.

use super::cipher::Family;
use super::keyed::Keyed;
use blowfish::Blowfish;
use std::sync::Arc;

pub(super) const FAMILY: Family = Family {
    name: "ssl/blowfish",
    block_len: 8,
    key_bits: &[128, 160, 192, 224, 256],
    majors: 1..=3,
    open: |pair, major| Arc::new(Keyed::<Blowfish>::new(pair, major)),
};
