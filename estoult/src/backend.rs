//! What a database must do for estoult: open a [`Session`], and in it run a [`Statement`].
//!
//! Invariant: only this file and the folder of the same name know which databases there are, and only here stands a
//! `cfg` on one.

#[cfg(not(all(feature = "mysql", feature = "postgres", feature = "sqlite")))]
mod absent;
pub(crate) mod features;
#[cfg(feature = "mysql")]
pub(crate) mod mysql;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod server;
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(crate) mod server_url;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;

#[cfg(not(any(feature = "mysql", feature = "postgres")))]
#[path = "backend/absent_server_url.rs"]
pub(crate) mod server_url;

#[cfg(not(feature = "mysql"))]
#[path = "backend/absent_mysql.rs"]
pub(crate) mod mysql;
#[cfg(not(feature = "postgres"))]
#[path = "backend/absent_postgres.rs"]
pub(crate) mod postgres;
#[cfg(not(feature = "sqlite"))]
#[path = "backend/absent_sqlite.rs"]
pub(crate) mod sqlite;

use std::{fmt, sync::Arc};

use async_trait::async_trait;

#[cfg(not(all(feature = "mysql", feature = "postgres", feature = "sqlite")))]
pub(crate) use self::absent::absent;
pub use self::features::{BulkStyle, Dialect, Features, IsolationStyle, LikeStyle, ListStyle};
use crate::{
    database::{DatabaseOptions, url::Target},
    error::{Error, Result},
    row::Sink,
    value::Datum,
};

/// A kind of database: it opens sessions.
#[async_trait]
pub trait Backend: fmt::Debug + Send + Sync + 'static {
    /// The way of writing SQL, as far as it is known before a session is open.
    fn dialect(&self) -> Dialect;

    /// Whether a session belongs to the runtime it was opened on.
    fn is_bound_to_runtime(&self) -> bool;

    /// Opens a session.
    ///
    /// # Errors
    ///
    /// `Connection` when the database can't be reached or refuses the login; `Configuration` when the settings are
    /// wrong.
    async fn connect(&self) -> Result<Box<dyn Session>>;
}

/// An open session with a database: one statement at a time.
///
/// A future of these methods that is dropped leaves the session in an unknown state; whoever holds it marks it busy
/// before and clean after.
#[async_trait]
pub trait Session: fmt::Debug + Send + 'static {
    /// What the database has and lacks.
    fn features(&self) -> &'static Features;

    /// Runs a statement and hands each row to the sink as it arrives.
    ///
    /// # Errors
    ///
    /// Whatever the database answers, by kind; `Decode` when a row does not fit.
    async fn fetch(&mut self, statement: Statement, sink: Box<dyn Sink>) -> Result<Box<dyn Sink>>;

    /// Runs a statement whose rows nobody wants.
    ///
    /// # Errors
    ///
    /// Whatever the database answers, by kind.
    async fn execute(&mut self, statement: Statement) -> Result<Outcome>;

    /// Runs a script of several statements without parameters.
    ///
    /// # Errors
    ///
    /// Whatever the database answers, by kind; the statements before the failing one may have taken effect.
    async fn batch(&mut self, script: &str) -> Result<()>;

    /// Asks the database whether it is still there.
    ///
    /// # Errors
    ///
    /// `Connection` when it is not.
    async fn ping(&mut self) -> Result<()>;

    /// Opens schemas that the next statement is about, where each is opened by itself; see
    /// [`Features::opens_schemas`].
    ///
    /// # Errors
    ///
    /// `Query` when there is none of this name.
    async fn open_schemas(&mut self, _schemas: &[Arc<str>]) -> Result<()> {
        Ok(())
    }

    /// Makes a schema, where that is no statement.
    ///
    /// # Errors
    ///
    /// `Query` when there is one already; `Unsupported` where it is a statement.
    async fn create_schema(&mut self, _name: &str) -> Result<()> {
        Err(no_files(self.features()))
    }

    /// Drops a schema with all that is in it, where that is no statement.
    ///
    /// # Errors
    ///
    /// `Query` when there is none; `Unsupported` where it is a statement.
    async fn drop_schema(&mut self, _name: &str) -> Result<()> {
        Err(no_files(self.features()))
    }

    /// The names of the schemas, where no statement tells.
    ///
    /// # Errors
    ///
    /// `Connection` when they can't be read; `Unsupported` where a statement tells.
    async fn schemas(&mut self) -> Result<Vec<String>> {
        Err(no_files(self.features()))
    }

    /// Whether the session can't be used any more.
    fn is_broken(&self) -> bool;

    /// Whether a transaction is open, where the client library tells.
    fn is_in_transaction(&self) -> Option<bool> {
        None
    }

    /// Whether the session was opened for reading only, where the client library tells.
    fn is_read_only(&self) -> Option<bool> {
        None
    }

    /// Says good-bye and closes the session.
    async fn close(self: Box<Self>);
}

fn no_files(features: &Features) -> Error {
    let dialect = features.dialect;
    Error::unsupported(format!(
        "open the schemas of {dialect}: they are no files, but are made and listed by statements"
    ))
}

/// A statement with its values, ready to run.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The text, with the backend's own placeholders.
    pub sql: Arc<str>,
    /// The values in the order of the placeholders.
    pub values: Vec<Datum>,
    /// Whether the text comes from the program, where one text may be used with values of different types.
    pub is_raw: bool,
    /// The schemas that the statement is about, where a connection has to open each of them: SQLite's files.
    pub schemas: Vec<Arc<str>>,
}

impl Statement {
    /// A statement without values.
    pub(crate) fn plain(sql: impl Into<Arc<str>>) -> Self {
        Self {
            sql: sql.into(),
            values: Vec::new(),
            is_raw: false,
            schemas: Vec::new(),
        }
    }
}

/// What a statement without rows did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many rows were inserted, changed or deleted.
    pub rows_affected: u64,
    /// The first key that the database generated, where it tells.
    pub last_insert_id: Option<i64>,
}

/// The backend for an address.
pub(crate) fn open(target: &Target, options: &DatabaseOptions) -> Result<Arc<dyn Backend>> {
    match target {
        Target::Sqlite(address) => sqlite::open(address, options),
        Target::Postgres(address) => postgres::open(address, options),
        Target::MySql(address) => mysql::open(address, options),
    }
}

/// Takes the values out of a server's message: what follows `value: ` or stands in quotes at its end.
pub(crate) fn redact(message: &str, values: &[Datum]) -> String {
    let mut text = message.to_owned();
    for value in values {
        if let Datum::Text(value) | Datum::Json(value) = value
            && value.chars().count() >= 3
        {
            text = text.replace(value.as_str(), "…");
        }
    }
    for (start, end) in [
        (": \"", '"'),
        ("value: '", '\''),
        ("value '", '\''),
        ("entry '", '\''),
    ] {
        if let Some(from) = text.find(start).map(|at| at + start.len())
            && let Some(length) = text[from..].find(end)
        {
            text.replace_range(from..from + length, "…");
        }
    }
    text
}

/// A refused write in words, the same for every backend.
pub(crate) fn read_only(message: &str) -> String {
    format!(
        "{message}; the database, the transaction or the user may only read: write to a database that is not read only"
    )
}

/// A broken constraint in words, the same for every backend and without the values that broke it.
pub(crate) fn describe_constraint(constraint: &crate::error::Constraint) -> String {
    let mut text = format!("the {} constraint", constraint.kind);
    if let Some(name) = &constraint.name {
        text.push_str(&format!(" `{name}`"));
    }
    if let Some(table) = &constraint.table {
        text.push_str(&format!(" of table `{table}`"));
    }
    if !constraint.columns.is_empty() {
        text.push_str(&format!(" on `{}`", constraint.columns.join("`, `")));
    }
    text.push_str(" is broken");
    text
}
