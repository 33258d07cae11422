//! [`Slot`]: the place in the pool of a connection that is in use. On release the session is put back into the pool,
//! or the slot is freed and the session closed.
//!
//! Invariant: releasing neither waits nor does I/O; it runs in destructors.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::{
    background::close_in_background,
    sessions::{Entry, Found, GivenBack, Idle, Sessions},
};
use crate::{
    backend::Session,
    error::{Error, ErrorKind, Result},
};

/// A session in use, and the slot that it is released into.
pub(crate) type Checkout = (Box<dyn Session>, Slot);

/// The sessions of a database; a caller that waits is sent one, or a permit.
pub(super) type SharedSessions = Arc<Sessions<Grant>>;

/// What a caller needs for a connection.
pub(super) enum Grant {
    /// A session that was released.
    Session(HandedOver),
    /// The right to open one.
    Permit(Permit),
}

/// A session that was handed to a waiter. One that the waiter does not take goes to the next.
pub(super) struct HandedOver(Option<Checkout>);

impl HandedOver {
    pub(super) fn take(mut self) -> Option<Checkout> {
        self.0.take()
    }
}

impl Drop for HandedOver {
    fn drop(&mut self) {
        if let Some((session, slot)) = self.0.take() {
            slot.release(session);
        }
    }
}

/// The right to have one session open. Dropping it gives it back: the first waiter may open one, or one less counts.
pub(super) struct Permit(Option<SharedSessions>);

impl Permit {
    /// A permit that is counted already.
    pub(super) fn counted(sessions: SharedSessions) -> Self {
        Self(Some(sessions))
    }

    /// The permit of a session that does not count.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// Drops it while the session goes on counting.
    fn forget(mut self) {
        self.0 = None;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(sessions) = self.0.take() else {
            return;
        };
        while let Some(waiter) = sessions.free() {
            let permit = Self::counted(Arc::clone(&sessions));
            match waiter.send(Grant::Permit(permit)) {
                // The waiter has given up meanwhile, so the next one gets it.
                Err(Grant::Permit(returned)) => returned.forget(),
                _ => return,
            }
        }
    }
}

/// An idle session, or a permit to open one, which may be waited for.
pub(super) async fn grant(sessions: &SharedSessions) -> Result<Grant> {
    match sessions.find() {
        Found::Idle(idle) => {
            let checkout = check_out(sessions, idle);
            Ok(Grant::Session(HandedOver(Some(checkout))))
        }
        Found::Permit => Ok(Grant::Permit(Permit::counted(Arc::clone(sessions)))),
        Found::Waiting(grant) => grant.await.map_err(|_| {
            Error::new(
                ErrorKind::Connection,
                "open a connection: the database handle is gone",
            )
        }),
    }
}

/// Takes a session out of the idle ones.
#[inline]
pub(super) fn check_out(sessions: &SharedSessions, idle: Idle) -> Checkout {
    let permit = Permit::counted(Arc::clone(sessions));
    (idle.session, Slot::new(idle.entry, permit))
}

/// The slot of a connection in use. One that is dropped frees its permit.
pub(crate) struct Slot {
    entry: Box<Entry>,
    permit: Permit,
}

impl Slot {
    pub(super) fn new(entry: Box<Entry>, permit: Permit) -> Self {
        Self { entry, permit }
    }

    pub(super) fn entry(&self) -> &Entry {
        &self.entry
    }

    pub(super) fn entry_mut(&mut self) -> &mut Entry {
        &mut self.entry
    }

    /// Its permit, of a session that is closed to make room for another.
    pub(super) fn into_permit(self) -> Permit {
        self.permit
    }

    /// Takes a clean session back.
    pub(crate) fn release(self, session: Box<dyn Session>) {
        let Self { entry, mut permit } = self;
        // A connection outside of the pool has no place in it.
        let Some(sessions) = permit.0.take() else {
            return Self { entry, permit }.close(session);
        };
        let mut idle = Idle { session, entry };
        loop {
            let (waiter, wanted) = match sessions.give_back(idle) {
                GivenBack::Kept => return,
                GivenBack::Refused(refused) => {
                    let (session, slot) = check_out(&sessions, refused);
                    return slot.release_ended(session);
                }
                GivenBack::Wanted(waiter, wanted) => (waiter, wanted),
            };
            let checkout = check_out(&sessions, wanted);
            let grant = Grant::Session(HandedOver(Some(checkout)));
            // A waiter that has given up meanwhile hands it back, and the next one gets it.
            let Err(Grant::Session(returned)) = waiter.send(grant) else {
                return;
            };
            let Some((session, slot)) = returned.take() else {
                return;
            };
            slot.permit.forget();
            idle = Idle {
                session,
                entry: slot.entry,
            };
        }
    }

    /// Takes back a session that is not to be used again. A caller that waits for it closes it, else the background.
    #[cold]
    fn release_ended(self, session: Box<dyn Session>) {
        // Handed over before the borrower is released: a waiter that counts no borrower any more must find the session.
        let unclaimed = match &self.permit.0 {
            Some(sessions) if self.is_awaited() => sessions.released.hand_over(session),
            _ => Some(session),
        };
        match unclaimed {
            Some(session) => self.close(session),
            None => self.free(),
        }
    }

    /// Only a connection of an ended lifespan can be waited for.
    fn is_awaited(&self) -> bool {
        let generation = self.entry.borrower.generation();
        let sessions = self.permit.0.as_ref();
        sessions.is_some_and(|sessions| !sessions.generation.is_current(generation))
    }

    /// Frees the slot and closes the session, which is idle, in the background.
    pub(crate) fn close(self, session: Box<dyn Session>) {
        // A socket whose runtime has ended can't be written to.
        let is_reachable = !self.entry.is_unreachable();
        self.free();
        if is_reachable {
            close_in_background(session);
        }
    }

    /// Frees the slot; the caller closes the session.
    pub(crate) fn free(self) {
        self.entry.borrower.release();
        let sessions = self.permit.0.clone().filter(|_| self.is_awaited());
        drop(self);
        // Notified last: a waiter that wakes counts the borrowers again, and must not count this one.
        if let Some(sessions) = sessions {
            sessions.released.notify();
        }
    }

    /// Notes whether the connection is in a transaction, for messages about who holds it.
    pub(crate) fn note_transaction(&self, is_open: bool) {
        self.entry.borrower.note_transaction(is_open);
    }

    /// Notes that the connection was lost: the others may be lost as well.
    pub(crate) fn note_loss(&self) {
        if let Some(sessions) = &self.permit.0 {
            sessions.note_loss();
        }
    }

    /// Another runtime that drives its socket while a caller here waits.
    pub(crate) fn other_driver(&self) -> Option<Handle> {
        let runtime = self.entry.socket_runtime.as_ref();
        runtime.and_then(|runtime| runtime.other_driver())
    }

    /// Whether its session was in use before.
    pub(crate) fn is_used_again(&self) -> bool {
        self.entry.used > self.entry.opened
    }
}
