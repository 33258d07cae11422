//! [`Dialect`], and what estoult uses of the crate `estoult-sql`, the only reader of SQL text.
//!
//! Invariant: no connection here; estoult reads SQL that a program wrote through this module alone.

use std::fmt;

pub(crate) use estoult_sql::{
    names::quoted,
    parameters::{Fragment, SCHEMA, fragments},
    statements::texts,
    syntax::Syntax,
    transaction::{Control, TransactionState, control},
};

/// The SQL dialect of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// MySQL.
    MySql,
    /// MariaDB, recognised on the first connection.
    MariaDb,
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::MySql => "MySQL",
            Self::MariaDb => "MariaDB",
        })
    }
}
