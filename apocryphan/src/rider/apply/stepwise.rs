//! A migration statement by statement, for what cannot run in a transaction, such as an index that is built
//! concurrently, and for databases that commit DDL implicitly.
//!
//! Each statement is committed by itself, and the history is written last. A run that fails or is killed in between
//! leaves what it has committed and no row in the history; the next run begins with the first statement again.

use std::time::Instant;

use estoult::{Pinned, batch};

use super::run::{MigrationOutcome, Run, is_ignorable, rolled_back_elsewhere};
use crate::rider::{
    error::{Error, Result},
    event::CompletedMigration,
    failure::{Operation, Outcome},
    prepared::Prepared,
    statement::{StatementBody, StepStatement},
    step::Call,
};

pub(super) async fn run(
    run: &mut Run<'_>,
    migration: &Prepared,
    started: Instant,
) -> Result<MigrationOutcome> {
    if let Some(outcome) = already_done(run, migration).await? {
        return Ok(outcome);
    }
    // One session for all statements, since `set` and temporary tables last from one to the next.
    let session = run.settings.database.pin().await;
    let session = session.map_err(|error| Error::database("connect", error))?;
    let result = run_steps(run, &session, migration).await;
    // What the statements have set for the session must not reach the next borrower of the connection.
    session.discard();
    let committed = result?;
    let duration = started.elapsed();
    let completed = CompletedMigration::new(&migration.id, duration);
    match record(run, migration.operation, &completed).await {
        Ok(()) => Ok(MigrationOutcome::Completed(duration)),
        // The migration is done, but the next run would do it again; the error lists what to undo.
        Err(error) => Err(run.failure(migration, None, Outcome::Committed(committed), error)),
    }
}

/// Runs all statements, and returns the locations of those that were committed.
async fn run_steps(
    run: &mut Run<'_>,
    session: &Pinned,
    migration: &Prepared,
) -> Result<Vec<String>> {
    let mut committed = Vec::new();
    for step in &migration.steps {
        for statement in &step.statements {
            match run_statement(run, session, statement).await {
                Ok(()) => committed.push(statement.location()),
                // As in a transaction, the rest of the step is skipped.
                Err(error) if step.ignores_errors && is_ignorable(&error) => {
                    run.ignored(migration, (step, statement), error);
                    break;
                }
                Err(error) => {
                    let outcome = Outcome::Committed(committed);
                    return Err(run.failure(migration, Some((step, statement)), outcome, error));
                }
            }
        }
    }
    Ok(committed)
}

/// Another run may have been here between the plan and now, where the lock of this one is a file that was locked after
/// the plan was made.
async fn already_done(run: &Run<'_>, migration: &Prepared) -> Result<Option<MigrationOutcome>> {
    let rows = run.history.rows(run.settings.database).await?;
    let is_applied = rows.iter().any(|row| row.id == migration.id);
    match migration.operation {
        Operation::Apply if is_applied => Ok(Some(MigrationOutcome::AlreadyApplied)),
        Operation::Rollback if !is_applied => Err(rolled_back_elsewhere(migration)),
        Operation::Apply | Operation::Rollback => Ok(None),
    }
}

/// Runs a statement on the session. A function takes a transaction, which needs a connection of its own: the session
/// has to stay as the statements before have set it.
async fn run_statement(
    run: &Run<'_>,
    session: &Pinned,
    statement: &StepStatement,
) -> estoult::Result<()> {
    match &statement.body {
        // Outside of a transaction: the statement either refuses to run in one or would commit it.
        StatementBody::Sql(text) => batch(session, text).await,
        StatementBody::Call(call) => run_call(run, call).await,
    }
}

async fn run_call(run: &Run<'_>, call: &Call) -> estoult::Result<()> {
    let tx = run.settings.database.begin().await?;
    let result = call.run(&tx).await;
    if result.is_ok() {
        return tx.commit().await;
    }
    // The error of the function says more than that of the rollback, which follows from it.
    if let Err(error) = tx.rollback().await {
        tracing::warn!(%error, "the transaction ends with its connection");
    }
    result
}

/// The rows in the history and the log are one transaction, so that they agree.
async fn record(
    run: &Run<'_>,
    operation: Operation,
    completed: &CompletedMigration,
) -> estoult::Result<()> {
    let tx = run.settings.database.begin().await?;
    run.history.record(&tx, operation, completed).await?;
    tx.commit().await
}
