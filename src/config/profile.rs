//! Named sets of parameters for new volumes (encfs-format 17).

use super::{FileIvMode, Parameters};
use crate::crypto::AlgorithmId;

/// A set of parameters with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// For a synced folder: contents authenticated, and a renamed directory is one rename for the sync client.
    Sync,
    /// What BoxCryptor Classic 1.x wrote.
    Boxcryptor,
    /// `encfs --standard` of EncFS 1.9.5.
    Standard,
    /// `encfs --paranoia` of EncFS 1.9.5.
    Paranoia,
}

/// How many PBKDF2 iterations a profile wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Iterations {
    /// This many.
    Fixed(u32),
    /// As many as the creating machine does in this time, in milliseconds.
    Timed(u32),
}

impl Profile {
    /// The parameters.
    pub fn parameters(self) -> Parameters {
        let sync = Parameters {
            cipher: AlgorithmId::new("ssl/aes", 3, 0),
            // 3:0 and 4:0 are the same coding; encfsy reads only 3
            name_coding: AlgorithmId::new("nameio/block", 3, 0),
            key_bits: 256,
            block_len: 4096,
            plain_data: false,
            file_iv: FileIvMode::Unique,
            chained_names: false,
            mac_len: 8,
            rand_len: 0,
            allow_holes: false,
        };
        match self {
            Profile::Sync => sync,
            Profile::Boxcryptor => Parameters {
                name_coding: AlgorithmId::new("nameio/stream", 2, 1),
                file_iv: FileIvMode::None,
                mac_len: 0,
                allow_holes: true,
                ..sync
            },
            Profile::Standard => Parameters {
                name_coding: AlgorithmId::new("nameio/block", 4, 0),
                key_bits: 192,
                block_len: 1024,
                chained_names: true,
                mac_len: 0,
                allow_holes: true,
                ..sync
            },
            Profile::Paranoia => Parameters {
                name_coding: AlgorithmId::new("nameio/block", 4, 0),
                block_len: 1024,
                file_iv: FileIvMode::External,
                chained_names: true,
                allow_holes: true,
                ..sync
            },
        }
    }

    /// How strong the key derivation should be.
    pub fn iterations(self) -> Iterations {
        match self {
            Profile::Boxcryptor => Iterations::Fixed(5000),
            Profile::Sync | Profile::Standard => Iterations::Timed(500),
            Profile::Paranoia => Iterations::Timed(3000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_passes_the_check() {
        for profile in [Profile::Sync, Profile::Boxcryptor, Profile::Standard, Profile::Paranoia] {
            assert_eq!(profile.parameters().check(), Ok(()), "{profile:?}");
        }
    }
}
