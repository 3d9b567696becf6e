//! Secrets as types: erased when dropped, printed as a placeholder.

use super::hmac::{HmacKey, bytes_of};
use std::fmt;
use std::ops::Deref;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A password, as the bytes that were typed; never empty (EncFS refuses the empty password).
#[derive(Clone)]
pub struct Password(Zeroizing<Vec<u8>>);

impl Password {
    /// Takes the bytes over; `None` if there are none.
    pub fn new(bytes: Vec<u8>) -> Option<Password> {
        let bytes = Zeroizing::new(bytes);
        (!bytes.is_empty()).then_some(Password(bytes))
    }

    /// The bytes, for a key derivation or for handing the password to another process of ours.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// What every key of the format is made of: the key proper and an IV of one cipher block.
///
/// Of any lengths; [`CipherSpec::open`](super::CipherSpec::open) takes those of its cipher.
#[derive(Clone)]
pub struct KeyPair {
    key: Zeroizing<Vec<u8>>,
    iv: Zeroizing<Vec<u8>>,
}

impl KeyPair {
    /// Splits `bytes` after the first `key_len`; of fewer, nothing is left for the IV.
    pub fn split(bytes: &[u8], key_len: usize) -> KeyPair {
        let (key, iv) = bytes.split_at(key_len.min(bytes.len()));
        KeyPair { key: Zeroizing::new(key.to_vec()), iv: Zeroizing::new(iv.to_vec()) }
    }

    /// keySize / 8 bytes.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// One cipher block: 16 bytes, 8 for Blowfish.
    pub fn iv(&self) -> &[u8] {
        &self.iv
    }

    /// `key || iv`.
    pub fn joined(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new([self.key.as_slice(), self.iv.as_slice()].concat())
    }
}

/// In constant time for keys of the same lengths.
impl PartialEq for KeyPair {
    fn eq(&self, other: &KeyPair) -> bool {
        (self.key.ct_eq(&other.key) & self.iv.ct_eq(&other.iv)).into()
    }
}

impl Eq for KeyPair {}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({} + {} bytes)", self.key.len(), self.iv.len())
    }
}

/// The key derived from the password; it only wraps the volume key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserKey(pub KeyPair);

/// The key that encrypts names and contents; it survives changes of the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeKey(pub KeyPair);

impl VolumeKey {
    /// HMAC-SHA1 of some bytes under `key || iv`, a key that the format uses for nothing: who has seen it can tell
    /// whether somebody else has the same key and the same bytes, and nothing besides. Without a key, as with the
    /// null cipher, everybody can make it.
    pub fn seal(&self, bytes: &[u8]) -> [u8; 20] {
        bytes_of(&HmacKey::new(&self.joined()).digest(bytes, &[]))
    }
}

impl Deref for UserKey {
    type Target = KeyPair;
    fn deref(&self) -> &KeyPair {
        &self.0
    }
}

impl Deref for VolumeKey {
    type Target = KeyPair;
    fn deref(&self) -> &KeyPair {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_print_as_placeholders() {
        let password = Password::new(b"hunter2".to_vec()).expect("not empty");
        let pair = KeyPair::split(b"0123456789abcdef", 12);
        let shown = format!("{password:?} {pair:?} {:?}", VolumeKey(pair.clone()));
        assert_eq!(shown, "Password(…) KeyPair(12 + 4 bytes) VolumeKey(KeyPair(12 + 4 bytes))");
    }

    #[test]
    fn keys_are_equal_in_every_byte_or_not_at_all() {
        let pair = KeyPair::split(b"0123456789abcdef", 12);
        assert_eq!(pair, pair.clone());
        for (bytes, key_len) in
            [(b"0123456789abcdef", 11), (b"0123456789abcdeg", 12), (b"1123456789abcdef", 12)]
        {
            assert_ne!(pair, KeyPair::split(bytes, key_len));
        }
    }

    #[test]
    fn a_seal_is_an_hmac_under_the_whole_key() {
        use ::hmac::{Hmac, KeyInit, Mac};
        let key = VolumeKey(KeyPair::split(b"0123456789abcdef", 12));
        let expected = Hmac::<sha1::Sha1>::new_from_slice(b"0123456789abcdef").expect("any length");
        assert_eq!(key.seal(b"bytes")[..], expected.chain_update(b"bytes").finalize().into_bytes()[..]);
        assert_ne!(key.seal(b"bytes"), VolumeKey(KeyPair::split(b"0123456789abcdeg", 12)).seal(b"bytes"));
    }

    #[test]
    fn the_empty_password_is_refused() {
        assert!(Password::new(Vec::new()).is_none());
    }
}
