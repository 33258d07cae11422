//! Whether the program's own SQL changes its connection: settings, attached files, temporary tables.

use estoult_sql::lexer::{Token, TokenKind, executed};

use crate::sql::{Dialect, texts};

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

/// Whether the next caller of the connection would meet what a text of one or several statements has changed.
pub(super) fn changes_connection(text: &str) -> bool {
    let syntax = Dialect::Sqlite.syntax();
    texts(text, syntax).any(|statement| {
        let tokens: Vec<_> = executed(statement, syntax).collect();
        let is = |at: usize, words: &[&str]| {
            let token: Option<&Token<'_>> = tokens.get(at);
            token.is_some_and(|token| {
                words
                    .iter()
                    .any(|word| token.text.eq_ignore_ascii_case(word))
            })
        };
        if is(0, &["pragma"]) {
            return sets(&tokens);
        }
        let is_temporary = is(0, &["create"]) && is(1, &["temp", "temporary"]);
        let is_in_temporary = is(0, &["create", "insert", "replace"])
            && (1..tokens.len()).any(|at| is(at, &["temp"]) && is(at + 1, &["."]));
        is(0, &["attach", "detach"]) || is_temporary || is_in_temporary
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
    !READING
        .iter()
        .any(|reading| name.text.eq_ignore_ascii_case(reading))
}

#[cfg(test)]
mod tests {
    use super::changes_connection;

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
            assert!(changes_connection(text), "{text}");
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
            assert!(!changes_connection(text), "{text}");
        }
    }
}
