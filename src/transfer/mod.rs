//! Export and import: trees and files between an open volume and the world outside it.
//!
//! Nothing here prints, asks or knows a command line: whoever calls passes a [`Progress`] and gets a [`Summary`].
//! Outside the volume, everything below a folder that was named goes through `*at` calls that follow no link.
//!
//! Where things live: `crew.rs` the threads. Out: `export.rs` the walk, `content.rs` reading, `folder.rs`, `outgoing.rs`
//! and `partial.rs` into a folder, `tar.rs` into a stream. In: `import.rs` the walk, `incoming.rs` and `pieces.rs` from a folder,
//! `arriving.rs`, `member.rs` and `untar.rs` from a stream. `filling.rs` folders on either side, `local.rs` the system.

mod arriving;
mod content;
mod crew;
mod damage;
mod error;
mod export;
mod filling;
mod folder;
mod import;
mod incoming;
mod local;
mod member;
mod outgoing;
mod partial;
mod pieces;
mod progress;
mod survey;
mod tar;
mod untar;
mod walk;

pub use content::{BUFFER_LEN, CopyOptions, copy};
pub use damage::{BadBlocks, Loss};
pub use error::Error;
pub use export::{ExportOptions, export_tar, export_to, survey};
pub use import::{ImportOptions, import, import_stream};
pub use progress::{Progress, Silent, Summary, Survey};
pub use survey::survey_outside;
pub use untar::import_tar;
pub use walk::{Item, Step, Walk};
