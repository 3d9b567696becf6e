//! Every change that a rename makes, or the journal for it, asks here first. The program does what it was going to;
//! a test may let it die at that point, or have the disk forget the change as a power cut would.

/// Whether the change that comes next happens.
#[cfg(not(test))]
#[inline(always)]
pub(super) fn happens() -> bool {
    true
}

/// Whether the disk shows every change that was made: whoever looks at it then sees what others did.
#[cfg(not(test))]
#[inline(always)]
pub(super) fn forgot_nothing() -> bool {
    true
}

#[cfg(test)]
pub(super) use scripted::{forgot_nothing, happens};

#[cfg(test)]
pub(super) mod scripted {
    use std::cell::{Cell, RefCell};

    type Script = Box<dyn FnMut() -> bool>;

    thread_local! {
        static SCRIPT: RefCell<Option<Script>> = const { RefCell::new(None) };
        static FORGOT: Cell<bool> = const { Cell::new(false) };
    }

    /// Asks `script` at every change of this thread; without one, all happen.
    pub(crate) fn decided_by(script: Option<Script>) {
        FORGOT.set(false);
        drop(SCRIPT.replace(script));
    }

    pub(crate) fn happens() -> bool {
        let happens = SCRIPT.with_borrow_mut(|script| script.as_mut().is_none_or(|script| script()));
        FORGOT.set(FORGOT.get() || !happens);
        happens
    }

    pub(crate) fn forgot_nothing() -> bool {
        !FORGOT.get()
    }
}
