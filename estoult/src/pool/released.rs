//! [`Released`]: hands connections of ended lifespans over to the callers that wait to close them.
//!
//! With a waiter a released session is put down here and the waiter is woken; without one the borrower that releases
//! it closes it in the background.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, futures::Notified};

use super::background::close_in_background;
use crate::backend::Session;

/// The sessions that are released while a caller waits for them.
#[derive(Default)]
pub(super) struct Released {
    handover: Mutex<Handover>,
    notify: Notify,
}

#[derive(Default)]
struct Handover {
    /// How many callers wait; sessions are only put down while there is one.
    waiters: usize,
    sessions: Vec<Box<dyn Session>>,
}

impl Released {
    fn handover(&self) -> MutexGuard<'_, Handover> {
        self.handover.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a session over to a waiting caller; returns it when none waits.
    pub(super) fn hand_over(&self, session: Box<dyn Session>) -> Option<Box<dyn Session>> {
        let mut handover = self.handover();
        // Checked under the lock that the last waiter takes when it leaves, so no session stays behind.
        if handover.waiters == 0 {
            return Some(session);
        }
        handover.sessions.push(session);
        None
    }

    /// Wakes the waiting callers: a connection was released.
    pub(super) fn notify(&self) {
        self.notify.notify_waiters();
    }

    pub(super) fn changes(&self) -> Notified<'_> {
        self.notify.notified()
    }

    pub(super) fn take(&self) -> Vec<Box<dyn Session>> {
        std::mem::take(&mut self.handover().sessions)
    }
}

/// Registers a caller that waits for connections, until this is dropped.
pub(super) struct ReleaseWaiter<'s>(&'s Released);

impl<'s> ReleaseWaiter<'s> {
    pub(super) fn new(released: &'s Released) -> Self {
        released.handover().waiters += 1;
        Self(released)
    }
}

impl Drop for ReleaseWaiter<'_> {
    fn drop(&mut self) {
        let mut handover = self.0.handover();
        handover.waiters -= 1;
        // A session that arrived after this caller's last look is left to another waiter, or closed if there is none.
        let left = match handover.waiters {
            0 => std::mem::take(&mut handover.sessions),
            _ => Vec::new(),
        };
        // Closing may drop a session, and with it run other code, so the lock is released first.
        drop(handover);
        for session in left {
            close_in_background(session);
        }
    }
}
