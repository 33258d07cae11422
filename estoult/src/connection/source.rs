//! [`ConnectionSource`]: where the connections of a database come from. A pool, a cluster or anything else that has
//! sessions implements it.

use std::{fmt, time::Duration};

use async_trait::async_trait;

use crate::{
    backend::DatabaseOptions,
    connection::Connection,
    error::Result,
    observe::Caller,
    pool::{ClosedConnections, Pool, PoolStatus},
    sql::Dialect,
};

/// Where the connections of a database come from.
#[async_trait]
pub trait ConnectionSource: fmt::Debug + Send + Sync + 'static {
    /// The dialect as far as it is known.
    fn dialect(&self) -> Dialect;

    /// Whether [`dialect`](Self::dialect) may still turn out to be another one with the first connection.
    fn is_dialect_known(&self) -> bool {
        true
    }

    /// A connection that is released to this source.
    ///
    /// # Errors
    ///
    /// `Timeout` when none is free in time, `Connection` when none can be opened.
    async fn acquire(&self, caller: Caller<'_>) -> Result<Connection>;

    /// A connection that is free at once and needs no check, if there is one; [`acquire`](Self::acquire) is asked where
    /// there is none. Must not block.
    fn acquire_idle(&self, _caller: Caller<'_>) -> Option<Connection> {
        None
    }

    /// A connection that is closed on release.
    ///
    /// # Errors
    ///
    /// `Timeout` and `Connection` when none can be opened.
    async fn acquire_once(&self, caller: Caller<'_>) -> Result<Connection>;

    /// Opens connections until this many are idle. The caller sets the time limit, which may be longer than that of
    /// `acquire`.
    ///
    /// # Errors
    ///
    /// `Timeout` and `Connection` when one can't be opened.
    async fn warm(&self, connections: usize, caller: Caller<'_>) -> Result<()>;

    /// The settings of the connections, and of connecting as a whole.
    fn options(&self) -> &DatabaseOptions;

    /// How many connections there are.
    fn status(&self) -> PoolStatus;

    /// The borrowers of connections, one text each: place, age, whether in a transaction.
    fn held_by(&self) -> Vec<String>;

    /// Called when the first lifespan starts: released connections are pooled from now on. Must not block.
    fn start_lifespan(&self);

    /// Called when the last lifespan has ended: connections that were opened so far are neither pooled on release nor
    /// handed out any more. Must not block; nothing is closed yet.
    fn end_lifespan(&self);

    /// Closes idle connections of ended lifespans in the background, and gives their number.
    fn reap(&self) -> usize;

    /// Closes the connections of ended lifespans: the idle ones at once, those in use as far as they are released in
    /// time.
    async fn close_ended(&self, within: Duration) -> ClosedConnections;
}

#[async_trait]
impl ConnectionSource for Pool {
    fn dialect(&self) -> Dialect {
        self.dialect()
    }

    fn is_dialect_known(&self) -> bool {
        self.known_dialect().is_some()
    }

    async fn acquire(&self, caller: Caller<'_>) -> Result<Connection> {
        let checkout = self.acquire(caller).await?;
        let timeout = self.options().statement_timeout;
        Ok(Connection::new(checkout, timeout, caller))
    }

    fn acquire_idle(&self, caller: Caller<'_>) -> Option<Connection> {
        let checkout = self.acquire_idle(caller)?;
        let timeout = self.options().statement_timeout;
        Some(Connection::new(checkout, timeout, caller))
    }

    async fn acquire_once(&self, caller: Caller<'_>) -> Result<Connection> {
        let checkout = self.open(caller).await?;
        let timeout = self.options().statement_timeout;
        Ok(Connection::new(checkout, timeout, caller))
    }

    async fn warm(&self, connections: usize, caller: Caller<'_>) -> Result<()> {
        // All are kept until the last one is open; else the first one would be acquired again and again.
        let mut warm = Vec::with_capacity(connections);
        while warm.len() < connections {
            let checkout = self.acquire_unlimited(caller).await?;
            warm.push(Connection::new(checkout, None, caller));
        }
        Ok(())
    }

    fn options(&self) -> &DatabaseOptions {
        self.options()
    }

    fn status(&self) -> PoolStatus {
        self.status()
    }

    fn held_by(&self) -> Vec<String> {
        self.held_by()
    }

    fn start_lifespan(&self) {
        self.start_lifespan();
    }

    fn end_lifespan(&self) {
        self.end_lifespan();
    }

    fn reap(&self) -> usize {
        self.reap()
    }

    async fn close_ended(&self, within: Duration) -> ClosedConnections {
        self.close_ended(within).await
    }
}
