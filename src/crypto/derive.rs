//! Keys for what encbox itself seals, derived from the volume key. EncFS knows nothing of them.

use super::VolumeKey;
use hkdf::Hkdf;
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// A key of 32 bytes for one purpose. Who has it learns nothing of the key that it comes from.
#[derive(Clone)]
pub struct DerivedKey(Zeroizing<[u8; 32]>);

impl VolumeKey {
    /// `HKDF-SHA256(ikm: key || iv, salt, info: label)`, 32 bytes (RFC 5869). It stays when the password changes. With
    /// the null cipher there is no key, and anybody can derive what is derived from it.
    pub fn derive(&self, salt: &[u8], label: &str) -> DerivedKey {
        expand(&self.joined(), salt, label.as_bytes())
    }
}

impl DerivedKey {
    /// `HKDF-SHA256(ikm: this key, salt, info: label)`, 32 bytes.
    pub fn derive(&self, salt: &[u8], label: &str) -> DerivedKey {
        expand(&*self.0, salt, label.as_bytes())
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

fn expand(key: &[u8], salt: &[u8], label: &[u8]) -> DerivedKey {
    let mut derived = Zeroizing::new([0; 32]);
    let hkdf = Hkdf::<Sha256>::new(Some(salt), key);
    hkdf.expand(label, &mut *derived).expect("32 bytes are fewer than HKDF-SHA256 can give");
    DerivedKey(derived)
}

impl fmt::Debug for DerivedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DerivedKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::super::KeyPair;
    use super::*;

    /// RFC 5869, test case 1, whose 42 bytes begin with these 32.
    #[test]
    fn the_published_vector() {
        let (salt, label): (Vec<u8>, Vec<u8>) = ((0..=0x0c).collect(), (0xf0..=0xf9).collect());
        let derived = expand(&[0x0b; 22], &salt, &label);
        let hex: String = derived.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
    }

    #[test]
    fn another_salt_or_label_or_key_is_another_key() {
        let key = VolumeKey(KeyPair::split(b"0123456789abcdef", 12));
        let derived = key.derive(b"", "one");
        assert_eq!(derived.as_bytes(), key.derive(b"", "one").as_bytes());
        for other in [key.derive(b"", "two"), key.derive(b"salt", "one"), derived.derive(b"", "one")] {
            assert_ne!(derived.as_bytes(), other.as_bytes());
        }
        assert_eq!(format!("{derived:?}"), "DerivedKey(…)");
    }
}
