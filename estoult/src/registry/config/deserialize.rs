//! A configuration from any format that serde reads: a table `databases` with one table, or one URL, a database.
//!
//! Any shape of input is read first and checked afterwards: serde would stop at the first mistake.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{RegistryConfig, draft::Draft};

/// The key of the databases.
const DATABASES: &str = "databases";
/// The setting of the whole registry.
const SYNC_LIMIT: &str = "sync_limit";

/// Reads `databases.NAME.SETTING`, or `databases.NAME` as a URL alone. All mistakes are in one error.
impl<'de> Deserialize<'de> for RegistryConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut draft = Draft::default();
        for (key, value) in deserializer.deserialize_map(TableVisitor)? {
            match value {
                RawValue::Table(databases) if key == DATABASES => {
                    databases
                        .into_iter()
                        .for_each(|(name, value)| database(&mut draft, &name, value));
                }
                _ if key == DATABASES => {
                    draft.mistake(format!(
                        "`{DATABASES}` is a table with one entry a database"
                    ));
                }
                RawValue::Text(limit) if key == SYNC_LIMIT => {
                    draft.set_sync_limit(&limit, SYNC_LIMIT);
                }
                _ if key == SYNC_LIMIT => {
                    draft.mistake(format!("`{SYNC_LIMIT}` takes one text or number"));
                }
                _ => draft.mistake(format!(
                    "`{key}` is unknown; known are `{DATABASES}` and `{SYNC_LIMIT}`"
                )),
            }
        }
        let location = |name: &str, setting: &str| format!("{}.{setting}", path(name));
        draft
            .finish("read a configuration of databases", location, "")
            .map_err(|error| D::Error::custom(error.message()))
    }
}

fn database(draft: &mut Draft, name: &str, value: RawValue) {
    match value {
        RawValue::Text(url) => draft.set(name, "url", &url, &path(name)),
        RawValue::Table(settings) => {
            // There is a database of this name also without any settings.
            draft.databases.entry(name.to_owned()).or_default();
            for (setting, value) in settings {
                let location = format!("{}.{setting}", path(name));
                match value {
                    RawValue::Text(text) => draft.set(name, &setting, &text, &location),
                    RawValue::Table(_) | RawValue::Other => {
                        let mistake = format!("`{location}` takes one text or number");
                        draft.refuse(name, &setting, mistake);
                    }
                }
            }
        }
        RawValue::Other => {
            let mistake = format!("`{}` is a table of settings, or a URL", path(name));
            draft.refuse(name, "url", mistake);
        }
    }
}

/// The location of a database; a name that is no plain word is quoted.
fn path(name: &str) -> String {
    let is_plain = name
        .chars()
        .all(|character| character.is_ascii_alphanumeric() || "_-".contains(character));
    if is_plain && !name.is_empty() {
        format!("{DATABASES}.{name}")
    } else {
        format!("{DATABASES}.{name:?}")
    }
}

/// The value at a location. Numbers and truth values become text, as they are in the environment.
enum RawValue {
    Text(String),
    Table(Vec<(String, RawValue)>),
    Other,
}

impl<'de> Deserialize<'de> for RawValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawValueVisitor)
    }
}

/// Keeps each entry, also those whose key occurs twice, which is a mistake to be reported.
struct TableVisitor;

impl<'de> Visitor<'de> for TableVisitor {
    type Value = Vec<(String, RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of databases")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(entries)
    }
}

struct RawValueVisitor;

impl<'de> Visitor<'de> for RawValueVisitor {
    type Value = RawValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a setting")
    }

    fn visit_bool<E>(self, value: bool) -> Result<RawValue, E> {
        Ok(RawValue::Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<RawValue, E> {
        Ok(RawValue::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<RawValue, E> {
        Ok(RawValue::Text(value.to_string()))
    }

    // No setting takes a fraction, and its text would differ between formats.
    fn visit_f64<E>(self, _: f64) -> Result<RawValue, E> {
        Ok(RawValue::Other)
    }

    fn visit_str<E>(self, value: &str) -> Result<RawValue, E> {
        Ok(RawValue::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<RawValue, E> {
        Ok(RawValue::Other)
    }

    fn visit_none<E>(self) -> Result<RawValue, E> {
        Ok(RawValue::Other)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<RawValue, D::Error> {
        RawValue::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<RawValue, A::Error> {
        // serde wants a list read to its end; then the mistake can be reported with the others.
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(RawValue::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawValue, A::Error> {
        TableVisitor.visit_map(map).map(RawValue::Table)
    }
}
