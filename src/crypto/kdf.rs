//! From password to user key (encfs-format 6.1 and 6.2).

use super::{CipherSpec, KeyPair, Password, UserKey, pbkdf2};
use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

/// PBKDF2-HMAC-SHA1 (RFC 8018): key and IV in one go. Takes time in proportion to `iterations`.
pub fn pbkdf2_user_key(spec: &CipherSpec, password: &Password, salt: &[u8], iterations: u32) -> UserKey {
    let mut bytes = Zeroizing::new(vec![0; spec.key_len() + spec.iv_len()]);
    pbkdf2::derive(password.as_bytes(), salt, iterations, &mut bytes);
    UserKey(KeyPair::split(&bytes, spec.key_len()))
}

/// The derivation of EncFS before 1.5: OpenSSL's BytesToKey with SHA-1, 16 rounds and no salt.
pub fn legacy_user_key(spec: &CipherSpec, password: &Password) -> UserKey {
    /// Times each piece is hashed.
    const ROUNDS: usize = 16;

    let (made_len, iv_len) = (spec.legacy_key_len(), spec.iv_len());
    let mut bytes = Zeroizing::new(vec![0; spec.key_len() + iv_len]);
    let mut digest = Zeroizing::new([0; 20]);
    for (index, piece) in bytes[..made_len + iv_len].chunks_mut(digest.len()).enumerate() {
        let chained = if index == 0 { &[][..] } else { &*digest };
        let mut hash = Sha1::new_with_prefix(chained).chain_update(password.as_bytes());
        for _ in 1..ROUNDS {
            hash.finalize_into((&mut *digest).into());
            hash = Sha1::new_with_prefix(*digest);
        }
        hash.finalize_into((&mut *digest).into());
        piece.copy_from_slice(&digest[..piece.len()]);
    }
    // what was not made for the key is zeros behind it
    bytes.copy_within(made_len..made_len + iv_len, spec.key_len());
    bytes[made_len..spec.key_len()].fill(0);
    UserKey(KeyPair::split(&bytes, spec.key_len()))
}

#[cfg(test)]
mod tests {
    use super::super::AlgorithmId;
    use super::super::test_keys::*;
    use super::*;

    /// encfs-format 15.1.
    #[test]
    fn pbkdf2_worked_example() {
        let made = pbkdf2_user_key(&spec(), &password(), &salt(), 1000);
        assert_eq!(made.key(), unhex("2d034db133bb2b6aaf9e0d3ba739a7b90bd1a0da3d110ee38f501b2fb7abf88c"));
        assert_eq!(made.iv(), unhex("663eb2782532ebe73dbba5de72664c13"));
    }

    /// encfs-format 15.2.
    #[test]
    fn legacy_worked_example() {
        let made = legacy_user_key(&spec(), &password());
        assert_eq!(made.key(), unhex("807666a31d693194c8a3c08249ab6d3b9467523e3aff9fd6363de5e096ef333f"));
        assert_eq!(made.iv(), unhex("72a406a501e24679d2d97fd7c3a34257"));
    }

    /// encfs-format 6.2: Blowfish version 1 derives 16 + 8 bytes and pads the key with zeros.
    #[test]
    fn legacy_blowfish_version_1_pads_its_key() {
        let wide = CipherSpec::new(&AlgorithmId::new("ssl/blowfish", 1, 0), 160).expect("exists");
        let made = legacy_user_key(&wide, &password());
        let all = unhex("807666a31d693194c8a3c08249ab6d3b9467523e3aff9fd6");
        assert_eq!(made.key()[..16], all[..16]);
        assert_eq!(made.key()[16..], [0; 4]);
        assert_eq!(made.iv(), &all[16..]);
    }
}
