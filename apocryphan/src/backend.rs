//! What rider and the shell have to know of a database that estoult does not tell, as data: a constant each for one
//! database.
//! Invariant: every difference between databases that this crate makes stands below this module.

mod mysql;
mod postgres;
mod sqlite;

use apocryphan_migration::Syntax;
use estoult::Dialect;

/// How a database differs from the others, for rider.
#[derive(Debug)]
pub(crate) struct Differences {
    /// How its SQL is split.
    pub(crate) syntax: Syntax,
    /// The quote around a name; twice inside the name.
    pub(crate) quote: char,
    /// Selects the schema or database that an unqualified name is found in.
    pub(crate) namespace: &'static str,
    /// Selects the column names of `:table` in `:namespace`; none if there is no such table.
    pub(crate) columns: &'static str,
    /// Selects the name of the database's user, where there are users.
    pub(crate) user: Option<&'static str>,
    /// The type of the key of the history.
    pub(crate) key_type: &'static str,
    /// The type of a moment in UTC.
    pub(crate) moment_type: &'static str,
    /// The lock between runs.
    pub(crate) lock: Locking,
    /// Puts back what a migration may have set for the session.
    pub(crate) reset: Option<&'static str>,
    /// Every statement commits what came before, unless all are of this list's kinds.
    pub(crate) atomic_statements: &'static [&'static str],
    /// What helps against an error, by its code.
    pub(crate) hints: &'static [(&'static str, &'static str)],
}

/// What keeps two runs apart.
#[derive(Debug)]
pub(crate) enum Locking {
    /// A lock that belongs to a session.
    Session(SessionLocking),
    /// Transactions that write exclude each other; what is in no transaction locks a file beside
    /// the database, whose own file this selects.
    File(&'static str),
}

/// A lock that belongs to a session and is gone with it.
#[derive(Debug)]
pub(crate) struct SessionLocking {
    /// Selects 1 when the lock named `:key` was free and is held now.
    pub(crate) acquire: &'static str,
    /// Selects 1 when this session holds it.
    pub(crate) held: &'static str,
    /// Gives it back, and selects 1.
    pub(crate) release: &'static str,
    /// Selects one line of text about the session that holds it.
    pub(crate) holder: &'static str,
}

/// How a database differs from the others, for the shell. Each statement about a table has `:schema` and `:table`.
#[derive(Debug)]
pub(crate) struct Introspection {
    /// How its SQL is split.
    pub(crate) syntax: Syntax,
    /// The quote around a name; twice inside the name.
    pub(crate) quote: char,
    /// Selects schema, name and kind of tables and views, those of the default schema first.
    pub(crate) tables: &'static str,
    /// Selects the columns of a table.
    pub(crate) columns: &'static str,
    /// Selects the keys and indexes of a table.
    pub(crate) indexes: &'static str,
    /// Selects the foreign keys of a table.
    pub(crate) foreign_keys: &'static str,
    /// Selects table and name of all columns, for completion.
    pub(crate) names: &'static str,
    /// Selects the number of the session, where another session can cancel what it runs.
    pub(crate) session: Option<&'static str>,
    /// Cancels what the session `{session}` runs.
    pub(crate) cancel: &'static str,
    /// The code of the error that says that a statement can't be prepared, but can be sent as it is.
    pub(crate) not_preparable: &'static [&'static str],
}

impl Introspection {
    /// What is known of a database; `None` for one that this version does not know.
    pub(crate) fn of(dialect: Dialect) -> Option<&'static Self> {
        match dialect {
            Dialect::Sqlite => Some(&sqlite::INTROSPECTION),
            Dialect::Postgres => Some(&postgres::INTROSPECTION),
            Dialect::MySql | Dialect::MariaDb => Some(&mysql::INTROSPECTION),
            _ => None,
        }
    }
}

impl Differences {
    /// The differences of a database; `None` for one that this version does not know.
    pub(crate) fn of(dialect: Dialect) -> Option<&'static Self> {
        match dialect {
            Dialect::Sqlite => Some(&sqlite::DIFFERENCES),
            Dialect::Postgres => Some(&postgres::DIFFERENCES),
            Dialect::MySql | Dialect::MariaDb => Some(&mysql::DIFFERENCES),
            _ => None,
        }
    }

    /// A name as this database quotes it.
    pub(crate) fn quoted(&self, name: &str) -> String {
        let quote = self.quote.to_string();
        format!(
            "{quote}{}{quote}",
            name.replace(self.quote, &quote.repeat(2))
        )
    }

    /// What helps against an error with this code.
    pub(crate) fn hint(&self, code: Option<&str>) -> Option<&'static str> {
        self.hints
            .iter()
            .find(|(known, _)| Some(*known) == code)
            .map(|(_, hint)| *hint)
    }
}
