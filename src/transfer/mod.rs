//! Export and import: trees and files between an open volume and the world outside it.
//!
//! Nothing here prints, asks or knows a command line: whoever calls passes a [`Progress`] and gets a [`Summary`].
//! Outside the volume, everything below a folder that was named goes through `*at` calls that follow no link.

mod content;
mod error;
mod export;
mod folder;
mod import;
mod local;
mod progress;
mod tar;
mod walk;

pub use content::{BUFFER_LEN, copy};
pub use error::Error;
pub use export::{ExportOptions, export_tar, export_to, survey};
pub use import::{ImportOptions, import, import_stream};
pub use progress::{Progress, Silent, Summary, Survey};
pub use walk::{Item, Step, Walk};

/// What the name of an unfinished file begins with, on either side; whatever is called so may be deleted.
pub const PARTIAL_PREFIX: &str = ".encbox-partial-";

/// A fresh name for an unfinished file.
fn partial_name() -> String {
    let mut bytes = [0u8; 8];
    getrandom::fill(&mut bytes).expect("the system has random bytes");
    format!("{PARTIAL_PREFIX}{:016x}", u64::from_le_bytes(bytes))
}
