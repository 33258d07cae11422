//! [`Connection`]: a session while it is in use, and the one place that every statement passes.
//!
//! Invariant: a connection is marked busy before each operation and idle after it. One that is released while busy, or
//! inside a transaction, is closed and never handed out again. It knows nothing of tables and builds no SQL but what
//! begins and ends transactions.

mod begin;
mod source;

use std::{fmt, sync::Arc};

pub(crate) use self::begin::TransactionOptions;
pub use self::{begin::Isolation, source::ConnectionSource};
use crate::{
    backend::{Features, Outcome, Session, Statement},
    error::{Conflict, Error, ErrorKind, Result},
    pool::{Slot, close_in_background},
    row::{Collected, Decode, Sink},
    sql::TransactionState,
};

/// A connection in use. Dropping it releases it.
pub struct Connection {
    session: Option<Box<dyn Session>>,
    features: &'static Features,
    /// The slot that it is released into; `None` for a connection that is closed on release.
    slot: Option<Box<Slot>>,
    /// Whether an operation has begun and not ended: still set when its future was dropped half way.
    is_busy: bool,
    in_transaction: bool,
    /// What the program's own SQL left open. The drivers of servers do not report it, so the SQL is read.
    script: TransactionState,
    /// The first failure within the transaction, after which a commit may keep nothing.
    failure: Option<(ErrorKind, String)>,
    /// Why the database itself ended the transaction.
    ended_by: Option<Conflict>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("session", &self.session)
            .field("is_busy", &self.is_busy)
            .field("in_transaction", &self.in_transaction)
            .finish_non_exhaustive()
    }
}

fn abandoned() -> Error {
    Error::new(
        ErrorKind::Connection,
        "use a connection: an earlier statement on it was abandoned before it ended, so the connection is closed and \
         its transaction rolled back",
    )
}

impl Connection {
    pub(crate) fn new(session: Box<dyn Session>, slot: Option<Box<Slot>>) -> Self {
        Self {
            features: session.features(),
            session: Some(session),
            slot,
            is_busy: false,
            in_transaction: false,
            script: TransactionState::default(),
            failure: None,
            ended_by: None,
        }
    }

    /// What the database has and lacks.
    #[must_use]
    pub fn features(&self) -> &'static Features {
        self.features
    }

    /// The session, marked busy until [`Self::finish`].
    fn session(&mut self) -> Result<&mut Box<dyn Session>> {
        // The future of an earlier operation was dropped: its answer may still arrive, and would be taken for the next.
        if self.is_busy {
            return Err(abandoned());
        }
        // A statement sent now would run outside of any transaction, and be committed at once.
        if let Some(conflict) = self.ended_by {
            return Err(Error::new(
                ErrorKind::Conflict(conflict),
                "use a transaction: the database has rolled it back because others were in its way; begin it again",
            ));
        }
        match &mut self.session {
            Some(session) => {
                self.is_busy = true;
                Ok(session)
            }
            None => Err(abandoned()),
        }
    }

    fn finish<T>(&mut self, outcome: Result<T>) -> Result<T> {
        self.is_busy = false;
        if let Err(error) = &outcome
            && self.in_transaction
        {
            self.note_failure(error);
        }
        outcome
    }

    fn note_failure(&mut self, error: &Error) {
        let (kind, message) = (error.kind().clone(), error.message());
        if let ErrorKind::Conflict(conflict @ (Conflict::Deadlock | Conflict::Serialization)) = kind
            && self.features.conflict_ends_transaction
        {
            self.ended_by = Some(conflict);
        }
        // The first failure is the cause; those after it mostly follow from it.
        self.failure
            .get_or_insert_with(|| (kind, message.to_owned()));
    }

    pub(crate) async fn fetch(
        &mut self,
        statement: Statement,
        sink: Box<dyn Sink>,
    ) -> Result<Box<dyn Sink>> {
        self.open_schemas(&statement.schemas).await?;
        // Only the program's SQL can begin a transaction; the text is cloned since the session takes the statement.
        let script = statement.is_raw.then(|| Arc::clone(&statement.sql));
        let outcome = self.session()?.fetch(statement, sink).await;
        self.finish_statement(script, outcome)
    }

    /// The rows of a statement, each decoded as it arrives.
    pub(crate) async fn rows<R: Send + 'static>(
        &mut self,
        statement: Statement,
        decode: Decode<R>,
        table: &'static str,
    ) -> Result<Vec<R>> {
        let sink = Box::new(Collected::new(decode, table));
        Collected::from_sink(self.fetch(statement, sink).await?)
    }

    pub(crate) async fn execute(&mut self, statement: Statement) -> Result<Outcome> {
        self.open_schemas(&statement.schemas).await?;
        let script = statement.is_raw.then(|| Arc::clone(&statement.sql));
        let outcome = self.session()?.execute(statement).await;
        self.finish_statement(script, outcome)
    }

    /// Finishes a statement; `script` is its text if the program wrote it.
    fn finish_statement<T>(&mut self, script: Option<Arc<str>>, outcome: Result<T>) -> Result<T> {
        if let Some(script) = script {
            self.note_statement(&script, outcome.is_ok());
        }
        self.finish(outcome)
    }

    /// Opens the schemas that a statement is about, where a connection has to open each of them.
    async fn open_schemas(&mut self, schemas: &[Arc<str>]) -> Result<()> {
        // Fast path: only statements for SQLite name any.
        if schemas.is_empty() {
            return Ok(());
        }
        let outcome = self.session()?.open_schemas(schemas).await;
        self.finish(outcome)
    }

    /// Makes a schema, where that is no statement.
    pub(crate) async fn create_schema(&mut self, name: &str) -> Result<()> {
        let outcome = self.session()?.create_schema(name).await;
        self.finish(outcome)
    }

    /// Drops a schema with all that is in it, where that is no statement.
    pub(crate) async fn drop_schema(&mut self, name: &str) -> Result<()> {
        let outcome = self.session()?.drop_schema(name).await;
        self.finish(outcome)
    }

    /// The names of the schemas, where no statement lists them.
    pub(crate) async fn schemas(&mut self) -> Result<Vec<String>> {
        let outcome = self.session()?.schemas().await;
        self.finish(outcome)
    }

    pub(crate) async fn batch(&mut self, script: &str, schemas: &[Arc<str>]) -> Result<()> {
        self.open_schemas(schemas).await?;
        let outcome = self.control(script).await;
        self.note_script(script, outcome.is_ok());
        outcome
    }

    /// Runs statements of estoult itself; the caller tracks their effect on the transaction.
    pub(crate) async fn control(&mut self, script: &str) -> Result<()> {
        let outcome = self.session()?.batch(script).await;
        self.finish(outcome)
    }

    /// The program's own SQL may begin a transaction and leave it open: a connection that is released so counts as
    /// inside of one. A future that is dropped before this leaves the connection busy, which closes it anyway.
    fn note_script(&mut self, script: &str, is_done: bool) {
        // SQLite's library reports it, which is exact; reading the SQL is only for the servers.
        if self.reported_transaction().is_none() {
            let syntax = self.features().dialect.syntax();
            self.script = self.script.after(script, is_done, syntax);
        }
    }

    /// The same for a text that was one prepared statement.
    fn note_statement(&mut self, statement: &str, is_done: bool) {
        if self.reported_transaction().is_none() {
            let syntax = self.features().dialect.syntax();
            self.script = self.script.after_statement(statement, is_done, syntax);
        }
    }

    /// Begins a transaction. The state is marked before anything is sent: when the future is dropped half way, the
    /// connection counts as inside a transaction.
    pub(crate) async fn begin(&mut self, statement: &str) -> Result<()> {
        self.mark_transaction(true);
        let begun = self.control(statement).await;
        if begun.is_err() && !self.is_broken() {
            // The server answered, and refused it: no transaction is open. A broken connection stays marked.
            self.mark_transaction(false);
        }
        begun
    }

    /// Ends the transaction with COMMIT.
    ///
    /// PostgreSQL answers COMMIT in a failed transaction with a rollback and no error ("COMMIT" in its manual), so a
    /// statement is sent before it, which then fails.
    pub(crate) async fn commit(&mut self, statement: &str) -> Result<()> {
        // Where a failed statement does not abort the transaction, COMMIT needs no probe before it.
        let failure = self.failure.take();
        match failure.filter(|_| self.features.error_aborts_transaction) {
            None => self.control(statement).await?,
            Some((kind, message)) => {
                let committed = self.control(&format!("select 1; {statement}")).await;
                committed.map_err(|error| {
                    // Reported as such: after a lost connection it is unknown whether the commit took effect.
                    if matches!(error.kind(), ErrorKind::Connection) {
                        return error;
                    }
                    Error::new(
                        kind,
                        format!(
                            "commit a transaction: a statement in it failed ({message}), so the database has rolled \
                             back all of it; run what may fail in a savepoint, with `tx.transaction(…)`"
                        ),
                    )
                })?;
            }
        }
        self.mark_transaction(false);
        Ok(())
    }

    /// Ends the transaction with ROLLBACK.
    pub(crate) async fn roll_back(&mut self, statement: &str) -> Result<()> {
        self.ended_by = None;
        self.control(statement).await?;
        self.mark_transaction(false);
        Ok(())
    }

    /// Rolls back to a savepoint, and forgets the failures since then.
    pub(crate) async fn roll_back_to(&mut self, statement: &str) -> Result<()> {
        self.control(statement).await?;
        self.failure = None;
        Ok(())
    }

    fn mark_transaction(&mut self, is_open: bool) {
        self.in_transaction = is_open;
        (self.failure, self.ended_by) = (None, None);
        if let Some(slot) = &self.slot {
            slot.note_transaction(is_open);
        }
    }

    fn is_broken(&self) -> bool {
        self.is_busy
            || self
                .session
                .as_ref()
                .is_none_or(|session| session.is_broken())
    }

    /// Whether the session was opened for reading only, where the client library reports it.
    pub(crate) fn is_read_only(&self) -> bool {
        let reported = self
            .session
            .as_ref()
            .and_then(|session| session.is_read_only());
        reported.unwrap_or(false)
    }

    pub(crate) fn is_in_transaction(&self) -> bool {
        // Sessions of servers report nothing, and neither does a session that is gone: then the marks decide.
        self.reported_transaction()
            .unwrap_or(self.in_transaction || self.script.is_open())
    }

    /// Whether the session can't be given to another borrower, who would write into a transaction that is open.
    fn may_be_in_transaction(&self) -> bool {
        self.reported_transaction()
            .unwrap_or(self.in_transaction || self.script.may_be_open())
    }

    /// Whether the session is inside of a transaction, where the client library reports it.
    fn reported_transaction(&self) -> Option<bool> {
        let session = self.session.as_ref()?;
        session.is_in_transaction()
    }

    /// Closes the connection instead of releasing it.
    pub(crate) fn discard(&mut self) {
        if let Some(slot) = self.slot.take() {
            if self
                .session
                .as_ref()
                .is_some_and(|session| !self.is_busy && session.is_broken())
            {
                // Broken and not busy: the server closed it, and may have closed the other connections as well.
                slot.note_loss();
            }
            // Freed before the session is closed: the next caller must not wait for that.
            slot.free();
        }
        // A busy session can't take a rollback; closing its socket makes the server roll back.
        let is_in_transaction = self.is_in_transaction() && !self.is_busy;
        if let Some(session) = self.session.take() {
            close_in_background(session, is_in_transaction);
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Futures dropped half way and transactions that were not ended both lead here, and close the session.
        let is_clean = !self.is_broken() && !self.may_be_in_transaction();
        match (self.session.take(), self.slot.take()) {
            (Some(session), Some(slot)) if is_clean => slot.release(session),
            (session, slot) => {
                (self.session, self.slot) = (session, slot);
                self.discard();
            }
        }
    }
}
