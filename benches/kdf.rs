//! How long does it take from a password to a key?

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use encbox::crypto::{AlgorithmId, CipherSpec, Password, legacy_user_key, pbkdf2_user_key};
use std::hint::black_box;

fn kdf(criterion: &mut Criterion) {
    let spec = CipherSpec::new(&AlgorithmId::new("ssl/aes", 3, 0), 256).expect("AES-256 exists");
    let password = Password::new(b"correct horse battery staple".to_vec()).expect("not empty");
    let mut group = criterion.benchmark_group("kdf");
    group.sample_size(20);
    for iterations in [1_000, 5_000, 100_000] {
        group.bench_with_input(
            BenchmarkId::new("pbkdf2", iterations),
            &iterations,
            |bencher, &iterations| {
                bencher.iter(|| pbkdf2_user_key(&spec, black_box(&password), &[1; 20], iterations));
            },
        );
    }
    group.bench_function("legacy", |bencher| bencher.iter(|| legacy_user_key(&spec, black_box(&password))));
    group.finish();
}

criterion_group!(benches, kdf);
criterion_main!(benches);
