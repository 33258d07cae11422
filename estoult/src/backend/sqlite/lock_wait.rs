//! How a statement waits for a lock of another connection: as long as the URL says, and no longer than its caller.
//!
//! SQLite's own wait can't be interrupted. Its handler is a plain function, so what it needs is kept with the thread.

use std::{
    cell::{Cell, RefCell},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// The pauses between two tries, in milliseconds; the last one is repeated.
const PAUSES: [u64; 9] = [1, 2, 5, 10, 15, 20, 25, 25, 50];

thread_local! {
    static WAIT: RefCell<Option<Arc<LockWait>>> = const { RefCell::new(None) };
    static BEGUN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// How long the statements of a connection wait.
#[derive(Debug)]
pub(super) struct LockWait {
    limit: Duration,
    /// Set when the caller no longer waits for the running statement.
    is_abandoned: AtomicBool,
}

impl LockWait {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            limit,
            is_abandoned: AtomicBool::new(false),
        }
    }

    // Relaxed: a check that comes too early is followed by another.
    pub(super) fn is_abandoned(&self) -> bool {
        self.is_abandoned.load(Ordering::Relaxed)
    }

    pub(super) fn set_abandoned(&self, is_abandoned: bool) {
        self.is_abandoned.store(is_abandoned, Ordering::Relaxed);
    }

    /// Runs work of the connection on this thread.
    pub(super) fn around<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> T {
        // A panic leaves the mark behind, which the next work on this thread replaces.
        WAIT.set(Some(Arc::clone(self)));
        let outcome = work();
        WAIT.set(None);
        outcome
    }
}

/// SQLite's busy handler: waits a little, and says whether to try again.
pub(super) fn try_again(tries: i32) -> bool {
    if tries == 0 {
        BEGUN.set(Some(Instant::now()));
    }
    let waited = BEGUN.get().map_or(Duration::ZERO, |begun| begun.elapsed());
    let may_wait = WAIT.with_borrow(|wait| {
        wait.as_ref()
            .is_some_and(|wait| !wait.is_abandoned() && waited < wait.limit)
    });
    if may_wait {
        let index = usize::try_from(tries).unwrap_or(0).min(PAUSES.len() - 1);
        thread::sleep(Duration::from_millis(PAUSES[index]));
    }
    may_wait
}
