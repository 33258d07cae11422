//! Connecting one database: joining the lifespans that keep it connected, or waiting for an attempt.

use std::{future::Future, pin::pin};

use super::{guard::LifespanGuard, waiter::Waiter};
use crate::{
    database::{
        Database,
        state::{ConnectStep, DisconnectHooks, HEARTBEAT},
    },
    error::Result,
    runtime::{check_timers, is_timed, within},
};

/// Connects the database, or joins the lifespans that keep it connected.
pub(super) async fn enter(database: &Database) -> Result<LifespanGuard> {
    check_timers()?;
    let (lifespans, limit) = (
        database.lifespans(),
        database.source().options().connect_within,
    );
    let mut overtaken = None;
    loop {
        let mut changes = pin!(lifespans.changes());
        // Enabled before the state is read: hooks that end in between wake this caller all the same.
        changes.as_mut().enable();
        match lifespans.enter(limit, overtaken) {
            ConnectStep::Connected => return Ok(LifespanGuard::new(database)),
            ConnectStep::WaitForAttempt(attempt) => {
                return Waiter::new(database, attempt).wait().await;
            }
            ConnectStep::WaitForHooks(id, hooks) => {
                if hooks.as_ref().is_none_or(DisconnectHooks::stop_if_late) {
                    // The hooks are stopped. The number makes sure that this caller overtakes no other hooks.
                    warn_overtaken(database);
                    overtaken = Some(id);
                } else {
                    pause(changes).await;
                }
            }
        }
    }
}

fn warn_overtaken(database: &Database) {
    tracing::warn!(
        %database,
        "a database is connected again before its `on_disconnect` hook has finished: the time of the hook is over, or \
         the runtime that drives it is blocked"
    );
}

/// Waits for a change, at most until the heartbeat is to be checked again.
async fn pause(changes: impl Future<Output = ()>) {
    if is_timed() {
        // Changed or not, the caller checks the state next.
        let _ = within(HEARTBEAT, changes).await;
    } else {
        // Without a runtime there is no clock, and awaiting would block the thread without a limit.
        std::thread::sleep(HEARTBEAT / 10);
    }
}
