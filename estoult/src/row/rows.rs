//! Rows of columns that are unknown at compile time, as in a shell or a report.

use std::{any::Any, fmt};

use super::{Cells, Sink};
use crate::{
    error::{Error, Result},
    value::{Datum, temporal},
};

/// The rows of a statement whose columns are unknown at compile time; see [`Sql::rows`](crate::Sql::rows).
#[derive(Debug, Clone, Default)]
pub struct Rows {
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
    affected: u64,
}

/// One value of [`Rows`]. `Display` shows it as text, NULL as `NULL`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Cell {
    /// NULL.
    Null,
    /// A value.
    Value(Datum),
    /// A value that estoult can't read: the name of its type, or the reason.
    Unread(String),
}

impl Rows {
    /// The names of the columns, also without rows; empty for a statement that returns no rows.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The rows, with one cell per column.
    #[must_use]
    pub fn rows(&self) -> &[Vec<Cell>] {
        &self.rows
    }

    /// How many rows the statement inserted, changed or deleted.
    #[must_use]
    pub fn rows_affected(&self) -> u64 {
        self.affected
    }
}

impl Cell {
    /// The value, unless it is NULL or was not read.
    #[must_use]
    pub fn as_datum(&self) -> Option<&Datum> {
        match self {
            Self::Value(datum) => Some(datum),
            Self::Null | Self::Unread(_) => None,
        }
    }

    /// Whether it is NULL.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    fn read(cells: &dyn Cells, index: usize) -> Self {
        match cells.get(index) {
            Ok(value) if value.is_null() => Self::Null,
            Ok(value) => match value.to_datum() {
                Some(datum) => Self::Value(datum),
                None => Self::Unread(value.describe().into_owned()),
            },
            Err(mismatch) => Self::Unread(mismatch.to_string()),
        }
    }
}

/// Bytes are shown in hex as `\x4b7a`, times in ISO 8601, instants in UTC, and unread values as a note in `<…>`.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Unread(why) => write!(f, "<{why}>"),
            Self::Value(datum) => write_datum(f, datum),
        }
    }
}

fn write_datum(f: &mut fmt::Formatter<'_>, datum: &Datum) -> fmt::Result {
    match datum {
        Datum::Null(_) => f.write_str("NULL"),
        Datum::Bool(value) => write!(f, "{value}"),
        Datum::Int(value) => write!(f, "{value}"),
        Datum::UInt(value) => write!(f, "{value}"),
        // `Debug` writes an exponent for very large and very small floats, `Display` all of their digits.
        Datum::Float(value) => write!(f, "{value:?}"),
        Datum::Text(value) | Datum::Json(value) => f.write_str(value),
        Datum::Enum(_, label) => f.write_str(label),
        Datum::Bytes(value) => {
            f.write_str("\\x")?;
            value.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
        }
        Datum::Uuid(value) => write!(f, "{}", uuid::Uuid::from_bytes(*value)),
        Datum::Decimal(value) => write!(f, "{value}"),
        Datum::Date(days) => f.write_str(&temporal::date_text(*days)),
        Datum::Time(micros) => f.write_str(&temporal::time_text(*micros)),
        Datum::DateTime(micros) => f.write_str(&temporal::date_time_text(*micros)),
        Datum::Timestamp(micros) => f.write_str(&temporal::timestamp_text(*micros)),
        Datum::List(kind, items) => write!(f, "<{} values of {kind:?}>", items.len()),
    }
}

/// The sink that collects all rows of a statement, whatever their columns.
#[derive(Default)]
pub(crate) struct RowsSink(Rows);

impl RowsSink {
    pub(crate) fn from_sink(sink: Box<dyn Sink>) -> Result<Rows> {
        let collected = sink.into_any().downcast::<Self>();
        collected
            .map(|sink| sink.0)
            .map_err(|_| Error::internal("collect rows: the session handed back another sink"))
    }
}

impl Sink for RowsSink {
    fn row(&mut self, cells: &dyn Cells) -> Result<()> {
        let rows = &mut self.0;
        // The first row names the columns; a result without rows names them through `columns`.
        if rows.rows.is_empty() {
            rows.columns = (0..cells.len())
                .map(|index| cells.name(index).to_owned())
                .collect();
        }
        let row = (0..cells.len()).map(|index| Cell::read(cells, index));
        rows.rows.push(row.collect());
        Ok(())
    }

    fn restart(&mut self) {
        self.0.rows.clear();
    }

    fn wants_columns(&self) -> bool {
        true
    }

    fn columns(&mut self, names: Vec<String>) {
        self.0.columns = names;
    }

    fn affected(&mut self, rows: u64) {
        self.0.affected = rows;
    }

    fn rows(&self) -> Option<u64> {
        let returned = u64::try_from(self.0.rows.len()).ok();
        // A statement without columns returns no rows, but may change some.
        returned.map(|returned| {
            if self.0.columns.is_empty() {
                self.0.affected
            } else {
                returned
            }
        })
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}
