//! Which databases there are, as plain settings: from the environment, from a file, or written in the program.
//!
//! Invariant: no message and no `Debug` shows a URL's password, nor any other value of a setting.

#[cfg(feature = "config")]
mod deserialize;
mod draft;
mod environment;

use std::{collections::BTreeMap, fmt, time::Duration};

use super::{DEFAULT, Registry, RegistryBuilder, SYNC_LIMIT};
use crate::{
    backend::{DatabaseOptions, url},
    database::{Database, DatabaseBuilder, DatabaseSource},
    error::Result,
};

/// The databases of a registry as plain settings: from the environment with [`from_env`](Self::from_env), with the
/// feature `config` from any format that serde reads, or written out.
///
/// ```
/// use estoult::{DatabaseConfig, Registry, RegistryConfig};
///
/// # fn main() -> estoult::Result<()> {
/// let mut config = RegistryConfig::new("sqlite::memory:");
/// config.extra.insert("archive".to_owned(), DatabaseConfig::new("sqlite::memory:"));
/// config.default_database.options.max_connections = 4;
/// let registry = Registry::from_config(config)?;
/// assert_eq!(registry.names().collect::<Vec<_>>(), ["default", "archive"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegistryConfig {
    /// The default database.
    pub default_database: DatabaseConfig,
    /// The other databases by name.
    pub extra: BTreeMap<String, DatabaseConfig>,
    /// How long `run_sync` waits for something other than a database; see
    /// [`RegistryBuilder::sync_limit`].
    pub sync_limit: Duration,
}

/// One database as plain settings: where it is, and the settings of its connections.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DatabaseConfig {
    /// The URL, with its password.
    pub url: String,
    /// The settings of its connections.
    pub options: DatabaseOptions,
}

impl RegistryConfig {
    /// A default database at this URL with the usual settings, and no other.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            default_database: DatabaseConfig::new(url),
            extra: BTreeMap::new(),
            sync_limit: SYNC_LIMIT,
        }
    }

    /// The builder of a registry with these databases, for what settings can't say.
    ///
    /// ```
    /// use estoult::{Database, RegistryConfig};
    ///
    /// # fn main() -> estoult::Result<()> {
    /// let scratch = Database::builder("sqlite::memory:").build()?;
    /// let registry = RegistryConfig::new("sqlite::memory:").builder().extra("scratch", scratch).build()?;
    /// assert!(registry.using("scratch").is_ok());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn builder(self) -> RegistryBuilder {
        self.extra.into_iter().fold(
            Registry::builder(self.default_database).sync_limit(self.sync_limit),
            |builder, (name, database)| builder.extra(name, database),
        )
    }

    /// All databases, the default one first.
    fn databases(&self) -> impl Iterator<Item = (&str, &DatabaseConfig)> {
        let extra = self.extra.iter();
        std::iter::once((DEFAULT, &self.default_database))
            .chain(extra.map(|(name, database)| (name.as_str(), database)))
    }
}

impl DatabaseConfig {
    /// A database at this URL with the usual settings.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            options: DatabaseOptions::default(),
        }
    }

    /// The builder of a database with these settings.
    #[must_use]
    pub fn builder(self) -> DatabaseBuilder {
        Database::builder(self.url).options(self.options)
    }

    /// The URL without its secrets.
    fn address(&self) -> String {
        url::parse(&self.url).map_or_else(|_| "malformed".to_owned(), |target| target.to_string())
    }
}

impl Registry {
    /// The registry with these databases. Nothing is opened yet.
    ///
    /// # Errors
    ///
    /// `Configuration` with every mistake: URLs, settings, names that are blank or taken.
    pub fn from_config(config: RegistryConfig) -> Result<Self> {
        config.builder().build()
    }
}

impl From<DatabaseConfig> for DatabaseSource {
    fn from(config: DatabaseConfig) -> Self {
        config.builder().into()
    }
}

impl From<&str> for DatabaseConfig {
    fn from(url: &str) -> Self {
        Self::new(url)
    }
}

impl From<String> for DatabaseConfig {
    fn from(url: String) -> Self {
        Self::new(url)
    }
}

impl fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseConfig")
            .field("address", &self.address())
            .field("options", &self.options)
            .finish()
    }
}

impl fmt::Display for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address())
    }
}

impl fmt::Debug for RegistryConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.databases()).finish()
    }
}

impl fmt::Display for RegistryConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, database)) in self.databases().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}`{name}` ({database})")?;
        }
        Ok(())
    }
}
