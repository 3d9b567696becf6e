//! Names to names: how the entries of a volume are called on disk (docs/format.md, "Names").
//!
//! [`NameCodec`] is the door: it knows the coding, whether names are chained, and what is not a name at all.
//! Behind it stands one file per coding, each a `Coding`: bytes to bytes, no opinion on what a name may be.
//!
//! To add a coding: one file, one line in `open`.

mod alphabet;
mod block;
mod chain;
mod codec;
mod conflict;
mod error;
mod form;
mod link;
mod null;
mod respell;
mod spelt;
mod stream;

pub use chain::IvChain;
pub use codec::{NameCodec, Spelling};
pub use conflict::{EntryName, could_be_marked, name_for_copy, numbered};
pub use error::Error;
pub use form::{composed, other_forms};
pub use spelt::original_of;

use crate::crypto::AlgorithmId;
use crate::crypto::Cipher;
use alphabet::Alphabet;
use respell::Choice;
use std::fmt::Debug;
use std::sync::Arc;

/// One way to encode names: plaintext bytes to ciphertext bytes and back, one component at a time.
trait Coding: Debug + Send + Sync {
    /// Encodes a component; gives the chain for what lies below it, too.
    fn encode(&self, plain: &[u8], chain: IvChain) -> (Vec<u8>, IvChain);

    /// Decodes a component after checking its alphabet, length, padding and MAC.
    fn decode(&self, coded: &[u8], chain: IvChain) -> Result<(Vec<u8>, IvChain), Error>;

    /// Bytes of the encoded form of a component of `plain_len` bytes.
    fn encoded_len(&self, plain_len: usize) -> usize;

    /// Whether encoded names may hold this byte.
    fn has_letter(&self, byte: u8) -> bool;

    /// Of a name with characters that have two readings, decoded from its alphabet: the readings that may be names, and
    /// some that are none.
    fn respell(&self, _raw: Vec<u8>, _choices: &[Choice], _chain: IvChain) -> Vec<Vec<u8>> {
        Vec::new()
    }

    /// Whether ciphertext names that differ only in case are the same name.
    fn ignores_case(&self) -> bool {
        false
    }
}

/// Bytes in the alphabet of names, six bits a character.
pub fn six_bit_text(bytes: &[u8]) -> String {
    Alphabet::SixBit.encode(bytes).into_iter().map(char::from).collect()
}

/// The coding that a config asks for; `None` if there is none of that name and version.
fn open(id: &AlgorithmId, cipher: &Arc<dyn Cipher>) -> Option<Box<dyn Coding>> {
    let cipher = Arc::clone(cipher);
    // encfs-format 7.3 lists block from 2 on; 1 is read as 2
    Some(match (id.name.as_str(), id.major) {
        ("nameio/block", 1..=4) => Box::new(block::BlockNames::new(cipher, id.major, Alphabet::SixBit)),
        ("nameio/block32", 1..=4) => Box::new(block::BlockNames::new(cipher, id.major, Alphabet::FiveBit)),
        ("nameio/stream", 0..=2) => Box::new(stream::StreamNames::new(cipher, id.major)),
        ("nameio/null", _) => Box::new(null::NullNames),
        _ => return None,
    })
}

/// Whether there is a coding of this name and version.
pub fn is_known(id: &AlgorithmId) -> bool {
    open(id, &crate::crypto::null_cipher()).is_some()
}
