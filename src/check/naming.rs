//! What a name on disk is, if it is not simply the name of an entry.

use super::report::{Kind, Severity};
use crate::names;
use crate::names::{EntryName, IvChain, NameCodec};
use crate::volume::PARTIAL_PREFIX;
use std::borrow::Cow;
use unicode_normalization::UnicodeNormalization;

/// Files that systems and sync clients leave in any folder, in lower case.
const FOREIGN: [&str; 17] = [
    "desktop.ini",
    "thumbs.db",
    "ehthumbs.db",
    ".ds_store",
    ".localized",
    ".directory",
    "icon\r",
    ".dropbox",
    ".dropbox.attr",
    ".dropbox.cache",
    ".dropbox.device",
    ".stfolder",
    ".stignore",
    ".stversions",
    ".sync_log.db",
    ".owncloudsync.log",
    ".nextcloudsync.log",
];

/// How the names of others begin: AppleDouble, databases of sync clients, files in use on a network share,
/// and what is left of a file whose restoring was interrupted.
const FOREIGN_STARTS: [&str; 7] =
    ["._", ".sync_", ".fuse_hidden", ".nfs", ".~lock.", ".syncthing.", PARTIAL_PREFIX];

/// A name on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Name {
    /// The name of an entry, with the chain below it.
    Entry(EntryName, IvChain),
    /// No name of this directory.
    Odd(Odd),
}

/// Why a name is none of this directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Odd {
    /// It belongs to somebody else.
    Foreign,
    /// Another spelling of this ciphertext name.
    Alias(Vec<u8>),
    /// It decodes to what no entry can be called.
    Evil,
    /// It does not decode, for this reason.
    Undecodable(&'static str),
}

impl Odd {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Odd::Foreign => Kind::Foreign,
            Odd::Alias(_) => Kind::Alias,
            Odd::Evil => Kind::EvilName,
            Odd::Undecodable(_) => Kind::Undecodable,
        }
    }

    pub(super) fn severity(&self) -> Severity {
        match self {
            Odd::Foreign => Severity::Note,
            Odd::Alias(_) | Odd::Evil | Odd::Undecodable(_) => Severity::Warning,
        }
    }

    pub(super) fn what(&self) -> String {
        match self {
            Odd::Foreign => "a file of the system or of another program".into(),
            Odd::Alias(canonical) => {
                format!("another spelling of {}, which no program writes", String::from_utf8_lossy(canonical))
            }
            Odd::Evil => "decodes to a name that no entry can have, such as .. or one with a slash".into(),
            Odd::Undecodable(reason) => format!("the name does not decode here: {reason}"),
        }
    }
}

/// Tells what a name is in a directory with this chain.
pub(super) fn tell(codec: &NameCodec, cipher_name: &[u8], chain: IvChain) -> Name {
    let error = match codec.decode_entry(cipher_name, chain) {
        Ok((name, below)) => return Name::Entry(name, below),
        Err(error) => error,
    };
    Name::Odd(match codec.decode_spelling(cipher_name, chain) {
        Ok(spelling) if !spelling.possible => Odd::Evil,
        Ok(spelling) => Odd::Alias(spelling.canonical),
        Err(_) if is_foreign(cipher_name) => Odd::Foreign,
        Err(_) => Odd::Undecodable(match error {
            names::Error::Undecodable(reason) => reason,
            _ => "not a name of this volume",
        }),
    })
}

fn is_foreign(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    FOREIGN.iter().any(|foreign| foreign.as_bytes() == name)
        || FOREIGN_STARTS.iter().any(|start| name.starts_with(start.as_bytes()))
}

/// What systems that ignore case, or that change the Unicode form of names, take a plaintext name for.
pub(super) fn folded(name: &[u8]) -> Cow<'_, [u8]> {
    if name.is_ascii() {
        return match name.iter().any(u8::is_ascii_uppercase) {
            true => name.to_ascii_lowercase().into(),
            false => name.into(),
        };
    }
    match std::str::from_utf8(name) {
        // lower case first: it may leave what was composed decomposed
        Ok(text) => text.to_lowercase().nfc().collect::<String>().into_bytes().into(),
        Err(_) => name.into(),
    }
}

/// Whether names differ in more than their Unicode form.
pub(super) fn differ_in_case(one: &[u8], other: &[u8]) -> bool {
    names::composed(one) != names::composed(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_other_systems_take_for_one() {
        for (one, other, in_case) in [
            ("A.txt", "a.TXT", true),
            ("é", "e\u{301}", false),
            ("Ünïcødé", "u\u{308}NÏCØDÉ", true),
            ("ß", "ß", false),
        ] {
            assert_eq!(folded(one.as_bytes()), folded(other.as_bytes()), "{one} {other}");
            assert_eq!(differ_in_case(one.as_bytes(), other.as_bytes()), in_case, "{one} {other}");
        }
        assert_ne!(folded(b"a"), folded(b"b"));
        assert_ne!(folded(b"\xff"), folded(b"\xfe"));
    }
}
