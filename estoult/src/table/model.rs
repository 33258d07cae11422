//! [`Model`]: the part of a schema that its derive writes, plain data and conversions.
//!
//! Invariant: no verbs here; [`Schema`](trait@crate::Schema) adds them to every model.

use crate::{
    row::FromRow,
    table::{changes::Changes, statement_cache::StatementCache, table::Table},
    value::{Datum, DatumRef, Mismatch, Value},
};

/// The part of a schema that its derive writes: the table, the key and the conversions of a row. Derive
/// [`Schema`](macro@crate::Schema) to implement it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a schema",
    label = "add `#[derive(Schema)]` to it"
)]
pub trait Model: FromRow + Sync {
    /// What an insert needs: the literal of [`new!`](crate::new).
    type New: NewRow<Schema = Self>;
    /// The primary key: a value, or a tuple of values.
    type Key: Key;
    /// The tenant of its rows: [`Untenanted`](crate::schema::Untenanted), or the [`Tenant`](crate::schema::Tenant) of
    /// its tenant column.
    type Tenant;

    /// The table's description.
    fn table_spec() -> &'static Table;

    /// The primary key of this row.
    fn primary_key(&self) -> Self::Key;

    /// The value of a column, by the column's name.
    fn datum(&self, column: &str) -> Option<Datum>;

    /// Sets a column, by the column's name. `None` when there is no such column.
    fn assign(&mut self, column: &str, value: DatumRef<'_>) -> Option<Result<(), Mismatch>>;

    /// The rendered texts of the schema's fixed statements.
    #[doc(hidden)]
    fn statement_cache() -> &'static StatementCache;
}

/// The columns that an insert needs. The derive writes one type for each schema; [`new!`](crate::new) fills it.
pub trait NewRow: Sized + Send + 'static {
    /// The schema of the row.
    type Schema: Model<New = Self>;

    /// Adds every column to the changes of an insert.
    fn changes(self, changes: &mut Changes);
}

/// A primary key: one value, or a tuple of values in the order of the key's columns.
pub trait Key: Send + 'static {
    /// The values in order.
    fn into_datums(self) -> Vec<Datum>;
}

impl<T: Value> Key for T {
    fn into_datums(self) -> Vec<Datum> {
        vec![self.into_datum()]
    }
}

macro_rules! keys {
    ($(($($part:ident)+))+) => {$(
        impl<$($part: Value),+> Key for ($($part,)+) {
            fn into_datums(self) -> Vec<Datum> {
                #[expect(non_snake_case, reason = "the variables are named like their types")]
                let ($($part,)+) = self;
                vec![$($part.into_datum()),+]
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
