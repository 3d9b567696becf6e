//! The end of a file that was cut.
//!
//! A full block is coded otherwise than a short one, so that the rest of a full block that was cut is noise to every
//! reader. What it holds up to the last whole cipher block is still there. A MAC that covered all of the block cannot
//! vouch for a part of it: only where it reads as text beyond doubt is that kept.

use super::report::{Finding, Kind};
use super::sniff;
use super::sniff::Promise;
use crate::content::FileIv;
use crate::volume::{Error, RawFile, Volume};

/// Bytes that one step of any cipher codes, at the most.
const CIPHER_BLOCK: usize = 16;
/// Bits by which a byte of text is rarer than any byte.
const A_BYTE: f64 = 1.2;
/// Bits that are needed: a block with a damaged bit, or under another path's header, is as good as random.
const ENOUGH: f64 = 24.0;

/// What a file should end with.
pub(super) struct Tail {
    /// Byte on disk.
    pub(super) offset: u64,
    /// What is there, to the end of the file.
    pub(super) before: Vec<u8>,
    /// What comes there; the file ends behind it.
    pub(super) after: Vec<u8>,
    pub(super) what: String,
    pub(super) sure: bool,
}

/// The end that a file should have, if its end is all that is wrong with it.
pub(super) fn mended(
    volume: &Volume,
    file: &RawFile,
    name: &[u8],
    path_iv: u64,
    finding: &Finding,
) -> Result<Option<Tail>, Error> {
    let layout = volume.layout();
    let len = file.stat()?.cipher_size;
    let Some(blocks_len) = len.checked_sub(layout.header_len() as u64) else { return Ok(None) };
    let (last, rest) = (blocks_len / layout.block_len() as u64, blocks_len % layout.block_len() as u64);
    let offset = layout.cipher_offset(last);
    let about_last = matches!(finding.blocks.as_slice(), [range] if *range == (last..last + 1));
    if rest == 0 {
        return Ok(None);
    }
    // one byte more shows whether it is still the end
    let mut before = vec![0; rest as usize + 1];
    if file.read_at(&mut before, offset)? != rest as usize {
        return Ok(None);
    }
    before.truncate(rest as usize);
    if rest <= layout.block_header_len() as u64 {
        let what = format!("its last {rest} bytes hold no data, and are cut off");
        return Ok((finding.kind == Kind::Truncated).then(|| Tail {
            offset,
            before,
            after: Vec::new(),
            what,
            sure: true,
        }));
    }
    if !about_last {
        return Ok(None);
    }
    let Some(file_iv) = file_iv(volume, file, path_iv)? else { return Ok(None) };
    if let Some((after, what)) = salvaged(volume, name, file_iv, last, &before) {
        return Ok(Some(Tail { offset, before, after, what, sure: true }));
    }
    if layout.mac_len() == 0 || last == 0 {
        return Ok(None);
    }
    let what = format!("its last block, {rest} bytes on disk, cannot be read, and is cut off");
    Ok(Some(Tail { offset, before, after: Vec::new(), what, sure: false }))
}

fn file_iv(volume: &Volume, file: &RawFile, path_iv: u64) -> Result<Option<FileIv>, Error> {
    if volume.layout().header_len() == 0 {
        return Ok(Some(FileIv::NONE));
    }
    Ok(file.header()?.and_then(|header| volume.decode_header(header, path_iv).ok()))
}

/// Whether this is text, and long enough that chance has not made it.
fn is_proved(text: &[u8]) -> bool {
    sniff::is_plain_text(text) && text.len() as f64 * A_BYTE >= ENOUGH
}

/// What is left of a full block, coded as the short block that it is now; and in words.
fn salvaged(
    volume: &Volume,
    name: &[u8],
    file_iv: FileIv,
    block: u64,
    rest: &[u8],
) -> Option<(Vec<u8>, String)> {
    if sniff::promise(name) != Some(Promise::Text) {
        return None;
    }
    let layout = volume.layout();
    let whole = rest.len() - rest.len() % CIPHER_BLOCK.min(layout.block_len());
    let mut full = rest.to_vec();
    full.resize(layout.block_len(), 0);
    // as it is, whatever its MAC says
    let codec = volume.content_codec().clone().lenient();
    let _ = codec.decrypt_run(file_iv, block, &mut full);
    let text = full.get(layout.block_header_len()..whole)?;
    if !is_proved(text) {
        return None;
    }
    let what = format!(
        "cut in the middle of a block: the {} bytes of text that are left of it are kept",
        text.len()
    );
    let mut after = full[..whole].to_vec();
    codec.encrypt_run(file_iv, block, &mut after);
    Some((after, what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::fill_random;

    #[test]
    fn noise_is_no_text_and_a_few_letters_are_no_proof() {
        assert!(is_proved("Größen, Straßen, a tab\tand a line\n".as_bytes()));
        assert!(!is_proved(b"sixteen letters.") && !is_proved(b""));
        let mut noise = [0; 32];
        for _ in 0..10_000 {
            fill_random(&mut noise);
            assert!(!is_proved(&noise), "{noise:?}");
        }
    }
}
