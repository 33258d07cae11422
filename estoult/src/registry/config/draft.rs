//! A configuration that is being read: one table of settings for every source, and all mistakes in one error.
//!
//! Invariant: it knows no source; each passes the location of a setting for messages. Values are never shown.

use std::{collections::BTreeMap, time::Duration};

use estoult_sql::names::hint;

use super::{DatabaseConfig, RegistryConfig};
use crate::{
    backend::{DatabaseNotConnected, DatabaseOptions, url},
    error::{Error, Result},
    registry::{DEFAULT, SYNC_LIMIT, wrong_name},
};

const WHOLE: &str = "a whole number";
const TIME: &str = "a time such as `5s`, `500ms` or `1h 30m`, or a whole number of seconds";
const TIME_OR_NEVER: &str =
    "a time such as `30m` or `1h 30m`, a whole number of seconds, or `never`";

/// One setting of a database.
struct Setting {
    name: &'static str,
    /// The values that it takes, for messages.
    takes: &'static str,
    /// Reads it from a text; `None` when the text is no such value.
    set: fn(&mut DatabaseOptions, &str) -> Option<()>,
}

/// Every setting of a database beside its URL; a new one is a line here.
const SETTINGS: &[Setting] = &[
    setting("max_connections", WHOLE, |options, text| {
        put(&mut options.max_connections, text.parse().ok())
    }),
    setting("acquire_timeout", TIME, |options, text| {
        put(&mut options.acquire_timeout, time(text))
    }),
    setting("connect_timeout", TIME, |options, text| {
        put(&mut options.connect_timeout, time(text))
    }),
    setting("statement_timeout", TIME_OR_NEVER, |options, text| {
        put(&mut options.statement_timeout, time_or_never(text))
    }),
    setting("slow_statement", TIME_OR_NEVER, |options, text| {
        put(&mut options.slow_statement, time_or_never(text))
    }),
    setting("statement_cache_capacity", WHOLE, |options, text| {
        put(
            &mut options.statement_cache_capacity,
            text.parse().ok().map(Some),
        )
    }),
    setting("ping_after", TIME, |options, text| {
        put(&mut options.ping_after, time(text))
    }),
    setting("max_age", TIME_OR_NEVER, |options, text| {
        put(&mut options.max_age, time_or_never(text))
    }),
    setting("schema", "the name of a schema", |options, text| {
        put(&mut options.schema, Some(Some(text.to_owned())))
    }),
    setting("min_connections", WHOLE, |options, text| {
        put(&mut options.min_connections, text.parse().ok())
    }),
    setting("connect_within", TIME, |options, text| {
        put(&mut options.connect_within, time(text))
    }),
    setting("connect_retries", WHOLE, |options, text| {
        put(&mut options.connect_retries, text.parse().ok())
    }),
    setting("read_only", "`true` or `false`", |options, text| {
        put(&mut options.read_only, text.parse().ok())
    }),
    setting(
        "not_connected",
        "`warn`, `error` or `silent`",
        |options, text| put(&mut options.not_connected, policy(text).map(Some)),
    ),
];

/// The setting with the address of a database.
const URL: &str = "url";

const fn setting(
    name: &'static str,
    takes: &'static str,
    set: fn(&mut DatabaseOptions, &str) -> Option<()>,
) -> Setting {
    Setting { name, takes, set }
}

fn put<T>(field: &mut T, value: Option<T>) -> Option<()> {
    *field = value?;
    Some(())
}

fn time(text: &str) -> Option<Duration> {
    match text.parse() {
        // Before the units: a file may have a plain number.
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => humantime::parse_duration(text).ok(),
    }
}

fn policy(text: &str) -> Option<DatabaseNotConnected> {
    match text {
        "warn" => Some(DatabaseNotConnected::Warn),
        "error" => Some(DatabaseNotConnected::Error),
        "silent" => Some(DatabaseNotConnected::Silent),
        _ => None,
    }
}

fn time_or_never(text: &str) -> Option<Option<Duration>> {
    match text {
        "never" => Some(None),
        text => time(text).map(Some),
    }
}

/// The names of all settings of a database.
fn setting_names() -> impl Iterator<Item = &'static str> {
    std::iter::once(URL).chain(SETTINGS.iter().map(|setting| setting.name))
}

/// The settings that were read so far, and their mistakes.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) databases: BTreeMap<String, DraftDatabase>,
    /// The limit of `run_sync`, and the location that it was read from.
    sync_limit: Option<(Duration, String)>,
    mistakes: Vec<String>,
}

/// A database of a draft.
#[derive(Default)]
pub(super) struct DraftDatabase {
    url: Option<String>,
    options: DatabaseOptions,
    /// Each setting that was read, and its location.
    locations: BTreeMap<&'static str, String>,
}

impl Draft {
    /// Notes a mistake of the source itself.
    pub(super) fn mistake(&mut self, mistake: impl Into<String>) {
        self.mistakes.push(mistake.into());
    }

    /// Whether the default database has a URL.
    pub(super) fn has_default_url(&self) -> bool {
        self.databases
            .get(DEFAULT)
            .is_some_and(|database| database.url.is_some())
    }

    /// Notes a mistake in the value of a setting, which counts as given.
    pub(super) fn refuse(&mut self, name: &str, setting: &str, mistake: String) {
        let database = self.databases.entry(name.to_owned()).or_default();
        if setting == URL {
            // Else a second mistake would say that the database has no URL.
            database.url = Some(String::new());
        }
        self.mistake(mistake);
    }

    /// Reads the limit of `run_sync`, a setting of the whole registry.
    pub(super) fn set_sync_limit(&mut self, text: &str, location: &str) {
        let read = time(text).filter(|limit| !limit.is_zero());
        match (read, &self.sync_limit) {
            (Some(_), Some((_, before))) => {
                let twice = twice(before, location);
                self.mistake(twice);
            }
            (Some(limit), None) => self.sync_limit = Some((limit, location.to_owned())),
            (None, _) => self.mistake(format!("`{location}` takes {TIME}, more than 0")),
        }
    }

    /// Reads a setting of a database; `location` is the name of its place in messages.
    pub(super) fn set(&mut self, name: &str, setting: &str, text: &str, location: &str) {
        let database = self.databases.entry(name.to_owned()).or_default();
        let Some(known) = setting_names().find(|known| *known == setting) else {
            return self.mistake(unknown(setting, location));
        };
        if let Some(before) = database.locations.insert(known, location.to_owned()) {
            return self.mistake(twice(&before, location));
        }
        if known == URL {
            database.url = Some(text.to_owned());
            let refused = url::parse(text).err();
            self.mistakes
                .extend(refused.map(|error| format!("`{location}`: {}", error.message())));
            return;
        }
        let setting = SETTINGS.iter().find(|setting| setting.name == known);
        if let Some(setting) = setting
            && (setting.set)(&mut database.options, text).is_none()
        {
            let takes = setting.takes;
            self.mistake(format!("`{location}` takes {takes}"));
        }
    }

    /// The configuration. `tried` names the source, and `location` the place of a setting in it.
    pub(super) fn finish(
        mut self,
        tried: &str,
        location: impl Fn(&str, &str) -> String,
        instead: &str,
    ) -> Result<RegistryConfig> {
        if !self.databases.contains_key(DEFAULT) {
            let remedy = location(DEFAULT, URL);
            self.mistakes.push(format!(
                "there is no default database: set `{remedy}`{instead}"
            ));
        }
        let mut extra = BTreeMap::new();
        for (name, database) in std::mem::take(&mut self.databases) {
            if name != DEFAULT {
                self.mistakes
                    .extend(wrong_name(&name, |name| extra.contains_key(name)));
            }
            let config = self.config(&name, database, &location, instead);
            extra.extend(config.map(|config| (name, config)));
        }
        match extra.remove(DEFAULT) {
            Some(default_database) if self.mistakes.is_empty() => Ok(RegistryConfig {
                default_database,
                extra,
                sync_limit: self.sync_limit.map_or(SYNC_LIMIT, |(limit, _)| limit),
            }),
            _ => Err(Error::configuration(format!(
                "{tried}: {}",
                self.mistakes.join("; ")
            ))),
        }
    }

    fn config(
        &mut self,
        name: &str,
        database: DraftDatabase,
        location: &impl Fn(&str, &str) -> String,
        instead: &str,
    ) -> Option<DatabaseConfig> {
        let Some(url) = database.url else {
            let (remedy, instead) = (
                location(name, URL),
                if name == DEFAULT { instead } else { "" },
            );
            self.mistakes.push(format!(
                "the database `{name}` has no URL: set `{remedy}`{instead}"
            ));
            return None;
        };
        let config = DatabaseConfig {
            url,
            options: database.options,
        };
        // A wrong URL was noted when it was read. The pool is built only to check the settings, and opens nothing.
        if url::parse(&config.url).is_ok()
            && let Err(error) = config.clone().builder().pool()
        {
            self.mistakes
                .push(format!("the database `{name}`: {}", error.message()));
        }
        Some(config)
    }
}

fn twice(before: &str, location: &str) -> String {
    if before == location {
        return format!("`{location}` is given twice; leave one out");
    }
    format!("`{before}` and `{location}` say the same; leave one out")
}

fn unknown(setting: &str, location: &str) -> String {
    let hint = hint(setting, setting_names());
    let known: Vec<_> = setting_names().collect();
    format!(
        "`{location}` is not a database setting; the settings are {}{hint}",
        known.join(", ")
    )
}
