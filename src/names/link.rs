//! Targets of symbolic links (encfs-format 8).
//!
//! A relative target is encoded component by component from the root's chain, wherever the link lives, so a
//! link that moves keeps its target. An absolute one is a `+` and the rest of it as one single name without
//! chain, slashes inside included.

use super::{Error, IvChain, NameCodec};

const ABSOLUTE: u8 = b'+';

impl NameCodec {
    /// Encodes the target of a symbolic link. Fails on an empty target.
    pub fn encode_link(&self, target: &[u8]) -> Result<Vec<u8>, Error> {
        if target.is_empty() || target.contains(&0) {
            return Err(Error::Impossible);
        }
        if let Some(rest) = target.strip_prefix(b"/") {
            let (coded, _) = self.coding.encode(rest, IvChain::root(false));
            return Ok([&[ABSOLUTE], coded.as_slice()].concat());
        }
        self.map_components(target, |name, chain| Ok(self.coding.encode(name, chain)))
    }

    /// Decodes the target of a symbolic link. A link has no other spelling that could be mistaken for it, so
    /// the canonical one is not insisted on.
    pub fn decode_link(&self, coded: &[u8]) -> Result<Vec<u8>, Error> {
        if let Some(rest) = coded.strip_prefix(&[ABSOLUTE]) {
            let (plain, _) = self.coding.decode(rest, IvChain::root(false))?;
            return Ok([b"/", plain.as_slice()].concat());
        }
        self.map_components(coded, |name, chain| self.coding.decode(name, chain))
    }

    /// Empty components, `.` and `..` stay as they are and do not touch the chain.
    fn map_components(
        &self,
        path: &[u8],
        map: impl Fn(&[u8], IvChain) -> Result<(Vec<u8>, IvChain), Error>,
    ) -> Result<Vec<u8>, Error> {
        let mut chain = self.root_chain();
        let mut mapped = Vec::with_capacity(path.len());
        for (index, name) in path.split(|&byte| byte == b'/').enumerate() {
            if index > 0 {
                mapped.push(b'/');
            }
            if matches!(name, b"" | b"." | b"..") {
                mapped.extend_from_slice(name);
            } else {
                let (name, below) = map(name, chain)?;
                mapped.extend_from_slice(&name);
                chain = below;
            }
        }
        Ok(mapped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::AlgorithmId;
    use crate::crypto::test_keys::{spec, volume_key};

    /// encfs-format 15.4, "Link targets".
    #[test]
    fn worked_examples() {
        let cipher = spec().open(&volume_key()).expect("it fits");
        let codec =
            NameCodec::new(&AlgorithmId::new("nameio/block", 4, 0), &cipher, true, 255).expect("exists");
        for (target, coded) in [
            ("../dir/hello.txt", "../YFCLIQzLvpN,7tXPHy6Qv,T2/PG9pMcRkG,zX,5M6RCXURsd7"),
            ("/dir/hello.txt", "+ncEQFEiwr4OW-h-A1isRFpco"),
        ] {
            assert_eq!(codec.encode_link(target.as_bytes()), Ok(coded.as_bytes().to_vec()));
            assert_eq!(codec.decode_link(coded.as_bytes()), Ok(target.as_bytes().to_vec()));
        }
    }

    #[test]
    fn slashes_and_dots_are_kept() {
        let cipher = spec().open(&volume_key()).expect("it fits");
        for (coding, major) in
            [("nameio/block", 4), ("nameio/stream", 2), ("nameio/stream", 0), ("nameio/null", 1)]
        {
            let codec =
                NameCodec::new(&AlgorithmId::new(coding, major, 0), &cipher, true, 255).expect("exists");
            for target in ["a//b/", "./x/../y", "..", "/", "/a//b/"] {
                let coded = codec.encode_link(target.as_bytes()).expect("possible");
                // an absolute target that is empty has nothing to encode in stream coding
                if (coding, target) != ("nameio/stream", "/") {
                    assert_eq!(
                        codec.decode_link(&coded),
                        Ok(target.as_bytes().to_vec()),
                        "{coding} {target}"
                    );
                }
            }
        }
    }
}
