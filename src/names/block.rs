//! `nameio/block` and `nameio/block32` (encfs-format 7.3): the name padded to whole cipher blocks, CBC.
//!
//! ```text
//! text = alphabet( BE16(MAC_16) || CBC(name || p bytes of value p) )        p = 1 ..= cipher block
//! ```

use super::alphabet::Alphabet;
use super::respell::{self, Choice};
use super::{Coding, Error, IvChain};
use crate::crypto::Cipher;
use crate::crypto::Seeds;
use crate::crypto::mac16;
use std::sync::Arc;

/// Bytes of the MAC in front of every name.
const MAC_LEN: usize = 2;

#[derive(Debug)]
pub(super) struct BlockNames {
    cipher: Arc<dyn Cipher>,
    alphabet: Alphabet,
    /// From major 3 on the chain goes into the seed, not only into the MAC.
    chain_in_seed: bool,
}

impl BlockNames {
    pub(super) fn new(cipher: Arc<dyn Cipher>, major: u32, alphabet: Alphabet) -> BlockNames {
        BlockNames { cipher, alphabet, chain_in_seed: major >= 3 }
    }

    fn seeds(&self, mac: u16, chain: IvChain) -> Seeds {
        let mask = if self.chain_in_seed { chain.path_iv() } else { 0 };
        Seeds { first: mac.into(), mask }
    }

    fn padded_len(&self, plain_len: usize) -> usize {
        let block_len = self.cipher.block_len();
        (plain_len / block_len + 1) * block_len
    }
}

impl Coding for BlockNames {
    fn encode(&self, plain: &[u8], chain: IvChain) -> (Vec<u8>, IvChain) {
        let padded_len = self.padded_len(plain.len());
        let padding = (padded_len - plain.len()) as u8; // at most a cipher block
        let mut raw = Vec::with_capacity(MAC_LEN + padded_len);
        raw.extend_from_slice(&[0; MAC_LEN]);
        raw.extend_from_slice(plain);
        raw.resize(MAC_LEN + padded_len, padding);

        let mac64 = self.cipher.mac64(&raw[MAC_LEN..], chain.mac_input());
        let mac = mac16(mac64);
        self.cipher.encrypt_run(&mut raw[MAC_LEN..], padded_len, self.seeds(mac, chain));
        raw[..MAC_LEN].copy_from_slice(&mac.to_be_bytes());
        (self.alphabet.encode(&raw), chain.below(mac64))
    }

    fn decode(&self, coded: &[u8], chain: IvChain) -> Result<(Vec<u8>, IvChain), Error> {
        let mut raw = self.alphabet.decode(coded)?;
        let block_len = self.cipher.block_len();
        let Some((mac, padded)) = raw.split_first_chunk_mut::<MAC_LEN>() else {
            return Err(Error::Undecodable("too short"));
        };
        if padded.is_empty() || padded.len() % block_len != 0 {
            return Err(Error::Undecodable("not a whole number of cipher blocks"));
        }
        let mac = u16::from_be_bytes(*mac);
        self.cipher.decrypt_run(padded, padded.len(), self.seeds(mac, chain));

        let mac64 = self.cipher.mac64(padded, chain.mac_input());
        if mac16(mac64) != mac {
            return Err(Error::Undecodable("the checksum does not match"));
        }
        let padding = usize::from(padded[padded.len() - 1]);
        if padding == 0 || padding > block_len {
            return Err(Error::Undecodable("bad padding"));
        }
        let plain_len = padded.len() - padding;
        Ok((padded[..plain_len].to_vec(), chain.below(mac64)))
    }

    fn respell(&self, raw: Vec<u8>, choices: &[Choice], chain: IvChain) -> Vec<Vec<u8>> {
        respell::blocks(&*self.cipher, raw, choices, &|mac| self.seeds(mac, chain))
    }

    fn encoded_len(&self, plain_len: usize) -> usize {
        self.alphabet.encoded_len(MAC_LEN + self.padded_len(plain_len))
    }

    fn has_letter(&self, byte: u8) -> bool {
        self.alphabet.has(byte)
    }

    fn ignores_case(&self) -> bool {
        self.alphabet == Alphabet::FiveBit
    }
}
