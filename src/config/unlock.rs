//! From a config and a password to the volume key, from there to its cipher, and back to a config under another password.

use super::{Config, Error, Format, Kdf, Parameters, v6};
use crate::crypto;
use crate::crypto::{
    Cipher, CipherSpec, FillRandom, KeyPair, Password, UserKey, VolumeKey, legacy_user_key, pbkdf2_user_key,
    unwrap_any_key, unwrap_key, wrap_key,
};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Bytes of a new salt.
const SALT_LEN: usize = 20;

impl Config {
    /// A new V6 config around a fresh volume key. Takes the time of one key derivation.
    pub fn create(
        parameters: &Parameters,
        password: &Password,
        iterations: u32,
        random: FillRandom,
    ) -> Result<Config, Error> {
        Config::create_with_key(parameters, password, iterations, random).map(|(config, _)| config)
    }

    /// The same, with the key that is in it.
    pub fn create_with_key(
        parameters: &Parameters,
        password: &Password,
        iterations: u32,
        random: FillRandom,
    ) -> Result<(Config, VolumeKey), Error> {
        parameters.check()?;
        let spec = parameters.cipher_spec()?;
        let key_len = spec.wrapped_len().saturating_sub(4);
        let mut key = Zeroizing::new(vec![0; key_len]);
        random(&mut key);
        let key = VolumeKey(KeyPair::split(&key, spec.key_len()));
        Ok((Config::around(parameters, &key, password, iterations, random)?, key))
    }

    /// A new V6 config around a volume key that is there already; fails on the key of another cipher. Takes the time of
    /// one key derivation.
    pub fn around(
        parameters: &Parameters,
        key: &VolumeKey,
        password: &Password,
        iterations: u32,
        random: FillRandom,
    ) -> Result<Config, Error> {
        parameters.check()?;
        v6::check_iterations(iterations)?;
        let blank = Config {
            format: Format::V6 { revision: v6::REVISION, kdf_duration_ms: v6::DEFAULT_KDF_DURATION_MS },
            creator: concat!("encbox ", env!("CARGO_PKG_VERSION")).to_owned(),
            parameters: parameters.clone(),
            kdf: Kdf::Legacy,
            wrapped_key: Vec::new(),
        };
        blank.with_password(key, password, iterations, random)
    }

    /// The volume key; fails with [`Error::Password`] if the key checksum does not match.
    ///
    /// Takes the time that the volume's creator chose for the key derivation.
    pub fn unlock(&self, password: &Password) -> Result<VolumeKey, Error> {
        let spec = self.parameters.cipher_spec()?;
        let user_key = self.kdf.user_key(&spec, password);
        unwrap_key(&spec, &user_key, &self.wrapped_key).map_err(|error| match error {
            crypto::Error::Checksum => Error::Password,
            other => Error::field("encodedKeyData", other.to_string()),
        })
    }

    /// Whatever volume key this password leads to, right or wrong: with `--anykey` of encfs(1) one folder holds
    /// the files of several keys, and each sees its own.
    pub fn unlock_any(&self, password: &Password) -> Result<VolumeKey, Error> {
        let spec = self.parameters.cipher_spec()?;
        let user_key = self.kdf.user_key(&spec, password);
        let unwrapped = unwrap_any_key(&spec, &user_key, &self.wrapped_key);
        unwrapped.map(|(key, _)| key).map_err(|error| Error::field("encodedKeyData", error.to_string()))
    }

    /// The volume key wrapped with itself, which is what `encfsctl showKey` shows.
    pub fn wrapped_in_itself(&self, key: &VolumeKey) -> Result<Vec<u8>, Error> {
        wrap_key(&self.parameters.cipher_spec()?, &UserKey(key.0.clone()), key).map_err(misfit)
    }

    /// The volume's cipher with its key in place; fails on the key of a volume with another cipher.
    pub fn cipher(&self, key: &VolumeKey) -> Result<Arc<dyn Cipher>, Error> {
        self.parameters.cipher_spec()?.open(key).map_err(misfit)
    }

    /// The same volume under another password: the volume key wrapped anew, everything else as it was.
    ///
    /// A V6 config gets PBKDF2 with a fresh salt and `iterations`, and the revision that says so. V5 and V4
    /// have no salt and stay what they are.
    pub fn with_password(
        &self,
        key: &VolumeKey,
        password: &Password,
        iterations: u32,
        random: FillRandom,
    ) -> Result<Config, Error> {
        let spec = self.parameters.cipher_spec()?;
        let mut config = self.clone();
        if let Format::V6 { revision, .. } = &mut config.format {
            v6::check_iterations(iterations)?;
            *revision = (*revision).max(v6::REVISION);
            let mut salt = vec![0; SALT_LEN];
            random(&mut salt);
            config.kdf = Kdf::Pbkdf2 { iterations, salt };
        }
        config.wrapped_key = wrap_key(&spec, &config.kdf.user_key(&spec, password), key).map_err(misfit)?;
        if let Format::V5 { entries, .. } | Format::V4 { entries } = &mut config.format {
            entries.set_key_data(&config.wrapped_key);
        }
        Ok(config)
    }
}

fn misfit(error: crypto::Error) -> Error {
    Error::field("keySize", error.to_string())
}

impl Kdf {
    fn user_key(&self, spec: &CipherSpec, password: &Password) -> UserKey {
        match self {
            _ if spec.is_null() => UserKey(KeyPair::split(&[], 0)),
            Kdf::Pbkdf2 { iterations, salt } => pbkdf2_user_key(spec, password, salt, *iterations),
            Kdf::Legacy => legacy_user_key(spec, password),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FileKind, Profile};
    use super::*;

    fn counting(bytes: &mut [u8]) {
        bytes.iter_mut().zip(0x80..).for_each(|(byte, value)| *byte = value);
    }

    fn password(text: &str) -> Password {
        Password::new(text.as_bytes().to_vec()).expect("not empty")
    }

    #[test]
    fn a_new_config_reads_back_and_opens_with_its_password_only() {
        for profile in [Profile::Sync, Profile::Boxcryptor, Profile::Standard, Profile::Paranoia] {
            let config =
                Config::create(&profile.parameters(), &password("one"), 10, counting).expect("valid");
            let read = Config::parse(FileKind::V6, &config.to_bytes()).expect("just written");
            assert_eq!(read.parameters(), &profile.parameters());
            let key = read.unlock(&password("one")).expect("the right password");
            assert_eq!(read.unlock(&password("two")), Err(Error::Password));
            assert_eq!(read.unlock_any(&password("one")).as_ref(), Ok(&key));
            assert_ne!(read.unlock_any(&password("two")).as_ref(), Ok(&key));

            let changed = read.with_password(&key, &password("two"), 11, counting).expect("valid");
            let read = Config::parse(FileKind::V6, &changed.to_bytes()).expect("just written");
            assert_eq!(read.unlock(&password("two")), Ok(key));
            assert_eq!(read.unlock(&password("one")), Err(Error::Password));
            assert!(matches!(read.kdf(), Kdf::Pbkdf2 { iterations: 11, .. }));
        }
    }

    #[test]
    fn the_key_of_a_volume_with_another_cipher_is_refused() {
        let made = |profile: Profile| Config::create(&profile.parameters(), &password("x"), 1, counting);
        let (config, other) = (made(Profile::Sync).expect("valid"), made(Profile::Standard).expect("valid"));
        let key = other.unlock(&password("x")).expect("the right password");
        assert!(other.cipher(&key).is_ok());
        let refused = |result| matches!(result, Err(Error::Field { field: "keySize", .. }));
        assert!(refused(config.cipher(&key).map(drop)));
        assert!(refused(config.with_password(&key, &password("x"), 1, counting).map(drop)));
    }

    #[test]
    fn no_iterations_or_far_too_many_are_refused() {
        for iterations in [0, u32::MAX] {
            let made = Config::create(&Profile::Sync.parameters(), &password("x"), iterations, counting);
            assert!(matches!(made, Err(Error::Field { field: "kdfIterations", .. })));
        }
    }
}
