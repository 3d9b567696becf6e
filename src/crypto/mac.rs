//! The 64 bit MAC: HMAC-SHA1\[key\](data) or HMAC-SHA1\[key\](data || LE64(chain)), folded (encfs-format 5.5).

use super::hmac::{HmacKey, State};
use super::wide::{HASH_LANES, WideSha1};

/// Makes the MACs of one key.
pub(super) struct Mac {
    hmac: HmacKey,
    wide: Option<WideSha1>,
}

impl Mac {
    pub(super) fn new(key: &[u8]) -> Mac {
        Mac { hmac: HmacKey::new(key), wide: WideSha1::detect() }
    }

    /// The MAC of one message, with the chain value behind it if there is one.
    pub(super) fn mac64(&self, data: &[u8], chain: Option<u64>) -> u64 {
        let chain = chain.map(u64::to_le_bytes);
        fold(&self.hmac.digest(data, chain.as_ref().map_or(&[], |bytes| bytes)))
    }

    /// The MACs of pieces of `piece_len` bytes, each from its byte `skip` on.
    pub(super) fn fill(&self, macs: &mut [u64], run: &[u8], piece_len: usize, skip: usize) {
        for (macs, pieces) in macs.chunks_mut(HASH_LANES).zip(run.chunks(HASH_LANES * piece_len)) {
            let piece = |index: usize| &pieces[index * piece_len..(index + 1) * piece_len];
            match self.wide {
                Some(wide) if wide.is_worth_messages(macs.len()) => {
                    // lanes without a message of their own do somebody else's work
                    let pieces = std::array::from_fn(|lane| piece(lane.min(macs.len() - 1)));
                    let [a, b, c, d, e] = wide.digests(&self.hmac, pieces, skip);
                    for (i, mac) in macs.iter_mut().enumerate() {
                        *mac = fold(&[a[i], b[i], c[i], d[i], e[i]]);
                    }
                }
                _ => {
                    macs.iter_mut()
                        .enumerate()
                        .for_each(|(i, mac)| *mac = self.mac64(&piece(i)[skip..], None));
                }
            }
        }
    }
}

/// Folds a digest into 8 bytes. The twentieth byte is left out: EncFS does so, and files depend on it.
fn fold([a, b, c, d, e]: &State) -> u64 {
    u64::from(a ^ c ^ (e & 0xffff_ff00)) << 32 | u64::from(b ^ d)
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
