//! Addresses: which database, where, and how it is opened; the content of a database URL as data.
//!
//! Invariant: no `Debug` and no `Display` shows a password.

use std::{fmt, path::PathBuf, time::Duration};

use crate::error::{Error, Result};

/// How many statements stay prepared on a connection, unless a setting says otherwise.
pub(crate) const STATEMENT_CACHE: usize = 256;

/// Which database a URL means.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    Sqlite(SqliteAddress),
    Postgres(PostgresAddress),
    MySql(MySqlAddress),
}

impl Target {
    /// Whether the URL itself allows reading only.
    pub(crate) fn is_read_only(&self) -> bool {
        matches!(self, Self::Sqlite(address) if address.read_only)
    }

    /// How many connections it can have at most; `None` where nothing but the settings limits them.
    pub(crate) fn connection_limit(&self) -> Option<usize> {
        let private = SqliteLocation::PrivateMemory;
        matches!(self, Self::Sqlite(address) if address.location == private).then_some(1)
    }

    /// Whether each transaction may meet another session, so that nothing can rest on one.
    pub(crate) fn is_pooler(&self) -> bool {
        matches!(self, Self::Postgres(address) if address.server.statement_cache == 0)
    }

    /// The same database, on whose sessions this many statements stay prepared.
    pub(crate) fn statement_cache(mut self, capacity: usize) -> Result<Self> {
        match &mut self {
            Self::Postgres(address) => address.server.statement_cache = capacity,
            _ if capacity == 0 => {
                return Err(Error::configuration(format!(
                    "build a database on {self}: statement_cache_capacity is 0, which only PostgreSQL takes; allow \
                     at least 1"
                )));
            }
            Self::MySql(address) => address.server.statement_cache = capacity,
            Self::Sqlite(address) => address.statement_cache = capacity,
        }
        Ok(self)
    }

    /// The same database, whose sessions refuse writes.
    pub(crate) fn read_only(mut self) -> Self {
        match &mut self {
            Self::Sqlite(address) => {
                address.read_only = true;
                // A database in memory is always created; a file that is only read must exist.
                address.create &= !address.is_file();
            }
            Self::Postgres(address) => {
                // Sent with the login, so that the session never runs a statement without it.
                let name = "default_transaction_read_only".to_owned();
                address.settings.push((name, "on".to_owned()));
            }
            Self::MySql(address) => address.read_only = true,
        }
        self
    }
}

/// Where a SQLite database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SqliteLocation {
    File(PathBuf),
    /// In memory as far as a program can tell: in a file that ends with the database.
    Memory,
    /// In nothing but memory, which a single connection has.
    PrivateMemory,
}

/// Where a SQLite database is and how it is opened.
#[derive(Debug, Clone)]
pub(crate) struct SqliteAddress {
    pub(crate) location: SqliteLocation,
    pub(crate) read_only: bool,
    pub(crate) create: bool,
    pub(crate) busy_timeout: Duration,
    pub(crate) foreign_keys: bool,
    pub(crate) journal_mode: String,
    pub(crate) synchronous: String,
    pub(crate) statement_cache: usize,
}

impl SqliteAddress {
    pub(crate) fn is_file(&self) -> bool {
        matches!(self.location, SqliteLocation::File(_))
    }
}

/// What servers have in common.
#[derive(Clone)]
pub(crate) struct ServerAddress {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) socket: Option<PathBuf>,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) database: Option<String>,
    pub(crate) tls: Tls,
    pub(crate) roots: Roots,
    /// The provider of cryptography, where the program was built with several.
    pub(crate) provider: Option<Provider>,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) certificate_key: Option<PathBuf>,
    pub(crate) statement_cache: usize,
}

/// Where a PostgreSQL database is.
#[derive(Debug, Clone)]
pub(crate) struct PostgresAddress {
    pub(crate) server: ServerAddress,
    pub(crate) application: Option<String>,
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) binding: Binding,
    pub(crate) keep_alive: KeepAlive,
}

/// Whether a login is bound to the encrypted connection that it was made on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binding {
    Disabled,
    Preferred,
    Required,
}

/// When a connection without an answer counts as lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeepAlive {
    /// Whether a network without traffic is probed. A zero below is the default of the system.
    pub(crate) is_probed: bool,
    /// After how long without traffic.
    pub(crate) idle: Duration,
    /// The time between two probes.
    pub(crate) interval: Duration,
    /// How many probes may stay without an answer.
    pub(crate) count: u32,
    /// How long bytes that were sent may stay unacknowledged.
    pub(crate) unacknowledged: Duration,
}

/// Where a MySQL or MariaDB database is.
#[derive(Debug, Clone)]
pub(crate) struct MySqlAddress {
    pub(crate) server: ServerAddress,
    pub(crate) charset: Option<String>,
    pub(crate) collation: Option<String>,
    pub(crate) read_only: bool,
}

/// How much of TLS a connection needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tls {
    Disabled,
    /// Only with a server that refuses plain connections.
    Allowed,
    Preferred,
    Required,
    VerifyAuthority,
    VerifyFull,
}

/// The certificate authorities that a server's certificate may come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Roots {
    /// Those that the program was built with, or else those of the system.
    Any,
    Bundled,
    System,
    File(PathBuf),
}

/// A provider of cryptography.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provider {
    Ring,
    AwsLcRs,
}

impl fmt::Debug for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        match &self.socket {
            Some(socket) => write!(f, "{}", socket.display())?,
            None if self.host.contains(':') => write!(f, "[{}]:{}", self.host, self.port)?,
            None => write!(f, "{}:{}", self.host, self.port)?,
        }
        write!(f, "/{}", self.database.as_deref().unwrap_or_default())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(address) => match &address.location {
                SqliteLocation::File(path) => write!(f, "sqlite:{}", path.display()),
                SqliteLocation::Memory => f.write_str("sqlite::memory:"),
                SqliteLocation::PrivateMemory => f.write_str("sqlite::memory:?mode=memory"),
            },
            Self::Postgres(address) => write!(f, "postgres://{:?}", address.server),
            Self::MySql(address) => write!(f, "mysql://{:?}", address.server),
        }
    }
}
