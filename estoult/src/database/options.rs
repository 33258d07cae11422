//! The settings of a database, and what a registry takes as one.

use std::{
    collections::BTreeMap, fmt, marker::PhantomData, path::PathBuf, sync::Arc, time::Duration,
};

use crate::{
    backend,
    database::{
        Access, Database, DatabaseHook, DatabaseNotConnected, ReadOnly, ReadOnlyDatabase,
        ReadWrite, hook::Hooks, pool::Connections, url,
    },
    error::{Error, Result},
    query::check_schema,
};

/// The settings of a database's connections.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DatabaseOptions {
    /// How many connections there are at most, over all runtimes.
    pub max_connections: usize,
    /// How long a caller waits for a connection.
    pub acquire_timeout: Duration,
    /// How long opening a connection may take.
    pub connect_timeout: Duration,
    /// After how long without use a connection is asked whether it still lives before it is handed out.
    pub ping_after: Duration,
    /// The age at which a connection is replaced.
    pub max_age: Option<Duration>,
    /// The schema of tables that name none, unless somebody chooses another.
    pub schema: Option<String>,
    /// The files of SQLite's schemas that are not beside the database's own.
    pub attached: BTreeMap<String, PathBuf>,
    /// Whether its sessions refuse writes; see [`DatabaseBuilder::read_only`].
    pub read_only: bool,
    /// How many connections are opened when the database is connected; with 0 connecting opens none.
    pub min_connections: usize,
    /// How long connecting may take as a whole: all connections, all tries, and what runs on connect.
    pub connect_within: Duration,
    /// How often connecting is tried again when the database could not be reached.
    pub connect_retries: u32,
    /// What happens when the database is used without being connected, if it says something itself.
    pub not_connected: Option<DatabaseNotConnected>,
    pub(crate) hooks: Hooks,
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self {
            max_connections: 10,
            acquire_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(10),
            ping_after: Duration::from_millis(500),
            max_age: None,
            schema: None,
            attached: BTreeMap::new(),
            read_only: false,
            min_connections: 1,
            connect_within: Duration::from_secs(30),
            connect_retries: 0,
            not_connected: None,
            hooks: Hooks::default(),
        }
    }
}

impl DatabaseOptions {
    /// Refuses what contradicts itself.
    fn check(&self) -> Result<()> {
        let (min, max) = (self.min_connections, self.max_connections);
        let mistake = if max == 0 {
            "max_connections is 0; allow at least 1".to_owned()
        } else if self.acquire_timeout.is_zero() {
            "acquire_timeout is 0, so nobody could wait for a connection; allow some time"
                .to_owned()
        } else if self.connect_within.is_zero() {
            "connect_within is 0, so no connection could be opened; allow some time".to_owned()
        } else if min > max {
            format!(
                "min_connections is {min}, but max_connections is {max}; lower the one or raise the other"
            )
        } else {
            return Ok(());
        };
        Err(Error::configuration(format!("build a database: {mistake}")))
    }
}

/// A database that is still to be built, with its settings.
pub struct DatabaseBuilder<A = ReadWrite> {
    url: String,
    options: DatabaseOptions,
    access: PhantomData<fn() -> A>,
}

impl<A> Clone for DatabaseBuilder<A> {
    fn clone(&self) -> Self {
        Self {
            url: self.url.clone(),
            options: self.options.clone(),
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
            .finish()
    }
}

impl DatabaseBuilder {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            options: DatabaseOptions::default(),
            access: PhantomData,
        }
    }

    /// A database that is only read: its handle has no verbs that write, and its sessions refuse writes that are sent
    /// as raw SQL.
    ///
    /// SQLite opens the file for reading only. A session of PostgreSQL, MySQL and MariaDB begins read only, which raw
    /// SQL that means to could change: what must never write has a user without the right to.
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
            access: PhantomData,
        }
    }
}

impl<A: Access> DatabaseBuilder<A> {
    /// How many connections there are at most, over all runtimes; 10 when not said.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.options.max_connections = connections;
        self
    }

    /// How long a caller waits for a connection; 5 seconds when not said.
    #[must_use]
    pub fn acquire_timeout(mut self, timeout: Duration) -> Self {
        self.options.acquire_timeout = timeout;
        self
    }

    /// How long opening one connection may take, at any time; 10 seconds when not said. What connecting the database
    /// may take as a whole is [`connect_within`](Self::connect_within).
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.options.connect_timeout = timeout;
        self
    }

    /// After how long without use a connection is asked whether it still lives; 500 milliseconds when not said.
    #[must_use]
    pub fn ping_after(mut self, idle: Duration) -> Self {
        self.options.ping_after = idle;
        self
    }

    /// The age at which a connection is replaced; never when not said.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.options.max_age = Some(age);
        self
    }

    /// The schema of tables that name none, unless somebody chooses another; the database's own when not said.
    #[must_use]
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.options.schema = Some(name.into());
        self
    }

    /// The file of a schema of SQLite, which is made when it is not there; other schemas are files beside the
    /// database's own.
    #[must_use]
    pub fn attach(mut self, schema: impl Into<String>, file: impl Into<PathBuf>) -> Self {
        let schema = schema.into().to_ascii_lowercase();
        self.options.attached.insert(schema, file.into());
        self
    }

    /// How many connections are opened when the database is connected; 1 when not said, which shows that the database
    /// answers. They belong to the runtime that connects: another one opens its own when it needs them.
    #[must_use]
    pub fn min_connections(mut self, connections: usize) -> Self {
        self.options.min_connections = connections;
        self
    }

    /// Lets connecting open nothing: the first statement opens the first connection, and is the first to know when the
    /// database does not answer. The same as no [`min_connections`](Self::min_connections).
    #[must_use]
    pub fn lazy(self) -> Self {
        self.min_connections(0)
    }

    /// How long connecting the database may take as a whole, with all its connections, all tries and what runs on
    /// connect; 30 seconds when not said.
    #[must_use]
    pub fn connect_within(mut self, limit: Duration) -> Self {
        self.options.connect_within = limit;
        self
    }

    /// Tries so many times more to connect when the database can't be reached or does not answer; never when not said.
    /// Between tries it waits, a twentieth of a second at first and longer each time, up to two seconds. What the
    /// server refuses for good, such as a wrong password, is not tried again.
    #[must_use]
    pub fn connect_retries(mut self, times: u32) -> Self {
        self.options.connect_retries = times;
        self
    }

    /// What happens when the database is used while no lifespan keeps it connected; it warns when not said.
    #[must_use]
    pub fn not_connected(mut self, policy: DatabaseNotConnected) -> Self {
        self.options.not_connected = Some(policy);
        self
    }

    /// Runs this when a first lifespan has connected the database, before `connect` returns. When it fails, connecting
    /// has failed, and what was opened is closed again. It may take what is left of
    /// [`connect_within`](Self::connect_within), and must not connect the same database.
    ///
    /// It runs outside of the scopes of whoever connects, such as [`with_schema`](crate::with_schema). Several hooks
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
        self.options.hooks.add_on_connect(hook);
        self
    }

    /// Runs this when the last lifespan ends, while the connections can still be used. Several hooks run in reverse
    /// order, all of them; closing the lifespan tells the first failure, and disconnects all the same.
    ///
    /// Whoever connects meanwhile waits for it. When the last lifespan is dropped instead of closed, it runs in the
    /// background of the runtime; outside of any runtime it can't run, and a warning says so.
    #[must_use]
    pub fn on_disconnect(mut self, hook: impl DatabaseHook) -> Self {
        self.options.hooks.add_on_disconnect(hook);
        self
    }

    /// All settings at once.
    #[must_use]
    pub fn options(mut self, options: DatabaseOptions) -> Self {
        self.options = options;
        self
    }

    /// The connections alone, for a source that adds something to them.
    ///
    /// # Errors
    ///
    /// `Configuration` when the URL or a setting is wrong; `Unsupported` when this build lacks the backend.
    pub fn connections(self) -> Result<Connections> {
        let mut target = url::parse(&self.url)?;
        let mut options = self.options;
        options.read_only |= A::IS_READ_ONLY || target.is_read_only();
        if options.read_only {
            target = target.read_only();
        }
        options.check()?;
        let backend = backend::open(&target, &options)?;
        if let Some(schema) = &options.schema {
            check_schema(schema, backend.dialect().features())?;
        }
        let features = backend.dialect().features();
        for name in options.attached.keys() {
            check_schema(name, features)?;
            if !features.opens_schemas {
                return Err(Error::configuration(format!(
                    "attach a file as the schema `{name}`: only SQLite has files; leave out `attach`"
                )));
            }
        }
        Ok(Connections::new(backend, target.to_string(), options))
    }

    /// The database. Nothing is opened yet.
    ///
    /// # Errors
    ///
    /// `Configuration` when the URL or a setting is wrong; `Unsupported` when this build lacks the backend.
    pub fn build(self) -> Result<A::Database> {
        let schema = self.options.schema.clone();
        let connections = self.connections()?;
        let address = connections.address().to_owned();
        let database = Database::from_source(address, Arc::new(connections));
        A::handle(&database.in_default_schema(schema.as_deref()))
    }
}

/// What a registry takes as a database: an URL, a builder, or a database.
#[derive(Debug, Clone)]
pub struct DatabaseSource(Kind);

#[derive(Clone)]
enum Kind {
    Builder(Box<DatabaseBuilder>),
    Database(Database),
}

impl fmt::Debug for Kind {
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
            Kind::Builder(builder) => builder.build(),
            Kind::Database(database) => Ok(database),
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
        Self(Kind::Builder(Box::new(DatabaseBuilder {
            url: builder.url,
            options: builder.options,
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
        Self(Kind::Database(database))
    }
}
