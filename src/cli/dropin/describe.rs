//! What a volume is made with, in the lines of `encfsctl info`, which front ends show and scripts search.

use crate::config::{Config, FileIvMode, Format, Kdf, Parameters};
use crate::crypto::AlgorithmId;

/// Below this revision the header of a block was not counted into its size.
const HEADER_COUNTED_SINCE: u32 = 20_040_813;

/// The interfaces of EncFS 1.9.5: name, current version, revision, age.
const INTERFACES: [(&str, u32, u32, u32); 8] = [
    ("ssl/aes", 3, 0, 2),
    ("ssl/blowfish", 3, 0, 2),
    ("ssl/camellia", 3, 0, 2),
    ("nullCipher", 1, 0, 0),
    ("nameio/block", 4, 0, 2),
    ("nameio/block32", 4, 0, 2),
    ("nameio/stream", 2, 1, 2),
    ("nameio/null", 1, 0, 0),
];

/// Of a volume that is about to be made.
pub(super) fn new_volume(parameters: &Parameters) -> String {
    let newest = |id: &AlgorithmId| {
        let known = INTERFACES.iter().find(|(name, ..)| *name == id.name);
        known.map_or((id.major, id.minor, 0), |&(_, current, revision, age)| (current, revision, age))
    };
    let (cipher, names) = (newest(&parameters.cipher), newest(&parameters.name_coding));
    properties(parameters, cipher, names, None, u32::MAX)
}

/// Of a volume that there is.
pub(super) fn volume(config: &Config) -> String {
    let (number, revision) = match config.format() {
        Format::V6 { revision, .. } => (6, Some(*revision)),
        Format::V5 { revision, .. } => (5, Some(*revision)),
        Format::V4 { .. } => (4, None),
    };
    let revised = revision.map(|revision| format!(" (revision {revision})")).unwrap_or_default();
    let parameters = config.parameters();
    let (cipher_age, names_age) = config.ages();
    let version = |id: &AlgorithmId, age| (id.major, id.minor, age);
    format!(
        "\nVersion {number} configuration; created by {}{revised}\n{}",
        config.creator(),
        properties(
            parameters,
            version(&parameters.cipher, cipher_age),
            version(&parameters.name_coding, names_age),
            Some(config.kdf()),
            revision.unwrap_or(u32::MAX),
        )
    )
}

type Version = (u32, u32, u32);

fn properties(
    parameters: &Parameters,
    cipher: Version,
    names: Version,
    kdf: Option<&Kdf>,
    revision: u32,
) -> String {
    let mut lines = vec![
        format!("Filesystem cipher: {}", interface(&parameters.cipher.name, cipher)),
        format!("Filename encoding: {}", interface(&parameters.name_coding.name, names)),
        format!("Key Size: {} bits", parameters.key_bits),
    ];
    if let Some(Kdf::Pbkdf2 { iterations, salt }) = kdf {
        lines.push(format!("Using PBKDF2, with {iterations} iterations"));
        lines.push(format!("Salt Size: {} bits", 8 * salt.len()));
    }
    let header = match (parameters.mac_len + parameters.rand_len, revision) {
        (0, _) => String::new(),
        (len, ..HEADER_COUNTED_SINCE) => format!(" + {len} byte MAC header"),
        (len, _) => format!(", including {len} byte MAC header"),
    };
    lines.push(format!("Block Size: {} bytes{header}", parameters.block_len));
    let facts = [
        (parameters.file_iv != FileIvMode::None, "Each file contains 8 byte header with unique IV data."),
        (parameters.chained_names, "Filenames encoded using IV chaining mode."),
        (parameters.file_iv == FileIvMode::External, "File data IV is chained to filename IV."),
        (parameters.allow_holes, "File holes passed through to ciphertext."),
    ];
    lines.extend(facts.iter().filter(|(holds, _)| *holds).map(|(_, line)| (*line).to_owned()));
    lines.join("\n") + "\n\n"
}

/// `"ssl/aes", version 2:0:0 (using 3:0:2)`.
fn interface(name: &str, (major, minor, age): Version) -> String {
    let known = INTERFACES.iter().find(|(known, ..)| *known == name);
    let newer = known.filter(|(_, a, b, c)| (*a, *b, *c) != (major, minor, age));
    let using = newer.map(|(_, a, b, c)| format!(" (using {a}:{b}:{c})")).unwrap_or_default();
    format!("\"{name}\", version {major}:{minor}:{age}{using}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Profile;

    #[test]
    fn a_new_volume_is_of_the_newest_version() {
        let text = new_volume(&Profile::Paranoia.parameters());
        assert_eq!(
            text,
            "Filesystem cipher: \"ssl/aes\", version 3:0:2\n\
             Filename encoding: \"nameio/block\", version 4:0:2\n\
             Key Size: 256 bits\n\
             Block Size: 1024 bytes, including 8 byte MAC header\n\
             Each file contains 8 byte header with unique IV data.\n\
             Filenames encoded using IV chaining mode.\n\
             File data IV is chained to filename IV.\n\
             File holes passed through to ciphertext.\n\n"
        );
    }
}
