//! Work that one runtime drives and others wait for. It shows regularly that it is driven, so that those who wait need
//! not wait for a runtime that stands still, and can end it in its place.

use std::{
    future::poll_fn,
    sync::{Mutex, PoisonError, TryLockError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, time::interval};

use crate::{database::together::Work, error::Result};

/// How often work shows that it is driven, and how often others look.
pub(super) const BEAT: Duration = Duration::from_millis(100);
/// After how long without a sign of life it counts as work that nobody drives.
const STILL_AFTER: Duration = Duration::from_secs(1);

/// Work that one runtime drives and others wait for.
pub(super) struct Drive {
    /// When it was last driven.
    seen: Mutex<Instant>,
    work: Mutex<Option<Work<Result<()>>>>,
}

impl Drive {
    pub(super) fn new(work: Work<Result<()>>) -> Self {
        Self {
            seen: Mutex::new(Instant::now()),
            work: Mutex::new(Some(work)),
        }
    }

    /// Does the work; `None` when somebody ended it.
    pub(super) async fn run(&self) -> Option<Result<()>> {
        // Without a runtime there is no clock to show signs of life by.
        let mut beat = Handle::try_current().is_ok().then(|| interval(BEAT));
        poll_fn(|context| {
            if let Some(beat) = &mut beat {
                while beat.poll_tick(context).is_ready() {}
            }
            self.poll(context)
        })
        .await
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Result<()>>> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(ongoing) = &mut *work else {
            return Poll::Ready(None);
        };
        let polled = ongoing.as_mut().poll(context);
        if polled.is_ready() {
            *work = None;
        }
        polled.map(Some)
    }

    /// Ends the work; whether that was possible, since it is not under way at this very moment.
    pub(super) fn stop(&self) -> bool {
        let work = match self.work.try_lock() {
            Ok(mut work) => work.take(),
            Err(TryLockError::Poisoned(work)) => work.into_inner().take(),
            Err(TryLockError::WouldBlock) => return false,
        };
        // Outside of the lock: it may give connections back, and tell others.
        drop(work);
        true
    }

    /// Ends the work when nobody drives it any more; whether that was so.
    pub(super) fn stop_if_still(&self) -> bool {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.elapsed() > STILL_AFTER && self.stop()
    }
}
