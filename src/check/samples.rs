//! Some of a volume's names and files, for finding out how they are coded.

use super::naming::{self, Name};
use super::places::{self, kind_of};
use super::sniff;
use super::tree::Node;
use crate::content::Layout;
use crate::volume::{Error, Kind, RawDir, Volume};
use std::collections::VecDeque;
use std::ops::Range;

/// Zeros that chance does not make.
const HOLE_MIN: usize = 16;
/// Names that are looked at, and directories that are gone into.
const NAMES_MAX: u64 = 4000;
const DIRS_MAX: usize = 300;
/// Files of which something is read, and how much of each.
const SAMPLES_MAX: usize = 48;
const SAMPLE_LEN: u64 = 64 * 1024;

/// How the names of a volume decode under one coding.
#[derive(Debug, Default)]
pub(super) struct NamesSeen {
    pub(super) tried: u64,
    pub(super) decoded: u64,
    /// Bits that speak for those being names.
    pub(super) bits: f64,
    pub(super) samples: Vec<Sample>,
}

/// The beginning of a file, as it is on disk.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) name: Vec<u8>,
    pub(super) path_iv: u64,
    pub(super) bytes: Vec<u8>,
    /// These are all there are.
    pub(super) whole: bool,
}

/// A file that might become a sample.
struct Found {
    node: std::sync::Arc<Node>,
    cipher_name: Vec<u8>,
    name: Vec<u8>,
    path_iv: u64,
    len: u64,
}

impl NamesSeen {
    /// Walks a volume from the root on, in breadth, as far as names decode.
    pub(super) fn walk(volume: &Volume) -> Result<NamesSeen, Error> {
        let mut seen = NamesSeen::default();
        let mut files = Vec::new();
        let mut todo = VecDeque::from([Node::root(volume)]);
        let mut dirs = 0;
        while let Some(node) = todo.pop_front().filter(|_| seen.tried < NAMES_MAX) {
            let dir = match volume.raw_dir(&node.cipher_path()) {
                Ok(dir) => dir,
                Err(error) if node.is_root() => return Err(error),
                Err(_) => continue,
            };
            for entry in dir.entries()? {
                let Ok(entry) = entry else { break };
                if seen.tried >= NAMES_MAX {
                    break;
                }
                let (name, below) = match naming::tell(volume.name_codec(), &entry.name, node.chain) {
                    Name::Entry(name, below) => (name, below),
                    Name::Odd(naming::Odd::Foreign) => continue,
                    Name::Odd(_) => {
                        seen.tried += u64::from(!crate::config::is_reserved_name(&entry.name));
                        continue;
                    }
                };
                seen.tried += 1;
                seen.decoded += 1;
                seen.bits += places::evidence(name.shown()).unwrap_or_default();
                match kind_of(&dir, &entry.name, entry.kind) {
                    Some(Kind::Dir) if dirs < DIRS_MAX => {
                        dirs += 1;
                        todo.push_back(node.below(&entry.name, below));
                    }
                    Some(Kind::File) => {
                        let len = dir.stat(&entry.name).map_or(0, |stat| stat.cipher_size);
                        let node = std::sync::Arc::clone(&node);
                        let name = name.copy_of().unwrap_or(name.shown()).to_vec();
                        files.push(Found {
                            node,
                            cipher_name: entry.name,
                            name,
                            path_iv: below.path_iv(),
                            len,
                        });
                    }
                    _ => {}
                }
            }
        }
        seen.samples = samples(volume, files);
        Ok(seen)
    }
}

/// Of the files those that say most: with a name that promises something, of many blocks, and not much to read.
fn samples(volume: &Volume, mut files: Vec<Found>) -> Vec<Sample> {
    files.retain(|file| file.len > 0);
    files.sort_by_key(|file| {
        let promises = sniff::promise(&file.name).is_some();
        (std::cmp::Reverse((promises, file.len.min(SAMPLE_LEN))), file.len)
    });
    // every other one is large, every other one small: short blocks are coded otherwise than full ones
    let (mut large, mut small) = (0, files.len());
    let mut order = Vec::new();
    while large < small && order.len() < SAMPLES_MAX {
        order.push(large);
        large += 1;
        if large < small {
            small -= 1;
            order.push(small);
        }
    }
    order.into_iter().filter_map(|at| read(volume, files.get(at)?)).collect()
}

fn read(volume: &Volume, found: &Found) -> Option<Sample> {
    let dir: RawDir = volume.raw_dir(&found.node.cipher_path()).ok()?;
    let file = dir.open_file(&found.cipher_name, false).ok()?;
    let len = file.stat().ok()?.cipher_size;
    let mut bytes = vec![0; len.min(SAMPLE_LEN) as usize];
    let read = file.read_at(&mut bytes, 0).ok()?;
    bytes.truncate(read);
    let whole = read as u64 == len;
    Some(Sample { name: found.name.clone(), path_iv: found.path_iv, bytes, whole })
}

impl Sample {
    /// The blocks under a layout, those only that are known to their end.
    pub(super) fn blocks(&self, layout: &Layout) -> impl Iterator<Item = &[u8]> {
        let body = self.bytes.get(layout.header_len()..).unwrap_or_default();
        body.chunks(layout.block_len()).filter(|block| self.whole || block.len() == layout.block_len())
    }

    /// Stretches of zeros on disk, which encrypted contents do not have: where holes begin and end.
    pub(super) fn holes(&self) -> Vec<Range<usize>> {
        let mut holes: Vec<Range<usize>> = Vec::new();
        for (at, _) in self.bytes.iter().enumerate().filter(|(_, byte)| **byte == 0) {
            match holes.last_mut() {
                Some(hole) if hole.end == at => hole.end += 1,
                _ => holes.push(at..at + 1),
            }
        }
        holes.retain(|hole| hole.len() >= HOLE_MIN);
        holes
    }

    /// Whether a full block of it is zeros on disk, which stand for zeros.
    pub(super) fn has_hole(&self, layout: &Layout) -> bool {
        self.blocks(layout)
            .any(|block| block.len() == layout.block_len() && block.iter().all(|&byte| byte == 0))
    }
}
