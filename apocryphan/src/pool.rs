//! Pooled databases: connections that are kept, bounded in number and replaced when they grow old.
//!
//! The connections themselves are estoult's; the pool adds what a long-lived service asks of them and hands them on
//! through [`LeaseSource`], so that the database it gives is one like any other.
//!
//! Invariant: no backend is named but in the builders' URLs.

mod builder;
mod upkeep;

use std::{fmt, ops::Deref, panic::Location, sync::Arc, time::Duration};

use async_trait::async_trait;
use estoult::{
    Database, DatabaseOptions, DatabaseSource, Dialect, Executor, PoolStatus, Reads, Result,
    Writes,
    extension::{Connections, Drained, Lease, LeaseSource},
};

pub use self::builder::{
    PooledMySqlDatabase, PooledPostgreSqlDatabase, PooledSqliteDatabase, ServerBuilder,
    SqliteBuilder,
};
use self::upkeep::Upkeep;

/// A database whose connections a [`Pool`] keeps. It is used wherever a [`Database`] is.
#[derive(Debug, Clone)]
pub struct PooledDatabase {
    database: Database,
    pool: Arc<Pool>,
}

/// The connections of a pooled database.
pub struct Pool {
    connections: Connections,
    upkeep: Upkeep,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("address", &self.connections.address())
            .field("status", &self.connections.status())
            .finish()
    }
}

impl PooledDatabase {
    fn new(connections: Connections) -> Self {
        let upkeep = Upkeep::new(connections.options().max_age);
        let address = connections.address().to_owned();
        let pool = Arc::new(Pool {
            connections,
            upkeep,
        });
        let source: Arc<dyn LeaseSource> = Arc::<Pool>::clone(&pool);
        Self {
            database: Database::from_source(address, source),
            pool,
        }
    }

    /// The pool itself: its status, and closing connections by hand.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }
}

impl Deref for PooledDatabase {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.database
    }
}

impl From<PooledDatabase> for DatabaseSource {
    fn from(pooled: PooledDatabase) -> Self {
        pooled.database.into()
    }
}

impl From<PooledDatabase> for Database {
    fn from(pooled: PooledDatabase) -> Self {
        pooled.database
    }
}

impl Reads for PooledDatabase {
    fn executor(&self) -> Executor<'_> {
        self.database.executor()
    }
}

impl Writes for PooledDatabase {}

impl Pool {
    /// How many connections are open, in use and waited for.
    #[must_use]
    pub fn status(&self) -> PoolStatus {
        self.connections.status()
    }

    /// Closes every connection that is not in use.
    pub fn close_idle(&self) {
        self.connections.close_idle();
    }

    /// Closes every connection that is not in use and was opened longer ago than `age`, and tells how many.
    pub fn close_stale(&self, age: Duration) -> usize {
        self.connections.close_older_than(age)
    }

    /// Closes every connection, those in use when they come back, and waits for that until the time is over.
    ///
    /// # Errors
    ///
    /// `Timeout` when connections were still in use then; the message says who holds them.
    pub async fn close_all(&self, within: Duration) -> Result<()> {
        self.connections.close(within).await
    }
}

#[async_trait]
impl LeaseSource for Pool {
    fn dialect(&self) -> Dialect {
        self.connections.dialect()
    }

    async fn acquire(&self, origin: &'static Location<'static>) -> Result<Lease> {
        if let Some(age) = self.upkeep.due() {
            self.connections.close_older_than(age);
        }
        self.connections.acquire(origin).await
    }

    async fn acquire_once(&self, origin: &'static Location<'static>) -> Result<Lease> {
        self.connections.acquire_once(origin).await
    }

    fn status(&self) -> PoolStatus {
        self.connections.status()
    }

    async fn warm(&self, connections: usize) -> Result<()> {
        self.connections.warm(connections).await
    }

    fn options(&self) -> &DatabaseOptions {
        self.connections.options()
    }

    fn held_by(&self) -> Vec<String> {
        self.connections.held_by()
    }

    fn begin(&self) {
        self.connections.begin();
    }

    fn end(&self) {
        self.connections.end();
    }

    fn sweep(&self) -> usize {
        self.connections.sweep()
    }

    async fn drain(&self, within: Duration) -> Drained {
        self.connections.drain(within).await
    }
}
