//! Random bytes: keys, salts, file IVs, and what stands before blocks.

/// Fills `bytes` with random bytes from the system.
pub fn fill_random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system gives random bytes; without them nothing may be encrypted");
}
