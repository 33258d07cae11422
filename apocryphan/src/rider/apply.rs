//! A run: lock, plan, then migration after migration.

mod atomic;
mod stepwise;

use std::{
    fs::File,
    time::{Duration, Instant},
};

use estoult::{Database, ErrorKind as Kind, Lifespan, sql};

use super::{
    Rider,
    catalog::Catalog,
    error::{Error, ErrorKind, Result},
    failure::{FailedStep, Failure, Operation, Outcome},
    history::History,
    lock::{self, Lock},
    migration::{Unit, UnitWork},
    plan::{self, MigrateOptions, RollbackOptions, Standing},
    ready::{self, Ready, Work},
    report::{Applied, Done, Event, IgnoredError, KeptStep, Report, State, Status},
};
use crate::backend::{Differences, Locking};

/// Applies what the options choose.
pub(super) async fn migrate(
    rider: &Rider,
    catalog: &Catalog,
    options: &MigrateOptions,
) -> Result<Report> {
    let mut run = Run::open(rider, catalog).await?;
    let result = run.migrate(options).await;
    run.close(result).await
}

/// Rolls back what the options choose.
pub(super) async fn rollback(
    rider: &Rider,
    catalog: &Catalog,
    options: &RollbackOptions,
) -> Result<Report> {
    let mut run = Run::open(rider, catalog).await?;
    let result = run.rollback(options).await;
    run.close(result).await
}

/// Lists all migrations; writes nothing.
pub(super) async fn status(rider: &Rider, catalog: &Catalog) -> Result<Vec<Status>> {
    let database = rider.database()?;
    let lifespan = connect(database).await?;
    let history = History::find(database, differences(database)?, &rider.config).await?;
    let applied = history.applied(database).await?;
    disconnect(lifespan).await;
    let mut list: Vec<Status> = Vec::with_capacity(catalog.entries().len());
    for (index, entry) in catalog.entries().iter().enumerate() {
        let row = applied.iter().find(|row| row.id == entry.id());
        list.push(Status {
            index: Some(index),
            id: entry.id().to_owned(),
            message: entry.message().to_owned(),
            depends: entry.header.depends.clone(),
            state: if row.is_some() {
                State::Applied
            } else {
                State::Pending
            },
            applied_at: row.and_then(|row| row.applied_at),
            duration: row.and_then(|row| row.duration),
        });
    }
    let missing = applied
        .into_iter()
        .filter(|row| catalog.position(&row.id).is_none());
    list.extend(missing.map(missing_status));
    Ok(list)
}

fn missing_status(row: Applied) -> Status {
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

/// Keeps connections for the length of a run, whether the caller does or not.
async fn connect(database: &Database) -> Result<Lifespan> {
    let lifespan = database.connect().await;
    lifespan.map_err(|error| Error::database("connect", error))
}

async fn disconnect(lifespan: Lifespan) {
    if let Err(error) = lifespan.close().await {
        tracing::debug!(%error, "a connection was still in use after a run");
    }
}

fn differences(database: &Database) -> Result<&'static Differences> {
    let dialect = database.dialect();
    Differences::of(dialect).ok_or_else(|| {
        Error::usage(format!(
            "this version of rider does not know the database {dialect}"
        ))
    })
}

/// One run: the lock, and what was done so far.
struct Run<'r> {
    rider: &'r Rider,
    database: &'r Database,
    catalog: &'r Catalog,
    lifespan: Lifespan,
    lock: Option<Lock>,
    file: Option<File>,
    differences: &'static Differences,
    history: History,
    report: Report,
}

/// How one migration ended.
enum Ended {
    /// It ran for this long.
    Done(Duration),
    /// Another run had done it already.
    Already,
}

impl<'r> Run<'r> {
    async fn open(rider: &'r Rider, catalog: &'r Catalog) -> Result<Self> {
        let database = rider.database()?;
        let differences = differences(database)?;
        let is_session = matches!(differences.lock, Locking::Session(_));
        if is_session && database.status().max == 1 {
            return Err(Error::usage(
                "rider needs two connections, one of them for the lock between runs; raise \
                 max_connections to 2",
            ));
        }
        let lifespan = connect(database).await?;
        let history = History::find(database, differences, &rider.config).await?;
        let lock = match &differences.lock {
            Locking::Session(locking) => {
                Some(Lock::acquire(rider, locking, history.lock_key()).await?)
            }
            Locking::File(_) => None,
        };
        Ok(Self {
            rider,
            database,
            catalog,
            lifespan,
            lock,
            file: None,
            differences,
            history,
            report: Report::default(),
        })
    }

    async fn close(self, result: Result<()>) -> Result<Report> {
        if let Some(lock) = self.lock {
            lock.release().await;
        }
        disconnect(self.lifespan).await;
        result.map(|()| self.report)
    }

    async fn migrate(&mut self, options: &MigrateOptions) -> Result<()> {
        self.create_tables().await?;
        let mut standing = self.standing().await?;
        let places = plan::migrate(self.catalog, &standing, options)?;
        let all = self.ready(&places, Operation::Apply)?;
        ready::check_filled(self.catalog, &all)?;
        self.lock_file(&all).await?;
        for migration in &all {
            self.one(migration).await?;
        }
        standing = self.standing().await?;
        self.finish(&standing);
        Ok(())
    }

    async fn rollback(&mut self, options: &RollbackOptions) -> Result<()> {
        self.create_tables().await?;
        let mut standing = self.standing().await?;
        let places = plan::rollback(self.catalog, &standing, options)?;
        let all = self.ready(&places, Operation::Rollback)?;
        if !options.allow_irreversible {
            ready::check_reversible(&all)?;
        }
        self.lock_file(&all).await?;
        for migration in &all {
            self.one(migration).await?;
        }
        standing = self.standing().await?;
        self.finish(&standing);
        Ok(())
    }

    /// In a transaction that writes, in which they are looked for again, where the database can.
    async fn create_tables(&self) -> Result<()> {
        let failed = |error| Error::database("create rider's tables", error);
        if self.history.missing_tables(self.database).await?.is_empty() {
            return Ok(());
        }
        let tx = lock::begin(self.rider).await?;
        for statement in self.history.missing_tables(&tx).await? {
            estoult::batch(&tx, &statement).await.map_err(failed)?;
        }
        tx.commit().await.map_err(failed)
    }

    /// Where a transaction is the lock, what runs outside of one needs another.
    async fn lock_file(&mut self, all: &[Ready]) -> Result<()> {
        let Locking::File(select) = self.differences.lock else {
            return Ok(());
        };
        if all.iter().all(|migration| migration.is_atomic) {
            return Ok(());
        }
        let path = sql(select).one::<(String,)>(self.database).await;
        let (path,) = path.map_err(|error| Error::database("find the database's file", error))?;
        // A database in memory is nobody else's.
        if !path.is_empty() {
            self.file = Some(lock::file(self.rider, &path).await?);
        }
        Ok(())
    }

    async fn standing(&self) -> Result<Standing> {
        let history = self.history.applied(self.database).await?;
        Ok(Standing::new(self.catalog, history))
    }

    fn finish(&mut self, standing: &Standing) {
        self.report.pending = standing.pending(self.catalog).len();
        self.report.missing = standing.missing.iter().map(|row| row.id.clone()).collect();
    }

    fn ready(&self, places: &[usize], operation: Operation) -> Result<Vec<Ready>> {
        let transactional_ddl = self.database.dialect().features().transactional_ddl;
        let kinds = (self.differences, transactional_ddl);
        ready::ready(self.catalog, places, operation, kinds)
    }

    async fn one(&mut self, migration: &Ready) -> Result<()> {
        if let Some(lock) = &self.lock {
            lock.check().await?;
        }
        self.rider.tell(&Event::Started(&migration.id));
        let begun = Instant::now();
        let ended = match migration.is_atomic {
            true => atomic::run(self, migration, begun).await?,
            false => stepwise::run(self, migration, begun).await?,
        };
        if let Ended::Done(duration) = ended {
            self.done(migration, duration);
        }
        Ok(())
    }

    fn done(&mut self, migration: &Ready, duration: Duration) {
        let id = migration.id.clone();
        let done = Done { id, duration };
        match migration.operation {
            Operation::Apply => {
                self.rider.tell(&Event::Applied(&done));
                self.report.applied.push(done);
            }
            Operation::Rollback => {
                self.rider.tell(&Event::RolledBack(&done));
                self.report.rolled_back.push(done);
                for step in &migration.kept {
                    let id = migration.id.clone();
                    let kept = KeptStep { id, step: *step };
                    self.rider.tell(&Event::Kept(&kept));
                    self.report.kept.push(kept);
                }
            }
        }
    }

    fn ignored(&mut self, migration: &Ready, step: &Work, (unit, error): (&Unit, estoult::Error)) {
        let ignored = IgnoredError {
            id: migration.id.clone(),
            step: step.number,
            place: place(unit),
            error,
        };
        self.rider.tell(&Event::Ignored(&ignored));
        self.report.ignored.push(ignored);
    }

    fn failure(
        &self,
        migration: &Ready,
        at: Option<(&Work, &Unit)>,
        outcome: Outcome,
        error: estoult::Error,
    ) -> Error {
        let done = match migration.operation {
            Operation::Apply => &self.report.applied,
            Operation::Rollback => &self.report.rolled_back,
        };
        Error::migration(Failure {
            id: migration.id.clone(),
            operation: migration.operation,
            step: at.map(|(step, unit)| failed_step(step, unit)),
            outcome,
            done: done.iter().map(|done| done.id.clone()).collect(),
            backend: self.database.dialect().to_string(),
            hint: self.differences.hint(error.code()),
            error,
        })
    }

    /// Refuses when another run has changed what this one planned from.
    fn overtaken(&self, migration: &Ready) -> Error {
        Error::new(
            ErrorKind::History,
            format!(
                "another run rolled `{}` back while this one waited; look at `rider migrations`",
                migration.id
            ),
        )
    }
}

fn failed_step(step: &Work, unit: &Unit) -> FailedStep {
    FailedStep {
        number: step.number,
        name: step.name.clone(),
        file: unit.file.clone(),
        line: unit.line,
        text: match &unit.work {
            UnitWork::Statement(text) => text.clone(),
            UnitWork::Call(call) => format!("{}()", call.name),
        },
    }
}

fn place(unit: &Unit) -> String {
    format!("{}:{}", unit.file, unit.line)
}

/// Only what the database says of a statement may be ignored, not that it is gone or busy.
fn is_ignorable(error: &estoult::Error) -> bool {
    let is_grave = matches!(
        error.kind(),
        Kind::Connection
            | Kind::Timeout
            | Kind::Conflict(_)
            | Kind::Configuration
            | Kind::Unsupported
    );
    !is_grave && error.code().is_some()
}
