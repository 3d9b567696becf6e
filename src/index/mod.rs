//! The whole tree at once, searched: an index of names and contents, kept outside the synced folder and sealed under a key
//! that only the volume key gives (docs/index.md).
//!
//! [`Place`] says where the index of a volume is; [`refresh`] brings it up to date, reading only what changed; [`Index`]
//! is asked. It is a cache: files are the truth, and what is damaged, foreign or of another version is made anew.
//!
//! Where things live: `seal.rs` sealed files; `directory.rs` the folder of them that the search engine works in;
//! `schema.rs` its fields, `words.rs` its words; `entry.rs` an entry; `refresh.rs` when an index is made anew, `scan.rs` the
//! walk that fills it, `queue.rs` what is left of that, `known.rs` what the index knew before, `look.rs` one file, `row.rs`
//! what becomes of it, `writer.rs` the way of rows into the index; `query.rs` a question, `search.rs` its answer,
//! `negation.rs` what is not to be in
//! it, `snippet.rs` what is shown of it; `rows.rs` everything there is.

mod directory;
mod entry;
mod error;
mod hash;
mod known;
mod look;
mod negation;
mod progress;
mod query;
mod queue;
mod refresh;
mod row;
mod rows;
mod scan;
mod schema;
mod seal;
mod search;
mod snippet;
mod store;
mod words;
mod writer;

pub use entry::{Entry, FOLDER, Flags, LINK, SPECIAL};
pub use error::Error;
pub use hash::content_hash;
pub use progress::{Progress, Summary};
pub use query::{Query, QueryError};
pub use refresh::{ScanOptions, refresh};
pub use rows::{RowId, Rows};
pub use scan::Scope;
pub use search::{Found, Hit};
pub use snippet::Piece;
pub use store::{Index, Place, Status};
