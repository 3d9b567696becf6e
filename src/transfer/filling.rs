//! A folder that several workers fill, in the volume or outside. It gets its mode and times when nobody has anything
//! more to put into it.

use super::Error;
use super::crew::Crew;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A folder being filled, held by everybody who does.
pub(super) struct Filling<T> {
    above: Option<Arc<Filling<T>>>,
    /// Its name; of the outermost, the path that was given.
    name: PathBuf,
    /// What it is on its side.
    pub(super) own: T,
}

/// What becomes of a folder once it is full.
pub(super) trait Finish {
    /// Gives it its mode and times, if it gets any; `path` is where it is.
    fn finish(&mut self, path: &dyn Fn() -> PathBuf) -> Result<(), Error>;
}

impl<T> Filling<T> {
    pub(super) fn new(above: Option<Arc<Filling<T>>>, name: PathBuf, own: T) -> Arc<Filling<T>> {
        Arc::new(Filling { above, name, own })
    }

    /// The path of a name in it, for messages.
    pub(super) fn path(&self, name: &OsStr) -> PathBuf {
        let mut names = vec![Path::new(name), &self.name];
        let mut folder = self;
        while let Some(above) = &folder.above {
            names.push(&above.name);
            folder = above;
        }
        names.into_iter().rev().collect()
    }
}

impl<T: Finish> Filling<T> {
    /// Lets go of the folder. The last one to do so finishes it, and lets go of the one above.
    pub(super) fn release(self: Arc<Self>, crew: &Crew<'_>) {
        let mut next = Some(self);
        while let Some(mut folder) = next.and_then(Arc::into_inner) {
            let (above, name) = (&folder.above, &folder.name);
            let path = || match above {
                Some(above) => above.path(name.as_os_str()),
                None => name.clone(),
            };
            // After an end before the end it stays as it is: whoever goes on has to get in.
            if crew.check_stop().is_ok() {
                let finished = folder.own.finish(&path);
                crew.attempt(finished);
            }
            next = folder.above.take();
        }
    }
}

impl<T> Drop for Filling<T> {
    /// Step by step: there may be more folders above than fit a stack.
    fn drop(&mut self) {
        let mut above = self.above.take();
        while let Some(mut folder) = above.and_then(Arc::into_inner) {
            above = folder.above.take();
        }
    }
}
