//! The log of a mount: a file that its user alone can read. What is said there names ciphertext only.

use super::{Error, state};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A log that has grown beyond this is put aside when the next mount begins, and one such is kept.
const MAX_LEN: u64 = 1 << 20;

/// A file name may have 255 bytes; this leaves room for an ending.
const MAX_NAME_LEN: usize = 200;

/// Opens a log to append to.
pub(super) fn open(path: &Path) -> Result<File, Error> {
    put_aside(path).map_err(Error::local("write", path))?;
    let opened = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
    opened.map_err(Error::local("write", path))
}

/// Where the mount on `mountpoint`, an absolute path, logs if nobody says otherwise: a folder beside everything else
/// that encbox notes on this machine. Made if it is not there; `None` if it cannot be.
pub(super) fn default(mountpoint: &Path) -> Option<PathBuf> {
    let folder = state::folder()?.join("log");
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
    made.inspect_err(|error| tracing::warn!("no log: {}: {error}", folder.display())).ok()?;
    Some(folder.join(format!("{}.log", name(mountpoint))))
}

fn put_aside(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() && found.len() > MAX_LEN => {
            fs::rename(path, path.with_extension("log.old"))
        }
        _ => Ok(()),
    }
}

/// A path as one name: `/home/ann/Private` is `home-ann-Private`.
fn name(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    let plain = |byte: &u8| {
        if byte.is_ascii_alphanumeric() || b"._".contains(byte) { char::from(*byte) } else { '-' }
    };
    let name: String = bytes.iter().map(plain).collect();
    let name = name.trim_matches('-');
    name[name.len().saturating_sub(MAX_NAME_LEN)..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_path_as_a_name() {
        assert_eq!(name(Path::new("/home/ann/My Files")), "home-ann-My-Files");
        assert_eq!(name(Path::new(&"/x".repeat(500))).len(), MAX_NAME_LEN);
    }

    #[test]
    fn it_is_appended_to_until_it_is_long() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.log");
        for _ in 0..2 {
            open(&path).unwrap().write_all(b"line\n").unwrap();
        }
        assert_eq!(fs::read(&path).unwrap(), b"line\nline\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        open(&path).unwrap().set_len(MAX_LEN + 1).unwrap();
        open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), 0);
        assert_eq!(fs::metadata(folder.path().join("m.log.old")).unwrap().len(), MAX_LEN + 1);
    }
}
