//! How fast are blocks encrypted and decrypted, on one core, with everything in its cache?
//!
//! `benches/openssl/run.sh` asks the same of OpenSSL, used as EncFS 1.9.5 does, in the same words.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use encbox::config::Profile;
use encbox::content::{ContentCodec, FileIv, Layout};
use encbox::crypto::{AlgorithmId, Cipher, CipherSpec, KeyPair, Seeds};
use std::sync::Arc;
use std::time::{Duration, Instant};

const MIB: usize = 1 << 20;

fn aes(key_bits: u32) -> Arc<dyn Cipher> {
    let spec = CipherSpec::new(&AlgorithmId::new("ssl/aes", 3, 0), key_bits).expect("exists");
    let key = KeyPair::split(&[7; 48][..spec.key_len() + spec.iv_len()], spec.key_len());
    spec.open(&key).expect("an AES key")
}

/// Times one codec on a run of `len` bytes.
fn run(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, codec: &ContentCodec, len: usize) {
    let file_iv = FileIv::random(|bytes| bytes.fill(3));
    let mut run = vec![5; len];
    group.throughput(Throughput::Bytes(len as u64));
    group.bench_function(format!("encrypt/{name}"), |bencher| {
        bencher.iter(|| codec.encrypt_run(file_iv, 0, &mut run));
    });
    codec.encrypt_run(file_iv, 0, &mut run);
    let ciphertext = run.clone();
    group.bench_function(format!("decrypt/{name}"), |bencher| {
        bencher.iter_custom(|times| {
            let mut spent = Duration::ZERO;
            for _ in 0..times {
                // decrypting anything but ciphertext would fail its MACs at once
                run.copy_from_slice(&ciphertext);
                let start = Instant::now();
                codec.decrypt_run(file_iv, 0, &mut run).expect("just encrypted");
                spent += start.elapsed();
            }
            spent
        });
    });
}

fn content(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("content");
    for key_bits in [256, 192] {
        for block_len in [1024, 4096] {
            for mac_len in [0, 8] {
                let layout = Layout::new(block_len, mac_len, 0, true);
                let codec = ContentCodec::new(aes(key_bits), layout, true, |bytes| bytes.fill(9));
                for (len, size) in [
                    (block_len, "1 block"),
                    (4 * block_len, "4 blocks"),
                    (MIB / 8, "128 KiB"),
                    (MIB, "1 MiB"),
                ] {
                    run(&mut group, &format!("AES-{key_bits} {block_len} MAC {mac_len}/{size}"), &codec, len);
                }
            }
        }
    }
    group.finish();
}

/// The short last block, on the path of every small append.
fn tails(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tail");
    let parameters = Profile::Standard.parameters();
    let codec = ContentCodec::new(aes(256), parameters.layout(), true, |bytes| bytes.fill(9));
    for len in [1, 100, 1000] {
        run(&mut group, &format!("AES-256/{len} bytes"), &codec, len);
    }
    group.finish();
}

/// IVs: pieces of one cipher block are little else.
fn ivs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ivs");
    let cipher = aes(256);
    for count in [1, 4, 16, 256] {
        let mut run = vec![5; 16 * count];
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("{count}"), |bencher| {
            bencher.iter(|| cipher.decrypt_run(&mut run, 16, Seeds { first: 0, mask: 7 }));
        });
    }
    group.finish();
}

criterion_group!(benches, content, tails, ivs);
criterion_main!(benches);
