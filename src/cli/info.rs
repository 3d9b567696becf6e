//! `encbox info`: what a volume was made with. No password needed.

use super::open::find;
use super::out::Out;
use super::{Error, Global, text};
use crate::config::{FileIvMode, Format, Kdf, Parameters};
use crate::crypto::AlgorithmId;
use crate::volume::FoundConfig;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Show what a volume was made with; needs no password
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:\n  encbox info ~/Dropbox/Private")]
pub(super) struct Info {
    /// The folder that holds the encrypted files
    volume: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Info {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        let found = find(global, &self.volume)?;
        let mut out = Out::new();
        if self.json {
            out.json(&facts(&found))?;
        } else {
            for (label, words) in words(&found) {
                out.line(&format!("{label:<14} {}", text::escape_str(&words)))?;
            }
        }
        out.end()
    }
}

fn words(found: &FoundConfig) -> Vec<(&'static str, String)> {
    let (config, parameters) = (&found.config, found.config.parameters());
    let yes_no = |yes: bool, reason: &str| if yes { format!("yes, {reason}") } else { "no".into() };
    vec![
        ("Config", found.path.display().to_string()),
        ("Format", format(config.format())),
        ("Creator", config.creator().to_string()),
        ("Cipher", format!("{}, {} bits", cipher(&parameters.cipher), parameters.key_bits)),
        ("Names", names(&parameters.name_coding)),
        ("Chained names", yes_no(parameters.chained_names, "a name depends on the folders above it")),
        ("File IV", file_iv(parameters.file_iv).into()),
        ("Block size", format!("{} bytes", parameters.block_len)),
        ("MAC", mac(parameters)),
        ("Random bytes", per_block(parameters.rand_len)),
        ("Holes", yes_no(parameters.allow_holes, "blocks of zeros are not encrypted")),
        ("Contents", if parameters.plain_data { "not encrypted" } else { "encrypted" }.into()),
        ("Password", kdf(config.kdf())),
        ("Overhead", overhead(parameters)),
    ]
}

fn facts(found: &FoundConfig) -> Value {
    let (config, parameters) = (&found.config, found.config.parameters());
    let layout = parameters.layout();
    let algorithm = |id: &AlgorithmId| json!({ "name": id.name, "major": id.major, "minor": id.minor });
    json!({
        "config": found.path.to_string_lossy(),
        "format": config.format().name(),
        "revision": config.format().revision(),
        "creator": config.creator(),
        "cipher": algorithm(&parameters.cipher),
        "key_bits": parameters.key_bits,
        "names": algorithm(&parameters.name_coding),
        "chained_names": parameters.chained_names,
        "unique_iv": parameters.file_iv != FileIvMode::None,
        "external_iv": parameters.file_iv == FileIvMode::External,
        "block_size": parameters.block_len,
        "mac_bytes": parameters.mac_len,
        "random_bytes": parameters.rand_len,
        "holes": parameters.allow_holes,
        "plain_data": parameters.plain_data,
        "kdf": match config.kdf() {
            Kdf::Pbkdf2 { iterations, salt } => {
                json!({ "name": "pbkdf2-hmac-sha1", "iterations": iterations, "salt_bytes": salt.len() })
            }
            Kdf::Legacy => json!({ "name": "bytes-to-key-sha1", "iterations": 16, "salt_bytes": 0 }),
        },
        "overhead": { "per_file": layout.header_len(), "per_block": layout.block_header_len() },
    })
}

fn format(format: &Format) -> String {
    match format.revision() {
        Some(revision) => format!("{}, revision {revision}", format.name()),
        None => format.name().into(),
    }
}

fn cipher(id: &AlgorithmId) -> String {
    let name = match id.name.as_str() {
        "ssl/aes" => "AES",
        "ssl/blowfish" => "Blowfish",
        "ssl/camellia" => "Camellia",
        "nullCipher" => "none",
        other => other,
    };
    format!("{name} ({} {}:{})", id.name, id.major, id.minor)
}

fn names(id: &AlgorithmId) -> String {
    let words = match id.name.as_str() {
        "nameio/block" => "encrypted, their length hidden in steps of a cipher block",
        "nameio/block32" => "encrypted, for file systems that do not tell capitals from small letters",
        "nameio/stream" => "encrypted, their length visible",
        "nameio/null" => "not encrypted",
        _ => "encrypted",
    };
    format!("{words} ({} {}:{})", id.name, id.major, id.minor)
}

fn file_iv(mode: FileIvMode) -> &'static str {
    match mode {
        FileIvMode::None => "none: equal files have equal ciphertext",
        FileIvMode::Unique => "one of its own for every file",
        FileIvMode::External => "one of its own for every file, encrypted under its path",
    }
}

fn mac(parameters: &Parameters) -> String {
    match parameters.mac_len {
        0 => "none: changes to the ciphertext go unnoticed".into(),
        len => per_block(len),
    }
}

fn per_block(len: u32) -> String {
    match len {
        0 => "none".into(),
        len => format!("{} in every block", text::count(len.into(), "byte")),
    }
}

fn kdf(kdf: &Kdf) -> String {
    match kdf {
        Kdf::Pbkdf2 { iterations, salt } => {
            format!("PBKDF2-HMAC-SHA1, {iterations} iterations, {} bytes of salt", salt.len())
        }
        Kdf::Legacy => "16 rounds of SHA-1, no salt: quickly guessed if it is weak".into(),
    }
}

fn overhead(parameters: &Parameters) -> String {
    let layout = parameters.layout();
    match (layout.header_len(), layout.block_header_len()) {
        (0, 0) => "none: sizes stay as they are".into(),
        (file, 0) => format!("{file} bytes per file"),
        (0, block) => format!("{block} bytes per block of {}", parameters.block_len),
        (file, block) => {
            format!("{file} bytes per file, {block} bytes per block of {}", parameters.block_len)
        }
    }
}
