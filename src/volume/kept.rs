//! The config as it was when a volume was opened last, kept outside the synced folder (docs/decisions/0012).
//!
//! Whoever can write to the folder can exchange the config for a weaker one, or a sync client can lose it. What is kept
//! here tells, and is the copy to restore. One file per folder that holds a volume, in the folder for state:
//!
//! ```text
//! configs/<16 hex digits: the folder's path>-<16 hex digits: the volume key, see key_id>.config
//!
//! encbox: a config as it was when its volume was opened
//! root: /home/ann/Dropbox/Private             % and line feeds as %25 and %0A
//! file: .encfs6.xml
//! seal: 40 hex digits                         HMAC under the volume key of the config
//!
//! the config, as its file holds it
//! ```
//!
//! No key is kept. Key id and seal help nobody guess the password: the config itself has a checksum that does.

use super::Volume;
use super::attr::FileId;
use super::journal::is_inside;
use super::open::write_whole;
use crate::config::{CONFIG_FILES, Config, FileKind};
use crate::crypto::VolumeKey;
use sha1::{Digest, Sha1};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use subtle::ConstantTimeEq;

/// Below the folder for state.
const FOLDER: &str = "configs";
const SUFFIX: &str = ".config";
/// What a file that makes no sense is called from then on.
const DAMAGED: &str = ".damaged";
/// What comes behind the name of a volume's whose folder has another volume now.
const REPLACED: &str = ".replaced";
const MAGIC: &str = "encbox: a config as it was when its volume was opened";
/// No file here is larger; configs have about 2 KiB.
const MAX_LEN: u64 = 2 << 20;

/// Where the configs of the volume in one folder are kept.
#[derive(Debug, Clone)]
pub struct ConfigKeeper {
    folder: PathBuf,
    root: PathBuf,
}

/// A config that was kept.
#[derive(Debug, Clone)]
pub struct KeptConfig {
    /// What it says.
    pub config: Config,
    /// The folder whose config it was.
    pub root: PathBuf,
    /// When it was kept: at the first opening, or when it was last found changed.
    pub since: SystemTime,
    /// The file that it is kept in.
    pub path: PathBuf,
    bytes: Vec<u8>,
    seal: [u8; 20],
}

impl ConfigKeeper {
    /// The keeper for the volume in `root`, below the folder for state. Nothing is made yet. Fails if `root` does not
    /// exist, or holds the folder for state.
    pub fn new(state: &Path, root: &Path) -> io::Result<ConfigKeeper> {
        let root = root.canonicalize()?;
        let id = root.metadata()?;
        if is_inside(state, FileId { dev: id.dev(), ino: id.ino() })? {
            return Err(io::Error::other("it lies inside the volume"));
        }
        Ok(ConfigKeeper { folder: state.join(FOLDER), root })
    }

    /// What is kept of the volume in this folder, if it was opened before. Whether it is genuine only its key tells.
    pub fn kept(&self) -> Option<KeptConfig> {
        let prefix = self.prefix();
        self.newest(|name| name.starts_with(&prefix))
    }

    /// What is kept of a volume with this key whose folder is gone: it may have been moved here. One that is still there is
    /// another copy, which may have had its password changed since.
    pub(super) fn moved_here(&self, key: &VolumeKey) -> Option<KeptConfig> {
        let suffix = format!("-{}{SUFFIX}", key_id(key));
        let has_key = !key.key().is_empty();
        let newest = self.newest(|name| has_key && name.ends_with(&suffix));
        newest.filter(|kept| !kept.root.exists())
    }

    /// Keeps the config of the volume in this folder. That of another volume that was there before gets another name.
    pub fn keep(&self, config: &Config, key: &VolumeKey) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let name = format!("{}{}{SUFFIX}", self.prefix(), key_id(key));
        let others = self.names(|other| other != name && other.starts_with(&self.prefix()));
        write_whole(&self.folder.join(&name), &record(&self.root, config, key), 0o600, |_| Ok(()))?;
        for other in others {
            fs::rename(self.folder.join(&other), self.folder.join(other + REPLACED))?;
        }
        Ok(())
    }

    /// Forgets a config that was kept.
    pub(super) fn forget(&self, kept: &KeptConfig) {
        if let Err(error) = fs::remove_file(&kept.path) {
            tracing::debug!(%error, "the config of a volume that moved stays kept");
        }
    }

    fn prefix(&self) -> String {
        format!("{}-", hex(&Sha1::digest(self.root.as_os_str().as_bytes())[..8]))
    }

    fn names(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        names.filter(|name| name.ends_with(SUFFIX) && wanted(name)).collect()
    }

    fn newest(&self, wanted: impl Fn(&str) -> bool) -> Option<KeptConfig> {
        let paths = self.names(wanted).into_iter().map(|name| self.folder.join(name));
        paths.filter_map(|path| read_or_set_aside(&path)).max_by_key(|kept| kept.since)
    }
}

impl KeptConfig {
    /// The config as its file held it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether this was the config of a volume with this key.
    pub(super) fn is_of(&self, key: &VolumeKey) -> bool {
        let name = self.path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.ends_with(&format!("-{}{SUFFIX}", key_id(key))))
    }

    /// Whether encbox itself kept this, of the volume with this key.
    pub(super) fn is_genuine(&self, key: &VolumeKey) -> bool {
        seal(&self.bytes, key).ct_eq(&self.seal).into()
    }
}

impl Volume {
    /// Tells volumes apart by their keys, in 16 hex digits: the same in every copy of a volume, and after its password
    /// changed. Helps nobody find the key.
    pub fn key_id(&self) -> String {
        key_id(&self.core.key)
    }

    /// Whether a path that need not exist leads into the volume, where nothing is kept that is no part of it.
    pub fn is_inside(&self, path: &Path) -> io::Result<bool> {
        is_inside(path, self.core.root.id())
    }
}

/// Tells the keys of volumes apart.
fn key_id(key: &VolumeKey) -> String {
    hex(&key.seal(b"encbox: which volume is this?")[..8])
}

fn seal(config: &[u8], key: &VolumeKey) -> [u8; 20] {
    key.seal(&[b"encbox: the config of this volume\n", config].concat())
}

fn record(root: &Path, config: &Config, key: &VolumeKey) -> Vec<u8> {
    let bytes = config.to_bytes();
    let file = config.format().file_name();
    let seal = hex(&seal(&bytes, key));
    let mut record = format!("{MAGIC}\nroot: ").into_bytes();
    for &byte in root.as_os_str().as_bytes() {
        match byte {
            b'%' => record.extend_from_slice(b"%25"),
            b'\n' => record.extend_from_slice(b"%0A"),
            byte => record.push(byte),
        }
    }
    record.extend_from_slice(format!("\nfile: {file}\nseal: {seal}\n\n").as_bytes());
    record.extend_from_slice(&bytes);
    record
}

/// What a file holds; one that makes no sense gets another name, so that it is not met again.
fn read_or_set_aside(path: &Path) -> Option<KeptConfig> {
    match read(path) {
        Ok(kept) => Some(kept),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            tracing::warn!(path = %path.display(), %error, "a config that was kept is set aside");
            let mut aside = path.as_os_str().to_owned();
            aside.push(DAMAGED);
            fs::rename(path, aside).unwrap_or_else(|error| tracing::warn!(%error, "it stays"));
            None
        }
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "a config that was kept cannot be read");
            None
        }
    }
}

fn read(path: &Path) -> io::Result<KeptConfig> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_file() || metadata.len() > MAX_LEN {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let bytes = fs::read(path)?;
    let parsed = parse(&bytes).ok_or(io::ErrorKind::InvalidData)?;
    Ok(KeptConfig { path: path.to_owned(), since: metadata.modified()?, ..parsed })
}

fn parse(record: &[u8]) -> Option<KeptConfig> {
    let mut rest = record.strip_prefix(MAGIC.as_bytes())?.strip_prefix(b"\n")?;
    let mut line = |key: &str| {
        let end = rest.iter().position(|&byte| byte == b'\n')?;
        let (line, after) = rest.split_at(end);
        rest = &after[1..];
        line.strip_prefix(key.as_bytes())
    };
    let root = unescape(line("root: ")?)?;
    let file = line("file: ")?;
    let seal = unhex(line("seal: ")?)?;
    line("").filter(|line| line.is_empty())?;
    let file = CONFIG_FILES.iter().find(|known| known.name.as_bytes() == file)?;
    if matches!(file.kind, FileKind::Unsupported(_)) {
        return None;
    }
    let config = Config::parse(file.kind, rest).ok()?;
    let root = PathBuf::from(std::ffi::OsString::from_vec(root));
    let (since, path) = (SystemTime::UNIX_EPOCH, PathBuf::new());
    Some(KeptConfig { config, root, since, path, bytes: rest.to_vec(), seal })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes what is written");
        text
    })
}

fn unhex(digits: &[u8]) -> Option<[u8; 20]> {
    let text = std::str::from_utf8(digits).ok().filter(|text| text.len() == 40 && text.is_ascii())?;
    let mut bytes = [0; 20];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}

fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut parts = text.split(|&byte| byte == b'%');
    let mut bytes = parts.next()?.to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2)?;
        bytes.push(match code {
            b"25" => b'%',
            b"0A" => b'\n',
            _ => return None,
        });
        bytes.extend_from_slice(rest);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Profile;
    use crate::crypto::{KeyPair, Password};
    use crate::volume::fill_random;
    use proptest::prelude::*;
    use std::ffi::OsStr;

    fn config() -> (Config, VolumeKey) {
        let password = Password::new(b"x".to_vec()).expect("not empty");
        let config = Config::create(&Profile::Sync.parameters(), &password, 10, fill_random).expect("valid");
        let key = config.unlock(&password).expect("the right one");
        (config, key)
    }

    #[test]
    fn what_is_kept_is_found_again_under_any_name_of_the_folder() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let root = folder.path().join(OsStr::from_bytes(b"odd\n%25 \xff"));
        fs::create_dir(&root).expect("a fresh folder");
        let keeper = ConfigKeeper::new(&folder.path().join("state"), &root).expect("outside");
        assert!(keeper.kept().is_none());
        let (config, key) = config();
        keeper.keep(&config, &key).expect("kept");
        let kept = keeper.kept().expect("it was");
        assert_eq!(kept.bytes(), config.to_bytes());
        assert_eq!(kept.root, root.canonicalize().expect("it is there"));
        assert!(kept.is_genuine(&key));
        assert!(!kept.is_genuine(&VolumeKey(KeyPair::split(&[7; 48], 32))));
        assert_eq!(fs::metadata(&kept.path).expect("a file").mode() & 0o777, 0o600);
        // that of another key takes its place, and the first one stays for whoever wants it
        let other = VolumeKey(KeyPair::split(&[7; 48], 32));
        keeper.keep(&config, &other).expect("kept");
        let now = keeper.kept().expect("it was");
        assert!(now.is_of(&other) && now.is_genuine(&other));
        assert!(
            fs::read(format!("{}{REPLACED}", kept.path.display()))
                .is_ok_and(|record| record.ends_with(kept.bytes()))
        );
    }

    #[test]
    fn the_key_is_not_in_it() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let (config, key) = config();
        let record = record(folder.path(), &config, &key);
        for secret in [key.key(), key.iv()] {
            let hex = hex(secret);
            assert!(!record.windows(secret.len()).any(|window| window == secret));
            assert!(!record.windows(hex.len()).any(|window| window == hex.as_bytes()));
        }
    }

    #[test]
    fn a_changed_record_is_not_genuine_and_a_damaged_one_is_set_aside() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let root = folder.path().join("volume");
        fs::create_dir(&root).expect("a fresh folder");
        let keeper = ConfigKeeper::new(&folder.path().join("state"), &root).expect("outside");
        let (config, key) = config();
        keeper.keep(&config, &key).expect("kept");
        let path = keeper.kept().expect("it was").path;
        let text = fs::read_to_string(&path).expect("text");
        fs::write(&path, text.replace("<blockMACBytes>8<", "<blockMACBytes>0<")).expect("written");
        assert!(!keeper.kept().expect("readable").is_genuine(&key));
        fs::write(&path, &text[..text.len() / 2]).expect("written");
        assert!(keeper.kept().is_none());
        assert!(!path.exists());
        assert!(path.with_extension("config.damaged").exists());
    }

    #[test]
    fn a_folder_inside_the_volume_is_not_used() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        assert!(ConfigKeeper::new(&folder.path().join("state"), folder.path()).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_reading_panic(bytes: Vec<u8>, head in "[ -~\n%]{0,60}") {
            parse(&bytes);
            parse(&[MAGIC.as_bytes(), b"\nroot: ", head.as_bytes(), b"\nfile: .encfs6.xml\nseal: ", &bytes].concat());
        }
    }
}
