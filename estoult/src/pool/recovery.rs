//! Recovery: a connection that was dropped in the middle of a statement or a transaction keeps its permit until the
//! database has ended that work, so that the bound on connections is one on what the database does.
//!
//! Invariant: no caller waits for a recovery, and none runs without a time limit.

use std::{sync::Arc, time::Duration};

use tokio::runtime::Handle;

use super::slot::Slot;
use crate::{
    backend::{Release, Session},
    runtime::{self, Subloop, within},
};

/// How long the database may take to end abandoned work, and after that to close the session.
const RECOVER_WITHIN: Duration = Duration::from_secs(5);
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// Recovers a session in the background, and releases it or closes it, as it has to be when it can't recover.
pub(crate) fn recover(session: Box<dyn Session>, slot: Slot, is_pooled: bool) {
    slot.entry().borrower.note_recovery();
    let is_reachable = !session.is_broken() && !slot.entry().is_unreachable();
    let (true, Some((runtime, subloop))) = (is_reachable, background()) else {
        slot.free();
        return;
    };
    runtime.spawn(async move {
        // Dropped with the task, which may be the last to use it.
        let _subloop = subloop;
        // A runtime that ends drops this task, and with it the session and the slot.
        let slot = RecoveringSlot(Some(slot));
        match recovered(session).await {
            Some(session) if is_pooled => slot.release(session),
            Some(session) => close(session).await,
            None => {}
        }
    });
}

/// A runtime whose tasks go on whatever the present thread does; a current-thread runtime may not be driven again.
fn background() -> Option<(Handle, Option<Arc<Subloop>>)> {
    if let Some(current) = runtime::with_own_threads() {
        return Some((current, None));
    }
    // Without a thread for it, dropping the session is all that can be done; the server then rolls back by itself.
    let subloop = Subloop::get().ok()?;
    Some((subloop.handle.clone(), Some(subloop)))
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
