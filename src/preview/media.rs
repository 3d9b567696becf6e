//! Music and films: their tags, and the picture on the cover. To hear or see them is for whoever plays the file.

use super::film;
use super::image;
use super::kind::{Kind, Type};
use super::limits::Limits;
use super::model::{Body, Draft};
use super::safe::Bounded;
use super::source::Source;
use lofty::config::{ParseOptions, ParsingMode};
use lofty::file::{AudioFile, FileType, TaggedFile, TaggedFileExt};
use lofty::mpeg::MpegFile;
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
    if let Some((file, remark)) = read(source.bytes, true).or_else(|| read(source.bytes, false)) {
        tags(&file, remark, found, &mut draft, limits);
    }
    let named = ["artist", "album", "genre", "author"];
    let mut text = Bounded::new(limits.text_len);
    draft.facts.iter().filter(|fact| named.contains(&fact.name)).for_each(|fact| text.line(&fact.value));
    text.push(&draft.text);
    let (text, full) = text.end();
    draft.text = text.trim_end().to_owned();
    draft.partial |= full;
    Some(draft)
}

/// The tags of a file; and of an MP3 the comment that ffmpeg writes where others have none.
fn read(bytes: &[u8], measured: bool) -> Option<(TaggedFile, Option<String>)> {
    let options = ParseOptions::new().read_properties(measured).parsing_mode(ParsingMode::Relaxed);
    let probe = Probe::new(Cursor::new(bytes)).options(options).guess_file_type().ok()?;
    if probe.file_type() != Some(FileType::Mpeg) {
        return Some((probe.read().ok()?, None));
    }
    let file = MpegFile::read_from(&mut Cursor::new(bytes), options).ok()?;
    let remark = file.id3v2().and_then(|tag| tag.get_user_text("comment")).map(str::to_owned);
    Some((file.into(), remark))
}

fn tags(file: &TaggedFile, remark: Option<String>, found: &Type, draft: &mut Draft, limits: &Limits) {
    let length = file.properties().duration();
    if !length.is_zero() && !draft.facts.iter().any(|fact| fact.name == "length") {
        draft.fact("length", clock(length));
    }
    let Some(tag) = file.primary_tag().or_else(|| file.first_tag()) else { return };
    draft.title = tag.title().map(|title| title.into_owned()).or(draft.title.take());
    // whoever made a film is called the same in all containers
    let artist = if found.kind == Kind::Video { "author" } else { "artist" };
    if !draft.facts.iter().any(|fact| fact.name == artist) {
        draft.fact(artist, tag.artist().unwrap_or_default());
    }
    draft.fact("album", tag.album().unwrap_or_default());
    draft.fact("track", tag.track().map(|track| track.to_string()).unwrap_or_default());
    draft.fact("genre", tag.genre().unwrap_or_default());
    draft.fact(
        "date",
        tag.get_string(ItemKey::RecordingDate).or(tag.get_string(ItemKey::Year)).unwrap_or_default(),
    );
    // Vorbis has no comment but a description
    let comment = tag.comment().map(|comment| comment.into_owned()).or(remark);
    let comment = comment.or_else(|| tag.get_string(ItemKey::Description).map(str::to_owned));
    draft.fact("comment", comment.unwrap_or_default());
    let lyrics = tag.get_string(ItemKey::UnsyncLyrics).or(tag.get_string(ItemKey::Lyrics));
    draft.text = lyrics.unwrap_or_default().to_owned();
    draft.thumbnail =
        tag.pictures().iter().take(4).find_map(|picture| image::thumbnail(picture.data(), limits));
}

/// Hours, minutes and seconds, as on a player.
pub(super) fn clock(length: Duration) -> String {
    let seconds = length.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}
