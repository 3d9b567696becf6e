//! The names of files that are not finished.

use std::ffi::OsString;

/// What the name of an unfinished file begins with, in a volume and outside; whatever is called so may be deleted.
pub const PARTIAL_PREFIX: &str = ".encbox-partial-";

/// A fresh name for an unfinished file.
pub fn partial_name() -> OsString {
    let mut bytes = [0u8; 8];
    super::fill_random(&mut bytes);
    format!("{PARTIAL_PREFIX}{:016x}", u64::from_le_bytes(bytes)).into()
}
