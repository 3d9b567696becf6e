//! What a volume says about itself: `.encfs6.xml` and its older kin (docs/format.md, "Config files").
//!
//! A [`Config`] is a config that passed every check, whichever file it came from; one reader per version:
//! `v6` (XML), `v5` and `v4` (binary). The room sees bytes, not files; `volume` finds and writes those.

mod binary;
mod compare;
mod error;
mod file;
mod parameters;
mod profile;
mod unlock;
mod v4;
mod v5;
mod v6;
mod xml;

pub use compare::{Difference, Weight, of_concern};
pub use error::Error;
pub use file::{
    CONFIG_FILES, ConfigFile, FileKind, OWN_FOLDER, UNFINISHED_PREFIX, is_config_name, is_reserved_name,
};
pub use parameters::{FileIvMode, Parameters};
pub use profile::{Iterations, Profile};

use binary::Entries;

/// A config that passed every check; there is no other way to get one.
#[derive(Debug, Clone)]
pub struct Config {
    format: Format,
    creator: String,
    parameters: Parameters,
    kdf: Kdf,
    wrapped_key: Vec<u8>,
}

/// The file format of a config, with its revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// `.encfs6.xml`.
    V6 {
        /// 20100713 today, 20 before revisions were dates; values cut to 16 bits by old writers are restored.
        revision: u32,
        /// How long key derivation should take when the password is changed, in milliseconds; a minute at most.
        kdf_duration_ms: u32,
    },
    /// `.encfs5`, with all that stands in it.
    V5 {
        /// 20040813 or later.
        revision: u32,
        #[doc(hidden)]
        entries: Entries,
    },
    /// `.encfs4`, with all that stands in it.
    V4 {
        #[doc(hidden)]
        entries: Entries,
    },
}

/// How the user key is made from the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kdf {
    /// PBKDF2-HMAC-SHA1.
    Pbkdf2 {
        /// At least 1.
        iterations: u32,
        /// 20 bytes by custom, never empty.
        salt: Vec<u8>,
    },
    /// 16 rounds of SHA-1 without salt, of EncFS before 1.5.
    Legacy,
}

impl Config {
    /// Reads a config of this kind; fails on anything that could not be a volume's.
    pub fn parse(kind: FileKind, bytes: &[u8]) -> Result<Config, Error> {
        match kind {
            FileKind::V6 => v6::parse(bytes),
            FileKind::V5 => v5::parse(bytes),
            FileKind::V4 => v4::parse(bytes),
            FileKind::Unsupported(what) => Err(Error::Unsupported(what.to_owned())),
        }
    }

    /// The config as its file holds it.
    pub fn to_bytes(&self) -> Vec<u8> {
        match &self.format {
            Format::V6 { .. } => v6::write(self),
            Format::V5 { entries, .. } | Format::V4 { entries } => entries.to_bytes(),
        }
    }

    /// The file's format and revision.
    pub fn format(&self) -> &Format {
        &self.format
    }

    /// The same, to take another time for key derivation when the password is changed; V6 only.
    pub fn with_kdf_duration(mut self, ms: u32) -> Config {
        if let Format::V6 { kdf_duration_ms, .. } = &mut self.format {
            *kdf_duration_ms = ms;
        }
        self
    }

    /// The third numbers of the versions of cipher and name coding: written to V5 only, and meaning nothing to a
    /// reader.
    pub fn ages(&self) -> (u32, u32) {
        match &self.format {
            Format::V5 { entries, .. } => (entries.age("cipher"), entries.age("naming")),
            Format::V4 { entries } => (entries.age("cipher"), 0),
            Format::V6 { .. } => (0, 0),
        }
    }

    /// The program that made the volume, as it calls itself.
    pub fn creator(&self) -> &str {
        &self.creator
    }

    /// What the volume is made with.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// How the password becomes a key.
    pub fn kdf(&self) -> &Kdf {
        &self.kdf
    }
}

impl Format {
    /// The file name that belongs to the format.
    pub fn file_name(&self) -> &'static str {
        match self {
            Format::V6 { .. } => ".encfs6.xml",
            Format::V5 { .. } => ".encfs5",
            Format::V4 { .. } => ".encfs4",
        }
    }

    /// `V6`, `V5` or `V4`.
    pub fn name(&self) -> &'static str {
        match self {
            Format::V6 { .. } => "V6",
            Format::V5 { .. } => "V5",
            Format::V4 { .. } => "V4",
        }
    }

    /// The revision in the file; V4 has none.
    pub fn revision(&self) -> Option<u32> {
        match self {
            Format::V6 { revision, .. } | Format::V5 { revision, .. } => Some(*revision),
            Format::V4 { .. } => None,
        }
    }
}
