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

/// Bits by which a byte of text is rarer than any byte.
const A_BYTE: f64 = 1.2;
/// Bits that are needed: a block with a damaged bit, or under another path's header, is as good as random.
const ENOUGH: f64 = 24.0;

/// What a file should end with.
pub(super) struct Tail {
    /// Byte on disk.
    pub(super) offset: u64,
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
    if rest <= layout.block_header_len() as u64 {
        let what = format!("its last {rest} bytes hold no data, and are cut off");
        return Ok((finding.kind == Kind::Truncated).then(|| Tail {
            offset,
            after: Vec::new(),
            what,
            sure: true,
        }));
    }
    if !about_last {
        return Ok(None);
    }
    let Some(file_iv) = file_iv(volume, file, path_iv)? else { return Ok(None) };
    if let Some(tail) = salvaged(volume, file, name, file_iv, last, rest as usize)? {
        return Ok(Some(tail));
    }
    if layout.mac_len() == 0 || last == 0 {
        return Ok(None);
    }
    let what = format!("its last block, {rest} bytes on disk, cannot be read, and is cut off");
    Ok(Some(Tail { offset, after: Vec::new(), what, sure: false }))
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

/// What is left of a full block, coded as the short block that it is now.
fn salvaged(
    volume: &Volume,
    file: &RawFile,
    name: &[u8],
    file_iv: FileIv,
    block: u64,
    len: usize,
) -> Result<Option<Tail>, Error> {
    if sniff::promise(name) != Some(Promise::Text) {
        return Ok(None);
    }
    let layout = volume.layout();
    let cipher_block = 16.min(layout.block_len());
    let whole = len - len % cipher_block;
    let mut full = vec![0; layout.block_len()];
    file.read_at(&mut full[..len], layout.cipher_offset(block))?;
    // as it is, whatever its MAC says
    let codec = volume.content_codec().clone().lenient();
    let _ = codec.decrypt_run(file_iv, block, &mut full);
    if whole <= layout.block_header_len() {
        return Ok(None);
    }
    let text = &full[layout.block_header_len()..whole];
    if !is_proved(text) {
        return Ok(None);
    }
    let kept = text.len();
    let mut after = full[..whole].to_vec();
    codec.encrypt_run(file_iv, block, &mut after);
    let offset = layout.cipher_offset(block);
    let what = format!("cut in the middle of a block: the {kept} bytes of text that are left of it are kept");
    Ok(Some(Tail { offset, after, what, sure: true }))
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
