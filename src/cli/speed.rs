//! `encbox speed`: how fast this machine codes contents and names, and derives keys. Needs no volume.
//!
//! Everything is measured in turn, a short while each, for several rounds; what is shown is the median of the rounds,
//! so that another program that gets in the way for a moment does not count.

use super::out::Out;
use super::{Error, Global};
use crate::content::{ContentCodec, FileIv, Layout};
use crate::crypto::{AlgorithmId, Cipher, CipherSpec, KeyPair, Password, instructions, pbkdf2_user_key};
use crate::names::NameCodec;
use crate::volume::fill_random;
use serde_json::{Value, json};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes that are copied, encrypted and decrypted at a time.
const RUN_LEN: usize = 1 << 20;
/// Where runs begin: on a border between cache lines.
const ALIGNMENT: usize = 64;
/// How often everything is measured.
const ROUNDS: u32 = 5;
/// Iterations of a key derivation that is timed, and those of the one that the figures speak of.
const SAMPLE_ITERATIONS: u32 = 1_000;
const UNLOCK_ITERATIONS: u32 = 100_000;
/// A name of middling length.
const NAME: &[u8] = b"Holiday pictures.odt";

/// Measure how fast this machine encrypts, decrypts and unlocks; needs no volume
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Everything runs on one core with its data in the cache. A copy of memory, measured beside it, shows what the machine \
does at best; a disk or a network is slower than most figures here.\n\n\
Examples:\n  \
encbox speed\n  \
encbox speed --json --seconds 10")]
pub(super) struct Speed {
    /// How long to measure, all in all
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = seconds)]
    seconds: Duration,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Speed {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        global.note_on_terminal(&format!("measuring for {} seconds", self.seconds.as_secs_f64()));
        let figures = Figures::measure(self.seconds);
        let mut out = Out::new();
        if self.json {
            out.json(&figures.facts())?;
        } else {
            figures.lines().iter().try_for_each(|line| out.line(line))?;
        }
        out.end()
    }
}

/// A number of seconds, with a fraction or without.
fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=3600.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("a number of seconds is needed, an hour at the most".into()),
    }
}

/// What was measured.
#[derive(Debug)]
struct Figures {
    instructions: Vec<&'static str>,
    /// Bytes per second.
    copy: f64,
    contents: Vec<Contents>,
    /// Names per second.
    encode: f64,
    decode: f64,
    /// Iterations per second.
    pbkdf2: f64,
}

/// What was measured of one kind of contents.
#[derive(Debug)]
struct Contents {
    kind: Kind,
    /// Bytes per second.
    encrypt: f64,
    decrypt: f64,
}

/// AES with a key of so many bits, a block and a MAC of so many bytes.
#[derive(Debug, Clone, Copy)]
struct Kind {
    key_bits: u32,
    block_len: usize,
    mac_len: usize,
}

impl Figures {
    fn measure(time: Duration) -> Figures {
        let kinds = kinds();
        // a share for each figure: all the kinds have two of them
        let share = time / (ROUNDS * (4 + 2 * kinds.len() as u32));
        let mut buffers = [(); 2].map(|()| vec![5; RUN_LEN + ALIGNMENT]);
        let [from, to] = buffers.each_mut().map(|buffer| aligned(buffer));
        let codecs: Vec<ContentCodec> = kinds.iter().map(Kind::codec).collect();
        let round = |_| {
            let copy =
                RUN_LEN as f64 * rate(share, || black_box(&mut *to).copy_from_slice(black_box(&*from)));
            let mut rates = vec![copy, iterations(share)];
            rates.extend(names(share));
            rates.extend(codecs.iter().flat_map(|codec| contents(share, codec, to)));
            rates
        };
        let rounds: Vec<Vec<f64>> = (0..ROUNDS).map(round).collect();
        let median = |figure: usize| median(rounds.iter().map(|rates| rates[figure]).collect());
        let contents = kinds.into_iter().enumerate().map(|(i, kind)| Contents {
            kind,
            encrypt: median(4 + 2 * i),
            decrypt: median(5 + 2 * i),
        });
        Figures {
            instructions: instructions(),
            copy: median(0),
            pbkdf2: median(1),
            encode: median(2),
            decode: median(3),
            contents: contents.collect(),
        }
    }

    fn unlock_seconds(&self) -> f64 {
        f64::from(UNLOCK_ITERATIONS) / self.pbkdf2
    }

    fn percent(&self, rate: f64) -> f64 {
        100.0 * rate / self.copy
    }

    fn facts(&self) -> Value {
        let contents = |Contents { kind, encrypt, decrypt }: &Contents| {
            json!({
                "key_bits": kind.key_bits,
                "block_size": kind.block_len,
                "mac_bytes": kind.mac_len,
                "encrypt_gb_per_second": encrypt / 1e9,
                "encrypt_percent_of_copy": self.percent(*encrypt),
                "decrypt_gb_per_second": decrypt / 1e9,
                "decrypt_percent_of_copy": self.percent(*decrypt),
            })
        };
        json!({
            "instructions": self.instructions,
            "copy_gb_per_second": self.copy / 1e9,
            "contents": self.contents.iter().map(contents).collect::<Vec<_>>(),
            "names": { "encode_per_second": self.encode, "decode_per_second": self.decode },
            "pbkdf2": {
                "iterations_per_second": self.pbkdf2,
                "unlock_iterations": UNLOCK_ITERATIONS,
                "unlock_seconds": self.unlock_seconds(),
            },
        })
    }

    fn lines(&self) -> Vec<String> {
        let instructions = match &self.instructions[..] {
            [] => "none in particular".into(),
            names => names.join(", "),
        };
        let mut lines = vec![
            format!("Instructions   {instructions}"),
            format!("Memory         {:.1} GB/s copied, 1 MiB at a time", self.copy / 1e9),
            String::new(),
            format!("{:<28} {:>18} {:>18}", "Contents (GB/s, % of copy)", "encrypt", "decrypt"),
        ];
        let rate = |rate: f64| format!("{:>10.2} {:>5.0} %", rate / 1e9, self.percent(rate));
        lines.extend(self.contents.iter().map(|Contents { kind, encrypt, decrypt }| {
            let mac =
                if kind.mac_len == 0 { "no MAC".into() } else { format!("MAC of {} bytes", kind.mac_len) };
            let name = format!("AES-{}, {}, {mac}", kind.key_bits, kind.block_len);
            format!("{name:<28} {:>18} {:>18}", rate(*encrypt), rate(*decrypt))
        }));
        lines.extend([
            String::new(),
            format!("Names          {:.0} encoded, {:.0} decoded per second", self.encode, self.decode),
            format!("PBKDF2         {:.0} iterations per second (AES-256)", self.pbkdf2),
            format!(
                "Unlocking      {:.0} ms with {UNLOCK_ITERATIONS} iterations",
                1e3 * self.unlock_seconds()
            ),
        ]);
        lines
    }
}

impl Kind {
    fn codec(&self) -> ContentCodec {
        ContentCodec::new(
            aes(self.key_bits),
            Layout::new(self.block_len, self.mac_len, 0, true),
            false,
            fill_random,
        )
    }
}

fn kinds() -> Vec<Kind> {
    let mut kinds = Vec::new();
    for key_bits in [256, 192] {
        for block_len in [1024, 4096] {
            kinds.extend([0, 8].map(|mac_len| Kind { key_bits, block_len, mac_len }));
        }
    }
    kinds
}

fn spec(key_bits: u32) -> CipherSpec {
    CipherSpec::new(&AlgorithmId::new("ssl/aes", 3, 0), key_bits).expect("AES has such keys")
}

fn aes(key_bits: u32) -> Arc<dyn Cipher> {
    let spec = spec(key_bits);
    let key = [7; 48];
    spec.open(&KeyPair::split(&key[..spec.key_len() + spec.iv_len()], spec.key_len()))
        .expect("a key of its length")
}

/// Bytes per second encrypted, and decrypted: back and forth, so that there is always something genuine to decrypt.
fn contents(share: Duration, codec: &ContentCodec, run: &mut [u8]) -> [f64; 2] {
    let file_iv = FileIv::random(fill_random);
    let (mut encrypting, mut decrypting, mut times) = (Duration::ZERO, Duration::ZERO, 0);
    while times == 0 || encrypting + decrypting < 2 * share {
        let start = Instant::now();
        codec.encrypt_run(file_iv, 0, run);
        let middle = Instant::now();
        codec.decrypt_run(file_iv, 0, run).expect("just encrypted");
        decrypting += middle.elapsed();
        encrypting += middle - start;
        times += 1;
    }
    [encrypting, decrypting].map(|spent| per_second(times, spent) * RUN_LEN as f64)
}

/// Names encoded per second, and decoded.
fn names(share: Duration) -> [f64; 2] {
    let id = AlgorithmId::new("nameio/block", 4, 0);
    let codec = NameCodec::new(&id, &aes(256), true, 255).expect("exists");
    let chain = codec.root_chain();
    let (coded, _) = codec.encode_name(NAME, chain).expect("short enough");
    let encode = rate(share, || drop(black_box(codec.encode_name(black_box(NAME), chain))));
    let decode = rate(share, || drop(black_box(codec.decode_name(black_box(&coded), chain))));
    [encode, decode]
}

/// Iterations of PBKDF2 per second, for a key of AES-256.
fn iterations(share: Duration) -> f64 {
    let password = Password::new(b"any password takes the same time".to_vec()).expect("not empty");
    let derive = || pbkdf2_user_key(&spec(256), black_box(&password), &[1; 20], SAMPLE_ITERATIONS);
    f64::from(SAMPLE_ITERATIONS) * rate(share, || drop(black_box(derive())))
}

/// How often per second something can be done: tried once at least, and for `share` if once is shorter.
fn rate(share: Duration, mut work: impl FnMut()) -> f64 {
    /// Far less than any share, and far more than it takes to ask the time.
    const PIECE: Duration = Duration::from_micros(20);

    let (start, mut times, mut batch) = (Instant::now(), 0, 1);
    loop {
        let began = Instant::now();
        (0..batch).for_each(|_| work());
        times += batch;
        if start.elapsed() >= share {
            return per_second(times, start.elapsed());
        }
        batch *= if began.elapsed() < PIECE { 2 } else { 1 };
    }
}

/// A clock that stood still counts as a nanosecond.
fn per_second(times: u64, spent: Duration) -> f64 {
    times as f64 / spent.as_secs_f64().max(1e-9)
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// A run's worth of a buffer that has room for it and [`ALIGNMENT`] bytes more.
fn aligned(buffer: &mut [u8]) -> &mut [u8] {
    let start = buffer.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
    &mut buffer[start..start + RUN_LEN]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_nonsense() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for nonsense in ["", "x", "-1", "NaN", "inf", "3601"] {
            assert!(seconds(nonsense).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![3.0, 9.0, 1.0, 2.0, 100.0]), 3.0);
    }

    #[test]
    fn something_is_done_however_short_the_time() {
        let mut times = 0;
        assert!(rate(Duration::ZERO, || times += 1) > 0.0);
        assert_eq!(times, 1);
    }
}
