//! The same ciphers and hashes for many lanes at once, on the wide vectors that a processor may have.
//!
//! Each of them is there or not, found out when a key is put in place; whoever asks has another way to go if not.
//! They are written for AVX2 and AVX-512 on x86-64; other processors have none of them.

#[cfg(target_arch = "x86_64")]
mod aes;
#[cfg(target_arch = "x86_64")]
mod chains;
#[cfg(not(target_arch = "x86_64"))]
mod none;
#[cfg(target_arch = "x86_64")]
mod sha1;

#[cfg(not(target_arch = "x86_64"))]
pub(super) use none::{WideAes, WideChains, WideSha1};
#[cfg(target_arch = "x86_64")]
pub(super) use {aes::WideAes, chains::WideChains, sha1::WideSha1};

/// Messages that are hashed at a time.
pub(super) const HASH_LANES: usize = 16;
