//! The form of a description: what every database has to say about itself, as plain data.
//! Invariant: no database is named here.

use estoult_sql::syntax::Syntax;

/// How one database differs from the others.
#[derive(Debug)]
pub(crate) struct Description {
    /// How its SQL is split into statements.
    pub(crate) syntax: Syntax,
    /// How its system catalog is read.
    pub(crate) catalog: CatalogStatements,
    /// What migrations need.
    pub(crate) rider: RiderSettings,
    /// What the shell needs.
    pub(crate) shell: ShellSettings,
}

/// The statements that read the system catalog. Each takes `:schema` and `:table`, which are NULL for all of them; a
/// statement names its columns as the structs of `catalog/rows.rs` read them.
#[derive(Debug)]
pub(crate) struct CatalogStatements {
    /// Tables and views, those of the default schema first.
    pub(crate) tables: &'static str,
    /// Columns in the order of each table.
    pub(crate) columns: &'static str,
    /// One row for each column of an index, the primary key first.
    pub(crate) indexes: &'static str,
    /// One row for each column of a foreign key.
    pub(crate) foreign_keys: &'static str,
    /// The names of tables and columns alone, which is much cheaper than the rest.
    pub(crate) names: &'static str,
}

/// What migrations need to know about a database.
#[derive(Debug)]
pub(crate) struct RiderSettings {
    /// Selects the schema or database in which an unqualified name is found.
    pub(crate) namespace: &'static str,
    /// Selects the name of the database's user, where there are users.
    pub(crate) user: Option<&'static str>,
    /// The type of the key of the history.
    pub(crate) key_type: &'static str,
    /// The type of a point in time in UTC.
    pub(crate) timestamp_type: &'static str,
    /// The lock between runs.
    pub(crate) lock: LockMethod,
    /// Resets what a migration may have set for the session.
    pub(crate) reset: Option<&'static str>,
    /// First words of the statements that never commit implicitly, where DDL does.
    pub(crate) atomic_statements: &'static [&'static str],
    /// What helps against an error, by its code.
    pub(crate) hints: &'static [(&'static str, &'static str)],
}

/// How two runs exclude each other.
#[derive(Debug)]
pub(crate) enum LockMethod {
    /// A lock that belongs to a session.
    Session(SessionLock),
    /// A write transaction excludes all others. What runs outside of one locks a file beside the database, whose path
    /// this selects.
    File(&'static str),
}

/// A lock that belongs to a session and is released when the session ends.
#[derive(Debug)]
pub(crate) struct SessionLock {
    /// Takes the lock named `:key` without waiting, and selects 1 if it was free.
    pub(crate) acquire: &'static str,
    /// Selects 1 if this session holds it.
    pub(crate) is_held: &'static str,
    /// Releases it, and selects 1.
    pub(crate) release: &'static str,
    /// Selects one line of text about the session that holds it.
    pub(crate) holder: &'static str,
}

/// What the shell needs to know about a database.
#[derive(Debug)]
pub(crate) struct ShellSettings {
    /// Selects the number of the session, where another session can cancel its statement.
    pub(crate) session_number: Option<&'static str>,
    /// Cancels the statement that the session `{session}` runs.
    pub(crate) cancel: &'static str,
    /// The error codes of statements that can't be prepared, but can be sent as plain text.
    pub(crate) not_preparable: &'static [&'static str],
}

impl RiderSettings {
    /// What helps against an error with this code.
    pub(crate) fn hint(&self, code: Option<&str>) -> Option<&'static str> {
        self.hints
            .iter()
            .find(|(known, _)| Some(*known) == code)
            .map(|(_, hint)| *hint)
    }
}
