//! Paths inside a volume: as a person types them, and walked.

use super::Volume;
use super::attr::{Kind, Target};
use super::core::Core;
use super::dir::Dir;
use super::error::{Error, Fault};
use super::spot::os_str;
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Symbolic links that are followed on one walk, as Linux has it.
const MAX_LINKS: usize = 40;

/// A path inside a volume: names from the root down, without empty ones, `.` and `..`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PlainPath(Vec<OsString>);

impl PlainPath {
    /// Reads what a person typed; a leading `/` is the volume's root, as is nothing. `..` is resolved by text;
    /// `None` if it leads out of the volume.
    pub fn parse(text: &OsStr) -> Option<PlainPath> {
        let mut names = Vec::new();
        for name in text.as_bytes().split(|&byte| byte == b'/') {
            match name {
                b"" | b"." => {}
                b".." => drop(names.pop()?),
                _ => names.push(os_str(name).to_owned()),
            }
        }
        Some(PlainPath(names))
    }

    /// The names from the root down.
    pub fn components(&self) -> &[OsString] {
        &self.0
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// One level down.
    pub fn join(&self, name: &OsStr) -> PlainPath {
        PlainPath(self.0.iter().cloned().chain([name.to_owned()]).collect())
    }

    /// One level up; `None` at the root.
    pub fn parent(&self) -> Option<PlainPath> {
        let (_, parent) = self.0.split_last()?;
        Some(PlainPath(parent.to_vec()))
    }

    /// The last name; `None` at the root.
    pub fn file_name(&self) -> Option<&OsStr> {
        self.0.last().map(OsString::as_os_str)
    }

    /// The names with slashes between them, `/` for the root: for the person who typed the path.
    pub fn display(&self) -> String {
        if self.is_root() { "/".to_owned() } else { self.to_path().display().to_string() }
    }

    /// The path relative to the root.
    pub fn to_path(&self) -> PathBuf {
        self.0.iter().collect()
    }
}

/// Whether a symbolic link at the end of a path is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // yes and no
pub enum Follow {
    Yes,
    No,
}

/// Where a path leads.
#[derive(Debug, Clone)]
pub enum Place {
    /// To the root.
    Root(Dir),
    /// To an entry of a directory, which need not exist.
    Entry(Dir, OsString),
}

impl Place {
    /// For operations on attributes.
    pub fn target(&self) -> Target<'_> {
        match self {
            Place::Root(dir) => Target::Dir(dir),
            Place::Entry(dir, name) => Target::Entry(dir, name),
        }
    }

    /// The place as a directory.
    pub fn dir(&self, volume: &Volume) -> Result<Dir, Error> {
        match self {
            Place::Root(dir) => Ok(dir.clone()),
            Place::Entry(dir, name) => volume.open_dir(dir, name),
        }
    }
}

impl Volume {
    /// Walks a path from the root. Links on the way are followed within the volume; one at the end only with
    /// [`Follow::Yes`]. The last name need not exist. Names are looked for as [`Volume::spelling`] does.
    pub fn walk(&self, path: &PlainPath, follow: Follow) -> Result<Place, Error> {
        const VERB: &str = "looking for";
        let mut todo: VecDeque<OsString> = path.components().iter().cloned().collect();
        let mut dir = self.root();
        let mut links = 0;
        while let Some(name) = todo.pop_front() {
            match name.as_bytes() {
                b"" | b"." => continue,
                b".." => {
                    dir = dir.parent().ok_or_else(|| dir.error(VERB, None, Fault::Outside))?;
                    continue;
                }
                _ => {}
            }
            let name = self.spelling(&dir, &name).into_owned();
            let last = todo.is_empty();
            if last && follow == Follow::No {
                return Ok(Place::Entry(dir, name));
            }
            let kind = match self.stat((&dir, name.as_os_str())) {
                Ok(stat) => stat.kind,
                Err(Error { fault: Fault::Sys(rustix::io::Errno::NOENT), .. }) if last => {
                    return Ok(Place::Entry(dir, name));
                }
                Err(error) => return Err(error),
            };
            match kind {
                Kind::Symlink => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(dir.error(VERB, None, Fault::LinkLoop));
                    }
                    let target = self.readlink(&dir, &name)?;
                    if target.as_bytes().starts_with(b"/") {
                        return Err(dir.error(VERB, None, Fault::Outside));
                    }
                    for name in target.as_bytes().split(|&byte| byte == b'/').rev() {
                        todo.push_front(os_str(name).to_owned());
                    }
                }
                _ if last => return Ok(Place::Entry(dir, name)),
                Kind::Dir => dir = self.open_dir(&dir, &name)?,
                _ => return Err(dir.error(VERB, None, Fault::NotADirectory)),
            }
        }
        Ok(self.place_of(dir))
    }

    /// A directory reached by a path that ended in dots.
    fn place_of(&self, dir: Dir) -> Place {
        match dir.place_in_parent() {
            Some((parent, name)) => Place::Entry(parent, os_str(&name).to_owned()),
            None => Place::Root(dir),
        }
    }

    /// The ciphertext path, relative to the root, of a path that need not exist.
    pub fn encode_path(&self, path: &PlainPath) -> Result<PathBuf, Error> {
        let mut chain = self.core.names.root_chain();
        let mut encoded = PathBuf::new();
        for name in path.components() {
            let below = self.core.names.encode_name(name.as_bytes(), chain);
            let (name, below) = below.map_err(|error| Error {
                verb: "encoding",
                path: encoded.clone(),
                fault: error.into(),
            })?;
            encoded.push(os_str(&name));
            chain = below;
        }
        Ok(encoded)
    }

    /// The plaintext path of a ciphertext path relative to the root, which need not exist.
    pub fn decode_path(&self, path: &Path) -> Result<PlainPath, Error> {
        self.core.decode_path(path)
    }
}

impl Core {
    pub(super) fn decode_path(&self, path: &Path) -> Result<PlainPath, Error> {
        let mut chain = self.names.root_chain();
        let mut decoded = PlainPath::default();
        for name in path.as_os_str().as_bytes().split(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
            let below = self.names.decode_entry(name, chain);
            let (name, below) = below.map_err(|error| Error {
                verb: "decoding",
                path: path.to_owned(),
                fault: error.into(),
            })?;
            decoded.0.push(os_str(name.shown()).to_owned());
            chain = below;
        }
        Ok(decoded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_paths() {
        let shown = |text: &str| PlainPath::parse(OsStr::new(text)).map(|path| path.display());
        assert_eq!(shown("").as_deref(), Some("/"));
        assert_eq!(shown("/").as_deref(), Some("/"));
        assert_eq!(shown("//a/./b//c/").as_deref(), Some("a/b/c"));
        assert_eq!(shown("a/../b").as_deref(), Some("b"));
        assert_eq!(shown("a/../.."), None);
        assert_eq!(shown("../a"), None);
    }
}
