//! Music and films: their tags, and the picture on the cover. To hear or see them is for whoever plays the file.

use super::film;
use super::kind::{Kind, Type};
use super::limits::Limits;
use super::model::{Body, Draft};
use super::source::Source;
use super::{image, safe};
use lofty::config::{ParseOptions, ParsingMode};
use lofty::file::{AudioFile, TaggedFile, TaggedFileExt};
use lofty::probe::Probe;
use lofty::tag::{Accessor, ItemKey};
use std::io::Cursor;
use std::time::Duration;

pub(super) fn preview(source: &Source<'_>, found: &Type, limits: &Limits) -> Option<Draft> {
    let mut draft = Draft { body: Some(Body::Original), partial: !source.is_whole(), ..Draft::default() };
    if found.kind == Kind::Video {
        film::facts(source.bytes, &mut draft);
    }
    // without sound there is nothing to measure, and there may be tags all the same
    if let Some(file) = read(source.bytes, true).or_else(|| read(source.bytes, false)) {
        tags(&file, &mut draft, limits);
    }
    let named = ["artist", "album", "genre", "author"];
    let names = draft.facts.iter().filter(|fact| named.contains(&fact.name)).map(|fact| fact.value.as_str());
    let names = names.collect::<Vec<_>>().join("\n");
    draft.text = if draft.text.is_empty() { names } else { format!("{names}\n{}", draft.text) };
    Some(draft)
}

fn read(bytes: &[u8], measured: bool) -> Option<TaggedFile> {
    let options = ParseOptions::new().read_properties(measured).parsing_mode(ParsingMode::Relaxed);
    Probe::new(Cursor::new(bytes)).options(options).guess_file_type().ok()?.read().ok()
}

fn tags(file: &TaggedFile, draft: &mut Draft, limits: &Limits) {
    let length = file.properties().duration();
    if !length.is_zero() && !draft.facts.iter().any(|fact| fact.name == "length") {
        draft.fact("length", clock(length));
    }
    let Some(tag) = file.primary_tag().or_else(|| file.first_tag()) else { return };
    draft.title = tag.title().map(|title| title.into_owned()).or(draft.title.take());
    draft.fact("artist", tag.artist().unwrap_or_default());
    draft.fact("album", tag.album().unwrap_or_default());
    draft.fact("track", tag.track().map(|track| track.to_string()).unwrap_or_default());
    draft.fact("genre", tag.genre().unwrap_or_default());
    draft.fact(
        "date",
        tag.get_string(ItemKey::RecordingDate).or(tag.get_string(ItemKey::Year)).unwrap_or_default(),
    );
    draft.fact("comment", tag.comment().unwrap_or_default());
    let lyrics = tag.get_string(ItemKey::UnsyncLyrics).or(tag.get_string(ItemKey::Lyrics));
    draft.text = safe::head(lyrics.unwrap_or_default(), limits.text_len).to_owned();
    draft.thumbnail =
        tag.pictures().iter().take(4).find_map(|picture| image::thumbnail(picture.data(), limits));
}

/// Hours, minutes and seconds, as on a player.
pub(super) fn clock(length: Duration) -> String {
    let seconds = length.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}
