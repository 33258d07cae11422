//! The tokio runtime around the running code, if there is one: its clock, its background tasks, and whether the present
//! thread may block.
//!
//! Invariant: nothing here fails without a runtime. Work then has no time limit: only a runtime has timers.

mod join;
mod subloop;

use std::{any::Any, cell::Cell, future::Future, time::Duration};

use tokio::runtime::{Handle, RuntimeFlavor};

pub(crate) use self::{
    join::{BoxFuture, join_bounded},
    subloop::{OpenLifespan, Subloop, is_any_lifespan_open},
};

thread_local! {
    static WAIT: Cell<Wait> = const { Cell::new(Wait::NONE) };
}

/// The result of the work, or `None` when it takes longer than `limit`.
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    if Handle::try_current().is_err() {
        return Some(work.await);
    }
    tokio::time::timeout(limit, work).await.ok()
}

/// Waits for this long.
pub(crate) async fn sleep(pause: Duration) {
    if Handle::try_current().is_ok() {
        tokio::time::sleep(pause).await;
    } else {
        // Without a runtime a future blocks its thread anyway, and no other future waits for it.
        std::thread::sleep(pause);
    }
}

/// How a thread drives the future of a sync caller.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wait {
    /// Whether the future may block the thread: no other future runs on it, and the caller set no time limit.
    pub(crate) may_block: bool,
    /// Whether only this thread drives the runtime.
    pub(crate) is_sole_driver: bool,
}

impl Wait {
    const NONE: Self = Self {
        may_block: false,
        is_sole_driver: false,
    };

    /// Marks the thread until the guard is dropped.
    pub(crate) fn begin(self) -> WaitGuard {
        // Calls of `run_sync` may be nested, so the guard remembers the outer mark.
        WaitGuard(WAIT.replace(self))
    }
}

/// Marks a thread; dropping it restores the mark that was there before.
#[must_use = "the thread is marked only for as long as the guard lives"]
pub(crate) struct WaitGuard(Wait);

impl Drop for WaitGuard {
    fn drop(&mut self) {
        WAIT.set(self.0);
    }
}

/// Whether the present code may block its thread.
pub(crate) fn may_block() -> bool {
    WAIT.get().may_block
}

/// The runtime around the running code, if it has threads of its own.
pub(crate) fn with_own_threads() -> Option<Handle> {
    let current = Handle::try_current().ok()?;
    (current.runtime_flavor() == RuntimeFlavor::MultiThread).then_some(current)
}

/// Whether a task that is spawned here runs on after the present future has ended.
pub(crate) fn has_background() -> bool {
    !WAIT.get().is_sole_driver
}

/// Drops the guard when the runtime ends.
pub(crate) fn drop_at_end(runtime: &Handle, guard: impl Any + Send) {
    // A task that never finishes is dropped when its runtime shuts down.
    runtime.spawn(async move {
        let _guard = guard;
        std::future::pending::<()>().await;
    });
}
