//! Looking for the header that a file should have.

use super::repair::Planner;
use super::witness::Witness;
use crate::content::HEADER_LEN;
use crate::names::IvChain;

/// Bits of evidence beyond what chance makes up for.
const MARGIN: f64 = 12.0;

/// Where a file is now.
pub(super) struct Here<'a> {
    pub(super) name: &'a [u8],
    /// The chain of its directory.
    pub(super) chain: IvChain,
    pub(super) path_iv: u64,
}

/// A header that fits.
pub(super) struct Found {
    pub(super) header: [u8; HEADER_LEN],
    pub(super) what: String,
    /// The path IV that the file was written under, if it was another.
    pub(super) written_under: Option<u64>,
    pub(super) sure: bool,
}

/// Tries other paths (with external IV chaining), then small damage, then the headers of other files.
pub(super) fn search(planner: &Planner<'_>, witness: &Witness<'_>, here: &Here<'_>) -> Option<Found> {
    let Planner { volume, places, headers, .. } = planner;
    let mut tries = 0_u64;
    let mut fits = |header: [u8; HEADER_LEN], path_iv: u64| {
        tries += 1;
        let file_iv = volume.decode_header(header, path_iv).ok()?;
        let bits = witness.evidence(file_iv);
        (bits > 0.0).then(|| (file_iv, bits >= (tries as f64).log2() + MARGIN))
    };
    let mut guess = None;
    let mut settle = |found: Found| {
        if found.sure {
            return Some(found);
        }
        guess.get_or_insert(found);
        None
    };
    if planner.external {
        for (path_iv, name, place) in places.path_ivs(volume.name_codec(), here.name, here.chain) {
            if path_iv == here.path_iv {
                continue;
            }
            if (planner.stopped)() {
                return None;
            }
            if let Some((file_iv, sure)) = fits(witness.header, path_iv) {
                let name = String::from_utf8_lossy(&name);
                let what = match place {
                    Some(place) => format!("it was written as {name} in or below {}", place.plain.display()),
                    None => format!("it was written as {name}"),
                };
                let header = volume.encode_header(file_iv, here.path_iv);
                if let Some(found) = settle(Found { header, what, written_under: Some(path_iv), sure }) {
                    return Some(found);
                }
            }
        }
    }
    for (header, what) in damaged(witness.header).chain(
        headers
            .iter()
            .filter(|header| **header != witness.header)
            .map(|header| (*header, "it has the header of another file")),
    ) {
        if (planner.stopped)() {
            return None;
        }
        if let Some((_, sure)) = fits(header, here.path_iv)
            && let Some(found) = settle(Found { header, what: what.to_owned(), written_under: None, sure })
        {
            return Some(found);
        }
    }
    guess
}

/// What a header may have been before one or two of its bits, or one byte of it, were changed.
fn damaged(header: [u8; HEADER_LEN]) -> impl Iterator<Item = ([u8; HEADER_LEN], &'static str)> {
    let bits = HEADER_LEN * 8;
    let flip = move |header: [u8; HEADER_LEN], bit: usize| {
        let mut header = header;
        header[bit / 8] ^= 1 << (bit % 8);
        header
    };
    let one = (0..bits).map(move |bit| (flip(header, bit), "one bit of its header was changed"));
    let two = (0..bits).flat_map(move |first| {
        (0..first)
            .map(move |second| (flip(flip(header, first), second), "two bits of its header were changed"))
    });
    let byte = (0..HEADER_LEN).flat_map(move |at| {
        (1..=255_u8).map(move |change| {
            let mut header = header;
            header[at] ^= change;
            (header, "one byte of its header was changed")
        })
    });
    one.chain(two).chain(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_damage_is_all_tried() {
        let header = [1, 2, 3, 4, 5, 6, 7, 8];
        let tried: Vec<_> = damaged(header).map(|(header, _)| header).collect();
        assert_eq!(tried.len(), 64 + 64 * 63 / 2 + 8 * 255);
        for wanted in [[1, 2, 3, 4, 5, 6, 7, 9], [0x81, 2, 3, 4, 5, 6, 7, 9], [1, 2, 0xff, 4, 5, 6, 7, 8]] {
            assert!(tried.contains(&wanted));
        }
        assert!(!tried.contains(&header));
    }
}
