//! The IV chain: with name IV chaining, how a name is encoded depends on its parents (encfs-format 7.2).

/// The chain at some place of the tree: a 64 bit value, or nothing in volumes without chaining.
///
/// Without chaining MACs are made over the name alone, not over the name and a chain of zero; hence no value
/// rather than a zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IvChain(Option<u64>);

impl IvChain {
    /// The chain at the root of a volume.
    pub fn root(chained: bool) -> IvChain {
        IvChain(chained.then_some(0))
    }

    /// The external IV of what lies at this place of the tree: 0 without chaining.
    pub fn path_iv(self) -> u64 {
        self.0.unwrap_or(0)
    }

    /// What MACs of names take in besides the name.
    pub(super) fn mac_input(self) -> Option<u64> {
        self.0
    }

    /// The chain below a component with this MAC_64.
    pub(super) fn below(self, mac64: u64) -> IvChain {
        IvChain(self.0.map(|_| mac64))
    }
}
