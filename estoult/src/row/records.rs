//! Rows whose columns the program does not know: a shell's, a report's.

use std::{any::Any, fmt};

use super::{Cells, Sink};
use crate::{
    error::Result,
    value::{Datum, temporal},
};

/// The rows of a statement whose columns the program does not know; see [`Sql::records`](crate::Sql::records).
#[derive(Debug, Clone, Default)]
pub struct Records {
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
    affected: u64,
}

/// One value of [`Records`]. `Display` shows it as text, NULL as `NULL`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Cell {
    /// NULL.
    Null,
    /// A value.
    Value(Datum),
    /// A value that estoult does not read: its type, or what is wrong with it, in words.
    Unread(String),
}

impl Records {
    /// The names of the columns, also when there is no row; none for a statement that gives no rows.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The rows, each with a cell a column.
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

/// Bytes are shown in hex as `\x4b7a`, times as ISO 8601 has them, an instant in UTC, and what was not read as a note
/// in `<…>`.
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
        // Very large and very small numbers get an exponent this way.
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

/// The sink that keeps everything that a statement gives.
#[derive(Default)]
pub(crate) struct RecordsSink(Records);

impl RecordsSink {
    pub(crate) fn into_records(sink: Box<dyn Sink>) -> Records {
        let kept = sink.into_any().downcast::<Self>();
        kept.map(|sink| sink.0).unwrap_or_default()
    }
}

impl Sink for RecordsSink {
    fn row(&mut self, cells: &dyn Cells) -> Result<()> {
        let records = &mut self.0;
        if records.rows.is_empty() {
            records.columns = (0..cells.len())
                .map(|index| cells.name(index).to_owned())
                .collect();
        }
        let row = (0..cells.len()).map(|index| Cell::read(cells, index));
        records.rows.push(row.collect());
        Ok(())
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

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}
