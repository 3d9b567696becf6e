//! Every change that a rename makes, or the journal for it, asks here first. The program does what it was going to;
//! a test may let it die at that point, or have the disk forget the change as a power cut would.

/// Whether the change that comes next happens.
#[cfg(not(test))]
#[inline(always)]
pub(super) fn happens() -> bool {
    true
}

#[cfg(test)]
pub(super) use scripted::happens;

#[cfg(test)]
pub(super) mod scripted {
    use std::cell::RefCell;

    type Script = Box<dyn FnMut() -> bool>;

    thread_local! {
        static SCRIPT: RefCell<Option<Script>> = const { RefCell::new(None) };
    }

    /// Asks `script` at every change of this thread; without one, all happen.
    pub(crate) fn decided_by(script: Option<Script>) {
        drop(SCRIPT.replace(script));
    }

    pub(crate) fn happens() -> bool {
        SCRIPT.with_borrow_mut(|script| script.as_mut().is_none_or(|script| script()))
    }
}
