//! [`Embedded`]: a struct whose fields are columns of the table that embeds it.
//!
//! Invariant: an embedded struct knows neither its table nor its prefix, so that several tables can embed it.

use crate::{
    error::Result,
    row::Row,
    table::{changes::Changes, column::ColumnSpec},
    value::{Datum, DatumRef, Mismatch},
};

/// A struct whose fields are columns of the table of the schema that embeds it. Derive it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be embedded in a schema",
    label = "add `#[derive(Embedded)]` to it"
)]
pub trait Embedded: Sized + Send + Sync + 'static {
    /// Its columns as columns of the schema `S`.
    type Columns<S>;

    /// The description of its columns: names get the prefix, fields become `field.name`.
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

    /// Adds every column to the changes of an insert.
    fn changes(self, prefix: &'static str, changes: &mut Changes);
}
