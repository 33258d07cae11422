//! A configuration from environment variables: `ESTOULT_DATABASES__REPLICA__MAX_CONNECTIONS`.

use std::ffi::OsString;

use super::{RegistryConfig, draft::Draft};
use crate::{error::Result, registry::DEFAULT};

/// The prefix of the variables of databases.
const PREFIX: &str = "ESTOULT_DATABASES__";
/// A variable with this prefix was meant to be one of them.
const MEANT: &str = "ESTOULT_DATABASE";
/// Where platforms put the URL of the only database.
const DATABASE_URL: &str = "DATABASE_URL";
/// The setting of the whole registry.
const SYNC_LIMIT: &str = "ESTOULT_SYNC_LIMIT";

impl RegistryConfig {
    /// The databases that the environment names, as `ESTOULT_DATABASES__NAME__SETTING`.
    ///
    /// ```console
    /// $ export ESTOULT_DATABASES__DEFAULT__URL=postgres://app:secret@localhost/shop
    /// $ export ESTOULT_DATABASES__REPLICA__URL=postgres://reader:secret@db-2/shop
    /// $ export ESTOULT_DATABASES__REPLICA__MAX_CONNECTIONS=4
    /// $ export ESTOULT_DATABASES__REPLICA__ACQUIRE_TIMEOUT=500ms
    /// ```
    ///
    /// Names and settings are read in lower case, so the second database is `replica`. The default database may be
    /// given as `DATABASE_URL`, too, which only counts when `ESTOULT_DATABASES__DEFAULT__URL` is not set.
    /// `ESTOULT_SYNC_LIMIT` is [`RegistryBuilder::sync_limit`](crate::registry::RegistryBuilder::sync_limit). Times are
    /// written as `5s`, `500ms` or `1h 30m`, or as a whole number of seconds. An empty variable counts as not set.
    ///
    /// # Errors
    ///
    /// `Configuration` with every mistake: a variable that is no setting, malformed URLs, numbers and times, text that
    /// is not UTF-8, a database without a URL, no default database. Variables are named, values never shown.
    pub fn from_env() -> Result<Self> {
        Self::from_vars(std::env::vars_os())
    }

    /// As [`from_env`](Self::from_env), from these variables instead of the process's own.
    ///
    /// ```
    /// use estoult::RegistryConfig;
    ///
    /// # fn main() -> estoult::Result<()> {
    /// let config = RegistryConfig::from_vars([
    ///     ("DATABASE_URL", "sqlite::memory:"),
    ///     ("ESTOULT_DATABASES__ARCHIVE__URL", "sqlite:archive.db"),
    ///     ("ESTOULT_DATABASES__ARCHIVE__MAX_CONNECTIONS", "2"),
    /// ])?;
    /// assert_eq!(config.to_string(), "`default` (sqlite::memory:), `archive` (sqlite:archive.db)");
    /// assert_eq!(config.extra["archive"].options.max_connections, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`from_env`](Self::from_env).
    pub fn from_vars<K: Into<OsString>, V: Into<OsString>>(
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self> {
        let mut draft = Draft::default();
        let mut fallback = None;
        let mut variables: Vec<(OsString, OsString)> = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        // Mistakes are reported in an order that does not change from run to run.
        variables.sort();
        for (name, value) in variables {
            // A name that is not UTF-8 is shown as far as it is; a variable without our prefix is not our concern.
            let shown = name.to_string_lossy();
            let is_ours = shown.to_ascii_uppercase().starts_with(MEANT);
            if !(is_ours || shown == DATABASE_URL || shown == SYNC_LIMIT) || value.is_empty() {
                continue;
            }
            match (name.to_str(), value.to_str()) {
                (None, _) => draft.mistake(format!("the name `{shown}` is not UTF-8")),
                (Some(DATABASE_URL), value) => fallback = Some(value.map(str::to_owned)),
                (Some(SYNC_LIMIT), Some(value)) => draft.set_sync_limit(value, SYNC_LIMIT),
                (Some(SYNC_LIMIT), None) => {
                    draft.mistake(format!("the value of `{SYNC_LIMIT}` is not UTF-8"));
                }
                (Some(name), value) => read(&mut draft, name, value),
            }
        }
        if let Some(url) = fallback.filter(|_| !draft.has_default_url()) {
            set(&mut draft, DEFAULT, "url", url.as_deref(), DATABASE_URL);
        }
        let location =
            |name: &str, setting: &str| format!("{PREFIX}{name}__{setting}").to_uppercase();
        let tried = "read the databases of the environment";
        draft.finish(tried, location, &format!(" or `{DATABASE_URL}`"))
    }
}

/// Reads one variable that is, or was meant to be, a setting of a database.
fn read(draft: &mut Draft, variable: &str, value: Option<&str>) {
    let parts = variable
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.rsplit_once("__"))
        .filter(|(name, setting)| !name.is_empty() && !setting.is_empty());
    match parts {
        Some((name, setting)) => {
            let (name, setting) = (name.to_lowercase(), setting.to_ascii_lowercase());
            set(draft, &name, &setting, value, variable);
        }
        None => draft.mistake(format!(
            "`{variable}` is not a database setting; write `{PREFIX}NAME__SETTING`, such as `{PREFIX}DEFAULT__URL`"
        )),
    }
}

/// Sets a value that is text.
fn set(draft: &mut Draft, name: &str, setting: &str, value: Option<&str>, variable: &str) {
    match value {
        Some(value) => draft.set(name, setting, value, variable),
        None => draft.refuse(
            name,
            setting,
            format!("the value of `{variable}` is not UTF-8"),
        ),
    }
}
