//! [`SharedFuture`]: work that one runtime drives and callers on other runtimes wait for. It records a heartbeat on
//! every poll, so that a waiter can detect a stalled runtime and stop the work.
//!
//! Invariant: a waiter never blocks on the lock of the work, which a poll holds for as long as the work blocks.

use std::{
    future::poll_fn,
    sync::{Mutex, PoisonError, TryLockError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, time::interval};

use crate::{error::Result, runtime::BoxFuture};

/// How often the work is polled at least, and how often waiters check the heartbeat.
pub(in crate::database) const HEARTBEAT: Duration = Duration::from_millis(100);
/// After how long without a heartbeat the runtime counts as stalled.
const STALLED_AFTER: Duration = Duration::from_secs(1);

/// Work that one runtime drives and others wait for.
pub(in crate::database) struct SharedFuture {
    last_heartbeat: Mutex<Instant>,
    work: Mutex<Option<BoxFuture<'static, Result<()>>>>,
}

impl SharedFuture {
    pub(in crate::database) fn new(work: BoxFuture<'static, Result<()>>) -> Self {
        Self {
            last_heartbeat: Mutex::new(Instant::now()),
            work: Mutex::new(Some(work)),
        }
    }

    /// Drives the work; `None` when it was stopped.
    pub(in crate::database) async fn run(&self) -> Option<Result<()>> {
        // Without a runtime there is no clock to poll by.
        let mut heartbeat = Handle::try_current().is_ok().then(|| interval(HEARTBEAT));
        poll_fn(|context| {
            if let Some(heartbeat) = &mut heartbeat {
                // Until it is pending: only then does the timer wake this task for the next heartbeat.
                while heartbeat.poll_tick(context).is_ready() {}
            }
            self.poll(context)
        })
        .await
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Result<()>>> {
        let mut last = self
            .last_heartbeat
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Before the work is polled: work that blocks its thread leaves an old heartbeat behind, and so shows.
        *last = Instant::now();
        drop(last);
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        // A waiter on another runtime has stopped the work, and its own attempt goes on without this one.
        let Some(future) = &mut *work else {
            return Poll::Ready(None);
        };
        let polled = future.as_mut().poll(context);
        if polled.is_ready() {
            // Dropped at once, with the connections that it may still own, and not with the last waiter.
            *work = None;
        }
        polled.map(Some)
    }

    /// Stops the work; false while it is being polled, when it can't be stopped.
    pub(in crate::database) fn stop(&self) -> bool {
        let work = match self.work.try_lock() {
            Ok(mut work) => work.take(),
            Err(TryLockError::Poisoned(work)) => work.into_inner().take(),
            Err(TryLockError::WouldBlock) => return false,
        };
        // Dropped after the lock is free: the work may release connections, which wakes other callers of this lock.
        drop(work);
        true
    }

    /// Stops the work when its runtime is stalled; whether it is stopped.
    pub(in crate::database) fn stop_if_stalled(&self) -> bool {
        let last = *self
            .last_heartbeat
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // A runtime that is blocked within the poll itself keeps the lock: `stop` fails, and the waiter tries again.
        last.elapsed() > STALLED_AFTER && self.stop()
    }
}
