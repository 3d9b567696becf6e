//! What other programs make of a volume: each parameter against what they read and write (docs/format.md, "Profiles").
//!
//! What stands here was seen with the program itself or in its source. Where neither is at hand, the answer is
//! [`Verdict::Unknown`], not a guess.

use super::judging::{boxcryptor, encfs_1_4, encfs_1_9, encfs_2, encfs_java, encfsy};
use crate::config::{Config, FileIvMode, Kdf};
use crate::crypto::AlgorithmId;

/// A program that reads EncFS volumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // their names
pub enum Program {
    Boxcryptor,
    Encfs19,
    Encfs14,
    EncfsJava,
    Encfsy,
    Encfs2,
}

/// All of them.
pub const PROGRAMS: [Program; 6] = [
    Program::Boxcryptor,
    Program::Encfs19,
    Program::Encfs14,
    Program::EncfsJava,
    Program::Encfsy,
    Program::Encfs2,
];

/// What a program does with a parameter, or with the whole volume. The worst of all parameters is that of the volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It reads and writes.
    Writes,
    /// It reads; whether it writes is not known.
    Reads,
    /// Nobody knows.
    Unknown,
    /// It refuses the volume, or shows nothing of it, or nonsense.
    No,
}

/// A parameter of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // as `encbox info` has them
pub enum Parameter {
    Config,
    Cipher,
    KeySize,
    BlockSize,
    Names,
    ChainedNames,
    FileIv,
    Mac,
    RandomBytes,
    Holes,
    PlainData,
    Kdf,
}

/// All of them.
pub const PARAMETERS: [Parameter; 12] = [
    Parameter::Config,
    Parameter::Cipher,
    Parameter::KeySize,
    Parameter::BlockSize,
    Parameter::Names,
    Parameter::ChainedNames,
    Parameter::FileIv,
    Parameter::Mac,
    Parameter::RandomBytes,
    Parameter::Holes,
    Parameter::PlainData,
    Parameter::Kdf,
];

/// A verdict, and what there is to say about it; an empty text where it says it all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, or what to beware of.
    pub reason: &'static str,
}

impl Program {
    /// The word for it on a command line.
    pub fn word(self) -> &'static str {
        match self {
            Program::Boxcryptor => "boxcryptor",
            Program::Encfs19 => "encfs-1.9",
            Program::Encfs14 => "encfs-1.4",
            Program::EncfsJava => "encfs-java",
            Program::Encfsy => "encfsy",
            Program::Encfs2 => "encfs2",
        }
    }

    /// The program as people know it.
    pub fn title(self) -> &'static str {
        match self {
            Program::Boxcryptor => "BoxCryptor Classic",
            Program::Encfs19 => "EncFS 1.9.5",
            Program::Encfs14 => "EncFS 1.4",
            Program::EncfsJava => "encfs-java",
            Program::Encfsy => "encfsy",
            Program::Encfs2 => "EncFS 2",
        }
    }

    /// Whether it runs on Windows, which has rules of its own for names.
    pub fn is_for_windows(self) -> bool {
        matches!(self, Program::Boxcryptor | Program::Encfsy)
    }

    /// What it makes of one parameter of a volume.
    pub fn judge(self, config: &Config, parameter: Parameter) -> Judgement {
        match self {
            Program::Boxcryptor => boxcryptor(config, parameter),
            Program::Encfs19 => encfs_1_9(config, parameter),
            Program::Encfs14 => encfs_1_4(config, parameter),
            Program::EncfsJava => encfs_java(config, parameter),
            Program::Encfsy => encfsy(config, parameter),
            Program::Encfs2 => encfs_2(config, parameter),
        }
    }

    /// What it makes of the volume, as far as its parameters tell.
    pub fn verdict(self, config: &Config) -> Verdict {
        let all = PARAMETERS.iter().map(|parameter| self.judge(config, *parameter).verdict);
        all.max().unwrap_or(Verdict::Unknown)
    }
}

impl Parameter {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Parameter::Config => "config",
            Parameter::Cipher => "cipher",
            Parameter::KeySize => "key-size",
            Parameter::BlockSize => "block-size",
            Parameter::Names => "names",
            Parameter::ChainedNames => "chained-names",
            Parameter::FileIv => "file-iv",
            Parameter::Mac => "mac",
            Parameter::RandomBytes => "random-bytes",
            Parameter::Holes => "holes",
            Parameter::PlainData => "plain-data",
            Parameter::Kdf => "kdf",
        }
    }

    /// What it is in a volume.
    pub fn value(self, config: &Config) -> String {
        let parameters = config.parameters();
        let yes_no = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
        match self {
            Parameter::Config => match config.format().revision() {
                Some(revision) => format!("{} {revision}", config.format().name()),
                None => config.format().name().to_owned(),
            },
            Parameter::Cipher => version(&parameters.cipher),
            Parameter::KeySize => parameters.key_bits.to_string(),
            Parameter::BlockSize => parameters.block_len.to_string(),
            Parameter::Names => version(&parameters.name_coding),
            Parameter::ChainedNames => yes_no(parameters.chained_names),
            Parameter::FileIv => match parameters.file_iv {
                FileIvMode::None => "none",
                FileIvMode::Unique => "unique",
                FileIvMode::External => "external",
            }
            .to_owned(),
            Parameter::Mac => parameters.mac_len.to_string(),
            Parameter::RandomBytes => parameters.rand_len.to_string(),
            Parameter::Holes => yes_no(parameters.allow_holes),
            Parameter::PlainData => yes_no(parameters.plain_data),
            Parameter::Kdf => match config.kdf() {
                Kdf::Pbkdf2 { iterations, .. } => format!("pbkdf2 {iterations}"),
                Kdf::Legacy => "old, no salt".to_owned(),
            },
        }
    }
}

fn version(id: &AlgorithmId) -> String {
    format!("{} {}:{}", id.name, id.major, id.minor)
}
