//! What a database answered to a statement that failed, in its own words and fields.
//!
//! Invariant: a backend redacts each text before it is kept, so that none holds a bound value.

use std::{error::Error as StdError, fmt};

/// A database's own answer to a statement that failed: the [source](StdError::source) of an
/// [`Error`](crate::Error).
///
/// Each field is `None` where the database does not send it: only PostgreSQL sends more than code and message, and
/// SQLite the position of a mistake in the text. Values of rows are replaced by `…`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatabaseError {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) detail: Option<String>,
    pub(crate) hint: Option<String>,
    pub(crate) position: Option<usize>,
    pub(crate) schema: Option<String>,
    pub(crate) table: Option<String>,
    pub(crate) column: Option<String>,
    pub(crate) data_type: Option<String>,
    pub(crate) constraint: Option<String>,
    pub(crate) severity: Option<String>,
    pub(crate) context: Option<String>,
    pub(crate) routine: Option<String>,
    pub(crate) source_file: Option<String>,
    pub(crate) source_line: Option<u32>,
}

impl DatabaseError {
    /// The database's code: the SQLSTATE on PostgreSQL, the error number on MySQL, MariaDB and SQLite.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The database's message, without the values that it quotes.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Facts that the message leaves out, without the values of rows: `Key (email)=(…) already exists.`
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// What the database suggests to do.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The character of the statement at which the database found the mistake; the first character is 1.
    #[must_use]
    pub fn position(&self) -> Option<usize> {
        self.position
    }

    /// The schema of the table or type that the failure is about.
    #[must_use]
    pub fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// The table that the failure is about.
    #[must_use]
    pub fn table(&self) -> Option<&str> {
        self.table.as_deref()
    }

    /// The column that the failure is about.
    #[must_use]
    pub fn column(&self) -> Option<&str> {
        self.column.as_deref()
    }

    /// The data type that the failure is about, such as a domain.
    #[must_use]
    pub fn data_type(&self) -> Option<&str> {
        self.data_type.as_deref()
    }

    /// The constraint or index that the failure is about.
    #[must_use]
    pub fn constraint(&self) -> Option<&str> {
        self.constraint.as_deref()
    }

    /// How grave the failure is: `ERROR` ends the statement, `FATAL` the connection.
    #[must_use]
    pub fn severity(&self) -> Option<&str> {
        self.severity.as_deref()
    }

    /// The calls of functions around the failure, one a line, without the values that they quote.
    #[must_use]
    pub fn context(&self) -> Option<&str> {
        self.context.as_deref()
    }

    /// The function in the database's own source that reported the failure.
    #[must_use]
    pub fn routine(&self) -> Option<&str> {
        self.routine.as_deref()
    }

    /// The place in the database's own source that reported the failure: file and line.
    #[must_use]
    pub fn source_location(&self) -> Option<(&str, u32)> {
        self.source_file.as_deref().zip(self.source_line)
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the database's error {}: {}", self.code, self.message)
    }
}

impl StdError for DatabaseError {}
