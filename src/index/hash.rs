//! Dropbox's `content_hash`: SHA-256 over the SHA-256 digests of every 4 MiB. The service tells it of each file, so a
//! client sees without a download whether its copy is the same.

use sha2::{Digest, Sha256};
use std::io::{self, Read};

const BLOCK_LEN: usize = 4 * 1024 * 1024;

/// The hash of bytes that come in pieces.
pub(super) struct ContentHash {
    block: Sha256,
    block_len: usize,
    digests: Sha256,
}

impl ContentHash {
    pub(super) fn new() -> ContentHash {
        ContentHash { block: Sha256::new(), block_len: 0, digests: Sha256::new() }
    }

    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK_LEN - self.block_len));
            self.block.update(now);
            self.block_len += now.len();
            if self.block_len == BLOCK_LEN {
                self.digests.update(self.block.finalize_reset());
                self.block_len = 0;
            }
            bytes = later;
        }
    }

    pub(super) fn finish(mut self) -> [u8; 32] {
        if self.block_len > 0 {
            self.digests.update(self.block.finalize());
        }
        self.digests.finalize().into()
    }
}

/// The hash of what is read to its end.
pub fn content_hash(mut from: impl Read) -> io::Result<[u8; 32]> {
    let mut hash = ContentHash::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        match from.read(&mut piece) {
            Ok(0) => return Ok(hash.finish()),
            Ok(len) => hash.update(&piece[..len]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_the_book(bytes: &[u8]) -> [u8; 32] {
        let digests: Vec<u8> = bytes.chunks(BLOCK_LEN).flat_map(Sha256::digest).collect();
        Sha256::digest(digests).into()
    }

    #[test]
    fn pieces_of_any_length_give_what_the_book_says() {
        let bytes: Vec<u8> = (0..2 * BLOCK_LEN + 17).map(|at| (at % 253) as u8).collect();
        for len in [0, 1, BLOCK_LEN - 1, BLOCK_LEN, BLOCK_LEN + 1, bytes.len()] {
            for piece_len in [1 << 20, 999_983, BLOCK_LEN + 5] {
                let mut hash = ContentHash::new();
                bytes[..len].chunks(piece_len).for_each(|piece| hash.update(piece));
                assert_eq!(content_hash(&bytes[..len]).expect("in memory"), by_the_book(&bytes[..len]));
                assert_eq!(hash.finish(), by_the_book(&bytes[..len]), "{len} bytes by {piece_len}");
            }
        }
    }

    /// Of no bytes there are no blocks: the hash of nothing.
    #[test]
    fn an_empty_file_has_the_hash_of_nothing() {
        let hex: String = ContentHash::new().finish().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
