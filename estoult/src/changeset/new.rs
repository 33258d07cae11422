//! [`New`]: a row from the program itself, complete by its type, on its way to an insert.

use std::{fmt, future::Future};

use crate::{
    changeset::{Changes, Changeset},
    database::{Writes, write},
    error::Result,
    query::Call,
    schema::{Column, NewRow, Schema},
    value::{IntoValue, Value},
};

/// A row to be inserted, with every required column: the compiler saw to it. Written with [`new!`](crate::new).
pub struct New<S: Schema> {
    literal: S::New,
    further: Changes,
}

impl<S: Schema> fmt::Debug for New<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("New")
            .field("table", &S::table().name())
            .finish_non_exhaustive()
    }
}

impl<S: Schema> New<S> {
    /// The row of this literal.
    #[doc(hidden)]
    pub fn of(literal: S::New) -> Self {
        Self {
            literal,
            further: Changes::default(),
        }
    }

    /// Sets a column that the literal leaves out, such as a generated key or a default.
    #[must_use]
    pub fn put<T: Value>(mut self, column: Column<S, T>, value: impl IntoValue<T>) -> Self {
        self.further
            .put(column.name().to_string(), value.into_value().to_datum());
        self
    }

    /// The changeset that inserts it, for further rules.
    #[must_use]
    pub fn changeset(self) -> Changeset<S> {
        Changeset::from_parts(None, self.into_changes().0)
    }

    /// The columns, and whether they are those of the literal alone.
    pub(crate) fn into_changes(self) -> (Changes, bool) {
        let mut changes = Changes::default();
        self.literal.changes(&mut changes);
        let is_plain = self.further.is_empty();
        for (column, datum) in self.further.into_values() {
            changes.put(column, datum);
        }
        (changes, is_plain)
    }

    /// Inserts the row and gives it back as the database holds it.
    ///
    /// # Errors
    ///
    /// `Constraint` when the row breaks one; `Connection`, `Timeout`, `Query` as for every statement.
    #[track_caller]
    pub fn insert<'a>(
        self,
        on: &'a (impl Writes<S::Tenant> + ?Sized),
    ) -> impl Future<Output = Result<S>> + Send + 'a {
        write::insert_new(on.executor().erased(), self, Call::here())
    }
}

/// Inserts several rows in as few statements as the database allows, in one transaction, and tells how many.
///
/// ```no_run
/// # use estoult::{Schema, insert_all, new};
/// # #[derive(Schema)] struct Book { id: i64, title: String }
/// # async fn example(database: &estoult::Database) -> estoult::Result<()> {
/// let titles = ["Galápagos", "Mother Night"];
/// let books = titles.map(|title| new!(Book { title: title.to_owned() }));
/// assert_eq!(insert_all(database, books).await?, 2);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// `Constraint` when a row breaks one, and then none is inserted; `Connection`, `Timeout`, `Query` as for every
/// statement.
#[track_caller]
pub fn insert_all<'a, S: Schema>(
    on: &'a (impl Writes<S::Tenant> + ?Sized),
    rows: impl IntoIterator<Item = New<S>>,
) -> impl Future<Output = Result<u64>> + Send + 'a {
    let rows = rows.into_iter().map(|row| row.into_changes().0).collect();
    write::insert_all(on.executor().erased(), S::table(), rows, Call::here())
}
