//! The builders of pooled databases, one for each kind: the same settings under the same names.

use std::{fmt, path::Path, time::Duration};

use estoult::{Database, DatabaseBuilder, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::pooled::PooledDatabase;

/// What may stand in a part of a URL as it is.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// How many connections a pool has by default.
const MAX_CONNECTIONS: usize = 20;

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, KEPT).to_string()
}

fn pooled(builder: DatabaseBuilder) -> Result<PooledDatabase> {
    let (database, pool) = builder.build_pooled()?;
    Ok(PooledDatabase::new(database, pool))
}

/// The settings of the pool alone; they apply to the builder once the URL is known.
#[derive(Debug, Clone)]
struct Settings {
    max_connections: usize,
    stale_timeout: Option<Duration>,
    timeout: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_connections: MAX_CONNECTIONS,
            stale_timeout: None,
            timeout: None,
        }
    }
}

impl Settings {
    fn apply(&self, url: &str) -> DatabaseBuilder {
        let mut builder = Database::builder(url).max_connections(self.max_connections);
        if let Some(age) = self.stale_timeout {
            builder = builder.max_age(age);
        }
        if let Some(timeout) = self.timeout {
            builder = builder.acquire_timeout(timeout);
        }
        builder
    }
}

macro_rules! settings {
    () => {
        /// How many connections there are at most; 20 by default.
        #[must_use]
        pub fn max_connections(mut self, connections: usize) -> Self {
            self.settings.max_connections = connections;
            self
        }

        /// The age at which a connection is replaced; never by default.
        #[must_use]
        pub fn stale_timeout(mut self, age: Duration) -> Self {
            self.settings.stale_timeout = Some(age);
            self
        }

        /// How long a caller waits for a connection; 5 seconds by default.
        #[must_use]
        pub fn timeout(mut self, timeout: Duration) -> Self {
            self.settings.timeout = Some(timeout);
            self
        }
    };
}

/// A pooled PostgreSQL database.
///
/// ```
/// use std::time::Duration;
/// use apocryphan::pool::PooledPostgreSqlDatabase;
///
/// # fn main() -> estoult::Result<()> {
/// let built = PooledPostgreSqlDatabase::builder()
///     .max_connections(32)
///     .stale_timeout(Duration::from_secs(300))
///     .user("postgres")
///     .password("p@ss/word")
///     .host("localhost")
///     .database("bookshop")
///     .build();
/// # if cfg!(feature = "postgres") {
/// assert_eq!(built?.address(), "postgres://postgres@localhost:5432/bookshop");
/// # }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct PooledPostgreSqlDatabase;

/// A pooled MySQL or MariaDB database.
#[derive(Debug)]
#[non_exhaustive]
pub struct PooledMySqlDatabase;

/// A pooled SQLite database.
#[derive(Debug)]
#[non_exhaustive]
pub struct PooledSqliteDatabase;

impl PooledPostgreSqlDatabase {
    /// A builder with the server's default settings: user, host and database as the URL would leave them out.
    #[must_use]
    pub fn builder() -> ServerBuilder {
        ServerBuilder::new("postgres")
    }
}

impl PooledMySqlDatabase {
    /// A builder with the server's default settings: user, host and database as the URL would leave them out.
    #[must_use]
    pub fn builder() -> ServerBuilder {
        ServerBuilder::new("mysql")
    }
}

impl PooledSqliteDatabase {
    /// A builder for the database in this file.
    pub fn builder(file: impl AsRef<Path>) -> SqliteBuilder {
        SqliteBuilder {
            file: file.as_ref().display().to_string(),
            options: Vec::new(),
            settings: Settings::default(),
        }
    }
}

/// The settings of a pooled database on a server.
#[derive(Clone)]
pub struct ServerBuilder {
    scheme: &'static str,
    user: Option<String>,
    password: Option<String>,
    host: String,
    port: Option<u16>,
    database: String,
    options: Vec<(String, String)>,
    settings: Settings,
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder")
            .field("scheme", &self.scheme)
            .field("user", &self.user)
            .field("host", &self.host)
            .field("port", &self.port)
            .field("database", &self.database)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl ServerBuilder {
    fn new(scheme: &'static str) -> Self {
        Self {
            scheme,
            user: None,
            password: None,
            host: "localhost".to_owned(),
            port: None,
            database: String::new(),
            options: Vec::new(),
            settings: Settings::default(),
        }
    }

    settings!();

    /// The user to log in as.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// The user's password, as it is: no character needs an escape.
    #[must_use]
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// The server's host, or the folder of its socket.
    #[must_use]
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = host.into();
        self
    }

    /// The server's port; the usual one by default.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// The database's name.
    #[must_use]
    pub fn database(mut self, name: impl Into<String>) -> Self {
        self.database = name.into();
        self
    }

    /// A query parameter of the URL, such as `sslmode`.
    #[must_use]
    pub fn option(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.push((name.into(), value.into()));
        self
    }

    /// The database. Nothing is opened yet.
    ///
    /// # Errors
    ///
    /// `Configuration` when a setting is wrong; `Unsupported` when this build lacks the backend.
    pub fn build(&self) -> Result<PooledDatabase> {
        pooled(self.builder())
    }

    /// The builder of the database with these settings, for all others that a database has.
    #[must_use]
    pub fn builder(&self) -> DatabaseBuilder {
        self.settings.apply(&self.url())
    }

    fn url(&self) -> String {
        let mut url = format!("{}://", self.scheme);
        if let Some(user) = &self.user {
            url.push_str(&encoded(user));
            if let Some(password) = &self.password {
                url.push_str(&format!(":{}", encoded(password)));
            }
            url.push('@');
        }
        url.push_str(&encoded(&self.host));
        if let Some(port) = self.port {
            url.push_str(&format!(":{port}"));
        }
        url.push_str(&format!("/{}", encoded(&self.database)));
        url + &query(&self.options)
    }
}

fn query(options: &[(String, String)]) -> String {
    let pairs: Vec<_> = options
        .iter()
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
        .collect();
    if pairs.is_empty() {
        String::new()
    } else {
        format!("?{}", pairs.join("&"))
    }
}

/// The settings of a pooled SQLite database.
#[derive(Debug, Clone)]
pub struct SqliteBuilder {
    file: String,
    options: Vec<(String, String)>,
    settings: Settings,
}

impl SqliteBuilder {
    settings!();

    /// A query parameter of the URL, such as `mode` or `busy_timeout`.
    #[must_use]
    pub fn option(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.push((name.into(), value.into()));
        self
    }

    /// The builder of the database with these settings, for all others that a database has.
    #[must_use]
    pub fn builder(&self) -> DatabaseBuilder {
        let url = format!("sqlite:{}{}", self.file, query(&self.options));
        self.settings.apply(&url)
    }

    /// The database. Nothing is opened yet.
    ///
    /// # Errors
    ///
    /// `Configuration` when a setting is wrong; `Unsupported` when this build lacks the backend.
    pub fn build(&self) -> Result<PooledDatabase> {
        pooled(self.builder())
    }
}
