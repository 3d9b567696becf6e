//! What can go wrong with a name.

/// A name that cannot be encoded or decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The encoded name would not fit the backing file system.
    #[error("the name is too long: {len} bytes, this volume takes {max}")]
    TooLong {
        /// Bytes of the plaintext name.
        len: usize,
        /// Bytes that fit.
        max: usize,
    },
    /// The plaintext name is empty, `.` or `..`, or holds `/` or a zero byte.
    #[error("not a possible file name")]
    Impossible,
    /// The ciphertext name is not one of this volume's; the text says what gave it away.
    #[error("the name does not decode: {0}")]
    Undecodable(&'static str),
    /// A config asks for a coding that is not in the list.
    #[error("unknown name coding {0}")]
    UnknownCoding(crate::crypto::AlgorithmId),
}
