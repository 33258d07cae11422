//! What in a definition of tables and the like is no call, and which definitions are about one connection.

use super::words::{is, is_one_of};
use crate::{
    lexer::{Token, TokenKind},
    names::unquoted,
    syntax::Syntax,
};

/// The words in definitions of what belongs to one connection.
const OF_CONNECTION: [&str; 3] = ["temporary", "temp", "prepare"];

/// The words that the name of what is defined, or of a table, stands behind.
const BEFORE_NAMES: [&str; 13] = [
    "table",
    "exists",
    "only",
    "references",
    "index",
    "key",
    "view",
    "function",
    "procedure",
    "aggregate",
    "routine",
    "unique",
    "operator",
];

/// Words of definitions, and types, that may stand before a parenthesis.
const WORDS: [&str; 15] = [
    "check",
    "default",
    "include",
    "than",
    "enum",
    "blob",
    "text",
    "mediumint",
    "geometry",
    "geography",
    "vector",
    "halfvec",
    "sparsevec",
    "function",
    "references",
];

/// The kinds of indexes, behind `using`.
const METHODS: [&str; 9] = [
    "btree", "hash", "gin", "gist", "spgist", "brin", "rtree", "hnsw", "ivfflat",
];

/// The ways to divide a table, behind `by`.
const DIVISIONS: [&str; 4] = ["hash", "list", "range", "key"];

/// Whether a definition leaves something on the connection whatever it calls: what ends with the connection, what a
/// prepared statement does, or a session without a database.
pub(super) fn of_connection(tokens: &[Token<'_>], syntax: &Syntax) -> bool {
    let is_temporary = |token: &Token<'_>| {
        let name = match token.kind {
            TokenKind::Word => token.text.into(),
            TokenKind::QuotedName => unquoted(token.text, syntax),
            _ => return false,
        };
        let is_schema = name
            .get(..7)
            .is_some_and(|start| start.eq_ignore_ascii_case("pg_temp"));
        is_schema
            || OF_CONNECTION
                .iter()
                .any(|word| name.eq_ignore_ascii_case(word))
    };
    let is_executed = |pair: &[Token<'_>]| is(&pair[0], "as") && is(&pair[1], "execute");
    // The session may have been in this database, and is in none then.
    let is_database = syntax.implicit_commits
        && matches!(tokens, [drop, of, ..]
            if is(drop, "drop") && is_one_of(of, &["database", "schema"]));
    is_database || tokens.iter().any(is_temporary) || tokens.windows(2).any(is_executed)
}

/// Whether the name that the tokens end with, before a parenthesis, is one that a definition gives or refers to.
pub(super) fn names_no_call(tokens: &[Token<'_>]) -> bool {
    let Some((name, mut before)) = tokens.split_last() else {
        return false;
    };
    if name.kind == TokenKind::Word && is_one_of(name, &WORDS) {
        return true;
    }
    while let [rest @ .., _, dot] = before
        && dot.text == "."
    {
        before = rest;
    }
    let Some((last, before)) = before.split_last() else {
        return false;
    };
    if is(last, "using") {
        // The conversion of a column to another type stands there as well.
        return is_one_of(name, &METHODS) && !before.iter().any(|token| is(token, "type"));
    }
    if is(last, "by") {
        return is_one_of(name, &DIVISIONS);
    }
    // Behind the `on` of a join an expression follows.
    let is_table = is(last, "on") && !before.iter().any(|token| is(token, "select"));
    last.kind == TokenKind::Word && (is_table || is_one_of(last, &BEFORE_NAMES))
}
