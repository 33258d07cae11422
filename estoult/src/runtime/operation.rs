//! [`own`]: marks what estoult itself waits for, which has time limits of its own.
//!
//! The driver of a future asks after each poll with [`Polled::take`], and so tells a wait of estoult from one of
//! another crate, of which nothing is known.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
};

thread_local! {
    static POLLED: Cell<Polled> = const { Cell::new(Polled::NothingOwn) };
}

/// What a poll of a future came past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Polled {
    /// Nothing of estoult's.
    NothingOwn,
    /// Work of estoult's that is done.
    OwnDone,
    /// Work of estoult's that the future now waits for.
    OwnPending,
}

impl Polled {
    /// What was polled on this thread since the last call.
    pub(crate) fn take() -> Self {
        POLLED.replace(Self::NothingOwn)
    }

    /// Restores what was polled before a nested wait.
    pub(crate) fn restore(self) {
        POLLED.set(self);
    }
}

/// Work of estoult's own that is bound by a limit of its own, or by the program's for statements.
pub(crate) async fn own<F: Future + Unpin>(mut work: F) -> F::Output {
    poll_fn(|context| {
        let polled = std::pin::Pin::new(&mut work).poll(context);
        if polled.is_pending() {
            POLLED.set(Polled::OwnPending);
        } else if POLLED.get() == Polled::NothingOwn {
            // Other work of the same poll may still be waited for.
            POLLED.set(Polled::OwnDone);
        }
        polled
    })
    .await
}
