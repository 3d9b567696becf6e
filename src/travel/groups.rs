//! Which entries share a pack.
//!
//! Those of one folder do, so that a folder is shown after fetching one pack; and a pack depends on nothing but the
//! folders that fall into it by a digest of their paths, so that a change makes one pack new and leaves the others. The
//! entries of a large folder are spread by their own digests.

use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// Entries that a pack has on the average, at the most.
const PACK_LEN: usize = 256;
/// A folder with more entries is spread over packs.
const FOLDER_LEN_MAX: usize = 2 * PACK_LEN;

/// The group of each entry: folder and path, in the order in which they come. Groups are numbered from 0 in the order
/// of their first entries.
pub(super) fn groups<'a>(entries: impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone) -> Vec<u32> {
    let mut folders: HashMap<&[u8], usize> = HashMap::new();
    let mut count = 0_usize;
    for (folder, _) in entries.clone() {
        *folders.entry(folder).or_default() += 1;
        count += 1;
    }
    let bits = count.div_ceil(PACK_LEN).max(1).next_power_of_two().ilog2();
    let mut numbers = HashMap::new();
    let number = |(folder, name): (&'a [u8], &'a [u8])| {
        let mut hash = Sha256::new().chain_update(folder);
        if folders[folder] > FOLDER_LEN_MAX {
            hash.update(b"/");
            hash.update(name);
        }
        let digest: [u8; 32] = hash.finalize().into();
        let first = u64::from_be_bytes(*digest.first_chunk().expect("32 bytes have 8"));
        let next = numbers.len() as u32;
        *numbers.entry(first.checked_shr(64 - bits).unwrap_or(0)).or_insert(next)
    };
    entries.map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn grouped(entries: &[(String, String)]) -> Vec<u32> {
        groups(entries.iter().map(|(folder, name)| (folder.as_bytes(), name.as_bytes())))
    }

    fn entries(folders: usize, of: usize) -> Vec<(String, String)> {
        let inside = |folder: usize| (0..of).map(move |name| (format!("f{folder}"), format!("n{name}")));
        (0..folders).flat_map(inside).collect()
    }

    #[test]
    fn a_folder_has_one_pack_and_packs_have_much_the_same() {
        let entries = entries(400, 25);
        let groups = grouped(&entries);
        let mut of_folder: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
        let mut sizes: BTreeMap<u32, usize> = BTreeMap::new();
        for ((folder, _), group) in entries.iter().zip(&groups) {
            of_folder.entry(folder).or_default().insert(*group);
            *sizes.entry(*group).or_default() += 1;
        }
        assert!(of_folder.values().all(|groups| groups.len() == 1));
        assert!(sizes.len() > 30 && sizes.values().all(|size| *size < 4 * PACK_LEN), "{sizes:?}");
    }

    #[test]
    fn a_large_folder_is_spread() {
        let groups = grouped(&entries(1, 10_000));
        assert!(groups.iter().collect::<BTreeSet<_>>().len() > 30);
    }

    #[test]
    fn few_entries_share_one() {
        assert_eq!(grouped(&entries(3, 5)), vec![0; 15]);
        assert!(grouped(&[]).is_empty());
    }
}
