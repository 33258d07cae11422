//! [`ColumnRef`]: a column of a statement, together with its description.

use std::fmt;

use crate::table::{ColumnName, ColumnSpec, Table};

/// A column of the table that the enclosing SELECT, UPDATE or DELETE is about.
#[derive(Clone, Copy)]
pub(crate) struct ColumnRef {
    pub(crate) table: &'static Table,
    pub(crate) spec: &'static ColumnSpec,
}

impl ColumnRef {
    /// The column of this name, if the table has one.
    pub(crate) fn find(table: &'static Table, name: ColumnName) -> Option<Self> {
        let spec = table.columns().iter().find(|spec| name.is(&spec.name))?;
        Some(Self { table, spec })
    }
}

impl fmt::Display for ColumnRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.table.name(), self.spec.name)
    }
}

impl fmt::Debug for ColumnRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
