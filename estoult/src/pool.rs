//! The connections of a database: deadpool underneath, one set for each runtime, one bound over all of them.
//!
//! Invariant: release is synchronous and does no I/O; a connection is checked only after it was idle for a while. The
//! pool knows no statements: it opens, counts and closes sessions.

mod background;
mod borrower;
mod close;
mod generation;
mod released;
mod shared;
mod slot;
mod stale;
mod status;

use std::{
    fmt,
    future::poll_fn,
    panic::Location,
    pin::pin,
    sync::{Arc, atomic::Ordering},
    task::Poll,
    time::{Duration, Instant},
};

use deadpool::managed::{Object, PoolError};
use tokio::{runtime::Handle, time::timeout};

pub use self::status::{ClosedConnections, PoolStatus};
pub(crate) use self::{background::close_in_background, slot::Slot};
use self::{
    shared::{Connector, Counted, Shared},
    stale::StaleCheck,
};
use crate::{
    backend::{Backend, DatabaseOptions, Session},
    error::{Error, ErrorKind, Result},
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

/// A session in use, and the slot that it is released into.
pub(crate) type Checkout = (Box<dyn Session>, Box<Slot>);

impl Pool {
    pub(crate) fn new(
        backend: Arc<dyn Backend>,
        address: String,
        options: DatabaseOptions,
    ) -> Self {
        Self {
            stale: StaleCheck::new(options.max_age),
            shared: Arc::new(Shared::new(backend, address, options)),
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
            open: self.shared.open_count(),
            in_use: self.shared.in_use(),
            // Relaxed: a number to be shown, which no other memory depends on.
            waiting: self.shared.waiting.load(Ordering::Relaxed),
            max: self.shared.options.max_connections,
        }
    }

    /// Closes idle connections that were opened longer ago than this, and gives their number.
    pub fn close_stale(&self, age: Duration) -> usize {
        let now = Instant::now();
        let sets = self.shared.sets();
        sets.iter()
            .map(|set| {
                // Dropping a session closes its socket, so the caller waits for no server.
                let kept = set.retain(|pooled, _| now - pooled.opened <= age);
                kept.removed.len()
            })
            .sum()
    }

    /// Closes idle connections, in the background.
    pub fn close_idle(&self) {
        for session in self.shared.take_idle(|_| true) {
            close_in_background(session, false);
        }
    }

    /// Closes all connections that are open now, those in use on release, and waits for that.
    ///
    /// # Errors
    ///
    /// `Timeout` when connections were still in use after this time; the message names their holders.
    pub async fn close_all(&self, within: Duration) -> Result<()> {
        self.shared.end_generation();
        let closed = self.shared.close_ended(within).await;
        closed.complete(&self.shared.address, within)
    }

    /// A connection from the pool.
    pub(crate) async fn acquire(&self, origin: &'static Location<'static>) -> Result<Checkout> {
        if let Some(age) = self.stale.due() {
            self.close_stale(age);
        }
        loop {
            let pooled = self.pooled().await?;
            if let Some(checkout) = self.check_out(pooled, origin) {
                return Ok(checkout);
            }
        }
    }

    /// A connection that belongs to no slot and is closed on release.
    pub(crate) async fn open(&self) -> Result<Box<dyn Session>> {
        self.shared.open().await
    }

    /// A connection from the pool, for a caller that sets a time limit of its own.
    pub(crate) async fn acquire_unlimited(
        &self,
        origin: &'static Location<'static>,
    ) -> Result<Checkout> {
        let set = self.shared.set()?;
        loop {
            let pooled = set.get().await.map_err(unwrap_error)?;
            if let Some(checkout) = self.check_out(pooled, origin) {
                return Ok(checkout);
            }
        }
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
        self.shared.held_by()
    }

    pub(crate) fn start_lifespan(&self) {
        self.shared.start_lifespan();
    }

    pub(crate) fn end_lifespan(&self) {
        self.shared.end_lifespan();
    }

    pub(crate) fn reap(&self) -> usize {
        self.shared.reap()
    }

    pub(crate) async fn close_ended(&self, within: Duration) -> ClosedConnections {
        self.shared.close_ended(within).await
    }

    async fn pooled(&self) -> Result<Object<Connector>> {
        let set = self.shared.set()?;
        let mut get = pin!(set.get());
        // Fast path: the first poll succeeds when a connection is idle, and a timer would cost more than that.
        let first_poll = poll_fn(|context| Poll::Ready(get.as_mut().poll(context))).await;
        if let Poll::Ready(got) = first_poll {
            return got.map_err(unwrap_error);
        }
        let _waiting = Counted::new(&self.shared.waiting);
        if Handle::try_current().is_err() {
            // Without a runtime there is no clock. Only SQLite gets here: `set` refuses a server's sessions before.
            return get.await.map_err(unwrap_error);
        }
        match timeout(self.shared.options.acquire_timeout, get).await {
            Ok(got) => got.map_err(unwrap_error),
            Err(_) => Err(self.shared.exhausted()),
        }
    }

    /// Takes the session out of its slot; `None` when the slot has none any more.
    #[inline(always)]
    fn check_out(
        &self,
        mut pooled: Object<Connector>,
        origin: &'static Location<'static>,
    ) -> Option<Checkout> {
        pooled.borrower.take(origin, pooled.used);
        if let Some(session) = pooled.session.take() {
            let slot = Box::new(Slot::new(pooled, Arc::clone(&self.shared)));
            return Some((session, slot));
        }
        // `recycle` refuses an object without a session, so only a fault leads here. Taken out of deadpool, the object
        // frees its slot, and the caller tries the next one.
        drop(Object::take(pooled));
        None
    }
}

fn unwrap_error(error: PoolError<Error>) -> Error {
    match error {
        PoolError::Backend(error) => error,
        other => Error::new(ErrorKind::Connection, format!("get a connection: {other}")),
    }
}
