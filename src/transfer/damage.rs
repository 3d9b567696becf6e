//! What becomes of the blocks of a file that cannot be read.

use crate::volume::PlainPath;
use std::ops::Range;

/// How an export treats a bad block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BadBlocks {
    /// The file that holds it is left out.
    #[default]
    Fail,
    /// Zeros stand in its place; all else of the file is where it was.
    Zero,
    /// The file goes on with the next good block, and is shorter.
    Skip,
}

/// Bytes of a file that could not be read, while the rest of it was transferred.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// The file.
    pub path: PlainPath,
    /// The bad blocks.
    pub blocks: Range<u64>,
    /// The plaintext bytes that they held; none if the file was cut inside a block's header.
    pub bytes: Range<u64>,
    /// What is wrong with the first of them.
    pub reason: String,
}
