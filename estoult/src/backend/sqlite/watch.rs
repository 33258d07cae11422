//! [`Watch`]: when a running statement has to stop, and how long it waits for a lock of another process.
//!
//! SQLite's own wait can't be interrupted. Its handler is a plain function, so what it needs is kept with the thread.

use std::{
    cell::{Cell, RefCell},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How many steps of SQLite's virtual machine lie between two calls of [`Watch::has_to_stop`]: some 20 µs.
pub(super) const STEPS_BETWEEN_CALLS: std::ffi::c_int = 2000;
/// How many calls end a statement that runs on an async thread. SQLite counts on over the runs of a statement, so the
/// first call may come at once.
const CALLS_HERE: i32 = 3;
/// The pauses between two tries for a lock, in milliseconds; the last one is repeated.
const PAUSES: [u64; 6] = [1, 2, 5, 10, 15, 20];

thread_local! {
    /// The statement that may wait on this thread; none where waiting would block an async thread.
    static WAITING: RefCell<Option<Arc<Watch>>> = const { RefCell::new(None) };
    static BEGUN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Watches the statements of one connection.
#[derive(Debug)]
pub(super) struct Watch {
    /// How long a statement waits for a lock.
    limit: Duration,
    /// Set when the caller no longer waits for the running statement.
    is_abandoned: AtomicBool,
    /// How many more calls a statement on an async thread may see; negative where there is no bound.
    calls_left: AtomicI32,
}

impl Watch {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            limit,
            is_abandoned: AtomicBool::new(false),
            calls_left: AtomicI32::new(-1),
        }
    }

    /// How long a statement waits for a lock.
    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    // Relaxed: a check that comes too early is followed by another.
    pub(super) fn is_abandoned(&self) -> bool {
        self.is_abandoned.load(Ordering::Relaxed)
    }

    pub(super) fn set_abandoned(&self, is_abandoned: bool) {
        self.is_abandoned.store(is_abandoned, Ordering::Relaxed);
    }

    /// SQLite's progress handler.
    pub(super) fn has_to_stop(&self) -> bool {
        let left = self.calls_left.load(Ordering::Relaxed);
        if left > 0 {
            // One thread at a time runs a statement of the connection, so nothing comes in between.
            self.calls_left.store(left - 1, Ordering::Relaxed);
        }
        left == 0 || self.is_abandoned()
    }

    /// Runs work that may wait for locks on this thread.
    pub(super) fn waiting<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> T {
        // A panic leaves the mark behind, which the next work on this thread replaces.
        WAITING.set(Some(Arc::clone(self)));
        let outcome = work();
        WAITING.set(None);
        outcome
    }

    /// Runs a read on an async thread: it waits for no lock, and ends after a bounded number of steps.
    pub(super) fn bounded<T>(&self, work: impl FnOnce() -> T) -> T {
        self.calls_left.store(CALLS_HERE, Ordering::Relaxed);
        let outcome = work();
        self.calls_left.store(-1, Ordering::Relaxed);
        outcome
    }
}

/// SQLite's busy handler: waits a little, and says whether to try again.
pub(super) fn try_again(tries: i32) -> bool {
    if tries == 0 {
        BEGUN.set(Some(Instant::now()));
    }
    let waited = BEGUN.get().map_or(Duration::ZERO, |begun| begun.elapsed());
    WAITING.with_borrow(|watch| {
        let Some(watch) = watch else {
            return false;
        };
        if watch.is_abandoned() || waited >= watch.limit {
            return false;
        }
        let index = usize::try_from(tries).unwrap_or(0).min(PAUSES.len() - 1);
        thread::sleep(Duration::from_millis(PAUSES[index]));
        // The caller may have gone meanwhile, and the lock may be free.
        !watch.is_abandoned()
    })
}
