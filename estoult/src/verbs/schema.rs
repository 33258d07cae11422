//! The verbs of a schema: `Book::query()`, `Book::get(…)`, `book.change()`, `book.delete(…)`.

use std::future::Future;

use crate::{
    changeset::Changeset,
    error::Result,
    query::Query,
    table::{Key, Model, Table},
    verbs::{
        call_site::CallSite,
        changeset,
        executor::{Reads, Writes},
        query,
    },
};

/// A struct whose values are the rows of a table. Derive it.
///
/// ```
/// use estoult::Schema;
///
/// #[derive(Debug, Clone, Schema)]
/// #[schema(table = "books")]
/// struct Book {
///     id: i64,
///     title: String,
///     year: Option<i32>,
/// }
///
/// assert_eq!(Book::table().name(), "books");
/// let sql = Book::query().filter(Book::year.lt(1900)).to_sql(estoult::Dialect::Postgres)?;
/// assert!(sql.text().ends_with(r#"WHERE "books"."year" < $1"#));
/// # Ok::<(), estoult::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a schema",
    label = "add `#[derive(Schema)]` to it"
)]
pub trait Schema: Model {
    /// The table's description.
    #[must_use]
    fn table() -> &'static Table {
        Self::table_spec()
    }

    /// The primary key of this row.
    #[must_use]
    fn key(&self) -> Self::Key {
        self.primary_key()
    }

    /// A query for all rows of the table.
    #[must_use]
    fn query() -> Query<Self> {
        Query::new()
    }

    /// The row with this primary key.
    ///
    /// # Errors
    ///
    /// `Connection`, `Timeout`, `Query` and `Decode` as for every statement. No row is `None`, not an error.
    #[track_caller]
    fn get<'a>(
        on: &'a (impl Reads<Self::Tenant> + ?Sized),
        key: Self::Key,
    ) -> impl Future<Output = Result<Option<Self>>> + Send + 'a {
        query::get(on.executor().erased(), key, CallSite::here())
    }

    /// A changeset for an insert.
    #[must_use]
    fn changeset() -> Changeset<Self> {
        Changeset::new()
    }

    /// A changeset for an update of this row.
    #[must_use]
    fn change(&self) -> Changeset<Self>
    where
        Self: Clone,
    {
        Changeset::of(self.clone())
    }

    /// Deletes this row.
    ///
    /// # Errors
    ///
    /// `Conflict` when the row is gone already; `Constraint` when other rows still refer to it.
    #[track_caller]
    fn delete<'a>(
        &self,
        on: &'a (impl Writes<Self::Tenant> + ?Sized),
    ) -> impl Future<Output = Result<()>> + Send + 'a {
        changeset::delete::<Self>(
            on.executor().erased(),
            self.primary_key().into_datums(),
            CallSite::here(),
        )
    }
}

#[diagnostic::do_not_recommend]
impl<S: Model> Schema for S {}
