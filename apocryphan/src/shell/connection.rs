//! The connection that a shell holds: it runs statements, cancels them, and is opened again after it was lost.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use estoult::{
    Database, Error, ErrorKind, Lifespan, Pinned, Result, backend::Features, batch, row::Rows, sql,
};
use tokio::time::timeout;

use super::{
    streams::Interrupts,
    transaction::{ShellTransaction, TransactionPhase},
};
use crate::{backend::Description, catalog::Catalog};

/// How long a server may take to accept that a statement is cancelled, and how long the statement may then take.
const CANCEL_WITHIN: Duration = Duration::from_secs(3);

/// One connection to one database of the registry.
pub(super) struct ShellConnection {
    database: Database,
    /// Taken with the first statement, and with the next one after it was lost.
    open: Option<OpenConnection>,
    transaction: ShellTransaction,
    /// Whether it was open before, so that opening it again is announced.
    was_open: bool,
}

/// The connection itself, and what is known about its server.
struct OpenConnection {
    pinned: Pinned,
    features: &'static Features,
    description: &'static Description,
    /// The number by which another session cancels it, where the database has one.
    session_number: Option<i64>,
    lifespan: Lifespan,
}

/// How a statement ended.
pub(super) enum StatementOutcome {
    Done(Rows),
    Failed(Error),
    /// It was interrupted and its connection is closed.
    Cancelled,
}

impl ShellConnection {
    pub(super) fn new(database: Database) -> Self {
        Self {
            database,
            open: None,
            transaction: ShellTransaction::default(),
            was_open: false,
        }
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    pub(super) fn transaction(&self) -> TransactionPhase {
        self.transaction.phase()
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// The description of the database, which its URL alone decides.
    pub(super) fn description(&self) -> Result<&'static Description> {
        let dialect = self.database.dialect();
        Description::of(dialect).ok_or_else(|| {
            Error::custom(format!(
                "open a shell: {dialect} is not known to this version; use its own shell"
            ))
        })
    }

    /// The open connection, and how its system catalog is read.
    pub(super) fn catalog(&self) -> Result<(&Pinned, Catalog)> {
        match &self.open {
            Some(open) => Ok((&open.pinned, Catalog::new(open.description))),
            None => Err(not_open("read the tables of the database")),
        }
    }

    /// Opens the connection unless it is open. Returns what the user should know about it.
    pub(super) async fn open(&mut self, interrupts: &Interrupts) -> Result<Option<&'static str>> {
        if self.open.is_some() {
            return Ok(None);
        }
        let opening = pin!(self.connect());
        let opened = first_of(opening, interrupts.next()).await;
        opened.unwrap_or_else(|| {
            Err(Error::custom(
                "open the connection: given up, as it was interrupted",
            ))
        })
    }

    async fn connect(&mut self) -> Result<Option<&'static str>> {
        let description = self.description()?;
        // Pinned, so that no two statements run on different connections of the pool.
        let lifespan = self.database.connect().await?;
        let pinned = self.database.pin().await?;
        let features = pinned.features().await;
        // Asked for now: once a statement runs, the connection can't be asked any more.
        let session_number = match description.shell.session_number {
            Some(text) => Some(sql(text).one::<(i64,)>(&pinned).await?.0),
            None => None,
        };
        self.open = Some(OpenConnection {
            pinned,
            features,
            description,
            session_number,
            lifespan,
        });
        let is_again = std::mem::replace(&mut self.was_open, true);
        Ok(is_again.then_some("the connection has been opened again"))
    }

    /// Runs a statement until it ends or is interrupted. The connection has to be open.
    pub(super) async fn run(&mut self, text: &str, interrupts: &Interrupts) -> StatementOutcome {
        let Some(open) = &self.open else {
            return StatementOutcome::Failed(not_open("run a statement"));
        };
        let (features, syntax) = (open.features, &open.description.syntax);
        let outcome = match open.run(&self.database, text, interrupts).await {
            Some(Ok(rows)) => StatementOutcome::Done(rows),
            Some(Err(error)) => StatementOutcome::Failed(error),
            None => StatementOutcome::Cancelled,
        };
        let has_failed = match &outcome {
            StatementOutcome::Done(_) => false,
            StatementOutcome::Failed(error) if !is_lost(error) => true,
            // A statement may still run on the connection, or the server is gone: no further one is sent on it.
            StatementOutcome::Failed(_) | StatementOutcome::Cancelled => {
                self.close().await;
                return outcome;
            }
        };
        // The library knows of SQLite exactly whether it is in a transaction; the texts are read for the rest.
        let is_in_transaction = open.pinned.is_in_transaction().await;
        let transaction = self.transaction.after(text, has_failed, syntax, features);
        self.transaction = match is_in_transaction {
            true => transaction,
            false => transaction.ended(),
        };
        outcome
    }

    /// Closes the connection, whatever was set or begun on it.
    pub(super) async fn close(&mut self) {
        self.transaction = ShellTransaction::default();
        if let Some(open) = self.open.take() {
            // Settings and temporary tables of the user must not reach another borrower of the connection.
            open.pinned.discard();
            // The lifespan ends anyway, so an error from closing the socket is dropped.
            let _ = open.lifespan.close().await;
        }
    }
}

impl OpenConnection {
    /// The outcome of a statement; `None` when it was interrupted and did not end by itself.
    ///
    /// 1. The statement runs until it ends or the user interrupts it.
    /// 2. Interrupted, it keeps running while a second connection asks the server to cancel it.
    /// 3. The server ends it with an error, which is its outcome, and the connection stays usable.
    /// 4. Where there is no such server, or it does not answer in time, the statement is abandoned: dropping its future
    ///    marks the connection as busy, and the caller closes it.
    async fn run(
        &self,
        database: &Database,
        text: &str,
        interrupts: &Interrupts,
    ) -> Option<Result<Rows>> {
        let mut statement = pin!(self.send(&self.pinned, text));
        if let Some(outcome) = first_of(statement.as_mut(), interrupts.next()).await {
            return Some(outcome);
        }
        // State 4 for SQLite, which has no session to name.
        let number = self.session_number?;
        let cancel = self.description.shell.cancel;
        let cancel = cancel.replace("{session}", &number.to_string());
        // From the same pool, which has at least two connections; the server takes it as the same user.
        let cancelled = async {
            let other = database.pin().await?;
            self.send(&other, &cancel).await
        };
        // State 2: the server is asked. Without an answer the caller closes the connection, as if it had refused.
        timeout(CANCEL_WITHIN, cancelled).await.ok()?.ok()?;
        // State 3: the statement returns the error of the cancellation, or its result if it was faster.
        timeout(CANCEL_WITHIN, statement).await.ok()
    }

    /// Sends a statement as it is. MySQL refuses to prepare some, such as `use` and `create procedure`; these are sent
    /// once more as plain text, which gives no rows.
    async fn send(&self, on: &Pinned, text: &str) -> Result<Rows> {
        match sql(text).raw().rows(on).await {
            Err(error) if self.is_not_preparable(&error) => {
                batch(on, text).await.map(|()| Rows::default())
            }
            outcome => outcome,
        }
    }

    fn is_not_preparable(&self, error: &Error) -> bool {
        let codes = self.description.shell.not_preparable;
        error.code().is_some_and(|code| codes.contains(&code))
    }
}

fn is_lost(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Connection)
}

fn not_open(tried: &str) -> Error {
    Error::custom(format!("{tried}: the connection is not open"))
}

/// The outcome of the work, unless the other future is ready before. The work is polled first, so that a statement that
/// has ended is not reported as interrupted.
async fn first_of<T>(
    mut work: Pin<&mut impl Future<Output = T>>,
    other: impl Future<Output = ()>,
) -> Option<T> {
    let mut other = pin!(other);
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending => other.as_mut().poll(context).map(|()| None),
    })
    .await
}
