//! `ssl/camellia`: Camellia (RFC 3713) with 128, 192 and 256 bit keys.

use super::cipher::Family;
use super::keyed::Keyed;
use camellia::{Camellia128, Camellia192, Camellia256};
use std::sync::Arc;

pub(super) const FAMILY: Family = Family {
    name: "ssl/camellia",
    block_len: 16,
    key_bits: &[128, 192, 256],
    majors: 1..=3,
    open: |pair, major| match pair.key().len() {
        16 => Arc::new(Keyed::<Camellia128>::new(pair, major)),
        24 => Arc::new(Keyed::<Camellia192>::new(pair, major)),
        _ => Arc::new(Keyed::<Camellia256>::new(pair, major)),
    },
};
