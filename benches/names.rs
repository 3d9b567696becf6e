//! How long does a name take to encode and to decode?

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use encbox::crypto::{AlgorithmId, CipherSpec, KeyPair};
use encbox::names::NameCodec;
use std::hint::black_box;

fn names(criterion: &mut Criterion) {
    let spec = CipherSpec::new(&AlgorithmId::new("ssl/aes", 3, 0), 256).expect("AES-256 exists");
    let cipher = spec.open(&KeyPair::split(&[7; 48], 32)).expect("an AES-256 key");
    let mut group = criterion.benchmark_group("names");
    group.throughput(Throughput::Elements(1));
    for (coding, major) in [("block", 4), ("block32", 4), ("stream", 2)] {
        let id = AlgorithmId::new(&format!("nameio/{coding}"), major, 0);
        let codec = NameCodec::new(&id, &cipher, true, 255).expect("exists");
        let chain = codec.root_chain();
        for name in ["note.md", "Minutes of the meeting of 14 March, second draft.markdown"] {
            let (coded, _) = codec.encode_name(name.as_bytes(), chain).expect("possible");
            group.bench_function(format!("{coding}/encode/{} bytes", name.len()), |bencher| {
                bencher.iter(|| codec.encode_name(black_box(name.as_bytes()), chain));
            });
            group.bench_function(format!("{coding}/decode/{} bytes", name.len()), |bencher| {
                bencher.iter(|| codec.decode_name(black_box(&coded), chain));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, names);
criterion_main!(benches);
