//! What a volume is made with, and which combinations the format can hold.

use super::Error;
use crate::content::Layout;
use crate::crypto;
use crate::crypto::{AlgorithmId, CipherSpec};
use crate::names;

/// The largest block that is believed; no real volume comes near it, and memory is spent in proportion.
const MAX_BLOCK_LEN: u32 = 1 << 20;
/// Most random bytes in a block that are believed; creators write at most 8.
const MAX_RAND_LEN: u32 = 255;

/// The parameters of a volume. A wish until [`Parameters::check`] has passed, as it has for every config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters {
    /// The cipher interface, `ssl/aes` 3:0 for example.
    pub cipher: AlgorithmId,
    /// The name coding, `nameio/block` 4:0 for example.
    pub name_coding: AlgorithmId,
    /// Bits of the volume key.
    pub key_bits: u32,
    /// Bytes of a block on disk, its MAC and random bytes included.
    pub block_len: u32,
    /// Only names are encrypted, contents are not.
    pub plain_data: bool,
    /// Where the blocks of a file take their IVs from.
    pub file_iv: FileIvMode,
    /// How a name is encoded depends on its parents.
    pub chained_names: bool,
    /// Bytes of MAC in front of every block, 0 to 8.
    pub mac_len: u32,
    /// Random bytes behind the MAC.
    pub rand_len: u32,
    /// A block of zeros on disk stands for zeros.
    pub allow_holes: bool,
}

/// Whether files have an IV of their own; in ascending order of what depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileIvMode {
    /// No header: block n of every file has the same IV.
    None,
    /// A random file IV in a header of 8 bytes.
    Unique,
    /// The same, and the header is encrypted depending on the path.
    External,
}

impl FileIvMode {
    /// What the three flags of a config come to: without a file IV there is no header that the path could
    /// encrypt, and without chained names there is no path to encrypt it with.
    pub(super) fn from_flags(unique: bool, chained_names: bool, external: bool) -> FileIvMode {
        match (unique, external && chained_names) {
            (false, _) => FileIvMode::None,
            (true, false) => FileIvMode::Unique,
            (true, true) => FileIvMode::External,
        }
    }
}

impl Parameters {
    /// Whether this is a combination that the format can hold; the error names the field at fault.
    pub fn check(&self) -> Result<(), Error> {
        let spec = self.cipher_spec()?;
        if !names::is_known(&self.name_coding) {
            return Err(Error::Unsupported(format!("name coding {}", self.name_coding)));
        }
        if self.mac_len > 8 {
            return Err(Error::field("blockMACBytes", format!("{} is more than 8", self.mac_len)));
        }
        if self.rand_len > MAX_RAND_LEN {
            return Err(Error::field("blockMACRandBytes", format!("{} is absurdly large", self.rand_len)));
        }
        let cipher_block = if self.plain_data { 1 } else { spec.iv_len() as u32 };
        if self.block_len > MAX_BLOCK_LEN {
            return Err(Error::field("blockSize", format!("{} is absurdly large", self.block_len)));
        }
        if self.block_len == 0 || !self.block_len.is_multiple_of(cipher_block) {
            let problem =
                format!("{} is not a multiple of the cipher's {cipher_block} bytes", self.block_len);
            return Err(Error::field("blockSize", problem));
        }
        if self.block_len <= self.mac_len + self.rand_len {
            return Err(Error::field("blockSize", format!("{} leaves no room for data", self.block_len)));
        }
        if (self.plain_data || spec.is_null()) && self.file_iv != FileIvMode::None {
            return Err(Error::field("uniqueIV", "not possible where contents are not encrypted"));
        }
        if self.file_iv == FileIvMode::External && !self.chained_names {
            return Err(Error::field("externalIVChaining", "needs chainedNameIV"));
        }
        Ok(())
    }

    /// Whether a wrapped key, from this field, is as long as the cipher's.
    pub(super) fn check_wrapped_key(&self, field: &'static str, wrapped_key: &[u8]) -> Result<(), Error> {
        let expected = self.cipher_spec()?.wrapped_len();
        if wrapped_key.len() == expected {
            return Ok(());
        }
        let problem = format!("{} bytes, {expected} expected for this cipher", wrapped_key.len());
        Err(Error::field(field, problem))
    }

    /// The cipher that is asked for; fails if there is none like it.
    pub(super) fn cipher_spec(&self) -> Result<CipherSpec, Error> {
        CipherSpec::new(&self.cipher, self.key_bits).map_err(|error| match error {
            crypto::Error::KeySize { .. } => Error::field("keySize", error.to_string()),
            other => Error::Unsupported(other.to_string()),
        })
    }

    /// The shape of files.
    pub fn layout(&self) -> Layout {
        Layout::new(
            self.block_len as usize,
            self.mac_len as usize,
            self.rand_len as usize,
            self.file_iv != FileIvMode::None,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::Profile;
    use super::*;

    fn fault(change: impl FnOnce(&mut Parameters)) -> &'static str {
        let mut parameters = Profile::Sync.parameters();
        change(&mut parameters);
        match parameters.check() {
            Ok(()) => "",
            Err(Error::Field { field, .. }) => field,
            Err(Error::Unsupported(_)) => "unsupported",
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn impossible_combinations_name_the_field() {
        assert_eq!(fault(|_| ()), "");
        for bits in [0, 8, 130, 160, 257, 512] {
            assert_eq!(fault(|p| p.key_bits = bits), "keySize");
        }
        for len in [0, 1, 8, 17, 1 << 30, u32::MAX] {
            assert_eq!(fault(|p| p.block_len = len), "blockSize", "{len}");
        }
        assert_eq!(fault(|p| (p.block_len, p.rand_len) = (16, 8)), "blockSize");
        assert_eq!(fault(|p| p.mac_len = 9), "blockMACBytes");
        assert_eq!(fault(|p| p.rand_len = 4000), "blockMACRandBytes");
        assert_eq!(fault(|p| p.plain_data = true), "uniqueIV");
        assert_eq!(fault(|p| (p.cipher, p.key_bits) = (AlgorithmId::new("nullCipher", 1, 0), 0)), "uniqueIV");
        assert_eq!(fault(|p| p.file_iv = FileIvMode::External), "externalIVChaining");
        assert_eq!(fault(|p| p.cipher.name = "ssl/rot13".to_owned()), "unsupported");
        assert_eq!(fault(|p| p.cipher.major = 4), "unsupported");
        assert_eq!(fault(|p| p.name_coding.name = "nameio/foo".to_owned()), "unsupported");
    }
}
