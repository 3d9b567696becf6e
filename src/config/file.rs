//! The names that config files have, in the order in which EncFS looks for them (encfs-format 2).

/// What a file of a certain name holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// XML.
    V6,
    /// Binary, EncFS 1.1 to 1.4.
    V5,
    /// Binary, EncFS 1.0.
    V4,
    /// Known, but not to be opened; the text says what it is.
    Unsupported(&'static str),
}

/// A name that a config can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfigFile {
    /// The file's name in the root of a volume.
    pub name: &'static str,
    /// What it holds.
    pub kind: FileKind,
}

/// All of them; the first that exists counts.
pub const CONFIG_FILES: &[ConfigFile] = &[
    ConfigFile { name: ".encfs7", kind: FileKind::Unsupported("the .encfs7 format of EncFS 2") },
    ConfigFile { name: ".encfs6.xml", kind: FileKind::V6 },
    ConfigFile { name: ".encfs5", kind: FileKind::V5 },
    ConfigFile { name: ".encfs4", kind: FileKind::V4 },
    ConfigFile { name: ".encfs3", kind: FileKind::Unsupported("the .encfs3 format of EncFS 0.2 to 0.6") },
    ConfigFile { name: ".encfs2", kind: FileKind::Unsupported("the .encfs2 format of EncFS 0.1") },
    ConfigFile { name: ".encfs", kind: FileKind::Unsupported("the .encfs format of EncFS 0.1") },
    ConfigFile {
        name: ".encfs.txt",
        kind: FileKind::Unsupported("the .encfs.txt format of the program Safe"),
    },
];

/// How every name begins under which a config is written before it takes its place.
pub const UNFINISHED_PREFIX: &str = ".encfs6.xml.encbox-tmp-";

/// Whether a name in the root of a volume belongs to the volume itself. Hidden and protected in every volume,
/// also in those with plain names, where EncFS 1.9.5 lets programs destroy it; in any case, since there are file
/// systems on which `.ENCFS6.XML` is the config, too.
pub fn is_config_name(name: &[u8]) -> bool {
    let unfinished = name.get(..UNFINISHED_PREFIX.len());
    unfinished.is_some_and(|start| start.eq_ignore_ascii_case(UNFINISHED_PREFIX.as_bytes()))
        || CONFIG_FILES.iter().any(|file| file.name.as_bytes().eq_ignore_ascii_case(name))
}

/// The folder in the root of a volume for what encbox keeps there besides the config.
pub const OWN_FOLDER: &str = ".encbox";

/// Whether a name in the root of a volume stands for no entry, whatever it decodes to: a config, or [`OWN_FOLDER`].
pub fn is_reserved_name(name: &[u8]) -> bool {
    is_config_name(name) || OWN_FOLDER.as_bytes().eq_ignore_ascii_case(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_folder_is_reserved_and_no_config() {
        assert!(
            is_reserved_name(b".encbox") && is_reserved_name(b".ENCBOX") && is_reserved_name(b".encfs6.xml")
        );
        assert!(
            !is_config_name(b".encbox") && !is_reserved_name(b".encbox2") && !is_reserved_name(b"encbox")
        );
    }

    #[test]
    fn configs_and_unfinished_ones_are_the_volumes_own_in_any_case() {
        for name in
            [".encfs6.xml", ".ENCFS6.XML", ".Encfs5", ".encfs6.xml.encbox-tmp-", ".EncFS6.xml.encbox-TMP-0f"]
        {
            assert!(is_config_name(name.as_bytes()), "{name}");
        }
        for name in ["", "encfs6.xml", ".encfs6.xml ", ".encfs6.xml.bak", ".encfs6.xml.encbox-tm"] {
            assert!(!is_config_name(name.as_bytes()), "{name}");
        }
    }
}
