//! One run: what it needs of the rider, its lock, and what it has done so far.

use std::{fs::File, time::Duration};

use estoult::{Database, ErrorKind as DatabaseErrorKind};

use crate::{
    backend::{Description, LockMethod},
    rider::{
        config::Config,
        error::{Error, ErrorKind, Result},
        event::{CompletedMigration, Event, IgnoredError, IrreversibleStep, Observer},
        failure::{FailedStep, Failure, Operation, Outcome},
        history::History,
        lock::{Lock, LockWait},
        migrations::Migrations,
        prepared::{Prepared, PreparedStep},
        report::Report,
        statement::StepStatement,
    },
};

/// What a run needs of its rider.
#[derive(Debug, Clone, Copy)]
pub(in crate::rider) struct RunSettings<'r> {
    pub(in crate::rider) database: &'r Database,
    pub(in crate::rider) config: &'r Config,
    pub(in crate::rider) migrations: &'r Migrations,
    pub(in crate::rider) lock_wait: LockWait<'r>,
}

/// One run, from its lock to its report.
pub(super) struct Run<'r> {
    pub(super) settings: RunSettings<'r>,
    pub(super) description: &'static Description,
    pub(super) history: History,
    pub(super) report: Report,
    /// The lock of a session, where the database has one.
    pub(super) lock: Option<Lock>,
    /// The lock of a file, which is released when it is closed.
    pub(super) file: Option<File>,
}

/// How one migration ended, if it did not fail.
pub(super) enum MigrationOutcome {
    /// It took this long.
    Completed(Duration),
    /// Another run had applied it already.
    AlreadyApplied,
}

impl<'r> Run<'r> {
    /// Takes the lock of a session, where the database has one.
    pub(super) async fn open(settings: RunSettings<'r>) -> Result<Self> {
        let RunSettings { database, .. } = settings;
        let description = description(database)?;
        let session_lock = match &description.rider.lock {
            LockMethod::Session(statements) => Some(statements),
            LockMethod::File(_) => None,
        };
        // Without this check the run would hold the only connection for the lock and wait for a second one.
        if session_lock.is_some() {
            check_connections(database, 2, "one of them for the lock between runs")?;
        }
        let history = History::find(database, description, settings.config).await?;
        let lock = match session_lock {
            Some(statements) => {
                let key = history.lock_key();
                Some(Lock::acquire(database, statements, key, settings.lock_wait).await?)
            }
            None => None,
        };
        Ok(Self {
            settings,
            description,
            history,
            report: Report::default(),
            lock,
            file: None,
        })
    }

    /// Releases the lock, whatever the result is.
    pub(super) async fn close(self, result: Result<()>) -> Result<Report> {
        if let Some(lock) = self.lock {
            lock.release().await;
        }
        result.map(|()| self.report)
    }

    pub(super) fn observer(&self) -> &'r Observer {
        self.settings.lock_wait.observer
    }

    /// Refuses migrations that would wait forever for a connection that the run itself holds.
    pub(super) fn check_connections(&self, all: &[Prepared]) -> Result<()> {
        if !all.iter().any(Prepared::has_separate_calls) {
            return Ok(());
        }
        // One for the statements of the migration and one for the function, beside that of the lock.
        let needed = 2 + usize::from(self.lock.is_some());
        check_connections(
            self.settings.database,
            needed,
            "one of them for the function of a migration that is not one transaction",
        )
    }

    /// Adds a completed migration to the report.
    pub(super) fn completed(&mut self, migration: &Prepared, duration: Duration) {
        let completed = CompletedMigration::new(&migration.id, duration);
        let observer = self.observer();
        match migration.operation {
            Operation::Apply => {
                observer.notify(&Event::Applied(&completed));
                self.report.applied.push(completed);
            }
            Operation::Rollback => {
                observer.notify(&Event::RolledBack(&completed));
                self.report.rolled_back.push(completed);
                for step in &migration.irreversible {
                    let id = migration.id.clone();
                    let skipped = IrreversibleStep { id, step: *step };
                    observer.notify(&Event::Irreversible(&skipped));
                    self.report.irreversible.push(skipped);
                }
            }
        }
    }

    /// Adds an ignored error to the report.
    pub(super) fn ignored(
        &mut self,
        migration: &Prepared,
        (step, statement): (&PreparedStep, &StepStatement),
        error: estoult::Error,
    ) {
        let ignored = IgnoredError {
            id: migration.id.clone(),
            step: step.number,
            location: statement.location(),
            error,
        };
        self.observer().notify(&Event::Ignored(&ignored));
        self.report.ignored.push(ignored);
    }

    /// The error of a migration that failed, with all that the user needs to go on.
    pub(super) fn failure(
        &self,
        migration: &Prepared,
        at: Option<(&PreparedStep, &StepStatement)>,
        outcome: Outcome,
        error: estoult::Error,
    ) -> Error {
        let completed = match migration.operation {
            Operation::Apply => &self.report.applied,
            Operation::Rollback => &self.report.rolled_back,
        };
        Error::migration(Failure {
            id: migration.id.clone(),
            operation: migration.operation,
            step: at.map(|(step, statement)| failed_step(step, statement)),
            outcome,
            completed: completed.iter().map(|done| done.id.clone()).collect(),
            backend: self.settings.database.dialect().to_string(),
            hint: self.description.rider.hint(error.code()),
            error,
        })
    }
}

fn failed_step(step: &PreparedStep, statement: &StepStatement) -> FailedStep {
    FailedStep {
        number: step.number,
        name: step.name.clone(),
        file: statement.file.clone(),
        line: statement.line,
        text: statement.text(),
    }
}

/// The error of a rollback that another run did first. What this run planned no longer fits the history.
pub(super) fn rolled_back_elsewhere(migration: &Prepared) -> Error {
    Error::new(
        ErrorKind::History,
        format!(
            "another run rolled `{}` back while this one waited; look at `rider migrations`",
            migration.id
        ),
    )
}

/// Whether a migration may ignore an error: only one that the database reports about the statement itself. A lost
/// connection or a conflict says nothing about the statement, and the next one would meet it, too.
pub(super) fn is_ignorable(error: &estoult::Error) -> bool {
    let is_about_connection = matches!(
        error.kind(),
        DatabaseErrorKind::Connection
            | DatabaseErrorKind::Timeout
            | DatabaseErrorKind::Conflict(_)
            | DatabaseErrorKind::Configuration
            | DatabaseErrorKind::Unsupported
    );
    !is_about_connection && error.code().is_some()
}

pub(super) fn description(database: &Database) -> Result<&'static Description> {
    let dialect = database.dialect();
    Description::of(dialect).ok_or_else(|| {
        Error::usage(format!(
            "this version of rider does not know the database {dialect}"
        ))
    })
}

fn check_connections(database: &Database, needed: usize, reason: &str) -> Result<()> {
    if database.status().max >= needed {
        return Ok(());
    }
    Err(Error::usage(format!(
        "rider needs {needed} connections, {reason}; raise max_connections to {needed}"
    )))
}
