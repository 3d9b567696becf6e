//! Finding, opening and making volumes, and replacing a config (encfs-format 2).

use super::Volume;
use super::core::Core;
use super::dir::Dir;
use super::fill_random;
use super::journal::{Journal, is_half_done};
use super::restore::candidates;
use super::sys;
use super::unlock;
use crate::config;
use crate::config::{CONFIG_FILES, Config, Difference, FileKind, UNFINISHED_PREFIX};
use crate::content::ContentCodec;
use crate::crypto::{Cipher, Password, VolumeKey, null_cipher};
use crate::names::NameCodec;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::fs;
use std::io;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// No config is larger; real ones have about 2 KiB.
const MAX_CONFIG_LEN: u64 = 1 << 20;
/// Bytes of the longest name that a file system takes when it does not tell.
const USUAL_NAME_MAX: u64 = 255;

/// How a volume is opened.
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    /// Every change is refused before anything is touched.
    pub read_only: bool,
    /// A folder outside the volume for the journal of renames and for the config as it was, made if there is none.
    /// Without one, a rename in a volume with chained names does not survive a crash, and nobody notices a config
    /// that was exchanged.
    pub state: Option<PathBuf>,
    /// No password is wrong: see [`Config::unlock_any`].
    pub any_key: bool,
    /// A config that differs from the one that was kept is taken, and kept from then on: see [`unlock`](super::unlock).
    pub accept_config: bool,
    /// Names that differ in their form of Unicode only are two names, whoever asks: see [`Volume::spelling`].
    pub exact_names: bool,
    /// A file of which not everything has arrived is read as if it ended there; else reading that part fails.
    pub read_partial: bool,
    /// Damaged blocks are read as they decrypt: see [`ContentCodec::lenient`].
    pub force_decode: bool,
}

/// A config that was found, and where.
#[derive(Debug, Clone)]
pub struct FoundConfig {
    /// What it says.
    pub config: Config,
    /// The file it came from.
    pub path: PathBuf,
}

/// Why a folder cannot be opened as a volume, or made one.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the fields say where, or what the system said
pub enum OpenError {
    /// The folder or a file in it cannot be read or written.
    #[error("{}: {source}", path.display())]
    Root { path: PathBuf, source: io::Error },
    /// The path is not a folder.
    #[error("{}: not a folder", path.display())]
    NotAFolder { path: PathBuf },
    /// There is no config file; the candidates look like one that lost its name.
    #[error("{}: no EncFS config file (.encfs6.xml, .encfs5 or .encfs4) in this folder", root.display())]
    NoConfig { root: PathBuf, candidates: Vec<PathBuf> },
    /// The config file has no bytes: most likely it has not arrived yet.
    #[error("{}: the config file is empty", path.display())]
    EmptyConfig { path: PathBuf },
    /// The config is damaged, absurd or not supported.
    #[error("{}: {source}", path.display())]
    Config { path: PathBuf, source: config::Error },
    /// The password is wrong, or the key in the config is damaged: the format cannot tell which.
    #[error("wrong password, or the key in the config file is damaged")]
    Password,
    /// The password is wrong, and the config is not the one with which the volume was opened before: somebody has
    /// changed the password.
    #[error("wrong password: it was changed since the volume was opened here, or the config file is damaged")]
    OtherPassword { path: PathBuf },
    /// The config is not the one with which the volume was opened before, and not for a change of password alone.
    #[error("{}: not the config with which this volume was opened before: {}", path.display(), config::of_concern(differences))]
    OtherConfig { path: PathBuf, differences: Vec<Difference> },
    /// The config that was kept is not as encbox kept it.
    #[error("{}: the config that encbox kept of this volume was changed by somebody else", path.display())]
    Forged { path: PathBuf },
    /// There is a volume in the folder already.
    #[error("{}: there is a volume in this folder already", path.display())]
    Exists { path: PathBuf },
    /// The folder has something in it.
    #[error("{}: the folder is not empty", path.display())]
    NotEmpty { path: PathBuf },
}

pub(super) fn root_error(path: &Path) -> impl FnOnce(io::Error) -> OpenError + '_ {
    move |source| OpenError::Root { path: path.to_owned(), source }
}

/// Finds and reads the config of the volume in `root`: the first there is, as EncFS looks for them, with its
/// environment variables `ENCFS6_CONFIG` and `ENCFS5_CONFIG`.
pub fn find_config(root: &Path) -> Result<FoundConfig, OpenError> {
    if !fs::metadata(root).map_err(root_error(root))?.is_dir() {
        return Err(OpenError::NotAFolder { path: root.to_owned() });
    }
    for file in CONFIG_FILES {
        let variable = match file.kind {
            FileKind::V6 => std::env::var_os("ENCFS6_CONFIG"),
            FileKind::V5 => std::env::var_os("ENCFS5_CONFIG"),
            FileKind::V4 | FileKind::Unsupported(_) => None,
        };
        if let Some(path) = variable {
            return read(Path::new(&path), file.kind);
        }
        let path = root.join(file.name);
        if path.symlink_metadata().is_ok() {
            return read(&path, file.kind);
        }
    }
    let candidates = candidates(root).into_iter().map(|candidate| candidate.path).collect();
    Err(OpenError::NoConfig { root: root.to_owned(), candidates })
}

/// Reads the config at `path` itself, wherever it is; parsed as V6 unless its name says something else, with or without
/// the mark of a sync client.
pub fn read_config(path: &Path) -> Result<FoundConfig, OpenError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let named = CONFIG_FILES.iter().find(|file| name == file.name);
    let kind = match named {
        Some(file) => file.kind,
        None if name.contains(".encfs5") => FileKind::V5,
        None if name.contains(".encfs4") => FileKind::V4,
        None => FileKind::V6,
    };
    read(path, kind)
}

fn read(path: &Path, kind: FileKind) -> Result<FoundConfig, OpenError> {
    let refused = |source| OpenError::Config { path: path.to_owned(), source };
    // a pipe would be waited for, perhaps for ever
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened = rustix::fs::open(path, flags, Mode::empty()).map_err(io::Error::from);
    let file = fs::File::from(opened.map_err(root_error(path))?);
    if !file.metadata().map_err(root_error(path))?.is_file() {
        return Err(refused(config::Error::Syntax("it is not a regular file".to_owned())));
    }
    let mut bytes = Vec::new();
    file.take(MAX_CONFIG_LEN + 1).read_to_end(&mut bytes).map_err(root_error(path))?;
    if bytes.is_empty() {
        return Err(OpenError::EmptyConfig { path: path.to_owned() });
    }
    if bytes.len() as u64 > MAX_CONFIG_LEN {
        return Err(refused(config::Error::Syntax("it is larger than any config".to_owned())));
    }
    if !matches!(kind, FileKind::Unsupported(_)) && bytes.iter().all(|&byte| byte == 0) {
        return Err(refused(config::Error::Unfinished("it holds nothing but zeros")));
    }
    let config = Config::parse(kind, &bytes).map_err(refused)?;
    Ok(FoundConfig { config, path: path.to_owned() })
}

/// Makes `root` a volume; the folder is created if there is none. Refused where a volume is already, and in a
/// folder with anything in it unless `force`.
pub fn create(root: &Path, config: &Config, force: bool) -> Result<(), OpenError> {
    fs::create_dir_all(root).map_err(root_error(root))?;
    for file in CONFIG_FILES {
        let path = root.join(file.name);
        if path.symlink_metadata().is_ok() {
            return Err(OpenError::Exists { path });
        }
    }
    let empty = fs::read_dir(root).map_err(root_error(root))?.next().is_none();
    if !empty && !force {
        return Err(OpenError::NotEmpty { path: root.to_owned() });
    }
    let path = root.join(config.format().file_name());
    write_whole(&path, &config.to_bytes(), 0o640, |_| Ok(())).map_err(root_error(&path))
}

/// Replaces the config of a volume; a reader sees the old one or the new one, whole.
///
/// A link to it stays one. Owner, group and permissions stay as far as the system lets us.
pub fn replace_config(found: &FoundConfig, config: &Config) -> Result<(), OpenError> {
    let write = || {
        let path = fs::canonicalize(&found.path)?;
        let old = fs::metadata(&path)?;
        write_whole(&path, &config.to_bytes(), 0o600, |file| resemble(file, &old))
    };
    write().map_err(root_error(&found.path))
}

/// Gives a new file the owner, group and permissions of the one that it replaces.
pub(super) fn resemble(file: &fs::File, old: &fs::Metadata) -> io::Result<()> {
    let warn = |error| tracing::warn!(%error, "the new config differs from the old in owner or permissions");
    let new = file.metadata()?;
    // each alone: who may not give a file away can still choose among the groups they are in
    if new.uid() != old.uid() {
        fchown(file, Some(old.uid()), None).unwrap_or_else(warn);
    }
    if new.gid() != old.gid() {
        fchown(file, None, Some(old.gid())).unwrap_or_else(warn);
    }
    file.set_permissions(fs::Permissions::from_mode(old.mode() & 0o7777)).unwrap_or_else(warn);
    Ok(())
}

/// Writes beside, makes durable, renames into place. The name beside is reserved in the root of a volume, where
/// plain names leave none that stands for nothing.
pub(super) fn write_whole(
    path: &Path,
    bytes: &[u8],
    mode: u32,
    finish: impl FnOnce(&fs::File) -> io::Result<()>,
) -> io::Result<()> {
    let Some(dir) = path.parent() else { return Err(io::ErrorKind::InvalidInput.into()) };
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    let mut random = [0; 8];
    fill_random(&mut random);
    let beside = dir.join(format!("{UNFINISHED_PREFIX}{:016x}", u64::from_le_bytes(random)));
    let write = || {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
        file.write_all(bytes)?;
        finish(&file)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().inspect_err(|_| drop(fs::remove_file(&beside)))?;
    sync_dir(dir)
}

/// Makes the entries of a folder durable, where the file system can do that at all.
fn sync_dir(dir: &Path) -> io::Result<()> {
    let synced = fs::File::open(dir)?.sync_all();
    let Err(error) = &synced else { return Ok(()) };
    let cannot = [Errno::INVAL, Errno::NOTSUP, Errno::OPNOTSUPP];
    if Errno::from_io_error(error).is_some_and(|errno| cannot.contains(&errno)) {
        tracing::debug!(%error, dir = %dir.display(), "the folder cannot be made durable");
        return Ok(());
    }
    synced
}

/// Tells the journals of volumes apart, and stays when the password changes or the folder moves.
pub(super) fn journal_key(cipher: &dyn Cipher) -> u64 {
    cipher.mac64(b"encbox: journal of renames", None)
}

impl Volume {
    /// Opens a volume with its password. Takes the time that the volume's creator chose.
    ///
    /// Unless it is opened read-only, a rename that was interrupted is finished or taken back first.
    pub fn open(
        root: &Path,
        found: &FoundConfig,
        password: &Password,
        options: OpenOptions,
    ) -> Result<Volume, OpenError> {
        let unlocked = unlock(root, found, password, &options)?;
        Volume::with_key(root, &found.config, &unlocked.key, options)
    }

    /// Opens a volume with its key; refuses one that does not fit its cipher.
    pub fn with_key(
        root: &Path,
        config: &Config,
        key: &VolumeKey,
        options: OpenOptions,
    ) -> Result<Volume, OpenError> {
        let fail = |errno: Errno| match errno {
            Errno::NOTDIR => OpenError::NotAFolder { path: root.to_owned() },
            errno => OpenError::Root { path: root.to_owned(), source: errno.into() },
        };
        let handle = sys::open_root_handle(root).map_err(fail)?;
        let id = sys::stat_fd(&handle).map_err(fail)?.id;
        let name_max = sys::reopen_dir(&handle).and_then(rustix::fs::fstatvfs).map_err(fail)?.f_namemax;
        let name_max = if name_max == 0 { USUAL_NAME_MAX } else { name_max };

        let parameters = config.parameters();
        let refused = |source| OpenError::Config { path: root.join(config.format().file_name()), source };
        let cipher = config.cipher(key).map_err(refused)?;
        let names =
            NameCodec::new(&parameters.name_coding, &cipher, parameters.chained_names, name_max as usize)
                .expect("a config's parameters were checked when it was parsed");
        let content_cipher = if parameters.plain_data { null_cipher() } else { Arc::clone(&cipher) };
        let content =
            ContentCodec::new(content_cipher, parameters.layout(), parameters.allow_holes, fill_random);
        let state = options.state.as_deref();
        let journal_key = journal_key(&*cipher);
        let journal = match options.read_only {
            false if parameters.chained_names => Journal::open(state, &handle, id, journal_key),
            _ => Journal::none(),
        };
        let half_done =
            options.read_only && parameters.chained_names && is_half_done(state, &handle, id, journal_key);
        if half_done {
            tracing::warn!(
                "a rename was interrupted, and some names cannot be read now; open the volume for writing, for \
                 example by `encbox mount`, to put that right"
            );
        }
        let content = if options.force_decode { content.lenient() } else { content };
        let root_dir = Dir::root(id, handle, names.root_chain());
        let root_path = root.to_owned();
        let config = config.clone();
        let key = key.clone();
        let mut core = Core::new(root_path, root_dir, config, names, content, key, cipher, &options, journal);
        core.half_done = half_done;
        Ok(Volume { core: Arc::new(core) })
    }
}
