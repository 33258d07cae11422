//! Blocking a worker of a multi-thread runtime without blocking the runtime.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use tokio::task::block_in_place;

use super::new_thread::on_new_thread;
use crate::error::{Error, Result};

/// Blocks a worker of a multi-thread runtime, after handing its other tasks to another thread.
pub(super) fn off_worker<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    // Taken when it starts: what is left behind a panic says whether `block_in_place` or the work itself panicked.
    let mut work = Some(work);
    let blocked = catch_unwind(AssertUnwindSafe(|| {
        block_in_place(|| work.take().map(|work| work()))
    }));
    match (blocked, work) {
        (Ok(Some(outcome)), _) => outcome,
        // In a `LocalSet` within a task `block_in_place` panics before it starts the work, so another thread runs it.
        (Err(_), Some(work)) => on_new_thread(work),
        (Err(panic), None) => resume_unwind(panic),
        (Ok(None), _) => Err(Error::internal(
            "run a future from sync code: it was run before",
        )),
    }
}
