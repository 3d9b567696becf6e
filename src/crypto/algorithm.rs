//! The names by which configs call their algorithms.

use std::fmt;

/// An interface name and version as configs spell them: `ssl/aes` 3:0, `nameio/block` 4:0.
///
/// The major version decides how bytes are made; the minor one never matters to a reader.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AlgorithmId {
    /// The interface, `ssl/aes` for example.
    pub name: String,
    /// The version that decides.
    pub major: u32,
    /// The version that does not.
    pub minor: u32,
}

impl AlgorithmId {
    /// Puts a name and a version together.
    pub fn new(name: &str, major: u32, minor: u32) -> AlgorithmId {
        AlgorithmId { name: name.to_owned(), major, minor }
    }
}

impl fmt::Display for AlgorithmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}:{}", self.name, self.major, self.minor)
    }
}
