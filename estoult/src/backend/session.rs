//! What a database must do for estoult: a [`Backend`] opens a [`Session`], which runs a [`Statement`].

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use crate::{
    backend::features::Features,
    error::{Error, Result},
    row::Sink,
    sql::Dialect,
    value::Datum,
};

/// A kind of database: it opens sessions.
#[async_trait]
pub trait Backend: fmt::Debug + Send + Sync + 'static {
    /// The dialect, as far as it is known before a session is open.
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
/// A future of these methods that is dropped leaves the session in an unknown state; the connection marks it busy
/// before and idle after, and closes it when it is released busy.
#[async_trait]
pub trait Session: fmt::Debug + Send + 'static {
    /// What the database has and lacks.
    fn features(&self) -> &'static Features;

    /// Runs a statement and hands each row to the sink as it arrives.
    ///
    /// # Errors
    ///
    /// The answer of the database, by kind; `Decode` when a row does not fit.
    async fn fetch(&mut self, statement: Statement, sink: Box<dyn Sink>) -> Result<Box<dyn Sink>>;

    /// Runs a statement and ignores its rows.
    ///
    /// # Errors
    ///
    /// The answer of the database, by kind.
    async fn execute(&mut self, statement: Statement) -> Result<Outcome>;

    /// Runs a script of several statements without parameters.
    ///
    /// # Errors
    ///
    /// The answer of the database, by kind; the statements before the failing one may have taken effect.
    async fn batch(&mut self, script: &str) -> Result<()>;

    /// Checks that the database still answers.
    ///
    /// # Errors
    ///
    /// `Connection` when it does not.
    async fn ping(&mut self) -> Result<()>;

    /// Opens the schemas that the next statement is about, where a session has to open each of them; see
    /// [`Features::opens_schemas`].
    ///
    /// # Errors
    ///
    /// `Query` when there is none of this name.
    async fn open_schemas(&mut self, _schemas: &[Arc<str>]) -> Result<()> {
        Ok(())
    }

    /// Creates a schema, where no statement does.
    ///
    /// # Errors
    ///
    /// `Query` when there is one already; `Unsupported` where a statement does.
    async fn create_schema(&mut self, _name: &str) -> Result<()> {
        Err(no_files(self.features()))
    }

    /// Drops a schema with all that is in it, where no statement does.
    ///
    /// # Errors
    ///
    /// `Query` when there is none; `Unsupported` where a statement does.
    async fn drop_schema(&mut self, _name: &str) -> Result<()> {
        Err(no_files(self.features()))
    }

    /// The names of the schemas, where no statement lists them.
    ///
    /// # Errors
    ///
    /// `Connection` when they can't be read; `Unsupported` where a statement does.
    async fn schemas(&mut self) -> Result<Vec<String>> {
        Err(no_files(self.features()))
    }

    /// Whether the session can't be used any more.
    fn is_broken(&self) -> bool;

    /// Whether a transaction is open, where the client library reports it.
    fn is_in_transaction(&self) -> Option<bool> {
        None
    }

    /// Whether the session was opened for reading only, where the client library reports it.
    fn is_read_only(&self) -> Option<bool> {
        None
    }

    /// Closes gracefully.
    async fn close(self: Box<Self>);
}

fn no_files(features: &Features) -> Error {
    let dialect = features.dialect;
    Error::unsupported(format!(
        "open the schemas of {dialect}: they are no files, but are created and listed by statements"
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
    /// The first key that the database generated, where it reports one.
    pub last_insert_id: Option<i64>,
}
