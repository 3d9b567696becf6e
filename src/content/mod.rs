//! File contents: blocks on disk to plaintext bytes and back (docs/format.md, "File contents").
//!
//! Pure: bytes in, bytes out. [`Layout`] is the one home of all sums on offsets and sizes, `header` the
//! file's own IV, [`ContentCodec`] the blocks. Everything works on runs of blocks; a single block is a run of
//! one.

mod codec;
mod error;
mod header;
mod layout;
#[cfg(test)]
mod reference;

pub use codec::ContentCodec;
pub use error::Error;
pub use header::{FileIv, HEADER_LEN, decode_header, encode_header};
pub use layout::Layout;
