//! The conflicted copies in a directory, each under a name of its own.

use super::core::Core;
use crate::names::{EntryName, IvChain};
use std::collections::HashSet;

/// A conflicted copy.
pub(super) struct Copy {
    pub(super) name: EntryName,
    pub(super) cipher_name: Vec<u8>,
    /// The chain below it.
    pub(super) chain: IvChain,
}

/// The conflicted copies among the names on disk of a directory with this chain, always in the same order: one that
/// would look like another entry gets a number, and the same one every time.
pub(super) fn copies(core: &Core, chain: IvChain, mut cipher_names: Vec<Vec<u8>>) -> Vec<Copy> {
    cipher_names.sort_unstable();
    let mut taken = HashSet::new();
    let mut copies = Vec::new();
    for cipher_name in cipher_names {
        match core.names.decode_entry(&cipher_name, chain) {
            Ok((name, chain)) if name.copy_of().is_some() => copies.push(Copy { name, cipher_name, chain }),
            Ok((name, _)) => drop(taken.insert(name.shown().to_vec())),
            Err(_) => {}
        }
    }
    for copy in &mut copies {
        copy.name.set_apart(&taken);
        taken.insert(copy.name.shown().to_vec());
    }
    copies
}
