//! The tokio runtime around the running code, if there is one: its clock, its background tasks, and whether the present
//! thread may block.
//!
//! Invariant: nothing here fails without a runtime. Work then has no time limit: only a runtime has timers.

mod background;
mod clock;
mod deadline;
mod join;
mod operation;
mod subloop;
mod thread_waker;
mod timer;

use std::{any::Any, cell::Cell, time::Duration};

use tokio::runtime::Handle;

pub(crate) use self::{
    background::{background, running_background, with_own_threads},
    clock::{check_timers, end_after, is_timed, sleep, within},
    deadline::{is_time_over, until},
    join::{BoxFuture, join_bounded},
    operation::{Polled, own},
    subloop::{OpenLifespan, Subloop, is_any_lifespan_open},
    thread_waker::ThreadWaker,
    timer::{forget_timer, keep_timer},
};

thread_local! {
    static WAIT: Cell<Wait> = const { Cell::new(Wait::NONE) };
}

/// How a thread drives the future of a sync caller.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wait {
    /// Whether the future may block the thread: no other future runs on it, and the caller set no time limit.
    pub(crate) may_block: bool,
    /// The limit of waits for others, for calls within the future.
    pub(crate) sync_limit: Option<Duration>,
}

impl Wait {
    const NONE: Self = Self {
        may_block: false,
        sync_limit: None,
    };

    /// The limit of the sync caller whose future this thread drives.
    pub(crate) fn sync_limit() -> Option<Duration> {
        WAIT.get().sync_limit
    }

    /// Marks the thread until the guard is dropped.
    pub(crate) fn begin(self) -> WaitGuard {
        // Calls of `run_sync` may be nested, so the guard remembers the outer mark.
        WaitGuard {
            wait: WAIT.replace(self),
            polled: Polled::take(),
        }
    }
}

/// Marks a thread; dropping it restores the mark that was there before.
#[must_use = "the thread is marked only for as long as the guard lives"]
pub(crate) struct WaitGuard {
    wait: Wait,
    polled: Polled,
}

impl Drop for WaitGuard {
    fn drop(&mut self) {
        WAIT.set(self.wait);
        self.polled.restore();
    }
}

/// Whether the present code may block its thread.
pub(crate) fn may_block() -> bool {
    WAIT.get().may_block
}

/// Drops the guard when the runtime ends.
pub(crate) fn drop_at_end(runtime: &Handle, guard: impl Any + Send) {
    // A task that never finishes is dropped when its runtime shuts down.
    runtime.spawn(async move {
        let _guard = guard;
        std::future::pending::<()>().await;
    });
}
