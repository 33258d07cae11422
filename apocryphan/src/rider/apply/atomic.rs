//! A migration in one transaction: its steps, its row in the history and its row in the log.

use std::time::Instant;

use estoult::Transaction;

use super::{Ended, Run, is_ignorable};
use crate::rider::{
    error::{Error, Result},
    failure::{Operation, Outcome},
    lock,
    migration::{Unit, UnitWork},
    ready::{Ready, Work},
    report::Done,
};

/// The unit that failed and why.
type Broken<'w> = (&'w Unit, estoult::Error);

pub(super) async fn run(run: &mut Run<'_>, migration: &Ready, begun: Instant) -> Result<Ended> {
    let tx = lock::begin(run.rider).await?;
    let has = run.history.has(&tx, &migration.id).await;
    let has = has.map_err(|error| Error::database("read the history", error))?;
    if has == (migration.operation == Operation::Apply) {
        tx.rollback()
            .await
            .map_err(|error| Error::database("roll back", error))?;
        return match migration.operation {
            Operation::Apply => Ok(Ended::Already),
            Operation::Rollback => Err(run.overtaken(migration)),
        };
    }
    for step in &migration.steps {
        if let Err((unit, error)) = one_step(run, &tx, migration, step).await {
            return Err(give_up(run, tx, migration, Some((step, unit)), error).await);
        }
    }
    let id = migration.id.clone();
    let duration = begun.elapsed();
    if let Err(error) = record(run, &tx, migration.operation, &Done { id, duration }).await {
        return Err(give_up(run, tx, migration, None, error).await);
    }
    match tx.commit().await {
        Ok(()) => Ok(Ended::Done(duration)),
        Err(error) => {
            let outcome = match error.kind() {
                estoult::ErrorKind::Connection | estoult::ErrorKind::Timeout => Outcome::Unknown,
                _ => Outcome::RolledBack,
            };
            Err(run.failure(migration, None, outcome, error))
        }
    }
}

/// Undoes what the steps may have set for the session, then writes down what they did.
async fn record(
    run: &Run<'_>,
    tx: &Transaction,
    operation: Operation,
    done: &Done,
) -> estoult::Result<()> {
    if let Some(reset) = run.differences.reset {
        estoult::batch(tx, reset).await?;
    }
    run.history.record(tx, operation, done).await
}

async fn give_up(
    run: &Run<'_>,
    tx: Transaction,
    migration: &Ready,
    at: Option<(&Work, &Unit)>,
    error: estoult::Error,
) -> Error {
    if let Err(error) = tx.rollback().await {
        tracing::warn!(%error, "the transaction ends with its connection");
    }
    run.failure(migration, at, Outcome::RolledBack, error)
}

/// A step that may fail has a savepoint of its own.
async fn one_step<'w>(
    run: &mut Run<'_>,
    tx: &Transaction,
    migration: &Ready,
    step: &'w Work,
) -> Result<(), Broken<'w>> {
    if !step.ignores_errors {
        return units(tx, step).await;
    }
    let first = step.units.first();
    let unplaced = |error| first.map_or(Ok(()), |unit| Err((unit, error)));
    let savepoint = match tx.savepoint().await {
        Ok(savepoint) => savepoint,
        Err(error) => return unplaced(error),
    };
    match units(&savepoint, step).await {
        Ok(()) => savepoint.commit().await.or_else(unplaced),
        Err((unit, error)) if is_ignorable(&error) => {
            savepoint.rollback().await.map_err(|error| (unit, error))?;
            run.ignored(migration, step, (unit, error));
            Ok(())
        }
        Err(broken) => Err(broken),
    }
}

async fn units<'w>(tx: &Transaction, step: &'w Work) -> Result<(), Broken<'w>> {
    for unit in &step.units {
        let result = match &unit.work {
            UnitWork::Statement(text) => estoult::batch(tx, text).await,
            UnitWork::Call(call) => call.run(tx).await,
        };
        result.map_err(|error| (unit, error))?;
    }
    Ok(())
}
