//! A migration in one transaction: its steps, its row in the history and its row in the log.
//!
//! Committed, all of it is done. Failed or killed before the commit, the database rolls all of it back. Only when the
//! connection breaks during the commit is the outcome unknown.

use std::time::Instant;

use estoult::{ErrorKind as DatabaseErrorKind, Transaction, batch};

use super::run::{MigrationOutcome, Run, is_ignorable, rolled_back_elsewhere};
use crate::rider::{
    error::{Error, Result},
    event::CompletedMigration,
    failure::{Operation, Outcome},
    lock,
    prepared::{Prepared, PreparedStep},
    statement::{StatementBody, StepStatement},
};

/// The statement that failed and why.
type FailedStatement<'s> = (&'s StepStatement, estoult::Error);

pub(super) async fn run(
    run: &mut Run<'_>,
    migration: &Prepared,
    started: Instant,
) -> Result<MigrationOutcome> {
    let tx = lock::begin(run.settings.database, run.settings.lock_wait).await?;
    if let Some(outcome) = already_done(run, &tx, migration).await? {
        let rolled_back = tx.rollback().await;
        rolled_back.map_err(|error| Error::database("roll back", error))?;
        return Ok(outcome);
    }
    for step in &migration.steps {
        if let Err((statement, error)) = run_step(run, &tx, migration, step).await {
            let at = Some((step, statement));
            return Err(give_up(run, tx, migration, at, error).await);
        }
    }
    let duration = started.elapsed();
    let completed = CompletedMigration::new(&migration.id, duration);
    if let Err(error) = record(run, &tx, migration.operation, &completed).await {
        return Err(give_up(run, tx, migration, None, error).await);
    }
    match tx.commit().await {
        // The duration leaves the commit out, since it is written before.
        Ok(()) => Ok(MigrationOutcome::Completed(duration)),
        Err(error) => {
            let outcome = match error.kind() {
                // The server may have committed before the answer was lost.
                DatabaseErrorKind::CommitUnknown => Outcome::Unknown,
                _ => Outcome::RolledBack,
            };
            Err(run.failure(migration, None, outcome, error))
        }
    }
}

/// Looks again inside of the transaction: where it is the lock, another run may have been here since the plan was made.
async fn already_done(
    run: &Run<'_>,
    tx: &Transaction,
    migration: &Prepared,
) -> Result<Option<MigrationOutcome>> {
    let is_applied = run.history.contains(tx, &migration.id).await;
    let is_applied = is_applied.map_err(|error| Error::database("read the history", error))?;
    match migration.operation {
        Operation::Apply if is_applied => Ok(Some(MigrationOutcome::AlreadyApplied)),
        Operation::Rollback if !is_applied => Err(rolled_back_elsewhere(migration)),
        Operation::Apply | Operation::Rollback => Ok(None),
    }
}

/// Writes the history. What the steps have set for the session is reset before: another search path would make it write
/// to other tables, and the connection goes back to the pool.
async fn record(
    run: &Run<'_>,
    tx: &Transaction,
    operation: Operation,
    completed: &CompletedMigration,
) -> estoult::Result<()> {
    if let Some(reset) = run.description.rider.reset {
        batch(tx, reset).await?;
    }
    run.history.record(tx, operation, completed).await
}

async fn give_up(
    run: &Run<'_>,
    tx: Transaction,
    migration: &Prepared,
    at: Option<(&PreparedStep, &StepStatement)>,
    error: estoult::Error,
) -> Error {
    // The database rolls back what it can't be told to, when the connection ends.
    if let Err(error) = tx.rollback().await {
        tracing::warn!(%error, "the transaction ends with its connection");
    }
    run.failure(migration, at, Outcome::RolledBack, error)
}

/// Runs a step. One whose errors are ignored has a savepoint: PostgreSQL refuses every statement after a failed one
/// until the transaction is rolled back to a point before it.
async fn run_step<'s>(
    run: &mut Run<'_>,
    tx: &Transaction,
    migration: &Prepared,
    step: &'s PreparedStep,
) -> Result<(), FailedStatement<'s>> {
    let Some(first) = step.statements.first() else {
        return Ok(());
    };
    if !step.ignores_errors {
        return run_statements(tx, step).await;
    }
    // A savepoint is written nowhere in the migration, so its errors are those of the first statement.
    let at_first = |error| (first, error);
    let savepoint = tx.savepoint().await.map_err(at_first)?;
    match run_statements(&savepoint, step).await {
        Ok(()) => savepoint.commit().await.map_err(at_first),
        Err((statement, error)) if is_ignorable(&error) => {
            let rolled_back = savepoint.rollback().await;
            rolled_back.map_err(|error| (statement, error))?;
            run.ignored(migration, (step, statement), error);
            Ok(())
        }
        Err(failed) => Err(failed),
    }
}

async fn run_statements<'s>(
    tx: &Transaction,
    step: &'s PreparedStep,
) -> Result<(), FailedStatement<'s>> {
    for statement in &step.statements {
        let result = match &statement.body {
            // Sent as plain text: some statements can't be prepared, and none has parameters.
            StatementBody::Sql(text) => batch(tx, text).await,
            StatementBody::Call(call) => call.run(tx).await,
        };
        result.map_err(|error| (statement, error))?;
    }
    Ok(())
}
