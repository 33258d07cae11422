//! Result rows: [`Row`] decodes one column after another, [`FromRow`] builds a Rust value from them.
//!
//! Invariant: no SQL and no database here; a backend offers its rows as [`Cells`].

mod collect;
mod rows;

use std::any::Any;

pub use self::rows::{Cell, Rows};
pub(crate) use self::{
    collect::{Affected, Collected, Decode},
    rows::RowsSink,
};

use crate::{
    error::{Error, ErrorKind, Result},
    value::{DatumRef, Mismatch, Value},
};

/// The columns of one row in the backend's own form, decoded on demand.
pub trait Cells {
    /// The number of columns.
    fn len(&self) -> usize;

    /// Whether there is no column.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name of the column at this index.
    fn name(&self, index: usize) -> &str;

    /// The value of the column at this index.
    ///
    /// # Errors
    ///
    /// A [`Mismatch`] when the bytes are no value of their type, such as text that is not UTF-8.
    fn get(&self, index: usize) -> std::result::Result<DatumRef<'_>, Mismatch>;
}

/// A result row that is read from its first column to its last.
pub struct Row<'r> {
    cells: &'r dyn Cells,
    next: usize,
    /// The index in the result of each column to read; `None` where they are in order.
    order: Option<&'r [usize]>,
    /// For messages; empty where the rows are of no one table.
    table: &'r str,
}

impl std::fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = (0..self.cells.len())
            .map(|index| self.cells.name(index))
            .collect();
        f.debug_struct("Row")
            .field("columns", &names)
            .field("next", &self.next)
            .finish()
    }
}

impl<'r> Row<'r> {
    pub(crate) fn new(cells: &'r dyn Cells, order: Option<&'r [usize]>, table: &'r str) -> Self {
        Self {
            cells,
            next: 0,
            order,
            table,
        }
    }

    /// Decodes the next column.
    ///
    /// # Errors
    ///
    /// `Decode` when the column is not of this type, NULL where none may be, or when there is no further column; the
    /// message names the column.
    #[inline]
    pub fn read<T: Value>(&mut self) -> Result<T> {
        let position = self.next;
        self.next += 1;
        let index = match self.order {
            None => Some(position),
            Some(order) => order.get(position).copied(),
        };
        let Some(index) = index.filter(|index| *index < self.cells.len()) else {
            return Err(self.too_few());
        };
        match self.cells.get(index).and_then(T::from_datum) {
            Ok(value) => Ok(value),
            Err(mismatch) => Err(self.mismatch(index, &mismatch)),
        }
    }

    // Both errors are built out of line, so that the inlined `read` stays small.
    #[cold]
    fn too_few(&self) -> Error {
        Error::new(
            ErrorKind::Decode,
            format!(
                "decode column {}: the result has only {} columns; select as many as the type reads",
                self.next,
                self.cells.len()
            ),
        )
    }

    #[cold]
    fn mismatch(&self, index: usize, mismatch: &Mismatch) -> Error {
        let (table, name) = (self.table, self.cells.name(index));
        let dot = if table.is_empty() { "" } else { "." };
        Error::new(
            ErrorKind::Decode,
            format!("decode column `{table}{dot}{name}`: {mismatch}"),
        )
    }
}

/// A type that can be read from a result row: a schema, a tuple of values, or a struct that derives `FromRow`.
///
/// In raw SQL the columns of a struct are matched by name, those of a tuple by position.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be read from a result row",
    label = "add `#[derive(FromRow)]` to it, or use a tuple of column types"
)]
pub trait FromRow: Sized + Send + 'static {
    /// The names of the columns it reads, in order; `None` to read columns by position.
    #[must_use]
    fn columns() -> Option<&'static [&'static str]> {
        None
    }

    /// Reads itself from the row.
    ///
    /// # Errors
    ///
    /// `Decode` when a column does not fit.
    fn from_row(row: &mut Row<'_>) -> Result<Self>;
}

// Tuples up to twelve, as in std: each further one costs compile time in every program.
macro_rules! tuples {
    ($(($($part:ident)+))+) => {$(
        #[diagnostic::do_not_recommend]
        impl<$($part: Value),+> FromRow for ($($part,)+) {
            fn from_row(row: &mut Row<'_>) -> Result<Self> {
                Ok(($(row.read::<$part>()?,)+))
            }
        }
    )+};
}

tuples! {
    (A)
    (A B)
    (A B C)
    (A B C D)
    (A B C D E)
    (A B C D E F)
    (A B C D E F G)
    (A B C D E F G H)
    (A B C D E F G H I)
    (A B C D E F G H I J)
    (A B C D E F G H I J K)
    (A B C D E F G H I J K L)
}

/// Receives the rows of a result one by one, on the thread on which the backend reads them.
pub trait Sink: Send + 'static {
    /// Takes one row.
    ///
    /// # Errors
    ///
    /// `Decode` when the row does not fit; reading stops.
    fn row(&mut self, cells: &dyn Cells) -> Result<()>;

    /// Forgets the rows so far: the session runs the statement again from its beginning.
    fn restart(&mut self);

    /// Whether it needs the columns of a result without rows.
    fn wants_columns(&self) -> bool {
        false
    }

    /// Takes the names of the columns of a result without rows.
    fn columns(&mut self, _names: Vec<String>) {}

    /// Takes the number of rows that the statement inserted, changed or deleted; a database may count those it read.
    fn affected(&mut self, _rows: u64) {}

    /// How many rows it has taken, or how many the statement inserted, changed or deleted.
    fn rows(&self) -> Option<u64> {
        None
    }

    /// The sink as `Any`, so that the caller that passed it to a session can downcast it.
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
}
