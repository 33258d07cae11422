//! [`RowTaker`]: hands the rows of a result to their sink as they arrive. Rows with a type that the server has to be
//! asked about wait until the answer is there.

use std::io;

use super::{
    decode::{Columns, PostgresCells},
    flight::Failure,
    part::Part,
    session::PostgresSession,
};
use crate::{backend::Statement, error::Result, row::Sink};

/// Where the rows of one statement go.
pub(super) struct RowTaker {
    sink: Box<dyn Sink>,
    kept: Vec<Box<[u8]>>,
    is_empty: bool,
}

impl RowTaker {
    pub(super) fn new(sink: Box<dyn Sink>) -> Self {
        Self {
            sink,
            kept: Vec::new(),
            is_empty: true,
        }
    }

    /// Takes the body of a DataRow.
    #[inline]
    pub(super) fn take(&mut self, columns: &Columns, body: &[u8]) -> Result<(), Failure> {
        self.is_empty = false;
        if columns.is_resolved() {
            return give(self.sink.as_mut(), columns, body);
        }
        self.kept.push(body.into());
        Ok(())
    }
}

impl PostgresSession {
    /// Runs a statement by itself, and hands its rows over.
    pub(super) async fn run_rows(
        &mut self,
        statement: &Statement,
        mut rows: RowTaker,
    ) -> Result<(Part, RowTaker)> {
        let mut take_row = |columns: &Columns, body: &[u8]| rows.take(columns, body);
        let part = self.run(statement, &mut take_row).await?;
        Ok((part, rows))
    }

    /// Hands over what had to wait, and gives the sink back.
    pub(super) async fn finish_rows(
        &mut self,
        part: Option<Part>,
        rows: RowTaker,
        statement: &Statement,
    ) -> Result<Box<dyn Sink>> {
        let mut sink = rows.sink;
        let Some(mut part) = part else {
            return Ok(sink);
        };
        let known = part.columns.take_if(|columns| columns.is_resolved());
        let columns = match known {
            Some(columns) => columns,
            // Boxed: a type is asked about once.
            None => Box::pin(self.resolved(&mut part)).await?,
        };
        for body in &rows.kept {
            let given = give(sink.as_mut(), &columns, body);
            given.map_err(|failure| self.fail(failure, statement))?;
        }
        sink.affected(part.rows_affected());
        if rows.is_empty && sink.wants_columns() {
            sink.columns(columns.names());
        }
        Ok(sink)
    }
}

#[inline]
fn give(sink: &mut dyn Sink, columns: &Columns, body: &[u8]) -> Result<(), Failure> {
    match PostgresCells::new(body, columns) {
        Some(cells) => sink.row(&cells).map_err(Failure::Own),
        None => Err(Failure::Lost(io::Error::new(
            io::ErrorKind::InvalidData,
            "the server sent a row with another number of columns than it described",
        ))),
    }
}
