//! Closing a session while no caller waits for it.

use tokio::runtime::Handle;

use super::time_limits::CLOSE_WITHIN;
use crate::{
    backend::Session,
    runtime::{may_block, running_background, within},
};

/// Closes a session that is idle within a time limit, in a task of its own.
pub(crate) fn close_in_background(session: Box<dyn Session>) {
    if session.is_broken() {
        return;
    }
    // A task of a runtime that only callers drive could stop half way and keep the socket open.
    if let Some(background) = running_background() {
        background.spawn(async move {
            // One that is not closed in time is dropped, which closes its socket. No caller waits for the outcome.
            let _ = within(CLOSE_WITHIN, session.close()).await;
        });
        return;
    }
    // Else it is dropped: the server sees a closed socket, and SQLite closes its file, which may block.
    match Handle::try_current() {
        Ok(runtime) if !may_block() => drop(runtime.spawn_blocking(|| drop(session))),
        _ => {}
    }
}
