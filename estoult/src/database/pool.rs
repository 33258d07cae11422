//! The connections of a database: deadpool underneath, one set for each runtime, one bound over all of them.
//!
//! Release is synchronous and does no I/O; a connection is asked whether it lives only after it was idle for a while.

mod drain;
mod era;
mod place;
mod shared;

use std::{
    fmt,
    future::poll_fn,
    panic::Location,
    pin::pin,
    sync::{Arc, atomic::Ordering},
    task::Poll,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use deadpool::managed::{Object, PoolError};
use tokio::{runtime::Handle, time::timeout};

use self::{
    place::Place,
    shared::{Counted, Opener, Shared},
};
use crate::{
    backend::{Backend, Dialect},
    database::{
        DatabaseOptions,
        lease::{Drained, Lease, LeaseSource, PoolStatus, close_in_background},
    },
    error::{Error, ErrorKind, Result},
};

/// The connections of one database.
pub struct Connections(Arc<Shared>);

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("address", &self.0.address)
            .field("status", &self.status())
            .finish()
    }
}

impl Connections {
    pub(crate) fn new(
        backend: Arc<dyn Backend>,
        address: String,
        options: DatabaseOptions,
    ) -> Self {
        Self(Arc::new(Shared::new(backend, address, options)))
    }

    /// The URL without its secrets.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.0.address
    }

    /// The settings.
    #[must_use]
    pub fn options(&self) -> &DatabaseOptions {
        &self.0.options
    }

    /// Closes idle connections that were opened longer ago than this, and tells how many.
    pub fn close_older_than(&self, age: Duration) -> usize {
        let now = Instant::now();
        let sets = self.0.sets();
        sets.iter()
            .map(|set| set.retain(|kept, _| now - kept.opened <= age).removed.len())
            .sum()
    }

    /// Closes idle connections, in the background.
    pub fn close_idle(&self) {
        for session in self.0.take_idle(|_| true) {
            close_in_background(session, false);
        }
    }

    /// Closes all connections that are open now, those in use when they come back, and waits for that.
    ///
    /// # Errors
    ///
    /// `Timeout` when connections were still in use after this time; the message says by whom.
    pub async fn close(&self, within: Duration) -> Result<()> {
        self.0.turn_over();
        let drained = self.0.drain(within).await;
        drained.complete(&self.0.address, within)
    }

    async fn kept(&self) -> Result<Object<Opener>> {
        let set = self.0.set()?;
        let mut get = pin!(set.get());
        // Most often one is free, and no timer is needed.
        let at_once = poll_fn(|context| Poll::Ready(get.as_mut().poll(context))).await;
        if let Poll::Ready(got) = at_once {
            return got.map_err(unwrap_error);
        }
        let _waiting = Counted::new(&self.0.waiting);
        if Handle::try_current().is_err() {
            return get.await.map_err(unwrap_error);
        }
        match timeout(self.0.options.acquire_timeout, get).await {
            Ok(got) => got.map_err(unwrap_error),
            Err(_) => Err(self.0.exhausted()),
        }
    }

    /// The lease of a place in the pool; `None` when its session is gone.
    #[inline(always)]
    fn lease(&self, mut kept: Object<Opener>, origin: &'static Location<'static>) -> Option<Lease> {
        kept.holder.take(origin, kept.used);
        if let Some(session) = kept.session.take() {
            let home = Box::new(Place::new(kept, Arc::clone(&self.0)));
            return Some(Lease::new(session, Some(home)));
        }
        // A place whose session is gone frees itself.
        drop(Object::take(kept));
        None
    }
}

fn unwrap_error(error: PoolError<Error>) -> Error {
    match error {
        PoolError::Backend(error) => error,
        other => Error::new(ErrorKind::Connection, format!("get a connection: {other}")),
    }
}

#[async_trait]
impl LeaseSource for Connections {
    fn dialect(&self) -> Dialect {
        self.0
            .dialect
            .get()
            .copied()
            .unwrap_or_else(|| self.0.backend.dialect())
    }

    async fn acquire(&self, origin: &'static Location<'static>) -> Result<Lease> {
        loop {
            let kept = self.kept().await?;
            if let Some(lease) = self.lease(kept, origin) {
                return Ok(lease);
            }
        }
    }

    async fn acquire_once(&self, _: &'static Location<'static>) -> Result<Lease> {
        Ok(Lease::new(self.0.open().await?, None))
    }

    fn status(&self) -> PoolStatus {
        PoolStatus {
            open: self.0.open_count(),
            in_use: self.0.in_use(),
            waiting: self.0.waiting.load(Ordering::Relaxed),
            max: self.0.options.max_connections,
        }
    }

    async fn warm(&self, connections: usize) -> Result<()> {
        let set = self.0.set()?;
        let mut leases = Vec::with_capacity(connections);
        while leases.len() < connections {
            let kept = set.get().await.map_err(unwrap_error)?;
            leases.extend(self.lease(kept, Location::caller()));
        }
        Ok(())
    }

    fn options(&self) -> &DatabaseOptions {
        &self.0.options
    }

    fn held_by(&self) -> Vec<String> {
        self.0.held_by()
    }

    fn begin(&self) {
        self.0.begin();
    }

    fn end(&self) {
        self.0.end();
    }

    fn sweep(&self) -> usize {
        self.0.sweep()
    }

    async fn drain(&self, within: Duration) -> Drained {
        self.0.drain(within).await
    }
}
