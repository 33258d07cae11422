//! Columns of SQLite, by position and straight from the running statement.

use rusqlite::types::ValueRef;

use crate::{
    row::Cells,
    value::{DatumRef, Mismatch},
};

/// The row that a statement stands on.
pub(super) struct SqliteCells<'r, 's> {
    pub(super) row: &'r rusqlite::Row<'s>,
    pub(super) columns: usize,
}

impl Cells for SqliteCells<'_, '_> {
    fn len(&self) -> usize {
        self.columns
    }

    fn name(&self, index: usize) -> &str {
        self.row.as_ref().column_name(index).unwrap_or("?")
    }

    #[inline]
    fn get(&self, index: usize) -> Result<DatumRef<'_>, Mismatch> {
        let value = self
            .row
            .get_ref(index)
            .map_err(|error| Mismatch::new(error.to_string()))?;
        Ok(match value {
            ValueRef::Null => DatumRef::Null,
            ValueRef::Integer(value) => DatumRef::Int(value),
            ValueRef::Real(value) => DatumRef::Float(value),
            ValueRef::Blob(value) => DatumRef::Bytes(value),
            ValueRef::Text(value) => match std::str::from_utf8(value) {
                Ok(text) => DatumRef::Text(text),
                Err(_) => return Err(Mismatch::new("the text is not valid UTF-8")),
            },
        })
    }
}
