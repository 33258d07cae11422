//! Rider: applies migrations, rolls them back and lists them.
//!
//! A migration is a file of SQL or Rust with an id, steps and the ids it depends on. Rider keeps
//! two tables: which migrations are applied, and a log of what was done by whom.
//! Invariant: `status` writes nothing; `migrate` and `rollback` hold a lock while they write.

mod apply;
mod catalog;
mod error;
mod failure;
mod history;
mod lock;
mod migration;
mod moment;
mod plan;
mod ready;
mod report;
mod scaffold;
mod source;
mod step;

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use estoult::{Context, Database, DatabaseBuilder};

use self::catalog::Catalog;
pub(crate) use self::source::label;
pub use self::{
    error::{Error, ErrorKind, Result},
    failure::{Failure, Operation},
    migration::{Migration, MigrationSet},
    moment::Moment,
    plan::{MigrateOptions, RollbackOptions},
    report::{Done, Event, IgnoredError, KeptStep, Report, State, Status},
    step::{Action, Function, IntoAction, Step, StepFunction, Text, step},
};
pub use apocryphan_macros::migrations;
pub use apocryphan_migration::{Ignore, Problem, Problems};

/// Where migrations are and what rider's tables are called.
///
/// ```
/// use apocryphan::rider::Config;
///
/// let config = Config { table_name: "shop._rider_migrations".into(), ..Config::default() };
/// assert_eq!(config.log_name, "_rider_logs");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The folder of the migrations, relative to the working directory.
    pub source: PathBuf,
    /// The table of the applied migrations; `schema.table` where it is in another schema.
    pub table_name: String,
    /// The table of the log; `schema.table` where it is in another schema.
    pub log_name: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            source: PathBuf::from("./migrations"),
            table_name: "_rider_migrations".to_owned(),
            log_name: "_rider_logs".to_owned(),
        }
    }
}

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
    observer: Option<Observer>,
}

type Observer = Arc<dyn Fn(&Event<'_>) + Send + Sync>;

impl Rider {
    /// A rider for this database, with the migrations of `./migrations` as they are at run time.
    ///
    /// A database that could not be built is told when something is to be done with it.
    pub fn new(database: impl Into<Target>) -> Self {
        Self {
            target: database.into(),
            config: Config::default(),
            set: None,
            lock_wait: Duration::from_secs(60),
            observer: None,
        }
    }

    /// Another folder, other tables.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// The migrations, most often those that [`migrations!`](migrations) has embedded.
    #[must_use]
    pub fn migrations(mut self, set: MigrationSet) -> Self {
        self.set = Some(set);
        self
    }

    /// How long to wait for another run to finish; a minute unless it is set.
    #[must_use]
    pub fn lock_wait(mut self, wait: Duration) -> Self {
        self.lock_wait = wait;
        self
    }

    /// Is told what happens while it happens.
    #[must_use]
    pub fn observe(mut self, observer: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// The settings in use.
    pub fn settings(&self) -> &Config {
        &self.config
    }

    /// Applies what is pending, or what the options say of it.
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
        let set = self.set()?;
        set.check_fresh()?;
        let catalog = Catalog::build(&set)?;
        outside_of_scopes(apply::migrate(self, &catalog, options)).await
    }

    /// Undoes the migration that was applied last, or what the options say.
    ///
    /// A step without a rollback is passed over and reported; a migration in which no step has one
    /// is refused.
    ///
    /// # Errors
    ///
    /// As [`migrate`](Self::migrate); `Refused` for migrations that cannot be undone.
    pub async fn rollback(&self, options: &RollbackOptions) -> Result<Report> {
        let set = self.set()?;
        set.check_fresh()?;
        let catalog = Catalog::build(&set)?;
        outside_of_scopes(apply::rollback(self, &catalog, options)).await
    }

    /// All migrations in order and where they stand; then those that are applied and not at hand.
    ///
    /// Creates no table: a database without rider's tables has everything pending.
    ///
    /// # Errors
    ///
    /// `Files` and `Graph` for wrong migrations, `History` when the program was compiled without a
    /// file of the folder, `Database` when the history cannot be read.
    pub async fn status(&self) -> Result<Vec<Status>> {
        let set = self.set()?;
        set.check_fresh()?;
        let catalog = Catalog::build(&set)?;
        outside_of_scopes(apply::status(self, &catalog)).await
    }

    /// Writes a new SQL migration that depends on all migrations nothing depends on yet.
    ///
    /// # Errors
    ///
    /// `Files` and `Graph` when the migrations at hand are wrong, `Usage` when the file cannot be
    /// written.
    pub fn create(&self, message: &str) -> Result<PathBuf> {
        if message.trim().is_empty() {
            return Err(Error::usage(
                "a migration needs a message, such as \"add contacts table\"",
            ));
        }
        let folder = self.folder();
        let set = match &self.set {
            Some(set) => set.clone().with_new_files(&folder)?,
            None => self.set()?,
        };
        let catalog = Catalog::build(&set)?;
        let text = scaffold::text(message, &catalog.heads());
        let path = scaffold::write(&folder, message, &text)?;
        if let Some(Err(error)) = set.origin.as_ref().map(migration::Origin::touch) {
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

    fn tell(&self, event: &Event<'_>) {
        if let Some(observer) = &self.observer {
            observer(event);
        }
    }
}

/// Runs what a rider does as it would run outside of every scope: a migration is not part of whoever starts it.
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

/// What a rider takes as its database: a database, what builds one, or the result of building.
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

/// What the expansion of [`migrations!`](migrations) calls; no part of the interface.
#[doc(hidden)]
pub mod __private {
    use super::{
        migration::{Migration, MigrationSet, Origin},
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
