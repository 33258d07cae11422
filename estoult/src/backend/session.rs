//! What a database must do for estoult: a [`Backend`] opens a [`Session`], which runs a [`Statement`].

use std::{any::Any, fmt, sync::Arc};

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    backend::{credentials::Credentials, features::Features},
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

    /// Opens a session, with the user and password of the address or these.
    ///
    /// # Errors
    ///
    /// `Connection` when the database can't be reached or refuses the login; `Configuration` when the settings are
    /// wrong.
    async fn connect(&self, credentials: Option<&Credentials>) -> Result<Box<dyn Session>>;
}

/// Whether a transaction is open on a session, as the database itself says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransactionStatus {
    /// None is open: a statement commits by itself.
    #[default]
    Idle,
    /// One is open.
    Open,
    /// One is open that a failed statement has aborted: it takes nothing but a rollback.
    Failed,
}

impl TransactionStatus {
    /// Whether one is open, aborted or not.
    #[must_use]
    pub fn is_open(self) -> bool {
        self != Self::Idle
    }
}

/// Where rows are copied into, in the database's own quoting.
#[derive(Debug, Clone)]
pub struct CopyTarget {
    /// The statement that takes the rows.
    pub statement: Arc<str>,
    /// The table, quoted, with its schema if it has one.
    pub table: String,
    /// The columns, not quoted.
    pub columns: Vec<String>,
}

/// A statement, and the sink that gets its rows.
pub type WithSink = (Statement, Box<dyn Sink>);

/// Where the data of a COPY come from.
pub type DataReader<'d> = dyn AsyncRead + Send + Unpin + 'd;

/// Where the data of a COPY go.
pub type DataWriter<'d> = dyn AsyncWrite + Send + Unpin + 'd;

/// A message of another session to those that listen on its channel.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notification {
    /// The channel.
    pub channel: String,
    /// What the other session sent; often the key of a row.
    pub payload: String,
    /// The server process of the other session.
    pub process: u32,
}

impl Notification {
    pub(crate) fn new(channel: String, payload: String, process: u32) -> Self {
        Self {
            channel,
            payload,
            process,
        }
    }
}

/// What becomes of a session that a caller releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Release {
    /// Another caller may get it.
    Pool,
    /// Another caller may get it after [`recover`](Session::recover): it has to be rolled back or reset.
    Recover,
    /// It is closed: what the program's own SQL changed can't be reset.
    Close,
}

/// An open session with a database: one statement at a time.
///
/// What is not finished, such as bytes that are not sent and answers that are still owed, is kept in the session and
/// not in the futures of these methods: after one was dropped, [`recover`](Self::recover) ends its work.
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

    /// Runs a script of the program's own, about these schemas: several statements without parameters.
    ///
    /// # Errors
    ///
    /// The answer of the database, by kind; the statements before the failing one may have taken effect.
    async fn batch(&mut self, script: &str, schemas: &[Arc<str>]) -> Result<()>;

    /// Runs statements of estoult's own, without parameters and rows, that end a transaction or a savepoint.
    ///
    /// # Errors
    ///
    /// The answer of the database, by kind.
    async fn control(&mut self, script: &str) -> Result<()> {
        self.batch(script, &[]).await
    }

    /// Checks, without I/O, whether a statement can be sent: where that fails, nothing was.
    ///
    /// # Errors
    ///
    /// `Connection` when the connection is lost; `Configuration` when the caller's runtime can't drive it.
    fn prepare(&mut self) -> Result<()> {
        Ok(())
    }

    /// Whether the error of a COMMIT says that the database has not carried it out.
    fn kept_nothing(&self, _error: &Error) -> bool {
        false
    }

    /// Begins a transaction or a savepoint. A session may send it together with the next statement, which then does
    /// not run, and reports the refusal, when the database refuses to begin. Where each schema has a lock of its own,
    /// `schema` is the one that the transaction writes to; without it that is the database itself.
    ///
    /// # Errors
    ///
    /// The answer of the database, by kind.
    async fn begin(&mut self, script: &str, _schema: Option<&Arc<str>>) -> Result<()> {
        self.control(script).await
    }

    /// Runs independent statements: sent together where the database takes them so. The outcome of each, of which there
    /// are as many, is set as soon as it is known, so that those of a future that is dropped are not lost.
    async fn pipeline(
        &mut self,
        statements: Vec<WithSink>,
        outcomes: &mut [Option<Result<Box<dyn Sink>>>],
    ) {
        for ((statement, sink), outcome) in statements.into_iter().zip(outcomes) {
            *outcome = Some(self.fetch(statement, sink).await);
        }
    }

    /// Inserts rows with a COPY, and gives their number; `None`, with nothing inserted, where an INSERT has to do it.
    ///
    /// # Errors
    ///
    /// The answer of the database, by kind.
    async fn copy_rows(&mut self, _: &CopyTarget, _: &[Datum]) -> Result<Option<u64>> {
        Ok(None)
    }

    /// Sends the data of a `copy … from stdin`, and gives the number of rows.
    ///
    /// # Errors
    ///
    /// The answer of the database, by kind; `Query` when the data can't be read; `Unsupported` where there is no COPY.
    async fn copy_in(&mut self, _statement: &str, _data: &mut DataReader<'_>) -> Result<u64> {
        Err(no_copy(self.features()))
    }

    /// Receives the data of a `copy … to stdout`, and gives the number of rows.
    ///
    /// # Errors
    ///
    /// The answer of the database, by kind; `Query` when the data can't be written; `Unsupported` where there is no
    /// COPY.
    async fn copy_out(&mut self, _statement: &str, _to: &mut DataWriter<'_>) -> Result<u64> {
        Err(no_copy(self.features()))
    }

    /// Waits for a message of another session. A future that is dropped loses none.
    ///
    /// # Errors
    ///
    /// `Connection` when the connection is lost; `Unsupported` where sessions get no messages.
    async fn notification(&mut self) -> Result<Notification> {
        let dialect = self.features().dialect;
        Err(Error::unsupported(format!(
            "listen: {dialect} has no messages between sessions; use PostgreSQL"
        )))
    }

    /// Sets variables for the transaction that was just begun; see [`Features::transaction_variables`].
    ///
    /// # Errors
    ///
    /// `Unsupported` where variables belong to no transaction.
    async fn set_variables(&mut self, _variables: &[(String, String)]) -> Result<()> {
        let dialect = self.features().dialect;
        Err(Error::unsupported(format!(
            "set a variable for a transaction: {dialect} has none that end with it; use PostgreSQL"
        )))
    }

    /// The driver's own connection, for what estoult has no verb for.
    fn raw(&mut self) -> Option<&mut (dyn Any + Send)> {
        None
    }

    /// Learns what was done to the transaction on the driver's own connection.
    async fn end_raw(&mut self) {}

    /// Whether the program's hooks have prepared the session since it was opened or reset.
    fn is_prepared(&self) -> bool;

    /// Notes that they have; what they set belongs to the session from now on.
    fn note_prepared(&mut self);

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

    /// Whether a transaction is open, after the last answer of the database.
    fn transaction(&self) -> TransactionStatus;

    /// How many transactions have ended on this session, as far as it was told. A number that has grown within a
    /// transaction tells that one apart from another that is open now.
    fn transactions_ended(&self) -> u64;

    /// Ends what operations whose futures were dropped have left behind: cancels the statement, waits for the answers
    /// that the database still owes, and rolls back. Afterwards the session is idle and may be used again.
    ///
    /// # Errors
    ///
    /// `Connection` when that is not possible; the session is then broken.
    async fn recover(&mut self) -> Result<()>;

    /// Called when a caller releases the connection, with no operation in flight: what becomes of the session. Must do
    /// no I/O.
    fn release(&mut self) -> Release {
        if self.transaction().is_open() {
            Release::Recover
        } else {
            Release::Pool
        }
    }

    /// Whether the session was opened for reading only, where the client library reports it.
    fn is_read_only(&self) -> Option<bool> {
        None
    }

    /// Closes gracefully.
    async fn close(self: Box<Self>);
}

fn no_copy(features: &Features) -> Error {
    let dialect = features.dialect;
    Error::unsupported(format!(
        "copy data: {dialect} has no COPY; insert the rows with `insert_all`, and read them with a query"
    ))
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
