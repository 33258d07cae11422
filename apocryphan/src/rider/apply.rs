//! A run in stages: lock, plan, then one migration after another.

mod atomic;
mod run;
mod stepwise;

use std::time::Instant;

use estoult::{Database, batch, sql};

pub(super) use self::run::RunSettings;
use self::run::{MigrationOutcome, Run, description};
use super::{
    applied::{Applied, HistoryRow},
    error::{Error, Result},
    event::Event,
    failure::Operation,
    history::History,
    lock,
    plan::Request,
    prepared::{self, Prepared},
    report::{Report, State, Status},
};
use crate::backend::LockMethod;

/// Applies or rolls back what the request chooses.
pub(super) async fn run(settings: RunSettings<'_>, request: Request<'_>) -> Result<Report> {
    let work = async {
        let mut run = Run::open(settings).await?;
        let result = run.execute(request).await;
        run.close(result).await
    };
    connected(settings.database, work).await
}

/// Keeps the database connected while it works, whether the caller has connected it or not.
async fn connected<T>(database: &Database, work: impl Future<Output = Result<T>>) -> Result<T> {
    let lifespan = database.connect().await;
    let lifespan = lifespan.map_err(|error| Error::database("connect", error))?;
    let result = work.await;
    // The work is done by then, so a connection that is still in use does not make it fail.
    if let Err(error) = lifespan.close().await {
        tracing::debug!(%error, "a connection was still in use after a run");
    }
    result
}

/// Lists all migrations; writes nothing, and so needs no lock.
pub(super) async fn status(settings: RunSettings<'_>) -> Result<Vec<Status>> {
    let RunSettings {
        database,
        config,
        migrations,
        ..
    } = settings;
    let rows = connected(database, async {
        let history = History::find(database, description(database)?, config).await?;
        history.rows(database).await
    });
    let rows = rows.await?;
    let mut list: Vec<Status> = Vec::with_capacity(migrations.entries().len());
    for (index, entry) in migrations.entries().iter().enumerate() {
        let row = rows.iter().find(|row| row.id == entry.id());
        list.push(Status {
            index: Some(index),
            id: entry.id().to_owned(),
            message: entry.message().to_owned(),
            depends: entry.header.depends.clone(),
            state: match row {
                Some(_) => State::Applied,
                None => State::Pending,
            },
            applied_at: row.and_then(|row| row.applied_at),
            duration: row.and_then(|row| row.duration),
        });
    }
    let missing = rows
        .into_iter()
        .filter(|row| migrations.index_of(&row.id).is_none());
    list.extend(missing.map(missing_status));
    Ok(list)
}

fn missing_status(row: HistoryRow) -> Status {
    Status {
        index: None,
        message: row.id.clone(),
        id: row.id,
        depends: Vec::new(),
        state: State::Missing,
        applied_at: row.applied_at,
        duration: row.duration,
    }
}

impl Run<'_> {
    /// Everything is checked before the first migration runs, so that a mistake in the last one changes nothing.
    async fn execute(&mut self, request: Request<'_>) -> Result<()> {
        self.create_tables().await?;
        let migrations = self.settings.migrations;
        let indexes = request.choose(migrations, &self.applied().await?)?;
        let all = self.prepare(&indexes, request.operation())?;
        // An empty migration would be applied and never run again once its author has written it.
        match request {
            Request::Migrate(_) => prepared::check_filled(migrations, &all)?,
            Request::Rollback(_) if request.allows_irreversible() => {}
            Request::Rollback(_) => prepared::check_reversible(&all)?,
        }
        self.check_connections(&all)?;
        self.lock_file(&all).await?;
        for migration in &all {
            self.migration(migration).await?;
        }
        // Read again: another run may have applied some of the planned ones while this one waited.
        let applied = self.applied().await?;
        self.report.pending = applied.pending(migrations).len();
        self.report.missing = applied.missing.into_iter().map(|row| row.id).collect();
        Ok(())
    }

    /// Creates rider's tables where they are missing. Two first runs may both miss them: where a transaction is the
    /// lock, they are looked for again inside of it.
    async fn create_tables(&self) -> Result<()> {
        let failed = |error| Error::database("create rider's tables", error);
        let RunSettings {
            database,
            lock_wait,
            ..
        } = self.settings;
        // Looking first keeps a run with nothing to do from writing, and from waiting for those that write.
        let missing = self.history.missing_tables(database).await?;
        if missing.is_empty() {
            return Ok(());
        }
        if !database.dialect().features().transactional_ddl {
            // Each statement commits by itself there, and the lock is none of a transaction.
            for statement in missing {
                batch(database, &statement).await.map_err(failed)?;
            }
            return Ok(());
        }
        let tx = lock::begin(database, lock_wait).await?;
        for statement in self.history.missing_tables(&tx).await? {
            batch(&tx, &statement).await.map_err(failed)?;
        }
        tx.commit().await.map_err(failed)
    }

    /// Locks a file where a transaction is the lock and some migration runs outside of one.
    async fn lock_file(&mut self, all: &[Prepared]) -> Result<()> {
        let LockMethod::File(select) = self.description.rider.lock else {
            return Ok(());
        };
        if all.iter().all(|migration| migration.is_atomic) {
            return Ok(());
        }
        let path = sql(select).one::<(String,)>(self.settings.database).await;
        let (path,) = path.map_err(|error| Error::database("find the database's file", error))?;
        // A database in memory has no path, and no other process can reach it.
        if !path.is_empty() {
            self.file = Some(lock::lock_file(&path, self.settings.lock_wait).await?);
        }
        Ok(())
    }

    async fn applied(&self) -> Result<Applied> {
        let rows = self.history.rows(self.settings.database).await?;
        Ok(Applied::new(self.settings.migrations, rows))
    }

    fn prepare(&self, indexes: &[usize], operation: Operation) -> Result<Vec<Prepared>> {
        let RunSettings {
            database,
            migrations,
            ..
        } = self.settings;
        let has_transactional_ddl = database.dialect().features().transactional_ddl;
        let target = (self.description, has_transactional_ddl);
        prepared::prepare(migrations, indexes, operation, target)
    }

    async fn migration(&mut self, migration: &Prepared) -> Result<()> {
        // The previous migration may have taken hours, in which the server may have dropped the idle session.
        if let Some(lock) = &self.lock {
            lock.check().await?;
        }
        self.observer().notify(&Event::Started(&migration.id));
        let started = Instant::now();
        let outcome = match migration.is_atomic {
            true => atomic::run(self, migration, started).await?,
            false => stepwise::run(self, migration, started).await?,
        };
        if let MigrationOutcome::Completed(duration) = outcome {
            self.completed(migration, duration);
        }
        Ok(())
    }
}
