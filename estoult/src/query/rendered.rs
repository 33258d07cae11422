//! [`RenderedSql`]: the text and the values of a statement, for inspection.

use std::fmt;

use crate::{backend::Statement, sql::Dialect, statement::Select, value::Datum, writer};

/// A statement as it is sent to a database.
#[derive(Clone)]
pub struct RenderedSql(pub(crate) Statement);

impl RenderedSql {
    /// The text, with placeholders where values are bound.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.sql
    }

    /// The values in the order of the placeholders.
    #[must_use]
    pub fn values(&self) -> &[Datum] {
        &self.0.values
    }
}

impl fmt::Display for RenderedSql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Debug for RenderedSql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.text(), self.values())
    }
}

/// `Debug` of a query: its text for PostgreSQL, or why it has none.
pub(crate) struct DebugSelect<'s>(pub(crate) &'s Select);

impl fmt::Debug for DebugSelect<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match writer::without_database(self.0, Dialect::Postgres) {
            Ok(statement) => f.write_str(&statement.sql),
            Err(error) => write!(f, "{error}"),
        }
    }
}
