//! How fast are runs of blocks encrypted and decrypted, on one core, with everything in its cache?

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use encbox::config::{Parameters, Profile};
use encbox::content::{ContentCodec, FileIv};
use encbox::crypto::{CipherSpec, KeyPair};

/// Plaintext bytes of a run, about; a mount asks for runs of this size.
const RUN_LEN: usize = 256 * 1024;

fn codec(parameters: &Parameters) -> ContentCodec {
    let spec = CipherSpec::new(&parameters.cipher, parameters.key_bits).expect("exists");
    let key = KeyPair::split(&[7; 48][..spec.key_len() + 16], spec.key_len());
    let cipher = spec.open(&key).expect("an AES key");
    ContentCodec::new(cipher, parameters.layout(), parameters.allow_holes, |bytes| bytes.fill(9))
}

fn content(criterion: &mut Criterion) {
    let sync = Profile::Sync.parameters();
    let sets = [
        ("AES-256 4096", Profile::Boxcryptor.parameters()),
        ("AES-256 4096 MAC", sync.clone()),
        ("AES-192 1024", Profile::Standard.parameters()),
        ("AES-256 1024 MAC", Profile::Paranoia.parameters()),
    ];
    let mut group = criterion.benchmark_group("content");
    for (name, parameters) in sets {
        let codec = codec(&parameters);
        let block_len = parameters.block_len as usize;
        let plain = vec![5; RUN_LEN / block_len * block_len];
        let file_iv = FileIv::random(|bytes| bytes.fill(3));
        let mut cipher = plain.clone();
        codec.encrypt_run(file_iv, 0, &mut cipher);
        let mut run = plain.clone();
        group.throughput(Throughput::Bytes(plain.len() as u64));
        group.bench_function(format!("encrypt/{name}"), |bencher| {
            bencher.iter(|| codec.encrypt_run(file_iv, 0, &mut run));
        });
        group.bench_function(format!("decrypt/{name}"), |bencher| {
            bencher.iter(|| {
                // decrypting anything but ciphertext would fail its MACs at once
                run.copy_from_slice(&cipher);
                codec.decrypt_run(file_iv, 0, &mut run)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, content);
criterion_main!(benches);
