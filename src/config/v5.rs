//! `.encfs5` (encfs-format 4), EncFS 1.1 to 1.4.
//!
//! EncFS 1.9.5 refuses what EncFS 1.4 wrote (revision 20080411, key `allowHoles`); such volumes follow the same
//! rules and are opened here.

use super::binary::Entries;
use super::{Config, Error, FileIvMode, Format, Kdf, Parameters};

const FIRST: u32 = 20_040_813;

pub(super) fn parse(bytes: &[u8]) -> Result<Config, Error> {
    let entries = Entries::parse(bytes)?;
    let revision = entries.required("subVersion")?;
    if revision < FIRST {
        return Err(Error::field("subVersion", format!("{revision} is not a revision")));
    }
    let chained_names = entries.flag("chainedIV")?;
    let parameters = Parameters {
        cipher: entries.algorithm("cipher")?,
        name_coding: entries.algorithm("naming")?,
        key_bits: entries.required("keySize")?,
        block_len: entries.required("blockSize")?,
        plain_data: false,
        file_iv: FileIvMode::from_flags(
            entries.flag("uniqueIV")?,
            chained_names,
            entries.flag("externalIV")?,
        ),
        chained_names,
        mac_len: entries.number("blockMACBytes")?.unwrap_or(0),
        rand_len: entries.number("blockMACRandBytes")?.unwrap_or(0),
        allow_holes: entries.flag("allowHoles")?,
    };
    let creator = String::from_utf8_lossy(&entries.bytes("creator")?).into_owned();
    finish(creator, parameters, entries, |entries| Format::V5 { revision, entries })
}

/// What V5 and V4 have in common: the checks, the wrapped key, and no salt.
pub(super) fn finish(
    creator: String,
    parameters: Parameters,
    entries: Entries,
    format: impl FnOnce(Entries) -> Format,
) -> Result<Config, Error> {
    parameters.check()?;
    let wrapped_key = entries.bytes("keyData")?;
    parameters.check_wrapped_key("keyData", &wrapped_key)?;
    Ok(Config { format: format(entries), creator, parameters, kdf: Kdf::Legacy, wrapped_key })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Password;
    use crate::crypto::test_keys::{unhex, volume_key};

    /// The complete file of encfs-format 15.2, password `test`.
    fn example() -> Vec<u8> {
        let wrapped = "ffaadfd18539969843d22df61fed3b46213dc090738a7fb03588f24133bb9ec889af0a47\
                       ca40742a9dc830b4b4cc28b38b302e3a";
        let key_data = [vec![0x34], unhex(wrapped)].concat();
        let values: [(&[u8], &[u8]); 12] = [
            (b"blockMACBytes", b"\x00"),
            (b"blockMACRandBytes", b"\x00"),
            (b"blockSize", b"\x40"),
            (b"chainedIV", b"\x01"),
            (b"cipher", b"\x07ssl/aes\x03\x00\x00"),
            (b"creator", b"\x0bEncFS 1.9.5"),
            (b"externalIV", b"\x00"),
            (b"keyData", &key_data),
            (b"keySize", b"\x82\x00"),
            (b"naming", b"\x0cnameio/block\x03\x00\x00"),
            (b"subVersion", b"\x89\xc7\x98\x6d"),
            (b"uniqueIV", b"\x01"),
        ];
        let mut file = vec![values.len() as u8];
        for (key, value) in values {
            for part in [key, value] {
                file.push(part.len() as u8);
                file.extend_from_slice(part);
            }
        }
        file
    }

    #[test]
    fn worked_example() {
        let config = parse(&example()).expect("valid");
        assert_eq!(config.to_bytes(), example());
        let password = Password::new(b"test".to_vec()).expect("not empty");
        assert_eq!(config.unlock(&password), Ok(volume_key()));
        assert_eq!(config.parameters().file_iv, FileIvMode::Unique);
        assert!(config.parameters().chained_names);
    }

    #[test]
    fn a_new_password_changes_the_wrapped_key_and_nothing_else() {
        let config = parse(&example()).expect("valid");
        let password = Password::new(b"other".to_vec()).expect("not empty");
        let changed = config.with_password(&volume_key(), &password, 1, |_| ()).expect("valid").to_bytes();
        assert_eq!(parse(&changed).expect("valid").unlock(&password), Ok(volume_key()));
        let differing = changed.iter().zip(example()).filter(|(a, b)| **a != *b).count();
        assert_eq!(changed.len(), example().len());
        assert!(differing <= 52, "{differing} bytes differ");
    }

    #[test]
    fn every_cut_is_refused() {
        for len in 0..example().len() {
            assert!(parse(&example()[..len]).is_err(), "{len}");
        }
    }
}
