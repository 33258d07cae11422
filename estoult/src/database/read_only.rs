//! Databases that are only read: handles without verbs that write, on sessions that refuse writes.
//!
//! Invariant: a write through one of these handles is refused, by its type or before anything is sent.

use std::{fmt, future::Future};

use crate::{
    backend::Features,
    connection::Isolation,
    database::{
        Database,
        lifespan::Lifespan,
        pinned::Pinned,
        transaction::{Transaction, TransactionBuilder, conclude},
    },
    error::{Error, Result},
    pool::PoolStatus,
    sql::Dialect,
};

/// What a handle may do with its database: [`ReadWrite`] or [`ReadOnly`].
pub trait Access: sealed::Sealed + 'static {
    /// The handle.
    type Database;
    /// Whether it may only read.
    const IS_READ_ONLY: bool;

    /// The handle of this kind on a database.
    ///
    /// # Errors
    ///
    /// `Configuration` when the database is of the other kind.
    #[doc(hidden)]
    fn handle(database: &Database) -> Result<Self::Database>;
}

/// The handle reads and writes: it is a [`Database`].
#[derive(Debug, Clone, Copy)]
pub enum ReadWrite {}

/// The handle only reads: it is a [`ReadOnlyDatabase`].
#[derive(Debug, Clone, Copy)]
pub enum ReadOnly {}

mod sealed {
    pub trait Sealed {}

    impl Sealed for super::ReadWrite {}
    impl Sealed for super::ReadOnly {}
}

impl Access for ReadWrite {
    type Database = Database;
    const IS_READ_ONLY: bool = false;

    fn handle(database: &Database) -> Result<Database> {
        Ok(database.clone())
    }
}

impl Access for ReadOnly {
    type Database = ReadOnlyDatabase;
    const IS_READ_ONLY: bool = true;

    fn handle(database: &Database) -> Result<ReadOnlyDatabase> {
        ReadOnlyDatabase::try_from(database.clone())
    }
}

/// A database that is only read: a replica, an archive, data of another owner. A cheap handle.
///
/// Verbs that write don't compile on it, and its sessions refuse writes that are sent as raw SQL; see
/// [`DatabaseBuilder::read_only`](crate::DatabaseBuilder::read_only).
#[derive(Clone)]
pub struct ReadOnlyDatabase(pub(crate) Database);

impl fmt::Debug for ReadOnlyDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReadOnlyDatabase").field(&self.0).finish()
    }
}

impl fmt::Display for ReadOnlyDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl TryFrom<Database> for ReadOnlyDatabase {
    type Error = Error;

    /// The handle that only reads, for a database that was built read only.
    fn try_from(database: Database) -> Result<Self> {
        if database.is_read_only() {
            return Ok(Self(database));
        }
        Err(Error::configuration(format!(
            "use the database {database} as a read-only one: its sessions would take writes; build it with \
             `Database::builder(…).read_only()`"
        )))
    }
}

impl ReadOnlyDatabase {
    /// The handle that a registry keeps. Verbs that write compile on it, and are refused when they run.
    pub(crate) fn into_database(self) -> Database {
        self.0
    }

    /// Its name in the registry; `default` when it has none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Its URL without password and settings.
    #[must_use]
    pub fn address(&self) -> &str {
        self.0.address()
    }

    /// The dialect of SQL, as [`Database::dialect`] gives it.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.0.dialect()
    }

    /// How many connections are open, in use and waited for.
    #[must_use]
    pub fn status(&self) -> PoolStatus {
        self.0.status()
    }

    /// Whether a lifespan keeps it connected.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.0.is_connected()
    }

    /// A handle on the same connections whose statements read the tables of this schema; see
    /// [`Database::using_schema`].
    ///
    /// # Errors
    ///
    /// `Configuration` when the database can't have a schema of this name.
    pub fn using_schema(&self, name: &str) -> Result<Self> {
        self.0.using_schema(name).map(Self)
    }

    /// Opens a first connection, and keeps connections open until the lifespan ends.
    ///
    /// # Errors
    ///
    /// As for [`Database::connect`].
    pub async fn connect(&self) -> Result<Lifespan> {
        self.0.connect().await
    }

    /// A connection that the caller keeps, for statements that belong to one session.
    ///
    /// # Errors
    ///
    /// `Connection` and `Timeout` when there is no connection.
    #[track_caller]
    pub fn pin(&self) -> impl Future<Output = Result<ReadOnlyPinned>> + Send + '_ {
        let pinned = self.0.pin();
        async move { pinned.await.map(ReadOnlyPinned) }
    }

    /// Begins a transaction, in which several statements may see one state; the caller ends it.
    ///
    /// # Errors
    ///
    /// `Connection` and `Timeout` when there is no connection.
    #[track_caller]
    pub fn begin(&self) -> impl Future<Output = Result<ReadOnlyTransaction>> + Send + '_ {
        let begun = self.0.begin();
        async move { begun.await.map(ReadOnlyTransaction) }
    }

    /// Runs work in a transaction, in which several statements may see one state.
    ///
    /// # Errors
    ///
    /// The work's own; `Connection` and `Timeout` when there is no connection.
    #[track_caller]
    pub fn transaction<T>(
        &self,
        work: impl AsyncFnOnce(&ReadOnlyTransaction) -> Result<T>,
    ) -> impl Future<Output = Result<T>> {
        let begun = self.begin();
        async move { run(begun.await?, work).await }
    }

    /// A transaction with another isolation level: from `RepeatableRead` on all statements see one state.
    #[must_use]
    pub fn transaction_with(&self) -> ReadOnlyTransactionBuilder<'_> {
        ReadOnlyTransactionBuilder(self.0.transaction_with().read_only())
    }
}

/// A transaction that is still to begin on a database that is only read.
#[derive(Debug, Clone)]
pub struct ReadOnlyTransactionBuilder<'d>(TransactionBuilder<'d>);

impl ReadOnlyTransactionBuilder<'_> {
    /// The isolation level; by default the database's own.
    #[must_use]
    pub fn isolation(self, isolation: Isolation) -> Self {
        Self(self.0.isolation(isolation))
    }

    /// Begins it; the caller ends it.
    ///
    /// # Errors
    ///
    /// As for [`ReadOnlyDatabase::begin`].
    #[track_caller]
    pub fn begin(&self) -> impl Future<Output = Result<ReadOnlyTransaction>> + Send + '_ {
        let begun = self.0.begin();
        async move { begun.await.map(ReadOnlyTransaction) }
    }

    /// Runs work in the transaction, as [`ReadOnlyDatabase::transaction`] does.
    ///
    /// # Errors
    ///
    /// As for [`ReadOnlyDatabase::transaction`].
    #[track_caller]
    pub fn run<T>(
        &self,
        work: impl AsyncFnOnce(&ReadOnlyTransaction) -> Result<T>,
    ) -> impl Future<Output = Result<T>> {
        let begun = self.begin();
        async move { run(begun.await?, work).await }
    }
}

async fn run<T>(
    transaction: ReadOnlyTransaction,
    work: impl AsyncFnOnce(&ReadOnlyTransaction) -> Result<T>,
) -> Result<T> {
    let outcome = work(&transaction).await;
    conclude(transaction.0, outcome).await
}

/// An open transaction on a database that is only read. Dropping it ends it.
#[derive(Debug)]
pub struct ReadOnlyTransaction(pub(crate) Transaction);

impl ReadOnlyTransaction {
    /// Ends it. Nothing was written, so there is nothing to commit.
    ///
    /// # Errors
    ///
    /// `Connection` when the connection was lost; `Conflict` when the rows that were read can't be of one state.
    pub async fn end(self) -> Result<()> {
        // COMMIT, not ROLLBACK: only the former reports a serialization failure of what was read.
        self.0.commit().await
    }
}

/// A connection that the caller keeps, to a database that is only read; see [`ReadOnlyDatabase::pin`].
#[derive(Debug)]
pub struct ReadOnlyPinned(pub(crate) Pinned);

impl ReadOnlyPinned {
    /// What the database of this connection has and lacks.
    pub async fn features(&self) -> &'static Features {
        self.0.features().await
    }

    /// Closes the connection instead of releasing it.
    pub fn discard(self) {
        self.0.discard();
    }

    /// Begins a transaction on this connection. When it ends the connection is released.
    ///
    /// # Errors
    ///
    /// `Connection` when the connection is lost.
    pub async fn begin(self) -> Result<ReadOnlyTransaction> {
        self.0.begin().await.map(ReadOnlyTransaction)
    }
}
