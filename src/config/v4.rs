//! `.encfs4` (encfs-format 4), EncFS 1.0: a cipher, a key and a block size; everything else is given.

use super::binary::Entries;
use super::{Config, Error, FileIvMode, Format, Parameters, v5};
use crate::crypto::AlgorithmId;

pub(super) fn parse(bytes: &[u8]) -> Result<Config, Error> {
    let entries = Entries::parse(bytes)?;
    let parameters = Parameters {
        cipher: entries.algorithm("cipher")?,
        name_coding: AlgorithmId::new("nameio/stream", 1, 0),
        key_bits: entries.required("keySize")?,
        block_len: entries.required("blockSize")?,
        plain_data: false,
        file_iv: FileIvMode::None,
        chained_names: false,
        mac_len: 0,
        rand_len: 0,
        allow_holes: false,
    };
    v5::finish("EncFS 1.0.x".to_owned(), parameters, entries, |entries| Format::V4 { entries })
}
