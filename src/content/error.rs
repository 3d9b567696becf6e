//! How content can be damaged.

/// Damage that decrypting found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The MAC of a block does not match what it decrypts to.
    #[error("MAC mismatch in block {block}")]
    Mac {
        /// Number of the block, from 0.
        block: u64,
    },
    /// The last block is so short that it holds no data: the file was cut there.
    #[error("block {block} is cut short: its {len} bytes hold no data")]
    ShortBlock {
        /// Number of the block, from 0.
        block: u64,
        /// Bytes on disk.
        len: usize,
    },
    /// A block is nothing but zeros on disk, where no hole can be and no block is encrypted to that: it has not arrived
    /// yet, or was lost.
    #[error("block {block} is nothing but zeros on disk: it has not arrived yet, or was lost")]
    Zeros {
        /// Number of the block, from 0.
        block: u64,
    },
    /// The file ends inside its header.
    #[error("the file is cut inside its header: {len} of 8 bytes")]
    HeaderShort {
        /// Bytes on disk.
        len: u64,
    },
    /// The header is nothing but zeros on disk.
    #[error("the file header is nothing but zeros on disk: it has not arrived yet, or was lost")]
    HeaderZeros,
    /// The header decodes to a file IV of 0, which is never written.
    #[error("the file header is damaged: it decodes to the file IV 0, which is never written")]
    HeaderZero,
}

impl Error {
    /// The block that is damaged, if it is one and not the header.
    pub fn block(&self) -> Option<u64> {
        match self {
            Error::Mac { block } | Error::Zeros { block } | Error::ShortBlock { block, .. } => Some(*block),
            Error::HeaderShort { .. } | Error::HeaderZeros | Error::HeaderZero => None,
        }
    }

    /// Whether this is what a file looks like of which not everything has arrived.
    pub fn is_unfinished(&self) -> bool {
        match self {
            Error::Mac { .. } | Error::HeaderZero => false,
            Error::Zeros { .. }
            | Error::ShortBlock { .. }
            | Error::HeaderShort { .. }
            | Error::HeaderZeros => true,
        }
    }
}
