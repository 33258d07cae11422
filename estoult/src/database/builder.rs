//! [`DatabaseBuilder`]: the settings of a database to be built, and [`DatabaseSource`], what a registry takes as one.

use std::{fmt, future::Future, marker::PhantomData, path::PathBuf, sync::Arc, time::Duration};

use crate::{
    backend::{self, Credentials, CredentialsSource, DatabaseNotConnected, DatabaseOptions, url},
    connection::ConnectionSource,
    database::{
        Database,
        hook::DatabaseHook,
        hooks::{ConnectionHooks, Hooks},
        new_connection::{self, NewConnection},
        read_only::{Access, ReadOnly, ReadOnlyDatabase, ReadWrite},
    },
    error::{Error, Result},
    observe::Observer,
    pool::Pool,
    writer::check_schema,
};

/// A database that is still to be built, with its settings.
pub struct DatabaseBuilder<A = ReadWrite> {
    url: String,
    options: DatabaseOptions,
    hooks: Hooks<Database>,
    connection_hooks: ConnectionHooks<Database>,
    credentials: Option<CredentialsSource>,
    observers: Vec<Arc<dyn Observer>>,
    access: PhantomData<fn() -> A>,
}

impl<A> Clone for DatabaseBuilder<A> {
    fn clone(&self) -> Self {
        Self {
            url: self.url.clone(),
            options: self.options.clone(),
            hooks: self.hooks.clone(),
            connection_hooks: self.connection_hooks.clone(),
            credentials: self.credentials.clone(),
            observers: self.observers.clone(),
            access: PhantomData,
        }
    }
}

impl<A> fmt::Debug for DatabaseBuilder<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = url::parse(&self.url).map(|target| target.to_string());
        f.debug_struct("DatabaseBuilder")
            .field(
                "address",
                &address.unwrap_or_else(|_| "malformed".to_owned()),
            )
            .field("options", &self.options)
            .field("hooks", &self.hooks)
            .finish()
    }
}

impl DatabaseBuilder {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            options: DatabaseOptions::default(),
            hooks: Hooks::default(),
            connection_hooks: ConnectionHooks::default(),
            credentials: None,
            observers: Vec::new(),
            access: PhantomData,
        }
    }

    /// A database that is only read: its handle has no verbs that write, and its sessions refuse writes that are sent
    /// as raw SQL.
    ///
    /// SQLite opens the file for reading only. A session of PostgreSQL, MySQL and MariaDB begins read only, which raw
    /// SQL can change: a program that must never write connects as a user without the right to.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> estoult::Result<()> {
    /// let replica = estoult::Database::builder("sqlite::memory:").read_only().build()?;
    /// let lifespan = replica.connect().await?;
    /// let created: estoult::Result<Vec<(i64,)>> = estoult::sql("create table books (id integer)").all(&replica).await;
    /// assert!(matches!(created.unwrap_err().kind(), estoult::ErrorKind::ReadOnly));
    /// lifespan.close().await
    /// # }
    /// ```
    #[must_use]
    pub fn read_only(self) -> DatabaseBuilder<ReadOnly> {
        DatabaseBuilder {
            url: self.url,
            options: self.options,
            hooks: self.hooks,
            connection_hooks: self.connection_hooks,
            credentials: self.credentials,
            observers: self.observers,
            access: PhantomData,
        }
    }
}

impl<A: Access> DatabaseBuilder<A> {
    /// How many connections there are at most, over all runtimes; 10 by default.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.options.max_connections = connections;
        self
    }

    /// How long a caller waits for a connection; 5 seconds by default.
    #[must_use]
    pub fn acquire_timeout(mut self, timeout: Duration) -> Self {
        self.options.acquire_timeout = timeout;
        self
    }

    /// How long opening one connection may take, at any time; 10 seconds by default. What connecting the database may
    /// take as a whole is [`connect_within`](Self::connect_within).
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.options.connect_timeout = timeout;
        self
    }

    /// How long each statement may take, unless [`Query::timeout`](crate::Query::timeout) or the transaction says
    /// otherwise; without a limit by default.
    ///
    /// When the time is over the statement fails with [`ErrorKind::Timeout`](crate::ErrorKind::Timeout) and is
    /// cancelled in the database; its connection is used again once the database has ended it.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let database = estoult::Database::builder("sqlite::memory:")
    ///     .statement_timeout(Duration::from_secs(30))
    ///     .build()?;
    /// # Ok::<(), estoult::Error>(())
    /// ```
    #[must_use]
    pub fn statement_timeout(mut self, timeout: Duration) -> Self {
        self.options.statement_timeout = Some(timeout);
        self
    }

    /// Logs statements that take longer than this as warnings, with the target `estoult::sql`; 1 second by default.
    /// `Duration::MAX` logs none.
    #[must_use]
    pub fn slow_statement(mut self, time: Duration) -> Self {
        self.options.slow_statement = Some(time);
        self
    }

    /// Tells this observer of each statement, and of what becomes of connections and transactions; see
    /// [`Observer`].
    ///
    /// ```
    /// use estoult::{Database, observe::Event};
    ///
    /// let database = Database::builder("sqlite::memory:")
    ///     .observer(|event: &Event<'_>| println!("{} took {:?}", event.sql, event.run))
    ///     .build()?;
    /// # Ok::<(), estoult::Error>(())
    /// ```
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// How many statements stay prepared on each connection; 256 by default, and what the URL says gives way to it.
    ///
    /// With 0 no statement outlives its flight to PostgreSQL, and nothing rests on the session: what a pooler such as
    /// PgBouncer asks for in transaction mode.
    ///
    /// ```
    /// let database = estoult::Database::builder("postgres://app@pooler.example.com:6432/shop")
    ///     .statement_cache_capacity(0)
    ///     .build()?;
    /// # Ok::<(), estoult::Error>(())
    /// ```
    #[must_use]
    pub fn statement_cache_capacity(mut self, capacity: usize) -> Self {
        self.options.statement_cache_capacity = Some(capacity);
        self
    }

    /// After how long without use a connection is checked; 500 milliseconds by default.
    #[must_use]
    pub fn ping_after(mut self, idle: Duration) -> Self {
        self.options.ping_after = idle;
        self
    }

    /// The age at which a connection is replaced; never by default.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.options.max_age = Some(age);
        self
    }

    /// The schema of tables that name none, unless another one is chosen; by default the database's own.
    #[must_use]
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.options.schema = Some(name.into());
        self
    }

    /// The file of a schema of SQLite, which is created when it is not there; other schemas are files beside the
    /// database's own.
    #[must_use]
    pub fn attach(mut self, schema: impl Into<String>, file: impl Into<PathBuf>) -> Self {
        let schema = schema.into().to_ascii_lowercase();
        self.options.attached.insert(schema, file.into());
        self
    }

    /// How many connections are opened when the database is connected; 1 by default, which shows that the database
    /// answers. They serve every runtime, except on MySQL and MariaDB, where those that are opened on a runtime with
    /// threads of its own serve that one, and others open their own when they need them.
    #[must_use]
    pub fn min_connections(mut self, connections: usize) -> Self {
        self.options.min_connections = connections;
        self
    }

    /// Opens no connection when the database is connected: the first statement opens the first one, and fails when the
    /// database does not answer. The same as [`min_connections(0)`](Self::min_connections).
    #[must_use]
    pub fn lazy(self) -> Self {
        self.min_connections(0)
    }

    /// How long connecting the database may take as a whole, with all its connections, all tries and the
    /// `on_connect` hooks; 30 seconds by default.
    #[must_use]
    pub fn connect_within(mut self, limit: Duration) -> Self {
        self.options.connect_within = limit;
        self
    }

    /// Retries connecting at most this many times when the database can't be reached or does not answer; never by
    /// default. The pause between tries is a twentieth of a second at first and doubles up to two seconds. A final
    /// refusal of the server, such as that of a wrong password, is not retried.
    #[must_use]
    pub fn connect_retries(mut self, times: u32) -> Self {
        self.options.connect_retries = times;
        self
    }

    /// What happens when the database is used while no lifespan keeps it connected; by default a warning.
    #[must_use]
    pub fn not_connected(mut self, policy: DatabaseNotConnected) -> Self {
        self.options.not_connected = Some(policy);
        self
    }

    /// Runs this when a first lifespan has connected the database, before `connect` returns. When it fails, connecting
    /// fails, and the connections are closed again. It may take what is left of
    /// [`connect_within`](Self::connect_within), and must not connect the same database.
    ///
    /// It runs outside of the scopes of the caller, such as [`with_schema`](crate::with_schema). Several hooks
    /// run in the order in which they were given.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> estoult::Result<()> {
    /// use estoult::{Database, Result, sql};
    ///
    /// async fn create_tables(database: Database) -> Result<()> {
    ///     sql("create table if not exists books (id integer primary key)").execute(&database).await?;
    ///     Ok(())
    /// }
    ///
    /// let database = Database::builder("sqlite::memory:").on_connect(create_tables).build()?;
    /// let lifespan = database.connect().await?;
    /// sql("insert into books (id) values (1)").execute(&database).await?;
    /// lifespan.close().await
    /// # }
    /// ```
    #[must_use]
    pub fn on_connect(mut self, hook: impl DatabaseHook) -> Self {
        self.hooks.add_on_connect(hook);
        self
    }

    /// Runs this when the last lifespan ends, while the connections can still be used. Several hooks run in reverse
    /// order, all of them; closing the lifespan gives the first failure, and disconnects all the same.
    ///
    /// Callers that connect meanwhile wait for it. When the last lifespan is dropped instead of closed, it runs in a
    /// task of the runtime; outside of any runtime it can't run, which is a warning. It runs outside of scopes, as
    /// [`on_connect`](Self::on_connect) does.
    #[must_use]
    pub fn on_disconnect(mut self, hook: impl DatabaseHook) -> Self {
        self.hooks.add_on_disconnect(hook);
        self
    }

    /// Runs this on each new connection before its first use, and again when its session was reset: settings,
    /// temporary tables. When it fails, or leaves a transaction open, so does the statement that needed the connection,
    /// and connecting, whose first connections it prepares. It has [`connect_timeout`](Self::connect_timeout).
    /// Several hooks run in the order in which they were given, in an empty [`Context`](crate::Context).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> estoult::Result<()> {
    /// use estoult::{Database, Result, database::NewConnection, sql};
    ///
    /// async fn prepare(connection: NewConnection) -> Result<()> {
    ///     sql("create temporary table seen (id integer primary key)").execute(&connection).await?;
    ///     Ok(())
    /// }
    ///
    /// let database = Database::builder("sqlite::memory:").on_new_connection(prepare).build()?;
    /// let lifespan = database.connect().await?;
    /// sql("insert into seen (id) values (1)").execute(&database).await?;
    /// lifespan.close().await
    /// # }
    /// ```
    #[must_use]
    pub fn on_new_connection<F, W>(mut self, hook: F) -> Self
    where
        F: Fn(NewConnection) -> W + Send + Sync + 'static,
        W: Future<Output = Result<()>> + Send + 'static,
    {
        self.connection_hooks.add(new_connection::hook(hook));
        self
    }

    /// Asks this for user and password before each new connection, in place of those of the URL: for tokens that
    /// expire, or a store of secrets. It counts to [`connect_timeout`](Self::connect_timeout). A statement on MySQL or
    /// MariaDB is cancelled from a connection of its own, which asks as well.
    ///
    /// ```
    /// use estoult::{Database, backend::Credentials};
    ///
    /// let database = Database::builder("postgres://localhost/shop")
    ///     .credentials(|| async { Ok(Credentials::new("app", "a token that is valid for some minutes")) })
    ///     .build();
    /// # let _ = database;
    /// ```
    #[must_use]
    pub fn credentials<F, W>(mut self, source: F) -> Self
    where
        F: Fn() -> W + Send + Sync + 'static,
        W: Future<Output = Result<Credentials>> + Send + 'static,
    {
        self.credentials = Some(CredentialsSource::new(source));
        self
    }

    /// All settings at once.
    #[must_use]
    pub fn options(mut self, options: DatabaseOptions) -> Self {
        self.options = options;
        self
    }

    /// The connections alone, for a source that adds something to them; hooks are those of a [`Database`].
    ///
    /// # Errors
    ///
    /// `Configuration` when the URL or a setting is wrong; `Unsupported` when this build lacks the backend.
    pub fn pool(self) -> Result<Pool> {
        let mut target = url::parse(&self.url)?;
        let mut options = self.options;
        // Type, settings and URL may each ask for it; from here on the settings alone say so.
        options.read_only |= A::IS_READ_ONLY || target.is_read_only();
        if options.read_only {
            target = target.read_only();
        }
        options.check()?;
        if let Some(limit) = target.connection_limit() {
            options.max_connections = options.max_connections.min(limit);
        }
        if let Some(capacity) = options.statement_cache_capacity {
            target = target.statement_cache(capacity)?;
        }
        // From here on the settings say so, also where the URL does.
        if target.is_pooler() {
            options.statement_cache_capacity = Some(0);
        }
        if options.read_only && target.is_pooler() {
            return Err(Error::configuration(format!(
                "build a read-only database on {target}: behind a pooler no session can be made read-only; give the \
                 pooler a user for whom `alter role … set default_transaction_read_only = on` was run"
            )));
        }
        let backend = backend::open(&target, &options)?;
        let features = backend.dialect().features();
        if let Some(schema) = &options.schema {
            check_schema(schema, features)?;
        }
        for name in options.attached.keys() {
            check_schema(name, features)?;
            if !features.opens_schemas {
                return Err(Error::configuration(format!(
                    "attach a file as the schema `{name}`: only SQLite has files; leave out `attach`"
                )));
            }
        }
        if self.credentials.is_some() && features.opens_schemas {
            return Err(Error::configuration(format!(
                "take credentials for {target}: SQLite has no users; leave out `credentials`"
            )));
        }
        let address = target.to_string();
        Ok(Pool::new(backend, address, options, self.credentials))
    }

    /// The database and its pool. Nothing is opened yet.
    ///
    /// # Errors
    ///
    /// `Configuration` when the URL or a setting is wrong; `Unsupported` when this build lacks the backend.
    pub fn build_pooled(self) -> Result<(A::Database, Arc<Pool>)> {
        let (schema, hooks) = (self.options.schema.clone(), self.hooks.clone());
        let connection_hooks = self.connection_hooks.clone();
        let observers = self.observers.clone();
        let pool = Arc::new(self.pool()?);
        let source: Arc<dyn ConnectionSource> = Arc::<Pool>::clone(&pool);
        let database = Database::from_source(pool.address(), source)
            .with_hooks(hooks, connection_hooks)
            .observed_by_all(&observers)
            .in_default_schema(schema.as_deref());
        Ok((A::handle(&database)?, pool))
    }

    /// The database. Nothing is opened yet.
    ///
    /// # Errors
    ///
    /// `Configuration` when the URL or a setting is wrong; `Unsupported` when this build lacks the backend.
    pub fn build(self) -> Result<A::Database> {
        self.build_pooled().map(|(database, _)| database)
    }
}

/// What a registry takes as a database: a URL, a builder, or a database.
#[derive(Debug, Clone)]
pub struct DatabaseSource(SourceKind);

#[derive(Clone)]
enum SourceKind {
    Builder(Box<DatabaseBuilder>),
    Database(Database),
}

impl fmt::Debug for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builder(builder) => builder.fmt(f),
            Self::Database(database) => fmt::Debug::fmt(database, f),
        }
    }
}

impl DatabaseSource {
    pub(crate) fn build(self) -> Result<Database> {
        match self.0 {
            SourceKind::Builder(builder) => builder.build(),
            SourceKind::Database(database) => Ok(database),
        }
    }
}

impl From<&str> for DatabaseSource {
    fn from(url: &str) -> Self {
        Database::builder(url).into()
    }
}

impl From<String> for DatabaseSource {
    fn from(url: String) -> Self {
        Database::builder(url).into()
    }
}

impl<A: Access> From<DatabaseBuilder<A>> for DatabaseSource {
    fn from(mut builder: DatabaseBuilder<A>) -> Self {
        builder.options.read_only |= A::IS_READ_ONLY;
        Self(SourceKind::Builder(Box::new(DatabaseBuilder {
            url: builder.url,
            options: builder.options,
            hooks: builder.hooks,
            connection_hooks: builder.connection_hooks,
            credentials: builder.credentials,
            observers: builder.observers,
            access: PhantomData,
        })))
    }
}

impl From<ReadOnlyDatabase> for DatabaseSource {
    fn from(database: ReadOnlyDatabase) -> Self {
        database.into_database().into()
    }
}

impl From<Database> for DatabaseSource {
    fn from(database: Database) -> Self {
        Self(SourceKind::Database(database))
    }
}

impl Database {
    /// A database at this URL, with settings to follow: `sqlite:`, `postgres://` or `mysql://`.
    pub fn builder(url: impl Into<String>) -> DatabaseBuilder {
        DatabaseBuilder::new(url.into())
    }
}
