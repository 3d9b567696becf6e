//! One shared state per backing file or directory, for as long as somebody holds it.

use super::attr::FileId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// From identities to states that others keep alive.
#[derive(Debug)]
pub(super) struct WeakTable<V>(Mutex<Slots<V>>);

#[derive(Debug)]
struct Slots<V> {
    map: HashMap<FileId, Weak<V>>,
    /// At this size the dead are swept out.
    sweep_at: usize,
}

const FIRST_SWEEP: usize = 1024;

impl<V> Default for WeakTable<V> {
    fn default() -> WeakTable<V> {
        WeakTable(Mutex::new(Slots { map: HashMap::new(), sweep_at: FIRST_SWEEP }))
    }
}

impl<V> WeakTable<V> {
    /// The state for `id`, if anybody holds it.
    pub(super) fn get(&self, id: FileId) -> Option<Arc<V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).map.get(&id)?.upgrade()
    }

    /// The state for `id`, made now if nobody holds one; says whether it was there.
    pub(super) fn get_or_insert(&self, id: FileId, make: impl FnOnce() -> V) -> (Arc<V>, bool) {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = slots.map.get(&id).and_then(Weak::upgrade) {
            return (found, true);
        }
        if slots.map.len() >= slots.sweep_at {
            slots.map.retain(|_, state| state.strong_count() > 0);
            slots.sweep_at = FIRST_SWEEP.max(slots.map.len() * 2);
        }
        let made = Arc::new(make());
        slots.map.insert(id, Arc::downgrade(&made));
        (made, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_shared_while_held_and_swept_when_not() {
        let table = WeakTable::default();
        let id = |ino| FileId { dev: 1, ino };
        let (first, found) = table.get_or_insert(id(1), || 7);
        assert!(!found && Arc::ptr_eq(&first, &table.get_or_insert(id(1), || 8).0));
        for ino in 2..10_000 {
            table.get_or_insert(id(ino), || 0);
        }
        assert_eq!(table.get(id(1)).as_deref(), Some(&7));
        assert!(table.get(id(2)).is_none());
        assert!(table.0.lock().expect("not poisoned").map.len() <= FIRST_SWEEP);
    }
}
