//! `encbox new`: a new volume.

use super::open::keep_config;
use super::password::PasswordOptions;
use super::{Error, Global, iterations, keyring};
use crate::config::{Config, FileIvMode, Iterations, Parameters, Profile};
use crate::crypto::AlgorithmId;
use crate::volume::{self, OpenError};
use clap::ValueEnum;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Make a new volume
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
A profile sets every parameter; options change single ones. The profiles:\n  \
sync        AES-256, blocks of 4096 bytes with a MAC, names independent of their folders\n  \
boxcryptor  what BoxCryptor Classic wrote: AES-256, no MAC, no file IVs\n  \
standard    as `encfs --standard` of EncFS 1.9.5\n  \
paranoia    as `encfs --paranoia` of EncFS 1.9.5\n\n\
Examples:\n  \
encbox new ~/Dropbox/Private\n  \
encbox new --profile standard --names block32 ~/Dropbox/Private")]
pub(super) struct New {
    /// The folder that will hold the encrypted files; made if it does not exist
    volume: PathBuf,
    #[command(flatten)]
    password: PasswordOptions,
    /// What to begin with
    #[arg(long, value_enum, default_value = "sync")]
    profile: ProfileName,
    /// Make the volume in a folder that is not empty
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    wishes: Wishes,
}

/// Parameters one by one; what is not said is as in the profile.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Parameters")]
struct Wishes {
    /// Cipher
    #[arg(long, value_enum)]
    cipher: Option<CipherName>,
    /// Length of the key: 128, 192 or 256 (Blowfish also 160 and 224)
    #[arg(long, value_name = "BITS")]
    key_bits: Option<u32>,
    /// Size of an encrypted block, a multiple of 16
    #[arg(long, value_name = "BYTES")]
    block_size: Option<u32>,
    /// How names are encoded: block, block32, stream or null, with a version if need be (block:4.0)
    #[arg(long, value_name = "CODING")]
    names: Option<NameCoding>,
    /// Give every file an IV of its own
    #[arg(long, overrides_with = "no_unique_iv")]
    unique_iv: bool,
    /// Let equal files have equal ciphertext
    #[arg(long)]
    no_unique_iv: bool,
    /// Make the encoding of a name depend on the folders above it
    #[arg(long, overrides_with = "no_chained_names")]
    chained_names: bool,
    /// Encode a name the same way in every folder
    #[arg(long)]
    no_chained_names: bool,
    /// Encrypt the IV of a file under its path (needs the two above)
    #[arg(long, overrides_with = "no_external_iv")]
    external_iv: bool,
    /// Leave the IV of a file independent of its path
    #[arg(long)]
    no_external_iv: bool,
    /// Bytes of MAC per block, 0 to 8; with 0, changes to the ciphertext go unnoticed
    #[arg(long, value_name = "BYTES")]
    mac_bytes: Option<u32>,
    /// Random bytes per block
    #[arg(long, value_name = "BYTES")]
    random_bytes: Option<u32>,
    /// Leave blocks of zeros unencrypted, so that sparse files stay sparse
    #[arg(long, overrides_with = "no_holes")]
    holes: bool,
    /// Encrypt blocks of zeros like any other
    #[arg(long)]
    no_holes: bool,
    /// PBKDF2 iterations between the password and its key; without, as many as take half a second on this machine
    #[arg(long, value_name = "NUMBER")]
    iterations: Option<u32>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ProfileName {
    Sync,
    Boxcryptor,
    Standard,
    Paranoia,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum CipherName {
    Aes,
    Blowfish,
    Camellia,
    Null,
}

/// `block`, or `block:4.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NameCoding(AlgorithmId);

impl New {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        if global.config.is_some() {
            return Err(Error::Usage(
                "`new` writes the config into the folder of the volume: leave out --config".into(),
            ));
        }
        let profile = self.profile.profile();
        let parameters = self.wishes.apply(profile.parameters());
        // Before any password is asked for.
        parameters.check().map_err(Error::Parameters)?;
        self.check_folder()?;
        let question = format!("New password of {}", self.volume.display());
        let secret = self.password.source().read_new(&self.volume, &question)?;
        let iterations = match (self.wishes.iterations, profile.iterations()) {
            (Some(iterations), _) | (None, Iterations::Fixed(iterations)) => iterations,
            (None, Iterations::Timed(ms)) => {
                iterations::timed(&parameters, Duration::from_millis(ms.into()))?
            }
        };
        let made = Config::create_with_key(&parameters, &secret.password(), iterations, volume::fill_random);
        let (config, key) = made.map_err(Error::Parameters)?;
        volume::create(&self.volume, &config, self.force)?;
        keep_config(&self.volume, &config, &key);
        if self.password.keyring_save {
            keyring::save(&self.volume, &secret)?;
        }
        global.note(&limits(&parameters));
        Ok(())
    }
}

impl New {
    /// Nothing is asked where nothing can be made. The real check is the one under which the volume is made.
    fn check_folder(&self) -> Result<(), OpenError> {
        let path = self.volume.clone();
        match std::fs::read_dir(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
                Err(OpenError::NotAFolder { path })
            }
            Err(source) => Err(OpenError::Root { path, source }),
            Ok(_) if volume::find_config(&path).is_ok() => Err(OpenError::Exists { path }),
            Ok(mut entries) => match entries.next() {
                Some(_) if !self.force => Err(OpenError::NotEmpty { path }),
                _ => Ok(()),
            },
        }
    }
}

/// What somebody who makes a volume should know before trusting it.
fn limits(parameters: &Parameters) -> String {
    let mut text = String::from(
        "keep the password and a copy of .encfs6.xml: without both, the files are lost. EncFS protects names and \
         contents well against somebody who gets hold of the folder once; less so against somebody who sees many \
         versions of it, as a sync service does: they can tell which blocks of a file changed, put old versions of \
         blocks back, and see sizes, times and the shape of the tree.",
    );
    if parameters.mac_len == 0 {
        text.push_str(
            " This volume has no MACs: whoever changes the ciphertext changes the files, and nobody notices.",
        );
    }
    if parameters.file_iv == FileIvMode::None {
        text.push_str(" It has no file IVs: equal files can be seen to be equal.");
    }
    text
}

impl ProfileName {
    fn profile(self) -> Profile {
        match self {
            ProfileName::Sync => Profile::Sync,
            ProfileName::Boxcryptor => Profile::Boxcryptor,
            ProfileName::Standard => Profile::Standard,
            ProfileName::Paranoia => Profile::Paranoia,
        }
    }
}

impl CipherName {
    /// The current version of the cipher, and the key length that is usual for it.
    fn algorithm(self) -> (AlgorithmId, u32) {
        match self {
            CipherName::Aes => (AlgorithmId::new("ssl/aes", 3, 0), 256),
            CipherName::Blowfish => (AlgorithmId::new("ssl/blowfish", 3, 0), 160),
            CipherName::Camellia => (AlgorithmId::new("ssl/camellia", 3, 0), 256),
            CipherName::Null => (AlgorithmId::new("nullCipher", 1, 0), 0),
        }
    }
}

impl FromStr for NameCoding {
    type Err = String;

    fn from_str(text: &str) -> Result<NameCoding, String> {
        let (name, version) =
            text.split_once(':').map_or((text, None), |(name, version)| (name, Some(version)));
        let current = match name {
            // The version that every reader accepts; 4.0 is the same coding.
            "block" => (3, 0),
            "block32" => (4, 0),
            "stream" => (2, 1),
            "null" => (1, 0),
            _ => return Err("block, block32, stream and null are known".into()),
        };
        let (major, minor) = match version {
            None => current,
            Some(version) => {
                let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
                let number = |digits: &str| digits.parse().map_err(|_| format!("{version} is no version"));
                (number(major)?, number(minor)?)
            }
        };
        Ok(NameCoding(AlgorithmId::new(&format!("nameio/{name}"), major, minor)))
    }
}

impl Wishes {
    /// Changes what was asked for. Whether it goes together is for the config to say.
    fn apply(&self, profile: Parameters) -> Parameters {
        let switch = |on: bool, off: bool, else_: bool| (on || else_) && !off;
        let (cipher, key_bits) = match self.cipher.map(CipherName::algorithm) {
            Some((cipher, key_bits)) => (cipher, key_bits),
            None => (profile.cipher, profile.key_bits),
        };
        let external = switch(self.external_iv, self.no_external_iv, profile.file_iv == FileIvMode::External);
        let unique = switch(self.unique_iv, self.no_unique_iv, profile.file_iv != FileIvMode::None);
        Parameters {
            key_bits: self.key_bits.unwrap_or(key_bits),
            cipher,
            block_len: self.block_size.unwrap_or(profile.block_len),
            name_coding: self.names.clone().map_or(profile.name_coding, |names| names.0),
            file_iv: match (unique, external) {
                (false, _) => FileIvMode::None,
                (true, false) => FileIvMode::Unique,
                (true, true) => FileIvMode::External,
            },
            chained_names: switch(self.chained_names, self.no_chained_names, profile.chained_names),
            mac_len: self.mac_bytes.unwrap_or(profile.mac_len),
            rand_len: self.random_bytes.unwrap_or(profile.rand_len),
            allow_holes: switch(self.holes, self.no_holes, profile.allow_holes),
            plain_data: profile.plain_data,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_codings_with_and_without_a_version() {
        let coding = |text: &str| text.parse::<NameCoding>().map(|coding| coding.0.to_string());
        assert_eq!(coding("block"), Ok(AlgorithmId::new("nameio/block", 3, 0).to_string()));
        assert_eq!(coding("stream:1"), Ok(AlgorithmId::new("nameio/stream", 1, 0).to_string()));
        assert_eq!(coding("block:4.2"), Ok(AlgorithmId::new("nameio/block", 4, 2).to_string()));
        assert!(coding("blok").is_err());
        assert!(coding("block:x").is_err());
    }

    #[test]
    fn a_wish_changes_what_it_names_and_nothing_else() {
        let profile = Profile::Paranoia.parameters();
        assert_eq!(Wishes::default().apply(profile.clone()), profile);
        let wishes = Wishes { no_external_iv: true, mac_bytes: Some(4), ..Wishes::default() };
        let expected = Parameters { file_iv: FileIvMode::Unique, mac_len: 4, ..profile.clone() };
        assert_eq!(wishes.apply(profile), expected);
    }
}
