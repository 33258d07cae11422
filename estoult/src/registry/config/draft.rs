//! A configuration that is being read: one table of settings for every source, and all mistakes in one error.

use std::{collections::BTreeMap, time::Duration};

use super::{DatabaseConfig, RegistryConfig};
use crate::{
    database::{DatabaseNotConnected, DatabaseOptions, url},
    error::{Error, Result},
    registry::{DEFAULT, nearest, wrong_name},
};

const WHOLE: &str = "a whole number";
const TIME: &str = "a time such as `5s`, `500ms` or `1h 30m`, or a whole number of seconds";
const TIME_OR_NEVER: &str =
    "a time such as `30m` or `1h 30m`, a whole number of seconds, or `never`";

/// One setting of a database.
struct Setting {
    name: &'static str,
    /// What its value may be, for messages.
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

/// The setting that says where a database is.
const URL: &str = "url";

const fn setting(
    name: &'static str,
    takes: &'static str,
    set: fn(&mut DatabaseOptions, &str) -> Option<()>,
) -> Setting {
    Setting { name, takes, set }
}

fn put<T>(place: &mut T, value: Option<T>) -> Option<()> {
    *place = value?;
    Some(())
}

fn time(text: &str) -> Option<Duration> {
    match text.parse() {
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

/// What was read so far, and what is wrong with it.
#[derive(Default)]
pub(super) struct Draft {
    databases: BTreeMap<String, Database>,
    mistakes: Vec<String>,
}

/// A database of a draft.
#[derive(Default)]
struct Database {
    url: Option<String>,
    options: DatabaseOptions,
    /// Each setting that was read, and where it stands.
    places: BTreeMap<&'static str, String>,
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

    /// Notes that there is a database of this name, whatever is said about it.
    pub(super) fn declare(&mut self, name: &str) {
        self.databases.entry(name.to_owned()).or_default();
    }

    /// Notes a mistake in the value of a setting, so that it counts as given.
    pub(super) fn refuse(&mut self, name: &str, setting: &str, mistake: String) {
        let database = self.databases.entry(name.to_owned()).or_default();
        if setting == URL {
            database.url = Some(String::new());
        }
        self.mistake(mistake);
    }

    /// Reads a setting of a database; `place` says where it stands, as messages name it.
    pub(super) fn set(&mut self, name: &str, setting: &str, text: &str, place: &str) {
        let database = self.databases.entry(name.to_owned()).or_default();
        let Some(known) = setting_names().find(|known| *known == setting) else {
            return self.mistake(unknown(setting, place));
        };
        if let Some(before) = database.places.insert(known, place.to_owned()) {
            return self.mistake(twice(&before, place));
        }
        if known == URL {
            database.url = Some(text.to_owned());
            let refused = url::parse(text).err();
            self.mistakes
                .extend(refused.map(|error| format!("`{place}`: {}", error.message())));
            return;
        }
        let setting = SETTINGS.iter().find(|setting| setting.name == known);
        if let Some(setting) = setting
            && (setting.set)(&mut database.options, text).is_none()
        {
            let takes = setting.takes;
            self.mistake(format!("`{place}` takes {takes}"));
        }
    }

    /// The configuration. `tried` names the source, and `place` where a setting of a database would stand in it.
    pub(super) fn finish(
        mut self,
        tried: &str,
        place: impl Fn(&str, &str) -> String,
        instead: &str,
    ) -> Result<RegistryConfig> {
        if !self.databases.contains_key(DEFAULT) {
            let remedy = place(DEFAULT, URL);
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
            let config = self.config(&name, database, &place, instead);
            extra.extend(config.map(|config| (name, config)));
        }
        match extra.remove(DEFAULT) {
            Some(default_database) if self.mistakes.is_empty() => Ok(RegistryConfig {
                default_database,
                extra,
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
        database: Database,
        place: &impl Fn(&str, &str) -> String,
        instead: &str,
    ) -> Option<DatabaseConfig> {
        let Some(url) = database.url else {
            let (remedy, instead) = (place(name, URL), if name == DEFAULT { instead } else { "" });
            self.mistakes.push(format!(
                "the database `{name}` has no URL: set `{remedy}`{instead}"
            ));
            return None;
        };
        let config = DatabaseConfig {
            url,
            options: database.options,
        };
        if url::parse(&config.url).is_ok()
            && let Err(error) = config.clone().builder().connections()
        {
            self.mistakes
                .push(format!("the database `{name}`: {}", error.message()));
        }
        Some(config)
    }
}

fn twice(before: &str, place: &str) -> String {
    if before == place {
        return format!("`{place}` is given twice; leave one out");
    }
    format!("`{before}` and `{place}` say the same; leave one out")
}

fn unknown(setting: &str, place: &str) -> String {
    let hint = nearest(setting, setting_names())
        .map_or(String::new(), |known| format!("; did you mean `{known}`?"));
    let known: Vec<_> = setting_names().collect();
    format!(
        "`{place}` is no setting of a database; known are {}{hint}",
        known.join(", ")
    )
}
