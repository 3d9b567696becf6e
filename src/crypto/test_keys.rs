//! The keys of the worked examples (encfs-format 15): AES-256 3:0, password `test`, 1000 iterations, salt
//! `808182…93`, volume key `000102…1f`, volume iv `a0a1…af`.

use super::{AlgorithmId, CipherSpec, KeyPair, Password, UserKey, VolumeKey, pbkdf2_user_key};

pub(crate) fn spec() -> CipherSpec {
    CipherSpec::new(&AlgorithmId::new("ssl/aes", 3, 0), 256).expect("AES-256 exists")
}

pub(crate) fn password() -> Password {
    Password::new(b"test".to_vec()).expect("not empty")
}

pub(crate) fn salt() -> Vec<u8> {
    (0x80..0x94).collect()
}

pub(crate) fn user_key() -> UserKey {
    pbkdf2_user_key(&spec(), &password(), &salt(), 1000)
}

pub(crate) fn volume_key() -> VolumeKey {
    VolumeKey(counting_pair(&spec()))
}

/// Key bytes that count up from 0, IV bytes that count up from a0.
pub(crate) fn counting_pair(spec: &CipherSpec) -> KeyPair {
    let iv_len = if spec.is_null() { 0 } else { spec.iv_len() as u8 };
    let bytes: Vec<u8> = (0..spec.key_len() as u8).chain(0xa0..0xa0 + iv_len).collect();
    KeyPair::split(&bytes, spec.key_len())
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).expect("hex") as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
