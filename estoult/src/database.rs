//! Where it happens: a [`Database`] hands out connections and runs transactions.

mod executor;
pub(crate) mod lease;
mod options;
mod pool;
pub(crate) mod preload;
pub(crate) mod read;
pub(crate) mod transaction;
pub(crate) mod url;
pub(crate) mod write;

use std::{
    fmt,
    future::Future,
    panic::Location,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

pub use self::{
    executor::{Executor, Pinned},
    lease::{Lease, LeaseSource, PoolStatus},
    options::{DatabaseBuilder, DatabaseOptions, DatabaseSource},
    pool::Connections,
    transaction::{Isolation, Transaction, TransactionBuilder},
};
use crate::{
    backend::Dialect,
    error::Result,
    registry::{DatabaseState, Lifespan, Lives},
};

/// A database: a cheap handle on its connections.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> estoult::Result<()> {
/// let database = estoult::Database::builder("sqlite::memory:").max_connections(4).build()?;
/// let lifespan = database.connect().await?;
/// let (one,): (i64,) = estoult::sql("select 1").one(&database).await?;
/// assert_eq!(one, 1);
/// lifespan.close().await
/// # }
/// ```
#[derive(Clone)]
pub struct Database(Arc<Parts>);

struct Parts {
    /// Its name in a registry; `default` before it has one.
    name: String,
    /// The URL without its secrets.
    address: String,
    source: Arc<dyn LeaseSource>,
    lives: Arc<Lives>,
    used_unconnected: Arc<AtomicU64>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("name", &self.0.name)
            .field("address", &self.0.address)
            .field("lifespans", &self.0.lives.count())
            .finish()
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({})", self.0.name, self.0.address)
    }
}

impl Database {
    /// A database at this URL, with settings to follow: `sqlite:`, `postgres://` or `mysql://`.
    pub fn builder(url: impl Into<String>) -> DatabaseBuilder {
        DatabaseBuilder::new(url.into())
    }

    /// A database whose connections come from this source; `address` is shown in messages.
    pub fn from_source(address: impl Into<String>, source: Arc<dyn LeaseSource>) -> Self {
        Self(Arc::new(Parts {
            name: "default".to_owned(),
            address: address.into(),
            source,
            lives: Arc::new(Lives::default()),
            used_unconnected: Arc::new(AtomicU64::new(0)),
        }))
    }

    /// The same database under another name.
    pub(crate) fn named(&self, name: &str) -> Self {
        Self(Arc::new(Parts {
            name: name.to_owned(),
            address: self.0.address.clone(),
            source: Arc::clone(&self.0.source),
            lives: Arc::clone(&self.0.lives),
            used_unconnected: Arc::clone(&self.0.used_unconnected),
        }))
    }

    /// Its name in the registry; `default` when it has none.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its URL without password and settings.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.0.address
    }

    /// The way of writing SQL. MariaDB is recognised with the first connection; before that it counts as MySQL.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.0.source.dialect()
    }

    /// How many connections are open, in use and waited for.
    #[must_use]
    pub fn status(&self) -> PoolStatus {
        self.0.source.status()
    }

    /// Whether a lifespan keeps it connected.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.0.lives.count() > 0
    }

    /// How far it is connected.
    #[must_use]
    pub fn state(&self) -> DatabaseState {
        match self.0.lives.count() {
            0 => DatabaseState::Idle,
            lifespans => DatabaseState::Connected(lifespans),
        }
    }

    /// How often it was used outside of a lifespan.
    #[must_use]
    pub fn used_unconnected(&self) -> u64 {
        self.0.used_unconnected.load(Ordering::Relaxed)
    }

    pub(crate) fn lives(&self) -> &Arc<Lives> {
        &self.0.lives
    }

    pub(crate) fn source(&self) -> &Arc<dyn LeaseSource> {
        &self.0.source
    }

    /// Opens a first connection, and keeps connections open until the lifespan ends.
    ///
    /// # Errors
    ///
    /// `Connection` when the database can't be reached or refuses the login, `Timeout` when it does not answer.
    pub async fn connect(&self) -> Result<Lifespan> {
        Lifespan::begin(vec![self.clone()]).await
    }

    /// A connection: one that is kept when a lifespan keeps the database connected, else one for this once.
    pub(crate) async fn lease(&self, origin: &'static Location<'static>) -> Result<Lease> {
        if self.0.lives.count() > 0 {
            return self
                .0
                .source
                .acquire(origin)
                .await
                .map_err(|error| error.context(&format!("get a connection to {self}")));
        }
        let times = self.0.used_unconnected.fetch_add(1, Ordering::Relaxed) + 1;
        tracing::warn!(
            database = %self,
            at = %format_args!("{}:{}", origin.file(), origin.line()),
            times,
            "a database is used that is not connected: each use opens a connection of its own; \
             call `connect()` and keep the lifespan"
        );
        self.0.source.acquire_once(origin).await
    }

    /// A connection that the caller holds, for statements that belong to one session: advisory locks, settings,
    /// statements that no transaction may hold.
    ///
    /// # Errors
    ///
    /// `Connection` and `Timeout` when there is no connection.
    #[track_caller]
    pub fn pin(&self) -> impl Future<Output = Result<Pinned>> + Send + '_ {
        let origin = Location::caller();
        async move { self.lease(origin).await.map(Pinned::new) }
    }
}
