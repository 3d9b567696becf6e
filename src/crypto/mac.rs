//! The 64 bit MAC: HMAC-SHA1\[key\](data) or HMAC-SHA1\[key\](data || LE64(chain)), folded (encfs-format 5.5).

use hmac::{Hmac, KeyInit, Mac as _};
use sha1::Sha1;

/// Makes the MACs of one key.
pub(super) struct Mac(Hmac<Sha1>);

impl Mac {
    pub(super) fn new(key: &[u8]) -> Mac {
        Mac(Hmac::new_from_slice(key).expect("HMAC takes any key"))
    }

    pub(super) fn mac64(&self, data: &[u8], chain: Option<u64>) -> u64 {
        let mut hmac = self.0.clone();
        hmac.update(data);
        if let Some(chain) = chain {
            hmac.update(&chain.to_le_bytes());
        }
        fold(&hmac.finalize().into_bytes().into())
    }
}

/// Folds a digest into 8 bytes. The twentieth byte is left out: EncFS does so, and files depend on it.
fn fold(digest: &[u8; 20]) -> u64 {
    let mut folded = [0; 8];
    for (i, byte) in digest[..19].iter().enumerate() {
        folded[i % 8] ^= byte;
    }
    u64::from_be_bytes(folded)
}

/// The high half of a MAC_64 combined with the low half.
pub fn mac32(mac64: u64) -> u32 {
    (mac64 >> 32) as u32 ^ mac64 as u32
}

/// The high half of a MAC_32 combined with the low half.
pub fn mac16(mac64: u64) -> u16 {
    let mac = mac32(mac64);
    (mac >> 16) as u16 ^ mac as u16
}

#[cfg(test)]
mod tests {
    use super::super::test_keys::*;
    use super::*;

    /// encfs-format 15.1 (over the volume key, under the user key) and 15.4 (a name, chained and not).
    #[test]
    fn worked_examples() {
        let wrapping = Mac::new(user_key().key()).mac64(&volume_key().joined(), None);
        assert_eq!(wrapping, 0x34f2_2fd1_2b54_9017);
        assert_eq!(mac32(wrapping), 0x1fa6_bfc6);

        let mut padded = b"dir".to_vec();
        padded.resize(16, 13);
        let mac = Mac::new(volume_key().key());
        assert_eq!(mac.mac64(&padded, Some(0)), 0xf285_77a0_167c_f7bd);
        assert_eq!(mac16(0xf285_77a0_167c_f7bd), 0x64e4);
        assert_eq!(mac.mac64(&padded, None), 0x0b45_c830_5f6e_c4d8);
        assert_eq!(mac16(0x0b45_c830_5f6e_c4d8), 0x58c3);
    }
}
