//! [`Pinned`]: a connection that the caller keeps for several statements.

use std::{any::Any, fmt, future::Future, panic::Location};

use tokio::sync::Mutex;

use crate::{
    backend::Features,
    connection::{Connection, TransactionOptions},
    database::{Database, transaction::Transaction},
    error::{Error, Result},
};

/// A connection that the caller keeps; see [`Database::pin`]. Dropping it releases the connection: one whose settings
/// were changed by SQL is reset first on PostgreSQL, and closed on MySQL and MariaDB. On SQLite it is used again as it
/// is: a caller that has changed a setting there calls [`discard`](Self::discard).
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

    /// Hands the driver's own connection to work: `rusqlite::Connection` on SQLite, `sqlx::MySqlConnection` on MySQL
    /// and MariaDB. PostgreSQL has no driver underneath. The versions of these crates are those that estoult was built
    /// with, and may change with any version of it.
    ///
    /// The connection is closed when it is released, since what the work changed is not known.
    ///
    /// # Errors
    ///
    /// The work's own; `Configuration` when the connection is of another type.
    pub async fn raw<C: Any, T>(&self, work: impl AsyncFnOnce(&mut C) -> Result<T>) -> Result<T> {
        let mut connection = self.connection.lock().await;
        let dialect = connection.features().dialect;
        let raw = connection.raw()?;
        let outcome = match raw.and_then(|raw| raw.downcast_mut::<C>()) {
            Some(raw) => work(raw).await,
            None => Err(Error::configuration(format!(
                "use the driver's connection as a `{}`: that of {dialect} is of another type, or there is none; see \
                 `Pinned::raw`",
                std::any::type_name::<C>()
            ))),
        };
        connection.end_raw().await;
        outcome
    }

    /// Closes the connection instead of releasing it.
    pub fn discard(self) {
        self.connection.into_inner().discard();
    }

    /// Begins a transaction on this connection. When it ends the connection is released.
    ///
    /// # Errors
    ///
    /// `Connection` when the connection is lost; `Conflict` when a lock is not free in time; `Configuration` when the
    /// program's own SQL has begun a transaction on it already.
    pub async fn begin(self) -> Result<Transaction> {
        let (connection, options) = (self.connection.into_inner(), TransactionOptions::default());
        if connection.is_in_transaction() {
            return Err(Error::configuration(
                "begin a transaction on a pinned connection: the program's own SQL has begun one on it, which would \
                 end; end it first, or use another connection",
            ));
        }
        Transaction::open(connection, self.database, &options).await
    }
}

impl Database {
    /// A connection that the caller keeps, for statements that belong to one session: advisory locks, settings,
    /// statements that can't run in a transaction.
    ///
    /// Behind a pooler in transaction mode the caller keeps the connection to the pooler alone: each transaction may
    /// meet another session of the server, and locks and settings stay on the one before, for other clients to meet.
    /// There, begin a transaction and use what ends with it, or connect to the server itself.
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
