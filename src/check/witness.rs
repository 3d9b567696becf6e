//! The judge of file headers: a header is right if the blocks behind it make sense under it.

use super::sniff;
use super::sniff::Promise;
use crate::content::{FileIv, HEADER_LEN};
use crate::volume::{Error, RawFile, Volume};

/// Blocks that are asked; the first may itself be damaged.
const ASKED: usize = 3;
/// Blocks that are gone through for some that are no holes.
const BLOCKS_MAX: u64 = 64;

/// Bytes that one step of any cipher codes, at the most.
const CIPHER_BLOCK: usize = 16;
/// Bits by which a byte of text is rarer than any byte.
const A_BYTE: f64 = 1.2;
/// Bits by which the beginning of a format is rarer than any.
const MAGIC: f64 = 24.0;

/// Some blocks of a file.
pub(super) struct Witness<'a> {
    volume: &'a Volume,
    blocks: Vec<(u64, Vec<u8>)>,
    promise: Option<Promise>,
    name: Vec<u8>,
    pub(super) header: [u8; HEADER_LEN],
}

impl<'a> Witness<'a> {
    /// `None` if the file has nothing to say: no header, no blocks but holes, or neither a MAC nor a name that promises.
    pub(super) fn of(volume: &'a Volume, file: &RawFile, name: &[u8]) -> Result<Option<Witness<'a>>, Error> {
        let layout = volume.layout();
        let len = file.stat()?.cipher_size;
        let header = if layout.header_len() > 0 { file.header()? } else { None };
        let Some(header) = header else { return Ok(None) };
        let promise = if layout.mac_len() > 0 { None } else { sniff::promise(name) };
        if layout.mac_len() == 0 && promise.is_none() {
            return Ok(None);
        }
        let mut blocks = Vec::new();
        for number in 0..BLOCKS_MAX {
            let offset = layout.cipher_offset(number);
            if offset >= len || blocks.len() == ASKED {
                break;
            }
            let mut block = vec![0; layout.block_len()];
            let read = file.read_at(&mut block, offset)?;
            block.truncate(read);
            if block.iter().any(|&byte| byte != 0) && block.len() > layout.block_header_len() {
                blocks.push((number, block));
            }
        }
        Ok((!blocks.is_empty()).then_some(Witness { volume, blocks, promise, name: name.to_vec(), header }))
    }

    /// Bits that speak for this file IV; 0 if none do.
    pub(super) fn evidence(&self, file_iv: FileIv) -> f64 {
        let layout = self.volume.layout();
        let codec = self.volume.content_codec();
        if layout.mac_len() > 0 {
            let good = self
                .blocks
                .iter()
                .filter(|(number, block)| codec.decrypt_run(file_iv, *number, &mut block.clone()).is_ok());
            return (good.count() * layout.mac_len() * 8) as f64;
        }
        match self.promise {
            Some(Promise::Text) => self.evidence_of_text(file_iv),
            Some(Promise::Magic(_)) => self.evidence_of_magic(file_iv),
            None => 0.0,
        }
    }

    /// Of each full block only the first cipher block depends on the file IV, of a short one all.
    fn evidence_of_text(&self, file_iv: FileIv) -> f64 {
        let layout = self.volume.layout();
        let mut len = 0;
        for (number, _) in &self.blocks {
            let Some(block) = self.plaintext(file_iv, *number) else { return 0.0 };
            let end = if block.len() == layout.block_len() { CIPHER_BLOCK } else { block.len() };
            let Some(text) = block.get(layout.block_header_len()..end) else { continue };
            if !sniff::is_plain_text(text) {
                return 0.0;
            }
            len += text.len();
        }
        A_BYTE * len as f64
    }

    fn evidence_of_magic(&self, file_iv: FileIv) -> f64 {
        let block = self.plaintext(file_iv, 0).unwrap_or_default();
        let head = block.get(self.volume.layout().block_header_len()..).unwrap_or_default();
        if sniff::shows_its_format(&self.name, head) { MAGIC } else { 0.0 }
    }

    fn plaintext(&self, file_iv: FileIv, number: u64) -> Option<Vec<u8>> {
        let (_, block) = self.blocks.iter().find(|(found, _)| *found == number)?;
        let mut block = block.clone();
        // without MACs there is nothing to be found wrong
        let _ = self.volume.content_codec().decrypt_run(file_iv, number, &mut block);
        Some(block)
    }
}
