//! Opening a volume that has its files and its key, but no config: what it was made with shows in its names and blocks.
//!
//! Names come first, for each carries a checksum of 16 bits that only the right coding fits. Then contents: MACs where
//! there are any, otherwise the look of plaintext. What does not show at all is taken from the profile that is closest,
//! and said to be so.

use super::program::Parameter;
use super::samples::NamesSeen;
use super::trials;
use crate::config;
use crate::config::{Config, FileIvMode, Parameters, Profile};
use crate::crypto::{AlgorithmId, CipherSpec, KeyPair, Password, VolumeKey, families};
use crate::volume;
use crate::volume::{OpenError, OpenOptions, Volume};
use std::path::Path;

/// Bits of evidence beyond what chance makes up for.
const MARGIN: f64 = 12.0;

/// Name codings that differ; of those that are the same the one that most programs read. Without chaining more are.
const CODINGS: [(&str, u32, u32); 7] = [
    ("nameio/block", 3, 0),
    ("nameio/stream", 2, 1),
    ("nameio/block32", 4, 0),
    ("nameio/stream", 1, 0),
    ("nameio/block", 2, 0),
    ("nameio/block32", 2, 0),
    ("nameio/stream", 0, 0),
];
/// The one that is no coding at all, so that it fits everything.
const PLAIN_NAMES: &str = "nameio/null";

/// What a volume was made with, as far as it shows.
#[derive(Debug, Clone)]
pub struct Recovered {
    /// The key, as the cipher takes it.
    pub key: VolumeKey,
    /// The parameters, which make a config.
    pub parameters: Parameters,
    /// Names that decode under the key.
    pub names: u64,
    /// Names that were tried.
    pub names_tried: u64,
    /// Files whose contents fit.
    pub files: u64,
    /// Files whose contents were tried.
    pub files_tried: u64,
    /// What does not show in the volume, and is a guess.
    pub assumed: Vec<Parameter>,
}

/// Why nothing could be recovered.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// No cipher has keys of this length.
    #[error("a key of {0} bytes fits no cipher")]
    KeyLen(usize),
    /// The key belongs to another volume, or this folder is none.
    #[error("nothing in the folder is encrypted with this key, in any way that is known")]
    NothingFits,
    /// The folder cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Something in the folder cannot be read.
    #[error(transparent)]
    Volume(#[from] volume::Error),
    /// The parameters that were found make no config.
    #[error(transparent)]
    Config(#[from] config::Error),
}

/// Finds out what the volume in `root` was made with. `key` is the volume key and its IV, one behind the other, as
/// [`KeyPair::joined`] gives it. Where a config is there, `known` are its parameters, and nothing but whether they fit is
/// left to find out.
pub fn recover(root: &Path, key: &[u8], known: Option<&Parameters>) -> Result<Recovered, RecoverError> {
    let mut ciphers = ciphers(key.len());
    if let Some(known) = known {
        // minor versions are the same to every reader
        let version = |id: &AlgorithmId| (id.name.clone(), id.major);
        ciphers.retain(|(cipher, bits)| (version(cipher), *bits) == (version(&known.cipher), known.key_bits));
    }
    if ciphers.is_empty() {
        return Err(RecoverError::KeyLen(key.len()));
    }
    let mut best: Option<Candidate> = None;
    let mut tries = 0_u64;
    for (cipher, key_bits) in &ciphers {
        let key = split(cipher, *key_bits, key)?;
        for (coding, chained) in codings(known) {
            tries += 1;
            let parameters = Candidate::parameters(cipher, *key_bits, coding, chained);
            let seen = NamesSeen::walk(&open(root, &parameters, &key)?)?;
            if best.as_ref().is_none_or(|best| seen.bits > best.seen.bits) {
                best = Some(Candidate { parameters, key: key.clone(), seen });
            }
        }
    }
    let proved = |best: &Candidate| best.seen.bits >= ((tries * best.seen.tried) as f64).log2() + MARGIN;
    match best {
        Some(best) if proved(&best) => best.with_contents(known),
        // one or two names are little: then the contents have to speak, as where names are not encrypted
        Some(best) if best.seen.decoded > 0 => best.with_contents(known)?.proved_by_contents(),
        _ => plain_names(root, key, &ciphers, known),
    }
}

/// The ways in which names may be coded.
fn codings(known: Option<&Parameters>) -> Vec<(AlgorithmId, bool)> {
    match known {
        Some(known) if known.name_coding.name == PLAIN_NAMES => Vec::new(),
        Some(known) => vec![(known.name_coding.clone(), known.chained_names)],
        None => CODINGS
            .iter()
            .map(|(name, major, minor)| AlgorithmId::new(name, *major, *minor))
            .flat_map(|coding| [(coding.clone(), true), (coding, false)])
            .collect(),
    }
}

fn split(cipher: &AlgorithmId, key_bits: u32, key: &[u8]) -> Result<VolumeKey, RecoverError> {
    let spec = CipherSpec::new(cipher, key_bits).map_err(|_| RecoverError::KeyLen(key.len()))?;
    Ok(VolumeKey(KeyPair::split(key, spec.key_len())))
}

/// Every cipher that has keys of this length, the IV included; the newest version of each first.
fn ciphers(len: usize) -> Vec<(AlgorithmId, u32)> {
    let mut found = Vec::new();
    for family in families() {
        let fitting =
            family.key_bits.iter().filter(|bits| **bits > 0 && **bits as usize / 8 + family.block_len == len);
        for bits in fitting {
            for major in family.majors.clone().rev() {
                found.push((AlgorithmId::new(family.name, major, 0), *bits));
            }
        }
    }
    found
}

/// Without encrypted names contents alone can tell.
fn plain_names(
    root: &Path,
    key: &[u8],
    ciphers: &[(AlgorithmId, u32)],
    known: Option<&Parameters>,
) -> Result<Recovered, RecoverError> {
    for (cipher, key_bits) in ciphers {
        let key = split(cipher, *key_bits, key)?;
        let parameters = Candidate::parameters(cipher, *key_bits, AlgorithmId::new(PLAIN_NAMES, 1, 0), false);
        let seen = NamesSeen::walk(&open(root, &parameters, &key)?)?;
        let found = Candidate { parameters, key, seen }.with_contents(known)?;
        if let Ok(found) = found.proved_by_contents() {
            return Ok(found);
        }
    }
    Err(RecoverError::NothingFits)
}

/// A way to read the names.
struct Candidate {
    parameters: Parameters,
    key: VolumeKey,
    seen: NamesSeen,
}

impl Candidate {
    fn parameters(
        cipher: &AlgorithmId,
        key_bits: u32,
        name_coding: AlgorithmId,
        chained: bool,
    ) -> Parameters {
        Parameters {
            cipher: cipher.clone(),
            key_bits,
            name_coding,
            chained_names: chained,
            file_iv: FileIvMode::None,
            ..Profile::Standard.parameters()
        }
    }

    /// Adds what contents say, or what is known.
    fn with_contents(self, known: Option<&Parameters>) -> Result<Recovered, RecoverError> {
        let Candidate { parameters, key, seen } = self;
        let config = config_for(&parameters, &key)?;
        let cipher = config.cipher(&key)?;
        // where names are no proof of the key, the look of plaintext is none either
        let looks_count = parameters.name_coding.name != PLAIN_NAMES || known.is_some();
        let closest = known.cloned().unwrap_or_else(|| closest(&parameters));
        let (contents, mut assumed) =
            trials::contents(&cipher, &seen.samples, parameters.chained_names, &closest, looks_count);
        let with_contents = Parameters {
            block_len: contents.block_len,
            file_iv: contents.file_iv,
            mac_len: contents.mac_len,
            rand_len: contents.rand_len,
            ..parameters
        };
        let has_holes = seen.samples.iter().any(|sample| sample.has_hole(&with_contents.layout()));
        let allow_holes = has_holes || closest.allow_holes;
        if !has_holes {
            assumed.push(Parameter::Holes);
        }
        let parameters = match known {
            None => Parameters { allow_holes, ..with_contents },
            Some(known) => {
                assumed.clear();
                known.clone()
            }
        };
        Ok(Recovered {
            key,
            parameters,
            names: seen.decoded,
            names_tried: seen.tried,
            files: contents.fit,
            files_tried: contents.tried,
            assumed,
        })
    }
}

impl Recovered {
    fn proved_by_contents(self) -> Result<Recovered, RecoverError> {
        if self.files > 0 { Ok(self) } else { Err(RecoverError::NothingFits) }
    }

    /// Whether there are contents, and nothing in them showed how they are coded.
    pub fn is_blind(&self) -> bool {
        self.files == 0 && self.files_tried > 0
    }
}

/// The profile with the same names, or nearly the same: the likeliest where nothing shows.
fn closest(parameters: &Parameters) -> Parameters {
    let profiles = [Profile::Standard, Profile::Paranoia, Profile::Sync, Profile::Boxcryptor];
    let alike = |other: &Parameters| {
        [
            other.chained_names == parameters.chained_names,
            other.name_coding.name == parameters.name_coding.name,
            other.key_bits == parameters.key_bits,
        ]
        .into_iter()
        .filter(|same| *same)
        .count()
    };
    let all = profiles.map(Profile::parameters);
    // of equals the first, which is the commonest
    let likeliest = all.iter().rev().max_by_key(|other| alike(other));
    likeliest.cloned().unwrap_or_else(|| Profile::Standard.parameters())
}

/// A config that lasts as long as the search.
fn config_for(parameters: &Parameters, key: &VolumeKey) -> Result<Config, config::Error> {
    let password = Password::new(b"none".to_vec()).expect("four bytes");
    Config::around(parameters, key, &password, 1, volume::fill_random)
}

fn open(root: &Path, parameters: &Parameters, key: &VolumeKey) -> Result<Volume, RecoverError> {
    let config = config_for(parameters, key)?;
    Ok(Volume::with_key(root, &config, key, OpenOptions { read_only: true, ..OpenOptions::default() })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ciphers_by_the_length_of_their_keys() {
        let names = |len| {
            let found: Vec<String> =
                ciphers(len).iter().map(|(id, bits)| format!("{}:{} {bits}", id.name, id.major)).collect();
            found.join(", ")
        };
        assert!(names(48).starts_with("ssl/aes:3 256, ssl/aes:2 256, ssl/aes:1 256, ssl/camellia:3 256"));
        assert!(names(40).contains("ssl/aes:3 192") && names(40).contains("ssl/blowfish:3 256"));
        assert!(names(28).starts_with("ssl/blowfish:3 160"));
        assert_eq!(names(0) + &names(47), "");
    }

    #[test]
    fn the_closest_profile() {
        for profile in [Profile::Standard, Profile::Sync, Profile::Boxcryptor] {
            assert_eq!(closest(&profile.parameters()), profile.parameters(), "{profile:?}");
        }
    }
}
