//! encbox reads and writes EncFS volumes (EncFS 1.0 to 1.9, BoxCryptor Classic) that live in a synced folder.
//!
//! The house has floors; a room uses only what stands below it (`tests/layers.rs` holds it to that):
//!
//! ```text
//! 7  cli                    the door: words in, words out, exit codes
//! 5  travel                 what of an index goes with the volume
//! 4  mount  transfer  check  index  the rooms: each lives on an open Volume
//! 3  volume                 the only room that opens ciphertext files
//! 2  config                 .encfs6.xml and its older kin
//! 1  names  content  preview    pure: bytes in, bytes out
//! 0  crypto                 keys, ciphers, MACs
//! ```
//!
//! Rooms 0 to 2 know no file system, clock, thread or process, and build for `wasm32-unknown-unknown`.

// what the tests outside share with those inside says `encbox`
#[cfg(test)]
extern crate self as encbox;

pub mod config;
pub mod content;
pub mod crypto;
pub mod names;
#[cfg(feature = "preview")]
pub mod preview;

#[cfg(unix)]
pub mod volume;

#[cfg(all(unix, feature = "cli"))]
pub mod transfer;

#[cfg(all(unix, feature = "cli"))]
pub mod check;

#[cfg(all(unix, feature = "index"))]
pub mod index;

#[cfg(all(unix, feature = "index"))]
pub mod travel;

#[cfg(all(unix, feature = "mount"))]
pub mod mount;

#[cfg(all(unix, feature = "mount"))]
pub mod sync;

#[cfg(all(unix, feature = "cli"))]
pub mod cli;
