//! What can go wrong with keys and ciphers.

/// A cipher that is not there, a key that does not fit, a checksum that does not match.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The config names a cipher, or a version of one, that is not in the list.
    #[error("unknown cipher {0}")]
    UnknownCipher(super::AlgorithmId),
    /// The key size is none of those the cipher has.
    #[error("{cipher} has no {bits} bit keys")]
    KeySize {
        /// The interface name.
        cipher: &'static str,
        /// The size asked for.
        bits: u32,
    },
    /// A key is not as long as the keys and IVs of the cipher it is meant for.
    #[error("a key of {key_len} and {iv_len} bytes does not fit {cipher}")]
    KeyLen {
        /// The interface name.
        cipher: &'static str,
        /// Bytes of the key proper.
        key_len: usize,
        /// Bytes of its IV.
        iv_len: usize,
    },
    /// A wrapped key is not as long as the cipher's key and IV together with the checksum.
    #[error("the wrapped key has {len} bytes, {expected} expected")]
    WrappedLen {
        /// Bytes found.
        len: usize,
        /// Bytes that fit the cipher.
        expected: usize,
    },
    /// Unwrapping gave another checksum: the password is wrong, or the wrapped key is damaged.
    #[error("the key checksum does not match")]
    Checksum,
}
