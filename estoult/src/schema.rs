//! What a row is: a [`Schema`] with its table, columns, key and associations, described as data.

mod association;
mod column;
mod table;
mod tenant;

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, PoisonError, RwLock},
};

use once_cell::sync::OnceCell;

pub use self::{
    association::{
        Association, BelongsTo, Children, HasMany, HasOne, Many, One, Preload, References,
    },
    column::{Column, ColumnName},
    table::{
        AssociationSpec, Cardinality, ColumnSpec, Default, IndexSpec, Selected, Table, column_names,
    },
    tenant::{Anyone, Tenant, Within},
};
use crate::{
    changeset::{Changes, Changeset},
    database::{Reads, Writes, read, write},
    error::Result,
    query::{Call, Query, Site},
    row::{FromRow, Row},
    value::{Datum, DatumRef, Mismatch, Value},
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
pub trait Schema: FromRow + Sync {
    /// What an insert needs: the literal of [`new!`](crate::new).
    type New: NewRow<Schema = Self>;
    /// The primary key: a value, or a tuple of values.
    type Key: Key;
    /// For whom its verbs run: [`Anyone`](crate::Anyone), or the [`Tenant`](crate::Tenant) that a column names.
    type Tenant;

    /// The table's description.
    fn table() -> &'static Table;

    /// The primary key of this row.
    fn key(&self) -> Self::Key;

    /// The value of a column, by the column's name.
    fn datum(&self, column: &str) -> Option<Datum>;

    /// Sets a column, by the column's name. `None` when there is no such column.
    fn assign(&mut self, column: &str, value: DatumRef<'_>) -> Option<Result<(), Mismatch>>;

    /// The texts of the statements whose shape is fixed, kept once built.
    #[doc(hidden)]
    fn shapes() -> &'static Shapes;

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
        read::get(on.executor().erased(), key, Call::here())
    }

    /// A changeset for a row that is still to be inserted.
    #[must_use]
    fn changeset() -> Changeset<Self> {
        Changeset::new()
    }

    /// A changeset for this row.
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
    /// `Conflict` when the row is gone already; `Constraint` when other rows still need it.
    #[track_caller]
    fn delete<'a>(
        &self,
        on: &'a (impl Writes<Self::Tenant> + ?Sized),
    ) -> impl Future<Output = Result<()>> + Send + 'a {
        write::delete::<Self>(
            on.executor().erased(),
            self.key().into_datums(),
            Call::here(),
        )
    }
}

/// A struct whose fields are columns of the table of the schema that embeds it. Derive it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be embedded in a schema",
    label = "add `#[derive(Embedded)]` to it"
)]
pub trait Embedded: Sized + Send + Sync + 'static {
    /// Its columns as columns of the schema `S`.
    type Columns<S>;

    /// Its columns' description; names get the prefix, fields are written `field.name`.
    fn columns(prefix: &str, field: &str) -> Vec<ColumnSpec>;

    /// Reads itself from the next columns of the row.
    ///
    /// # Errors
    ///
    /// `Decode` when a column does not fit.
    fn from_row(row: &mut Row<'_>) -> Result<Self>;

    /// The value of a column, by its name without the prefix.
    fn datum(&self, column: &str) -> Option<Datum>;

    /// Sets a column, by its name without the prefix.
    fn assign(&mut self, column: &str, value: DatumRef<'_>) -> Option<Result<(), Mismatch>>;

    /// Puts every column among the changes of an insert.
    fn changes(self, prefix: &'static str, changes: &mut Changes);
}

/// The columns that an insert needs. The derive makes one for each schema; [`new!`](crate::new) writes it.
pub trait NewRow: Sized + Send + 'static {
    /// Whose row it will be.
    type Schema: Schema<New = Self>;

    /// Puts every column among the changes of an insert.
    fn changes(self, changes: &mut Changes);
}

/// A primary key: one value, or a tuple of values in the order of the key's columns.
pub trait Key: Send + 'static {
    /// The values in order.
    fn into_datums(self) -> Vec<Datum>;
}

impl<T: Value> Key for T {
    fn into_datums(self) -> Vec<Datum> {
        vec![self.to_datum()]
    }
}

macro_rules! keys {
    ($(($($part:ident)+))+) => {$(
        impl<$($part: Value),+> Key for ($($part,)+) {
            fn into_datums(self) -> Vec<Datum> {
                #[expect(non_snake_case, reason = "the variables are named like their types")]
                let ($($part,)+) = self;
                vec![$($part.to_datum()),+]
            }
        }
    )+};
}

keys! {
    (A)
    (A B)
    (A B C)
    (A B C D)
}

/// The texts of statements by key, for each dialect and each schema of the database, built at first use.
#[doc(hidden)]
#[derive(Debug)]
pub struct Shapes {
    plain: Texts,
    routed: RwLock<BTreeMap<Arc<str>, Arc<Texts>>>,
}

/// For how many schemas of the database texts are kept.
const SCHEMAS_KEPT: usize = 10_000;

/// One text for each shape and dialect.
#[derive(Debug)]
struct Texts([[OnceCell<Arc<str>>; 4]; 3]);

/// Which of the fixed statements.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    Get,
    Insert,
    Delete,
}

impl Shapes {
    /// No text is built yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            plain: Texts::new(),
            routed: RwLock::new(BTreeMap::new()),
        }
    }

    /// The kept text, or the one that `build` makes.
    pub(crate) fn text(
        &self,
        shape: Shape,
        site: &Site<'_>,
        table: &'static Table,
        build: impl FnOnce() -> Result<Arc<str>>,
    ) -> Result<Arc<str>> {
        match site.routed(table) {
            None => self.plain.text(shape, site, build),
            Some(schema) => self.routed(schema).text(shape, site, build),
        }
    }

    fn routed(&self, schema: &Arc<str>) -> Arc<Texts> {
        let known = self.routed.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(texts) = known.get(schema) {
            return Arc::clone(texts);
        }
        drop(known);
        let mut known = self.routed.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= SCHEMAS_KEPT {
            known.clear();
        }
        let texts = known.entry(Arc::clone(schema));
        Arc::clone(texts.or_insert_with(|| Arc::new(Texts::new())))
    }
}

impl Texts {
    const fn new() -> Self {
        Self([const { [const { OnceCell::new() }; 4] }; 3])
    }

    fn text(
        &self,
        shape: Shape,
        site: &Site<'_>,
        build: impl FnOnce() -> Result<Arc<str>>,
    ) -> Result<Arc<str>> {
        let text = &self.0[shape as usize][site.features.dialect as usize];
        text.get_or_try_init(build).map(Arc::clone)
    }
}

impl std::default::Default for Shapes {
    fn default() -> Self {
        Self::new()
    }
}
