//! What a program's own SQL leaves behind on a connection of SQLite.

use super::words::{is, is_one_of};
use crate::{
    lexer::{Token, TokenKind, executed},
    statements::texts,
    syntax::Syntax,
};

const TEMPORARY: [&str; 2] = ["temp", "temporary"];

/// The pragmas that take an argument and change nothing of the connection ("PRAGMA Statements" of SQLite).
const READING: [&str; 15] = [
    "table_info",
    "table_xinfo",
    "table_list",
    "index_list",
    "index_info",
    "index_xinfo",
    "foreign_key_list",
    "foreign_key_check",
    "integrity_check",
    "quick_check",
    "database_list",
    "collation_list",
    "function_list",
    "wal_checkpoint",
    "incremental_vacuum",
];

/// Whether the next caller of a connection of SQLite would meet what a text of one or several statements has changed:
/// settings, attached files, temporary tables. Pragmas that only look something up are none of these.
///
/// ```
/// use estoult_sql::session::changes_sqlite;
///
/// assert!(changes_sqlite("pragma foreign_keys = off"));
/// assert!(!changes_sqlite("pragma table_info(books)"));
/// ```
#[must_use]
pub fn changes_sqlite(text: &str) -> bool {
    texts(text, &Syntax::SQLITE).any(|statement| {
        let tokens: Vec<_> = executed(statement, &Syntax::SQLITE).collect();
        match tokens.as_slice() {
            [first, ..] if is(first, "pragma") => sets(&tokens),
            [first, ..] if is_one_of(first, &["attach", "detach"]) => true,
            [create, what, ..] if is(create, "create") && is_one_of(what, &TEMPORARY) => true,
            [first, ..] if is_one_of(first, &["create", "insert", "replace"]) => tokens
                .windows(2)
                .any(|pair| is(&pair[0], "temp") && pair[1].text == "."),
            _ => false,
        }
    })
}

/// Whether a pragma sets something: it has a value, and is not one that looks something up by it.
fn sets(tokens: &[Token<'_>]) -> bool {
    let value = tokens
        .iter()
        .position(|token| token.text == "=" || token.kind == TokenKind::Open);
    let Some(name) = value.and_then(|at| tokens.get(at.checked_sub(1)?)) else {
        return false;
    };
    !is_one_of(name, &READING)
}

#[cfg(test)]
mod tests {
    use super::changes_sqlite;

    #[test]
    fn what_stays_on_the_connection_is_seen() {
        for text in [
            "pragma foreign_keys = off",
            "PRAGMA main.cache_size(100)",
            "select 1; pragma query_only = on",
            "attach 'b.db' as b",
            "detach b",
            "create temp table a (b)",
            "create temporary view a as select 1",
            "create table temp.a (b)",
            "insert into temp.a values (1)",
        ] {
            assert!(changes_sqlite(text), "{text}");
        }
        for text in [
            "pragma foreign_keys",
            "pragma main.table_info(\"books\")",
            "pragma table_info = books",
            "pragma wal_checkpoint(truncate)",
            "create table attach (temp int)",
            "select 'pragma a = b'",
            "insert into a (temp) values (1)",
        ] {
            assert!(!changes_sqlite(text), "{text}");
        }
    }
}
