//! Where something may have been: every place of the volume that is known, and every name that it may have had.

use super::naming::{self, Name, Odd};
use super::repair::Stopped;
use super::tree::Node;
use crate::names::{IvChain, NameCodec};
use crate::volume::{Error, Kind, PlainPath, RawDir, Volume};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

/// Names that are remembered; there can be millions.
const NAMES_MAX: usize = 100_000;
/// Places and names that are tried together.
const TRIES_MAX: usize = 1 << 21;
/// Names of a directory that are enough to know its chain by.
const SAMPLE: usize = 32;
/// Bits of evidence beyond what chance makes up for.
const MARGIN: f64 = 12.0;

/// A directory of the volume.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) chain: IvChain,
    pub(super) plain: PlainPath,
}

/// All that is known.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Every directory whose path decodes; in volumes without chains the root stands for all.
    pub(super) dirs: Vec<Place>,
    /// Names that things have, those of directories first; what the user remembers before all others.
    names: Vec<Vec<u8>>,
}

/// What a name was in another place.
pub(super) struct Was {
    pub(super) name: Vec<u8>,
    pub(super) below: IvChain,
    pub(super) dir: PlainPath,
    pub(super) sure: bool,
}

/// What chain the names in a directory were written with.
pub(super) struct Below {
    pub(super) chain: IvChain,
    /// The name that the directory had, if it was found by one.
    pub(super) name: Option<Vec<u8>>,
    pub(super) from: String,
    pub(super) sure: bool,
}

impl Places {
    /// Walks the whole volume by its names; or as far as it comes.
    pub(super) fn survey(volume: &Volume, hints: &[Vec<u8>], stopped: Stopped<'_>) -> Result<Places, Error> {
        let chained = volume.config().parameters().chained_names;
        let mut places = Places::default();
        let mut seen: HashSet<Vec<u8>> = HashSet::new();
        let (mut hinted, mut of_dirs, mut of_files) = (Vec::new(), Vec::new(), Vec::new());
        for hint in hints {
            if seen.insert(hint.clone()) {
                hinted.push(hint.clone());
            }
        }
        let mut todo = vec![(Node::root(volume), PlainPath::default())];
        while let Some((node, plain)) = todo.pop().filter(|_| !stopped()) {
            if chained || node.is_root() {
                places.dirs.push(Place { chain: node.chain, plain: plain.clone() });
            }
            let Ok(dir) = volume.raw_dir(&node.cipher_path()) else { continue };
            for entry in dir.entries()? {
                if stopped() {
                    break;
                }
                let entry = entry?;
                let Name::Entry(name, below) = naming::tell(volume.name_codec(), &entry.name, node.chain)
                else {
                    continue;
                };
                let is_dir = kind_of(&dir, &entry.name, entry.kind) == Some(Kind::Dir);
                let known = name.copy_of().unwrap_or(name.shown());
                if seen.len() < NAMES_MAX && seen.insert(known.to_vec()) {
                    if is_dir { &mut of_dirs } else { &mut of_files }.push(known.to_vec());
                }
                if is_dir {
                    let shown = OsStr::from_bytes(name.shown());
                    todo.push((Arc::clone(&node).below(&entry.name, below), plain.join(shown)));
                }
            }
        }
        places.names = [hinted, of_dirs, of_files].concat();
        Ok(places)
    }

    /// Where a name that does not decode here was written, and what it says.
    pub(super) fn name_was(&self, codec: &NameCodec, name: &[u8]) -> Option<Was> {
        let decoded = self.dirs.iter().filter_map(|place| {
            let (plain, below) = codec.decode_name(name, place.chain).ok()?;
            Some((evidence(&plain)?, plain, below, place))
        });
        let (bits, plain, below, place) = decoded.max_by(|one, other| one.0.total_cmp(&other.0))?;
        let sure = bits >= (self.dirs.len() as f64).log2() + MARGIN;
        Some(Was { name: plain, below, dir: place.plain.clone(), sure })
    }

    /// The chain that the names in a directory were written with. `here` is the chain of the directory it is in.
    pub(super) fn below_was(
        &self,
        codec: &NameCodec,
        dir: &RawDir,
        here: IvChain,
        stopped: Stopped<'_>,
    ) -> Result<Option<Below>, Error> {
        let mut sample = Vec::new();
        for entry in dir.entries()? {
            let entry = entry?;
            if naming::tell(codec, &entry.name, here) != Name::Odd(Odd::Foreign) {
                sample.push(entry.name);
            }
            if sample.len() == SAMPLE {
                break;
            }
        }
        if sample.is_empty() {
            return Ok(None);
        }
        let mut best: Option<(f64, Below)> = None;
        let mut tries = 0_usize;
        let mut consider = |chain: IvChain, name: Option<&[u8]>, from: &dyn Fn() -> String| {
            tries += 1;
            let bits: f64 =
                sample.iter().filter_map(|coded| evidence(&codec.decode_name(coded, chain).ok()?.0)).sum();
            if bits > best.as_ref().map_or(0.0, |(most, _)| *most) {
                let name = name.map(<[u8]>::to_vec);
                best = Some((bits, Below { chain, name, from: from(), sure: false }));
            }
            tries < TRIES_MAX && !stopped()
        };
        for place in &self.dirs {
            if !consider(place.chain, None, &|| format!("what is in {}", place.plain.display())) {
                break;
            }
        }
        let parents =
            std::iter::once((here, None)).chain(self.dirs.iter().map(|place| (place.chain, Some(place))));
        'all: for (parent, place) in parents {
            for name in &self.names {
                let Ok((_, chain)) = codec.encode_name(name, parent) else { continue };
                let from = || {
                    let name = String::from_utf8_lossy(name);
                    match place {
                        None => format!("what was in {name} here"),
                        Some(place) => format!("what was in {name} in {}", place.plain.display()),
                    }
                };
                if !consider(chain, Some(name), &from) {
                    break 'all;
                }
            }
        }
        Ok(best.map(|(bits, below)| {
            let chance = ((tries * sample.len()) as f64).log2();
            Below { sure: bits >= chance + MARGIN, ..below }
        }))
    }

    /// The path IVs that a file may have been written under, the likely ones first; each with where that is.
    pub(super) fn path_ivs<'a>(
        &'a self,
        codec: &'a NameCodec,
        name: &'a [u8],
        here: IvChain,
    ) -> impl Iterator<Item = (u64, Vec<u8>, Option<&'a Place>)> + use<'a> {
        let iv = |name: &[u8], chain: IvChain| Some(codec.encode_name(name, chain).ok()?.1.path_iv());
        let elsewhere = self
            .dirs
            .iter()
            .filter_map(move |place| Some((iv(name, place.chain)?, name.to_vec(), Some(place))));
        let renamed = self.names.iter().filter_map(move |name| Some((iv(name, here)?, name.clone(), None)));
        let both = self.dirs.iter().flat_map(move |place| {
            self.names
                .iter()
                .filter_map(move |name| Some((iv(name, place.chain)?, name.clone(), Some(place))))
        });
        // a directory above was renamed: its name, then this one
        let above = self.dirs.iter().flat_map(move |place| {
            self.names.iter().filter_map(move |dir| {
                let (_, below) = codec.encode_name(dir, place.chain).ok()?;
                Some((iv(name, below)?, name.to_vec(), Some(place)))
            })
        });
        elsewhere.chain(renamed).chain(above.take(TRIES_MAX / 4)).chain(both.take(TRIES_MAX / 4))
    }

    /// The names that are known.
    pub(super) fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.names.iter().map(Vec::as_slice)
    }
}

/// Bits that speak for a name that decoded; `None` if nobody would have typed it.
pub(super) fn evidence(plain: &[u8]) -> Option<f64> {
    /// Of the checksum.
    const CHECKSUM: f64 = 16.0;
    /// By which a byte of text is rarer than any byte.
    const A_BYTE: f64 = 1.2;
    let text = std::str::from_utf8(plain).ok()?;
    if text.chars().any(char::is_control) {
        return None;
    }
    Some(CHECKSUM + A_BYTE * plain.len() as f64)
}

/// What an entry is, asked for where the listing did not tell.
pub(super) fn kind_of(dir: &RawDir, name: &[u8], listed: Option<Kind>) -> Option<Kind> {
    listed.or_else(|| Some(dir.stat(name).ok()?.kind))
}
