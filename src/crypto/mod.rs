//! Keys, ciphers and MACs of the EncFS format (docs/format.md, "Ciphers" to "From password to volume key").
//!
//! A [`CipherSpec`] is what a config asks for (`ssl/aes` 3:0, 256 bits); with a key it becomes a [`Cipher`],
//! the one trait through which names and contents are coded. The primitives come from RustCrypto; what is
//! written here is how EncFS arranges them: IVs from seeds, stream coding, the folded MAC.
//!
//! To add a cipher: one file with a [`Family`], one line in the list in `cipher.rs`.

mod aes;
mod algorithm;
mod blowfish;
mod camellia;
mod cipher;
mod derive;
mod error;
mod hmac;
mod instructions;
mod ivec;
mod kdf;
mod key;
mod keyed;
mod keywrap;
mod lanes;
mod mac;
mod null;
mod pbkdf2;
mod stream;
#[cfg(test)]
pub(crate) mod test_keys;
mod wide;

pub use algorithm::AlgorithmId;
pub use cipher::{Cipher, CipherSpec, Family, Seeds, families, null_cipher};
pub use derive::DerivedKey;
pub use error::Error;
pub use instructions::instructions;
pub use kdf::{legacy_user_key, pbkdf2_user_key};
pub use key::{KeyPair, Password, UserKey, VolumeKey};
pub use keywrap::{unwrap_any_key, unwrap_key, wrap_key};
pub use mac::{mac16, mac32};

/// Fills a buffer with random bytes; the caller decides where they come from.
pub type FillRandom = fn(&mut [u8]);
