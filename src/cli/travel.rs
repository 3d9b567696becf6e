//! `encbox index --publish`, `--published` and `--no-travel`: the index that goes with the volume.

use super::out::{Out, put_name};
use super::show::line;
use super::{Error, Global, state, text};
use crate::index::{Index, Place};
use crate::travel::{self, Device, Published, Shelf, Shown, State};
use crate::volume::Volume;
use indicatif::HumanBytes;
use serde_json::{Value, json};

/// This machine, as far as this volume is concerned.
fn device(volume: &Volume) -> Result<Device, Error> {
    let Some(state) = state::folder() else {
        return Err(Error::Usage("no folder for state is known: set HOME or ENCBOX_STATE_DIR".into()));
    };
    Ok(Device::here(&state, volume)?)
}

/// The same, if it publishes what it knows of this volume.
fn publisher(volume: &Volume) -> Option<Device> {
    Device::known(&state::folder()?, volume).filter(|device| travel::is_published(volume, device))
}

/// Publishes if this was asked for, or is done after every scan.
pub(super) fn publish(
    place: &Place,
    volume: &Volume,
    asked: bool,
    anew: bool,
) -> Result<Option<Published>, Error> {
    let device = if asked { Some(device(volume)?) } else { publisher(volume) };
    let Some(device) = device else { return Ok(None) };
    Ok(Some(travel::publish(&Index::open(place)?, volume, &device, anew)?))
}

/// What came of it, as a line of JSON.
pub(super) fn report(published: &Published) -> Result<(), Error> {
    let Published { entries, changed, packs, new_packs, root_len, len, written } = published;
    line(&json!({ "published": {
        "entries": entries, "changed": changed, "packs": packs, "new_packs": new_packs,
        "root_bytes": root_len, "bytes": len, "written_bytes": written,
    } }))
}

/// The same in words, on a terminal.
pub(super) fn note(published: &Published, global: &Global) {
    let Published { packs, new_packs, len, written, changed, .. } = published;
    let what = format!("{} and a root, {}", text::count(*packs, "pack"), HumanBytes(*len));
    global.note_on_terminal(&match changed {
        true => format!("published: {what}; {new_packs} new, {} written", HumanBytes(*written)),
        false => format!("published before, and nothing has changed: {what}"),
    });
}

/// Takes away what this machine published.
pub(super) fn withdraw(volume: &Volume, global: &Global) -> Result<(), Error> {
    let there = travel::withdraw(volume, &device(volume)?)?;
    global.note_on_terminal(match there {
        true => "what this machine published is gone",
        false => "this machine had published nothing",
    });
    Ok(())
}

/// Lists what all machines published.
pub(super) fn tell(volume: &Volume, as_json: bool, global: &Global) -> Result<(), Error> {
    let shelf = Shelf::open(volume)?;
    let mut out = Out::new();
    if as_json {
        let devices = shelf.publishers.iter().map(|publisher| {
            json!({
                "device": publisher.device, "host": publisher.host, "entries": publisher.len(),
                "published": text::utc_time(publisher.published),
            })
        });
        let ignored = shelf
            .ignored
            .iter()
            .map(|ignored| json!({ "path": ignored.path.to_string_lossy(), "reason": ignored.reason }));
        out.json(&json!({
            "devices": devices.collect::<Vec<_>>(), "ignored": ignored.collect::<Vec<_>>(),
            "entries": shelf.entries().iter().map(record).collect::<Vec<_>>(),
        }))?;
        return out.end();
    }
    for ignored in &shelf.ignored {
        global.note(&format!("{}: ignored: {}", text::escape(ignored.path.as_os_str()), ignored.reason));
    }
    if shelf.publishers.is_empty() {
        global.note_on_terminal("no machine has published an index; --publish does");
    }
    for publisher in &shelf.publishers {
        global.note_on_terminal(&format!(
            "{} ({}), {}: {} entries",
            text::escape_str(&publisher.host),
            publisher.device,
            text::local_time(publisher.published),
            publisher.len()
        ));
    }
    for shown in shelf.entries() {
        out.name(shown.item.path.as_os_str())?;
        out.line(match shown.state {
            State::Current => "",
            State::Changed => "  (changed since)",
            State::Gone => "  (gone since)",
            State::Unknown => "  (its details have not arrived)",
        })?;
    }
    out.end()
}

fn record(shown: &Shown<'_>) -> Value {
    let item = shown.item;
    let mut object = json!({
        "kind": item.kind, "size": item.size, "modified": text::utc_time(item.mtime), "title": item.title,
        "snippet": shown.snippet, "device": shown.publisher.device, "damaged": item.flags.damaged,
        "partial": item.flags.partial, "conflicted_copy": item.flags.copy,
        "state": match shown.state {
            State::Current => "current",
            State::Changed => "changed",
            State::Gone => "gone",
            State::Unknown => "unknown",
        },
    });
    put_name(&mut object, "path", item.path.as_os_str());
    if let Some(path) = &shown.cipher_path {
        put_name(&mut object, "cipher_path", path.as_os_str());
    }
    object
}
