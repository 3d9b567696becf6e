//! Where a walk is: a directory by its names on disk from the root down, and the chain that names in it are coded with.
//!
//! Nothing is held open. A directory costs as much memory as its own name.

use crate::names::IvChain;
use crate::volume::{PlainPath, Volume};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

/// A directory.
#[derive(Debug)]
pub(super) struct Node {
    parent: Option<Arc<Node>>,
    cipher_name: Box<[u8]>,
    /// The chain below.
    pub(super) chain: IvChain,
}

impl Node {
    pub(super) fn root(volume: &Volume) -> Arc<Node> {
        let chain = volume.name_codec().root_chain();
        Arc::new(Node { parent: None, cipher_name: Box::default(), chain })
    }

    pub(super) fn below(self: &Arc<Node>, cipher_name: &[u8], chain: IvChain) -> Arc<Node> {
        Arc::new(Node { parent: Some(Arc::clone(self)), cipher_name: cipher_name.into(), chain })
    }

    pub(super) fn is_root(&self) -> bool {
        self.parent.is_none()
    }

    /// The ciphertext path, relative to the root.
    pub(super) fn cipher_path(&self) -> PathBuf {
        self.way_down().iter().map(|node| OsStr::from_bytes(&node.cipher_name)).collect()
    }

    /// The path in the volume; `None` if a name on the way does not decode.
    pub(super) fn plain_path(&self, volume: &Volume) -> Option<PlainPath> {
        let mut chain = volume.name_codec().root_chain();
        let mut path = PlainPath::default();
        for node in self.way_down() {
            let (name, _) = volume.name_codec().decode_entry(&node.cipher_name, chain).ok()?;
            path = path.join(OsStr::from_bytes(name.shown()));
            chain = node.chain;
        }
        Some(path)
    }

    fn way_down(&self) -> Vec<&Node> {
        let mut nodes: Vec<&Node> =
            std::iter::successors(Some(self), |node| node.parent.as_deref()).collect();
        nodes.pop(); // the root has no name
        nodes.reverse();
        nodes
    }
}

impl Drop for Node {
    /// In a loop: a tree can be deeper than a stack.
    fn drop(&mut self) {
        let mut parent = self.parent.take();
        while let Some(mut node) = parent.and_then(Arc::into_inner) {
            parent = node.parent.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_tree_is_too_deep_to_be_dropped() {
        let mut node =
            Arc::new(Node { parent: None, cipher_name: Box::default(), chain: IvChain::root(true) });
        for _ in 0..1_000_000 {
            node = node.below(b"x", IvChain::root(true));
        }
        drop(node);
    }
}
