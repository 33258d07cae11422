//! The effect of statements on the transaction of their connection.
//!
//! Invariant: where a text does not show whether a transaction is open, it counts as open.

#[cfg(test)]
mod tests;

use crate::{
    lexer::{executed, tokens},
    names::unquoted,
    statements::texts,
    syntax::Syntax,
};

/// Statements of MySQL and MariaDB that run others, which their text does not show.
const RUNS_OTHERS: [&str; 8] = [
    "call", "execute", "if", "case", "loop", "while", "repeat", "for",
];

/// The words without which no statement opens a transaction, nor runs one that does.
const OPENS: [&str; 8] = [
    "begin",
    "start",
    "xa",
    "autocommit",
    "call",
    "execute",
    "chain",
    "statement",
];

/// The effect of a statement on the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Begins a transaction.
    Begin,
    /// Commits, or prepares a two-phase commit that detaches the transaction from the connection.
    Commit {
        /// Whether the next transaction begins at once.
        chain: bool,
    },
    /// Rolls back.
    Rollback {
        /// Whether the next transaction begins at once.
        chain: bool,
    },
    /// Sets a savepoint.
    Savepoint,
    /// Releases a savepoint.
    Release,
    /// Rolls back to a savepoint.
    RollbackTo,
    /// Turns autocommit on or off; when it is off, each statement belongs to a transaction that has to be ended.
    SetAutocommit(bool),
    /// Commits as a side effect, such as DDL.
    ImplicitCommit,
    /// Runs statements that the text does not show, such as those of a procedure.
    Unknown,
    /// No effect.
    None,
}

/// The effect of a single statement on the transaction.
///
/// ```
/// use estoult_sql::{syntax::Syntax, transaction::{Control, control}};
///
/// assert_eq!(control("/* nightly */ start transaction", &Syntax::MYSQL), Control::Begin);
/// assert_eq!(control("commit and chain", &Syntax::MYSQL), Control::Commit { chain: true });
/// assert_eq!(control("select 'commit'", &Syntax::MYSQL), Control::None);
/// ```
#[must_use]
pub fn control(statement: &str, syntax: &Syntax) -> Control {
    let words = first_words(statement, syntax);
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        // A compound statement of MariaDB, `begin not atomic`, of which the splitter may give the first part only.
        ["begin", "not", "atomic", ..] => Control::Unknown,
        ["begin", "atomic", ..] => Control::None,
        ["begin", ..] | ["start", "transaction", ..] => Control::Begin,
        ["xa", rest @ ..] => xa(rest),
        // They end a prepared transaction, which no longer belongs to any connection.
        ["commit" | "rollback", "prepared", ..] => Control::None,
        // `prepare transaction from …` of MySQL prepares a statement of that name; only a string is a transaction's id.
        ["prepare", "transaction", name] if name.starts_with(['\'', 'e', '$']) => {
            Control::Commit { chain: false }
        }
        ["rollback", "to", ..] | ["rollback", "work" | "transaction", "to", ..] => {
            Control::RollbackTo
        }
        ["commit", rest @ ..] => Control::Commit {
            chain: chains(rest),
        },
        ["end", rest @ ..] if syntax.end_commits => Control::Commit {
            chain: chains(rest),
        },
        ["rollback", rest @ ..] => Control::Rollback {
            chain: chains(rest),
        },
        ["abort", rest @ ..] if syntax.abort_rolls_back => Control::Rollback {
            chain: chains(rest),
        },
        ["savepoint", ..] => Control::Savepoint,
        ["release", ..] => Control::Release,
        // `set statement … for …` of MariaDB runs the statement behind `for`.
        ["set", "statement", ..] if syntax.implicit_commits => Control::Unknown,
        ["set", "password", ..] if syntax.implicit_commits => Control::ImplicitCommit,
        ["set", ..] if syntax.implicit_commits => settings(statement, syntax),
        [first, ..] if syntax.implicit_commits && RUNS_OTHERS.contains(first) => Control::Unknown,
        words if syntax.implicit_commits && defines(words) => Control::ImplicitCommit,
        _ => Control::None,
    }
}

/// Whether a connection is inside a transaction, as far as the statements that ran on it show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TransactionState {
    has_begun: bool,
    is_autocommit_off: bool,
    /// Whether a text has run of which a server may have read something else.
    is_uncertain: bool,
}

impl TransactionState {
    /// Whether a transaction is open, or the next statement would open one that has to be ended.
    #[must_use]
    pub fn is_open(self) -> bool {
        self.has_begun || self.is_autocommit_off
    }

    /// Whether the server may have a transaction open although none shows: after a procedure, for example, or a comment
    /// that servers of some versions run. Such a connection is closed instead of being used again.
    #[must_use]
    pub fn may_be_open(self) -> bool {
        self.is_open() || self.is_uncertain
    }

    /// The state when no transaction is open; autocommit stays as it is.
    #[must_use]
    pub fn ended(self) -> Self {
        Self {
            has_begun: false,
            ..self
        }
    }

    /// Whether autocommit is off, so that the next transaction begins where one ends.
    #[must_use]
    pub fn is_autocommit_off(self) -> bool {
        self.is_autocommit_off
    }

    /// The state after a script. One that failed may have stopped at any statement, so a transaction counts as open if
    /// it was open before any of them.
    ///
    /// ```
    /// use estoult_sql::{syntax::Syntax, transaction::TransactionState};
    ///
    /// let script = "-- all or nothing\nbegin; insert into books values (1); commit";
    /// let before = TransactionState::default();
    /// assert!(!before.after(script, true, &Syntax::POSTGRES).is_open());
    /// assert!(before.after(script, false, &Syntax::POSTGRES).is_open());
    /// ```
    #[must_use]
    pub fn after(self, script: &str, is_done: bool, syntax: &Syntax) -> Self {
        let (mut state, mut any) = (self, self);
        for statement in texts(script, syntax) {
            any = any.or(state);
            state = state.step(control(statement, syntax), syntax);
        }
        let after = if is_done { state } else { any };
        let has_opened = any.or(state).is_open() || mentions(script, &OPENS);
        Self {
            is_uncertain: any.or(state).is_uncertain || has_opened && is_ambiguous(script, syntax),
            ..after
        }
    }

    /// The state after one prepared statement, which a server reads as one whatever it contains: its first words
    /// decide, and the rest is not read.
    #[must_use]
    pub fn after_statement(self, statement: &str, is_done: bool, syntax: &Syntax) -> Self {
        if has_run_comment(statement, syntax) {
            return self.after(statement, is_done, syntax);
        }
        let after = self.step(control(statement, syntax), syntax);
        Self {
            is_uncertain: after.is_uncertain,
            ..if is_done { after } else { self }
        }
    }

    /// Open if one of the two is.
    fn or(self, other: Self) -> Self {
        Self {
            has_begun: self.has_begun || other.has_begun,
            is_autocommit_off: self.is_autocommit_off || other.is_autocommit_off,
            is_uncertain: self.is_uncertain || other.is_uncertain,
        }
    }

    fn step(self, control: Control, syntax: &Syntax) -> Self {
        let has_begun = match control {
            Control::Begin => true,
            // AND CHAIN begins the next transaction at once.
            Control::Commit { chain } | Control::Rollback { chain } => chain,
            // The first savepoint of SQLite begins a transaction (lang_savepoint).
            Control::Savepoint => self.has_begun || syntax.savepoint_begins,
            // MySQL manual, "Statements That Cause an Implicit Commit".
            Control::ImplicitCommit => false,
            // Turning autocommit on where it is off commits; where it is on already, nothing changes.
            Control::SetAutocommit(true) => self.has_begun && !self.is_autocommit_off,
            // Turning it off inside a transaction keeps that open. Releasing SQLite's outermost savepoint commits, but
            // the names of savepoints are not followed, so the transaction counts as open.
            Control::SetAutocommit(false)
            | Control::Release
            | Control::RollbackTo
            | Control::Unknown
            | Control::None => self.has_begun,
        };
        let is_autocommit_off = match control {
            Control::SetAutocommit(is_on) => !is_on,
            _ => self.is_autocommit_off,
        };
        Self {
            has_begun,
            is_autocommit_off,
            is_uncertain: self.is_uncertain || control == Control::Unknown,
        }
    }
}

/// Whether a server may split or read a script in another way than this reader does.
///
/// Three things decide it that a text does not show: the version of the server, which skips `/*!99999 … */`; its modes,
/// in which a backslash may escape nothing; and where a routine without a block ends.
fn is_ambiguous(script: &str, syntax: &Syntax) -> bool {
    has_run_comment(script, syntax)
        || (syntax.backslashes || syntax.escape_strings) && script.contains('\\')
        || mentions(
            script,
            &["procedure", "function", "trigger", "event", "package"],
        )
        || tokens(script, syntax).any(|token| !token.is_closed)
}

fn has_run_comment(text: &str, syntax: &Syntax) -> bool {
    syntax.client_commands && (text.contains("/*!") || text.contains("/*M!"))
}

/// Whether one of the words is anywhere in the text, in strings and comments too.
fn mentions(text: &str, words: &[&str]) -> bool {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .any(|part| words.iter().any(|word| part.eq_ignore_ascii_case(word)))
}

/// The first words and marks of a statement, in lower case; no rule needs more.
fn first_words(statement: &str, syntax: &Syntax) -> Vec<String> {
    executed(statement, syntax)
        .take(6)
        .map(|token| token.text.to_ascii_lowercase())
        .collect()
}

fn chains(words: &[&str]) -> bool {
    // `and no chain` has a word between them, and the `no` of `no release` is about something else.
    words.windows(2).any(|pair| pair == ["and", "chain"])
}

/// A two-phase transaction of MySQL.
fn xa(words: &[&str]) -> Control {
    match words {
        // Unlike on PostgreSQL, it stays on the connection until the second phase: `end` and `prepare` don't close it.
        ["start" | "begin", ..] => Control::Begin,
        ["commit", ..] => Control::Commit { chain: false },
        ["rollback", ..] => Control::Rollback { chain: false },
        _ => Control::None,
    }
}

/// The last assignment to the connection's `autocommit` in a SET, which may have several.
fn settings(statement: &str, syntax: &Syntax) -> Control {
    let tokens: Vec<_> = executed(statement, syntax)
        .map(|token| unquoted(token.text, syntax))
        .collect();
    let is = |at: Option<usize>, text: &str| {
        at.and_then(|at| tokens.get(at))
            .is_some_and(|token| token.eq_ignore_ascii_case(text))
    };
    let mut found = Control::None;
    for (at, token) in tokens.iter().enumerate() {
        let before = |count| at.checked_sub(count);
        let is_dotted = is(before(1), ".");
        // GLOBAL is the setting of new connections.
        let is_global = is(before(1), "global") || is_dotted && is(before(2), "global");
        // `@autocommit` is a user variable, `@@autocommit` the setting.
        let is_own = is(before(1), "@") && !is(before(2), "@");
        // With `completion_type` each COMMIT begins the next transaction.
        if token.eq_ignore_ascii_case("completion_type") {
            return Control::Unknown;
        }
        if !token.eq_ignore_ascii_case("autocommit") || is_global || is_own {
            continue;
        }
        let value = if is(Some(at + 1), "=") {
            at + 2
        // `:=` is two tokens.
        } else if is(Some(at + 1), ":") {
            at + 3
        } else {
            continue;
        };
        let is_alone = value + 1 == tokens.len() || is(Some(value + 1), ",");
        let is_on = tokens.get(value).is_some_and(|value| {
            let value = value.trim_matches(['\'', '"']).to_ascii_lowercase();
            ["1", "on", "true"].contains(&value.as_str())
        });
        // An expression such as `1 - 1` is not computed; it counts as off.
        found = Control::SetAutocommit(is_on && is_alone);
    }
    found
}

/// Whether a statement changes tables, privileges or the server in a way that commits.
fn defines(words: &[&str]) -> bool {
    match words {
        // Temporary tables commit nothing (MySQL manual, see above), and `drop prepare` drops a prepared statement.
        ["create" | "drop", "temporary", ..]
        | ["create", "or", "replace", "temporary", ..]
        | ["drop", "prepare", ..] => false,
        [
            "create" | "alter" | "drop" | "truncate" | "rename" | "grant" | "revoke" | "optimize"
            | "repair" | "flush" | "reset" | "lock" | "unlock" | "install"
            | "uninstall",
            ..,
        ]
        // `analyze update …` of MariaDB runs the statement, and commits nothing.
        | ["analyze", "table" | "tables" | "local" | "no_write_to_binlog", ..]
        | ["check", "table" | "tables", ..]
        | ["load" | "cache", "index", ..]
        | ["change", "master" | "replication", ..]
        | ["start" | "stop", "slave" | "replica" | "all", ..] => true,
        _ => false,
    }
}
