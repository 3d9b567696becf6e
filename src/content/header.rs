//! The file header (encfs-format 9.2): 8 bytes before block 0 that hold the file IV, in volumes with unique IVs.
//!
//! ```text
//! header = stream coding of BE64(file IV), seed = path IV with external IV chaining, otherwise 0
//! ```

use super::Error;
use crate::crypto::Cipher;
use crate::crypto::FillRandom;

/// Bytes of a header.
pub const HEADER_LEN: usize = 8;

/// What a file's blocks take their IVs from, together with their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIv(u64);

impl FileIv {
    /// The one of every file in volumes without headers.
    pub const NONE: FileIv = FileIv(0);

    /// A fresh one; 0 is never a file IV, EncFS takes it for a damaged header.
    pub fn random(fill: FillRandom) -> FileIv {
        loop {
            let mut bytes = [0; HEADER_LEN];
            fill(&mut bytes);
            if bytes != [0; HEADER_LEN] {
                return FileIv(u64::from_be_bytes(bytes));
            }
        }
    }

    pub(super) fn value(self) -> u64 {
        self.0
    }
}

/// The header that holds `file_iv`, for a file with the external IV `external` (0 without external chaining).
pub fn encode_header(cipher: &dyn Cipher, file_iv: FileIv, external: u64) -> [u8; HEADER_LEN] {
    let mut header = file_iv.0.to_be_bytes();
    cipher.encode_stream(&mut header, external);
    header
}

/// The file IV in a header; fails if it is 0, or the header is.
pub fn decode_header(
    cipher: &dyn Cipher,
    mut header: [u8; HEADER_LEN],
    external: u64,
) -> Result<FileIv, Error> {
    if cipher.block_len() > 1 && header == [0; HEADER_LEN] {
        return Err(Error::HeaderZeros);
    }
    cipher.decode_stream(&mut header, external);
    match u64::from_be_bytes(header) {
        0 => Err(Error::HeaderZero),
        iv => Ok(FileIv(iv)),
    }
}

#[cfg(test)]
impl FileIv {
    pub(super) fn of(value: u64) -> FileIv {
        FileIv(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::test_keys::{hex, spec, volume_key};

    /// encfs-format 15.5: without and with external IV chaining (as `dir/hello.txt`).
    #[test]
    fn worked_examples() {
        let cipher = spec().open(&volume_key()).expect("it fits");
        let file_iv = FileIv(0x0123_4567_89ab_cdef);
        for (external, expected) in [(0, "3582f86548b273df"), (0xac3a_7e86_3dd1_74d9, "0b0d3633346a162c")] {
            let header = encode_header(&*cipher, file_iv, external);
            assert_eq!(hex(&header), expected);
            assert_eq!(decode_header(&*cipher, header, external), Ok(file_iv));
        }
        let zero = encode_header(&*cipher, FileIv(0), 0);
        assert_eq!(decode_header(&*cipher, zero, 0), Err(Error::HeaderZero));
        assert_eq!(decode_header(&*cipher, [0; HEADER_LEN], 0), Err(Error::HeaderZeros));
    }

    #[test]
    fn a_random_file_iv_is_never_zero() {
        fn mostly_zero(bytes: &mut [u8]) {
            use std::sync::atomic::{AtomicU8, Ordering};
            static CALLS: AtomicU8 = AtomicU8::new(0);
            bytes.fill(CALLS.fetch_add(1, Ordering::Relaxed) / 3);
        }
        assert_eq!(FileIv::random(mostly_zero), FileIv(0x0101_0101_0101_0101));
    }
}
