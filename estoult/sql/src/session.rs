//! Whether SQL of a program's own may leave something behind on its connection: a transaction, a setting, a lock.
//!
//! Invariant: what is not known to be harmless counts as a change. What does not show in a text is not judged: what
//! triggers and operators run, and whether a program has given the name of a function of the database, or of a column
//! behind an alias, to a function of its own.

mod definition;
mod sqlite;
#[cfg(test)]
mod tests;
mod words;

pub use self::sqlite::changes_sqlite;
use self::{
    definition::{names_no_call, of_connection},
    words::{is, is_one_of},
};
use crate::{
    copy::run_by_copy,
    functions::{COMMON, KEYWORDS, contains},
    lexer::{Token, TokenKind, executed},
    statements::texts,
    syntax::Syntax,
    transaction::{Control, control},
};

/// What a text may change of its connection besides the rows of tables.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effects {
    /// It may begin or end a transaction, also by an implicit commit.
    pub transaction: bool,
    /// It may change what the next caller of the connection would meet: settings, variables, prepared statements,
    /// temporary tables, locks that outlive a transaction.
    pub session: bool,
}

impl Effects {
    const NONE: Self = Self {
        transaction: false,
        session: false,
    };
    const TRANSACTION: Self = Self {
        transaction: true,
        session: false,
    };
    const SESSION: Self = Self {
        transaction: false,
        session: true,
    };
    const ALL: Self = Self {
        transaction: true,
        session: true,
    };

    fn or(self, other: Self) -> Self {
        Self {
            transaction: self.transaction || other.transaction,
            session: self.session || other.session,
        }
    }
}

/// What a text of one or several statements may change of its connection.
///
/// ```
/// use estoult_sql::{session::effects, syntax::Syntax};
///
/// let plain = effects("select lower(name) from users", &Syntax::POSTGRES);
/// assert!(!plain.transaction && !plain.session);
/// let table = effects("create table a (b int)", &Syntax::MYSQL);
/// assert!(table.transaction && !table.session);
/// let setting = effects("select set_config('role', 'b', false)", &Syntax::POSTGRES);
/// assert!(!setting.transaction && setting.session);
/// ```
#[must_use]
pub fn effects(text: &str, syntax: &Syntax) -> Effects {
    if is_ambiguous(text, syntax) {
        return Effects::ALL;
    }
    // Fast path: a text without a semicolon is one statement.
    if !text.contains(';') {
        return of_statement(text, syntax);
    }
    texts(text, syntax)
        .map(|statement| of_statement(statement, syntax))
        .fold(Effects::NONE, Effects::or)
}

/// Whether a server may read the text in another way: by its version, which decides about `/*! … */`, or by its modes,
/// in which a backslash before a quote may escape nothing.
fn is_ambiguous(text: &str, syntax: &Syntax) -> bool {
    syntax.client_commands && (text.contains("/*!") || text.contains("/*M!"))
        || syntax.backslashes && (text.contains("\\'") || text.contains("\\\""))
}

fn of_statement(statement: &str, syntax: &Syntax) -> Effects {
    let tokens: Vec<_> = executed(statement, syntax).collect();
    if tokens.iter().any(|token| !token.is_closed) {
        return Effects::ALL;
    }
    // Parentheses may enclose the first select of a union.
    let first = tokens
        .iter()
        .position(|token| token.kind != TokenKind::Open);
    let tokens = &tokens[first.unwrap_or(tokens.len())..];
    let Some(first) = tokens.first() else {
        return Effects::NONE;
    };
    if is_one_of(first, &PLAIN) {
        return rows(tokens, syntax);
    }
    if is_one_of(first, &["explain", "describe", "desc"]) {
        return explained(&tokens[1..], syntax);
    }
    if is(first, "copy") && !syntax.implicit_commits {
        return copied(run_by_copy(tokens), syntax);
    }
    match control(statement, syntax) {
        Control::Begin | Control::Commit { .. } | Control::Rollback { .. } => ending(tokens),
        Control::Savepoint | Control::Release | Control::RollbackTo => Effects::TRANSACTION,
        // MariaDB's `analyze update …` runs the statement.
        Control::None if syntax.implicit_commits && is(first, "analyze") => {
            explained(&tokens[1..], syntax)
        }
        Control::ImplicitCommit | Control::SetAutocommit(_) | Control::Unknown | Control::None => {
            other(tokens, syntax)
        }
    }
}

/// The statements that read or change rows, and nothing else apart from what their functions do.
const PLAIN: [&str; 10] = [
    "select", "insert", "update", "delete", "with", "values", "replace", "merge", "table", "show",
];

/// What may stand between EXPLAIN and its statement.
const EXPLAIN_OPTIONS: [&str; 10] = [
    "analyze",
    "analyse",
    "verbose",
    "extended",
    "partitions",
    "format",
    "json",
    "tree",
    "traditional",
    "=",
];

/// The statements that define tables, privileges and the like, and leave the connection as it is.
const DEFINITIONS: [&str; 15] = [
    "create", "alter", "drop", "truncate", "rename", "grant", "revoke", "comment", "analyze",
    "analyse", "optimize", "repair", "vacuum", "reindex", "cluster",
];

/// Reading or changing rows: only what is called or assigned within can change the connection.
fn rows(tokens: &[Token<'_>], syntax: &Syntax) -> Effects {
    match assigns(tokens, syntax) || calls_unknown(tokens, false, syntax) {
        true => Effects::SESSION,
        false => Effects::NONE,
    }
}

fn explained(tokens: &[Token<'_>], syntax: &Syntax) -> Effects {
    let mut depth = 0_usize;
    let begin = tokens.iter().position(|token| {
        match token.kind {
            TokenKind::Open => depth += 1,
            TokenKind::Close => depth = depth.saturating_sub(1),
            _ => return depth == 0 && !is_one_of(token, &EXPLAIN_OPTIONS),
        }
        false
    });
    let tokens = &tokens[begin.unwrap_or(tokens.len())..];
    match tokens {
        [first, ..] if is_one_of(first, &PLAIN) => rows(tokens, syntax),
        // `describe users` shows the columns of a table.
        [name] if name.kind != TokenKind::Mark => Effects::NONE,
        _ => Effects::ALL,
    }
}

/// The query of a COPY, its condition, or neither.
fn copied(tokens: &[Token<'_>], syntax: &Syntax) -> Effects {
    match tokens.first() {
        Some(first) if !is_one_of(first, &PLAIN) && !is(first, "where") => Effects::ALL,
        _ => rows(tokens, syntax),
    }
}

/// The statements that begin and end transactions. `commit release` of MySQL also ends the connection, and a
/// two-phase transaction stays on it.
fn ending(tokens: &[Token<'_>]) -> Effects {
    let is_released = tokens
        .windows(2)
        .any(|pair| is(&pair[1], "release") && !is(&pair[0], "no"));
    let is_two_phase = tokens
        .first()
        .is_some_and(|first| is_one_of(first, &["xa", "prepare"]));
    match is_released || is_two_phase {
        true => Effects::ALL,
        false => Effects::TRANSACTION,
    }
}

fn other(tokens: &[Token<'_>], syntax: &Syntax) -> Effects {
    let of_transaction = !syntax.implicit_commits
        && match tokens {
            // What PostgreSQL sets or locks until the end of the transaction; in MySQL both outlive it.
            [set, of, ..] if is(set, "set") => {
                is_one_of(of, &["local", "transaction", "constraints"])
            }
            [first, ..] => is_one_of(first, &["lock", "notify"]),
            [] => false,
        };
    let is_definition = tokens
        .first()
        .is_some_and(|first| is_one_of(first, &DEFINITIONS));
    if of_transaction {
        return Effects::NONE;
    }
    if !is_definition || of_connection(tokens, syntax) {
        return Effects::ALL;
    }
    // A query that fills a table calls functions, and so do the defaults, conditions and conversions that an altered
    // table applies to its rows.
    match assigns(tokens, syntax) || calls_unknown(tokens, true, syntax) {
        true => Effects::ALL,
        false => Effects::TRANSACTION,
    }
}

/// Whether a variable or a table is assigned to: `@a := 1`, `select … into @a`, `select … into temp b`.
fn assigns(tokens: &[Token<'_>], syntax: &Syntax) -> bool {
    let takes_rows = [
        "insert",
        "replace",
        "merge",
        "ignore",
        "low_priority",
        "delayed",
        "high_priority",
        "or",
    ];
    let is_into = |pair: &[Token<'_>]| {
        let is_rows = is_one_of(&pair[0], &takes_rows);
        // SQLite's `insert or replace into`, and all its other ways to treat a conflict.
        let is_conflict = is_one_of(&pair[0], &["abort", "fail", "rollback"]);
        pair[1].kind == TokenKind::Word && is(&pair[1], "into") && !is_rows && !is_conflict
    };
    let is_assigned =
        |pair: &[Token<'_>]| syntax.implicit_commits && pair[0].text == ":" && pair[1].text == "=";
    tokens
        .windows(2)
        .any(|pair| is_into(pair) || is_assigned(pair))
}

/// Whether a function is called that is not known to be harmless. In a definition more names than in a query are no
/// calls.
fn calls_unknown(tokens: &[Token<'_>], is_definition: bool, syntax: &Syntax) -> bool {
    let mut open = Vec::new();
    // The parentheses that were closed last begin here.
    let mut closed = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Open => {
                let named = &tokens[..at];
                let is_named = is_definition && names_no_call(named);
                if !is_named && is_unknown_call(named, closed, syntax) {
                    return true;
                }
                open.push(at);
            }
            TokenKind::Close => closed = open.pop().unwrap_or_default(),
            TokenKind::Mark if is_attribute(&tokens[..at], &tokens[at..], syntax) => return true,
            _ => {}
        }
    }
    false
}

/// Whether a dot takes an attribute of a value, which in PostgreSQL may be a call as well: `(a).b`, `a[1].b` and `$1.b`
/// may mean `b(a)`. Behind a name it stands for a part of that.
fn is_attribute(before: &[Token<'_>], behind: &[Token<'_>], syntax: &Syntax) -> bool {
    let is_name =
        |token: &Token<'_>| token.kind == TokenKind::Word || token.kind == TokenKind::QuotedName;
    !syntax.implicit_commits
        && matches!(behind, [dot, name, ..] if dot.text == "." && is_name(name))
        && !before.last().is_some_and(is_name)
}

/// Whether the name that the tokens end with is called: it is before a parenthesis.
fn is_unknown_call(tokens: &[Token<'_>], closed: usize, syntax: &Syntax) -> bool {
    let Some((name, mut before)) = tokens.split_last() else {
        return false;
    };
    let is_quoted = match name.kind {
        TokenKind::Word => false,
        // By the modes of MySQL, "a" may be a name.
        TokenKind::QuotedName | TokenKind::String => true,
        _ => return false,
    };
    let is_qualified = before.last().is_some_and(|token| token.text == ".");
    while let [rest @ .., _, dot] = before
        && dot.text == "."
    {
        before = rest;
    }
    if names_no_function(tokens, before, closed) {
        return false;
    }
    let is_known = [&KEYWORDS[..], &COMMON, syntax.functions]
        .iter()
        .any(|words| contains(words, name.text));
    is_quoted || is_qualified || !is_known
}

/// Whether what is before a name shows that it is a table, an alias or a type, and its parentheses are columns or
/// lengths.
fn names_no_function(tokens: &[Token<'_>], before: &[Token<'_>], closed: usize) -> bool {
    match before {
        [.., last] if last.kind == TokenKind::Word => {
            is_one_of(last, &["into", "as", "with", "recursive"])
        }
        // An alias behind a subquery or a call: `from unnest($1) as a` without the `as`. Behind `distinct on (a)` and
        // `operator(a.+)` an expression follows.
        [.., last] if last.kind == TokenKind::Close => closed
            .checked_sub(1)
            .and_then(|at| tokens.get(at))
            .is_none_or(|opener| !is_one_of(opener, &["on", "operator"])),
        // A cast: `a::numeric(10, 2)`.
        [.., first, second] => {
            first.text == ":" && second.text == ":" && first.end() == second.start
        }
        _ => false,
    }
}
