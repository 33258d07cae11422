//! [`Changeset`]: how to change a row. It has the row's data, the changes and their errors, and becomes an insert or
//! an update.
//!
//! Invariant: no SQL text here, and no database; the verbs that write are in `verbs`.

mod cast;
mod constraint;
mod new;
mod rule;
mod validation;

use std::{borrow::Cow, fmt, marker::PhantomData};

pub(crate) use self::rule::{Rule, field_error};
pub use self::{cast::Params, new::New};
use crate::{
    error::{Error, FieldError, Result},
    table::{Changes, Column, Model},
    value::{Datum, IntoValue, Value},
};

/// Changes to a row, checked rule by rule; errors are collected.
///
/// ```
/// use std::collections::HashMap;
/// use estoult::Schema;
///
/// #[derive(Debug, Clone, Schema)]
/// struct Author { id: i64, name: String, email: Option<String> }
///
/// let form = HashMap::from([("name", ""), ("email", "no address")]);
/// let changeset = Author::changeset()
///     .cast(&form, [Author::name.name(), Author::email.name()])
///     .required(Author::name)
///     .max_length(Author::name, 120)
///     .format(Author::email, "@")
///     .unique(Author::email);
/// let codes: Vec<_> = changeset.errors().iter().map(|error| (error.field(), error.code())).collect();
/// assert_eq!(codes, [("name", "required"), ("email", "format")]);
/// ```
pub struct Changeset<S> {
    pub(crate) data: Option<S>,
    pub(crate) changes: Changes,
    pub(crate) errors: Vec<FieldError>,
    pub(crate) rules: Vec<Rule>,
    /// A mistake of the program in the rules themselves, such as an invalid pattern.
    pub(crate) misuse: Option<Cow<'static, str>>,
    schema: PhantomData<fn() -> S>,
}

impl<S: Model> fmt::Debug for Changeset<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changeset")
            .field("table", &S::table_spec().name())
            .field("changes", &self.changes)
            .field("errors", &self.errors)
            .finish_non_exhaustive()
    }
}

impl<S: Model> Changeset<S> {
    pub(crate) fn new() -> Self {
        Self::from_parts(None, Changes::default())
    }

    pub(crate) fn of(data: S) -> Self {
        Self::from_parts(Some(data), Changes::default())
    }

    pub(crate) fn from_parts(data: Option<S>, changes: Changes) -> Self {
        Self {
            data,
            changes,
            errors: Vec::new(),
            rules: Vec::new(),
            misuse: None,
            schema: PhantomData,
        }
    }

    /// Sets a column.
    #[must_use]
    pub fn put<T: Value>(mut self, column: Column<S, T>, value: impl IntoValue<T>) -> Self {
        self.changes
            .put(column.name().to_string(), value.into_value().into_datum());
        self
    }

    /// Sets a column if there is a value.
    #[must_use]
    pub fn put_some<T: Value>(self, column: Column<S, T>, value: Option<T>) -> Self {
        match value {
            Some(value) => self.put(column, value),
            None => self,
        }
    }

    /// The value that a column will have: its change, otherwise that of the row.
    #[must_use]
    pub fn get<T: Value>(&self, column: Column<S, T>) -> Option<T> {
        let datum = self.datum(&column.name().to_string())?;
        T::from_datum(datum.as_ref()).ok()
    }

    pub(crate) fn datum(&self, column: &str) -> Option<Datum> {
        let changed = self.changes.get(column).cloned();
        changed.or_else(|| self.data.as_ref().and_then(|data| data.datum(column)))
    }

    /// The columns that are set.
    #[must_use]
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// The row to change; `None` for an insert.
    #[must_use]
    pub fn data(&self) -> Option<&S> {
        self.data.as_ref()
    }

    /// The errors so far; the database checks its constraints when the changes are written.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// Whether there is no error so far.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.errors.is_empty() && self.misuse.is_none()
    }

    /// Adds an error for a column.
    #[must_use]
    pub fn add_error<T>(
        mut self,
        column: Column<S, T>,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.errors
            .push(FieldError::new(column.name().to_string(), code, message));
        self
    }

    /// The errors as a result, before anything is sent.
    pub(crate) fn check(&self) -> Result<()> {
        // A mistake of the program is no fault of the input, so it must not reach a user as an error of a field.
        if let Some(misuse) = &self.misuse {
            return Err(Error::configuration(misuse.clone()));
        }
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Error::invalid(self.errors.clone()))
        }
    }
}
