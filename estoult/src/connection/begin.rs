//! How a transaction begins: its settings, and the statements that begin and end it.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    backend::{Features, IsolationStyle},
    error::{Error, Result},
};

/// Isolation level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isolation {
    /// Each statement sees what was committed before it.
    ReadCommitted,
    /// All statements see what was committed before the first one.
    RepeatableRead,
    /// As if the transactions ran one after the other.
    Serializable,
}

impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadCommitted => "read committed",
            Self::RepeatableRead => "repeatable read",
            Self::Serializable => "serializable",
        })
    }
}

/// The settings of a transaction.
#[derive(Debug, Clone, Default)]
pub(crate) struct TransactionOptions {
    pub(crate) isolation: Option<Isolation>,
    pub(crate) is_read_only: bool,
    /// The schema that its statements are about, where a connection has to open each of them.
    pub(crate) schema: Option<Arc<str>>,
    pub(crate) retries: u32,
    /// How long it may take as a whole, once it has its connection.
    pub(crate) timeout: Option<Duration>,
    /// Variables that are set for the transaction alone.
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) is_of_registry: bool,
    /// Whether the session refuses writes by itself.
    pub(crate) is_session_read_only: bool,
}

impl TransactionOptions {
    /// The statement that begins it. PostgreSQL takes the level within BEGIN, MySQL only in a SET TRANSACTION before
    /// it, which counts for the next transaction alone ("SET TRANSACTION" in MySQL's manual).
    pub(crate) fn begin_statement(&self, features: &Features) -> Result<String> {
        if let [(name, _), ..] = self.variables.as_slice()
            && !features.transaction_variables
        {
            return Err(Error::unsupported(format!(
                "set the variable `{name}` for a transaction: {} has none that end with it; use PostgreSQL",
                features.dialect
            )));
        }
        let begin = features.begin_write;
        let access = if self.is_read_only { " read only" } else { "" };
        Ok(match (features.isolation, self.isolation) {
            (IsolationStyle::InBegin, Some(level)) => {
                format!("{begin} isolation level {level}{access}")
            }
            (IsolationStyle::BeforeBegin, Some(level)) => {
                format!("set transaction isolation level {level}; {begin}{access}")
            }
            // A session that is read only refuses BEGIN IMMEDIATE, since that takes the write lock.
            (IsolationStyle::AlwaysSerializable, _) if self.is_session_read_only => {
                "begin".to_owned()
            }
            // SQLite has no read-only transaction; the pragma belongs to the connection, so `end_suffix` takes it back.
            (IsolationStyle::AlwaysSerializable, _) if self.is_read_only => {
                "begin; pragma query_only = on".to_owned()
            }
            (IsolationStyle::AlwaysSerializable, _) => begin.to_owned(),
            (_, None) => format!("{begin}{access}"),
        })
    }

    /// What the statement that ends it has to undo on the session.
    pub(crate) fn end_suffix(&self, features: &Features) -> &'static str {
        let is_pragma = features.isolation == IsolationStyle::AlwaysSerializable;
        if self.is_read_only && is_pragma && !self.is_session_read_only {
            "; pragma query_only = off"
        } else {
            ""
        }
    }
}
