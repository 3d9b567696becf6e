//! How contents are coded, found out by trying: the right way is the one under which MACs match, or plaintext looks like
//! what its name says.

use super::program::Parameter;
use super::samples::Sample;
use super::sniff;
use super::sniff::{Encoding, Promise};
use crate::config::{FileIvMode, Parameters};
use crate::content::{ContentCodec, FileIv, HEADER_LEN, Layout, decode_header};
use crate::crypto::Cipher;
use crate::volume::fill_random;
use std::sync::Arc;

/// Samples that nothing fits before a way is given up.
const MISSES: u64 = 4;
/// The same where many samples may say nothing.
const DULL: u64 = 12;
/// Bytes of a sample that show whether it is worth looking at the rest.
const GLANCE_LEN: usize = 2048;
/// Random bytes in front of payloads that are tried; creators write at most 8.
const RAND_MAX: u32 = 8;
/// The longest block that is tried.
const BLOCK_MAX: u32 = 1 << 20;
/// Bits by which a byte of text is rarer than any byte, and how many bytes of a text count.
const A_BYTE: f64 = 1.2;
const TEXT_MAX: usize = 1024;
/// Bits by which the beginning, or the end, of a format is rarer than any.
const MAGIC: f64 = 24.0;
/// Bits that are needed: the number of tries, and what chance must not make up for.
const ENOUGH: f64 = 11.0 + 12.0;

/// How contents are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Contents {
    pub(super) block_len: u32,
    pub(super) file_iv: FileIvMode,
    pub(super) mac_len: u32,
    pub(super) rand_len: u32,
    /// Samples that fit.
    pub(super) fit: u64,
    /// Samples that were tried.
    pub(super) tried: u64,
}

/// What speaks for a way.
#[derive(Debug, Clone, Copy, Default)]
struct Evidence {
    bits: f64,
    /// Holes that begin and end at edges of blocks, less samples with others.
    holes: i64,
    fit: u64,
    tried: u64,
}

impl Evidence {
    /// Holes decide where all else is equal.
    fn strength(self) -> (f64, i64) {
        (self.bits, self.holes)
    }
}

/// Finds out how contents are coded, and what of it does not show, which is then as in `closest`. Where the look of
/// plaintext is not to count, only MACs do.
pub(super) fn contents(
    cipher: &Arc<dyn Cipher>,
    samples: &[Sample],
    chained: bool,
    closest: &Parameters,
    looks_count: bool,
) -> (Contents, Vec<Parameter>) {
    let trial = Trial { cipher, samples, chained, closest };
    let without_macs = || if looks_count { trial.without_macs() } else { None };
    trial.with_macs().or_else(without_macs).unwrap_or_else(|| trial.by_holes())
}

/// The way for which most speaks.
struct Likely {
    evidence: Evidence,
    mode: FileIvMode,
    layout: Layout,
    /// There are others for which as much does.
    ambiguous: bool,
}

impl Likely {
    fn is_proved(&self) -> bool {
        self.evidence.bits >= ENOUGH
    }

    /// What it comes to, and what of it is only the likeliest.
    fn contents(self) -> (Contents, Vec<Parameter>) {
        let contents = Contents {
            block_len: self.layout.block_len() as u32,
            file_iv: self.mode,
            mac_len: self.layout.mac_len() as u32,
            rand_len: (self.layout.block_header_len() - self.layout.mac_len()) as u32,
            fit: self.evidence.fit,
            tried: self.evidence.tried,
        };
        (contents, if self.ambiguous { vec![Parameter::BlockSize] } else { Vec::new() })
    }
}

/// The likeliest of several ways; of equals the first.
fn most_likely(
    ways: impl Iterator<Item = (FileIvMode, Layout)>,
    judge: impl Fn(FileIvMode, &Layout) -> Evidence,
) -> Option<Likely> {
    let mut best: Option<Likely> = None;
    for (mode, layout) in ways {
        let evidence = judge(mode, &layout);
        match &mut best {
            Some(best) if evidence.strength() < best.evidence.strength() => {}
            Some(best) if evidence.strength() == best.evidence.strength() => best.ambiguous = true,
            _ => best = Some(Likely { evidence, mode, layout, ambiguous: false }),
        }
    }
    best
}

struct Trial<'a> {
    cipher: &'a Arc<dyn Cipher>,
    samples: &'a [Sample],
    chained: bool,
    closest: &'a Parameters,
}

impl Trial<'_> {
    fn modes(&self) -> &'static [FileIvMode] {
        match self.chained {
            true => &[FileIvMode::Unique, FileIvMode::None, FileIvMode::External],
            false => &[FileIvMode::Unique, FileIvMode::None],
        }
    }

    /// The likely ones first: of those that explain the same the first is taken.
    fn block_lens(&self) -> Vec<u32> {
        let usual = [self.closest.block_len, 1024, 4096, 512, 2048, 256];
        let fine = (1..=64).map(|number| number * 64);
        let large = (13..=BLOCK_MAX.ilog2()).map(|power| 1 << power);
        let mut lens: Vec<u32> = Vec::new();
        for len in usual.into_iter().chain(fine).chain(large).chain([16, 32, 48]) {
            if !lens.contains(&len) && len.is_multiple_of(self.cipher.block_len() as u32) {
                lens.push(len);
            }
        }
        lens
    }

    /// Every way to code contents with MACs and random bytes of these lengths.
    fn ways(&self, mac_len: usize, rand_len: u32) -> impl Iterator<Item = (FileIvMode, Layout)> {
        let block_header_len = mac_len + rand_len as usize;
        let lens = self.block_lens().into_iter().map(|len| len as usize);
        let lens: Vec<usize> = lens.filter(|len| *len > block_header_len).collect();
        self.modes().iter().flat_map(move |mode| {
            let with_header = *mode != FileIvMode::None;
            let layout =
                move |len: &usize| (*mode, Layout::new(*len, mac_len, rand_len as usize, with_header));
            lens.iter().map(layout).collect::<Vec<_>>()
        })
    }

    fn with_macs(&self) -> Option<(Contents, Vec<Parameter>)> {
        let ways = (1..=8).rev().flat_map(|mac_len| self.ways(mac_len, 0));
        let likely = most_likely(ways, |mode, layout| self.macs_match(mode, layout));
        let likely = likely.filter(Likely::is_proved)?;
        let (rand_len, shows) = self.random_bytes(likely.mode, &likely.layout);
        let (mut contents, mut assumed) = likely.contents();
        contents.rand_len = rand_len;
        if !shows {
            assumed.push(Parameter::RandomBytes);
        }
        Some((contents, assumed))
    }

    /// Of each sample the first block that is no hole.
    fn macs_match(&self, mode: FileIvMode, layout: &Layout) -> Evidence {
        let codec = ContentCodec::new(Arc::clone(self.cipher), *layout, false, fill_random);
        let mut evidence = Evidence::default();
        for sample in self.samples {
            let is_data =
                |block: &&[u8]| block.len() > layout.mac_len() && block.iter().any(|&byte| byte != 0);
            let Some((number, block)) = (0..).zip(sample.blocks(layout)).find(|(_, block)| is_data(block))
            else {
                continue;
            };
            evidence.tried += 1;
            let Some(file_iv) = self.file_iv(mode, sample) else { continue };
            if codec.decrypt_run(file_iv, number, &mut block.to_vec()).is_ok() {
                evidence.fit += 1;
                evidence.bits += layout.mac_len() as f64 * 8.0;
            }
            if evidence.fit == 0 && evidence.tried == MISSES {
                break;
            }
        }
        // there are as many ways to choose those that fit, at the most
        evidence.bits = (evidence.bits - evidence.tried as f64).max(0.0);
        evidence
    }

    /// How many bytes of a payload are not payload, and whether that shows: where text or a format begins.
    fn random_bytes(&self, mode: FileIvMode, layout: &Layout) -> (u32, bool) {
        let mut best = (0.0, 0);
        let room = (layout.block_len() - layout.mac_len()) as u32;
        for rand_len in 0..=RAND_MAX.min(room - 1) {
            let evidence = self.plaintext_looks_right(mode, &with_random(layout, rand_len), usize::MAX);
            if evidence.bits > best.0 {
                best = (evidence.bits, rand_len);
            }
        }
        (best.1, best.0 > 0.0)
    }

    fn without_macs(&self) -> Option<(Contents, Vec<Parameter>)> {
        // a little of each sample is enough to see what is out of the question
        let possible = (0..=RAND_MAX)
            .flat_map(|rand_len| self.ways(0, rand_len))
            .filter(|(mode, layout)| self.plaintext_looks_right(*mode, layout, GLANCE_LEN).bits > 0.0);
        let likely =
            most_likely(possible, |mode, layout| self.plaintext_looks_right(mode, layout, usize::MAX))?;
        likely.is_proved().then(|| likely.contents())
    }

    /// Nothing shows but where holes lie: all else is as in the likeliest profile.
    fn by_holes(&self) -> (Contents, Vec<Parameter>) {
        let Parameters { mac_len, rand_len, file_iv, block_len, .. } = *self.closest;
        let ways = self.ways(mac_len as usize, rand_len).filter(|(mode, _)| *mode == file_iv);
        let likely = most_likely(ways, |_, layout| Evidence {
            holes: self.samples.iter().map(|sample| holes_fit(sample, layout)).sum(),
            ..Evidence::default()
        });
        let block_len = likely.map_or(block_len, |likely| likely.layout.block_len() as u32);
        let contents =
            Contents { block_len, file_iv, mac_len, rand_len, fit: 0, tried: self.samples.len() as u64 };
        (contents, vec![Parameter::FileIv, Parameter::BlockSize, Parameter::Mac, Parameter::RandomBytes])
    }

    /// Of each sample, whether its plaintext is what its name promises, or at least is not noise.
    fn plaintext_looks_right(&self, mode: FileIvMode, layout: &Layout, len: usize) -> Evidence {
        let codec = ContentCodec::new(Arc::clone(self.cipher), *layout, true, fill_random).lenient();
        let mut evidence = Evidence::default();
        for sample in self.samples {
            evidence.tried += 1;
            let holes = holes_fit(sample, layout);
            evidence.holes += holes;
            // a hole within a block is none, and decrypts to something that is all too orderly
            let file_iv = self.file_iv(mode, sample).filter(|_| holes >= 0);
            let plaintext = file_iv.map(|file_iv| plaintext(&codec, file_iv, sample, len));
            let bits = plaintext.map_or(0.0, |plaintext| looks_like(sample, &plaintext));
            evidence.fit += u64::from(bits > 0.0);
            evidence.bits += bits;
            if evidence.fit == 0 && evidence.tried == DULL {
                break;
            }
        }
        evidence
    }

    fn file_iv(&self, mode: FileIvMode, sample: &Sample) -> Option<FileIv> {
        let path_iv = match mode {
            FileIvMode::None => return Some(FileIv::NONE),
            FileIvMode::Unique => 0,
            FileIvMode::External => sample.path_iv,
        };
        let header: [u8; HEADER_LEN] = sample.bytes.get(..HEADER_LEN)?.try_into().ok()?;
        decode_header(&**self.cipher, header, path_iv).ok()
    }
}

fn with_random(layout: &Layout, rand_len: u32) -> Layout {
    let with_header = layout.header_len() > 0;
    Layout::new(layout.block_len(), layout.mac_len(), rand_len as usize, with_header)
}

/// As many whole blocks as make `len` bytes.
fn plaintext(codec: &ContentCodec, file_iv: FileIv, sample: &Sample, len: usize) -> Vec<u8> {
    let layout = codec.layout();
    let mut plaintext = Vec::with_capacity(sample.bytes.len().min(len));
    for (number, block) in (0..).zip(sample.blocks(layout)) {
        if plaintext.len() >= len {
            break;
        }
        if block.iter().all(|&byte| byte == 0) {
            continue; // a hole says nothing
        }
        let mut block = block.to_vec();
        // whatever its MAC says
        let _ = codec.decrypt_run(file_iv, number, &mut block);
        plaintext.extend_from_slice(block.get(layout.block_header_len()..).unwrap_or_default());
    }
    plaintext
}

/// Bits that speak for this being the plaintext of a sample.
fn looks_like(sample: &Sample, plaintext: &[u8]) -> f64 {
    match sniff::promise(&sample.name) {
        None => orderliness(plaintext),
        Some(Promise::Text) => {
            let noise = Encoding::of(plaintext).is_none_or(|encoding| encoding.is_noise(plaintext));
            let head = &plaintext[..plaintext.len().min(64)];
            if noise || !sniff::is_plain_text(head) {
                0.0
            } else {
                plaintext.len().min(TEXT_MAX) as f64 * A_BYTE
            }
        }
        Some(Promise::Magic(end)) => {
            let head = &plaintext[..plaintext.len().min(sniff::HEAD_LEN)];
            if !sniff::shows_its_format(&sample.name, head) {
                return 0.0;
            }
            let ends = sample.whole && end.is_some_and(|end| sniff::has_end(plaintext, end));
            MAGIC + if ends { MAGIC } else { 0.0 }
        }
    }
}

/// Bits by which bytes could be written shorter, as those of nearly all files can, and noise cannot: how often each comes
/// is enough to tell.
fn orderliness(plaintext: &[u8]) -> f64 {
    /// What the few bytes of a sample seem to save by chance, at the most.
    const CHANCE: f64 = 284.0;
    let mut counts = [0_u32; 256];
    plaintext.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
    let len = plaintext.len() as f64;
    let saved = |count: u32| f64::from(count) * (8.0 + (f64::from(count) / len).log2());
    let saved: f64 = counts.into_iter().filter(|count| *count > 0).map(saved).sum();
    (saved - CHANCE).max(0.0)
}

/// Holes that lie as they do in whole blocks; -1 if one does not.
fn holes_fit(sample: &Sample, layout: &Layout) -> i64 {
    let at_edge = |offset: usize| {
        let in_blocks = offset.checked_sub(layout.header_len());
        in_blocks.is_some_and(|offset| offset.is_multiple_of(layout.block_len()))
            || offset == sample.bytes.len()
    };
    let holes = sample.holes();
    match holes.iter().all(|hole| at_edge(hole.start) && at_edge(hole.end)) {
        true => holes.len() as i64,
        false => -1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::fill_random;

    #[test]
    fn noise_has_no_order_and_files_have() {
        for len in [0, 1, 50, 256, 1000, 5000, 100_000] {
            let mut noise = vec![0; len];
            fill_random(&mut noise);
            assert_eq!(orderliness(&noise), 0.0, "{len}");
        }
        let text = b"Any file with some text in it, however it is called. ".repeat(8);
        assert!(orderliness(&text) > 500.0);
        assert!(orderliness(&[0; 500]) > 3000.0);
    }

    #[test]
    fn holes_show_where_blocks_are() {
        let mut bytes = vec![0x55; 8 + 10 * 512];
        bytes[8 + 3 * 512..8 + 5 * 512].fill(0);
        let sample = Sample { name: b"x".to_vec(), path_iv: 0, bytes, whole: true };
        let fits = |block_len, with_header| holes_fit(&sample, &Layout::new(block_len, 0, 0, with_header));
        assert_eq!((fits(512, true), fits(256, true)), (1, 1));
        assert_eq!((fits(1024, true), fits(512, false)), (-1, -1));
    }
}
