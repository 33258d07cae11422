//! [`Lifespan`]: keeps databases connected. It starts for all of them or for none, and ends by [`Lifespan::close`] or
//! by dropping it.
//!
//! Invariant: a lifespan knows databases, not the registry that they are in.

mod close;
mod connect;
mod enter;
mod guard;
mod waiter;

use std::{
    fmt,
    time::{Duration, Instant},
};

pub use self::close::{Closed, DatabaseClosed};
use self::{
    enter::enter,
    guard::{CLOSE_WITHIN, LifespanGuard},
};
use crate::{
    database::Database,
    error::{Error, ErrorKind, Result},
    runtime::{BoxFuture, OpenLifespan, end_after, join_bounded},
};

/// How many databases are connected at the same time.
const CONNECTED_AT_ONCE: usize = 16;

/// Keeps databases connected for as long as it lives, and so does each clone.
///
/// The last lifespan of a database to end disconnects it. [`close`](Self::close) waits for connections in use. Dropping
/// a lifespan does not wait: idle connections are closed in the background, those in use on release, and `tracing`
/// reports it, as a warning that names the holders when connections are in use.
#[must_use = "the databases are connected only for as long as the lifespan lives"]
pub struct Lifespan {
    guards: Vec<LifespanGuard>,
    _open: OpenLifespan,
}

impl fmt::Debug for Lifespan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.guards.iter().map(|guard| guard.database().name()))
            .finish()
    }
}

impl Clone for Lifespan {
    fn clone(&self) -> Self {
        Self {
            guards: self.guards.iter().map(LifespanGuard::share).collect(),
            _open: OpenLifespan::new(),
        }
    }
}

impl Lifespan {
    /// Connects all of them, or none.
    pub(crate) async fn begin(databases: Vec<Database>) -> Result<Self> {
        // Counted before anything connects: connecting may use the subloop, which open lifespans keep.
        let open = OpenLifespan::new();
        let works = databases.into_iter().map(|database| -> BoxFuture<'_, _> {
            Box::pin(async move {
                let begun = enter(&database).await;
                begun.map_err(|error| (database.to_string(), error))
            })
        });
        // A future that is dropped in here owns the guards of the databases connected by then, and so ends their share.
        let begun = join_bounded(works.collect(), CONNECTED_AT_ONCE).await;
        let (guards, failures): (Vec<_>, Vec<_>) = begun.into_iter().partition(Result::is_ok);
        let lifespan = Self {
            guards: guards.into_iter().flatten().collect(),
            _open: open,
        };
        let failures: Vec<_> = failures.into_iter().filter_map(Result::err).collect();
        if failures.is_empty() {
            return Ok(lifespan);
        }
        // Failures of closing are only logged: returned, they would hide why connecting failed.
        let closed = lifespan.close_within(CLOSE_WITHIN).await;
        if !closed.is_complete() {
            tracing::warn!(
                %closed,
                "a database could not be connected, and not all others could be disconnected"
            );
        }
        Err(failed(failures))
    }

    /// Ends it: waits for connections in use, ten seconds at most, and closes all.
    ///
    /// # Errors
    ///
    /// `Timeout` when connections were still in use then; the message names their holders, on whose release they are
    /// closed. The error of an [`on_disconnect`](crate::DatabaseBuilder::on_disconnect) hook; the database is
    /// disconnected all the same.
    pub async fn close(self) -> Result<()> {
        let failures = self.close_within(CLOSE_WITHIN).await.into_failures();
        if failures.is_empty() {
            Ok(())
        } else {
            Err(failed(failures))
        }
    }

    /// Ends it as [`close`](Self::close) does, waits for connections in use no longer than this, and reports what
    /// became of each database. The `on_disconnect` hooks run within the same time.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> estoult::Result<()> {
    /// # use std::time::Duration;
    /// let registry = estoult::Registry::builder("sqlite::memory:").build()?;
    /// let lifespan = registry.connect().await?;
    /// let closed = lifespan.close_within(Duration::from_secs(3)).await;
    /// assert!(closed.is_complete(), "{closed}");
    /// assert_eq!(closed.databases()[0].connections_closed, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn close_within(mut self, limit: Duration) -> Closed {
        let (begun, deadline) = (Instant::now(), end_after(limit));
        // All shares are given up before the first await: a future that is dropped half way has ended every one.
        let guards = std::mem::take(&mut self.guards).into_iter();
        let left = guards.map(|guard| (guard.database().clone(), guard.leave(deadline)));
        close::close(left.collect(), begun, limit).await
    }
}

fn failed(mut failures: Vec<(String, Error)>) -> Error {
    if failures.len() == 1
        && let Some((database, error)) = failures.pop()
    {
        return error.context(&database);
    }
    failures.sort_by(|(left, _), (right, _)| left.cmp(right));
    let lines: Vec<_> = failures
        .iter()
        .map(|(database, error)| format!("{database}: {}", error.message()))
        .collect();
    let kinds: Vec<_> = failures
        .iter()
        .map(|(_, error)| error.kind().clone())
        .collect();
    let kind = match kinds.as_slice() {
        [first, rest @ ..] if rest.iter().all(|kind| kind == first) => first.clone(),
        _ => ErrorKind::Connection,
    };
    Error::new(kind, lines.join("; "))
}

impl Database {
    /// Opens a first connection, and keeps connections open until the lifespan ends. Callers that connect at the same
    /// time share one attempt, and its failure.
    ///
    /// # Errors
    ///
    /// `Connection` when the database can't be reached or refuses the login, `Timeout` when it does not answer; the
    /// error of an [`on_connect`](crate::DatabaseBuilder::on_connect) hook.
    pub async fn connect(&self) -> Result<Lifespan> {
        Lifespan::begin(vec![self.clone()]).await
    }
}
