//! Transactions that the program's own SQL begins on a connection of the pool: the next statement may get another one,
//! so what it writes would not belong to the transaction, and what belongs to it would be rolled back.
//!
//! Invariant: no database is named.

use crate::{
    error::{Error, Result},
    sql::{Control, Dialect, TransactionState, control, texts},
};

/// Refuses a statement that would leave a transaction open.
pub(super) fn check_statement(text: &str, dialect: Dialect) -> Result<()> {
    match control(text, dialect.syntax()) {
        Control::Begin
        | Control::SetAutocommit(false)
        | Control::Commit { chain: true }
        | Control::Rollback { chain: true } => Err(refused(&words(text), dialect)),
        _ => Ok(()),
    }
}

/// Refuses a script that would leave a transaction open at its end.
pub(super) fn check_script(script: &str, dialect: Dialect) -> Result<()> {
    let syntax = dialect.syntax();
    // The names of savepoints are not followed, so there only the session can tell.
    let has_savepoint =
        || texts(script, syntax).any(|text| control(text, syntax) == Control::Savepoint);
    let after = TransactionState::default().after(script, true, syntax);
    if !after.is_open() || has_savepoint() {
        return Ok(());
    }
    Err(refused("a script without its `commit`", dialect))
}

fn words(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().take(3).collect();
    format!("`{}`", words.join(" "))
}

fn refused(what: &str, dialect: Dialect) -> Error {
    Error::configuration(format!(
        "run {what} on a database: each statement there may get another connection of {dialect}, so what follows would \
         not belong to the transaction; use `transaction(…)`, or `pin()` for a connection that is kept"
    ))
}

/// The error for a transaction that was left open where the text did not show it.
pub(super) fn left_open() -> Error {
    Error::configuration(
        "run a statement on a database: it has left a transaction open, which is rolled back now with what was written \
         in it; end it in the same script, or use `transaction(…)` or `pin()`",
    )
}
