//! How the transaction of a connection begins and ends.

use std::{sync::Arc, time::Instant};

use super::{
    Connection, TransactionOptions,
    limit::{Deadline, Limit, TimeLimited},
    open_transaction::{Failure, OpenTransaction},
};
use crate::{
    backend::TransactionStatus,
    error::{Error, ErrorKind, Result},
    observe::Operation,
    pool::RECOVER_WITHIN,
    runtime::{check_timers, within},
};

impl Connection {
    /// Begins a transaction. When the future is dropped half way, the connection stays busy and has to recover.
    pub(crate) async fn begin(&mut self, options: &TransactionOptions) -> Result<()> {
        let features = self.features;
        let observed = self.observed(Operation::Begin, || {
            // Settings that the database lacks are the error of the event itself.
            Arc::from(options.begin_statement(features).unwrap_or_default())
        });
        let begun = self.send_begin(options).await;
        observed.end(begun, |()| None)
    }

    async fn send_begin(&mut self, options: &TransactionOptions) -> Result<()> {
        let statement = options.begin_statement(self.features)?;
        let deadline = options.timeout.and_then(|whole| {
            // A time beyond the range of the clock is no limit.
            let end = Instant::now().checked_add(whole)?;
            Some(Deadline { end, whole })
        });
        let limit = self.driven(Limit::new(self.statement_timeout, deadline)?);
        let session = self.session()?;
        let beginning = async {
            session.begin(&statement, options.schema.as_ref()).await?;
            if options.variables.is_empty() {
                return Ok(());
            }
            session.set_variables(&options.variables).await
        };
        let begun = limit.run(beginning).await;
        self.transaction = Some(Box::new(OpenTransaction {
            ended_before: self.transactions_ended(),
            failure: None,
            lost: None,
            end_suffix: options.end_suffix(self.features),
            is_read_only: options.is_read_only || options.is_session_read_only,
            deadline,
            origin: self.call_site(),
        }));
        let begun = self.settle(begun);
        if begun.is_err() && self.is_clean() {
            // The server answered, and refused it: no transaction is open.
            self.end_transaction();
        } else {
            self.note_transaction(true);
        }
        begun
    }

    /// Begins a savepoint.
    pub(crate) async fn begin_savepoint(&mut self, statement: &str) -> Result<()> {
        let observed = self.observed(Operation::Savepoint, || Arc::from(statement));
        let begun = self.send_savepoint(statement).await;
        observed.end(begun, |()| None)
    }

    async fn send_savepoint(&mut self, statement: &str) -> Result<()> {
        let limit = self.control_limit()?;
        let outcome = limit.run(self.session()?.begin(statement, None)).await;
        self.finish(outcome)
    }

    /// Releases a savepoint.
    pub(crate) async fn release_savepoint(&mut self, statement: &str) -> Result<()> {
        self.control_as(Operation::Savepoint, statement).await
    }

    /// Ends the transaction with COMMIT.
    pub(crate) async fn commit(&mut self) -> Result<()> {
        let observed = self.observed(Operation::Commit, || Arc::from("commit"));
        let committed = self.send_commit().await;
        observed.end(committed, |()| None)
    }

    async fn send_commit(&mut self) -> Result<()> {
        if let Some(transaction) = &self.transaction {
            transaction.check("commit a transaction")?;
        }
        if self.is_broken() {
            return Err(Error::new(
                ErrorKind::Connection,
                "commit a transaction: its connection was lost before, so the database has rolled it back; run it \
                 again",
            ));
        }
        if self.status() == TransactionStatus::Failed {
            return self.roll_back_failed().await;
        }
        let (limit, suffix) = (self.control_limit()?, self.end_suffix());
        let statement = format!("commit{suffix}");
        if let Err(error) = self.session()?.prepare() {
            // Nothing was sent, so nothing was committed.
            return self.settle(Ok(Err(error)));
        }
        let Some(session) = &mut self.session else {
            return Err(Error::internal("a connection was used after its release"));
        };
        let committed = limit.run(session.control(&statement)).await;
        let committed = match self.settle(committed) {
            Err(error) if !self.kept_nothing(&error) => Err(unknown_commit(error)),
            settled => settled,
        };
        // After an answer the session tells whether it is still open; if it is, the release rolls it back.
        if committed.is_ok() || self.is_clean() && suffix.is_empty() {
            self.end_transaction();
        }
        committed
    }

    /// The end of a transaction that a failed statement has aborted: COMMIT would keep nothing of it.
    async fn roll_back_failed(&mut self) -> Result<()> {
        let failure = self
            .transaction
            .as_mut()
            .and_then(|open| open.failure.take());
        self.roll_back().await?;
        let Failure { kind, message } = failure.unwrap_or_else(|| Failure {
            kind: ErrorKind::Query,
            message: "the database has aborted it".to_owned(),
        });
        Err(Error::new(
            kind,
            format!(
                "commit a transaction: a statement in it failed ({message}), so the database has rolled back all of \
                 it; run what may fail in a savepoint, with `tx.transaction(…)`"
            ),
        ))
    }

    /// Ends the transaction with ROLLBACK, also after a statement was abandoned in it.
    pub(crate) async fn roll_back(&mut self) -> Result<()> {
        let observed = self.observed(Operation::Rollback, || Arc::from("rollback"));
        let rolled_back = self.send_rollback().await;
        observed.end(rolled_back, |()| None)
    }

    /// Reports a transaction that was neither committed nor rolled back: its rollback follows in the background.
    pub(super) fn note_dropped_transaction(&mut self) {
        if self.transaction.is_some() {
            drop(self.observed(Operation::Rollback, || Arc::from("rollback")));
        }
    }

    async fn send_rollback(&mut self) -> Result<()> {
        let is_abandoned = self.is_busy;
        let (suffix, limit) = (self.end_suffix(), self.rollback_limit());
        // A broken session answers with the reason why it is.
        let has_to_answer = self.is_in_transaction() || self.is_broken();
        let Some(session) = &mut self.session else {
            return Err(Error::internal("a connection was used after its release"));
        };
        self.is_busy = true;
        let outcome: TimeLimited<()> = if is_abandoned {
            // The release recovers it where there are timers.
            check_timers()?;
            // What the session has left to do is not known here, nor how long the database takes to end it.
            let recovered = within(RECOVER_WITHIN, session.recover()).await;
            recovered.ok_or_else(not_recovered)
        } else if has_to_answer {
            limit
                .run(session.control(&format!("rollback{suffix}")))
                .await
        } else if suffix.is_empty() {
            // The database has ended it before.
            Ok(Ok(()))
        } else {
            limit
                .run(session.control(suffix.trim_start_matches("; ")))
                .await
        };
        let outcome = self.settle(outcome);
        if outcome.is_ok() {
            self.end_transaction();
        }
        outcome
    }

    /// How long a ROLLBACK may take where the program limits what it waits for. The transaction's own time may be over.
    fn rollback_limit(&self) -> Limit {
        let is_limited = self
            .transaction
            .as_ref()
            .is_some_and(|open| open.deadline.is_some());
        self.driven(Limit::of(
            self.statement_timeout
                .or(is_limited.then_some(RECOVER_WITHIN)),
        ))
    }

    /// Rolls back to a savepoint, and forgets the failures since then.
    pub(crate) async fn roll_back_to(&mut self, statement: &str) -> Result<()> {
        self.control_as(Operation::Savepoint, statement).await?;
        if let Some(transaction) = &mut self.transaction {
            transaction.failure = None;
        }
        Ok(())
    }

    /// The outcome of an operation that begins or ends a transaction.
    fn settle<T>(&mut self, outcome: TimeLimited<T>) -> Result<T> {
        // Busy until there was an answer.
        self.is_busy = outcome.is_err();
        outcome.unwrap_or_else(Err)
    }

    fn end_transaction(&mut self) {
        self.transaction = None;
        self.note_transaction(false);
    }

    fn note_transaction(&self, is_open: bool) {
        if let Some(slot) = &self.slot {
            slot.note_transaction(is_open);
        }
    }

    pub(super) fn end_suffix(&self) -> &'static str {
        self.transaction.as_ref().map_or("", |open| open.end_suffix)
    }

    fn transactions_ended(&self) -> u64 {
        let session = self.session.as_ref();
        session.map_or(0, |session| session.transactions_ended())
    }

    fn kept_nothing(&self, error: &Error) -> bool {
        let session = self.session.as_ref();
        session.is_some_and(|session| session.kept_nothing(error))
    }

    fn is_broken(&self) -> bool {
        let session = self.session.as_ref();
        session.is_none_or(|session| session.is_broken())
    }

    /// Whether the session has answered, and has no transaction open.
    fn is_clean(&self) -> bool {
        !self.is_busy && !self.is_broken() && !self.is_in_transaction()
    }
}

fn not_recovered() -> Error {
    Error::new(
        ErrorKind::Connection,
        format!(
            "roll back a transaction: the database has not ended an abandoned statement within {RECOVER_WITHIN:?}; its \
             connection is closed, and the transaction ends with it"
        ),
    )
}

/// The error of a COMMIT that was sent and not answered.
fn unknown_commit(error: Error) -> Error {
    if !matches!(error.kind(), ErrorKind::Connection | ErrorKind::Timeout) {
        return error;
    }
    let reason = match error.kind() {
        ErrorKind::Timeout => "its time was over",
        _ => "the connection was lost",
    };
    let message = format!(
        "commit a transaction: {reason} before COMMIT was answered, so whether it took effect is not known; read what \
         it wrote before running it again",
    );
    error.reported_as(ErrorKind::CommitUnknown, message)
}
