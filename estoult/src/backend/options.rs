//! [`DatabaseOptions`]: the settings of a database, as plain data.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use crate::error::{Error, Result};

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
    /// How long a statement may take; without it there is no limit.
    pub statement_timeout: Option<Duration>,
    /// Statements that take longer than this are logged as warnings; without it none is.
    pub slow_statement: Option<Duration>,
    /// How many statements stay prepared on a connection; without it the URL says, or it is 256.
    pub statement_cache_capacity: Option<usize>,
    /// After how long without use a connection is checked before it is handed out.
    pub ping_after: Duration,
    /// The age at which a connection is replaced.
    pub max_age: Option<Duration>,
    /// The schema of tables that name none, unless another one is chosen.
    pub schema: Option<String>,
    /// The files of SQLite's schemas that are not beside the database's own.
    pub attached: BTreeMap<String, PathBuf>,
    /// Whether sessions refuse writes; see [`DatabaseBuilder::read_only`](crate::DatabaseBuilder::read_only).
    pub read_only: bool,
    /// How many connections are opened when the database is connected; with 0 connecting opens none.
    pub min_connections: usize,
    /// How long connecting may take as a whole: all connections, all tries, and the `on_connect` hooks.
    pub connect_within: Duration,
    /// How often connecting is retried at most when the database could not be reached.
    pub connect_retries: u32,
    /// What happens when the database is used without being connected; `None` leaves it to the registry.
    pub not_connected: Option<DatabaseNotConnected>,
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self {
            max_connections: 10,
            acquire_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(10),
            statement_timeout: None,
            slow_statement: Some(Duration::from_secs(1)),
            statement_cache_capacity: None,
            ping_after: Duration::from_millis(500),
            max_age: None,
            schema: None,
            attached: BTreeMap::new(),
            read_only: false,
            min_connections: 1,
            connect_within: Duration::from_secs(30),
            connect_retries: 0,
            not_connected: None,
        }
    }
}

impl DatabaseOptions {
    /// Refuses settings that contradict each other.
    pub(crate) fn check(&self) -> Result<()> {
        let (min, max) = (self.min_connections, self.max_connections);
        let mistake = if max == 0 {
            "max_connections is 0; allow at least 1".to_owned()
        } else if self.acquire_timeout.is_zero() {
            "acquire_timeout is 0, so no caller could wait for a connection; allow some time"
                .to_owned()
        } else if self.statement_timeout.is_some_and(|limit| limit.is_zero()) {
            "statement_timeout is 0, so no statement could run; allow some time".to_owned()
        } else if self.slow_statement.is_some_and(|limit| limit.is_zero()) {
            "slow_statement is 0, so every statement would be a warning; read all of them at the level debug of the \
             target `estoult::sql`"
                .to_owned()
        } else if self.connect_within.is_zero() {
            "connect_within is 0, so no connection could be opened; allow some time".to_owned()
        } else if self.connect_timeout.is_zero() {
            "connect_timeout is 0, so no connection could be opened; allow some time".to_owned()
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

/// What happens when a database is used that no lifespan keeps connected.
///
/// It is set for one database with [`not_connected`](crate::DatabaseBuilder::not_connected), and for the databases of a
/// registry without a setting of their own with [`RegistryBuilder::not_connected`][registry].
/// [`Database::used_unconnected`](crate::Database::used_unconnected) counts each use under every policy.
///
/// [registry]: crate::registry::RegistryBuilder::not_connected
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DatabaseNotConnected {
    /// The use works, on a connection that is opened for it and closed afterwards. A warning through `tracing` reports
    /// it once for each place in the program.
    #[default]
    Warn,
    /// The use is an error of the kind [`Configuration`](crate::ErrorKind::Configuration), and nothing is opened.
    Error,
    /// The use works as with [`Warn`](Self::Warn), without a warning.
    Silent,
}
