//! How to change: a [`Changeset`] holds a row's data, its changes and what is wrong with them, and becomes an insert
//! or an update.
//!
//! Invariant: no SQL text here.

mod cast;
mod constraint;
mod error;
mod new;
mod validation;

use std::{borrow::Cow, fmt, future::Future, marker::PhantomData};

pub(crate) use self::constraint::{Rule, field_error};
pub use self::{
    cast::Params,
    error::FieldError,
    new::{New, insert_all},
};
use crate::{
    database::{Writes, write},
    error::{Error, Result},
    query::Call,
    schema::{Column, Schema},
    value::{Datum, IntoValue, Value},
};

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
    /// Sets a column, in place of what was set before.
    pub fn put(&mut self, column: impl Into<Cow<'static, str>>, datum: Datum) {
        let column = column.into();
        match self.values.iter_mut().find(|(name, _)| *name == column) {
            Some((_, value)) => *value = datum,
            None => self.values.push((column, datum)),
        }
    }

    /// What a column is set to.
    #[must_use]
    pub fn get(&self, column: &str) -> Option<&Datum> {
        self.values
            .iter()
            .find(|(name, _)| name == column)
            .map(|(_, datum)| datum)
    }

    /// The names of the columns that are set, in the order in which they were.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(|(name, _)| &**name)
    }

    /// Whether no column is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub(crate) fn into_values(self) -> Vec<(Cow<'static, str>, Datum)> {
        self.values
    }

    pub(crate) fn values(&self) -> &[(Cow<'static, str>, Datum)] {
        &self.values
    }
}

/// Changes to a row, checked rule by rule; what is wrong is collected, not thrown.
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
    /// A mistake in the rules themselves, such as a pattern that is none.
    pub(crate) mistake: Option<Cow<'static, str>>,
    schema: PhantomData<fn() -> S>,
}

impl<S: Schema> fmt::Debug for Changeset<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changeset")
            .field("table", &S::table().name())
            .field("changes", &self.changes)
            .field("errors", &self.errors)
            .finish_non_exhaustive()
    }
}

impl<S: Schema> Changeset<S> {
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
            mistake: None,
            schema: PhantomData,
        }
    }

    /// Sets a column.
    #[must_use]
    pub fn put<T: Value>(mut self, column: Column<S, T>, value: impl IntoValue<T>) -> Self {
        self.changes
            .put(column.name().to_string(), value.into_value().to_datum());
        self
    }

    /// Sets a column when there is a value, and leaves it alone when there is none.
    #[must_use]
    pub fn put_some<T: Value>(self, column: Column<S, T>, value: Option<T>) -> Self {
        match value {
            Some(value) => self.put(column, value),
            None => self,
        }
    }

    /// What a column will be: its change, else what the row has.
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

    /// The row that is changed; none when it is still to be inserted.
    #[must_use]
    pub fn data(&self) -> Option<&S> {
        self.data.as_ref()
    }

    /// What is wrong so far; rules of the database show when the changes are written.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// Whether nothing is wrong so far.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.errors.is_empty() && self.mistake.is_none()
    }

    /// Adds an error of the program's own.
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
        if let Some(mistake) = &self.mistake {
            return Err(Error::configuration(mistake.clone()));
        }
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Error::invalid(self.errors.clone()))
        }
    }

    /// Inserts the row and gives it back as the database holds it.
    ///
    /// # Errors
    ///
    /// `Invalid` with every broken rule, also those of the database that the changeset names; `Constraint` for those
    /// it does not; `Connection`, `Timeout`, `Query` as for every statement.
    #[track_caller]
    pub fn insert<'a>(
        self,
        on: &'a (impl Writes<S::Tenant> + ?Sized),
    ) -> impl Future<Output = Result<S>> + Send + 'a {
        write::insert(on.executor().erased(), self, Call::here())
    }

    /// Writes the columns that differ from the row's, and gives the changed row back. When none differs, nothing is
    /// sent.
    ///
    /// # Errors
    ///
    /// `Conflict` when the row is gone; else as for [`insert`](Self::insert). `Configuration` when there is no row to
    /// update.
    #[track_caller]
    pub fn update<'a>(
        self,
        on: &'a (impl Writes<S::Tenant> + ?Sized),
    ) -> impl Future<Output = Result<S>> + Send + 'a {
        write::update(on.executor().erased(), self, Call::here())
    }
}
