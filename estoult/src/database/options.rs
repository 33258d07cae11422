//! The settings of a database, and what a registry takes as one.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    backend,
    database::{Database, pool::Connections, url},
    error::{Error, Result},
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
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self {
            max_connections: 10,
            acquire_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(10),
            ping_after: Duration::from_millis(500),
            max_age: None,
        }
    }
}

/// A database that is still to be built, with its settings.
#[derive(Clone)]
pub struct DatabaseBuilder {
    url: String,
    options: DatabaseOptions,
}

impl fmt::Debug for DatabaseBuilder {
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
        }
    }

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

    /// How long opening a connection may take; 10 seconds when not said.
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
        let target = url::parse(&self.url)?;
        if self.options.max_connections == 0 {
            return Err(Error::configuration(
                "build a database: max_connections is 0; allow at least 1",
            ));
        }
        if self.options.acquire_timeout.is_zero() {
            return Err(Error::configuration(
                "build a database: acquire_timeout is 0, so nobody could wait for a connection; allow some time",
            ));
        }
        let backend = backend::open(&target, &self.options)?;
        Ok(Connections::new(backend, target.to_string(), self.options))
    }

    /// The database. Nothing is opened yet.
    ///
    /// # Errors
    ///
    /// `Configuration` when the URL or a setting is wrong; `Unsupported` when this build lacks the backend.
    pub fn build(self) -> Result<Database> {
        let connections = self.connections()?;
        Ok(Database::from_source(
            connections.address().to_owned(),
            Arc::new(connections),
        ))
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

impl From<DatabaseBuilder> for DatabaseSource {
    fn from(builder: DatabaseBuilder) -> Self {
        Self(Kind::Builder(Box::new(builder)))
    }
}

impl From<Database> for DatabaseSource {
    fn from(database: Database) -> Self {
        Self(Kind::Database(database))
    }
}
