//! Closing the connections of lifespans that have ended: those that nobody uses, and those that come back.

use std::{
    future::Future,
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::{
    runtime::Handle,
    sync::{Notify, futures::Notified},
    time::timeout,
};

use super::shared::Shared;
use crate::{
    backend::Session,
    database::{
        lease::{Drained, close_in_background},
        together::{Work, together},
    },
};

/// How long one connection may take for its good-bye. One that belongs to a runtime that stands still has none.
const FAREWELL_WITHIN: Duration = Duration::from_secs(1);

/// Connections that come back while somebody waits for them.
#[derive(Default)]
pub(super) struct Returned {
    waiting: Mutex<Waiting>,
    told: Notify,
}

#[derive(Default)]
struct Waiting {
    drains: usize,
    sessions: Vec<Box<dyn Session>>,
}

impl Returned {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a session to whoever waits for it; gives it back when nobody does.
    pub(super) fn hand_over(&self, session: Box<dyn Session>) -> Option<Box<dyn Session>> {
        let mut waiting = self.waiting();
        if waiting.drains == 0 {
            return Some(session);
        }
        waiting.sessions.push(session);
        None
    }

    /// Tells those who wait that a connection came back.
    pub(super) fn tell(&self) {
        self.told.notify_waiters();
    }

    fn changes(&self) -> Notified<'_> {
        self.told.notified()
    }

    fn take(&self) -> Vec<Box<dyn Session>> {
        std::mem::take(&mut self.waiting().sessions)
    }
}

/// Somebody who waits for connections, until it is dropped.
struct Drain<'s>(&'s Returned);

impl<'s> Drain<'s> {
    fn begin(returned: &'s Returned) -> Self {
        returned.waiting().drains += 1;
        Self(returned)
    }
}

impl Drop for Drain<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting();
        waiting.drains -= 1;
        let left = match waiting.drains {
            0 => std::mem::take(&mut waiting.sessions),
            _ => Vec::new(),
        };
        drop(waiting);
        for session in left {
            close_in_background(session, false);
        }
    }
}

impl Shared {
    /// Closes in the background what nobody uses and is not kept any more.
    pub(super) fn sweep(&self) -> usize {
        let sessions = self.take_ended();
        let count = sessions.len();
        for session in sessions {
            close_in_background(session, false);
        }
        count
    }

    /// Takes idle connections out that are not kept any more.
    fn take_ended(&self) -> Vec<Box<dyn Session>> {
        self.take_idle(|era| !self.is_current(era))
    }

    /// Takes idle connections out.
    pub(super) fn take_idle(&self, is_meant: impl Fn(u64) -> bool) -> Vec<Box<dyn Session>> {
        let mut sessions = Vec::new();
        for set in self.sets() {
            let removed = set.retain(|kept, _| !is_meant(kept.holder.era())).removed;
            sessions.extend(
                removed
                    .into_iter()
                    .filter_map(|mut kept| kept.session.take()),
            );
        }
        sessions
    }

    /// Closes connections of lifespans that have ended, and waits for those in use as long as that.
    pub(super) async fn drain(&self, within: Duration) -> Drained {
        let deadline = Instant::now() + within;
        let _drain = Drain::begin(&self.returned);
        let mut closed = 0;
        let mut in_use = self.in_use_from_before();
        loop {
            let mut changes = pin!(self.returned.changes());
            changes.as_mut().enable();
            let still_in_use = self.in_use_from_before();
            let mut sessions = self.take_ended();
            closed += sessions.len() + in_use.saturating_sub(still_in_use);
            sessions.extend(self.returned.take());
            farewell(sessions, deadline).await;
            in_use = still_in_use;
            if in_use == 0 || !is_told(changes, deadline).await {
                break;
            }
        }
        Drained {
            closed,
            held_by: self.held_from_before(),
        }
    }
}

/// Waits until then; whether there was something before.
async fn is_told(changes: impl Future<Output = ()>, deadline: Instant) -> bool {
    let left = deadline.saturating_duration_since(Instant::now());
    // Without a runtime there is no clock to wait by.
    Handle::try_current().is_ok() && timeout(left, changes).await.is_ok()
}

/// Closes sessions, all at once. Those that are not done in time are dropped, which closes them, too.
async fn farewell(sessions: Vec<Box<dyn Session>>, deadline: Instant) {
    let has_clock = Handle::try_current().is_ok();
    let left = deadline.saturating_duration_since(Instant::now());
    let at_once = sessions.len();
    let closing = sessions.into_iter().map(|session| -> Work<()> {
        Box::pin(async move {
            if has_clock {
                let _ = timeout(left.min(FAREWELL_WITHIN), session.close()).await;
            } else {
                session.close().await;
            }
        })
    });
    together(closing.collect(), at_once).await;
}
