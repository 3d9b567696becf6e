//! The bound on open directory descriptors.

use super::dir::DirState;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Descriptors kept open on directories at the most, the root's aside.
const MAX_OPEN_DIRS: usize = 256;

/// The directories that have a descriptor open, in the order in which they may lose it.
#[derive(Debug, Default)]
pub(super) struct DirPool(Mutex<VecDeque<Weak<DirState>>>);

impl DirPool {
    /// Notes a directory that got a descriptor, and takes one from the first that did not use its own since it
    /// was last looked at.
    pub(super) fn opened(&self, dir: &Arc<DirState>) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.push_back(Arc::downgrade(dir));
        // twice around at the most: the first time everybody may have an excuse
        for _ in 0..2 * open.len() {
            if open.len() <= MAX_OPEN_DIRS {
                break;
            }
            let Some(oldest) = open.pop_front() else { break };
            if oldest.upgrade().is_some_and(|state| !state.close_if_idle()) {
                open.push_back(oldest);
            }
        }
    }
}
