//! Runs of blocks: plaintext to ciphertext and back, in place (encfs-format 9.3).
//!
//! A full block is coded in CBC, a short one (only the last of a file can be) in stream coding; the seed of
//! block n is `n ^ file IV`. With a block header the decoded block reads
//!
//! ```text
//! [ MAC, low byte first ] [ random bytes ] [ payload ]      MAC = MAC_64(random || payload), its low bytes
//! ```
//!
//! With holes allowed a full block of zeros on disk *is* zeros, without cipher or MAC.

use super::{Error, FileIv, Layout};
use crate::crypto::Cipher;
use crate::crypto::FillRandom;
use crate::crypto::Seeds;
use std::ops::Range;
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// Blocks whose MACs are made and coded before the next ones are touched, while they are near in the cache.
const GROUP: usize = 32;

/// The same in decryption, where fewer are enough to keep the hash busy.
const CHECKED: usize = 16;

/// Bytes of zeros that are more than chance.
const TELLING: usize = 16;

/// Random bytes asked for at a time.
const RANDOM_LEN: usize = 512;

/// Codes the contents of a volume's files.
#[derive(Debug, Clone)]
pub struct ContentCodec {
    cipher: Arc<dyn Cipher>,
    layout: Layout,
    allow_holes: bool,
    /// Blocks whose MAC does not match pass for good.
    lenient: bool,
    random: FillRandom,
}

impl ContentCodec {
    /// `cipher` has the volume key in place; `random` gives the random bytes of block headers.
    pub fn new(
        cipher: Arc<dyn Cipher>,
        layout: Layout,
        allow_holes: bool,
        random: FillRandom,
    ) -> ContentCodec {
        ContentCodec { cipher, layout, allow_holes, lenient: false, random }
    }

    /// The same, but giving what it decrypts whether its MAC matches or not (`--forcedecode` of encfs(1)): to save
    /// what can be saved of a damaged file.
    pub fn lenient(self) -> ContentCodec {
        ContentCodec { lenient: true, ..self }
    }

    /// The shape of files.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Whether a full block of zeros on disk stands for zeros.
    pub fn allows_holes(&self) -> bool {
        self.allow_holes
    }

    /// Decrypts a run in place: full blocks, the last one as short as the file ends.
    ///
    /// Afterwards each block's payload stands behind its block header, `block_len` apart. On damage the error
    /// names the first bad block; those before it are good, it and those after it are wiped.
    pub fn decrypt_run(&self, file_iv: FileIv, first_block: u64, run: &mut [u8]) -> Result<(), Error> {
        let seeds = Seeds { first: first_block, mask: file_iv.value() };
        let block_len = self.layout.block_len();
        let full_len = run.len() - run.len() % block_len;
        let (full, short) = run.split_at_mut(full_len);

        let mut verdict = self.decrypt_full(full, seeds, first_block);
        if verdict.is_ok() && !short.is_empty() {
            let full_count = full_len / block_len;
            verdict = self.decrypt_short(short, seeds.at(full_count), first_block + full_count as u64);
        }
        verdict.inspect_err(|error| {
            let good_count = error.block().map_or(0, |block| (block - first_block) as usize);
            run[good_count * block_len..].fill(0);
        })
    }

    /// Encrypts a run in place: payloads stand behind room for their block headers, `block_len` apart, the
    /// last one as short as the file ends. Fills in random bytes and MACs.
    pub fn encrypt_run(&self, file_iv: FileIv, first_block: u64, run: &mut [u8]) {
        let seeds = Seeds { first: first_block, mask: file_iv.value() };
        let block_len = self.layout.block_len();
        let full_len = run.len() - run.len() % block_len;
        let (full, short) = run.split_at_mut(full_len);
        for (index, group) in full.chunks_mut(GROUP * block_len).enumerate() {
            self.sign(group, block_len);
            self.cipher.encrypt_run(group, block_len, seeds.skip(index * GROUP));
        }
        if !short.is_empty() {
            self.sign(short, short.len());
            self.cipher.encode_stream(short, seeds.at(full_len / block_len));
        }
    }

    /// Whether contents are on disk as they are.
    pub fn is_plain(&self) -> bool {
        self.cipher.block_len() == 1
    }

    /// Whether a block on disk is nothing but zeros that are neither a hole nor ciphertext, so that what it held is not
    /// there: it fails to decrypt with [`Error::Zeros`]. A short one may be that by chance.
    pub fn is_lost(&self, block: &[u8]) -> bool {
        let tells = block.len() == self.layout.block_len() || block.len() >= TELLING;
        tells && self.zeros_are_lost() && is_zero(block)
    }

    /// Whether zeros on disk are neither a hole nor ciphertext.
    pub fn zeros_are_lost(&self) -> bool {
        !self.allow_holes && !self.lenient && !self.is_plain()
    }

    /// Decrypts full blocks and checks their MACs, passing holes over.
    fn decrypt_full(&self, full: &mut [u8], seeds: Seeds, first_block: u64) -> Result<(), Error> {
        let block_len = self.layout.block_len();
        let (mut rest, mut index) = (full, 0);
        while !rest.is_empty() {
            let is_gap = |block: &&[u8]| if self.allow_holes { is_zero(block) } else { self.is_lost(block) };
            let gaps = rest.chunks_exact(block_len).take_while(is_gap).count();
            if gaps > 0 && !self.allow_holes {
                return Err(Error::Zeros { block: first_block + index as u64 });
            }
            let behind = rest[gaps * block_len..].chunks_exact(block_len).take(CHECKED);
            let data = behind.take_while(|block| !is_gap(block)).count();
            let (stretch, next) = rest.split_at_mut((gaps + data) * block_len);
            let stretch = &mut stretch[gaps * block_len..];
            self.cipher.decrypt_run(stretch, block_len, seeds.skip(index + gaps));
            if let Some(bad) = self.first_forged(stretch, block_len) {
                return Err(Error::Mac { block: first_block + (index + gaps + bad) as u64 });
            }
            (rest, index) = (next, index + gaps + data);
        }
        Ok(())
    }

    /// Decrypts a last block that is not full, and checks its MAC.
    fn decrypt_short(&self, short: &mut [u8], seed: u64, block: u64) -> Result<(), Error> {
        if short.len() <= self.layout.block_header_len() {
            return Err(Error::ShortBlock { block, len: short.len() });
        }
        if self.is_lost(short) {
            return Err(Error::Zeros { block });
        }
        self.cipher.decode_stream(short, seed);
        match self.first_forged(short, short.len()) {
            Some(_) => Err(Error::Mac { block }),
            None => Ok(()),
        }
    }

    /// The first of at most [`GROUP`] decoded blocks that neither carries its MAC nor is a hole, which carries none.
    fn first_forged(&self, blocks: &[u8], block_len: usize) -> Option<usize> {
        let mac_len = self.layout.mac_len();
        if mac_len == 0 || self.lenient {
            return None;
        }
        let mut macs = [0; GROUP];
        self.cipher.mac64_run(blocks, block_len, mac_len, &mut macs[..blocks.len() / block_len]);
        blocks.chunks_exact(block_len).zip(macs).position(|(block, mac)| {
            let genuine: bool = mac.to_le_bytes()[..mac_len].ct_eq(&block[..mac_len]).into();
            !(genuine || self.allow_holes && is_zero(block))
        })
    }

    /// Fills in the random bytes and the MACs of at most [`GROUP`] blocks.
    fn sign(&self, blocks: &mut [u8], block_len: usize) {
        let mac_len = self.layout.mac_len();
        let rand_len = self.layout.block_header_len() - mac_len;
        if rand_len > 0 {
            self.randomize(blocks, block_len, mac_len..mac_len + rand_len);
        }
        if mac_len > 0 {
            let mut macs = [0; GROUP];
            self.cipher.mac64_run(blocks, block_len, mac_len, &mut macs[..blocks.len() / block_len]);
            for (block, mac) in blocks.chunks_exact_mut(block_len).zip(macs) {
                block[..mac_len].copy_from_slice(&mac.to_le_bytes()[..mac_len]);
            }
        }
    }

    /// Fills `place` of every block with random bytes, got for many blocks at a time.
    fn randomize(&self, blocks: &mut [u8], block_len: usize, place: Range<usize>) {
        let mut bytes = [0; RANDOM_LEN];
        for blocks in blocks.chunks_mut((RANDOM_LEN / place.len()).max(1) * block_len) {
            let bytes = &mut bytes[..blocks.len() / block_len * place.len()];
            (self.random)(bytes);
            for (block, bytes) in blocks.chunks_exact_mut(block_len).zip(bytes.chunks_exact(place.len())) {
                block[place.clone()].copy_from_slice(bytes);
            }
        }
    }
}

fn is_zero(block: &[u8]) -> bool {
    // a cache line at a time: most blocks show in the first that they are none
    block.chunks(64).all(|line| line.iter().fold(0, |all, byte| all | byte) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::test_keys::{counting_pair, hex, spec, volume_key};
    use crate::crypto::{AlgorithmId, CipherSpec};
    use proptest::prelude::*;

    fn random(bytes: &mut [u8]) {
        bytes.iter_mut().zip((0xf0..=0xf7).cycle()).for_each(|(byte, random)| *byte = random);
    }

    /// Random bytes that are the same however they are asked for.
    fn constant(bytes: &mut [u8]) {
        bytes.fill(0xf0);
    }

    fn codec(block_len: usize, mac_len: usize, rand_len: usize, allow_holes: bool) -> ContentCodec {
        let layout = Layout::new(block_len, mac_len, rand_len, true);
        ContentCodec::new(spec().open(&volume_key()).expect("it fits"), layout, allow_holes, random)
    }

    /// A run as `encrypt_run` takes it.
    fn laid_out(codec: &ContentCodec, plain: &[u8]) -> Vec<u8> {
        let header = vec![0; codec.layout.block_header_len()];
        plain.chunks(codec.layout.payload_len()).flat_map(|part| [&header[..], part].concat()).collect()
    }

    fn payload(codec: &ContentCodec, run: &[u8]) -> Vec<u8> {
        run.chunks(codec.layout.block_len())
            .flat_map(|block| block[codec.layout.block_header_len()..].to_vec())
            .collect()
    }

    fn encrypted(codec: &ContentCodec, file_iv: u64, plain: &[u8]) -> Vec<u8> {
        let mut run = laid_out(codec, plain);
        codec.encrypt_run(FileIv::of(file_iv), 0, &mut run);
        run
    }

    fn check(codec: &ContentCodec, file_iv: u64, plain: &[u8], blocks: &[&str]) {
        let mut run = encrypted(codec, file_iv, plain);
        let found: Vec<String> = run.chunks(codec.layout.block_len()).map(hex).collect();
        assert_eq!(found, blocks);
        codec.decrypt_run(FileIv::of(file_iv), 0, &mut run).expect("just encrypted");
        assert_eq!(payload(codec, &run), plain);
    }

    const FILE_IV: u64 = 0x0123_4567_89ab_cdef;

    fn hundred() -> Vec<u8> {
        (0..100).collect()
    }

    /// encfs-format 15.5: with a header's file IV, without, with MAC, with MAC and random bytes.
    #[test]
    fn worked_examples() {
        check(
            &codec(64, 0, 0, true),
            FILE_IV,
            &hundred(),
            &[
                "befbc1b5a7a8b13e9bbfd9719ab501a5899dc246ba93c5f7491c9eb16a5c8878a7a7b709b14b614cd6dc7f345f0d2ba9b58158d169b34768261814fdba048791",
                "aa0783e73c346e60a1279e459a4aff0b2e00b63896237907dca12ce3fed96288843af5f8",
            ],
        );
        check(
            &codec(64, 0, 0, true),
            0,
            &hundred(),
            &[
                "8933a3d5759b9e25f4e4e8d57125b01211a5a4efd7e83d2367bd190268f275169daa6523259027883dcee176f3d381980b6b11fde35b98ecc88684fd39506f99",
                "678f4afc8ae7576397dca1d22a671419bae9d7ab779e83d2eca1143e6878822ffcaea020",
            ],
        );
        check(
            &codec(64, 8, 0, true),
            FILE_IV,
            &hundred(),
            &[
                "01609dc6d289678704ac8624872af9490cf013e354256c0e2ec77926f7af7b1fd86419c3cf463161d44f1cea1fbe4611a933351d9f90ad8ef8dd64414a7ea1b1",
                "b448e02cb00cfc4ae3079296dddcabcac602cf774ef43cbec97be527af96f90bf60f72acd69c71e3251b0d32f9915b5783e705d4",
            ],
        );
        check(
            &codec(64, 8, 8, true),
            FILE_IV,
            &hundred()[..48],
            &[
                "8d3631964e4500f2e4691828eae1b190aaa99fb4c8f6605b16e55f5d5130cf6a4988153867c4045f01c5125c16f033250ec9e56867a5727e38f49c7e1e6ff8c0",
            ],
        );
    }

    /// encfs-format 15.5: cipher version 2, and Blowfish.
    #[test]
    fn worked_examples_of_other_ciphers() {
        for (cipher, major, bits, blocks) in [
            (
                "ssl/aes",
                2,
                256,
                [
                    "8f4ca3dba7a8750d14b51ee754e5d865212678e6b07ba5609de5dddcd75acf6ecde97c760b29b4cc2e10ecb8a2e5c13a4ab3c2b1abf8c224b7a82dac158d0006",
                    "e1e6af591b6c28c902c8b5be9d544cdfc7dd88db8fdd636102e4c4d746ce53de70b2ea3b",
                ],
            ),
            (
                "ssl/blowfish",
                3,
                160,
                [
                    "920fc0e2c0c853325a6a25ff20f83b19a9cd29e3166322d9baee8e0bf55d1833fc7705afe4ef92e10269aa3a55f4a8e9a495d11516483e1c55a3a9273720a981",
                    "abc4ae47f7511f267b2169c0b7995fe403107d2ce0d47c3e3cec24ae0af7358dcfe7b74d",
                ],
            ),
        ] {
            let spec = CipherSpec::new(&AlgorithmId::new(cipher, major, 0), bits).expect("exists");
            let layout = Layout::new(64, 0, 0, false);
            let cipher = spec.open(&counting_pair(&spec)).expect("it fits");
            let codec = ContentCodec::new(cipher, layout, true, random);
            check(&codec, 0, &hundred(), &blocks);
        }
    }

    #[test]
    fn damage_is_found_and_good_blocks_before_it_are_kept() {
        let codec = codec(64, 8, 0, true);
        let plain: Vec<u8> = (0..250).collect(); // four full blocks of 56 and one of 26
        for (bad, damage) in [(0, 70), (2, 64 * 2 + 63), (4, 64 * 4 + 20)] {
            let mut run = encrypted(&codec, FILE_IV, &plain);
            run[if bad == 0 { 3 } else { damage }] ^= 0x10;
            let found = codec.decrypt_run(FileIv::of(FILE_IV), 0, &mut run);
            assert_eq!(found, Err(Error::Mac { block: bad }));
            let good = bad as usize * 56;
            assert_eq!(payload(&codec, &run)[..good], plain[..good]);
            assert!(
                payload(&codec, &run)[good..].iter().all(|&byte| byte == 0),
                "nothing unchecked gets out"
            );
        }
    }

    #[test]
    fn a_lenient_codec_gives_damaged_blocks_too() {
        let codec = codec(64, 8, 0, true).lenient();
        let mut run = encrypted(&codec, FILE_IV, &hundred());
        run[70] ^= 0x10;
        assert_eq!(codec.decrypt_run(FileIv::of(FILE_IV), 0, &mut run), Ok(()));
        assert_eq!(payload(&codec, &run)[..56], hundred()[..56]);
        assert_ne!(payload(&codec, &run)[56..], hundred()[56..], "the damage is not undone");
    }

    #[test]
    fn a_tail_without_payload_is_damage() {
        let codec = codec(64, 8, 0, true);
        let mut run = encrypted(&codec, FILE_IV, &hundred());
        run.truncate(64 + 8);
        let found = codec.decrypt_run(FileIv::of(FILE_IV), 0, &mut run);
        assert_eq!(found, Err(Error::ShortBlock { block: 1, len: 8 }));
        assert_eq!(payload(&codec, &run[..64]), hundred()[..56]);
    }

    /// A zero block is a hole only where holes are allowed, only if full, and wherever it stands in a run.
    #[test]
    fn holes() {
        let plain: Vec<u8> = (0..64 * 4).map(|i| i as u8).collect();
        let codec_with = codec(64, 0, 0, true);
        let mut run = encrypted(&codec_with, FILE_IV, &plain);
        run[..64].fill(0);
        run[128..192].fill(0);
        let mut again = run.clone();
        codec_with.decrypt_run(FileIv::of(FILE_IV), 0, &mut run).expect("no MAC to fail");
        let expected = [&[0; 64], &plain[64..128], &[0; 64], &plain[192..]].concat();
        assert_eq!(run, expected);

        let without = codec(64, 0, 0, false);
        let lost = |block| Err(Error::Zeros { block });
        assert_eq!(without.decrypt_run(FileIv::of(FILE_IV), 0, &mut again), lost(0));
        let mut tail = encrypted(&without, FILE_IV, &plain[..150]);
        tail[64..].fill(0);
        assert_eq!(without.decrypt_run(FileIv::of(FILE_IV), 0, &mut tail.clone()), lost(1));
        assert_eq!(tail[..64], encrypted(&without, FILE_IV, &plain)[..64]);
        assert_eq!(without.clone().lenient().decrypt_run(FileIv::of(FILE_IV), 0, &mut tail.clone()), Ok(()));
        assert_eq!(without.decrypt_run(FileIv::of(FILE_IV), 5, &mut [0; 16]), lost(5));
        assert_eq!(without.decrypt_run(FileIv::of(FILE_IV), 5, &mut [0; 15]), Ok(()), "that may be chance");
        assert_eq!(codec(64, 8, 0, false).decrypt_run(FileIv::of(1), 0, &mut [0; 64]), lost(0));
        assert_eq!(codec(64, 8, 0, true).decrypt_run(FileIv::of(1), 0, &mut [0; 64]), Ok(()));
        assert!(without.is_lost(&[0; 64]) && without.is_lost(&[0; 16]) && !without.is_lost(&[0; 15]));
        assert!(!codec_with.is_lost(&[0; 64]) && !without.clone().lenient().is_lost(&[0; 64]));
        let plain = ContentCodec { cipher: crate::crypto::null_cipher(), ..without.clone() };
        assert!(plain.is_plain() && !plain.is_lost(&[0; 64]) && !without.is_plain());

        let mut short = [0; 20];
        codec_with.decrypt_run(FileIv::of(FILE_IV), 0, &mut short).expect("no MAC to fail");
        assert_ne!(short, [0; 20], "a short block is never a hole");
    }

    proptest! {
        #[test]
        fn any_run_can_be_split_anywhere(
            plain in proptest::collection::vec(any::<u8>(), 1..1500),
            mac in 0_usize..=8, rand in 0_usize..=8, holes: bool, cut in 0_usize..20
        ) {
            let codec = ContentCodec { random: constant, ..codec(96, mac, rand, holes) };
            let whole = encrypted(&codec, FILE_IV, &plain);
            let cut = cut.min(whole.len() / 96);
            let mut parts = laid_out(&codec, &plain);
            let (head, tail) = parts.split_at_mut(cut * 96);
            codec.encrypt_run(FileIv::of(FILE_IV), 0, head);
            codec.encrypt_run(FileIv::of(FILE_IV), cut as u64, tail);
            prop_assert_eq!(&whole, &parts);
            let (head, tail) = parts.split_at_mut(cut * 96);
            prop_assert_eq!(codec.decrypt_run(FileIv::of(FILE_IV), cut as u64, tail), Ok(()));
            prop_assert_eq!(codec.decrypt_run(FileIv::of(FILE_IV), 0, head), Ok(()));
            prop_assert_eq!(payload(&codec, &parts), plain);
        }

        #[test]
        fn any_bytes_decrypt_without_panic(
            mut run: Vec<u8>, mac in 0_usize..=8, rand in 0_usize..=8, holes: bool, file_iv: u64, first: u64
        ) {
            let _ = codec(32, mac, rand, holes).decrypt_run(FileIv::of(file_iv), first, &mut run);
        }
    }
}
