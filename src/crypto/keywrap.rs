//! The volume key wrapped with the user key (encfs-format 6.3).
//!
//! ```text
//! wrapped = BE32(MAC_32[user key](volume key || volume iv)) || stream coding of (volume key || volume iv)
//! ```
//!
//! The checksum is the seed of the coding and the only check: a mismatch means a wrong password or a damaged
//! key, and the format cannot tell which.

use super::mac::mac32;
use super::{CipherSpec, Error, KeyPair, UserKey, VolumeKey};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Bytes of the checksum in front of a wrapped key.
const CHECKSUM_LEN: usize = 4;

/// Wraps the volume key; fails if one of the keys is none of this cipher. Deterministic.
pub fn wrap_key(spec: &CipherSpec, user_key: &UserKey, volume_key: &VolumeKey) -> Result<Vec<u8>, Error> {
    let cipher = spec.open(user_key)?;
    spec.check(volume_key)?;
    if spec.is_null() {
        return Ok(Vec::new());
    }
    let mut body = volume_key.joined();
    let checksum = mac32(cipher.mac64(&body, None));
    cipher.encode_stream(&mut body, checksum.into());
    Ok([&checksum.to_be_bytes()[..], &body].concat())
}

/// Unwraps the volume key; fails on a key or wrapped key of another length, or on a checksum that does not match.
pub fn unwrap_key(spec: &CipherSpec, user_key: &UserKey, wrapped: &[u8]) -> Result<VolumeKey, Error> {
    let (key, matches) = unwrap_any_key(spec, user_key, wrapped)?;
    if matches { Ok(key) } else { Err(Error::Checksum) }
}

/// The same, but gives whatever comes out, and whether its checksum matches.
pub fn unwrap_any_key(
    spec: &CipherSpec,
    user_key: &UserKey,
    wrapped: &[u8],
) -> Result<(VolumeKey, bool), Error> {
    if wrapped.len() != spec.wrapped_len() {
        return Err(Error::WrappedLen { len: wrapped.len(), expected: spec.wrapped_len() });
    }
    let Some((checksum, body)) = wrapped.split_first_chunk::<CHECKSUM_LEN>() else {
        return Ok((VolumeKey(KeyPair::split(&[], 0)), true)); // the null cipher has no key
    };
    let cipher = spec.open(user_key)?;
    let mut body = Zeroizing::new(body.to_vec());
    cipher.decode_stream(&mut body, u32::from_be_bytes(*checksum).into());
    let computed = mac32(cipher.mac64(&body, None)).to_be_bytes();
    Ok((VolumeKey(KeyPair::split(&body, spec.key_len())), computed.ct_eq(checksum).into()))
}

#[cfg(test)]
mod tests {
    use super::super::kdf::legacy_user_key;
    use super::super::test_keys::*;
    use super::super::{AlgorithmId, Password, pbkdf2_user_key};
    use super::*;

    /// encfs-format 15.1, 15.2 and the Blowfish one of 15.5.
    #[test]
    fn worked_examples() {
        let expected = "1fa6bfc65e8d35e908c6aba3294ba657250cef4e1117b8c02d3be2c9063fff271e8d690e\
                        860fa2e1170a212f2d595d69b68014b5";
        assert_eq!(wrap_key(&spec(), &user_key(), &volume_key()), Ok(unhex(expected)));
        assert_eq!(unwrap_key(&spec(), &user_key(), &unhex(expected)), Ok(volume_key()));

        let expected = "ffaadfd18539969843d22df61fed3b46213dc090738a7fb03588f24133bb9ec889af0a47\
                        ca40742a9dc830b4b4cc28b38b302e3a";
        let old = legacy_user_key(&spec(), &password());
        assert_eq!(wrap_key(&spec(), &old, &volume_key()), Ok(unhex(expected)));

        let blowfish = CipherSpec::new(&AlgorithmId::new("ssl/blowfish", 3, 0), 160).expect("exists");
        let user = pbkdf2_user_key(&blowfish, &password(), &salt(), 1000);
        assert_eq!(
            wrap_key(&blowfish, &user, &VolumeKey(counting_pair(&blowfish))),
            Ok(unhex("f66329615e844d175274dbf559549ff89efed6c5e5479eaf6118c44ba225b94e"))
        );
    }

    #[test]
    fn a_wrong_password_or_a_flipped_bit_fails_the_checksum() {
        let mut wrapped = wrap_key(&spec(), &user_key(), &volume_key()).expect("they fit");
        let other = Password::new(b"tset".to_vec()).expect("not empty");
        let wrong = pbkdf2_user_key(&spec(), &other, &salt(), 1000);
        assert_eq!(unwrap_key(&spec(), &wrong, &wrapped), Err(Error::Checksum));
        let (other_key, matches) = unwrap_any_key(&spec(), &wrong, &wrapped).expect("of the right length");
        assert!(!matches && other_key != volume_key(), "another password, another volume");
        wrapped[20] ^= 1;
        assert_eq!(unwrap_key(&spec(), &user_key(), &wrapped), Err(Error::Checksum));
        wrapped.pop();
        assert_eq!(
            unwrap_key(&spec(), &user_key(), &wrapped),
            Err(Error::WrappedLen { len: 51, expected: 52 })
        );
    }

    #[test]
    fn keys_of_another_cipher_are_refused() {
        let blowfish = CipherSpec::new(&AlgorithmId::new("ssl/blowfish", 3, 0), 160).expect("exists");
        let (user, volume) = (UserKey(counting_pair(&blowfish)), VolumeKey(counting_pair(&blowfish)));
        let refused = Error::KeyLen { cipher: "ssl/aes", key_len: 20, iv_len: 8 };
        assert_eq!(wrap_key(&spec(), &user, &volume_key()), Err(refused.clone()));
        assert_eq!(wrap_key(&spec(), &user_key(), &volume), Err(refused.clone()));
        assert_eq!(unwrap_key(&spec(), &user, &[0; 52]), Err(refused));
    }
}
