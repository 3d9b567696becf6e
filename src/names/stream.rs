//! `nameio/stream` (encfs-format 7.4): the name in stream coding, no longer than it was.
//!
//! ```text
//! text = six bit alphabet( BE16(MAC_16) || stream coding of name )        major 1 and 2
//!                        ( stream coding of name || BE16(MAC_16) )        major 0
//! ```

use super::alphabet::Alphabet;
use super::respell::{self, Choice};
use super::{Coding, Error, IvChain};
use crate::crypto::Cipher;
use crate::crypto::mac16;
use std::sync::Arc;

/// Bytes of the MAC beside every name.
const MAC_LEN: usize = 2;

#[derive(Debug)]
pub(super) struct StreamNames {
    cipher: Arc<dyn Cipher>,
    mac_first: bool,
    /// From major 2 on the chain goes into the seed, not only into the MAC.
    chain_in_seed: bool,
}

impl StreamNames {
    pub(super) fn new(cipher: Arc<dyn Cipher>, major: u32) -> StreamNames {
        StreamNames { cipher, mac_first: major >= 1, chain_in_seed: major >= 2 }
    }

    fn seed(&self, mac: u16, chain: IvChain) -> u64 {
        let chain = if self.chain_in_seed { chain.path_iv() } else { 0 };
        u64::from(mac) ^ chain
    }
}

impl Coding for StreamNames {
    fn encode(&self, plain: &[u8], chain: IvChain) -> (Vec<u8>, IvChain) {
        let mac64 = self.cipher.mac64(plain, chain.mac_input());
        let mac = mac16(mac64);
        let mut body = plain.to_vec();
        self.cipher.encode_stream(&mut body, self.seed(mac, chain));
        let mac = mac.to_be_bytes();
        let raw = if self.mac_first { [&mac[..], &body].concat() } else { [&body[..], &mac].concat() };
        (Alphabet::SixBit.encode(&raw), chain.below(mac64))
    }

    fn decode(&self, coded: &[u8], chain: IvChain) -> Result<(Vec<u8>, IvChain), Error> {
        let raw = Alphabet::SixBit.decode(coded)?;
        let parts = if self.mac_first {
            raw.split_first_chunk::<MAC_LEN>().map(|(mac, body)| (body, mac))
        } else {
            raw.split_last_chunk::<MAC_LEN>()
        };
        let Some((body, mac)) = parts.filter(|(body, _)| !body.is_empty()) else {
            return Err(Error::Undecodable("too short"));
        };
        let (mac, mut plain) = (u16::from_be_bytes(*mac), body.to_vec());
        self.cipher.decode_stream(&mut plain, self.seed(mac, chain));
        let mac64 = self.cipher.mac64(&plain, chain.mac_input());
        if mac16(mac64) != mac {
            return Err(Error::Undecodable("the checksum does not match"));
        }
        Ok((plain, chain.below(mac64)))
    }

    fn respell(&self, raw: Vec<u8>, choices: &[Choice], chain: IvChain) -> Vec<Vec<u8>> {
        let len = raw.len();
        if len <= MAC_LEN {
            return Vec::new();
        }
        let (body, mac) = match self.mac_first {
            true => (MAC_LEN..len, 0),
            false => (0..len - MAC_LEN, len - MAC_LEN),
        };
        let decode = |raw: &[u8]| {
            let mut plain = raw[body.clone()].to_vec();
            let mac = u16::from_be_bytes([raw[mac], raw[mac + 1]]);
            self.cipher.decode_stream(&mut plain, self.seed(mac, chain));
            plain
        };
        respell::streams(&raw, choices, body.clone(), self.cipher.block_len(), &decode)
    }

    fn encoded_len(&self, plain_len: usize) -> usize {
        Alphabet::SixBit.encoded_len(MAC_LEN + plain_len)
    }

    fn has_letter(&self, byte: u8) -> bool {
        Alphabet::SixBit.has(byte)
    }
}
