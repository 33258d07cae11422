//! Which databases there are: a [`Registry`] owns a default database and named extra ones.
//!
//! Invariant: it maps names to databases; connections and their lifespans are the databases' own.

mod config;
mod connect;
mod health;
mod installed;
mod key;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use estoult_sql::names::hint;

pub use self::{
    config::{DatabaseConfig, RegistryConfig},
    health::Health,
    installed::{TestInstall, registry},
    key::{DatabaseKey, DatabaseName},
};
use crate::{
    backend::DatabaseNotConnected,
    database::{Database, DatabaseSource, Siblings, Transaction, transaction_of_registry},
    error::{Error, Result},
    observe::Observer,
};

/// The name of the default database.
const DEFAULT: &str = "default";
/// How long `run_sync` waits for what is not estoult's by default.
pub(crate) const SYNC_LIMIT: Duration = Duration::from_secs(30);

/// A default database and named extra ones: a cheap handle.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> estoult::Result<()> {
/// use estoult::{Registry, sql};
///
/// let registry = Registry::builder("sqlite::memory:").extra("archive", "sqlite::memory:").build()?;
/// let lifespan = registry.connect().await?;
/// let archive = registry.using("archive")?;
/// sql("create table books (id integer primary key)").execute(&archive).await?;
/// assert!(registry.using("archiv").unwrap_err().to_string().contains("did you mean `archive`"));
/// lifespan.close().await
/// # }
/// ```
#[derive(Clone)]
pub struct Registry {
    databases: Arc<Databases>,
    /// The default database with the schema that this handle was given.
    routed: Option<Database>,
}

struct Databases {
    default: Database,
    extra: BTreeMap<String, Database>,
    sync_limit: Duration,
}

impl Databases {
    fn all(&self) -> impl Iterator<Item = &Database> {
        std::iter::once(&self.default).chain(self.extra.values())
    }

    fn unknown(&self, name: &str) -> Error {
        let hint = hint(name, self.all().map(Database::name));
        let known: Vec<_> = self
            .all()
            .map(Database::name)
            .map(|known| format!("`{known}`"))
            .collect();
        Error::configuration(format!(
            "use the database {name:?}: there is none of that name; known are {}{hint}",
            known.join(", ")
        ))
    }
}

impl Siblings for Databases {
    fn default_database(&self) -> &Database {
        &self.default
    }

    fn find(&self, name: &str) -> Result<&Database> {
        if name == DEFAULT {
            return Ok(&self.default);
        }
        self.extra.get(name).ok_or_else(|| self.unknown(name))
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.databases().map(|each| (each.name(), each.address())))
            .finish()
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, database) in self.databases().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{database}")?;
        }
        Ok(())
    }
}

/// A registry that is still to be built.
pub struct RegistryBuilder {
    default: DatabaseSource,
    extra: Vec<(String, DatabaseSource)>,
    not_connected: DatabaseNotConnected,
    observers: Vec<Arc<dyn Observer>>,
    sync_limit: Duration,
    /// The databases that must exist, and whether their keys only read.
    required: Vec<(String, Option<bool>)>,
}

impl fmt::Debug for RegistryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryBuilder")
            .field("default", &self.default)
            .field("extra", &self.extra)
            .field("required", &self.required)
            .finish_non_exhaustive()
    }
}

impl RegistryBuilder {
    /// Adds a database under a name or a [`DatabaseKey`].
    #[must_use]
    pub fn extra(mut self, name: impl DatabaseName, database: impl Into<DatabaseSource>) -> Self {
        self.extra.push((name.name().to_owned(), database.into()));
        self.require(name)
    }

    /// Requires a database of this name, with the access of the [`DatabaseKey`]: [`build`](Self::build) refuses a
    /// configuration without it, rather than the first use.
    #[must_use]
    pub fn require(mut self, name: impl DatabaseName) -> Self {
        let required = (name.name().to_owned(), name.is_read_only());
        self.required.push(required);
        self
    }

    /// What happens when a database is used while no lifespan keeps it connected, for all without their own setting.
    #[must_use]
    pub fn not_connected(mut self, policy: DatabaseNotConnected) -> Self {
        self.not_connected = policy;
        self
    }

    /// How long a future of [`run_sync`](crate::run_sync) may wait in one piece for something other than a database: by
    /// default 30 seconds. Waits for a database have limits of their own, such as `acquire_timeout` and
    /// `statement_timeout`. [`run_sync_within`](crate::run_sync_within) sets another limit for one call.
    ///
    /// ```
    /// use std::{future::pending, time::Duration};
    /// use estoult::{ErrorKind, Registry, Result, run_sync};
    ///
    /// let registry = Registry::builder("sqlite::memory:").sync_limit(Duration::from_millis(20)).build()?;
    /// let outcome = registry.with_async_env(|| run_sync(pending::<Result<()>>()));
    /// assert!(matches!(outcome.unwrap_err().kind(), ErrorKind::Timeout));
    /// # Ok::<(), estoult::Error>(())
    /// ```
    #[must_use]
    pub fn sync_limit(mut self, limit: Duration) -> Self {
        self.sync_limit = limit;
        self
    }

    /// Tells this observer what happens in all databases, beside the observers that each of them has; see
    /// [`Observer`].
    ///
    /// ```
    /// use estoult::{Registry, observe::Event};
    ///
    /// let registry = Registry::builder("sqlite::memory:")
    ///     .extra("archive", "sqlite::memory:")
    ///     .observer(|event: &Event<'_>| println!("{}: {}", event.database, event.sql))
    ///     .build()?;
    /// # Ok::<(), estoult::Error>(())
    /// ```
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// The registry. Nothing is opened yet.
    ///
    /// # Errors
    ///
    /// `Configuration` with every mistake: URLs, settings, names that are blank or taken.
    pub fn build(self) -> Result<Registry> {
        let mut mistakes = Vec::new();
        let (policy, observers) = (self.not_connected, self.observers);
        let sync_limit = self.sync_limit;
        if sync_limit.is_zero() {
            mistakes.push("`sync_limit` is 0, so no call could wait; give it more".to_owned());
        }
        let default = built(DEFAULT, self.default, &mut mistakes);
        let mut extra = BTreeMap::new();
        // Those that can't be built are among them: they are no further mistake when they are required.
        let given: BTreeSet<_> = self.extra.iter().map(|(name, _)| name.clone()).collect();
        for (name, source) in self.extra {
            mistakes.extend(wrong_name(&name, |name| extra.contains_key(name)));
            if let Some(database) = built(&name, source, &mut mistakes) {
                extra.insert(name, database);
            }
        }
        let known = |name: &str| match name {
            DEFAULT => default.as_ref(),
            name => extra.get(name),
        };
        for (name, is_read_only) in self.required {
            match known(&name) {
                Some(database) => mistakes.extend(key::mistake(&name, is_read_only, database)),
                None if given.contains(&name) => {}
                None => mistakes.push(format!(
                    "the database `{name}` is required and not given; add it with `extra`"
                )),
            }
        }
        match default {
            Some(default) if mistakes.is_empty() => Ok(Registry {
                databases: siblings(&default, extra, (policy, sync_limit), &observers),
                routed: None,
            }),
            _ => Err(Error::configuration(format!(
                "build a registry: {}",
                mistakes.join("; ")
            ))),
        }
    }
}

/// The databases of a registry, each with its name and a reference to its siblings.
fn siblings(
    default: &Database,
    extra: BTreeMap<String, Database>,
    (policy, sync_limit): (DatabaseNotConnected, Duration),
    observers: &[Arc<dyn Observer>],
) -> Arc<Databases> {
    // The references are weak: strong ones would form a cycle that is never freed. They exist before the value, so no
    // database is without one.
    Arc::new_cyclic(|registry| {
        let named = |name: &str, database: &Database| {
            let registry: Weak<dyn Siblings> = Weak::<Databases>::clone(registry);
            let named = database.when_not_connected(policy).named(name, registry);
            named.observed_by_all(observers)
        };
        let extra = extra.into_iter().map(|(name, database)| {
            let database = named(&name, &database);
            (name, database)
        });
        Databases {
            extra: extra.collect(),
            default: named(DEFAULT, default),
            sync_limit,
        }
    })
}

fn built(name: &str, source: DatabaseSource, mistakes: &mut Vec<String>) -> Option<Database> {
    match source.build() {
        Ok(database) => Some(database),
        Err(error) => {
            mistakes.push(format!("database `{name}`: {}", error.message()));
            None
        }
    }
}

/// What is wrong with the name of a database beside the default one.
fn wrong_name(name: &str, is_taken: impl FnOnce(&str) -> bool) -> Option<String> {
    if name.trim().is_empty() {
        return Some("a database has a blank name; give it one".to_owned());
    }
    if name.trim() != name {
        return Some(format!(
            "the name {name:?} begins or ends with a space; leave it out"
        ));
    }
    if name == DEFAULT {
        return Some(format!(
            "the name `{DEFAULT}` is taken by the default database; choose another"
        ));
    }
    is_taken(name).then(|| format!("the name `{name}` is given twice; choose another"))
}

impl Registry {
    /// A registry with this default database: a URL, a builder or a database.
    pub fn builder(default: impl Into<DatabaseSource>) -> RegistryBuilder {
        RegistryBuilder {
            default: default.into(),
            extra: Vec::new(),
            not_connected: DatabaseNotConnected::default(),
            observers: Vec::new(),
            sync_limit: SYNC_LIMIT,
            required: Vec::new(),
        }
    }

    /// The default database, on which statements on `&Registry` run.
    #[must_use]
    pub fn default_database(&self) -> &Database {
        self.routed.as_ref().unwrap_or(&self.databases.default)
    }

    /// The database with this name, or of this [`DatabaseKey`]; `default` is the default one.
    ///
    /// # Errors
    ///
    /// `Configuration` when there is none, and the message lists the known names; when the key says that the database
    /// only reads and it takes writes, or the reverse.
    pub fn using<N: DatabaseName>(&self, name: N) -> Result<N::Handle> {
        let database = self.find(name.name())?;
        match self.chosen_schema() {
            Some(schema) => name.handle(&database.in_schema(Some(Arc::clone(schema)))),
            None => name.handle(database),
        }
    }

    /// The database with this name, without this handle's schema.
    pub(crate) fn find(&self, name: &str) -> Result<&Database> {
        self.databases.find(name)
    }

    /// The databases as each of them sees the others.
    pub(crate) fn siblings(&self) -> Arc<dyn Siblings> {
        Arc::<Databases>::clone(&self.databases)
    }

    /// A handle on the same databases whose statements read and write the tables of this schema; see
    /// [`Database::using_schema`]. What [`using`](Self::using) gives keeps the schema.
    ///
    /// # Errors
    ///
    /// `Configuration` when the default database can't have a schema of this name.
    pub fn using_schema(&self, name: &str) -> Result<Self> {
        Ok(Self {
            databases: Arc::clone(&self.databases),
            routed: Some(self.databases.default.using_schema(name)?),
        })
    }

    /// The schema that this handle was given with [`using_schema`](Self::using_schema).
    #[must_use]
    pub fn schema(&self) -> Option<&str> {
        self.chosen_schema().map(|schema| &**schema)
    }

    pub(crate) fn chosen_schema(&self) -> Option<&Arc<str>> {
        self.routed.as_ref().and_then(Database::chosen_schema)
    }

    /// The names of all databases, the default one first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.databases().map(Database::name)
    }

    /// All databases, the default one first, without this handle's schema.
    pub fn databases(&self) -> impl Iterator<Item = &Database> {
        self.databases.all()
    }

    /// How long `run_sync` waits for what is not estoult's.
    pub(crate) fn sync_limit(&self) -> Duration {
        self.databases.sync_limit
    }

    /// Runs work in a transaction of the default database; see [`Database::transaction`].
    ///
    /// # Errors
    ///
    /// As for [`Database::transaction`].
    #[track_caller]
    pub fn transaction<T>(
        &self,
        work: impl AsyncFnOnce(&Transaction) -> Result<T>,
    ) -> impl Future<Output = Result<T>> {
        transaction_of_registry(self.default_database().clone(), work)
    }
}
