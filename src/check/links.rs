//! Symbolic links that became files: a client that knows no links stores where they lead as contents.

use super::folder::is_gone;
use crate::volume::{Error, RawFile, Volume};

/// The longest target of a link that a system takes.
const TARGET_MAX: u64 = 4095;
/// Bytes that are read to see whether the rest is worth it.
const PROBE_LEN: usize = 8;
/// Bits by which a printable byte of a name that is not encrypted is rarer than any byte.
const A_PRINTABLE_BYTE: f64 = 1.4;
/// The same of a letter of the alphabet that encrypted names are written in.
const A_LETTER: f64 = 2.0;
/// Bits of a checksum.
const CHECKSUM: f64 = 16.0;
/// Bits that are needed: any file of encrypted contents is as good as random.
const ENOUGH: f64 = 20.0;

/// Where the link leads that a file holds instead of contents, as it stands in the file; `None` if it holds contents.
pub(super) fn target_in(volume: &Volume, file: &RawFile, len: u64) -> Result<Option<Vec<u8>>, Error> {
    let mut probe = [0; PROBE_LEN];
    // where neither names nor contents are encrypted, any short text might be one
    if len == 0 || len > TARGET_MAX || has_plain_names(volume) && volume.content_codec().is_plain() {
        return Ok(None);
    }
    let read = file.read_at(&mut probe, 0)?;
    if !probe[..read].iter().all(u8::is_ascii_graphic) && !has_plain_names(volume) {
        return Ok(None);
    }
    let mut coded = vec![0; len as usize];
    let read = match file.read_at(&mut coded, 0) {
        Err(error) if is_gone(&error) => return Ok(None),
        read => read?,
    };
    coded.truncate(read);
    Ok(is_target(volume, &coded).then_some(coded))
}

/// Names are not encrypted: then no checksum proves that something is the target of a link.
pub(super) fn has_plain_names(volume: &Volume) -> bool {
    volume.config().parameters().name_coding.name == "nameio/null"
}

fn is_target(volume: &Volume, coded: &[u8]) -> bool {
    let codec = volume.name_codec();
    let Ok(target) = codec.decode_link(coded) else { return false };
    let reads = std::str::from_utf8(&target).is_ok_and(|target| !target.chars().any(char::is_control));
    if !reads || codec.encode_link(&target).as_deref() != Ok(coded) {
        return false;
    }
    let names = coded.split(|&byte| byte == b'/').filter(|name| !matches!(*name, b"" | b"." | b".."));
    let checksums = names.count() as f64 * CHECKSUM;
    let bits = match has_plain_names(volume) {
        true => coded.len() as f64 * A_PRINTABLE_BYTE,
        // contents that are not encrypted may well be letters of the alphabet
        false if volume.content_codec().is_plain() => checksums,
        false => checksums + coded.len() as f64 * A_LETTER,
    };
    bits >= ENOUGH
}
