//! `nameio/null` (encfs-format 7.5): names as they are. The chain never changes, so path IVs are always 0.

use super::{Coding, Error, IvChain};

#[derive(Debug)]
pub(super) struct NullNames;

impl Coding for NullNames {
    fn encode(&self, plain: &[u8], chain: IvChain) -> (Vec<u8>, IvChain) {
        (plain.to_vec(), chain)
    }

    fn decode(&self, coded: &[u8], chain: IvChain) -> Result<(Vec<u8>, IvChain), Error> {
        Ok((coded.to_vec(), chain))
    }

    fn encoded_len(&self, plain_len: usize) -> usize {
        plain_len
    }

    fn has_letter(&self, _: u8) -> bool {
        true
    }
}
