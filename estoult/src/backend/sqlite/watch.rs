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

use rusqlite::InterruptHandle;

use crate::runtime::is_time_over;

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
    /// Whether a lock was taken that a statement on this thread could not wait for.
    static HAS_DECLINED: Cell<bool> = const { Cell::new(false) };
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
    /// Whether the bound has ended the statement.
    has_stopped: AtomicBool,
}

/// What the thread's statements may wait for; the guard restores what it was before, also when the work panics.
struct WaitingGuard(Option<Arc<Watch>>);

impl WaitingGuard {
    fn set(watch: Option<Arc<Watch>>) -> Self {
        Self(WAITING.replace(watch))
    }
}

impl Drop for WaitingGuard {
    fn drop(&mut self) {
        let before = self.0.take();
        // Ignored where the thread is ending.
        drop(WAITING.try_with(|watch| watch.replace(before)));
    }
}

/// The bound of a statement, which ends with it, also when the work panics.
struct BoundGuard<'w>(&'w Watch);

impl Drop for BoundGuard<'_> {
    fn drop(&mut self) {
        self.0.calls_left.store(-1, Ordering::Relaxed);
    }
}

impl Watch {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            limit,
            is_abandoned: AtomicBool::new(false),
            calls_left: AtomicI32::new(-1),
            has_stopped: AtomicBool::new(false),
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

    /// SQLite's progress handler. It is also called when a statement has been carried out, and true would make an error
    /// of that. Only a read, which is run again, may end so; all else is interrupted, which takes effect in a loop.
    pub(super) fn has_to_stop(&self, interrupt: &InterruptHandle) -> bool {
        let left = self.calls_left.load(Ordering::Relaxed);
        if left > 0 {
            // One thread at a time runs a statement of the connection, so nothing comes in between.
            self.calls_left.store(left - 1, Ordering::Relaxed);
        }
        if left == 0 {
            self.has_stopped.store(true, Ordering::Relaxed);
        }
        if self.is_abandoned() || is_time_over() {
            interrupt.interrupt();
        }
        left == 0
    }

    /// Runs work that may wait for locks on this thread.
    pub(super) fn waiting<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> T {
        let _waiting = WaitingGuard::set(Some(Arc::clone(self)));
        work()
    }

    /// Runs work on an async thread, where it waits for no lock; and says whether it had to stop, for a lock or, if it
    /// has a budget, after a bounded number of steps.
    pub(super) fn without_waiting<T>(
        &self,
        has_budget: bool,
        work: impl FnOnce() -> T,
    ) -> (T, bool) {
        let _waiting = WaitingGuard::set(None);
        HAS_DECLINED.set(false);
        self.has_stopped.store(false, Ordering::Relaxed);
        let _bound = has_budget.then(|| {
            self.calls_left.store(CALLS_HERE, Ordering::Relaxed);
            BoundGuard(self)
        });
        let outcome = work();
        let had_to_stop = self.has_stopped.load(Ordering::Relaxed) || HAS_DECLINED.get();
        (outcome, had_to_stop)
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
            HAS_DECLINED.set(true);
            return false;
        };
        if watch.is_abandoned() || waited >= watch.limit || is_time_over() {
            return false;
        }
        let index = usize::try_from(tries).unwrap_or(0).min(PAUSES.len() - 1);
        thread::sleep(Duration::from_millis(PAUSES[index]));
        // The caller may have gone meanwhile, and the lock may be free.
        !watch.is_abandoned()
    })
}
