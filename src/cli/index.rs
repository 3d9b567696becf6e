//! `encbox index`: the index of a volume, made, brought up to date, described, published, removed.

use super::open::VolumeArgs;
use super::out::Out;
use super::scan_watch::ScanWatch;
use super::{Error, Global, cache, text, travel};
use crate::index::{self, Index, Place, ScanOptions, Status};
use crate::transfer;
use crate::volume::Volume;
use serde_json::json;
use std::num::NonZeroUsize;

/// Make an index of a volume, or bring it up to date
#[derive(Debug, clap::Args)]
#[command(
    name = "index",
    after_long_help = "The index holds names and the words of all documents, for `encbox search`. It is kept in a folder \
    for caches outside the volume (ENCBOX_CACHE_DIR; otherwise ~/.cache/encbox, on macOS ~/Library/Caches/encbox), \
    encrypted under a key that only the volume's own key gives. A first scan reads everything; later ones read what has \
    another size, time or inode than before.\n\n\
    Examples:\n  \
    encbox index ~/Dropbox/Private\n  \
    encbox index --publish ~/Dropbox/Private\n  \
    encbox index --status ~/Dropbox/Private\n  \
    encbox index --drop ~/Dropbox/Private"
)]
pub(super) struct IndexVolume {
    #[command(flatten)]
    volume: VolumeArgs,
    /// Read everything again
    #[arg(long)]
    rebuild: bool,
    /// Say what there is, and scan nothing
    #[arg(long, conflicts_with_all = ["rebuild", "drop"])]
    status: bool,
    /// Remove the index
    #[arg(long, conflicts_with = "rebuild")]
    drop: bool,
    /// Also put an encrypted index into the volume, for phones and other machines; from now on after every scan
    #[arg(long, conflicts_with_all = ["status", "drop"])]
    publish: bool,
    /// List what all machines have published, and scan nothing
    #[arg(long, conflicts_with_all = ["publish", "rebuild", "status", "drop", "jobs"])]
    published: bool,
    /// Take away what this machine has published, publish nothing any more, and scan nothing
    #[arg(long, conflicts_with_all = ["publish", "published", "rebuild", "status", "drop", "jobs"])]
    no_travel: bool,
    /// Work with N threads (default: as many as the machine runs at once, 16 at the most)
    #[arg(short, long, value_name = "N", conflicts_with_all = ["status", "drop"])]
    jobs: Option<NonZeroUsize>,
    /// Print JSON: the status, or progress and result, a line each
    #[arg(long)]
    json: bool,
}

impl IndexVolume {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        let volume = self.volume.read_only(global)?;
        let place = place(&volume)?;
        if self.drop {
            let there = place.remove()?;
            global.note_on_terminal(if there { "the index is gone" } else { "there was no index" });
            return Ok(());
        }
        if self.status {
            return self.tell(&place);
        }
        if self.published {
            return travel::tell(&volume, self.json, global);
        }
        if self.no_travel {
            return travel::withdraw(&volume, global);
        }
        let survey = || transfer::survey(&volume, &[]).ok().map(|survey| survey.items);
        let mut watch = ScanWatch::new(global, self.json, survey);
        let options = ScanOptions { rebuild: self.rebuild, jobs: self.jobs, ..ScanOptions::default() };
        let summary = index::refresh(&place, &volume, options, &mut watch)?;
        let published = travel::publish(&place, &volume, self.publish, self.rebuild)?;
        if let Some(published) = published.filter(|_| self.json) {
            travel::report(&published)?;
        }
        watch.end(global, summary)?;
        if let Some(published) = published.filter(|_| !self.json) {
            travel::note(&published, global);
        }
        Ok(())
    }

    fn tell(&self, place: &Place) -> Result<(), Error> {
        let Status { entries, disk_len, scanned } = Index::open(place)?.status()?;
        let mut out = Out::new();
        if self.json {
            out.json(&json!({
                "entries": entries, "disk_bytes": disk_len, "scanned": scanned.map(text::utc_time),
                "folder": place.folder().to_string_lossy(),
            }))?;
        } else {
            let scanned = scanned.map_or("never finished".into(), text::local_time);
            out.line(&format!("entries:   {entries}"))?;
            out.line(&format!("last scan: {scanned}"))?;
            out.line(&format!(
                "on disk:   {disk_len} bytes in {}",
                text::escape(place.folder().as_os_str())
            ))?;
        }
        out.end()
    }
}

/// Where the index of a volume is, on this machine.
pub(super) fn place(volume: &Volume) -> Result<Place, Error> {
    Ok(Place::of(volume, &cache::folder()?)?)
}
