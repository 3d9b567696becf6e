//! The codec that a volume uses: a coding, the rules on what is a name, and the limit on its length.

use super::{Coding, Error, IvChain, open};
use crate::crypto::AlgorithmId;
use crate::crypto::Cipher;
use std::sync::Arc;

/// Encodes and decodes names, one component at a time, along the IV chain.
#[derive(Debug)]
pub struct NameCodec {
    pub(super) coding: Box<dyn Coding>,
    chained: bool,
    max_plain_len: usize,
}

impl NameCodec {
    /// The codec for a config's name coding. `max_encoded_len` is the longest name in bytes that the backing
    /// file system takes, 255 almost everywhere. Fails on an unknown coding.
    pub fn new(
        id: &AlgorithmId,
        cipher: &Arc<dyn Cipher>,
        chained: bool,
        max_encoded_len: usize,
    ) -> Result<NameCodec, Error> {
        let coding = open(id, cipher).ok_or_else(|| Error::UnknownCoding(id.clone()))?;
        let max_plain_len =
            (0..=max_encoded_len).rev().find(|&len| coding.encoded_len(len) <= max_encoded_len).unwrap_or(0);
        Ok(NameCodec { coding, chained, max_plain_len })
    }

    /// The chain at the root of the volume.
    pub fn root_chain(&self) -> IvChain {
        IvChain::root(self.chained)
    }

    /// The longest plaintext name in bytes (encfs-format 7.7).
    pub fn max_plain_len(&self) -> usize {
        self.max_plain_len
    }

    /// Whether ciphertext names that differ only in case are the same name.
    pub fn ignores_case(&self) -> bool {
        self.coding.ignores_case()
    }

    /// Encodes a name; gives the chain of what lies below it, too.
    pub fn encode_name(&self, plain: &[u8], chain: IvChain) -> Result<(Vec<u8>, IvChain), Error> {
        if !is_possible(plain) {
            return Err(Error::Impossible);
        }
        if plain.len() > self.max_plain_len {
            return Err(Error::TooLong { len: plain.len(), max: self.max_plain_len });
        }
        Ok(self.coding.encode(plain, chain))
    }

    /// Decodes a name. What decodes to an impossible name, or is not the one spelling of the name it decodes
    /// to, is not a name of the volume: EncFS 1.9.5 checks neither (encfs-format 7.6).
    pub fn decode_name(&self, coded: &[u8], chain: IvChain) -> Result<(Vec<u8>, IvChain), Error> {
        let (plain, below) = self.coding.decode(coded, chain)?;
        if !is_possible(&plain) {
            return Err(Error::Undecodable("it decodes to an impossible name"));
        }
        let canonical = self.coding.encode(&plain, chain).0;
        let same =
            if self.ignores_case() { canonical.eq_ignore_ascii_case(coded) } else { canonical == coded };
        if !same {
            return Err(Error::Undecodable("not the canonical spelling"));
        }
        Ok((plain, below))
    }

    /// Decodes what EncFS 1.9.5 would decode, other spellings and impossible names included: to find out what is wrong
    /// with a name that [`NameCodec::decode_name`] refuses. Nothing of it may be shown as a name.
    pub fn decode_spelling(&self, coded: &[u8], chain: IvChain) -> Result<Spelling, Error> {
        let (plain, below) = self.coding.decode(coded, chain)?;
        let canonical = self.coding.encode(&plain, chain).0;
        Ok(Spelling { possible: is_possible(&plain), plain, canonical, below })
    }
}

/// What decodes, though it may not be how a program writes it, or no name that an entry can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spelling {
    /// The plaintext.
    pub plain: Vec<u8>,
    /// How it is spelled rightly.
    pub canonical: Vec<u8>,
    /// The chain of what lies below.
    pub below: IvChain,
    /// Whether a file system could hold an entry of this name: it is not empty, not `.` nor `..`, without `/` and zero
    /// bytes.
    pub possible: bool,
}

/// Whether a file system could hold an entry of this name.
fn is_possible(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..") && !name.iter().any(|byte| matches!(byte, b'/' | 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::CipherSpec;
    use crate::crypto::test_keys::{counting_pair, spec, volume_key};
    use proptest::prelude::*;

    fn codec(name: &str, major: u32, chained: bool) -> NameCodec {
        let cipher = spec().open(&volume_key()).expect("it fits");
        NameCodec::new(&AlgorithmId::new(name, major, 0), &cipher, chained, 255).expect("exists")
    }

    /// `dir/hello.txt` encoded, after decoding it again.
    fn encoded_path(codec: &NameCodec) -> String {
        let mut chain = codec.root_chain();
        let mut path = Vec::new();
        for name in ["dir", "hello.txt"] {
            let (coded, below) = codec.encode_name(name.as_bytes(), chain).expect("possible");
            assert_eq!(codec.decode_name(&coded, chain), Ok((name.as_bytes().to_vec(), below)));
            path.push(String::from_utf8(coded).expect("the alphabets are ASCII"));
            chain = below;
        }
        path.join("/")
    }

    /// encfs-format 15.4.
    #[test]
    fn worked_examples() {
        for (coding, major, chained, expected) in [
            ("nameio/block", 4, false, "MBQfCqjPDVEEVJzFoCt5hUX0/aXZB0NUgeFU3uwZjGCg-vUrA"),
            ("nameio/block", 3, false, "MBQfCqjPDVEEVJzFoCt5hUX0/aXZB0NUgeFU3uwZjGCg-vUrA"),
            ("nameio/block", 4, true, "YFCLIQzLvpN,7tXPHy6Qv,T2/PG9pMcRkG,zX,5M6RCXURsd7"),
            ("nameio/block", 3, true, "YFCLIQzLvpN,7tXPHy6Qv,T2/PG9pMcRkG,zX,5M6RCXURsd7"),
            ("nameio/block", 2, true, "YFCLIQzLvpN,7tXPHy6Qv,T2/PGPAVOEM0duziwUkYwoX1-Q,"),
            ("nameio/block32", 4, false, "Y2Q3KHW7O3TQQAFMV7RI3J6DNBOUA/GHWMDBZASV2IALIH7SPFZB3A3B6GD"),
            ("nameio/block32", 4, true, "EDZZFK467262ZAEJ6R3GZHCO3B4DB/3ENJNMI3BWEA7HCYBMI2ZZIQ5QHNC"),
            ("nameio/stream", 2, false, "KrNY91B/ZpBrjTCeyTKgRyD"),
            ("nameio/stream", 1, false, "KrNY91B/ZpBrjTCeyTKgRyD"),
            ("nameio/stream", 2, true, "vXKDMy6/xHE6jq91yhROha1"),
            ("nameio/stream", 1, true, "vXKDMy6/xH,dvqQlwX,Pc,8"),
            ("nameio/stream", 0, false, "FiAoKr7/QzytcuzNlqtzZpB"),
            ("nameio/stream", 0, true, "xUtXvX4/YiPn3nD0gV0cxH,"),
            ("nameio/null", 1, true, "dir/hello.txt"),
        ] {
            assert_eq!(encoded_path(&codec(coding, major, chained)), expected, "{coding} {major} {chained}");
        }
    }

    /// encfs-format 15.5, last example: Blowfish 160, block names, chained.
    #[test]
    fn worked_example_blowfish() {
        let spec = CipherSpec::new(&AlgorithmId::new("ssl/blowfish", 3, 0), 160).expect("exists");
        let cipher = spec.open(&counting_pair(&spec)).expect("it fits");
        let codec =
            NameCodec::new(&AlgorithmId::new("nameio/block", 3, 0), &cipher, true, 255).expect("exists");
        assert_eq!(encoded_path(&codec), "ptORoKyIsa90n-/wo8G5qrMga5DVHxZ2NSXYWAo");
    }

    /// encfs-format 15.4, "Detail": the path IV after both components.
    #[test]
    fn the_chain_ends_in_the_path_iv() {
        let codec = codec("nameio/block", 4, true);
        let (_, below) = codec.encode_name(b"dir", codec.root_chain()).expect("possible");
        assert_eq!(below.path_iv(), 0xf285_77a0_167c_f7bd);
        let (_, below) = codec.encode_name(b"hello.txt", below).expect("possible");
        assert_eq!(below.path_iv(), 0xac3a_7e86_3dd1_74d9);
    }

    /// encfs-format 7.7.
    #[test]
    fn length_limits() {
        for (coding, major, aes, blowfish) in [
            ("nameio/block", 4, 175, 183),
            ("nameio/block32", 4, 143, 151),
            ("nameio/stream", 2, 189, 189),
            ("nameio/null", 1, 255, 255),
        ] {
            let id = AlgorithmId::new(coding, major, 0);
            assert_eq!(codec(coding, major, true).max_plain_len(), aes);
            let spec = CipherSpec::new(&AlgorithmId::new("ssl/blowfish", 3, 0), 160).expect("exists");
            let cipher = spec.open(&counting_pair(&spec)).expect("it fits");
            let codec = NameCodec::new(&id, &cipher, true, 255).expect("exists");
            assert_eq!(codec.max_plain_len(), blowfish);
            let (longest, _) = codec.encode_name(&vec![b'n'; blowfish], codec.root_chain()).expect("fits");
            assert!(longest.len() <= 255);
            assert_eq!(
                codec.encode_name(&vec![b'n'; blowfish + 1], codec.root_chain()),
                Err(Error::TooLong { len: blowfish + 1, max: blowfish })
            );
        }
    }

    #[test]
    fn impossible_names_neither_encode_nor_decode() {
        for evil in [&b""[..], b".", b"..", b"a/b", b"a\0b"] {
            let codec = codec("nameio/stream", 2, false);
            assert_eq!(codec.encode_name(evil, codec.root_chain()), Err(Error::Impossible));
            let (coded, _) = codec.coding.encode(evil, codec.root_chain());
            assert!(codec.decode_name(&coded, codec.root_chain()).is_err(), "{evil:?}");
        }
    }

    /// Spare bits after the last byte give a second spelling; EncFS 1.9.5 would list the name twice.
    #[test]
    fn only_the_canonical_spelling_decodes() {
        let codec = codec("nameio/stream", 2, false);
        let chain = codec.root_chain();
        let (mut coded, _) = codec.encode_name(b"four.bin", chain).expect("possible");
        let last = coded.len() - 1;
        let canonical = coded[last];
        let mut spellings = 0;
        for letter in (0..=255).filter(|&letter| letter != canonical) {
            coded[last] = letter;
            assert!(codec.decode_name(&coded, chain).is_err());
            spellings += usize::from(codec.coding.decode(&coded, chain).is_ok());
        }
        assert!(spellings > 0, "the coding alone does accept aliases");
    }

    #[test]
    fn block32_ignores_case_and_the_others_do_not() {
        let codec32 = codec("nameio/block32", 4, true);
        let (coded, below) = codec32.encode_name(b"Hello", codec32.root_chain()).expect("possible");
        let lower = coded.to_ascii_lowercase();
        assert_eq!(codec32.decode_name(&lower, codec32.root_chain()), Ok((b"Hello".to_vec(), below)));
        let codec64 = codec("nameio/block", 4, true);
        let (coded, _) = codec64.encode_name(b"Hello", codec64.root_chain()).expect("possible");
        assert!(codec64.decode_name(&coded.to_ascii_lowercase(), codec64.root_chain()).is_err());
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding(name in "[^/\0]{1,40}", major in 0u32..=4, chained: bool) {
            prop_assume!(name != "." && name != "..");
            for coding in ["nameio/block", "nameio/block32", "nameio/stream", "nameio/null"] {
                let cipher = spec().open(&volume_key()).expect("it fits");
                let id = AlgorithmId::new(coding, major, 0);
                let Ok(codec) = NameCodec::new(&id, &cipher, chained, 255) else { continue };
                let Ok((coded, below)) = codec.encode_name(name.as_bytes(), codec.root_chain()) else { continue };
                prop_assert_eq!(codec.decode_name(&coded, codec.root_chain()), Ok((name.clone().into_bytes(), below)));
            }
        }

        #[test]
        fn no_bytes_make_decoding_panic(coded: Vec<u8>, text in "[,-9A-Za-z]{0,60}") {
            for (coding, major) in [("nameio/block", 4), ("nameio/block32", 4), ("nameio/stream", 0), ("nameio/null", 1)] {
                let codec = codec(coding, major, true);
                for coded in [coded.as_slice(), text.as_bytes()] {
                    if let Ok((plain, _)) = codec.decode_name(coded, codec.root_chain()) {
                        prop_assert!(is_possible(&plain));
                    }
                    let _ = codec.decode_link(coded);
                }
            }
        }
    }
}
