//! How many PBKDF2 iterations this machine does in a given time.

use super::Error;
use crate::config::{Config, Parameters};
use crate::crypto::Password;
use crate::volume::fill_random;
use std::time::{Duration, Instant};

/// Never fewer than this, however slow the machine: the attacker's is fast.
const FLOOR: u32 = 100_000;
/// Never more: a volume must open on a phone, too, and a clock may jump.
const CEILING: u32 = 20_000_000;
/// Enough to take a few milliseconds.
const SAMPLE: u32 = 20_000;

/// Times a derivation for a volume with these parameters and scales it to `target`.
pub(super) fn timed(parameters: &Parameters, target: Duration) -> Result<u32, Error> {
    let password = Password::new(b"any password takes the same time".to_vec()).expect("not empty");
    let start = Instant::now();
    Config::create(parameters, &password, SAMPLE, fill_random).map_err(Error::Parameters)?;
    Ok(scaled(start.elapsed(), target))
}

fn scaled(sample: Duration, target: Duration) -> u32 {
    let iterations = f64::from(SAMPLE) * target.as_secs_f64() / sample.as_secs_f64().max(1e-6);
    // Out of range, the cast keeps to the nearest number there is.
    (iterations as u32).clamp(FLOOR, CEILING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_and_broken_clocks_stay_within_bounds() {
        let half = Duration::from_millis(500);
        assert_eq!(scaled(Duration::from_millis(10), half), 50 * SAMPLE);
        assert_eq!(scaled(Duration::from_secs(9), half), FLOOR);
        assert_eq!(scaled(Duration::ZERO, Duration::from_secs(3600)), CEILING);
    }
}
