//! [`Changes`]: the values that a write sets, by column.

use std::{borrow::Cow, fmt};

use crate::value::Datum;

/// The columns that a write sets, by name.
#[derive(Clone, Default, PartialEq)]
pub struct Changes {
    values: Vec<(Cow<'static, str>, Datum)>,
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.values.iter().map(|(name, datum)| (name, datum)))
            .finish()
    }
}

impl Changes {
    /// Sets a column, replacing an earlier value.
    pub fn put(&mut self, column: impl Into<Cow<'static, str>>, datum: Datum) {
        let column = column.into();
        // A linear search: a row has few columns, and the list keeps the order for the statement.
        match self.values.iter_mut().find(|(name, _)| *name == column) {
            Some((_, value)) => *value = datum,
            None => self.values.push((column, datum)),
        }
    }

    /// Sets a column that is not set yet, as the fields of a literal are, each of which has a column of its own.
    pub fn push(&mut self, column: &'static str, datum: Datum) {
        self.values.push((Cow::Borrowed(column), datum));
    }

    /// No changes yet, with room for those of this many columns.
    pub(crate) fn with_capacity(columns: usize) -> Self {
        Self {
            values: Vec::with_capacity(columns),
        }
    }

    /// The value that a column is set to.
    #[must_use]
    pub fn get(&self, column: &str) -> Option<&Datum> {
        self.values
            .iter()
            .find(|(name, _)| name == column)
            .map(|(_, datum)| datum)
    }

    /// The names of the columns that are set, in the order of their first `put`.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(|(name, _)| &**name)
    }

    /// Whether no column is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Takes the values out, and keeps the room for those of another row.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = (Cow<'static, str>, Datum)> {
        self.values.drain(..)
    }

    pub(crate) fn into_values(self) -> Vec<(Cow<'static, str>, Datum)> {
        self.values
    }

    pub(crate) fn values(&self) -> &[(Cow<'static, str>, Datum)] {
        &self.values
    }
}
