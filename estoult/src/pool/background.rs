//! Closing a session while no caller waits for it.

use std::time::Duration;

use tokio::runtime::Handle;

use crate::{backend::Session, runtime};

/// How long a session that is thrown away may take to close gracefully.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// Closes a session that is idle within a time limit, in a task of its own.
pub(crate) fn close_in_background(session: Box<dyn Session>) {
    // Where only the caller's thread drives the runtime, a task would stop half way and keep the socket open.
    if session.is_broken() || !runtime::has_background() {
        return;
    }
    // Without a runtime the session is dropped: the server sees a closed socket.
    let Ok(handle) = Handle::try_current() else {
        return;
    };
    handle.spawn(async move {
        // A session that is not closed in time is dropped, which closes its socket. No caller waits for the outcome.
        let _ = tokio::time::timeout(CLOSE_WITHIN, session.close()).await;
    });
}
