//! [`Connection`]: a session while it is in use, and the one place that every statement passes.
//!
//! Invariant: a connection is marked busy before each operation and idle after it. One that is released while busy, or
//! inside a transaction, is recovered before it is handed out again. Whether a transaction is open the session says.
//! It knows nothing of tables and builds no SQL but what begins and ends transactions.

mod begin;
mod implicit_commit;
mod limit;
mod observation;
mod observed;
mod open_transaction;
mod outcomes;
mod source;
mod transaction;

use std::{any::Any, fmt, sync::Arc, time::Duration};

pub(crate) use self::begin::TransactionOptions;
pub use self::{begin::Isolation, source::ConnectionSource};
use self::{
    limit::{Limit, TimeLimited},
    observation::Observation,
    open_transaction::OpenTransaction,
};
use crate::{
    backend::{
        CopyTarget, DataReader, DataWriter, Features, Notification, Outcome, Release, Session,
        Statement, TransactionStatus, WithSink,
    },
    error::{Error, ErrorKind, Result},
    observe::{Caller, Operation},
    pool::{self, Slot},
    row::{Collected, Decode, Sink},
    runtime::own,
    value::Datum,
};

/// A connection in use. Dropping it releases it.
pub struct Connection {
    session: Option<Box<dyn Session>>,
    features: &'static Features,
    /// The slot that it is released into.
    slot: Option<Slot>,
    /// Whether an operation has begun and not ended: still set when its future was dropped half way.
    is_busy: bool,
    /// The transaction that estoult has begun on it.
    transaction: Option<Box<OpenTransaction>>,
    /// How long a statement may take, for all statements of the database and for those of the present verb.
    statement_timeout: Option<Duration>,
    verb_timeout: Option<Duration>,
    /// Whether the program had the driver's own connection.
    is_raw_used: bool,
    observation: Observation,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("session", &self.session)
            .field("is_busy", &self.is_busy)
            .field("in_transaction", &self.transaction.is_some())
            .finish_non_exhaustive()
    }
}

impl Connection {
    pub(crate) fn new(
        (session, slot): (Box<dyn Session>, Slot),
        statement_timeout: Option<Duration>,
        caller: Caller<'_>,
    ) -> Self {
        Self {
            features: session.features(),
            session: Some(session),
            slot: Some(slot),
            is_busy: false,
            transaction: None,
            statement_timeout,
            verb_timeout: None,
            is_raw_used: false,
            observation: Observation::of(caller),
        }
    }

    /// Whether the program's hooks have prepared its session.
    pub(crate) fn is_prepared(&self) -> bool {
        let session = self.session.as_ref();
        session.is_some_and(|session| session.is_prepared())
    }

    /// Notes that they have.
    pub(crate) fn note_prepared(&mut self) {
        if let Some(session) = &mut self.session {
            session.note_prepared();
        }
    }

    /// The driver's own connection, which is closed on release: what the caller does with it is not known.
    pub(crate) fn raw(&mut self) -> Result<Option<&mut (dyn Any + Send)>> {
        self.session()?;
        let (session, is_raw_used) = (&mut self.session, &mut self.is_raw_used);
        let raw = session.as_mut().and_then(|session| session.raw());
        *is_raw_used |= raw.is_some();
        // Where there is none, nothing has begun.
        self.is_busy = raw.is_some();
        Ok(raw)
    }

    /// Ends the use of the driver's own connection.
    pub(crate) async fn end_raw(&mut self) {
        if let Some(session) = self.session.as_mut().filter(|_| self.is_busy) {
            own(session.end_raw()).await;
        }
        self.is_busy = false;
    }

    /// What the database has and lacks.
    #[must_use]
    pub fn features(&self) -> &'static Features {
        self.features
    }

    /// Limits the time of each of the following statements; `None` for that of the database.
    pub(crate) fn set_verb_timeout(&mut self, timeout: Option<Duration>) {
        self.verb_timeout = timeout;
    }

    /// The session, marked busy until [`Self::finish`].
    fn session(&mut self) -> Result<&mut Box<dyn Session>> {
        // The future of an earlier operation was dropped: its answer may still arrive, and would be taken for the next.
        if self.is_busy {
            return Err(self.abandoned());
        }
        // A statement sent now would run outside of any transaction, or in another one.
        if let Some(transaction) = &self.transaction {
            transaction.check("use a transaction")?;
        }
        match &mut self.session {
            Some(session) => {
                self.is_busy = true;
                Ok(session)
            }
            None => Err(Error::internal("a connection was used after its release")),
        }
    }

    fn abandoned(&self) -> Error {
        let remedy = match &self.transaction {
            Some(_) => "so its transaction can only be rolled back",
            None => "so it can only be released; use another one",
        };
        Error::new(
            ErrorKind::Connection,
            format!(
                "use a connection: an earlier statement on it was abandoned before it ended, {remedy}"
            ),
        )
    }

    /// How long the next statement of the verb may take.
    fn limit(&self) -> Result<Limit> {
        self.limit_of(self.verb_timeout.or(self.statement_timeout))
    }

    /// How long a statement of estoult itself may take, which belongs to no verb.
    fn control_limit(&self) -> Result<Limit> {
        self.limit_of(self.statement_timeout)
    }

    fn limit_of(&self, statement: Option<Duration>) -> Result<Limit> {
        let transaction = self.transaction.as_ref();
        let limit = Limit::new(statement, transaction.and_then(|open| open.deadline))?;
        Ok(self.driven(limit))
    }

    /// The same limit, which also ends when the runtime that drives the socket runs nothing.
    fn driven(&self, limit: Limit) -> Limit {
        let slot = self.slot.as_ref();
        limit.driven_by(slot.and_then(Slot::other_driver))
    }

    fn finish<T>(&mut self, outcome: TimeLimited<T>) -> Result<T> {
        let outcome = match outcome {
            Ok(outcome) => {
                self.is_busy = false;
                outcome
            }
            // Still busy: the future of the operation was dropped.
            Err(timed_out) => Err(timed_out),
        };
        if let (Some(transaction), Some(session)) = (&mut self.transaction, &self.session) {
            transaction.note(&**session, outcome.as_ref().err(), self.is_busy);
            return outcome.map_err(|error| transaction.explain(error));
        }
        outcome
    }

    pub(crate) async fn fetch(
        &mut self,
        statement: Statement,
        sink: Box<dyn Sink>,
    ) -> Result<Box<dyn Sink>> {
        let observed = self.observed(Operation::Statement, || Arc::clone(&statement.sql));
        let sink = observed.timed(sink);
        let fetched = match self.prepare(&statement).await {
            Ok((session, limit)) => {
                let outcome = limit.run(session.fetch(statement, sink)).await;
                self.finish(outcome)
            }
            Err(error) => Err(error),
        };
        observed.end_rows(fetched)
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
        let observed = self.observed(Operation::Statement, || Arc::clone(&statement.sql));
        let executed = match self.prepare(&statement).await {
            Ok((session, limit)) => {
                let outcome = limit.run(session.execute(statement)).await;
                self.finish(outcome)
            }
            Err(error) => Err(error),
        };
        observed.end(executed, |outcome| Some(outcome.rows_affected))
    }

    /// The session, ready for this statement, and how long that may take.
    async fn prepare(&mut self, statement: &Statement) -> Result<(&mut Box<dyn Session>, Limit)> {
        self.check_statement(statement)?;
        self.open_schemas(&statement.schemas).await?;
        let limit = self.limit()?.of_statement(statement);
        Ok((self.session()?, limit))
    }

    /// Opens the schemas that a statement is about, where a connection has to open each of them.
    async fn open_schemas(&mut self, schemas: &[Arc<str>]) -> Result<()> {
        // Fast path: only statements for SQLite name any.
        if schemas.is_empty() {
            return Ok(());
        }
        let limit = self.limit()?;
        let outcome = limit.run(self.session()?.open_schemas(schemas)).await;
        self.finish(outcome)
    }

    /// Makes a schema, where that is no statement.
    pub(crate) async fn create_schema(&mut self, name: &str) -> Result<()> {
        let outcome = own(self.session()?.create_schema(name)).await;
        self.finish(Ok(outcome))
    }

    /// Drops a schema with all that is in it, where that is no statement.
    pub(crate) async fn drop_schema(&mut self, name: &str) -> Result<()> {
        let outcome = own(self.session()?.drop_schema(name)).await;
        self.finish(Ok(outcome))
    }

    /// The names of the schemas, where no statement lists them.
    pub(crate) async fn schemas(&mut self) -> Result<Vec<String>> {
        let outcome = own(self.session()?.schemas()).await;
        self.finish(Ok(outcome))
    }

    /// Runs a script of the program's own.
    pub(crate) async fn batch(&mut self, script: &str, schemas: &[Arc<str>]) -> Result<()> {
        let observed = self.observed(Operation::Script, || Arc::from(script));
        let ran = self.send_batch(script, schemas).await;
        observed.end(ran, |()| None)
    }

    async fn send_batch(&mut self, script: &str, schemas: &[Arc<str>]) -> Result<()> {
        self.check_script(script)?;
        self.open_schemas(schemas).await?;
        let limit = self.limit()?;
        let outcome = limit.run(self.session()?.batch(script, schemas)).await;
        self.finish(outcome)
    }

    /// Runs independent statements, together where the database takes them so, and gives the outcome of each.
    pub(crate) async fn pipeline(
        &mut self,
        statements: Vec<WithSink>,
    ) -> Result<Vec<Result<Box<dyn Sink>>>> {
        if statements
            .iter()
            .any(|(statement, _)| !statement.schemas.is_empty())
        {
            return Ok(self.one_by_one(statements).await);
        }
        let texts = || {
            statements
                .iter()
                .map(|(statement, _)| Arc::clone(&statement.sql))
        };
        let observed = self.observed_all(Operation::Statement, texts);
        let timed = |(statement, sink)| (statement, observed.timed(sink));
        let statements = statements.into_iter().map(timed).collect();
        let outcomes = self.send_pipeline(statements).await;
        observed.end_all(outcomes)
    }

    async fn send_pipeline(
        &mut self,
        statements: Vec<WithSink>,
    ) -> Result<Vec<Result<Box<dyn Sink>>>> {
        for (statement, _) in &statements {
            self.check_statement(statement)?;
        }
        let limit = self.limit()?;
        let mut outcomes: Vec<_> = statements.iter().map(|_| None).collect();
        let session = self.session()?;
        let run = limit.run(async {
            session.pipeline(statements, &mut outcomes).await;
            Ok(())
        });
        let run = run.await;
        match self.finish(run) {
            // Those that were answered before the time was over have their outcome.
            Err(error) if !matches!(error.kind(), ErrorKind::Timeout) => Err(error),
            ended => Ok(self.outcomes(outcomes, ended.err())),
        }
    }

    /// Each statement may be about schemas of its own, which have to be opened before it.
    async fn one_by_one(&mut self, statements: Vec<WithSink>) -> Vec<Result<Box<dyn Sink>>> {
        let mut outcomes = Vec::with_capacity(statements.len());
        for (statement, sink) in statements {
            outcomes.push(self.fetch(statement, sink).await);
        }
        outcomes
    }

    /// Inserts rows with a COPY; `None`, with nothing inserted, where an INSERT has to do it.
    pub(crate) async fn copy_rows(
        &mut self,
        target: &CopyTarget,
        values: &[Datum],
    ) -> Result<Option<u64>> {
        let observed = self.observed(Operation::Statement, || Arc::clone(&target.statement));
        let copied = self.send_rows(target, values).await;
        if let Ok(None) = copied {
            observed.cancel();
            return copied;
        }
        observed.end(copied, |count| *count)
    }

    async fn send_rows(&mut self, target: &CopyTarget, values: &[Datum]) -> Result<Option<u64>> {
        let limit = self.limit()?;
        let outcome = limit.run(self.session()?.copy_rows(target, values)).await;
        self.finish(outcome)
    }

    /// Sends the data of a COPY; they may take any time.
    pub(crate) async fn copy_in(
        &mut self,
        statement: &str,
        data: &mut DataReader<'_>,
    ) -> Result<u64> {
        let observed = self.observed(Operation::Copy, || Arc::from(statement));
        let copied = match self.session() {
            Ok(session) => {
                let copied = own(session.copy_in(statement, data)).await;
                self.finish(Ok(copied))
            }
            Err(error) => Err(error),
        };
        observed.end(copied, |rows| Some(*rows))
    }

    /// Receives the data of a COPY; they may take any time.
    pub(crate) async fn copy_out(
        &mut self,
        statement: &str,
        to: &mut DataWriter<'_>,
    ) -> Result<u64> {
        let observed = self.observed(Operation::Copy, || Arc::from(statement));
        let copied = match self.session() {
            Ok(session) => {
                let copied = own(session.copy_out(statement, to)).await;
                self.finish(Ok(copied))
            }
            Err(error) => Err(error),
        };
        observed.end(copied, |rows| Some(*rows))
    }

    /// Waits for a message of another session. Nothing is owed meanwhile, so a dropped future leaves it idle.
    pub(crate) async fn notification(&mut self) -> Result<Notification> {
        match &mut self.session {
            Some(session) if !self.is_busy => own(session.notification()).await,
            _ => Err(self.abandoned()),
        }
    }

    /// Runs a statement of estoult itself, such as one that creates a schema.
    pub(crate) async fn control(&mut self, script: &str) -> Result<()> {
        self.control_as(Operation::Statement, script).await
    }

    async fn control_as(&mut self, operation: Operation, script: &str) -> Result<()> {
        let observed = self.observed(operation, || Arc::from(script));
        let ran = self.send_control(script).await;
        observed.end(ran, |()| None)
    }

    async fn send_control(&mut self, script: &str) -> Result<()> {
        let limit = self.control_limit()?;
        let outcome = limit.run(self.session()?.control(script)).await;
        self.finish(outcome)
    }

    /// Whether the session was opened for reading only, where the client library reports it.
    pub(crate) fn is_read_only(&self) -> bool {
        let session = self.session.as_ref();
        let reported = session.and_then(|session| session.is_read_only());
        reported.unwrap_or(false)
    }

    /// Whether a transaction is open, of estoult or of the program's own SQL.
    pub(crate) fn is_in_transaction(&self) -> bool {
        self.status().is_open()
    }

    /// Whether its session was in use before, so that the database may have closed it meanwhile.
    pub(crate) fn is_used_again(&self) -> bool {
        self.slot.as_ref().is_some_and(Slot::is_used_again)
    }

    fn status(&self) -> TransactionStatus {
        let session = self.session.as_ref();
        session.map_or(TransactionStatus::Idle, |session| session.transaction())
    }

    /// Closes the connection instead of releasing it.
    pub(crate) fn discard(&mut self) {
        self.release_as(Fate::Closed);
    }

    fn release_as(&mut self, fate: Fate) {
        // A transaction that the database has ended by itself may have left its mark on the session.
        let is_marked = self.is_busy || !self.end_suffix().is_empty();
        let (Some(mut session), Some(slot)) = (self.session.take(), self.slot.take()) else {
            return;
        };
        self.note_dropped_transaction();
        if session.is_broken() {
            if !self.is_busy {
                // The server closed it, and may have closed the other connections as well.
                slot.note_loss();
            }
            return slot.free();
        }
        let fate = if self.is_raw_used { Fate::Closed } else { fate };
        // Futures dropped half way and transactions that were not ended both lead to a recovery.
        let release = if is_marked {
            Release::Recover
        } else {
            session.release()
        };
        match (release, fate) {
            (Release::Recover, _) => pool::recover(session, slot, fate == Fate::Pooled),
            (Release::Pool, Fate::Pooled) => slot.release(session),
            (Release::Pool | Release::Close, _) => slot.close(session),
        }
    }
}

/// What becomes of the session of a connection that is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Pooled,
    Closed,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.release_as(Fate::Pooled);
    }
}
