//! [`New`]: a row to insert, made by the program and complete by its type.

use std::fmt;

use crate::{
    changeset::Changeset,
    table::{Changes, Column, Model, NewRow},
    value::{IntoValue, Value},
};

/// A row to insert; the compiler checks that no required column is missing. Written with [`new!`](crate::new).
pub struct New<S: Model> {
    literal: S::New,
    overrides: Changes,
}

impl<S: Model> fmt::Debug for New<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("New")
            .field("table", &S::table_spec().name())
            .finish_non_exhaustive()
    }
}

impl<S: Model> New<S> {
    /// The row of this literal.
    #[doc(hidden)]
    pub fn of(literal: S::New) -> Self {
        Self {
            literal,
            overrides: Changes::default(),
        }
    }

    /// Sets a column that the literal leaves out, such as a generated key or a default.
    #[must_use]
    pub fn put<T: Value>(mut self, column: Column<S, T>, value: impl IntoValue<T>) -> Self {
        self.overrides
            .put(column.name().to_string(), value.into_value().into_datum());
        self
    }

    /// The changeset that inserts it, for further rules.
    #[must_use]
    pub fn changeset(self) -> Changeset<S> {
        Changeset::from_parts(None, self.into_changes().0)
    }

    /// The changes, and whether only the literal sets columns: the text of such an insert is cached.
    pub(crate) fn into_changes(self) -> (Changes, bool) {
        let mut changes = Changes::with_capacity(S::table_spec().columns().len());
        let is_literal = self.overrides.is_empty();
        self.add_to(&mut changes);
        (changes, is_literal)
    }

    /// Adds all columns to changes that have none yet.
    pub(crate) fn add_to(self, changes: &mut Changes) {
        self.literal.changes(changes);
        for (column, datum) in self.overrides.into_values() {
            changes.put(column, datum);
        }
    }
}
