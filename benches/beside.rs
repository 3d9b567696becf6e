//! One round of what `benches/openssl/run.py` sets beside OpenSSL: a line for each row, its name and nanoseconds.
//!
//! Contents come in runs of 1 MiB, and 64 MiB at once beside a copy of as much; a derived key is one of AES-256.

use encbox::content::{ContentCodec, FileIv, Layout};
use encbox::crypto::{AlgorithmId, CipherSpec, KeyPair, Password, pbkdf2_user_key};
use std::hint::black_box;
use std::time::{Duration, Instant};

const MIB: usize = 1 << 20;
/// How long each row is measured.
const SAMPLE: Duration = Duration::from_millis(30);
const ITERATIONS: u32 = 20_000;

fn spec(key_bits: u32) -> CipherSpec {
    CipherSpec::new(&AlgorithmId::new("ssl/aes", 3, 0), key_bits).expect("exists")
}

fn codec(key_bits: u32, block_len: usize, mac_len: usize) -> ContentCodec {
    let spec = spec(key_bits);
    let key = KeyPair::split(&[7; 48][..spec.key_len() + spec.iv_len()], spec.key_len());
    let layout = Layout::new(block_len, mac_len, 0, true);
    ContentCodec::new(spec.open(&key).expect("an AES key"), layout, false, |bytes| bytes.fill(9))
}

/// The rest of a buffer from its first border between cache lines on.
fn aligned(buffer: &mut [u8], len: usize) -> &mut [u8] {
    let start = buffer.as_ptr().align_offset(64);
    &mut buffer[start..start + len]
}

/// Encrypts and decrypts in turn; gives the nanoseconds of each.
fn back_and_forth(codec: &ContentCodec, run: &mut [u8]) -> [f64; 2] {
    let file_iv = FileIv::random(|bytes| bytes.fill(3));
    let (mut spent, mut times) = ([Duration::ZERO; 2], 0);
    while spent.iter().min() < Some(&SAMPLE) {
        let start = Instant::now();
        codec.encrypt_run(file_iv, 0, run);
        let middle = Instant::now();
        codec.decrypt_run(file_iv, 0, run).expect("just encrypted");
        spent = [spent[0] + (middle - start), spent[1] + middle.elapsed()];
        times += 1;
    }
    spent.map(|spent| nanoseconds(spent, times))
}

/// Nanoseconds of something on its own.
fn time(mut work: impl FnMut()) -> f64 {
    let (start, mut times) = (Instant::now(), 0);
    while start.elapsed() < SAMPLE {
        work();
        times += 1;
    }
    nanoseconds(start.elapsed(), times)
}

fn nanoseconds(spent: Duration, times: u32) -> f64 {
    spent.as_secs_f64() * 1e9 / f64::from(times)
}

#[expect(clippy::print_stdout, reason = "it is what this program is for")]
fn report(row: &str, nanoseconds: f64) {
    println!("{row}\t{nanoseconds:.1} ns");
}

fn main() {
    let mut buffers = [(); 2].map(|()| vec![5; 64 * MIB + 64]);
    let [run, other] = buffers.each_mut().map(|buffer| aligned(buffer, 64 * MIB));
    for key_bits in [256, 192] {
        for block_len in [1024, 4096] {
            for mac_len in [0, 8] {
                let kind = format!("AES-{key_bits} {block_len} MAC {mac_len}");
                let codec = codec(key_bits, block_len, mac_len);
                let [encrypt, decrypt] = back_and_forth(&codec, &mut run[..MIB]);
                report(&format!("content/encrypt/{kind}/1 MiB"), encrypt);
                report(&format!("content/decrypt/{kind}/1 MiB"), decrypt);
                let [_, decrypt] = back_and_forth(&codec, run);
                report(&format!("content/decrypt/{kind}/64 MiB"), decrypt);
            }
        }
    }
    report("copy/64 MiB", time(|| black_box(&mut *other).copy_from_slice(black_box(&*run))));
    let password = Password::new(b"correct horse battery staple".to_vec()).expect("not empty");
    let derived = time(|| drop(black_box(pbkdf2_user_key(&spec(256), &password, &[1; 20], ITERATIONS))));
    report("pbkdf2/AES-256", derived / f64::from(ITERATIONS));
}
