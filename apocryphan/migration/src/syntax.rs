//! Where the databases' SQL texts differ for a reader that only wants to find the statements.

/// How a database's SQL is read; every difference is one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one difference between the databases, all of them independent"
)]
pub struct Syntax {
    /// The name that messages use.
    pub name: &'static str,
    /// A `/*` inside a block comment opens another one.
    pub nested_comments: bool,
    /// `#` begins a comment.
    pub hash_comments: bool,
    /// `--` begins a comment only before white space.
    pub spaced_dashes: bool,
    /// A backslash in any string keeps the letter after it.
    pub backslashes: bool,
    /// `e'…'` is a string in which a backslash keeps the letter after it.
    pub escape_strings: bool,
    /// `$tag$ … $tag$` is a string.
    pub dollar_quotes: bool,
    /// `` `name` `` is a quoted identifier.
    pub backticks: bool,
    /// `[name]` is a quoted identifier.
    pub brackets: bool,
    /// A semicolon between parentheses ends nothing.
    pub joining_parentheses: bool,
    /// A body begins with `begin atomic` only; otherwise with `begin`.
    pub atomic_bodies: bool,
    /// `/*! … */` is run, and `delimiter X` changes what ends a statement.
    pub client_commands: bool,
}

impl Syntax {
    /// SQLite.
    pub const SQLITE: Self = Self {
        name: "SQLite",
        nested_comments: false,
        hash_comments: false,
        spaced_dashes: false,
        backslashes: false,
        escape_strings: false,
        dollar_quotes: false,
        backticks: true,
        brackets: true,
        joining_parentheses: false,
        atomic_bodies: false,
        client_commands: false,
    };

    /// PostgreSQL.
    pub const POSTGRES: Self = Self {
        name: "PostgreSQL",
        nested_comments: true,
        hash_comments: false,
        spaced_dashes: false,
        backslashes: false,
        escape_strings: true,
        dollar_quotes: true,
        backticks: false,
        brackets: false,
        joining_parentheses: true,
        atomic_bodies: true,
        client_commands: false,
    };

    /// MySQL and MariaDB.
    pub const MYSQL: Self = Self {
        name: "MySQL",
        nested_comments: false,
        hash_comments: true,
        spaced_dashes: true,
        backslashes: true,
        escape_strings: false,
        dollar_quotes: false,
        backticks: true,
        brackets: false,
        joining_parentheses: false,
        atomic_bodies: false,
        client_commands: true,
    };

    /// All of them, for a reader that does not know yet which database it will be.
    pub const ALL: [Self; 3] = [Self::SQLITE, Self::POSTGRES, Self::MYSQL];
}
