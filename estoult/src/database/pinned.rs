//! [`Pinned`]: a connection that the caller keeps for several statements.

use std::{fmt, future::Future, panic::Location};

use tokio::sync::Mutex;

use crate::{
    backend::Features,
    connection::{Connection, TransactionOptions},
    database::{Database, transaction::Transaction},
    error::Result,
};

/// A connection that the caller keeps; see [`Database::pin`]. Dropping it releases the connection as it is: a caller
/// that has changed the session's settings calls [`discard`](Self::discard) instead.
pub struct Pinned {
    // Verbs take `&Pinned`; the mutex makes them wait for each other, since a session runs one statement at a time.
    pub(crate) connection: Mutex<Connection>,
    pub(crate) database: Database,
}

impl fmt::Debug for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pinned").finish_non_exhaustive()
    }
}

impl Pinned {
    pub(crate) fn new(connection: Connection, database: Database) -> Self {
        Self {
            connection: Mutex::new(connection),
            database,
        }
    }

    /// What the database of this connection has and lacks.
    pub async fn features(&self) -> &'static Features {
        self.connection.lock().await.features()
    }

    /// Whether a transaction is open that the program's own SQL began, with `begin` or a savepoint.
    pub async fn is_in_transaction(&self) -> bool {
        self.connection.lock().await.is_in_transaction()
    }

    /// Closes the connection instead of releasing it.
    pub fn discard(self) {
        self.connection.into_inner().discard();
    }

    /// Begins a transaction on this connection. When it ends the connection is released.
    ///
    /// # Errors
    ///
    /// `Connection` when the connection is lost; `Conflict` when a lock is not free in time.
    pub async fn begin(self) -> Result<Transaction> {
        let options = TransactionOptions::default();
        Transaction::open(self.connection.into_inner(), self.database, &options).await
    }
}

impl Database {
    /// A connection that the caller keeps, for statements that belong to one session: advisory locks, settings,
    /// statements that can't run in a transaction.
    ///
    /// # Errors
    ///
    /// `Connection` and `Timeout` when there is no connection.
    #[track_caller]
    pub fn pin(&self) -> impl Future<Output = Result<Pinned>> + Send + '_ {
        let origin = Location::caller();
        async move {
            let connection = self.acquire(origin).await?;
            Ok(Pinned::new(connection, self.clone()))
        }
    }
}
