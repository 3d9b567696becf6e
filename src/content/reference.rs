//! The contents of files as encfs-format 5 and 9 tell it, one block after the other: what the fast paths have to
//! agree with, bit for bit, whatever the processor offers them.

use super::{ContentCodec, Error, FileIv, Layout};
use crate::crypto::test_keys::counting_pair;
use crate::crypto::{AlgorithmId, CipherSpec, KeyPair, families};
use aes::{Aes128, Aes192, Aes256};
use blowfish::Blowfish;
use camellia::{Camellia128, Camellia192, Camellia256};
use cbc::cipher::{Block, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use hmac::{Hmac, Mac};
use proptest::prelude::*;
use sha1::Sha1;

struct Reference<'a, C> {
    cipher: C,
    pair: &'a KeyPair,
    layout: Layout,
    allow_holes: bool,
}

impl<C: KeyInit + BlockCipherEncrypt + BlockCipherDecrypt> Reference<'_, C> {
    fn hmac(&self, message: &[u8]) -> [u8; 20] {
        let keyed = Hmac::<Sha1>::new_from_slice(self.pair.key()).expect("HMAC takes any key");
        keyed.chain_update(message).finalize().into_bytes().into()
    }

    fn iv(&self, seed: u64) -> Block<C> {
        let digest = self.hmac(&[self.pair.iv(), &seed.to_le_bytes()].concat());
        digest[..C::block_size()].try_into().expect("a digest is longer than a block")
    }

    fn mac(&self, covered: &[u8]) -> u64 {
        let mut folded = [0; 8];
        for (i, byte) in self.hmac(covered)[..19].iter().enumerate() {
            folded[i % 8] ^= byte;
        }
        u64::from_be_bytes(folded)
    }

    fn encrypt_cbc(&self, data: &mut [u8], seed: u64) {
        let mut chain = self.iv(seed);
        for block in data.chunks_exact_mut(C::block_size()) {
            xor(&mut chain, block);
            self.cipher.encrypt_block(&mut chain);
            block.copy_from_slice(&chain);
        }
    }

    fn decrypt_cbc(&self, data: &mut [u8], seed: u64) {
        let mut chain = self.iv(seed);
        for block in data.chunks_exact_mut(C::block_size()) {
            let mut plain: Block<C> = (&*block).try_into().expect("a block");
            self.cipher.decrypt_block(&mut plain);
            xor(&mut plain, &chain);
            chain.copy_from_slice(block);
            block.copy_from_slice(&plain);
        }
    }

    fn cfb(&self, data: &mut [u8], seed: u64, encrypt: bool) {
        let mut chain = self.iv(seed);
        for part in data.chunks_mut(C::block_size()) {
            self.cipher.encrypt_block(&mut chain);
            let before = part.to_vec();
            xor(part, &chain);
            chain[..part.len()].copy_from_slice(if encrypt { part } else { &before });
        }
    }

    fn encode_stream(&self, data: &mut [u8], seed: u64) {
        shuffle(data);
        self.cfb(data, seed, true);
        data.chunks_mut(64).for_each(<[u8]>::reverse);
        shuffle(data);
        self.cfb(data, seed.wrapping_add(1), true);
    }

    fn decode_stream(&self, data: &mut [u8], seed: u64) {
        self.cfb(data, seed.wrapping_add(1), false);
        unshuffle(data);
        data.chunks_mut(64).for_each(<[u8]>::reverse);
        self.cfb(data, seed, false);
        unshuffle(data);
    }

    fn encrypt_run(&self, file_iv: u64, first: u64, run: &mut [u8]) {
        for (number, block) in (first..).zip(run.chunks_mut(self.layout.block_len())) {
            let (mac, covered) = block.split_at_mut(self.layout.mac_len());
            random(&mut covered[..self.layout.block_header_len() - mac.len()]);
            mac.copy_from_slice(&self.mac(covered).to_le_bytes()[..mac.len()]);
            if block.len() == self.layout.block_len() {
                self.encrypt_cbc(block, number ^ file_iv);
            } else {
                self.encode_stream(block, number ^ file_iv);
            }
        }
    }

    fn decrypt_run(&self, file_iv: u64, first: u64, run: &mut [u8]) -> Result<(), Error> {
        let (block_len, mac_len) = (self.layout.block_len(), self.layout.mac_len());
        for index in 0..run.len().div_ceil(block_len) {
            let number = first + index as u64;
            let rest = &mut run[index * block_len..];
            let len = rest.len().min(block_len);
            let block = &mut rest[..len];
            let mut error = None;
            if len <= self.layout.block_header_len() {
                error = Some(Error::ShortBlock { block: number, len });
            } else if !self.allow_holes
                && (len == block_len || len >= 16)
                && block.iter().all(|&byte| byte == 0)
            {
                error = Some(Error::Zeros { block: number });
            } else if len < block_len {
                self.decode_stream(block, number ^ file_iv);
            } else if !self.is_hole(block) {
                self.decrypt_cbc(block, number ^ file_iv);
            }
            let expected = self.mac(&block[mac_len.min(len)..]).to_le_bytes();
            if error.is_none() && expected[..mac_len] != block[..mac_len] && !self.is_hole(block) {
                error = Some(Error::Mac { block: number });
            }
            if let Some(error) = error {
                rest.fill(0);
                return Err(error);
            }
        }
        Ok(())
    }

    fn is_hole(&self, block: &[u8]) -> bool {
        self.allow_holes && block.iter().all(|&byte| byte == 0)
    }
}

fn xor(data: &mut [u8], with: &[u8]) {
    data.iter_mut().zip(with).for_each(|(byte, with)| *byte ^= with);
}

fn shuffle(data: &mut [u8]) {
    for i in 1..data.len() {
        data[i] ^= data[i - 1];
    }
}

fn unshuffle(data: &mut [u8]) {
    for i in (1..data.len()).rev() {
        data[i] ^= data[i - 1];
    }
}

/// The same for every block, in however many pieces they are asked for.
fn random(bytes: &mut [u8]) {
    bytes.fill(0xf5);
}

/// One run, and what is done to it.
#[derive(Debug, Clone)]
struct Case {
    family: usize,
    key: usize,
    block_len: usize,
    mac_len: usize,
    rand_len: usize,
    allow_holes: bool,
    run: Vec<u8>,
    file_iv: u64,
    first: u64,
    /// Blocks that are zeros on disk.
    holes: Vec<usize>,
    /// A byte that is damaged on disk.
    damage: Option<usize>,
}

fn cases(family: impl Strategy<Value = usize>, max_blocks: usize) -> impl Strategy<Value = Case> {
    let shape = (4_usize..=512, 1..=max_blocks, 0_usize..8192, any::<u64>(), 0_usize..4);
    let run = shape.prop_map(|(units, blocks, tail, seed, odd)| {
        // small blocks are as likely as large ones
        let block_len = 16 * if odd == 0 { units } else { 4 << (units % 8) };
        let blocks = blocks.min((1 << 20) / block_len);
        let tail = if tail % 3 == 0 { tail % block_len } else { 0 };
        let mut state = seed | 1;
        let byte = |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        };
        (block_len, (0..blocks * block_len + tail).map(byte).collect::<Vec<u8>>())
    });
    let first = prop_oneof![Just(0), 0_u64..1000, (1 << 32) - 20..(1_u64 << 32) + 20, 1_u64 << 40..1 << 50];
    (
        (family, any::<usize>(), run),
        (0_usize..=8, 0_usize..=8, any::<bool>(), any::<bool>()),
        (any::<u64>(), first, proptest::collection::vec(0_usize..200, 0..20), any::<Option<usize>>()),
    )
        .prop_map(|((family, key, (block_len, run)), shape, (file_iv, first, holes, damage))| {
            let (mac_len, rand_len, plain, allow_holes) = shape;
            let (mac_len, rand_len) = if plain { (0, 0) } else { (mac_len, rand_len) };
            Case {
                family,
                key,
                block_len,
                mac_len,
                rand_len,
                allow_holes,
                run,
                file_iv,
                first,
                holes,
                damage,
            }
        })
}

fn agree(case: &Case) -> Result<(), TestCaseError> {
    let family = &families()[case.family];
    let bits = family.key_bits[case.key % family.key_bits.len()];
    match (family.name, bits) {
        ("ssl/aes", 128) => agree_on::<Aes128>(family.name, bits, case),
        ("ssl/aes", 192) => agree_on::<Aes192>(family.name, bits, case),
        ("ssl/aes", 256) => agree_on::<Aes256>(family.name, bits, case),
        ("ssl/blowfish", _) => agree_on::<Blowfish>(family.name, bits, case),
        ("ssl/camellia", 128) => agree_on::<Camellia128>(family.name, bits, case),
        ("ssl/camellia", 192) => agree_on::<Camellia192>(family.name, bits, case),
        ("ssl/camellia", 256) => agree_on::<Camellia256>(family.name, bits, case),
        _ => Ok(()), // the null cipher
    }
}

fn agree_on<C>(name: &str, bits: u32, case: &Case) -> Result<(), TestCaseError>
where
    C: KeyInit + BlockCipherEncrypt + BlockCipherDecrypt,
{
    let spec = CipherSpec::new(&AlgorithmId::new(name, 3, 0), bits).expect("listed");
    let pair = &counting_pair(&spec);
    let layout = Layout::new(case.block_len, case.mac_len, case.rand_len, true);
    let cipher = C::new_from_slice(pair.key()).expect("listed");
    let slow = Reference { cipher, pair, layout, allow_holes: case.allow_holes };
    let fast = ContentCodec::new(spec.open(pair).expect("it fits"), layout, case.allow_holes, random);
    let file_iv = FileIv::of(case.file_iv);

    // a last block without payload cannot be encrypted, only found
    let mut run = case.run.clone();
    if run.len() % case.block_len <= layout.block_header_len() {
        run.truncate(run.len() / case.block_len * case.block_len);
    }
    let mut expected = run.clone();
    slow.encrypt_run(case.file_iv, case.first, &mut expected);
    fast.encrypt_run(file_iv, case.first, &mut run);
    prop_assert!(run == expected, "encrypted otherwise");

    for index in &case.holes {
        if let Some(block) = run.get_mut(index * case.block_len..(index + 1) * case.block_len) {
            block.fill(0);
        }
    }
    if let Some(damage) = case.damage {
        let at = damage % run.len();
        run[at] ^= 0x40;
    }
    expected.copy_from_slice(&run);
    let verdict = slow.decrypt_run(case.file_iv, case.first, &mut expected);
    prop_assert_eq!(fast.decrypt_run(file_iv, case.first, &mut run), verdict);
    prop_assert!(run == expected, "decrypted otherwise");
    Ok(())
}

fn index_of(name: &str) -> usize {
    families().iter().position(|family| family.name == name).expect("listed")
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 50, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn aes_agrees(case in cases(Just(index_of("ssl/aes")), 200)) {
        agree(&case)?;
    }

    #[test]
    fn every_cipher_agrees(case in cases(0..families().len(), 20)) {
        agree(&case)?;
    }
}

/// Every number of blocks around those that are coded side by side, and every way in which a block can end.
#[test]
fn every_count_and_every_end() {
    let aes = index_of("ssl/aes");
    let case = |key, block_len, mac_len, len| Case {
        family: aes,
        key,
        block_len,
        mac_len,
        rand_len: 0,
        allow_holes: true,
        run: (0..len).map(|i| ((i * 31) >> 3) as u8).collect(),
        file_iv: 0x0123_4567_89ab_cdef,
        first: (1 << 32) - 3,
        holes: Vec::new(),
        damage: None,
    };
    for (key, mac_len) in [(0, 0), (1, 8), (2, 5)] {
        for count in 1..=200 {
            agree(&case(key, 80, mac_len, 80 * count)).expect("the same");
        }
        for block_len in (64..=1200).step_by(16) {
            agree(&case(key, block_len, mac_len, block_len * 5)).expect("the same");
        }
        for tail in 1..=300 {
            agree(&case(key, 320, mac_len, 320 + tail)).expect("the same");
        }
    }
}
