//! The connections of a database: one set under one bound for all runtimes, and a queue of callers that wait.
//!
//! Invariant: release is synchronous and does no I/O; a connection is checked only after it was idle for a while. The
//! pool knows no statements: it opens, counts, recovers and closes sessions.

mod background;
mod borrower;
mod borrowers;
mod close;
mod generation;
mod recovery;
mod released;
mod sessions;
mod shared;
mod slot;
mod socket_runtime;
mod stale;
mod status;
mod time_limits;

use std::{
    fmt,
    pin::pin,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

pub use self::status::{ClosedConnections, PoolStatus};
use self::{
    background::close_in_background,
    shared::{Counted, Shared, free_taken},
    stale::StaleCheck,
};
pub(crate) use self::{
    recovery::recover,
    slot::{Checkout, Slot},
    time_limits::RECOVER_WITHIN,
};
use crate::{
    backend::{Backend, CredentialsSource, DatabaseOptions},
    error::Result,
    observe::Caller,
    runtime::{check_timers, within},
    sql::Dialect,
};

/// The connections of one database.
pub struct Pool {
    shared: Arc<Shared>,
    stale: StaleCheck,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("address", &self.address())
            .field("status", &self.status())
            .finish()
    }
}

impl Pool {
    pub(crate) fn new(
        backend: Arc<dyn Backend>,
        address: String,
        options: DatabaseOptions,
        credentials: Option<CredentialsSource>,
    ) -> Self {
        Self {
            stale: StaleCheck::new(options.max_age),
            shared: Arc::new(Shared::new(backend, address, options, credentials)),
        }
    }

    /// The URL without its secrets.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.shared.address
    }

    /// The settings.
    #[must_use]
    pub fn options(&self) -> &DatabaseOptions {
        &self.shared.options
    }

    /// How many connections are open, in use and waited for.
    #[must_use]
    pub fn status(&self) -> PoolStatus {
        PoolStatus {
            open: self.shared.sessions.open_count(),
            in_use: self.shared.borrowers.count(None),
            // Relaxed: a number to be shown, which no other memory depends on.
            waiting: self.shared.waiting.load(Ordering::Relaxed),
            max: self.shared.options.max_connections,
        }
    }

    /// Closes idle connections that were opened longer ago than this, and gives their number.
    pub fn close_stale(&self, age: Duration) -> usize {
        let now = Instant::now();
        let taken = self.shared.sessions.take(|entry| entry.age(now) > age);
        // Dropping a session closes its socket, so the caller waits for no server.
        free_taken(&self.shared.sessions, taken).len()
    }

    /// Closes idle connections, in the background.
    pub fn close_idle(&self) {
        let taken = self.shared.sessions.take(|_| true);
        for session in free_taken(&self.shared.sessions, taken) {
            close_in_background(session);
        }
    }

    /// Closes all connections that are open now, those in use on release, and waits for that.
    ///
    /// # Errors
    ///
    /// `Timeout` when connections were still in use after this time; the message names their holders.
    pub async fn close_all(&self, within: Duration) -> Result<()> {
        self.shared.sessions.generation.skip();
        let closed = self.shared.close_ended(within).await;
        closed.complete(&self.shared.address, within)
    }

    /// A connection that was used a moment ago, if one is idle: without a future, and without a timer.
    pub(crate) fn acquire_idle(&self, caller: Caller<'_>) -> Option<Checkout> {
        match self.take_ready(caller) {
            Ok(ready) => Some(ready),
            // One that needs a check goes back, to be taken again by `acquire`.
            Err(idle) => {
                if let Some((session, slot)) = idle {
                    slot.release(session);
                }
                None
            }
        }
    }

    /// An idle connection that needs no check; else the one that needs it, if there is one.
    fn take_ready(&self, caller: Caller<'_>) -> std::result::Result<Checkout, Option<Checkout>> {
        if let Some(age) = self.stale.due() {
            self.close_stale(age);
        }
        let idle = self.shared.take_idle().ok_or(None)?;
        self.shared.ready(idle, caller.origin()).map_err(Some)
    }

    /// A connection from the pool.
    pub(crate) async fn acquire(&self, caller: Caller<'_>) -> Result<Checkout> {
        let idle = match self.take_ready(caller) {
            // Fast path: a connection that was used a moment ago. A timer would cost more than all of it.
            Ok(checkout) => return Ok(checkout),
            Err(idle) => idle,
        };
        let _waiting = Counted::new(&self.shared.waiting);
        // Dropped after the message is made, which counts what it was about to do.
        let mut acquired = pin!(self.shared.acquire(idle, caller));
        // Without a runtime there is no clock. Only SQLite waits there: a server is refused before.
        check_timers()?;
        let acquired = within(self.shared.options.acquire_timeout, acquired.as_mut()).await;
        acquired.unwrap_or_else(|| Err(self.shared.exhausted()))
    }

    /// A connection outside of the pool, which is closed on release.
    pub(crate) async fn open(&self, caller: Caller<'_>) -> Result<Checkout> {
        self.shared.open_outside(caller).await
    }

    /// A connection from the pool, for a caller that sets a time limit of its own.
    pub(crate) async fn acquire_unlimited(&self, caller: Caller<'_>) -> Result<Checkout> {
        self.shared.acquire(None, caller).await
    }

    /// The dialect of the server; `None` before the first connection.
    pub(crate) fn known_dialect(&self) -> Option<Dialect> {
        self.shared.dialect.get().copied()
    }

    /// The dialect as far as it is known.
    pub(crate) fn dialect(&self) -> Dialect {
        self.known_dialect()
            .unwrap_or_else(|| self.shared.backend.dialect())
    }

    pub(crate) fn held_by(&self) -> Vec<String> {
        self.shared.borrowers.describe(None)
    }

    pub(crate) fn start_lifespan(&self) {
        self.shared.sessions.generation.start_lifespan();
    }

    pub(crate) fn end_lifespan(&self) {
        self.shared.sessions.generation.end_lifespan();
    }

    pub(crate) fn reap(&self) -> usize {
        self.shared.reap()
    }

    pub(crate) async fn close_ended(&self, within: Duration) -> ClosedConnections {
        self.shared.close_ended(within).await
    }
}
