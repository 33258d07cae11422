//! What is known of a thread that waits for a future: whether work may block right there, whether the future's runtime
//! stands still as soon as the wait ends, and what ends together with that runtime.

use std::{
    any::Any,
    cell::{Cell, RefCell},
};

use tokio::runtime::{Handle, Id};

thread_local! {
    static WAIT: Cell<Wait> = const { Cell::new(Wait::NONE) };
    /// What ends with the runtime of this thread's own, and which one that is.
    static ENDING: RefCell<Option<(Id, Vec<Kept>)>> = const { RefCell::new(None) };
}

/// How a thread waits for a future of a sync caller.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wait {
    /// Whether nobody else's future waits for this thread, and the caller asked for no limit.
    pub(crate) may_block: bool,
    /// Whether the runtime is driven by this thread alone.
    pub(crate) is_alone: bool,
}

impl Wait {
    const NONE: Self = Self {
        may_block: false,
        is_alone: false,
    };

    /// Marks the thread, until the guard is dropped.
    pub(crate) fn begin(self) -> Waiting {
        Waiting(WAIT.replace(self))
    }
}

/// Marks a thread; what was there before comes back when it is dropped.
#[must_use = "the thread is marked only for as long as the guard lives"]
pub(crate) struct Waiting(Wait);

impl Drop for Waiting {
    fn drop(&mut self) {
        WAIT.set(self.0);
    }
}

/// Whether the present code may block its thread.
pub(crate) fn may_block() -> bool {
    WAIT.get().may_block
}

/// Whether a task that is spawned here goes on when the present future has ended.
pub(crate) fn has_background() -> bool {
    !WAIT.get().is_alone
}

/// Keeps something until the runtime ends.
pub(crate) fn keep_until_end(runtime: &Handle, kept: impl Any + Send) {
    let Err(kept) = keep_with_own(runtime.id(), Box::new(kept)) else {
        return;
    };
    // The task ends when its runtime does.
    runtime.spawn(async move {
        let _kept = kept;
        std::future::pending::<()>().await;
    });
}

/// What is to be kept; it comes back when the runtime is not the thread's own.
type Kept = Box<dyn Any + Send>;

fn keep_with_own(id: Id, kept: Kept) -> Result<(), Kept> {
    ENDING.with_borrow_mut(|ending| match ending {
        Some((own, list)) if *own == id => {
            list.push(kept);
            Ok(())
        }
        _ => Err(kept),
    })
}

/// Makes a runtime the thread's own: what is kept until its end needs no task.
pub(crate) fn own(runtime: Id) {
    ENDING.set(Some((runtime, Vec::new())));
}

/// Ends what was kept until the end of the thread's own runtime.
pub(crate) fn disown() {
    // At the end of the thread it may have ended before.
    let ended = ENDING.try_with(RefCell::take);
    drop(ended);
}
