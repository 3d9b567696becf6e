//! `encbox search`: finds entries of a volume by their names and words, through its index.

use super::index::place;
use super::open::VolumeArgs;
use super::out::{Out, put_name};
use super::{Error, Global, text};
use crate::index::{Entry, Found, Hit, Index, Piece, Query};
use crate::volume::{self, Fault, Follow, Stat, Volume};
use rustix::io::Errno;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use std::io::{self, IsTerminal};

/// Find files by their names and the words in them
#[derive(Debug, clap::Args)]
#[command(
    name = "search",
    after_long_help = "Every word of QUERY has to be in the name, the title or the text of a file, or begin a word there. \
    `encbox index` makes the index that is asked.\n\n\
    \"two words\"   just these, in this order\n\
    -word         not with this; in quotes with other words, or after --\n\
    name:word     in the name\n\
    type:pdf      of this kind (pdf, image, markdown, mail, folder, ...) or extension\n\
    path:/Letters below this folder; without a slash, below any folder of this name\n\
    after:2024-05 changed on this day or later (2024, 2024-05, 2024-05-17, today, yesterday, 7d, 2w, 3m, 1y)\n\
    before:2024   changed before it\n\
    size:>10M     larger; also <4k and 1M..2G\n\n\
    Examples:\n  \
    encbox search ~/Dropbox/Private summer lake\n  \
    encbox search ~/Dropbox/Private '\"ice cold\" type:pdf after:2024'\n  \
    encbox search --list ~/Dropbox/Private type:image path:/Photos 'size:>5M'"
)]
pub(super) struct Search {
    #[command(flatten)]
    volume: VolumeArgs,
    /// What to look for
    #[arg(required = true)]
    query: Vec<String>,
    /// Show so many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// Pass over so many first
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: u32,
    /// Only paths, one a line
    #[arg(short, long, conflicts_with = "json")]
    list: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Whether the index still tells the truth about an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Current,
    Changed,
    Gone,
    /// It cannot be looked at.
    Unknown,
}

impl State {
    fn of(volume: &Volume, hit: &Hit) -> State {
        let place = volume.walk(&hit.entry.path, Follow::No);
        State::judge(&hit.entry, place.and_then(|place| volume.stat(place.target())))
    }

    fn judge(entry: &Entry, now: Result<Stat, volume::Error>) -> State {
        match now.map_err(|error| error.fault) {
            Ok(stat) if (stat.cipher_size, stat.mtime) == (entry.cipher_size, entry.mtime) => State::Current,
            Ok(_) => State::Changed,
            Err(Fault::Sys(Errno::NOENT | Errno::NOTDIR) | Fault::Stale) => State::Gone,
            Err(_) => State::Unknown,
        }
    }

    fn word(self) -> &'static str {
        match self {
            State::Current => "current",
            State::Changed => "changed",
            State::Gone => "gone",
            State::Unknown => "unknown",
        }
    }
}

impl Search {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        let query = Query::parse(&self.query.join(" "))?;
        let volume = self.volume.read_only(global)?;
        let index = Index::open(&place(&volume)?)?;
        let found = index.search(&query, self.limit as usize, self.offset as usize)?;
        if index.scanned()?.is_none() {
            global.note("no scan of this volume has been whole yet: what is missing here may be in it; `encbox index` goes on");
        }
        let mut out = Out::new();
        if self.json {
            let hits = Records { hits: &found.hits, volume: &volume };
            out.json(&Answer { count: found.count, hits })?;
        } else {
            for hit in &found.hits {
                self.show(hit, &volume, &mut out)?;
            }
        }
        out.end()?;
        if !self.json {
            self.note_rest(global, &found);
        }
        Ok(())
    }

    fn show(&self, hit: &Hit, volume: &Volume, out: &mut Out) -> Result<(), Error> {
        out.name(&text::path(&hit.entry.path))?;
        if self.list {
            return out.line("");
        }
        match State::of(volume, hit) {
            State::Current => {}
            State::Changed => out.bytes(b"  (changed since)")?,
            State::Gone => out.bytes(b"  (gone since)")?,
            State::Unknown => out.bytes(b"  (cannot be looked at)")?,
        }
        out.line("")?;
        if let Some(title) = &hit.entry.title {
            out.line(&format!("    {}", text::escape_str(title)))?;
        }
        if !hit.snippet.is_empty() {
            out.line(&format!("    {}", marked(&hit.snippet, io::stdout().is_terminal())))?;
        }
        Ok(())
    }

    fn note_rest(&self, global: &Global, found: &Found) {
        let shown = found.hits.len();
        if found.count == 0 {
            global.note_on_terminal("nothing fits");
        } else if shown < found.count {
            global.note_on_terminal(&format!("{shown} of {}; --limit shows more", found.count));
        }
    }
}

/// Bold on a terminal, between asterisks elsewhere.
fn marked(pieces: &[Piece], is_terminal: bool) -> String {
    let (on, off) = if is_terminal { ("\x1b[1m", "\x1b[0m") } else { ("**", "**") };
    let show = |piece: &Piece| match piece.marked {
        true => format!("{on}{}{off}", text::escape_str(&piece.text)),
        false => text::escape_str(&piece.text),
    };
    pieces.iter().map(show).collect()
}

#[derive(Serialize)]
struct Answer<'a> {
    count: usize,
    hits: Records<'a>,
}

/// Made one by one as they are written: there may be many, and each is larger than its hit.
struct Records<'a> {
    hits: &'a [Hit],
    volume: &'a Volume,
}

impl Serialize for Records<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.hits.iter().map(|hit| record(hit, State::of(self.volume, hit))))
    }
}

fn record(hit: &Hit, state: State) -> Value {
    let entry = &hit.entry;
    let hex = |hash: [u8; 32]| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let pieces = |pieces: &[Piece]| {
        let piece = |piece: &Piece| json!({ "text": piece.text, "mark": piece.marked });
        pieces.iter().map(piece).collect::<Vec<_>>()
    };
    let mut object = json!({
        "cipher_path": entry.cipher_path.to_string_lossy(),
        "kind": entry.kind,
        "mime": entry.mime,
        "size": entry.size,
        "cipher_size": entry.cipher_size,
        "modified": text::utc_time(entry.mtime),
        "title": entry.title,
        "name": pieces(&hit.name),
        "snippet": pieces(&hit.snippet),
        "score": hit.score,
        "sha256": entry.hash.map(hex),
        "content_hash": entry.content_hash.map(hex),
        "damaged": entry.flags.damaged,
        "partial": entry.flags.partial,
        "conflicted_copy": entry.flags.copy,
        "state": state.word(),
    });
    put_name(&mut object, "path", &text::path(&entry.path));
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Flags;
    use crate::volume::{FileId, Kind, PlainPath};
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn only_what_is_not_there_counts_as_gone() {
        let entry = Entry {
            path: PlainPath::default(),
            cipher_path: "x".into(),
            size: 3,
            cipher_size: 11,
            mtime: UNIX_EPOCH,
            kind: "text".into(),
            mime: None,
            title: None,
            snippet: String::new(),
            text: String::new(),
            hash: None,
            content_hash: None,
            thumbnail: None,
            flags: Flags::default(),
        };
        let stat = |mtime| Stat {
            id: FileId { dev: 1, ino: 2 },
            kind: Kind::File,
            size: 3,
            cipher_size: 11,
            blocks: 8,
            mode: 0o644,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            atime: mtime,
            mtime,
            ctime: mtime,
            btime: None,
        };
        let failed =
            |fault| State::judge(&entry, Err(volume::Error { verb: "looking at", path: "x".into(), fault }));
        assert_eq!(State::judge(&entry, Ok(stat(UNIX_EPOCH))), State::Current);
        assert_eq!(State::judge(&entry, Ok(stat(UNIX_EPOCH + Duration::from_nanos(1)))), State::Changed);
        for errno in [Errno::NOENT, Errno::NOTDIR] {
            assert_eq!(failed(Fault::Sys(errno)), State::Gone);
        }
        assert_eq!(failed(Fault::Stale), State::Gone);
        for fault in [Fault::Sys(Errno::ACCESS), Fault::Sys(Errno::IO), Fault::Outside] {
            assert_eq!(failed(fault), State::Unknown);
        }
    }
}
