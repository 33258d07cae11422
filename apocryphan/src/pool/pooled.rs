//! [`PooledDatabase`]: a database together with the handle of its pool.

use std::{ops::Deref, sync::Arc};

use estoult::{
    Database, Reads, Writes,
    database::DatabaseSource,
    extension::{Executor, Pool},
};

/// A database with its [`Pool`]. It is used wherever a [`Database`] is.
#[derive(Debug, Clone)]
pub struct PooledDatabase {
    database: Database,
    pool: Arc<Pool>,
}

impl PooledDatabase {
    pub(super) fn new(database: Database, pool: Arc<Pool>) -> Self {
        Self { database, pool }
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
