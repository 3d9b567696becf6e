//! Export and import: trees and files between an open volume and the world outside it.
//!
//! Nothing here prints, asks or knows a command line: whoever calls passes a [`Progress`] and gets a [`Summary`].
//! Outside the volume, everything below a folder that was named goes through `*at` calls that follow no link.

mod content;
mod crew;
mod damage;
mod error;
mod export;
mod folder;
mod import;
mod local;
mod outgoing;
mod partial;
mod progress;
mod tar;
mod walk;

pub use content::{BUFFER_LEN, CopyOptions, copy};
pub use damage::{BadBlocks, Loss};
pub use error::Error;
pub use export::{ExportOptions, export_tar, export_to, survey};
pub use import::{ImportOptions, import, import_stream};
pub use progress::{Progress, Silent, Summary, Survey};
pub use walk::{Item, Step, Walk};
