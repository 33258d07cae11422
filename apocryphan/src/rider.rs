//! Rider: it applies migrations, rolls them back and lists them.
//!
//! A migration is a file of SQL or Rust with an id, steps and the ids that it depends on. Rider has two tables: the
//! history of what is applied, and a log of what was done by whom.
//! Invariant: `status` writes nothing; `migrate` and `rollback` hold a lock while they write.

mod applied;
mod apply;
mod config;
mod error;
mod event;
mod failure;
mod history;
mod lock;
mod migration;
mod migrations;
mod plan;
mod prepared;
mod report;
mod scaffold;
mod set;
mod statement;
mod step;
mod timestamp;

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use estoult::{Context, Database, DatabaseBuilder};

pub(crate) use self::set::relative_path;
use self::{
    apply::RunSettings, event::Observer, lock::LockWait, migrations::Migrations, plan::Request,
};
pub use self::{
    config::Config,
    error::{Error, ErrorKind, Result},
    event::{CompletedMigration, Event, IgnoredError, IrreversibleStep},
    failure::{Failure, Operation},
    migration::Migration,
    plan::{MigrateOptions, RollbackOptions},
    report::{Report, State, Status},
    set::MigrationSet,
    step::{Action, Function, IntoAction, Step, StepFunction, Text, step},
    timestamp::Timestamp,
};
pub use apocryphan_macros::migrations;
pub use apocryphan_migration::{Ignore, Problem, Problems};

/// Applies, rolls back and lists the migrations of one database.
///
/// A program hands over its database and its migrations, and gets a command line:
///
/// ```no_run
/// use std::process::ExitCode;
///
/// use apocryphan::rider::{Rider, migrations};
///
/// fn main() -> ExitCode {
///     Rider::new(estoult::Database::builder("sqlite://shop.db")).parse_args()
/// }
/// ```
///
/// or migrates when it starts:
///
/// ```no_run
/// use apocryphan::rider::{MigrateOptions, Rider};
///
/// # async fn start(database: estoult::Database) -> apocryphan::rider::Result<()> {
/// let report = Rider::new(database).migrate(&MigrateOptions::default()).await?;
/// println!("{} applied", report.applied.len());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Rider {
    target: Target,
    config: Config,
    set: Option<MigrationSet>,
    lock_wait: Duration,
    observer: Observer,
}

impl Rider {
    /// A rider for this database, with the migrations of `./migrations` as they are at run time.
    ///
    /// The error of a database that could not be built is returned by the first call that needs the database.
    pub fn new(database: impl Into<Target>) -> Self {
        Self {
            target: database.into(),
            config: Config::default(),
            set: None,
            lock_wait: Duration::from_secs(60),
            observer: Observer::default(),
        }
    }

    /// Sets the folder and the tables.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sets the migrations, usually those that [`migrations!`](migrations) has embedded.
    #[must_use]
    pub fn migrations(mut self, set: MigrationSet) -> Self {
        self.set = Some(set);
        self
    }

    /// Sets how long to wait for another run to finish; a minute by default.
    #[must_use]
    pub fn lock_wait(mut self, wait: Duration) -> Self {
        self.lock_wait = wait;
        self
    }

    /// Sets a function that gets each event as it happens.
    #[must_use]
    pub fn observe(mut self, observer: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Observer::new(observer);
        self
    }

    /// The settings in use.
    pub fn settings(&self) -> &Config {
        &self.config
    }

    /// Applies the pending migrations, or those of them that the options choose.
    ///
    /// Each migration is one transaction together with its rows in the history and the log, where
    /// the database can roll DDL back; elsewhere its statements are committed one by one.
    ///
    /// # Errors
    ///
    /// `Files` and `Graph` for wrong migrations, `Usage` for an unknown id, `Lock` when another run
    /// does not finish in time, `Migration` when a step fails, `Refused` when a migration is empty,
    /// `History` when the program was compiled without a file of the folder, `Database` otherwise.
    pub async fn migrate(&self, options: &MigrateOptions) -> Result<Report> {
        let migrations = self.fresh_migrations()?;
        let settings = self.run_settings(&migrations)?;
        outside_of_scopes(apply::run(settings, Request::Migrate(options))).await
    }

    /// Undoes the migration that was applied last, or those that the options choose.
    ///
    /// A step without a rollback is skipped and reported; a migration in which no step has one is
    /// refused.
    ///
    /// # Errors
    ///
    /// As [`migrate`](Self::migrate); `Refused` for migrations that cannot be undone.
    pub async fn rollback(&self, options: &RollbackOptions) -> Result<Report> {
        let migrations = self.fresh_migrations()?;
        let settings = self.run_settings(&migrations)?;
        outside_of_scopes(apply::run(settings, Request::Rollback(options))).await
    }

    /// All migrations in order with their states; then those that are applied and missing.
    ///
    /// Creates no table: in a database without rider's tables everything is pending.
    ///
    /// # Errors
    ///
    /// `Files` and `Graph` for wrong migrations, `History` when the program was compiled without a
    /// file of the folder, `Database` when the history cannot be read.
    pub async fn status(&self) -> Result<Vec<Status>> {
        let migrations = self.fresh_migrations()?;
        let settings = self.run_settings(&migrations)?;
        outside_of_scopes(apply::status(settings)).await
    }

    /// Writes a new SQL migration that depends on all migrations on which no other depends.
    ///
    /// # Errors
    ///
    /// `Files` and `Graph` when the present migrations are wrong, `Usage` when the file cannot be
    /// written.
    pub fn create(&self, message: &str) -> Result<PathBuf> {
        if message.trim().is_empty() {
            return Err(Error::usage(
                "a migration needs a message, such as \"add contacts table\"",
            ));
        }
        let folder = self.folder();
        // An embedded set is older than the folder while several migrations are written one after another.
        let set = match &self.set {
            Some(set) => set.clone().with_new_files(&folder)?,
            None => MigrationSet::from_new_folder(&folder)?,
        };
        let migrations = Migrations::build(&set)?;
        let text = scaffold::text(message, &migrations.heads());
        let path = scaffold::write(&folder, message, &text)?;
        // The file is written; a build that misses it is noticed by the check of the next run.
        if let Some(Err(error)) = set.origin.as_ref().map(set::Origin::touch) {
            tracing::debug!(%error, "the source file of the embedded migrations was not touched");
        }
        Ok(path)
    }

    fn database(&self) -> Result<&Database> {
        match &self.target.0 {
            Ok(database) => match database.schema() {
                None => Ok(database),
                Some(schema) => Err(Error::usage(format!(
                    "a rider migrates a whole database, not its schema `{schema}` alone; hand over the database \
                     without `using_schema`, and name schemas in the migrations"
                ))),
            },
            Err(error) => Err(Error::usage(format!("no database: {}", error.message()))),
        }
    }

    /// What a run needs of this rider.
    fn run_settings<'r>(&'r self, migrations: &'r Migrations) -> Result<RunSettings<'r>> {
        Ok(RunSettings {
            database: self.database()?,
            config: &self.config,
            migrations,
            lock_wait: LockWait {
                limit: self.lock_wait,
                observer: &self.observer,
            },
        })
    }

    /// The migrations in order, unless the program was compiled without some of them.
    fn fresh_migrations(&self) -> Result<Migrations> {
        let set = self.set()?;
        set.check_fresh()?;
        Migrations::build(&set)
    }

    fn set(&self) -> Result<MigrationSet> {
        match &self.set {
            Some(set) => Ok(set.clone()),
            None => MigrationSet::from_folder(&self.config.source),
        }
    }

    /// Where new migrations go: the configured folder, or the one that was embedded.
    fn folder(&self) -> PathBuf {
        let embedded = self.set.as_ref().and_then(|set| set.origin.as_ref());
        match embedded {
            Some(origin) if self.config.source == Config::default().source => origin.folder.clone(),
            Some(_) | None => self.config.source.clone(),
        }
    }
}

/// Runs a future without the schema, tenant and tags that the caller's scope may set: a migration names its schemas
/// itself, and must do the same for every caller.
fn outside_of_scopes<F: Future>(run: F) -> impl Future<Output = F::Output> {
    Context::default().scope(run)
}

impl fmt::Debug for Rider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rider")
            .field("database", &self.target)
            .field("config", &self.config)
            .field("migrations", &self.set)
            .finish_non_exhaustive()
    }
}

/// What a rider takes as its database: a database, a builder, or the result of building one.
#[derive(Debug, Clone)]
pub struct Target(std::result::Result<Database, Arc<estoult::Error>>);

impl From<Database> for Target {
    fn from(database: Database) -> Self {
        Self(Ok(database))
    }
}

impl From<DatabaseBuilder> for Target {
    fn from(builder: DatabaseBuilder) -> Self {
        builder.build().into()
    }
}

impl From<estoult::Result<Database>> for Target {
    fn from(built: estoult::Result<Database>) -> Self {
        Self(built.map_err(Arc::new))
    }
}

/// What the expansion of [`migrations!`](migrations) calls; not for use by hand.
#[doc(hidden)]
pub mod __private {
    use super::{
        migration::Migration,
        set::{MigrationSet, Origin},
        step::Step,
    };

    type File = (&'static str, &'static str);

    pub fn embedded(
        migrations: Vec<Migration>,
        origin: Option<(&str, Option<&str>)>,
    ) -> MigrationSet {
        let origin = origin.map(|(folder, source)| Origin::new(folder, source));
        MigrationSet { migrations, origin }
    }

    pub fn sql(id: &str, (file, text): File, companion: Option<File>) -> Migration {
        let migration = Migration::sql(id, text).file(file);
        match companion {
            Some((file, undo)) => migration.companion(file, undo),
            None => migration,
        }
    }

    pub fn rust(
        (id, file): File,
        message: Option<&str>,
        depends: &[&str],
        transactional: bool,
        steps: fn() -> Vec<Step>,
    ) -> Migration {
        let migration = Migration::rust(id, steps)
            .file(file)
            .depends(depends.iter().copied())
            .transactional(transactional);
        match message {
            Some(message) => migration.message(message),
            None => migration,
        }
    }
}
