//! The seal of an object, and its size.
//!
//! ```text
//!  0   8  "encboxt1"
//!  8  32  salt, random
//! 40   …  AES-256-GCM of the text below, tag of 16 bytes last
//!
//!  0   8  length of what follows, without padding (little endian)
//!  8   …  gzip (RFC 1952) of JSON (RFC 8259) in UTF-8
//!  …   …  zeros, so that the text has the length of its class
//! ```
//!
//! The key is `HKDF-SHA256(index key, salt, "encbox: object")`, used for this object alone, so the nonce is 12 zero
//! bytes. `<device>/<name>` is authenticated with it: no object passes for another.

use crate::crypto::DerivedKey;
use crate::volume::fill_random;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::de::DeserializeOwned;
use std::io::{self, BufReader, BufWriter, Read, Write};

const MAGIC: &[u8; 8] = b"encboxt1";
const SALT_LEN: usize = 32;
const HEADER_LEN: usize = MAGIC.len() + SALT_LEN;
const TAG_LEN: usize = 16;
const LENGTH_LEN: usize = 8;
const LABEL: &str = "encbox: object";
/// The smallest class.
const CLASS_MIN: usize = 4096;
/// An object of more than this is none of ours: a million entries have some 40 MB.
pub(super) const LEN_MAX: usize = 1 << 28;
/// Nor is one with more JSON than this.
const JSON_MAX: u64 = 1 << 30;

/// Seals the JSON that `write` writes. `name` is `<device>/<name>`.
pub(super) fn seal(
    key: &DerivedKey,
    name: &str,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<Vec<u8>> {
    let mut salt = [0; SALT_LEN];
    fill_random(&mut salt);
    let mut object = [&MAGIC[..], &salt, &[0; LENGTH_LEN]].concat();
    let start = object.len();
    let mut packed = BufWriter::new(GzEncoder::new(object, Compression::best()));
    write(&mut packed)?;
    object = packed.into_inner().map_err(io::IntoInnerError::into_error)?.finish()?;
    let len = object.len() - start;
    object[HEADER_LEN..start].copy_from_slice(&(len as u64).to_le_bytes());
    object.resize(HEADER_LEN + class_of(LENGTH_LEN + len), 0);
    let tag = aead(key, &salt)
        .encrypt_inout_detached(&nonce(), name.as_bytes(), (&mut object[HEADER_LEN..]).into())
        .map_err(|_| io::Error::other("too much for AES-GCM"))?;
    object.extend_from_slice(&tag);
    Ok(object)
}

/// Opens an object; `None` if it is damaged, cut, another one, or sealed under another key.
pub(super) fn open<T: DeserializeOwned>(key: &DerivedKey, name: &str, mut object: Vec<u8>) -> Option<T> {
    let sealed_len = object.len().checked_sub(HEADER_LEN + TAG_LEN)?;
    if sealed_len < LENGTH_LEN || !object.starts_with(MAGIC) {
        return None;
    }
    let (header, sealed) = object.split_at_mut(HEADER_LEN);
    let (text, tag) = sealed.split_at_mut(sealed_len);
    let tag = (&*tag).try_into().ok()?;
    aead(key, &header[MAGIC.len()..])
        .decrypt_inout_detached(&nonce(), name.as_bytes(), (&mut *text).into(), tag)
        .ok()?;
    let (len, packed) = text.split_first_chunk()?;
    let packed = packed.get(..usize::try_from(u64::from_le_bytes(*len)).ok()?)?;
    serde_json::from_reader(BufReader::new(GzDecoder::new(packed).take(JSON_MAX))).ok()
}

fn aead(key: &DerivedKey, salt: &[u8]) -> Aes256Gcm {
    Aes256Gcm::new(key.derive(salt, LABEL).as_bytes().into())
}

fn nonce() -> Nonce<<Aes256Gcm as aes_gcm::aead::AeadCore>::NonceSize> {
    [0; 12].into()
}

/// The length that a text is padded to: at most an eighth more, so that sizes tell little. Of the length all bits count
/// but the last `e - s`, where `e` is the number of its highest bit and `s` the number of bits in `e` (Padmé; Nikitin et
/// al. 2019).
fn class_of(len: usize) -> usize {
    let len = len.max(CLASS_MIN);
    let highest = len.ilog2();
    let zeros = highest - (highest.ilog2() + 1);
    len.next_multiple_of(1 << zeros)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{KeyPair, VolumeKey};

    fn key(of: &[u8; 28]) -> DerivedKey {
        VolumeKey(KeyPair::split(of, 12)).derive(b"", "test")
    }

    fn sealed(key: &DerivedKey, name: &str, content: &impl serde::Serialize) -> Vec<u8> {
        seal(key, name, |text| Ok(serde_json::to_writer(text, content)?)).expect("sealed")
    }

    #[test]
    fn there_and_back_and_nothing_else() {
        let (ours, other) = (key(b"0123456789abcdefghijklmnopqr"), key(b"0123456789abcdefghijklmnopqs"));
        let content = vec!["one".to_owned(), "two".repeat(5000)];
        let object = sealed(&ours, "d/root", &content);
        assert_eq!(object.len(), HEADER_LEN + CLASS_MIN + TAG_LEN);
        let opened = |key, name, object: &[u8]| open::<Vec<String>>(key, name, object.to_vec());
        assert_eq!(opened(&ours, "d/root", &object), Some(content));
        assert_eq!(opened(&other, "d/root", &object), None);
        assert_eq!(opened(&ours, "e/root", &object), None);
        for at in [0, 8, 39, 40, 60, object.len() - 17, object.len() - 1] {
            let mut damaged = object.clone();
            damaged[at] ^= 1;
            assert_eq!(opened(&ours, "d/root", &damaged), None, "byte {at}");
        }
        for len in (0..80).chain([object.len() - 1]) {
            assert_eq!(opened(&ours, "d/root", &object[..len]), None, "{len} bytes");
        }
        assert_ne!(sealed(&ours, "d/root", &"again")[8..40], object[8..40], "a salt each");
    }

    /// The worked example of docs/index-format.md.
    #[test]
    fn the_object_of_the_page() {
        let joined: Vec<u8> = (0..32).chain(0xa0..0xb0).collect();
        let key = VolumeKey(KeyPair::split(&joined, 32)).derive(b"", "encbox: travelling index, version 1");
        assert_eq!(key.as_bytes()[..4], [0xa8, 0x97, 0x6d, 0xc8]);
        let object = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/travelling/object"));
        let opened: Option<serde_json::Value> =
            open(&key, "0123456789abcdef/root", object.expect("it is frozen"));
        assert_eq!(opened, Some(serde_json::json!({ "a": 1 })));
    }

    #[test]
    fn what_is_sealed_but_makes_no_sense_is_refused() {
        let ours = key(b"0123456789abcdefghijklmnopqr");
        let object = sealed(&ours, "d/root", &"a string");
        assert_eq!(open::<Vec<String>>(&ours, "d/root", object.clone()), None);
        assert_eq!(open::<String>(&ours, "d/root", object).as_deref(), Some("a string"));
    }

    #[test]
    fn classes_are_few_and_near() {
        assert_eq!((class_of(1), class_of(4096), class_of(4097)), (4096, 4096, 4352));
        for len in (4096..3_000_000).step_by(997) {
            let class = class_of(len);
            assert!(class >= len && class - len <= len / 8, "{len}: {class}");
            assert_eq!(class_of(class), class);
        }
        let classes: std::collections::BTreeSet<_> = (1 << 19..1 << 20).map(class_of).collect();
        assert!(classes.len() < 40, "{}", classes.len());
    }
}
