//! A configuration from any format that serde reads: a table `databases` with one table, or one URL, a database.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{RegistryConfig, draft::Draft};

/// The only key of the whole.
const DATABASES: &str = "databases";

/// Reads `databases.NAME.SETTING`, or `databases.NAME` as a URL alone. All mistakes are in one error.
impl<'de> Deserialize<'de> for RegistryConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut draft = Draft::default();
        for (key, value) in deserializer.deserialize_map(Table)? {
            match value {
                Given::Table(databases) if key == DATABASES => {
                    databases
                        .into_iter()
                        .for_each(|(name, given)| database(&mut draft, &name, given));
                }
                _ if key == DATABASES => {
                    draft.mistake(format!(
                        "`{DATABASES}` is a table with one entry a database"
                    ));
                }
                _ => draft.mistake(format!("`{key}` is unknown; known is `{DATABASES}`")),
            }
        }
        let place = |name: &str, setting: &str| format!("{}.{setting}", path(name));
        draft
            .finish("read a configuration of databases", place, "")
            .map_err(|error| D::Error::custom(error.message()))
    }
}

fn database(draft: &mut Draft, name: &str, given: Given) {
    match given {
        Given::Text(url) => draft.set(name, "url", &url, &path(name)),
        Given::Table(settings) => {
            draft.declare(name);
            for (setting, given) in settings {
                let place = format!("{}.{setting}", path(name));
                match given {
                    Given::Text(text) => draft.set(name, &setting, &text, &place),
                    Given::Table(_) | Given::Other => {
                        let mistake = format!("`{place}` takes one text or number");
                        draft.refuse(name, &setting, mistake);
                    }
                }
            }
        }
        Given::Other => {
            let mistake = format!("`{}` is a table of settings, or a URL", path(name));
            draft.refuse(name, "url", mistake);
        }
    }
}

/// Where a database stands; a name that is no plain word is quoted.
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

/// What stands at a place: numbers and truth values are kept as text, since the environment has them so as well.
enum Given {
    Text(String),
    Table(Vec<(String, Given)>),
    Other,
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

/// Keeps each entry, also those whose key comes twice.
struct Table;

impl<'de> Visitor<'de> for Table {
    type Value = Vec<(String, Given)>;

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

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Given;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a setting")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Given, E> {
        Ok(Given::Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Given, E> {
        Ok(Given::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Given, E> {
        Ok(Given::Text(value.to_string()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Given, E> {
        Ok(Given::Other)
    }

    fn visit_str<E>(self, value: &str) -> Result<Given, E> {
        Ok(Given::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Given, E> {
        Ok(Given::Other)
    }

    fn visit_none<E>(self) -> Result<Given, E> {
        Ok(Given::Other)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Given, D::Error> {
        Given::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Given, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Given::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Given, A::Error> {
        Table.visit_map(map).map(Given::Table)
    }
}
