//! Where it happens: a [`Database`] hands out connections and runs transactions.
//!
//! Invariant: it knows its siblings in a registry, not the registry, and no verb.

mod builder;
mod health;
mod hook;
mod hooks;
pub(crate) mod lifespan;
mod listener;
mod new_connection;
mod pinned;
mod read_only;
mod schemas;
mod state;
mod transaction;
mod unconnected;

use std::{
    fmt,
    panic::Location,
    sync::{Arc, Weak},
};

pub use self::{
    builder::{DatabaseBuilder, DatabaseSource},
    health::{DatabaseHealth, Role},
    hook::DatabaseHook,
    lifespan::{Closed, DatabaseClosed, Lifespan},
    listener::{Event, IntoChannels, Listener},
    new_connection::NewConnection,
    pinned::Pinned,
    read_only::{
        Access, ReadOnly, ReadOnlyDatabase, ReadOnlyPinned, ReadOnlyTransaction,
        ReadOnlyTransactionBuilder, ReadWrite,
    },
    state::DatabaseState,
    transaction::{Transaction, TransactionBuilder},
};
pub(crate) use self::{health::ANSWER_WITHIN, transaction::transaction_of_registry};
use self::{
    hooks::{ConnectionHooks, Hooks},
    state::LifespanState,
    unconnected::Unconnected,
};
pub use crate::pool::PoolStatus;
use crate::{
    backend::DatabaseNotConnected,
    connection::{Connection, ConnectionSource},
    context::Context,
    error::{Error, ErrorKind, Result},
    observe::{Caller, Observer, Observers, Operation},
    runtime,
    sql::Dialect,
    writer::check_schema,
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
    /// Its observers, and its name in a registry; `default` before it has one.
    observers: Arc<Observers>,
    /// The URL without its secrets.
    address: String,
    /// The registry that it belongs to.
    registry: Weak<dyn Siblings>,
    /// The schema that this handle was given.
    schema: Option<Arc<str>>,
    /// The schema of the settings.
    default_schema: Option<Arc<str>>,
    source: Arc<dyn ConnectionSource>,
    lifespans: Arc<LifespanState>,
    hooks: Hooks<Database>,
    connection_hooks: ConnectionHooks<Database>,
    not_connected: DatabaseNotConnected,
    unconnected: Arc<Unconnected>,
}

/// The other databases of a registry, as one of them sees them.
pub(crate) trait Siblings: Send + Sync {
    /// The default database.
    fn default_database(&self) -> &Database;

    /// The database of this name.
    fn find(&self, name: &str) -> Result<&Database>;
}

/// The identity of the connections of one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConnectionsId(usize);

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("name", &self.name())
            .field("address", &self.0.address)
            .field("state", &self.state())
            .finish()
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({})", self.name(), self.0.address)
    }
}

impl Database {
    /// A database whose connections come from this source; `address` is shown in messages.
    pub fn from_source(address: impl Into<String>, source: Arc<dyn ConnectionSource>) -> Self {
        Self(Arc::new(Parts {
            observers: Arc::new(Observers::new("default", source.options().slow_statement)),
            address: address.into(),
            registry: no_registry(),
            schema: None,
            default_schema: None,
            not_connected: source.options().not_connected.unwrap_or_default(),
            lifespans: Arc::new(LifespanState::new(Arc::clone(&source))),
            hooks: Hooks::default(),
            connection_hooks: ConnectionHooks::default(),
            source,
            unconnected: Arc::default(),
        }))
    }

    /// The same database under a name in a registry.
    pub(crate) fn named(&self, name: &str, registry: Weak<dyn Siblings>) -> Self {
        let observers = Arc::new(self.0.observers.named(name));
        self.with(|parts| (parts.observers, parts.registry) = (observers, registry))
    }

    /// A handle on the same connections whose statements this observer sees, too; those of other handles it does not
    /// see. [`DatabaseBuilder::observer`] is for all handles.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> estoult::Result<()> {
    /// use estoult::{Database, observe::Event, sql};
    ///
    /// let database = Database::builder("sqlite::memory:").build()?;
    /// let lifespan = database.connect().await?;
    /// let observed = database.observed_by(|event: &Event<'_>| println!("{} took {:?}", event.sql, event.run));
    /// sql("select 1").one::<(i64,)>(&observed).await?;
    /// lifespan.close().await
    /// # }
    /// ```
    #[must_use]
    pub fn observed_by(&self, observer: impl Observer) -> Self {
        self.observed_by_all(&[Arc::new(observer)])
    }

    pub(crate) fn observed_by_all(&self, all: &[Arc<dyn Observer>]) -> Self {
        let observers = Arc::new(self.0.observers.and(all));
        self.with(|parts| parts.observers = observers)
    }

    pub(crate) fn observers(&self) -> &Arc<Observers> {
        &self.0.observers
    }

    /// The same database with a schema for the tables that name none, unless another one is chosen.
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

    // Handles of one database differ in a few parts and share the rest by reference.
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

    /// The schema of statements that are made here and name none.
    pub(crate) fn schema_here(&self) -> Option<Arc<str>> {
        let chosen = self.chosen_schema().cloned();
        chosen
            .or_else(Context::current_schema)
            .or_else(|| self.default_schema().cloned())
    }

    pub(crate) fn chosen_schema(&self) -> Option<&Arc<str>> {
        self.0.schema.as_ref()
    }

    pub(crate) fn default_schema(&self) -> Option<&Arc<str>> {
        self.0.default_schema.as_ref()
    }

    pub(crate) fn siblings(&self) -> Option<Arc<dyn Siblings>> {
        self.0.registry.upgrade()
    }

    /// Which connections the handle uses.
    pub(crate) fn connections_id(&self) -> ConnectionsId {
        // The handle keeps the source alive, so no other one can have its address meanwhile.
        ConnectionsId(Arc::as_ptr(&self.0.source).cast::<()>().addr())
    }

    /// The same database with a policy for its use while it is not connected, unless its settings have one.
    pub(crate) fn when_not_connected(&self, policy: DatabaseNotConnected) -> Self {
        let own = self.0.source.options().not_connected;
        self.with(|parts| parts.not_connected = own.unwrap_or(policy))
    }

    /// Its name in the registry; `default` when it has none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.observers.database()
    }

    /// Its URL without password and settings.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.0.address
    }

    /// The dialect of SQL. MariaDB is recognised with the first connection; before that it counts as MySQL.
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

    /// Whether it is connected, connecting or closing.
    #[must_use]
    pub fn state(&self) -> DatabaseState {
        self.0.lifespans.state()
    }

    /// How often it was used while no lifespan kept it connected; what happens then is
    /// [`DatabaseNotConnected`].
    #[must_use]
    pub fn used_unconnected(&self) -> u64 {
        self.0.unconnected.times()
    }

    pub(crate) fn lifespans(&self) -> &Arc<LifespanState> {
        &self.0.lifespans
    }

    pub(crate) fn hooks(&self) -> &Hooks<Self> {
        &self.0.hooks
    }

    pub(crate) fn with_hooks(
        &self,
        hooks: Hooks<Self>,
        connection_hooks: ConnectionHooks<Self>,
    ) -> Self {
        self.with(|parts| (parts.hooks, parts.connection_hooks) = (hooks, connection_hooks))
    }

    pub(crate) fn source(&self) -> &Arc<dyn ConnectionSource> {
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

    /// Whether a lifespan keeps it connected; a use without one is counted, or refused, as the settings say.
    #[inline]
    pub(crate) fn check_open(&self, origin: &'static Location<'static>) -> Result<bool> {
        // Fast path: one atomic flag for each statement, and no lock.
        if self.0.lifespans.is_open() {
            return Ok(true);
        }
        let policy = self.0.not_connected;
        self.0.unconnected.note(self, policy, origin)?;
        Ok(false)
    }

    /// A connection that is idle and ready, if there is one, which no listener has to hear of and no hook to prepare:
    /// without a future.
    #[inline]
    pub(crate) fn acquire_idle(&self, origin: &'static Location<'static>) -> Option<Connection> {
        let parts = &self.0;
        let is_plain = !parts.observers.may_listen() && parts.connection_hooks.is_empty();
        if !is_plain || !parts.lifespans.is_open() {
            return None;
        }
        let caller = Caller::new(&parts.observers, origin);
        parts.source.acquire_idle(caller)
    }

    /// A connection: a pooled one while a lifespan keeps the database connected, else one for this use.
    pub(crate) async fn acquire(&self, origin: &'static Location<'static>) -> Result<Connection> {
        let caller = Caller::new(&self.0.observers, origin);
        let observed = caller.observed(Operation::Acquire);
        let acquired = self.acquire_for(caller).await;
        let waited = observed.elapsed();
        let mut connection = observed.end(acquired, |_| None)?;
        connection.set_queued(waited);
        Ok(connection)
    }

    async fn acquire_for(&self, caller: Caller<'_>) -> Result<Connection> {
        let connection = if self.check_open(caller.origin())? {
            let acquired = self.0.source.acquire(caller).await;
            acquired.map_err(|error| error.context(&format!("get a connection to {self}")))?
        } else {
            self.0.source.acquire_once(caller).await?
        };
        self.prepared(connection).await
    }

    /// The connection, after the hooks for new ones have run on it.
    pub(crate) async fn prepared(&self, connection: Connection) -> Result<Connection> {
        if self.0.connection_hooks.is_empty() || connection.is_prepared() {
            return Ok(connection);
        }
        // Boxed, since the futures of all verbs hold it.
        Box::pin(self.run_hooks(connection)).await
    }

    async fn run_hooks(&self, connection: Connection) -> Result<Connection> {
        // What they wait for must not hold a caller for ever; opening the connection has a limit, too.
        let limit = self.0.source.options().connect_timeout;
        let prepared = self.0.connection_hooks.run(connection, self);
        runtime::within(limit, prepared).await.unwrap_or_else(|| {
            Err(Error::new(
                ErrorKind::Timeout,
                format!(
                    "prepare a new connection: its hook was not done within {limit:?}; see what it waits for, or raise \
                     connect_timeout"
                ),
            ))
        })
    }

    /// Runs the hooks for new connections on those that are opened first.
    async fn prepare_first(&self, connections: usize) -> Result<()> {
        if self.0.connection_hooks.is_empty() {
            return Ok(());
        }
        let caller = Caller::estoult(self.observers());
        // All are kept until the last one is prepared; else the first one would be acquired again and again.
        let mut prepared = Vec::with_capacity(connections);
        while prepared.len() < connections {
            let connection = self.0.source.acquire(caller).await?;
            prepared.push(self.prepared(connection).await?);
        }
        Ok(())
    }
}

/// The reference of a database that is in no registry.
fn no_registry() -> Weak<dyn Siblings> {
    // `Weak::new` needs a type that has a size; this one has no value, so the reference never leads anywhere.
    enum Never {}

    impl Siblings for Never {
        fn default_database(&self) -> &Database {
            match *self {}
        }

        fn find(&self, _: &str) -> Result<&Database> {
            match *self {}
        }
    }

    Weak::<Never>::new()
}
