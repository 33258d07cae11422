//! Recovery: a connection that was dropped in the middle of a statement or a transaction keeps its permit until the
//! database has ended that work, so that the bound on connections is one on what the database does. After five seconds
//! it is closed and the permit free, since a database that does not answer must not hold all permits; one that is only
//! slow, such as with undoing a large change, then works on beside new connections.
//!
//! Invariant: no caller waits for a recovery, and none runs without a time limit.

use super::{
    slot::Slot,
    time_limits::{CLOSE_WITHIN, RECOVER_WITHIN},
};
use crate::{
    backend::{Release, Session},
    runtime::{background, within},
};

/// Recovers a session in the background, and releases it or closes it, as it has to be when it can't recover.
pub(crate) fn recover(session: Box<dyn Session>, slot: Slot, is_pooled: bool) {
    slot.entry().borrower.note_recovery();
    let is_reachable = !session.is_broken() && !slot.entry().is_unreachable();
    // Without a thread for it, dropping the session is all that can be done; the server then rolls back by itself.
    let (true, Some(background)) = (is_reachable, background()) else {
        slot.free();
        return;
    };
    background.spawn(async move {
        // A runtime that ends drops this task, and with it the session and the slot.
        let slot = RecoveringSlot(Some(slot));
        match recovered(session).await {
            Some(session) if is_pooled => slot.release(session),
            Some(session) => close(session).await,
            None => {}
        }
    });
}

/// The session after it was recovered; `None` when it was closed instead.
async fn recovered(mut session: Box<dyn Session>) -> Option<Box<dyn Session>> {
    let recovered = within(RECOVER_WITHIN, session.recover()).await;
    let is_clean = matches!(recovered, Some(Ok(())))
        && !session.is_broken()
        && session.release() == Release::Pool;
    if is_clean {
        return Some(session);
    }
    close(session).await;
    None
}

async fn close(session: Box<dyn Session>) {
    if !session.is_broken() {
        // One that does not close in time is dropped, which closes its socket.
        let _ = within(CLOSE_WITHIN, session.close()).await;
    }
}

/// The slot of a session that is being recovered: freed when its task is dropped half way.
struct RecoveringSlot(Option<Slot>);

impl RecoveringSlot {
    fn release(mut self, session: Box<dyn Session>) {
        if let Some(slot) = self.0.take() {
            slot.release(session);
        }
    }
}

impl Drop for RecoveringSlot {
    fn drop(&mut self) {
        if let Some(slot) = self.0.take() {
            slot.free();
        }
    }
}
