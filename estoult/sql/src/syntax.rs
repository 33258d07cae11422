//! How the SQL of the databases differs for a reader.
//!
//! Invariant: readers ask for a field, never for a database.

use crate::functions;

/// How a database's SQL is read; every difference is one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one difference between the databases, all of them independent"
)]
pub struct Syntax {
    /// The name that messages use.
    pub name: &'static str,
    /// The character that quotes a name.
    pub quote: char,
    /// A `/*` inside a block comment opens another one.
    pub nested_comments: bool,
    /// `#` begins a comment.
    pub hash_comments: bool,
    /// `--` begins a comment only before white space.
    pub spaced_dashes: bool,
    /// A carriage return ends a line comment, as a line feed does.
    pub returns_end_lines: bool,
    /// A backslash in any string escapes the next character.
    pub backslashes: bool,
    /// `e'…'` is a string in which a backslash escapes the next character.
    pub escape_strings: bool,
    /// `$tag$ … $tag$` is a string.
    pub dollar_quotes: bool,
    /// `` `name` `` is a quoted identifier.
    pub backticks: bool,
    /// `[name]` is a quoted identifier.
    pub brackets: bool,
    /// `[…]` is the subscript of an array, in which a colon makes a slice.
    pub arrays: bool,
    /// A semicolon between parentheses ends nothing.
    pub joining_parentheses: bool,
    /// A body begins with `begin atomic` only; otherwise with `begin`.
    pub atomic_bodies: bool,
    /// `end` commits.
    pub end_commits: bool,
    /// `abort` rolls back.
    pub abort_rolls_back: bool,
    /// A savepoint outside of a transaction begins one.
    pub savepoint_begins: bool,
    /// A statement that changes tables or privileges commits, and `set autocommit` turns transactions on and off.
    pub implicit_commits: bool,
    /// `/*! … */` is run, and `delimiter X` changes the delimiter of statements.
    pub client_commands: bool,
    /// Functions that leave a connection as it is, besides those of all databases; the words of a line begin with one
    /// letter.
    pub functions: &'static [&'static str],
}

impl Syntax {
    /// SQLite.
    pub const SQLITE: Self = Self {
        name: "SQLite",
        quote: '"',
        nested_comments: false,
        hash_comments: false,
        spaced_dashes: false,
        returns_end_lines: false,
        backslashes: false,
        escape_strings: false,
        dollar_quotes: false,
        // Both for compatibility with MySQL and SQL Server (lang_keywords).
        backticks: true,
        brackets: true,
        arrays: false,
        joining_parentheses: false,
        atomic_bodies: false,
        end_commits: true,
        abort_rolls_back: false,
        savepoint_begins: true,
        implicit_commits: false,
        client_commands: false,
        functions: &functions::SQLITE,
    };

    /// PostgreSQL.
    pub const POSTGRES: Self = Self {
        name: "PostgreSQL",
        quote: '"',
        nested_comments: true,
        hash_comments: false,
        spaced_dashes: false,
        // `non_newline` in its scanner, scan.l, is neither of the two.
        returns_end_lines: true,
        // `standard_conforming_strings` is on by default; with it a backslash is a character like any other.
        backslashes: false,
        escape_strings: true,
        dollar_quotes: true,
        backticks: false,
        brackets: false,
        arrays: true,
        joining_parentheses: true,
        atomic_bodies: true,
        end_commits: true,
        abort_rolls_back: true,
        savepoint_begins: false,
        implicit_commits: false,
        client_commands: false,
        functions: &functions::POSTGRES,
    };

    /// MySQL and MariaDB.
    pub const MYSQL: Self = Self {
        name: "MySQL",
        quote: '`',
        nested_comments: false,
        hash_comments: true,
        spaced_dashes: true,
        returns_end_lines: false,
        // Unless NO_BACKSLASH_ESCAPES is set (manual, "Server SQL Modes").
        backslashes: true,
        escape_strings: false,
        dollar_quotes: false,
        backticks: true,
        brackets: false,
        arrays: false,
        joining_parentheses: false,
        atomic_bodies: false,
        end_commits: false,
        abort_rolls_back: false,
        savepoint_begins: false,
        implicit_commits: true,
        client_commands: true,
        functions: &functions::MYSQL,
    };

    /// All syntaxes, for a reader that does not know the database yet.
    pub const ALL: [Self; 3] = [Self::SQLITE, Self::POSTGRES, Self::MYSQL];
}
