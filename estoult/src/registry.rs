//! Which databases there are: a [`Registry`] owns a default database and named extra ones, and connects them together.

mod attempt;
mod closing;
mod connecting;
mod drive;
mod health;
mod life;
mod lifespan;
mod lives;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Weak},
};

use once_cell::sync::OnceCell;

pub(crate) use self::lives::Lives;
pub use self::{
    closing::{Closed, DatabaseClosed},
    health::{DatabaseHealth, DatabaseState, Health, Role},
    lifespan::Lifespan,
};
use crate::{
    database::{
        Database, DatabaseNotConnected, DatabaseSource, Transaction,
        transaction::transaction_of_registry,
    },
    error::{Error, Result},
};

/// The name of the default database.
const DEFAULT: &str = "default";

static INSTALLED: OnceCell<Registry> = OnceCell::new();

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
    /// The schema that this handle was given.
    schema: Option<Arc<str>>,
}

/// What a database knows of the registry that it belongs to.
#[derive(Clone, Default)]
pub(crate) struct WeakRegistry(Weak<Databases>);

impl WeakRegistry {
    pub(crate) fn upgrade(&self) -> Option<Registry> {
        let databases = self.0.upgrade()?;
        Some(Registry {
            databases,
            schema: None,
        })
    }
}

struct Databases {
    default: Database,
    extra: BTreeMap<String, Database>,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.databases().map(|each| (each.name(), each.address())))
            .finish()
    }
}

/// A registry that is still to be built.
#[derive(Debug)]
pub struct RegistryBuilder {
    default: DatabaseSource,
    extra: Vec<(String, DatabaseSource)>,
    not_connected: DatabaseNotConnected,
}

impl RegistryBuilder {
    /// Adds a database under a name.
    #[must_use]
    pub fn extra(mut self, name: impl Into<String>, database: impl Into<DatabaseSource>) -> Self {
        self.extra.push((name.into(), database.into()));
        self
    }

    /// What happens when a database is used while no lifespan keeps it connected, for all that say nothing themselves.
    #[must_use]
    pub fn not_connected(mut self, policy: DatabaseNotConnected) -> Self {
        self.not_connected = policy;
        self
    }

    /// The registry. Nothing is opened yet.
    ///
    /// # Errors
    ///
    /// `Configuration` with every mistake: URLs, settings, names that are blank or taken.
    pub fn build(self) -> Result<Registry> {
        let mut mistakes = Vec::new();
        let policy = self.not_connected;
        let default = built(DEFAULT, self.default, &mut mistakes);
        let mut extra = BTreeMap::new();
        for (name, source) in self.extra {
            if let Some(mistake) = wrong_name(&name, &extra) {
                mistakes.push(mistake);
            }
            if let Some(database) = built(&name, source, &mut mistakes) {
                extra.insert(name, database);
            }
        }
        match default {
            Some(default) if mistakes.is_empty() => {
                let databases = Arc::new_cyclic(|registry| {
                    let named = |name: &str, database: &Database| {
                        let registry = WeakRegistry(Weak::clone(registry));
                        database.when_not_connected(policy).named(name, registry)
                    };
                    let extra = extra
                        .into_iter()
                        .map(|(name, database)| {
                            let database = named(&name, &database);
                            (name, database)
                        })
                        .collect();
                    Databases {
                        default: named(DEFAULT, &default),
                        extra,
                    }
                });
                Ok(Registry {
                    databases,
                    schema: None,
                })
            }
            _ => Err(Error::configuration(format!(
                "build a registry: {}",
                mistakes.join("; ")
            ))),
        }
    }
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

fn wrong_name(name: &str, known: &BTreeMap<String, Database>) -> Option<String> {
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
    known
        .contains_key(name)
        .then(|| format!("the name `{name}` is given twice; choose another"))
}

impl Registry {
    /// A registry with this default database: an URL, a builder or a database.
    pub fn builder(default: impl Into<DatabaseSource>) -> RegistryBuilder {
        RegistryBuilder {
            default: default.into(),
            extra: Vec::new(),
            not_connected: DatabaseNotConnected::default(),
        }
    }

    /// The default database, which `&Registry` stands for wherever a statement runs.
    #[must_use]
    pub fn default_database(&self) -> &Database {
        &self.databases.default
    }

    /// The database with this name; `default` is the default one.
    ///
    /// # Errors
    ///
    /// `Configuration` when there is none; the message lists the known names.
    pub fn using(&self, name: &str) -> Result<Database> {
        let database = self.find(name)?;
        Ok(match &self.schema {
            Some(schema) => database.in_schema(Some(Arc::clone(schema))),
            None => database.clone(),
        })
    }

    /// The database with this name, without this handle's schema.
    pub(crate) fn find(&self, name: &str) -> Result<&Database> {
        if name == DEFAULT {
            return Ok(&self.databases.default);
        }
        let found = self.databases.extra.get(name);
        found.ok_or_else(|| self.unknown(name))
    }

    /// A handle on the same databases whose statements read and write the tables of this schema; see
    /// [`Database::using_schema`]. What [`using`](Self::using) gives keeps the schema.
    ///
    /// # Errors
    ///
    /// `Configuration` when the default database can't have a schema of this name.
    pub fn using_schema(&self, name: &str) -> Result<Self> {
        let database = self.databases.default.using_schema(name)?;
        Ok(Self {
            databases: Arc::clone(&self.databases),
            schema: database.chosen_schema().cloned(),
        })
    }

    /// The schema that this handle was given with [`using_schema`](Self::using_schema).
    #[must_use]
    pub fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    pub(crate) fn chosen_schema(&self) -> Option<&Arc<str>> {
        self.schema.as_ref()
    }

    fn unknown(&self, name: &str) -> Error {
        let nearest = self
            .names()
            .map(|known| (distance(name, known), known))
            .min()
            .filter(|(distance, _)| *distance <= 2);
        let hint = nearest.map_or(String::new(), |(_, known)| {
            format!("; did you mean `{known}`?")
        });
        let known: Vec<_> = self.names().map(|known| format!("`{known}`")).collect();
        Error::configuration(format!(
            "use the database {name:?}: there is none of that name; known are {}{hint}",
            known.join(", ")
        ))
    }

    /// The names of all databases, the default one first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.databases().map(Database::name)
    }

    /// All databases, the default one first.
    pub fn databases(&self) -> impl Iterator<Item = &Database> {
        std::iter::once(&self.databases.default).chain(self.databases.extra.values())
    }

    /// Connects all databases at once: all or none. They stay connected until the lifespan ends.
    ///
    /// Lifespans may be nested and may overlap; the last one to end disconnects.
    ///
    /// # Errors
    ///
    /// `Connection` when a database can't be reached; the message names every one that failed, and those that were
    /// opened are closed again.
    pub async fn connect(&self) -> Result<Lifespan> {
        Lifespan::begin(self.databases().cloned().collect()).await
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
        let database = self.databases.default.in_schema(self.schema.clone());
        transaction_of_registry(database, work)
    }

    /// Makes it the registry of the process, which [`registry`] gives.
    ///
    /// # Errors
    ///
    /// `Configuration` when there is one already.
    pub fn install(&self) -> Result<()> {
        INSTALLED.set(self.clone()).map_err(|_| {
            Error::configuration(
                "install a registry: the process has one already; install once, or hand the registry on",
            )
        })
    }
}

/// The registry of the process.
///
/// # Errors
///
/// `Configuration` when none was installed with [`Registry::install`].
pub fn registry() -> Result<&'static Registry> {
    INSTALLED.get().ok_or_else(|| {
        Error::configuration(
            "get the registry of the process: none is installed; call `registry.install()` at the start of the program",
        )
    })
}

/// How many characters differ between two names, by Levenshtein's count.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, character) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (place, other) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(character != *other);
            diagonal = row[place + 1];
            row[place + 1] = replaced.min(row[place] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}
