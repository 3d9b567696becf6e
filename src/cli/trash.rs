//! A trash in the volume, where what a command puts away can be found again: encrypted as everything else, in step
//! with other machines as everything else, and known to the file managers of desktops
//! (specifications.freedesktop.org/trash-spec, `$topdir/.Trash-$uid`).

use super::Error;
use crate::names::numbered;
use crate::volume::{Dir, Error as VolumeError, Fault, OpenFile, PlainPath, RenameMode, Volume};
use jiff::Zoned;
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// What every trash at the root of a volume begins with.
const PREFIX: &str = ".Trash-";
const INFO_SUFFIX: &str = ".trashinfo";

/// Whether an entry of the root is somebody's trash.
pub(super) fn is_trash(name: &OsStr) -> bool {
    name == ".Trash" || name.as_bytes().starts_with(PREFIX.as_bytes())
}

/// The trash of this user.
pub(super) struct Trash<'v> {
    volume: &'v Volume,
    path: PlainPath,
    files: Dir,
    info: Dir,
}

/// Something that was put away.
pub(super) struct Discarded {
    /// Where it is now.
    pub(super) path: PlainPath,
    name: OsString,
    info: OsString,
}

impl<'v> Trash<'v> {
    /// Opens the trash, made if it is not there.
    pub(super) fn open(volume: &'v Volume) -> Result<Trash<'v>, Error> {
        let name = OsString::from(format!("{PREFIX}{}", rustix::process::geteuid().as_raw()));
        let path = PlainPath::default().join(&name);
        let open = |dir: &Dir, name: &OsStr| match volume.mkdir(dir, name, 0o700, None) {
            Err(error) if !exists(&error) => Err(error),
            _ => volume.open_dir(dir, name),
        };
        let opened = open(&volume.root(), &name).and_then(|top| {
            let (files, info) = (open(&top, OsStr::new("files"))?, open(&top, OsStr::new("info"))?);
            Ok((files, info))
        });
        let (files, info) = opened.map_err(Error::at(&path))?;
        Ok(Trash { volume, path: path.join(OsStr::new("files")), files, info })
    }

    /// Puts an entry away that was at `path`.
    pub(super) fn discard(&self, dir: &Dir, name: &OsStr, path: &PlainPath) -> Result<Discarded, Error> {
        let max_len = self.volume.max_name_len().saturating_sub(INFO_SUFFIX.len());
        let mut number = 0;
        loop {
            number += 1;
            let free = match number {
                1 if name.len() <= max_len => name.to_owned(),
                number => OsString::from_vec(numbered(name.as_bytes(), number, max_len)),
            };
            let info = OsString::from_vec([free.as_bytes(), INFO_SUFFIX.as_bytes()].concat());
            // the note first, as the specification has it: it reserves the name
            match self.note(&info, path) {
                Err(error) if exists(&error) => continue,
                noted => noted.map_err(Error::at(path))?,
            }
            match self.volume.rename(dir, name, &self.files, &free, RenameMode::NoReplace) {
                Ok(()) => return Ok(Discarded { path: self.path.join(&free), name: free, info }),
                Err(error) => {
                    self.forget(&info);
                    if !exists(&error) {
                        return Err(Error::at(path)(error));
                    }
                }
            }
        }
    }

    /// Takes it back to where it was.
    pub(super) fn take_back(&self, what: &Discarded, dir: &Dir, name: &OsStr) -> Result<(), Error> {
        let back = self.volume.rename(&self.files, &what.name, dir, name, RenameMode::NoReplace);
        back.map_err(Error::at(&what.path))?;
        self.forget(&what.info);
        Ok(())
    }

    fn note(&self, info: &OsStr, path: &PlainPath) -> Result<(), VolumeError> {
        let how = OpenFile { write: true, ..OpenFile::default() };
        let file = self.volume.create_file(&self.info, info, 0o600, true, how, None)?;
        let date = Zoned::now().strftime("%Y-%m-%dT%H:%M:%S");
        let text = format!("[Trash Info]\nPath={}\nDeletionDate={date}\n", percent_encoded(path));
        file.write_at(text.as_bytes(), 0).inspect_err(|_| self.forget(info))
    }

    fn forget(&self, info: &OsStr) {
        if let Err(error) = self.volume.unlink(&self.info, info) {
            tracing::warn!("{error}");
        }
    }
}

fn exists(error: &VolumeError) -> bool {
    matches!(error.fault, Fault::Sys(Errno::EXIST))
}

/// A path as in a URL: letters, digits and `-._~/` as they are.
fn percent_encoded(path: &PlainPath) -> String {
    let mut text = String::new();
    for &byte in path.to_path().as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("a string takes what is written");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_as_the_specification_has_them() {
        let path = PlainPath::parse(OsStr::new("/Bücher/a b%.md")).unwrap();
        assert_eq!(percent_encoded(&path), "B%C3%BCcher/a%20b%25.md");
    }

    #[test]
    fn everybodys_trash_is_known() {
        for (name, expected) in
            [(".Trash", true), (".Trash-1000", true), (".Trashed", false), ("Trash-1", false)]
        {
            assert_eq!(is_trash(OsStr::new(name)), expected, "{name}");
        }
    }
}
