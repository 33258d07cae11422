//! [`Collected`]: the sink that decodes each row as it arrives.

use std::any::Any;

use super::{Cells, Row, Sink};
use crate::error::{Error, ErrorKind, Result};

/// Decodes one row into an `R`.
pub(crate) type Decode<R> = fn(&mut Row<'_>) -> Result<R>;

/// The sink that decodes each row on arrival and collects the values.
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

    /// Matches these columns by name in the first row.
    pub(crate) fn by_name(mut self, columns: Option<&'static [&'static str]>) -> Self {
        self.columns = columns;
        self
    }

    /// The rows of a sink that this module made and a session returned.
    pub(crate) fn from_sink(sink: Box<dyn Sink>) -> Result<Vec<R>> {
        // A session returns the sink that it was given, so another type is a fault of its backend.
        let collected = sink.into_any().downcast::<Self>();
        collected
            .map(|collected| collected.rows)
            .map_err(|_| Error::internal("collect rows: the session handed back another sink"))
    }
}

impl<R: Send + 'static> Sink for Collected<R> {
    fn row(&mut self, cells: &dyn Cells) -> Result<()> {
        // All rows of a result have the same columns, so only the first row is matched by name.
        if let Some(columns) = self.columns.take() {
            self.order = Some(order(cells, columns)?);
        }
        let mut row = Row::new(cells, self.order.as_deref(), self.table);
        self.rows.push((self.decode)(&mut row)?);
        Ok(())
    }

    fn restart(&mut self) {
        // The columns are in the order of before.
        self.rows.clear();
    }

    fn rows(&self) -> Option<u64> {
        u64::try_from(self.rows.len()).ok()
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

/// The sink of a statement whose rows nothing reads: how many rows it inserted, changed or deleted.
#[derive(Default)]
pub(crate) struct Affected(u64);

impl Affected {
    pub(crate) fn from_sink(sink: Box<dyn Sink>) -> Result<u64> {
        let affected = sink.into_any().downcast::<Self>();
        affected
            .map(|affected| affected.0)
            .map_err(|_| Error::internal("count rows: the session handed back another sink"))
    }
}

impl Sink for Affected {
    fn row(&mut self, _: &dyn Cells) -> Result<()> {
        Ok(())
    }

    fn restart(&mut self) {}

    fn affected(&mut self, rows: u64) {
        self.0 = rows;
    }

    fn rows(&self) -> Option<u64> {
        Some(self.0)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

/// The index in the result of each column; the error names all that are missing.
fn order(cells: &dyn Cells, columns: &[&str]) -> Result<Vec<usize>> {
    let found: Vec<&str> = (0..cells.len()).map(|index| cells.name(index)).collect();
    let indexes: Vec<_> = columns
        .iter()
        .map(|column| found.iter().position(|name| name == column))
        .collect();
    let missing: Vec<_> = columns
        .iter()
        .zip(&indexes)
        .filter(|(_, index)| index.is_none())
        .map(|(column, _)| format!("`{column}`"))
        .collect();
    if missing.is_empty() {
        return Ok(indexes.into_iter().flatten().collect());
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
