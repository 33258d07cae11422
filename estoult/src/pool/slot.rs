//! [`Slot`]: the place in the pool of a connection that is in use. On release the session is put back into it, or the
//! slot is freed and the session closed.
//!
//! Invariant: releasing neither waits nor does I/O; it runs in destructors.

use std::sync::{Arc, atomic::Ordering};

use deadpool::managed::Object;

use super::{
    background::close_in_background,
    shared::{Connector, Shared},
};
use crate::backend::Session;

/// The slot of a connection in use.
pub(crate) struct Slot {
    pooled: Object<Connector>,
    shared: Arc<Shared>,
}

impl Slot {
    pub(super) fn new(pooled: Object<Connector>, shared: Arc<Shared>) -> Self {
        Self { pooled, shared }
    }

    /// Takes a clean session back.
    pub(crate) fn release(mut self, session: Box<dyn Session>) {
        let generation = self.pooled.borrower.generation();
        if !self.shared.is_current(generation) {
            return self.release_ended(session);
        }
        self.pooled.borrower.release();
        if self.shared.starving.load(Ordering::SeqCst) > 0 {
            // A caller on another runtime waits for a permit, so this connection must not go idle. Dropping the object
            // frees its permit; the session is closed without one, since the waiter must not wait for that, too.
            drop(Object::take(self.pooled));
            close_in_background(session, false);
            return;
        }
        self.pooled.session = Some(session);
        drop(self.pooled);
        // A caller that began to wait, or a lifespan that ended, between the checks above and this line found no idle
        // connection to take. Check again on its behalf, now that there is one.
        if self.shared.starving.load(Ordering::SeqCst) > 0 {
            self.shared.evict_idle();
        }
        if !self.shared.is_current(generation) {
            self.shared.reap();
        }
    }

    /// Takes back a connection of an ended lifespan. A caller that waits for it closes it, else the background does.
    #[cold]
    fn release_ended(self, session: Box<dyn Session>) {
        // Handed over before the borrower is released: a waiter that counts no borrower any more must find the session.
        let unclaimed = self.shared.released.hand_over(session);
        self.pooled.borrower.release();
        drop(Object::take(self.pooled));
        // Notified last: a waiter that wakes counts the borrowers again, and must not count this one.
        self.shared.released.notify();
        if let Some(session) = unclaimed {
            close_in_background(session, false);
        }
    }

    /// Frees the slot; the caller closes the session.
    pub(crate) fn free(self) {
        self.pooled.borrower.release();
        // Only a connection of an ended lifespan can be waited for.
        let is_awaited = !self.shared.is_current(self.pooled.borrower.generation());
        drop(Object::take(self.pooled));
        if is_awaited {
            self.shared.released.notify();
        }
    }

    /// Notes whether the connection is in a transaction, for messages about who holds it.
    pub(crate) fn note_transaction(&self, is_open: bool) {
        self.pooled.borrower.note_transaction(is_open);
    }

    /// Notes that the connection was lost: the others may be lost as well.
    pub(crate) fn note_loss(&self) {
        self.shared.note_loss();
    }
}
