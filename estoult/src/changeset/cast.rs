//! Casts untrusted input: only the named columns are read, each as its type.

#[cfg(feature = "json")]
mod json;

use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasher, Hash},
};

use crate::{
    changeset::Changeset,
    error::FieldError,
    table::{ColumnName, Model},
    value::{Datum, Kind},
};

/// Input by name: a map of texts, a list of pairs, a JSON object.
pub trait Params {
    /// The input of this name; `None` when there is none.
    fn param(&self, name: &str) -> Option<Datum>;
}

fn text(value: &impl AsRef<str>) -> Datum {
    Datum::Text(value.as_ref().to_owned())
}

impl<K, V: AsRef<str>, H: BuildHasher> Params for HashMap<K, V, H>
where
    K: std::borrow::Borrow<str> + Eq + Hash,
{
    fn param(&self, name: &str) -> Option<Datum> {
        self.get(name).map(text)
    }
}

impl<K: std::borrow::Borrow<str> + Ord, V: AsRef<str>> Params for BTreeMap<K, V> {
    fn param(&self, name: &str) -> Option<Datum> {
        self.get(name).map(text)
    }
}

impl<K: AsRef<str>, V: AsRef<str>> Params for [(K, V)] {
    fn param(&self, name: &str) -> Option<Datum> {
        self.iter()
            .find(|(key, _)| key.as_ref() == name)
            .map(|(_, value)| text(value))
    }
}

impl<K: AsRef<str>, V: AsRef<str>> Params for Vec<(K, V)> {
    fn param(&self, name: &str) -> Option<Datum> {
        self.as_slice().param(name)
    }
}

impl<K: AsRef<str>, V: AsRef<str>, const N: usize> Params for [(K, V); N] {
    fn param(&self, name: &str) -> Option<Datum> {
        self.as_slice().param(name)
    }
}

impl<S: Model> Changeset<S> {
    /// Reads these columns from untrusted input and ignores everything else in it.
    ///
    /// Text is read as the column's type, blank text as NULL. Input that can't be read becomes an error with the code
    /// `cast`, blank input for a column that is not nullable one with the code `required`.
    #[must_use]
    pub fn cast(
        mut self,
        input: &(impl Params + ?Sized),
        columns: impl IntoIterator<Item = ColumnName>,
    ) -> Self {
        for column in columns {
            let name = column.to_string();
            if let Some(datum) = input.param(&name) {
                self.cast_one(name, datum);
            }
        }
        self
    }

    fn cast_one(&mut self, name: String, datum: Datum) {
        // A name of another schema's column; this schema has nothing to set.
        let Some(spec) = S::table_spec().find(&name) else {
            return;
        };
        // Forms send an empty field as empty text.
        let is_blank = matches!(&datum, Datum::Text(text) if text.trim().is_empty());
        let datum = if is_blank {
            Datum::Null(Kind::Text)
        } else {
            datum
        };
        if datum.is_null() && !spec.is_nullable {
            self.errors
                .push(FieldError::new(name, "required", "can't be blank"));
            return;
        }
        match (spec.cast)(datum.as_ref()) {
            Ok(datum) => self.changes.put(name, datum),
            Err(mismatch) => {
                let error = FieldError::new(name, "cast", "is invalid");
                self.errors.push(error.with("reason", mismatch));
            }
        }
    }
}
