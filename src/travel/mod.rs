//! The index that travels: sealed objects in the synced folder, from which a phone shows the whole tree after fetching one
//! of them (docs/index-format.md, which a reader elsewhere needs and nothing else).
//!
//! ```text
//! .encbox/index/<device>/root       every entry: place, name, kind, size, time, title; which packs belong to it
//! .encbox/index/<device>/<id>       a pack, never changed: details of some entries, or their pictures
//! ```
//!
//! Each [`Device`] writes in a folder of its own, so that sync never meets two versions of an object. [`publish`] brings
//! what the local index knows; [`Shelf`] is what all devices brought. It is a cache: files are the truth.
//!
//! Where things live: `object.rs` the seal; `model.rs` what is in a root and a pack; `device.rs` who publishes;
//! `folder.rs` the folder in the volume's; `rows.rs` what travels, `groups.rs` which entries share a pack; `publish.rs`,
//! `shelf.rs` both ways.

mod device;
mod error;
mod folder;
mod groups;
mod model;
mod object;
mod publish;
mod rows;
mod shelf;

pub use device::Device;
pub use error::Error;
pub use model::{Item, Name};
pub use publish::{Published, is_published, publish, withdraw};
pub use shelf::{Ignored, Publisher, Shelf, Shown, State};

use crate::crypto::DerivedKey;
use crate::volume::Volume;
use std::path::PathBuf;

/// Below the root of the volume; no name of an entry, in any volume.
const PLACE: [&str; 2] = [crate::config::OWN_FOLDER, "index"];
/// The name of the one object in a device's folder that is replaced.
const ROOT: &str = "root";

/// Where all devices publish.
fn place(volume: &Volume) -> PathBuf {
    PLACE.iter().fold(volume.root_path().to_owned(), |at, name| at.join(name))
}

/// The key from which those of all objects are derived.
fn index_key(volume: &Volume) -> DerivedKey {
    volume.derive_key(b"", "encbox: travelling index, version 1")
}
