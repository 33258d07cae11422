//! What the rest of estoult asks of a session.

use std::sync::Arc;

use async_trait::async_trait;
use postgres_protocol::message::frontend;

use super::{classify::aborted, part::Tag, rows::RowTaker, session::PostgresSession};
use crate::{
    backend::{
        CopyTarget, DataReader, DataWriter, Features, Notification, Outcome, Release, Session,
        Statement, TransactionStatus, WithSink,
    },
    error::{Error, ErrorKind, Result},
    row::Sink,
    sql::{Control, Dialect, control, texts},
    value::Datum,
};

/// Sets a variable for the transaction, as SET LOCAL does.
pub(super) const SET_VARIABLE: &str = "select set_config($1, $2, true)";

#[async_trait]
impl Session for PostgresSession {
    fn features(&self) -> &'static Features {
        Dialect::Postgres.features()
    }

    async fn fetch(&mut self, statement: Statement, sink: Box<dyn Sink>) -> Result<Box<dyn Sink>> {
        let (part, rows) = self.run_rows(&statement, RowTaker::new(sink)).await?;
        self.finish_rows(Some(part), rows, &statement).await
    }

    async fn execute(&mut self, statement: Statement) -> Result<Outcome> {
        let part = self.run(&statement, &mut |_, _| Ok(())).await?;
        Ok(Outcome {
            rows_affected: part.rows_affected(),
            last_insert_id: None,
        })
    }

    async fn batch(&mut self, script: &str, _: &[Arc<str>]) -> Result<()> {
        self.begin_unit().await?;
        let ran = self.run_script(script).await;
        ran.map_err(|failure| self.fail(failure, &Statement::plain(script)))
    }

    async fn control(&mut self, script: &str) -> Result<()> {
        if self.withdraw(script) {
            return Ok(());
        }
        self.prepare_to_send()?;
        // Fast path: most are one statement. A name may have a semicolon, so where there is one the text is read.
        let texts: Vec<_> = match script.contains(';') {
            false => vec![script],
            true => texts(script, Dialect::Postgres.syntax()).collect(),
        };
        let parts = self.run_control(&texts).await?;
        // The server answers COMMIT in an aborted transaction with ROLLBACK, and no error ("COMMIT").
        let is_commit = texts.first().is_some_and(|text| {
            let syntax = Dialect::Postgres.syntax();
            matches!(control(text, syntax), Control::Commit { .. })
        });
        let is_committed = parts.iter().any(|part| part.tag == Tag::Commit);
        if is_commit && !is_committed {
            return Err(Error::new(
                ErrorKind::Query,
                "commit a transaction: the database rolled it back, since a statement in it had failed; run what may \
                 fail in a savepoint, with `tx.transaction(…)`",
            ));
        }
        Ok(())
    }

    async fn begin(&mut self, script: &str, _: Option<&Arc<str>>) -> Result<()> {
        self.prepare_to_send()?;
        if self.wire.status == TransactionStatus::Failed {
            // What was deferred now would only fail later.
            return Err(aborted());
        }
        self.check_alive().await?;
        self.deferred.push(Statement::plain(script));
        Ok(())
    }

    async fn set_variables(&mut self, variables: &[(String, String)]) -> Result<()> {
        let statements = variables.iter().map(|(name, value)| Statement {
            values: vec![Datum::Text(name.clone()), Datum::Text(value.clone())],
            ..Statement::plain(SET_VARIABLE)
        });
        // They travel with BEGIN, and hold until the transaction ends.
        self.deferred.extend(statements);
        Ok(())
    }

    async fn pipeline(
        &mut self,
        statements: Vec<WithSink>,
        outcomes: &mut [Option<Result<Box<dyn Sink>>>],
    ) {
        self.run_pipeline(statements, outcomes).await;
    }

    async fn copy_rows(&mut self, target: &CopyTarget, values: &[Datum]) -> Result<Option<u64>> {
        self.insert_by_copy(target, values).await
    }

    async fn copy_in(&mut self, statement: &str, data: &mut DataReader<'_>) -> Result<u64> {
        self.send_copy(statement, data).await
    }

    async fn copy_out(&mut self, statement: &str, to: &mut DataWriter<'_>) -> Result<u64> {
        self.receive_copy(statement, to).await
    }

    async fn notification(&mut self) -> Result<Notification> {
        loop {
            // Those that have arrived go before what ends the session, which comes behind them.
            if let Some(notification) = self.wire.notifications.pop_front() {
                return Ok(notification);
            }
            let taken = match self.prepare_to_send() {
                Ok(()) => self.wait_unasked().await,
                Err(error) => Err(error),
            };
            if self.wire.notifications.is_empty() {
                taken?;
            }
        }
    }

    fn prepare(&mut self) -> Result<()> {
        self.prepare_to_send()
    }

    fn kept_nothing(&self, error: &Error) -> bool {
        match error.code() {
            // "idle_in_transaction_session_timeout", which a server that works on a COMMIT does not answer.
            Some("25P03") => true,
            // The server has cancelled it; it takes no cancellation once a COMMIT counts.
            Some("57014") => !self.wire.is_lost(),
            _ => false,
        }
    }

    async fn ping(&mut self) -> Result<()> {
        self.prepare_to_send()?;
        self.wire.queue_sync();
        let outcome = self.answers(&mut [], &[], &mut |_, _| Ok(())).await;
        outcome.map_err(|failure| self.fail(failure, &Statement::plain("")))
    }

    fn is_broken(&self) -> bool {
        self.wire.is_lost()
    }

    fn transaction(&self) -> TransactionStatus {
        self.status()
    }

    fn transactions_ended(&self) -> u64 {
        self.transactions_ended
    }

    async fn recover(&mut self) -> Result<()> {
        self.recover_now().await
    }

    fn is_prepared(&self) -> bool {
        self.is_prepared
    }

    fn note_prepared(&mut self) {
        (self.is_changed, self.is_prepared) = (false, true);
    }

    fn release(&mut self) -> Release {
        // A transaction that was only meant to begin has not begun.
        self.deferred.clear();
        self.wire.shrink();
        let is_asking = self.asking.is_some();
        if self.is_changed || is_asking || self.wire.status.is_open() {
            Release::Recover
        } else {
            Release::Pool
        }
    }

    async fn close(mut self: Box<Self>) {
        // A connection that is given up is closed as it is; no caller waits for the outcome.
        if self.prepare_to_send().is_ok() {
            frontend::terminate(&mut self.wire.out);
            let _ = self.wire.flush().await;
        }
    }
}
