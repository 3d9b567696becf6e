//! Bringing an index up to date, or making it anew.

use super::progress::{Progress, Summary};
use super::scan::{Scope, scan};
use super::{Error, Index, Place};
use crate::volume::Volume;
use std::num::NonZeroUsize;

/// How an index is brought up to date.
#[derive(Debug, Clone, Copy, Default)]
pub struct ScanOptions<'a> {
    /// What is walked over.
    pub scope: Scope<'a>,
    /// Everything is read again, whatever the scope.
    pub rebuild: bool,
    /// Threads; as many as the machine runs at once if nobody says, 16 at the most.
    pub jobs: Option<NonZeroUsize>,
}

/// Brings the index of a volume up to date, and makes it, of everything, if there is none. One that is damaged, foreign or
/// of another version is made anew. What was done until an interruption stays.
pub fn refresh(
    place: &Place,
    volume: &Volume,
    options: ScanOptions<'_>,
    progress: &mut dyn Progress,
) -> Result<Summary, Error> {
    place.make()?;
    let opened = match options.rebuild {
        true => None,
        false => match Index::open(place) {
            Err(Error::Missing | Error::Damaged) => None,
            opened => Some(opened?),
        },
    };
    let was_there = place.is_there();
    let is_new = opened.is_none();
    if let Some(index) = opened {
        match scan(&index, volume, options, progress) {
            Err(Error::Damaged) => tracing::warn!("the index is damaged, and is made anew"),
            done => return done,
        }
    }
    place.empty()?;
    let options = ScanOptions { scope: Scope::Volume, ..options };
    let mut summary = scan(&Index::create(place)?, volume, options, progress)?;
    summary.rebuilt = !options.rebuild && (was_there || !is_new);
    Ok(summary)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::config::{Config, Profile};
    use crate::crypto::Password;
    use crate::volume::{OpenOptions, create, fill_random, find_config};
    use tempfile::{TempDir, tempdir};

    /// Progress that nobody watches.
    pub(in super::super) struct Unwatched;

    impl Progress for Unwatched {}

    /// An empty volume, and a place for its index.
    pub(in super::super) fn scratch() -> (TempDir, Volume, Place) {
        let folder = tempdir().expect("scratch");
        let (root, cache) = (folder.path().join("volume"), folder.path().join("cache"));
        std::fs::create_dir(&root).expect("our own folder");
        let password = Password::new(b"secret".to_vec()).expect("not empty");
        let config = Config::create(&Profile::Sync.parameters(), &password, 10, fill_random).expect("legal");
        create(&root, &config, false).expect("an empty folder");
        let found = find_config(&root).expect("just made");
        let volume = Volume::open(&root, &found, &password, OpenOptions::default()).expect("the password");
        let place = Place::of(&volume, &cache).expect("outside");
        (folder, volume, place)
    }
}
