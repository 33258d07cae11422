//! Closing the connections of lifespans that have ended: the idle ones at once, those in use on release.

use std::{
    future::Future,
    pin::pin,
    time::{Duration, Instant},
};

use super::{
    background::close_in_background,
    released::ReleaseWaiter,
    sessions::Entry,
    shared::{Shared, free_taken},
    status::ClosedConnections,
    time_limits::CLOSE_WITHIN,
};
use crate::{
    backend::Session,
    runtime::{BoxFuture, end_after, is_timed, join_bounded, within},
};

impl Shared {
    /// Closes idle connections of ended lifespans in the background.
    pub(super) fn reap(&self) -> usize {
        let sessions = self.take_ended();
        let count = sessions.len();
        for session in sessions {
            close_in_background(session);
        }
        count
    }

    /// Takes out idle connections of ended lifespans.
    fn take_ended(&self) -> Vec<Box<dyn Session>> {
        let generation = &self.sessions.generation;
        let is_ended = |entry: &Entry| !generation.is_current(entry.borrower.generation());
        free_taken(&self.sessions, self.sessions.take(is_ended))
    }

    /// Closes the connections of ended lifespans: the idle ones first, then each as its borrower releases it.
    pub(super) async fn close_ended(&self, limit: Duration) -> ClosedConnections {
        let deadline = end_after(limit);
        // Registered before the first count: a borrower that releases from now on hands its session over to this
        // caller, else the session would be closed where this caller can't wait for it.
        let ended_in_use = || {
            let generation = self.sessions.generation.number();
            self.borrowers.count(Some(generation))
        };
        let _waiter = ReleaseWaiter::new(&self.sessions.released);
        let mut closed = 0;
        let mut in_use = ended_in_use();
        loop {
            let mut changes = pin!(self.sessions.released.changes());
            // Enabled before the count: a release between the count and the await wakes this caller all the same.
            changes.as_mut().enable();
            let still_in_use = ended_in_use();
            // Connections that were in use at the last look and are not now were handed over, or were broken and freed.
            let mut sessions = self.take_ended();
            closed += sessions.len() + in_use.saturating_sub(still_in_use);
            sessions.extend(self.sessions.released.take());
            // A caller that gives up in here drops the sessions, which closes their sockets.
            close_all(sessions, deadline).await;
            in_use = still_in_use;
            if in_use == 0 || !has_changed(changes, deadline).await {
                break;
            }
        }
        ClosedConnections {
            closed,
            held_by: self
                .borrowers
                .describe(Some(self.sessions.generation.number())),
        }
    }
}

/// Waits for a change; whether there was one before the deadline.
async fn has_changed(changes: impl Future<Output = ()>, deadline: Instant) -> bool {
    let left = deadline.saturating_duration_since(Instant::now());
    // Without a clock for the deadline the caller does not wait at all.
    is_timed() && within(left, changes).await.is_some()
}

/// Closes sessions, all at once.
async fn close_all(sessions: Vec<Box<dyn Session>>, deadline: Instant) {
    let left = deadline.saturating_duration_since(Instant::now());
    let at_once = sessions.len();
    let closing = sessions.into_iter().map(|session| -> BoxFuture<'_, ()> {
        Box::pin(async move {
            // A session that does not close in time is dropped, which closes its socket, too.
            let _ = within(left.min(CLOSE_WITHIN), session.close()).await;
        })
    });
    join_bounded(closing.collect(), at_once).await;
}
