//! Every sum on offsets, block numbers and sizes (encfs-format 9.1 and 10).
//!
//! ```text
//! [ header ] [ block 0 ] [ block 1 ] ... [ last block, may be short ]
//!              each: [ MAC ] [ random ] [ payload ]
//! ```
//!
//! Sizes for blocks of 1024 bytes, a header of 8 and a MAC of 8: 0 plaintext bytes are 0 (or 8) on disk, 1 is
//! 17, 1016 are 1032 (one full block), 1017 are 1041.

use super::{Error, HEADER_LEN};

/// The shape of files in a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    block_len: usize,
    mac_len: usize,
    rand_len: usize,
    header_len: usize,
}

impl Layout {
    /// `block_len` is the on-disk block with MAC and random bytes; it must be larger than these two together.
    pub fn new(block_len: usize, mac_len: usize, rand_len: usize, with_header: bool) -> Layout {
        assert!(mac_len + rand_len < block_len, "a config with no room for payload is refused");
        Layout { block_len, mac_len, rand_len, header_len: if with_header { HEADER_LEN } else { 0 } }
    }

    /// Bytes of a full block on disk.
    pub fn block_len(&self) -> usize {
        self.block_len
    }

    /// Bytes of the MAC at the start of a block.
    pub fn mac_len(&self) -> usize {
        self.mac_len
    }

    /// Bytes of MAC and random bytes at the start of a block.
    pub fn block_header_len(&self) -> usize {
        self.mac_len + self.rand_len
    }

    /// Plaintext bytes of a full block.
    pub fn payload_len(&self) -> usize {
        self.block_len - self.block_header_len()
    }

    /// Bytes before block 0.
    pub fn header_len(&self) -> usize {
        self.header_len
    }

    /// The block that holds plaintext offset `offset`, and the place in its payload.
    pub fn locate(&self, offset: u64) -> (u64, usize) {
        let payload_len = self.payload_len() as u64;
        (offset / payload_len, (offset % payload_len) as usize)
    }

    /// Plaintext offset of a block's first byte.
    pub fn plain_offset(&self, block: u64) -> u64 {
        block.saturating_mul(self.payload_len() as u64)
    }

    /// Offset of a block on disk; saturates where no file can reach.
    pub fn cipher_offset(&self, block: u64) -> u64 {
        block.saturating_mul(self.block_len as u64).saturating_add(self.header_len as u64)
    }

    /// Size on disk of a file with `plain_len` bytes; `None` beyond what a file can be.
    ///
    /// An empty file has no bytes at all: its header is written with the first data.
    pub fn cipher_len(&self, plain_len: u64) -> Option<u64> {
        if plain_len == 0 {
            return Some(0);
        }
        let block_count = plain_len.div_ceil(self.payload_len() as u64);
        block_count
            .checked_mul(self.block_header_len() as u64)?
            .checked_add(plain_len)?
            .checked_add(self.header_len as u64)
            .filter(|&len| i64::try_from(len).is_ok())
    }

    /// Size of the plaintext of a file with `cipher_len` bytes on disk; fails if it ends inside its header.
    ///
    /// A tail too short for any payload counts for nothing here; reading it fails.
    pub fn plain_len(&self, cipher_len: u64) -> Result<u64, Error> {
        if cipher_len == 0 {
            return Ok(0);
        }
        let Some(blocks_len) = cipher_len.checked_sub(self.header_len as u64) else {
            return Err(Error::HeaderShort { len: cipher_len });
        };
        let (full, rest) = (blocks_len / self.block_len as u64, blocks_len % self.block_len as u64);
        Ok(full * self.payload_len() as u64 + rest.saturating_sub(self.block_header_len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_of_the_paranoia_profile() {
        let layout = Layout::new(1024, 8, 0, true);
        for (plain, cipher) in [(0, 0), (1, 17), (1015, 1031), (1016, 1032), (1017, 1041), (2032, 2056)] {
            assert_eq!(layout.cipher_len(plain), Some(cipher));
            assert_eq!(layout.plain_len(cipher), Ok(plain));
        }
        assert_eq!(layout.plain_len(8), Ok(0));
        assert_eq!(layout.plain_len(7), Err(Error::HeaderShort { len: 7 }));
        // a tail of at most a block header holds nothing, and hides nothing before it
        for tail in 1..=8 {
            assert_eq!(layout.plain_len(1032 + tail), Ok(1016));
        }
    }

    /// The example of encfs-format 15.5: 100 bytes in blocks of 64 with header and MAC are 124 on disk.
    #[test]
    fn sizes_of_the_worked_example() {
        let layout = Layout::new(64, 8, 0, true);
        assert_eq!(layout.cipher_len(100), Some(8 + 64 + 52));
        assert_eq!(layout.locate(100), (1, 44));
        assert_eq!(layout.cipher_offset(1), 72);
    }

    #[test]
    fn sizes_beyond_any_file_are_refused() {
        let layout = Layout::new(1024, 8, 0, true);
        assert_eq!(layout.cipher_len(u64::MAX), None);
        assert_eq!(layout.cipher_len(i64::MAX as u64), None);
    }

    proptest! {
        #[test]
        fn plain_and_cipher_sizes_agree(
            plain in 0..1_u64 << 50, block in 1_usize..5000, mac in 0_usize..=8, rand in 0_usize..=8, header: bool
        ) {
            let layout = Layout::new(block + mac + rand, mac, rand, header);
            let cipher = layout.cipher_len(plain).expect("far below the limit");
            prop_assert_eq!(layout.plain_len(cipher), Ok(plain));
        }

        #[test]
        fn any_size_on_disk_has_an_answer(cipher: u64, block in 1_usize..5000, mac in 0_usize..=8, header: bool) {
            let layout = Layout::new(block + mac, mac, 0, header);
            if let Ok(plain) = layout.plain_len(cipher) {
                prop_assert!(plain <= cipher);
            }
        }
    }
}
