//! One result row on its way to one Rust value: [`Row`] decodes column after column, [`FromRow`] takes them.

mod records;

use std::any::Any;

pub(crate) use self::records::RecordsSink;
pub use self::records::{Cell, Records};

use crate::{
    error::{Error, ErrorKind, Result},
    value::{DatumRef, Mismatch, Value},
};

/// The columns of one row as a backend holds them, decoded when asked for.
pub trait Cells {
    /// How many columns there are.
    fn len(&self) -> usize;

    /// Whether there is no column.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name of the column at this place.
    fn name(&self, index: usize) -> &str;

    /// The value at this place.
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
    order: Option<&'r [usize]>,
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
        let place = self.next;
        self.next += 1;
        let index = match self.order {
            None => place,
            Some(order) => order.get(place).copied().unwrap_or(usize::MAX),
        };
        if index >= self.cells.len() {
            return Err(self.too_few());
        }
        match self.cells.get(index).and_then(T::from_datum) {
            Ok(value) => Ok(value),
            Err(mismatch) => Err(self.mismatch(index, &mismatch)),
        }
    }

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

/// A type that is read from a result row.
///
/// Schemas, tuples of values and structs that derive `FromRow` are. A struct's columns are found by name in raw SQL;
/// a tuple's are taken in order.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be read from a result row",
    label = "add `#[derive(FromRow)]` to it, or use a tuple of column types"
)]
pub trait FromRow: Sized + Send + 'static {
    /// The names of the columns it reads in order, or `None` when it takes whatever comes in order.
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

/// What takes the rows of a result one by one, on whatever thread the backend reads them.
pub trait Sink: Send + 'static {
    /// Takes one row.
    ///
    /// # Errors
    ///
    /// `Decode` when the row does not fit; reading stops.
    fn row(&mut self, cells: &dyn Cells) -> Result<()>;

    /// Whether it wants to know the columns of a result without rows.
    fn wants_columns(&self) -> bool {
        false
    }

    /// Takes the names of the columns of a result without rows.
    fn columns(&mut self, _names: Vec<String>) {}

    /// Takes how many rows the statement inserted, changed or deleted; a database may count those it read.
    fn affected(&mut self, _rows: u64) {}

    /// Itself, to be turned back into its type by the one who sent it.
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
}

/// How rows become values: one function for one type.
pub(crate) type Decode<R> = fn(&mut Row<'_>) -> Result<R>;

/// The sink that decodes each row as it arrives and keeps the values.
pub(crate) struct Collected<R> {
    decode: Decode<R>,
    table: &'static str,
    columns: Option<&'static [&'static str]>,
    order: Option<Vec<usize>>,
    pub(crate) rows: Vec<R>,
}

impl<R: Send + 'static> Collected<R> {
    pub(crate) fn new(decode: Decode<R>, table: &'static str) -> Self {
        Self {
            decode,
            table,
            columns: None,
            order: None,
            rows: Vec::new(),
        }
    }

    /// Finds these columns by name in the first row.
    pub(crate) fn by_name(mut self, columns: Option<&'static [&'static str]>) -> Self {
        self.columns = columns;
        self
    }

    pub(crate) fn from_sink(sink: Box<dyn Sink>) -> Vec<R> {
        let collected = sink.into_any().downcast::<Self>();
        collected
            .map(|collected| collected.rows)
            .unwrap_or_default()
    }
}

impl<R: Send + 'static> Sink for Collected<R> {
    fn row(&mut self, cells: &dyn Cells) -> Result<()> {
        if let Some(columns) = self.columns.take() {
            self.order = Some(order(cells, columns)?);
        }
        let mut row = Row::new(cells, self.order.as_deref(), self.table);
        self.rows.push((self.decode)(&mut row)?);
        Ok(())
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

/// Where in the result each column stands; all that are missing are named at once.
fn order(cells: &dyn Cells, columns: &[&str]) -> Result<Vec<usize>> {
    let found: Vec<&str> = (0..cells.len()).map(|index| cells.name(index)).collect();
    let places: Vec<_> = columns
        .iter()
        .map(|column| found.iter().position(|name| name == column))
        .collect();
    let missing: Vec<_> = columns
        .iter()
        .zip(&places)
        .filter(|(_, place)| place.is_none())
        .map(|(column, _)| format!("`{column}`"))
        .collect();
    if missing.is_empty() {
        return Ok(places.into_iter().flatten().collect());
    }
    Err(Error::new(
        ErrorKind::Decode,
        format!(
            "decode a row: the result lacks the column {}; it has `{}`; select it, or rename the field's column",
            missing.join(", "),
            found.join("`, `")
        ),
    ))
}
