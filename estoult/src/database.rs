//! Where it happens: a [`Database`] hands out connections and runs transactions.

mod executor;
mod hook;
pub(crate) mod lease;
mod options;
mod pool;
pub(crate) mod preload;
pub(crate) mod read;
mod read_only;
mod schemas;
mod tenanted;
pub(crate) mod together;
pub(crate) mod transaction;
mod unconnected;
pub(crate) mod url;
pub(crate) mod write;

use std::{fmt, future::Future, panic::Location, sync::Arc};

pub(crate) use self::executor::Held;
use self::unconnected::Unconnected;
pub use self::{
    executor::{Executor, Pinned, Reads, Writes},
    hook::DatabaseHook,
    lease::{Drained, Lease, LeaseSource, PoolStatus},
    options::{DatabaseBuilder, DatabaseOptions, DatabaseSource},
    pool::Connections,
    read_only::{
        Access, ReadOnly, ReadOnlyDatabase, ReadOnlyPinned, ReadOnlyTransaction,
        ReadOnlyTransactionBuilder, ReadWrite,
    },
    tenanted::Tenanted,
    transaction::{Isolation, Transaction, TransactionBuilder},
    unconnected::DatabaseNotConnected,
};
use crate::{
    backend::Dialect,
    error::{Error, ErrorKind, Result},
    query::check_schema,
    registry::{DatabaseState, Lifespan, Lives, Registry, WeakRegistry},
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

#[derive(Clone)]
struct Parts {
    /// Its name in a registry; `default` before it has one.
    name: String,
    /// The URL without its secrets.
    address: String,
    /// The registry that it belongs to.
    registry: WeakRegistry,
    /// The schema that this handle was given.
    schema: Option<Arc<str>>,
    /// The schema of the settings.
    default_schema: Option<Arc<str>>,
    source: Arc<dyn LeaseSource>,
    lives: Arc<Lives>,
    not_connected: DatabaseNotConnected,
    unconnected: Arc<Unconnected>,
}

/// Tells the connections of one database from those of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConnectionsId(usize);

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("name", &self.0.name)
            .field("address", &self.0.address)
            .field("state", &self.state())
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
            registry: WeakRegistry::default(),
            schema: None,
            default_schema: None,
            not_connected: source.options().not_connected.unwrap_or_default(),
            lives: Arc::new(Lives::new(Arc::clone(&source))),
            source,
            unconnected: Arc::default(),
        }))
    }

    /// The same database under a name in a registry.
    pub(crate) fn named(&self, name: &str, registry: WeakRegistry) -> Self {
        let name = name.to_owned();
        self.with(|parts| (parts.name, parts.registry) = (name, registry))
    }

    /// The same database with a schema for the tables that name none, unless somebody chooses another.
    pub(crate) fn in_default_schema(&self, schema: Option<&str>) -> Self {
        self.with(|parts| parts.default_schema = schema.map(Arc::from))
    }

    /// A handle on the same connections whose statements read and write the tables of this schema.
    ///
    /// On PostgreSQL it is a schema, on MySQL another database of the server, on SQLite a file of its own. Tables are
    /// written with the schema before their names, so that nothing is left behind on the connection.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> estoult::Result<()> {
    /// use estoult::{Database, batch, sql};
    ///
    /// let database = Database::builder("sqlite::memory:").build()?;
    /// let lifespan = database.connect().await?;
    /// database.create_schema("tenant_7").await?;
    /// let tenant = database.using_schema("tenant_7")?;
    /// batch(&tenant, "create table {schema}.books (id integer primary key)").await?;
    /// let (books,): (i64,) = sql("select count(*) from {schema}.books").one(&tenant).await?;
    /// assert_eq!(books, 0);
    /// lifespan.close().await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `Configuration` when the database can't have a schema of this name.
    pub fn using_schema(&self, name: &str) -> Result<Self> {
        check_schema(name, self.dialect().features())?;
        Ok(self.in_schema(Some(Arc::from(name))))
    }

    pub(crate) fn in_schema(&self, schema: Option<Arc<str>>) -> Self {
        self.with(|parts| parts.schema = schema)
    }

    fn with(&self, change: impl FnOnce(&mut Parts)) -> Self {
        let mut parts = (*self.0).clone();
        change(&mut parts);
        Self(Arc::new(parts))
    }

    /// The schema that this handle was given with [`using_schema`](Self::using_schema).
    #[must_use]
    pub fn schema(&self) -> Option<&str> {
        self.0.schema.as_deref()
    }

    pub(crate) fn chosen_schema(&self) -> Option<&Arc<str>> {
        self.0.schema.as_ref()
    }

    pub(crate) fn default_schema(&self) -> Option<&Arc<str>> {
        self.0.default_schema.as_ref()
    }

    pub(crate) fn registry(&self) -> Option<Registry> {
        self.0.registry.upgrade()
    }

    /// Which connections the handle stands for.
    pub(crate) fn connections_id(&self) -> ConnectionsId {
        ConnectionsId(Arc::as_ptr(&self.0.source).cast::<()>().addr())
    }

    /// The same database; what happens when it is used without being connected, unless it says so itself.
    pub(crate) fn when_not_connected(&self, policy: DatabaseNotConnected) -> Self {
        let own = self.0.source.options().not_connected;
        self.with(|parts| parts.not_connected = own.unwrap_or(policy))
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
        matches!(self.state(), DatabaseState::Connected(_))
    }

    /// How far it is connected.
    #[must_use]
    pub fn state(&self) -> DatabaseState {
        self.0.lives.state()
    }

    /// How often it was used while no lifespan kept it connected; what happens then is
    /// [`DatabaseNotConnected`].
    #[must_use]
    pub fn used_unconnected(&self) -> u64 {
        self.0.unconnected.times()
    }

    pub(crate) fn lives(&self) -> &Arc<Lives> {
        &self.0.lives
    }

    pub(crate) fn source(&self) -> &Arc<dyn LeaseSource> {
        &self.0.source
    }

    /// Whether its sessions refuse writes; see [`DatabaseBuilder::read_only`].
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.0.source.options().read_only
    }

    /// Refuses a write before anything is sent.
    pub(crate) fn check_writable(&self, tried: &str) -> Result<()> {
        if !self.is_read_only() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::ReadOnly,
            format!(
                "{tried}: the database {self} is read only, so nothing was sent; write to a database that is not"
            ),
        ))
    }

    /// Opens a first connection, and keeps connections open until the lifespan ends. Those who connect at the same time
    /// share one attempt, and its failure.
    ///
    /// # Errors
    ///
    /// `Connection` when the database can't be reached or refuses the login, `Timeout` when it does not answer; what an
    /// [`on_connect`](DatabaseBuilder::on_connect) hook gives.
    pub async fn connect(&self) -> Result<Lifespan> {
        Lifespan::begin(vec![self.clone()]).await
    }

    /// A connection: one that is kept when a lifespan keeps the database connected, else one for this once.
    pub(crate) async fn lease(&self, origin: &'static Location<'static>) -> Result<Lease> {
        if self.0.lives.is_open() {
            return self
                .0
                .source
                .acquire(origin)
                .await
                .map_err(|error| error.context(&format!("get a connection to {self}")));
        }
        let policy = self.0.not_connected;
        self.0.unconnected.note(self, policy, origin)?;
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
        async move {
            let lease = self.lease(origin).await?;
            Ok(Pinned::new(lease, self.clone()))
        }
    }
}
