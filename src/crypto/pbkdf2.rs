//! PBKDF2-HMAC-SHA1 (RFC 8018, 5.2).
//!
//! Every 20 bytes of output are a chain of HMACs of their own, each the HMAC of the one before. A chain is as serial
//! as anything can be, but the chains do not wait for each other. What is hashed always is one digest and the same
//! padding behind it, one chunk: an iteration costs two compressions for every chain.

use super::hmac::{HmacKey, State, bytes_of, digest_chunk};
use super::wide::WideChains;
use zeroize::Zeroizing;

/// Fills `out` from a password and a salt, each of any length. No iterations count as one.
pub(super) fn derive(password: &[u8], salt: &[u8], iterations: u32, out: &mut [u8]) {
    derive_on(WideChains::detect(), password, salt, iterations, out);
}

fn derive_on(wide: Option<WideChains>, password: &[u8], salt: &[u8], iterations: u32, out: &mut [u8]) {
    let key = HmacKey::new(password);
    let starts = (1..=out.len().div_ceil(20) as u32).map(|index| key.digest(salt, &index.to_be_bytes()));
    let mut sums = Zeroizing::new(starts.collect::<Vec<State>>());
    match wide {
        Some(wide) if wide.is_worth(sums.len()) => wide.run(&key, &mut sums, iterations),
        _ => sums.iter_mut().for_each(|sum| run(&key, sum, iterations)),
    }
    for (piece, sum) in out.chunks_mut(20).zip(sums.iter()) {
        piece.copy_from_slice(&Zeroizing::new(bytes_of(sum))[..piece.len()]);
    }
}

/// One chain: from its first HMAC to the sum of all.
fn run(key: &HmacKey, sum: &mut State, iterations: u32) {
    let mut chunk = Zeroizing::new(digest_chunk(sum));
    for _ in 1..iterations {
        let digest = Zeroizing::new(key.digest_chunk(&chunk));
        chunk[..20].copy_from_slice(&*Zeroizing::new(bytes_of(&digest)));
        sum.iter_mut().zip(digest.iter()).for_each(|(sum, word)| *sum ^= word);
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_keys::unhex;
    use super::*;
    use sha1::Sha1;

    /// Every way there is on this processor, the portable one first.
    fn ways() -> Vec<Option<WideChains>> {
        std::iter::once(None).chain(WideChains::all().into_iter().map(Some)).collect()
    }

    /// RFC 6070, all but the one that takes 16,777,216 iterations.
    #[test]
    fn published_vectors() {
        for (password, salt, iterations, expected) in [
            (&b"password"[..], &b"salt"[..], 1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"),
            (b"password", b"salt", 2, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"),
            (b"password", b"salt", 4096, "4b007901b765489abead49d926f721d065a429c1"),
            (
                b"passwordPASSWORDpassword",
                b"saltSALTsaltSALTsaltSALTsaltSALTsalt",
                4096,
                "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038",
            ),
            (b"pass\0word", b"sa\0lt", 4096, "56fa6aa75548099dcc37d7f03425e0c3"),
        ] {
            let expected = unhex(expected);
            for wide in ways() {
                let mut made = vec![0; expected.len()];
                derive_on(wide, password, salt, iterations, &mut made);
                assert_eq!(made, expected, "{wide:?} {iterations}");
            }
        }
    }

    /// Any number of chains, the last cut short, from passwords on both sides of a chunk, as the crate has it.
    #[test]
    fn every_way_agrees_with_the_crate() {
        let bytes: Vec<u8> = (0..200_u8).map(|i| i.wrapping_mul(31)).collect();
        for (password_len, salt_len) in [(1, 20), (63, 8), (64, 20), (65, 0), (200, 70)] {
            let (password, salt) = (&bytes[..password_len], &bytes[200 - salt_len..]);
            // AES-128, Blowfish 160, AES-192, AES-256, and what no cipher asks for
            for len in [0, 1, 20, 32, 28, 40, 48, 60, 61, 150] {
                for iterations in [1, 2, 1000] {
                    let mut expected = vec![0; len];
                    ::pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, iterations, &mut expected);
                    for wide in ways() {
                        let mut made = vec![0; len];
                        derive_on(wide, password, salt, iterations, &mut made);
                        assert_eq!(made, expected, "{wide:?} {password_len} {salt_len} {len} {iterations}");
                    }
                }
            }
        }
    }
}
