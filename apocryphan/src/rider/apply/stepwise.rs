//! A migration statement by statement, for what cannot be in a transaction and for databases that
//! commit DDL by themselves. Only its rows in the history and the log are a transaction.

use std::time::Instant;

use estoult::Pinned;

use super::{Ended, Run, is_ignorable, place};
use crate::rider::{
    error::{Error, Result},
    failure::{Operation, Outcome},
    migration::{Unit, UnitWork},
    ready::Ready,
    report::Done,
};

pub(super) async fn run(run: &mut Run<'_>, migration: &Ready, begun: Instant) -> Result<Ended> {
    if let Some(ended) = already(run, migration).await? {
        return Ok(ended);
    }
    let session = run.database.pin().await;
    let session = session.map_err(|error| Error::database("connect", error))?;
    let result = steps(run, &session, migration).await;
    // What the steps have set for the session must reach nobody else.
    session.discard();
    let committed = result?;
    let id = migration.id.clone();
    let duration = begun.elapsed();
    match record(run, migration.operation, &Done { id, duration }).await {
        Ok(()) => Ok(Ended::Done(duration)),
        Err(error) => Err(run.failure(migration, None, Outcome::Committed(committed), error)),
    }
}

/// The places of the statements that were committed.
async fn steps(run: &mut Run<'_>, session: &Pinned, migration: &Ready) -> Result<Vec<String>> {
    let mut committed = Vec::new();
    for step in &migration.steps {
        for unit in &step.units {
            match one(run, session, unit).await {
                Ok(()) => committed.push(place(unit)),
                Err(error) if step.ignores_errors && is_ignorable(&error) => {
                    run.ignored(migration, step, (unit, error));
                    break;
                }
                Err(error) => {
                    let outcome = Outcome::Committed(committed);
                    return Err(run.failure(migration, Some((step, unit)), outcome, error));
                }
            }
        }
    }
    Ok(committed)
}

/// Another run may have been here between the plan and now.
async fn already(run: &Run<'_>, migration: &Ready) -> Result<Option<Ended>> {
    let history = run.history.applied(run.database).await?;
    let has = history.iter().any(|row| row.id == migration.id);
    match migration.operation {
        Operation::Apply if has => Ok(Some(Ended::Already)),
        Operation::Rollback if !has => Err(run.overtaken(migration)),
        Operation::Apply | Operation::Rollback => Ok(None),
    }
}

/// A function has a transaction, and a connection, of its own.
async fn one(run: &Run<'_>, session: &Pinned, unit: &Unit) -> estoult::Result<()> {
    match &unit.work {
        UnitWork::Statement(text) => estoult::batch(session, text).await,
        UnitWork::Call(call) => {
            let tx = run.database.begin().await?;
            match call.run(&tx).await {
                Ok(()) => tx.commit().await,
                Err(error) => {
                    tx.rollback().await?;
                    Err(error)
                }
            }
        }
    }
}

async fn record(run: &Run<'_>, operation: Operation, done: &Done) -> estoult::Result<()> {
    let tx = run.database.begin().await?;
    run.history.record(&tx, operation, done).await?;
    tx.commit().await
}
